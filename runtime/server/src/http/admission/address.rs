//! What address a request is counted under.
//!
//! The connection's, unless a proxy that the operator has named passes the request on: then the right-most address of
//! the header that is no such proxy. Whatever a stranger writes into the header stands to the left of the address
//! that the proxy has seen, or comes over a connection of their own and isn't read at all.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::Once;

use axum::extract::ConnectInfo;
use axum::http::header::HeaderMap;
use axum::http::request::Parts;
use ipnet::IpNet;

use crate::config::Config;

/// All whose address isn't known, together.
pub(crate) const UNKNOWN: IpAddr = IpAddr::V6(Ipv6Addr::UNSPECIFIED);

/// The address that the request with this head is counted under.
pub(crate) fn of(config: &Config, head: &Parts) -> IpAddr {
    let connection = head.extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip().to_canonical());
    // Without named proxies, what the operator's own function reads is theirs to know.
    let is_trusted = connection.is_some_and(|ip| is_any(&config.trusted_proxies, ip));
    let is_own = config.client_ip.is_some() && (is_trusted || config.trusted_proxies.is_empty());
    let told = match &config.client_ip {
        Some(client_ip) if is_own => client_ip(head),
        None if is_trusted => forwarded(&head.headers, &config.client_ip_header, &config.trusted_proxies),
        _ => None,
    };
    told.or(connection).map_or_else(
        || {
            warn_unknown();
            UNKNOWN
        },
        network,
    )
}

fn warn_unknown() {
    static WARNED: Once = Once::new();
    WARNED.call_once(|| {
        tracing::warn!(
            "the address of a request is not known, and all such requests are counted as one: serve the \
             application with `lightspeed::serve` or `into_make_service_with_connect_info::<SocketAddr>()`, \
             or set `Config::with_client_ip`"
        );
    });
}

/// What an address is counted as: itself, or of version 6 its first 64 bits, since each customer is given
/// as many addresses as have those in common, or more.
pub(crate) fn network(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V6(ip) => Ipv6Addr::from_bits(ip.to_bits() >> 64 << 64).into(),
        ip @ IpAddr::V4(_) => ip,
    }
}

pub(crate) fn is_any(networks: &[IpNet], ip: IpAddr) -> bool {
    let ip = ip.to_canonical();
    networks.iter().any(|network| network.contains(&ip))
}

/// The right-most address of the header's lines that is none of the proxies. `None` when the header isn't there, or
/// holds something else than an address there.
fn forwarded(headers: &HeaderMap, name: &str, proxies: &[IpNet]) -> Option<IpAddr> {
    let is_forwarded = name.eq_ignore_ascii_case("forwarded");
    let lines: Vec<_> = headers.get_all(name).iter().collect();
    let entries = lines.iter().rev().flat_map(|line| line.as_bytes().rsplit(|byte| *byte == b','));
    let mut last = None;
    for entry in entries {
        let entry = std::str::from_utf8(entry).ok()?;
        let ip = if is_forwarded { forwarded_for(entry)? } else { address(entry)? };
        if !is_any(proxies, ip) {
            return Some(ip);
        }
        last = Some(ip);
    }
    // Proxies all the way: the request is the first one's own.
    last
}

/// The `for` of an entry of [RFC 7239](https://www.rfc-editor.org/rfc/rfc7239#section-4).
fn forwarded_for(entry: &str) -> Option<IpAddr> {
    entry.split(';').find_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        if name.trim().eq_ignore_ascii_case("for") { address(value) } else { None }
    })
}

