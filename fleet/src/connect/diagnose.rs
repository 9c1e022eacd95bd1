//! The usual connection mistakes, each with one sentence and its way out.

use std::error::Error;
use std::io;

use http::Uri;
use kube::client::UpgradeConnectionError;

use super::Problem;

/// What was dialled.
#[derive(Debug, Clone)]
pub(super) struct Target {
    /// The kubeconfig's `server`.
    pub(super) server: Uri,
    /// The kubeconfig's `proxy-url`.
    pub(super) proxy: Option<Uri>,
}

/// What went wrong on a connection that has worked before; `None`: the server ended a watch.
#[must_use]
pub fn api_problem(error: Option<&kube::Error>) -> Problem {
    match error {
        Some(error) => diagnose(error, None),
        None => problem(
            "the API server ended the watch",
            "It is tried again by itself.",
        ),
    }
}

/// What went wrong, where, and what to do.
pub(super) fn diagnose(error: &kube::Error, target: Option<&Target>) -> Problem {
    if let kube::Error::Api(status) = error {
        return from_status(status.code, &status.message);
    }
    if let kube::Error::UpgradeConnection(error) = error {
        return from_upgrade(error);
    }
    let server = target.map_or("the API server".to_owned(), |t| t.server.to_string());
    if let Some(tls) = find::<rustls::Error>(error) {
        return from_tls(tls, &server, target);
    }
    if let Some(problem) = find::<Problem>(error) {
        return problem.clone();
    }
    let io = find::<io::Error>(error);
    let cause = root_cause(error);
    if let Some(proxy) = target.and_then(|target| target.proxy.as_ref())
        && (io.is_some() || is_connect(error))
    {
        return problem(
            &format!(
                "the proxy {} of the kubeconfig can not be used: {cause}",
                without_password(proxy)
            ),
            "Start it (for ssh: `ssh -D PORT HOST`), or remove proxy-url from the kubeconfig.",
        );
    }
    match io.map(io::Error::kind) {
        Some(io::ErrorKind::ConnectionRefused) if target.is_some_and(is_loopback) => problem(
            &format!("nothing listens at {server}, which is this machine"),
            "If the file was copied from a K3s server, put that server's address in its \
             `server:` line in place of 127.0.0.1.",
        ),
        Some(io::ErrorKind::ConnectionRefused) => problem(
            &format!("{server} refuses connections"),
            "Check that K3s runs there (`systemctl status k3s`).",
        ),
        Some(io::ErrorKind::TimedOut) => problem(
            &format!("{server} does not answer"),
            "Check that the machine is up and that no firewall drops the port (K3s: 6443/tcp).",
        ),
        _ if cause.contains("failed to lookup address") || cause.contains("dns error") => problem(
            &format!("the name in {server} can not be resolved: {cause}"),
            "Check the `server:` line of the kubeconfig and this machine's DNS.",
        ),
        _ => problem(
            &format!("{server} can not be reached: {cause}"),
            "Check the `server:` line of the kubeconfig and that K3s runs there.",
        ),
    }
}

fn from_status(code: u16, message: &str) -> Problem {
    match code {
        401 => problem(
            "the API server does not accept these credentials (401 Unauthorized)",
            "They may have expired or be of an earlier installation: copy \
             /etc/rancher/k3s/k3s.yaml from the server anew, or log in again.",
        ),
        403 => problem(
            &format!("the API server refuses: {message}"),
            "Ask the cluster's administrator for this right.",
        ),
        429 | 503 => problem(
            &format!("the API server is busy ({code}): {message}"),
            "It is tried again by itself.",
        ),
        _ => problem(
            &format!("the API server answers {code}: {message}"),
            "It is tried again by itself.",
        ),
    }
}

/// An answer that is no upgrade, though plain requests are answered. A server that refuses says so
/// with a status of its own; what else comes back is somebody's in between.
fn from_upgrade(error: &UpgradeConnectionError) -> Problem {
    match error {
        UpgradeConnectionError::ProtocolSwitch(status) if matches!(status.as_u16(), 401 | 403) => {
            problem(
                &format!("you have no right to this connection ({status})"),
                "Ask the cluster's administrator for get and create on pods/portforward.",
            )
        }
        UpgradeConnectionError::ProtocolSwitch(status)
            if matches!(status.as_u16(), 404 | 429 | 500..=504) =>
        {
            problem(
                &format!("the API server can not open this connection ({status})"),
                "It is tried again by itself.",
            )
        }
        _ => problem(
            "something before the API server, such as a proxy, does not pass WebSockets on",
            "Let it pass `Upgrade: websocket`, or connect to the API server without it.",
        ),
    }
}

fn from_tls(error: &rustls::Error, server: &str, target: Option<&Target>) -> Problem {
    use rustls::CertificateError as Bad;
    let host = target.and_then(|t| t.server.host()).unwrap_or("NAME");
    match error {
        rustls::Error::InvalidCertificate(
            Bad::NotValidForName | Bad::NotValidForNameContext { .. },
        ) => problem(
            &format!("the certificate of {server} does not name {host}"),
            &format!(
                "On the K3s server add `tls-san: [\"{host}\"]` to /etc/rancher/k3s/config.yaml \
                 and restart K3s, or use a name that the certificate has."
            ),
        ),
        rustls::Error::InvalidCertificate(Bad::Expired | Bad::ExpiredContext { .. }) => problem(
            &format!("the certificate of {server} has expired"),
            "Restart K3s there: it renews its certificates when they are near their end.",
        ),
        rustls::Error::InvalidCertificate(Bad::NotValidYet | Bad::NotValidYetContext { .. }) => {
            problem(
                &format!("the certificate of {server} is not valid yet"),
                "Check the clocks of this machine and of the server.",
            )
        }
        rustls::Error::InvalidCertificate(Bad::UnknownIssuer | Bad::BadSignature) => problem(
            &format!("the certificate of {server} is not signed by the kubeconfig's authority"),
            "If K3s was re-installed, copy /etc/rancher/k3s/k3s.yaml from the server anew.",
        ),
        rustls::Error::AlertReceived(alert) if format!("{alert:?}").contains("Certificate") => {
            problem(
                &format!("{server} refuses the client certificate ({alert:?})"),
                "It has expired or is of an earlier installation: restart K3s there and copy \
                 /etc/rancher/k3s/k3s.yaml anew.",
            )
        }
        other => problem(
            &format!("no secure connection to {server}: {other}"),
            "Check that the `server:` line names a Kubernetes API server (https).",
        ),
    }
}

