//! The HTTP stack under the kube client.
//!
//! As kube's own, with two differences: `TCP_NODELAY` (without it a call through a port-forward
//! takes 44 ms instead of 0.23 ms), and credential plug-ins that never touch the terminal after
//! their first run.

use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::{HeaderValue, Request, Response, StatusCode};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::proxy::{SocksV5, Tunnel};
use hyper_util::client::legacy::{Builder, connect::Connect};
use hyper_util::rt::TokioExecutor;
use kube::client::{Body, ConfigExt};
use kube::{Client, Config};
use tower::{BoxError, ServiceBuilder};

use super::Problem;
use super::diagnose::without_password;
use super::exec::{ExecToken, first_credential};

/// A client for `config`. Runs the credential plug-in, if there is one.
pub(super) async fn build(mut config: Config) -> Result<Client, Problem> {
    // Another part of the process may have installed it before: the same one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    // Actions are never repeated behind the operator's back.
    config.default_retry = false;
    let token = match config.auth_info.exec.take() {
        Some(exec) => first_credential(exec, &mut config.auth_info).await?,
        None => None,
    };
    let mut connector = HttpConnector::new();
    connector.enforce_http(false);
    connector.set_nodelay(true);
    connector.set_connect_timeout(config.connect_timeout);
    connector.set_keepalive(Some(Duration::from_secs(30)));
    let unusable = |error: &dyn std::fmt::Display| Problem {
        what: format!("the kubeconfig's settings can not be used: {error}"),
        fix: "Correct certificate, key or proxy-url of this context.".to_owned(),
    };
    let Some(proxy) = config.proxy_url.clone() else {
        return stack(&config, connector, token).map_err(|error| unusable(&error));
    };
    match proxy.scheme_str() {
        Some("socks5") => stack(&config, SocksV5::new(proxy, connector), token),
        Some("http") => stack(&config, tunnel(&proxy, connector), token),
        Some("https") => config
            .rustls_https_connector_with_connector(connector)
            .and_then(|secure| stack(&config, tunnel(&proxy, secure), token)),
        _ => {
            return Err(Problem {
                what: format!(
                    "the kubeconfig's proxy-url {} has an unknown scheme",
                    without_password(&proxy)
                ),
                fix: "Use http://, https:// or socks5://.".to_owned(),
            });
        }
    }
    .map_err(|error| unusable(&error))
}

/// An HTTP proxy, with the user and password of its address.
fn tunnel<C>(proxy: &http::Uri, connector: C) -> Tunnel<C> {
    let tunnel = Tunnel::new(proxy.clone(), connector);
    let user = proxy
        .authority()
        .and_then(|authority| authority.as_str().rsplit_once('@'));
    let Some((user, _)) = user else { return tunnel };
    // An address holds what is special in it percent-encoded; the header holds it as it is.
    let user = percent_encoding::percent_decode_str(user).collect::<Vec<u8>>();
    let basic = format!("Basic {}", BASE64_STANDARD.encode(user));
    match HeaderValue::from_str(&basic) {
        Ok(mut header) => {
            header.set_sensitive(true);
            tunnel.with_auth(header)
        }
        // Base64 is always a valid header.
        Err(_) => tunnel,
    }
}

fn stack<C>(config: &Config, connector: C, token: Option<ExecToken>) -> Result<Client, kube::Error>
where
    C: tower::Service<http::Uri> + Clone + Send + Sync + 'static,
    C::Response: hyper::rt::Read
        + hyper::rt::Write
        + hyper_util::client::legacy::connect::Connection
        + Send
        + Unpin
        + 'static,
    C::Future: Send + 'static,
    C::Error: std::error::Error + Send + Sync + 'static,
    hyper_rustls::HttpsConnector<C>: Connect,
{
    let namespace = config.default_namespace.clone();
    let https = config.rustls_https_connector_with_connector(connector)?;
    let client: hyper_util::client::legacy::Client<_, Body> =
        Builder::new(TokioExecutor::new()).build(https);
    let expire = token.clone();
    let service = ServiceBuilder::new()
        .layer(config.base_uri_layer())
        .option_layer(config.auth_layer()?)
        .option_layer(token.map(tower::filter::AsyncFilterLayer::new))
        .layer(config.extra_headers_layer()?)
        .map_response(move |response: Response<_>| {
            if response.status() == StatusCode::UNAUTHORIZED
                && let Some(token) = &expire
            {
                token.expire();
            }
            response
        })
        .map_err(BoxError::from)
        .map_request(|request: Request<Body>| request)
        .service(client);
    Ok(Client::new(service, namespace))
}
