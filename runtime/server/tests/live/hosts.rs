//! For whom the server answers: its hosts, who may frame its pages, who may keep them. Over raw HTTP.

use axum::extract::State;
use axum::http::request::Parts;
use axum::response::Html;
use axum::routing::get;
use lightspeed::{Config, MountError, Runtime};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::common::{Counter, Log, Response, TestServer};

/// What a head, written as it is but for the line that ends it, is answered.
async fn ask(server: &TestServer, head: &str) -> Response {
    let mut stream = TcpStream::connect(server.addr).await.unwrap();
    stream.write_all(format!("{head}\r\n").as_bytes()).await.unwrap();
    let mut bytes = Vec::new();
    // A socket stays open: its head is all that counts.
    while !bytes.windows(4).any(|window| window == b"\r\n\r\n") {
        if stream.read_buf(&mut bytes).await.unwrap() == 0 {
            break;
        }
    }
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n").expect("a head");
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let mut body = bytes[end + 4..].to_vec();
    let answer = Response { head, body: Vec::new() };
    let length = answer.header("content-length").map_or(0, |length| length.parse().unwrap());
    while body.len() < length && stream.read_buf(&mut body).await.unwrap() > 0 {}
    Response { body, ..answer }
}

const UPGRADE: &str =
    "upgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n";

/// The statuses of a page, a file of the client and a socket, asked for with these headers.
async fn statuses(server: &TestServer, headers: &str) -> [u16; 3] {
    let file = {
        let page = server.get("/").await;
        page.text().split('"').find(|part| part.ends_with("/client.js")).unwrap().to_owned()
    };
    let page = ask(server, &format!("GET / HTTP/1.1\r\nconnection: close\r\n{headers}")).await;
    let file = ask(server, &format!("GET {file} HTTP/1.1\r\nconnection: close\r\n{headers}")).await;
    let socket = format!("GET /lightspeed/socket HTTP/1.1\r\nconnection: upgrade\r\n{UPGRADE}{headers}");
    [page.status(), file.status(), ask(server, &socket).await.status()]
}

#[tokio::test]
async fn a_name_that_leads_here_and_is_not_ours_is_answered_nothing() {
    let (log, _guard) = Log::start();
    let server = TestServer::start().await;
    let port = server.addr.port();
    for own in ["127.0.0.1", "localhost", "LOCALHOST.", "[::1]", "192.168.1.7", "app.localhost"] {
        let headers = format!("host: {own}:{port}\r\norigin: http://{own}:{port}\r\n");
        assert_eq!(statuses(&server, &headers).await, [200, 200, 101], "{own}");
    }
    for foreign in ["evil.example", "EVIL.example.", "127.0.0.1.evil.example", "localhost.evil.example"] {
        let headers = format!("host: {foreign}:{port}\r\norigin: http://{foreign}:{port}\r\n");
        assert_eq!(statuses(&server, &headers).await, [421; 3], "{foreign}");
    }
    let page = ask(&server, "GET / HTTP/1.1\r\nhost: evil.example\r\nconnection: close\r\n").await;
    assert!(
        page.text().contains("evil.example") && page.text().contains("Config::with_hosts"),
        "{}",
        page.text()
    );
    assert!(
        log.lines("Config::with_hosts")[0].contains("evil.example"),
        "the log names the host and the setting"
    );
    let forwarded = "host: 127.0.0.1\r\nx-forwarded-host: evil.example\r\n";
    assert_eq!(statuses(&server, forwarded).await, [200, 200, 101], "anybody may say so");
    let forwarded = "host: evil.example\r\nx-forwarded-host: 127.0.0.1\r\n";
    assert_eq!(statuses(&server, forwarded).await, [421; 3], "anybody may say so");
}

