//! Which pages may open a socket: those of the server's own host, and those that the operator names.
//!
//! Browsers send a page's origin with every WebSocket request and let no page change it
//! ([RFC 6455, 10.2](https://www.rfc-editor.org/rfc/rfc6455#section-10.2)). They do send cookies along,
//! so without this check any site could open a socket in the name of its visitor.

use std::fmt;

use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, header};

/// Where the page that sends a request is, seen from what the request is for, as a
/// [browser](https://www.w3.org/TR/fetch-metadata/#sec-fetch-site-header) says it.
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// A page of another origin.
#[derive(Debug)]
pub(crate) struct OriginRefused {
    origin: String,
    host: String,
}

impl fmt::Display for OriginRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { origin, host } = self;
        write!(
            f,
            "A page of {origin:?} may not open a live socket on the host {host:?}. \
             If it should, name it with Config::with_allowed_origin({origin:?}); \
             behind a proxy, have the proxy pass the Host header on."
        )
    }
}

/// Checks the request's origin. One without any is not from a browser's page, and passes.
pub(crate) fn check_origin(parts: &Parts, allowed: &[String]) -> Result<(), OriginRefused> {
    let site = text(&parts.headers, &SEC_FETCH_SITE);
    let is_elsewhere = site.is_some_and(|site| site == "cross-site");
    let origin = match text(&parts.headers, &header::ORIGIN) {
        Some(origin) => origin,
        None if is_elsewhere => "another site".to_owned(),
        None => return Ok(()),
    };
    let host = text(&parts.headers, &header::HOST)
        .or_else(|| parts.uri.authority().map(|authority| authority.as_str().to_owned()))
        .unwrap_or_default();
    let is_own = origin.split_once("://").is_some_and(|(scheme, authority)| {
        !authority.is_empty()
            && without_default_port(scheme, authority) == without_default_port(scheme, &host)
    });
    // A browser knows what it was asked for, whatever a proxy has made of `Host` since.
    if is_own && !is_elsewhere
        || allowed.iter().any(|allowed| allowed.trim_end_matches('/').eq_ignore_ascii_case(&origin))
    {
        return Ok(());
    }
    Err(OriginRefused { origin, host })
}

/// A header as text; one that is given twice or isn't text equals no host.
fn text(headers: &HeaderMap, name: &header::HeaderName) -> Option<String> {
    let mut values = headers.get_all(name).iter();
    let first = values.next()?;
    if values.next().is_some() {
        return Some("several".to_owned());
    }
    Some(String::from_utf8_lossy(first.as_bytes()).into_owned())
}

fn without_default_port(scheme: &str, authority: &str) -> String {
    let authority = authority.to_ascii_lowercase();
    let port = match scheme {
        "http" => ":80",
        "https" => ":443",
        _ => return authority,
    };
    authority.strip_suffix(port).map(str::to_owned).unwrap_or(authority)
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    #[track_caller]
    fn check(origin: Option<&str>, host: &str, is_taken: bool) {
        let mut request = Request::builder().uri("/lightspeed/socket").header("host", host);
        if let Some(origin) = origin {
            request = request.header("origin", origin);
        }
        let (parts, ()) = request.body(()).expect("a request").into_parts();
        let allowed = ["https://www.example.com".to_owned(), "http://localhost:5173/".to_owned()];
        assert_eq!(check_origin(&parts, &allowed).is_ok(), is_taken, "{origin:?} on {host:?}");
    }

    #[test]
    fn only_the_own_host_and_the_named_origins_pass() {
        check(None, "example.com", true);
        check(Some("https://example.com"), "example.com", true);
        check(Some("https://EXAMPLE.com"), "example.com:443", true);
        check(Some("http://example.com"), "example.com:80", true);
        check(Some("http://127.0.0.1:3000"), "127.0.0.1:3000", true);
        check(Some("http://[::1]:3000"), "[::1]:3000", true);
        check(Some("https://www.example.com"), "10.0.0.1:8080", true);
        check(Some("http://localhost:5173"), "127.0.0.1:3000", true);

        check(Some("http://127.0.0.1:3001"), "127.0.0.1:3000", false);
        check(Some("https://evil.com"), "example.com", false);
        check(Some("https://example.com.evil.com"), "example.com", false);
        check(Some("https://evil-example.com"), "example.com", false);
        check(Some("http://www.example.com"), "10.0.0.1:8080", false);
        check(Some("https://example.com:80"), "example.com", false);
        check(Some("null"), "example.com", false);
        check(Some(""), "", false);
        check(Some("://"), "", false);
    }

    #[test]
    fn a_browser_that_knows_better_is_believed() {
        let check = |origin: Option<&str>, site: &str, is_taken: bool| {
            let mut request = Request::builder().header("host", "example.com").header("sec-fetch-site", site);
            if let Some(origin) = origin {
                request = request.header("origin", origin);
            }
            let (parts, ()) = request.body(()).expect("a request").into_parts();
            let allowed = ["https://www.example.org".to_owned()];
            assert_eq!(check_origin(&parts, &allowed).is_ok(), is_taken, "{origin:?} {site}");
        };
        check(Some("https://example.com"), "same-origin", true);
        check(Some("https://example.com"), "cross-site", false);
        check(Some("https://www.example.org"), "cross-site", true);
        check(None, "cross-site", false);
        check(None, "same-origin", true);
        check(None, "none", true);
    }

    #[test]
    fn two_origins_are_none() {
        let request =
            Request::builder().header("host", "a").header("origin", "http://a").header("origin", "http://a");
        let (parts, ()) = request.body(()).expect("a request").into_parts();
        assert!(check_origin(&parts, &[]).is_err());
    }
}
