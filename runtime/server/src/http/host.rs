//! Which host a request is for, and whether this server answers for it.
//!
//! A page of `evil.example` can have its own name lead to an address that only its visitor reaches, as that
//! of a server on the visitor's machine, and is of that server's origin then (DNS rebinding). The name that
//! the browser was asked for stays in the request, and gives it away.
//!
//! `X-Forwarded-Host` isn't looked at: anybody may send it. If named proxies are ever to speak for
//! their clients, [`claimed`] is the one place to change.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::Request;
use axum::http::request::Parts;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::config::Config;

/// The hosts that a server answers for.
#[derive(Debug, Clone)]
pub(crate) struct Hosts {
    /// In lower case. `.example.com` is it and all below it, `*` any.
    named: Arc<[String]>,
}

/// Why a request is answered by nobody here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum HostRefused {
    /// None, several, or one that isn't a host.
    Malformed,
    /// One that the server doesn't answer for.
    Foreign(String),
}

impl HostRefused {
    pub(crate) const fn status(&self) -> StatusCode {
        match self {
            Self::Malformed => StatusCode::BAD_REQUEST,
            Self::Foreign(_) => StatusCode::MISDIRECTED_REQUEST,
        }
    }
}

impl fmt::Display for HostRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed => {
                f.write_str("The request names no host, or several: it needs one `Host` header.")
            }
            Self::Foreign(host) => write!(
                f,
                "This server doesn't answer for the host {host:?}. If it should, name the host with \
                 Config::with_hosts([{host:?}]); behind a proxy, have the proxy pass the Host header on."
            ),
        }
    }
}

impl IntoResponse for HostRefused {
    fn into_response(self) -> Response {
        (self.status(), [(header::CACHE_CONTROL, "no-store")], self.to_string()).into_response()
    }
}

impl Hosts {
    /// Those that the operator has named, by themselves or in the origin of a page that may open a socket.
    pub(crate) fn of(config: &Config) -> Self {
        let origins = config.allowed_origins.iter().filter_map(|origin| {
            let (_, authority) = origin.split_once("://")?;
            Some(name_of(&authority.trim_end_matches('/').parse().ok()?))
        });
        let named = config.hosts.iter().map(|host| normal(host));
        Self { named: named.chain(origins).collect() }
    }

    /// Whether a request with these headers, for this URI, is for a host that is answered for.
    ///
    /// One that names none passes: no browser sends it.
    pub(crate) fn check(&self, headers: &HeaderMap, uri: &Uri) -> Result<(), HostRefused> {
        match claimed(headers, uri)? {
            Some(authority) if !self.knows(&name_of(&authority)) => {
                Err(HostRefused::Foreign(authority.to_string()))
            }
            _ => Ok(()),
        }
    }

    fn knows(&self, name: &str) -> bool {
        is_never_foreign(name)
            || self.named.iter().any(|known| match known.strip_prefix('.') {
                Some(domain) => {
                    let below = name.strip_suffix(domain);
                    below.is_some_and(|below| below.is_empty() || below.ends_with('.'))
                }
                None => known == "*" || known == name,
            })
    }
}

/// A name that nobody elsewhere can have lead to this server: an address, for which no name is asked; a name that each
/// machine has for itself; one without a dot, which the public DNS gives to nobody.
fn is_never_foreign(name: &str) -> bool {
    let address = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
    address.parse::<IpAddr>().is_ok() || !name.contains('.') || name.ends_with(".localhost")
}

/// The host that a request names: in its target, or in its `Host` header, where both are the same if both are there.
pub(crate) fn claimed(headers: &HeaderMap, uri: &Uri) -> Result<Option<Authority>, HostRefused> {
    let mut values = headers.get_all(header::HOST).iter();
    let first = values.next();
    if values.next().is_some() {
        return Err(HostRefused::Malformed);
    }
    let parse = |bytes: &[u8]| {
        let authority = Authority::try_from(bytes).ok();
        // A host has no user, and something before its port.
        authority.filter(|authority| !authority.as_str().contains('@') && !authority.host().is_empty())
    };
    let in_target =
        uri.authority().map(|authority| parse(authority.as_str().as_bytes()).ok_or(HostRefused::Malformed));
    let in_header = first.map(|value| parse(value.as_bytes()).ok_or(HostRefused::Malformed));
    match (in_target.transpose()?, in_header.transpose()?) {
        (Some(target), Some(header)) if !target.as_str().eq_ignore_ascii_case(header.as_str()) => {
            Err(HostRefused::Malformed)
        }
        (target, header) => Ok(target.or(header)),
    }
}