#[tokio::test]
async fn the_operator_names_hosts() {
    let config = Config::default().with_hosts(["shop.example", ".example.org"]);
    let server = TestServer::with(config.with_allowed_origin("https://www.example.net")).await;
    for own in
        ["shop.example", "Shop.Example:443", "a.example.org", "example.org.", "www.example.net", "127.0.0.1"]
    {
        let (host, _) = own.split_once(':').unwrap_or((own, ""));
        let headers = format!("host: {own}\r\norigin: https://{host}\r\n");
        assert_eq!(statuses(&server, &headers).await, [200, 200, 101], "{own}");
    }
    let elsewhere = "host: a.shop.example\r\norigin: https://a.shop.example\r\n";
    assert_eq!(statuses(&server, elsewhere).await, [421; 3]);
}

#[tokio::test]
async fn one_host_is_named_and_no_more() {
    let server = TestServer::start().await;
    for none in ["", "host:\r\n", "host: a\r\nhost: a\r\n", "host: a@localhost\r\n", "host: a b\r\n"] {
        assert_eq!(statuses(&server, none).await, [400; 3], "{none:?}");
    }
    let close = "connection: close\r\n";
    let status = async |head: String| ask(&server, &(head + close)).await.status();
    assert_eq!(status("GET / HTTP/1.0\r\n".to_owned()).await, 200, "no browser sends it");
    assert_eq!(status("GET / HTTP/1.0\r\nhost: evil.example\r\n".to_owned()).await, 421);
    assert_eq!(status("GET http://localhost/ HTTP/1.1\r\nhost: localhost\r\n".to_owned()).await, 200);
    assert_eq!(status("GET http://evil.example/ HTTP/1.1\r\nhost: evil.example\r\n".to_owned()).await, 421);
    assert_eq!(status("GET http://evil.example/ HTTP/1.1\r\nhost: localhost\r\n".to_owned()).await, 400);
    assert_eq!(status("GET http://localhost/ HTTP/1.1\r\nhost: evil.example\r\n".to_owned()).await, 400);
}

#[tokio::test]
async fn a_browser_that_says_that_the_page_is_elsewhere_is_believed() {
    let server = TestServer::start().await;
    let own = format!("host: {0}\r\norigin: http://{0}\r\n", server.addr);
    for (site, status) in [("same-origin", 101), ("none", 101), ("cross-site", 403)] {
        assert_eq!(statuses(&server, &format!("{own}sec-fetch-site: {site}\r\n")).await[2], status, "{site}");
    }
    let without = format!("host: {}\r\nsec-fetch-site: cross-site\r\n", server.addr);
    assert_eq!(statuses(&server, &without).await[2], 403);
}

#[tokio::test]
async fn a_page_is_framed_by_its_own_server_or_by_whom_it_names() {
    let server = TestServer::start().await;
    let page = server.get("/").await;
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.contains("script-src 'self' 'wasm-unsafe-eval'"), "{policy}");
    assert!(policy.ends_with("frame-ancestors 'self'"), "{policy}");
    assert_eq!(page.header("x-frame-options"), Some("SAMEORIGIN"));
    assert_eq!(page.header("x-content-type-options"), Some("nosniff"));
    let failed = server.get("/fragile/missing").await;
    assert_eq!(failed.header("x-frame-options"), Some("SAMEORIGIN"), "an error too");
    assert_eq!(failed.header("cache-control"), Some("no-store"));

    let config = Config::default().with_framers(["https://portal.example"]).without_content_security_policy();
    let page = TestServer::with(config).await.get("/").await;
    assert_eq!(page.header("content-security-policy"), Some("frame-ancestors 'self' https://portal.example"));
    assert_eq!(page.header("x-frame-options"), None, "it knows no list");
}

/// An application with a component on a page of its own, whose responses say `said` of caches.
async fn embedding(config: Config, said: Option<&'static str>, is_told: bool) -> TestServer {
    type Answer = Result<([(&'static str, &'static str); 1], Html<String>), MountError>;
    let runtime = Runtime::new(config);
    let page = async move |State(runtime): State<Runtime>, head: Parts| -> Answer {
        let counter = if is_told {
            runtime.mount_for::<Counter>(None, &head).await?
        } else {
            runtime.mount::<Counter>(None).await?
        };
        let page = maud::html! { head { (runtime.head()) } body { (counter) } };
        let name = if said.is_some() { "cache-control" } else { "x-said" };
        Ok(([(name, said.unwrap_or("nothing"))], Html(page.into_string())))
    };
    let app = axum::Router::new().route("/", get(page)).route("/plain", get(async || "plain"));
    TestServer::serve(runtime.clone(), app.merge(runtime.router()).with_state(runtime)).await
}