/// The address without user and password.
pub(super) fn without_password(proxy: &Uri) -> String {
    let scheme = proxy.scheme_str().unwrap_or("http");
    let host = proxy.host().unwrap_or_default();
    let port = proxy
        .port()
        .map(|port| format!(":{port}"))
        .unwrap_or_default();
    format!("{scheme}://{host}{port}")
}

fn is_loopback(target: &Target) -> bool {
    let host = target
        .server
        .host()
        .unwrap_or_default()
        .trim_matches(['[', ']']);
    host == "localhost"
        || host
            .parse::<std::net::IpAddr>()
            .is_ok_and(|ip| ip.is_loopback())
}

fn is_connect(error: &kube::Error) -> bool {
    find::<hyper_util::client::legacy::Error>(error)
        .is_some_and(hyper_util::client::legacy::Error::is_connect)
}

/// The first error of type `T` in the chain; `io::Error`s are looked into.
fn find<'a, T: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a T> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(found) = error.downcast_ref::<T>() {
            return Some(found);
        }
        if let Some(inner) = error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref)
            && let Some(found) = find::<T>(inner)
        {
            return Some(found);
        }
        cause = error.source();
    }
    None
}

fn root_cause(error: &kube::Error) -> String {
    let mut cause: &dyn Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

fn problem(what: &str, fix: &str) -> Problem {
    Problem {
        what: what.to_owned(),
        fix: fix.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use rustls::{AlertDescription, CertificateError};

    use super::*;

    fn target(server: &str, proxy: Option<&str>) -> Target {
        let proxy = proxy.map(|proxy| proxy.parse().unwrap());
        Target {
            server: server.parse().unwrap(),
            proxy,
        }
    }

    fn io(error: impl Into<io::Error>) -> kube::Error {
        kube::Error::Service(Box::new(error.into()))
    }

    fn tls(error: rustls::Error) -> kube::Error {
        io(io::Error::new(io::ErrorKind::InvalidData, error))
    }

    #[rstest]
    #[case("https://127.0.0.1:6443", "put that server's address")]
    #[case("https://localhost:6443", "put that server's address")]
    #[case("https://[::1]:6443", "put that server's address")]
    #[case("https://10.0.0.5:6443", "systemctl status k3s")]
    fn refused(#[case] server: &str, #[case] advice: &str) {
        let error = io(io::ErrorKind::ConnectionRefused);
        let said = diagnose(&error, Some(&target(server, None)));
        assert!(said.fix.contains(advice), "{said}");
    }

    #[rstest]
    #[case(
        rustls::Error::InvalidCertificate(CertificateError::NotValidForName),
        "tls-san"
    )]
    #[case(
        rustls::Error::InvalidCertificate(CertificateError::Expired),
        "Restart K3s"
    )]
    #[case(
        rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer),
        "k3s.yaml"
    )]
    #[case(
        rustls::Error::AlertReceived(AlertDescription::CertificateExpired),
        "k3s.yaml anew"
    )]
    fn certificates(#[case] error: rustls::Error, #[case] advice: &str) {
        let said = diagnose(&tls(error), Some(&target("https://rig.lab:6443", None)));
        assert!(said.fix.contains(advice), "{said}");
        assert!(said.what.contains("rig.lab"), "{said}");
    }

    #[rstest]
    #[case(
        UpgradeConnectionError::ProtocolSwitch(http::StatusCode::OK),
        "WebSockets"
    )]
    #[case(UpgradeConnectionError::MissingUpgradeWebSocketHeader, "WebSockets")]
    #[case(
        UpgradeConnectionError::ProtocolSwitch(http::StatusCode::FORBIDDEN),
        "no right"
    )]
    #[case(
        UpgradeConnectionError::ProtocolSwitch(http::StatusCode::BAD_GATEWAY),
        "can not open"
    )]
    fn broken_upgrades_are_told_from_refusals(
        #[case] error: UpgradeConnectionError,
        #[case] words: &str,
    ) {
        let said = diagnose(&kube::Error::UpgradeConnection(error), None);
        assert!(said.what.contains(words), "{said}");
    }

    #[test]
    fn a_dead_proxy_is_named() {
        let target = target(
            "https://10.0.0.5:6443",
            Some("socks5://bob:s3cret@127.0.0.1:1080"),
        );
        let said = diagnose(&io(io::ErrorKind::ConnectionRefused), Some(&target));
        assert!(said.what.contains("socks5://127.0.0.1:1080"), "{said}");
        assert!(!said.to_string().contains("s3cret"), "{said}");
    }

    #[test]
    fn a_refused_credential_says_how_to_get_a_new_one() {
        let status = kube::core::Status {
            code: 401,
            ..Default::default()
        };
        let said = diagnose(&kube::Error::Api(Box::new(status)), None);
        assert!(
            said.what.contains("401") && said.fix.contains("k3s.yaml"),
            "{said}"
        );
    }
}