fn name_of(authority: &Authority) -> String {
    normal(authority.host())
}

/// Names are the same in either case, and with the dot of the root behind them.
fn normal(name: &str) -> String {
    name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase()
}

/// Answers requests for other hosts.
pub(crate) async fn guard(hosts: Hosts, request: Request, next: Next) -> Response {
    match hosts.check(request.headers(), request.uri()) {
        Ok(()) => next.run(request).await,
        Err(refused) => {
            tracing::warn!(path = request.uri().path(), reason = %refused, "request refused");
            refused.into_response()
        }
    }
}

/// The same for a page that is being made.
pub(crate) fn check_page(config: &Config, head: &Parts) -> Result<(), HostRefused> {
    Hosts::of(config).check(&head.headers, &head.uri)
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    #[track_caller]
    fn check(config: &Config, target: &str, hosts: &[&str], status: Option<u16>) {
        let mut request = Request::builder().uri(target);
        for host in hosts {
            request = request.header("host", *host);
        }
        let (parts, ()) = request.body(()).expect("a request").into_parts();
        let refused = Hosts::of(config).check(&parts.headers, &parts.uri).err();
        assert_eq!(refused.map(|refused| refused.status().as_u16()), status, "{target} on {hosts:?}");
    }

    #[test]
    fn without_a_list_only_hosts_pass_that_nobody_elsewhere_can_have_lead_here() {
        let config = Config::default();
        let own = [
            "127.0.0.1",
            "127.0.0.1:3000",
            "192.168.1.20:80",
            "[::1]",
            "[::1]:3000",
            "[2001:DB8::1]:1",
            "localhost",
        ];
        for host in
            own.into_iter().chain(["LOCALHOST:3000", "localhost.", "app.localhost:3000", "gallery:8080", "a"])
        {
            check(&config, "/", &[host], None);
        }
        let foreign = [
            "evil.example",
            "EVIL.example:3000",
            "evil.example.",
            "127.0.0.1.evil.example",
            "localhost.evil.example",
        ];
        for host in foreign.into_iter().chain([
            "notlocalhost.example",
            "127.1",
            "0x7f.0.0.1",
            "127.0.0.1.nip.io:3000",
        ]) {
            check(&config, "/", &[host], Some(421));
        }
    }

    #[test]
    fn the_list_names_hosts_and_whole_domains() {
        let config = Config::default()
            .with_hosts(["Shop.example", ".example.org."])
            .with_allowed_origin("https://www.shop.example:8443/");
        for host in [
            "shop.example",
            "SHOP.EXAMPLE:443",
            "shop.example.",
            "example.org",
            "a.b.example.org",
            "www.shop.example",
        ] {
            check(&config, "/", &[host], None);
        }
        for host in ["a.shop.example", "evilshop.example", "evilexample.org", "example.org.evil.example"] {
            check(&config, "/", &[host], Some(421));
        }
        check(&Config::default().with_hosts(["*"]), "/", &["anything.example"], None);
    }

    #[test]
    fn one_host_is_named_and_no_more() {
        let config = Config::default();
        // HTTP/1.0, a request without a host.
        check(&config, "/", &[], None);
        check(&config, "/", &["localhost", "localhost"], Some(400));
        check(&config, "/", &["localhost", "evil.example"], Some(400));
        for host in ["", ":80", "a b", "user@localhost", "localhost/", "http://localhost"] {
            check(&config, "/", &[host], Some(400));
        }
        // The absolute form of a target names the host too.
        check(&config, "http://localhost/", &["localhost"], None);
        check(&config, "http://localhost/", &[], None);
        check(&config, "http://evil.example/", &[], Some(421));
        check(&config, "http://evil.example/", &["evil.example"], Some(421));
        check(&config, "http://evil.example/", &["localhost"], Some(400));
        check(&config, "http://localhost/", &["evil.example"], Some(400));
    }
}