#[tokio::test]
async fn a_page_of_ones_own_says_what_pages_of_the_router_say() {
    let (log, _guard) = Log::start();
    for is_told in [false, true] {
        for (said, expected) in [
            (None, "private, no-cache"),
            (Some("public, max-age=600"), "private, no-cache"),
            (Some("no-store"), "no-store"),
        ] {
            let server = embedding(Config::default(), said, is_told).await;
            let page = server.get("/").await;
            assert_eq!(page.header("cache-control"), Some(expected));
            let policy = page.header("content-security-policy").unwrap();
            assert!(policy.contains("script-src 'self' 'wasm-unsafe-eval'"), "{policy}");
            assert!(policy.ends_with("frame-ancestors 'self'"), "{policy}");
            assert_eq!(page.header("x-frame-options"), Some("SAMEORIGIN"));
            let plain = server.get("/plain").await;
            assert_eq!(plain.header("cache-control"), None, "nothing live is in it");
            assert_eq!(plain.header("content-security-policy"), None);
            let foreign = ask(&server, "GET / HTTP/1.1\r\nhost: evil.example\r\nconnection: close\r\n").await;
            assert_eq!(foreign.status(), 421);
            assert_eq!(server.runtime.stats().sessions, 1);
        }
    }
    assert_eq!(log.lines("is sent with `private, no-cache` instead").len(), 2);
}

#[tokio::test]
async fn a_page_of_ones_own_counts_for_whoever_asks_for_it() {
    for is_told in [false, true] {
        let config = Config::default()
            .with_sessions_per_ip_max(2)
            .with_client_ip(|parts| parts.headers.get("x-from")?.to_str().ok()?.parse().ok())
            .with_identity(|parts| Some(parts.headers.get("x-user")?.to_str().ok()?.to_owned()));
        let server = embedding(config, None, is_told).await;
        let mut clients = Vec::new();
        for status in [200, 200, 429] {
            let page = server.request("GET", "/", "x-from: 10.0.0.1\r\nx-user: ada\r\n").await;
            assert_eq!(page.status(), status, "{is_told}");
            assert_eq!(page.header("x-frame-options"), Some("SAMEORIGIN"), "a refusal as well");
            if status == 200 {
                let mut grace = server.hello_with(Some(("x-user", "grace"))).await;
                grace.join(1, &page.token()).await;
                let refused = grace.frame().await;
                assert_eq!((refused.kind, refused.reason.unwrap().name()), ("close", "bad-token"));
                assert!(refused.message.contains("cookie"), "{}", refused.message);
                let mut ada = server.hello_with(Some(("x-user", "ada"))).await;
                ada.adopt(1, &page.token()).await;
                clients.push(ada);
            }
        }
        let other = server.request("GET", "/", "x-from: 10.0.0.2\r\nx-user: ada\r\n").await;
        assert_eq!(other.status(), 200);
    }
}

#[tokio::test]
async fn what_no_request_is_known_of_shares_one_bound() {
    let (log, _guard) = Log::start();
    let runtime = Runtime::new(Config::default().with_sessions_per_ip_max(2));
    for _ in 0..5 {
        runtime.mount::<Counter>(None).await.unwrap();
    }
    assert_eq!(runtime.stats().sessions, 2, "the oldest make room");
    assert_eq!(log.lines("`Runtime::layer`").len(), 1, "said once");
}

#[tokio::test]
async fn a_layer_does_what_the_server_does() {
    use tower::ServiceExt;
    let runtime = Runtime::new(Config::default());
    let page = async |State(runtime): State<Runtime>| -> Result<Html<String>, MountError> {
        Ok(Html(maud::html! { (runtime.mount::<Counter>(None).await?) }.into_string()))
    };
    let app: axum::Router =
        axum::Router::new().route("/", get(page)).layer(runtime.layer()).with_state(runtime.clone());
    let ask = async |host: &'static str| {
        let request = axum::http::Request::get("/").header("host", host);
        app.clone().oneshot(request.body(axum::body::Body::empty()).unwrap()).await.unwrap()
    };
    let response = ask("localhost").await;
    assert_eq!(response.headers()["cache-control"], "private, no-cache");
    assert_eq!(response.headers()["x-frame-options"], "SAMEORIGIN");
    assert_eq!(ask("evil.example").await.status(), 421);
}

