//! Leads a port of this machine's loopback to a port of the node's own.
//!
//! Nothing inside the node's network namespace can be reached from outside. The relay listens
//! outside; each connection gets a thread that enters the namespace, connects there and copies.

use std::io;
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use color_eyre::eyre::{Result, WrapErr as _, bail};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use super::machine;

/// The API server's port in the node.
const API_PORT: u16 = 6443;
/// Most connections at a time; one more is closed at once.
const MOST: usize = 512;
/// A node that is switched off refuses at once; this is for one that hangs.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);

/// Listens on `port` for the node in the cluster's folder `dir`, until it is killed.
pub(super) fn run(dir: &Path, port: u16) -> Result<()> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let listener =
        TcpListener::bind(address).wrap_err_with(|| format!("cannot listen on {address}"))?;
    let dir: Arc<Path> = Arc::from(dir);
    let open = Arc::new(AtomicUsize::new(0));
    for outside in listener.incoming().flatten() {
        if open.fetch_add(1, Ordering::Relaxed) >= MOST {
            open.fetch_sub(1, Ordering::Relaxed);
            continue;
        }
        let (dir, open) = (Arc::clone(&dir), Arc::clone(&open));
        std::thread::spawn(move || {
            // Both ends are closed then, which is all that a client can be told.
            let _ = connect(&dir).and_then(|inside| copy_both(&outside, &inside));
            open.fetch_sub(1, Ordering::Relaxed);
        });
    }
    bail!("the relay's socket does not listen any more")
}

/// Connects to the API server inside; this thread stays in the node's network.
fn connect(dir: &Path) -> Result<TcpStream> {
    enter_network(&network_of(machine::first_process(dir)?.pid))?;
    let address = (Ipv4Addr::LOCALHOST, API_PORT).into();
    Ok(TcpStream::connect_timeout(&address, CONNECT_WITHIN)?)
}

/// Where the kernel shows the network namespace of a process.
#[must_use]
pub fn network_of(pid: u32) -> PathBuf {
    PathBuf::from(format!("/proc/{pid}/ns/net"))
}

/// Moves the calling thread, and no other, into a network namespace. Sockets that it has opened
/// before stay where they are.
///
/// # Errors
///
/// When the namespace is gone, or the process may not enter it.
pub fn enter_network(namespace: &Path) -> Result<()> {
    let file = std::fs::File::open(namespace)
        .wrap_err_with(|| format!("cannot open {}", namespace.display()))?;
    move_into_link_name_space(file.as_fd(), Some(LinkNameSpaceType::Network))
        .wrap_err_with(|| format!("cannot enter {}", namespace.display()))
}

/// Copies until both directions have ended.
fn copy_both(outside: &TcpStream, inside: &TcpStream) -> Result<()> {
    outside.set_nodelay(true)?;
    inside.set_nodelay(true)?;
    std::thread::scope(|scope| {
        scope.spawn(|| copy(inside, outside));
        copy(outside, inside);
    });
    Ok(())
}

/// Copies one direction; its end is passed on, a failure ends both.
fn copy(mut from: &TcpStream, mut to: &TcpStream) {
    let how = if io::copy(&mut from, &mut to).is_ok() {
        Shutdown::Write
    } else {
        let _ = from.shutdown(Shutdown::Both);
        Shutdown::Both
    };
    // Fails only for a connection that is gone already.
    let _ = to.shutdown(how);
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};

    use super::*;

    fn pair() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let near = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        (near, listener.accept().unwrap().0)
    }

    #[test]
    fn each_direction_ends_by_itself() {
        let (mut client, outside) = pair();
        let (inside, mut server) = pair();
        let copying = std::thread::spawn(move || copy_both(&outside, &inside).unwrap());
        client.write_all(b"question").unwrap();
        client.shutdown(Shutdown::Write).unwrap();
        let mut text = String::new();
        server.read_to_string(&mut text).unwrap();
        assert_eq!(text, "question");
        server.write_all(b"answer").unwrap();
        drop(server);
        text.clear();
        client.read_to_string(&mut text).unwrap();
        assert_eq!(text, "answer");
        copying.join().unwrap();
    }
}