/// An address, with or without a port, brackets and quotes.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim().trim_matches('"');
    if let Ok(ip) = text.parse() {
        return Some(IpAddr::to_canonical(&ip));
    }
    if let Ok(socket) = text.parse::<SocketAddr>() {
        return Some(socket.ip().to_canonical());
    }
    let ip = text.strip_prefix('[')?.strip_suffix(']')?.parse::<Ipv6Addr>().ok()?;
    Some(IpAddr::V6(ip).to_canonical())
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    #[track_caller]
    fn check(config: &Config, connection: Option<&str>, headers: &[(&str, &str)], expected: &str) {
        let mut request = Request::builder();
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (mut parts, ()) = request.body(()).expect("a request").into_parts();
        if let Some(connection) = connection {
            let ip: IpAddr = connection.parse().expect("an address");
            parts.extensions.insert(ConnectInfo(SocketAddr::from((ip, 9))));
        }
        assert_eq!(of(config, &parts).to_string(), expected, "{connection:?} {headers:?}");
    }

    #[test]
    fn the_connection_counts_and_what_a_stranger_writes_does_not() {
        let plain = Config::default();
        let proxied = Config::default().with_trusted_proxies(["10.0.0.0/8"]);
        for config in [&plain, &proxied] {
            for forged in ["192.0.2.1", "10.0.0.1", "garbage", "", "192.0.2.1, 10.0.0.1"] {
                for name in ["x-forwarded-for", "forwarded", "x-real-ip"] {
                    check(config, Some("198.51.100.7"), &[(name, forged)], "198.51.100.7");
                }
            }
        }
        // Of a proxy that isn't named, the proxy counts.
        check(&plain, Some("10.0.0.1"), &[("x-forwarded-for", "192.0.2.1")], "10.0.0.1");
    }

    #[test]
    fn of_a_named_proxy_the_right_most_stranger_counts() {
        let config = Config::default().with_trusted_proxies(["10.0.0.0/8", "::1", "fd00::/8"]);
        let via = |value: &str, expected: &str| {
            check(&config, Some("10.0.0.1"), &[("x-forwarded-for", value)], expected);
        };
        via("192.0.2.1", "192.0.2.1");
        via("192.0.2.1:4711", "192.0.2.1");
        via("203.0.113.9, 192.0.2.1", "192.0.2.1");
        via("203.0.113.9, 192.0.2.1, 10.0.0.2", "192.0.2.1");
        via("203.0.113.9,192.0.2.1,fd00::2,10.0.0.2", "192.0.2.1");
        via("garbage, 192.0.2.1", "192.0.2.1");
        via("2001:db8:1:2:3::4", "2001:db8:1:2::");
        via("[2001:db8:1:2:3::4]:443", "2001:db8:1:2::");
        via("::ffff:192.0.2.1", "192.0.2.1");
        via("10.0.0.3, 10.0.0.2", "10.0.0.3");
        // What can't be read is no reason to count nobody.
        for broken in ["", "garbage", "192.0.2.1, garbage", "unknown", "192.0.2.1,", "1.2.3", "\u{fc}"] {
            via(broken, "10.0.0.1");
        }
        check(&config, Some("10.0.0.1"), &[], "10.0.0.1");
        check(&config, Some("::ffff:10.0.0.1"), &[("x-forwarded-for", "192.0.2.1")], "192.0.2.1");
        check(&config, Some("::1"), &[("x-forwarded-for", "192.0.2.1")], "192.0.2.1");
        // Lines are one list.
        let lines = [("x-forwarded-for", "203.0.113.9"), ("x-forwarded-for", "192.0.2.1, 10.0.0.2")];
        check(&config, Some("10.0.0.1"), &lines, "192.0.2.1");
        // A header that the proxy doesn't set, and passes on as it came.
        check(&config, Some("10.0.0.1"), &[("forwarded", "for=192.0.2.1")], "10.0.0.1");
    }

    #[test]
    fn another_header_can_be_named() {
        let config = Config::default().with_trusted_proxies(["10.0.0.1"]);
        let standard = config.clone().with_client_ip_header("forwarded");
        for (value, expected) in [
            ("for=192.0.2.1", "192.0.2.1"),
            ("for=203.0.113.9, For=\"192.0.2.1:80\";proto=https;by=10.0.0.1", "192.0.2.1"),
            ("proto=https;for=\"[2001:db8:1:2:3::4]:80\"", "2001:db8:1:2::"),
            ("for=unknown", "10.0.0.1"),
            ("for=_hidden", "10.0.0.1"),
            ("proto=https", "10.0.0.1"),
        ] {
            check(&standard, Some("10.0.0.1"), &[("forwarded", value)], expected);
        }
        let real = config.with_client_ip_header("X-Real-IP");
        check(&real, Some("10.0.0.1"), &[("x-real-ip", "192.0.2.1")], "192.0.2.1");
        check(&real, Some("10.0.0.1"), &[("x-forwarded-for", "192.0.2.1")], "10.0.0.1");
        check(&real, Some("10.0.0.2"), &[("x-real-ip", "192.0.2.1")], "10.0.0.2");
    }

    #[test]
    fn a_function_that_finds_nothing_leaves_the_connection() {
        let read = |parts: &Parts| parts.headers.get("x-real-ip")?.to_str().ok()?.parse().ok();
        let config = Config::default().with_client_ip(read);
        check(&config, Some("10.0.0.1"), &[("x-real-ip", "192.0.2.1")], "192.0.2.1");
        check(&config, Some("10.0.0.1"), &[("x-real-ip", "forged")], "10.0.0.1");
        check(&config, Some("10.0.0.1"), &[], "10.0.0.1");
        check(&config, None, &[], "::");
        check(&config, None, &[("x-real-ip", "192.0.2.1")], "192.0.2.1");
        // Named proxies bind it too.
        let config = config.with_trusted_proxies(["10.0.0.1"]);
        check(&config, Some("10.0.0.1"), &[("x-real-ip", "192.0.2.1")], "192.0.2.1");
        check(&config, Some("10.0.0.2"), &[("x-real-ip", "192.0.2.1")], "10.0.0.2");
    }

    #[test]
    fn whose_address_is_not_known_is_counted_with_all_such() {
        check(&Config::default(), None, &[], "::");
        check(&Config::default(), None, &[("x-forwarded-for", "192.0.2.1")], "::");
    }
}