#[tokio::test]
async fn a_socket_that_is_no_socket_is_told_what_keeps_it_from_being_one() {
    let (log, _guard) = Log::start();
    let server = TestServer::start().await;
    let asked = async |headers: String| {
        let head = format!(
            "POST /lightspeed/socket HTTP/1.1\r\nconnection: close\r\ncontent-length: 0\r\n{headers}"
        );
        let answer = ask(&server, &head).await;
        (answer.status(), answer.header("content-type").unwrap().to_owned(), answer.text().to_owned())
    };
    let (addr, plain) = (server.addr, "text/plain; charset=utf-8");
    let (status, content_type, text) = asked(format!("host: {addr}\r\norigin: http://{addr}\r\n")).await;
    assert_eq!((status, &*content_type), (400, plain));
    assert!(text.contains("Upgrade") && text.contains("proxy"), "{text}");
    assert_eq!(log.lines("socket refused").len(), 0, "a question is no fault");
    let (status, content_type, text) =
        asked(format!("host: {addr}\r\norigin: http://shop.example\r\n")).await;
    assert_eq!((status, &*content_type), (403, plain));
    assert!(text.contains("with_allowed_origin(\"http://shop.example\")"), "{text}");
    // What a proxy leaves that drops `Upgrade` and `Connection`.
    let dropped =
        format!("GET /lightspeed/socket HTTP/1.1\r\nhost: {addr}\r\nconnection: close\r\n{}", &UPGRADE[20..]);
    assert_eq!(ask(&server, &dropped).await.status(), 400);
    assert_eq!(log.lines("proxy_set_header Upgrade").len(), 1, "the log says so");
}

#[tokio::test]
async fn whatever_the_prefix_is_the_page_names_what_is_served() {
    for prefix in ["/a\"b<c&", "/über und unter", "/{live}", "/a'b", "/a\\b"] {
        let server = TestServer::with(Config::default().with_prefix(prefix)).await;
        let page = server.get("/").await;
        let text = page.text();
        assert!(!text.contains("b<c"), "{text}");
        let links = text.split(" href=\"").chain(text.split(" src=\"")).skip(1);
        let urls: Vec<_> =
            links.filter_map(|rest| rest.split('"').next()).filter(|url| url.contains("/client.")).collect();
        assert!(urls.len() >= 4, "{urls:?}");
        for url in urls {
            let url = url.replace("&amp;", "&").replace("&quot;", "\"").replace("&lt;", "<");
            assert_eq!(server.get(&url).await.status(), 200, "{url}");
        }
    }
}

#[tokio::test]
async fn what_an_error_says_is_one_record() {
    let (log, _guard) = Log::start();
    let fail = async |State(runtime): State<Runtime>| -> Result<Html<String>, MountError> {
        let _ = runtime;
        let forged =
            "bad\n2026-01-01T00:00:00Z  INFO lightspeed: all is well\r\u{1b}[2K\u{2028}x\u{85}y\u{202e}z";
        Err(std::io::Error::other(forged).into())
    };
    let runtime = Runtime::new(Config::default());
    let app = axum::Router::new().route("/", get(fail)).merge(runtime.router()).with_state(runtime.clone());
    let server = TestServer::serve(runtime, app).await;
    assert_eq!(server.get("/").await.status(), 500);
    let lines = log.lines("all is well");
    assert_eq!(lines.len(), 1);
    assert!(lines[0].contains("a page could not be made") && lines[0].contains("bad\\n2026"), "{lines:?}");
    assert!(
        !lines[0].chars().any(|char| char.is_control() || "\u{2028}\u{202e}".contains(char)),
        "{lines:?}"
    );
}
