//! Free TCP ports on loopback.

use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::time::Duration;

use color_eyre::eyre::{Result, WrapErr as _};

/// Finds that many different ports nobody listens on now. All are held until
/// the last is found, so that none comes up twice.
///
/// # Errors
///
/// When the kernel gives none, for example for want of file handles.
pub(super) fn free(count: usize) -> Result<Vec<u16>> {
    let held = (0..count)
        .map(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))
        .collect::<Result<Vec<_>, _>>()
        .wrap_err_with(|| format!("no {count} free ports on 127.0.0.1"))?;
    held.iter()
        .map(|listener| Ok(listener.local_addr()?.port()))
        .collect::<Result<Vec<_>, std::io::Error>>()
        .wrap_err("a port on 127.0.0.1 has no address")
}

/// Whether somebody accepts connections on this port of 127.0.0.1.
#[must_use]
pub(super) fn answers(port: u16) -> bool {
    let address = (Ipv4Addr::LOCALHOST, port).into();
    TcpStream::connect_timeout(&address, Duration::from_millis(250)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn free_ports_differ_and_nobody_answers() {
        let mut ports = free(20).unwrap();
        assert!(!answers(ports[0]));
        ports.sort_unstable();
        ports.dedup();
        assert_eq!(ports.len(), 20);
    }
}
