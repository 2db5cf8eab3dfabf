//! The first page: what it holds, what it costs, what it says when it fails.

use std::sync::atomic::Ordering;

use crate::common::{COUNT, Counter, LATER, TestServer};
use axum::extract::State;
use lightspeed::{Config, MountError, Runtime};
use maud::{DOCTYPE, html};
use tower::ServiceExt;

#[tokio::test]
async fn the_page_holds_token_and_html_and_is_mounted_once() {
    let server = TestServer::start().await;
    let page = server.get("/").await;
    assert_eq!(page.status(), 200);
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
    assert_eq!(page.header("cache-control"), Some("private, no-cache"));
    let text = page.text();
    assert!(text.starts_with("<!DOCTYPE html>"), "{text}");
    assert!(text.contains("<title>Counter</title>"), "{text}");
    assert!(text.contains("<output>0</output>"), "{text}");
    assert_eq!(page.token().len(), 70);
    assert_eq!(server.runtime.stats().unattached, 1);

    let mut client = server.hello().await;
    client.adopt(1, &page.token()).await;
    client.increments(1, 0).await;
    client.increments(1, 1).await;
    assert_eq!(server.mounts.0.load(Ordering::Relaxed), 1);
    let stats = server.runtime.stats();
    assert_eq!((stats.sessions, stats.unattached), (1, 0));
}

#[tokio::test]
async fn what_changed_before_the_socket_came_is_sent_by_it() {
    // A session that no socket holds renders nothing, and what its tasks bring is not lost.
    let server = TestServer::start().await;
    let token = server.token("/").await;
    let mut first = server.hello().await;
    first.adopt(1, &token).await;
    let token = first.token.clone();
    first.click(1, 0, 1, LATER).await;
    drop(first);
    let mut second = server.hello().await;
    second
        .send(
            1,
            &lightspeed_protocol::frame::ClientFrame::Join { token: &token, mode: 1, applied: 0, settled: 0 },
        )
        .await;
    assert_eq!(second.frame().await.kind, "joined");
    loop {
        let frame = second.frame().await;
        if frame.kind == "patch" {
            assert_eq!(frame.program, format!("text 1 {COUNT} 100\n"));
            break;
        }
    }
}

#[tokio::test]
async fn a_head_request_leaves_no_session() {
    let server = TestServer::start().await;
    let head = server.request("HEAD", "/", "").await;
    assert_eq!((head.status(), head.body.len()), (200, 0));
    assert_eq!(server.runtime.stats().sessions, 0);
}

#[tokio::test]
async fn a_failed_mount_is_a_page_that_says_so_and_nothing_more() {
    let server = TestServer::start().await;
    let page = server.get("/fragile/missing").await;
    assert_eq!(page.status(), 404);
    assert!(page.text().contains("There is no such &lt;thing&gt;."), "{}", page.text());

    let (log, _guard) = crate::common::Log::start();
    for path in ["/fragile/error", "/fragile/mount", "/fragile/render"] {
        let page = server.get(path).await;
        assert_eq!(page.status(), 500, "{path}");
        assert!(page.text().contains("Something went wrong"), "{}", page.text());
        assert!(!page.text().contains("secret") && !page.text().contains("broken"), "{}", page.text());
    }
    assert_eq!(log.lines("the secret disk is full").len(), 1);
    let panics = log.lines("a component panicked while it was mounted");
    assert_eq!(panics.len(), 2);
    assert!(panics[0].contains("Fragile") && panics[0].contains("broken in mount"), "{panics:?}");
    assert_eq!(server.runtime.stats().sessions, 0);
    assert_eq!(server.get("/").await.status(), 200, "the others go on");
}

#[tokio::test]
async fn a_full_server_says_so() {
    let server = TestServer::with(Config::default().with_sessions_max(1)).await;
    let mut client = server.joined("/").await;
    let page = server.get("/").await;
    assert_eq!((page.status(), page.header("retry-after")), (503, Some("60")));
    client.increments(1, 0).await;
}

#[tokio::test]
async fn the_client_is_served_under_the_url_that_the_page_names() {
    let server = TestServer::start().await;
    let page = server.get("/").await;
    let urls: Vec<_> = page.text().split('"').filter(|part| part.contains("/client.")).collect();
    assert_eq!(urls.len(), 4, "style, preload of script and wasm, script: {urls:?}");
    for url in urls {
        let file = server.get(url).await;
        assert_eq!(file.status(), 200, "{url}");
        assert_eq!(file.header("cache-control"), Some("public, max-age=31536000, immutable"));
        assert_eq!(file.header("vary"), Some("accept-encoding"));
        assert_eq!(file.header("content-encoding"), None);
        let expected = match url.rsplit('.').next() {
            Some("js") => "text/javascript; charset=utf-8",
            Some("wasm") => "application/wasm",
            _ => "text/css; charset=utf-8",
        };
        assert_eq!(file.header("content-type"), Some(expected));
        let compressed = server.request("GET", url, "accept-encoding: gzip, br\r\n").await;
        let is_small = expected.starts_with("text/css");
        assert_eq!(compressed.header("content-encoding"), if is_small { None } else { Some("br") }, "{url}");
        assert!(compressed.body.len() < file.body.len() || is_small, "{url}");
    }
    let other = server.get("/lightspeed/0123456789abcdef/client.js").await;
    assert_eq!(other.status(), 404, "another build's");
}

#[tokio::test]
async fn a_page_of_ones_own_embeds_components() {
    async fn front(State(runtime): State<Runtime>) -> Result<axum::response::Html<String>, MountError> {
        let (first, second) = (runtime.mount::<Counter>(None).await?, runtime.mount::<Counter>(None).await?);
        let page = html! { (DOCTYPE) head { (runtime.head()) } body { (first) p { "and" } (second) } };
        Ok(axum::response::Html(page.into_string()))
    }
    let runtime = Runtime::new(Config::default().with_prefix("/live"));
    let app: axum::Router = axum::Router::new()
        .route("/", axum::routing::get(front))
        .merge(runtime.router())
        .with_state(runtime.clone());
    let request = axum::http::Request::get("/").body(axum::body::Body::empty()).unwrap();
    let response = app.oneshot(request).await.unwrap();
    let body = axum::body::to_bytes(response.into_body(), 1 << 20).await.unwrap();
    let text = std::str::from_utf8(&body).unwrap();
    assert_eq!(text.matches("<lightspeed-view data-session=").count(), 2, "{text}");
    assert!(text.contains("<script type=\"module\" async src=\"/live/"), "{text}");
    assert_eq!(runtime.stats().unattached, 2);
}

#[tokio::test]
async fn a_router_merges_into_an_application_with_a_state_and_a_layout() {
    #[derive(Clone)]
    struct App(&'static str);
    let live = lightspeed::router()
        .live::<Counter>("/counter")
        .layout(|page| html! { (DOCTYPE) title { "Shop: " (page.title) } (page.head) main { (page.view) } });
    let app: axum::Router = axum::Router::new()
        .route("/", axum::routing::get(|State(app): State<App>| async move { app.0 }))
        .merge(live)
        .with_state(App("front"));
    let request = |path| axum::http::Request::get(path).body(axum::body::Body::empty()).unwrap();
    let response = app.clone().oneshot(request("/counter")).await.unwrap();
    let body = axum::body::to_bytes(response.into_body(), 1 << 20).await.unwrap();
    let text = std::str::from_utf8(&body).unwrap();
    assert!(
        text.contains("<title>Shop: Counter</title>") && text.contains("<main><lightspeed-view"),
        "{text}"
    );
    let response = app.oneshot(request("/")).await.unwrap();
    assert_eq!(axum::body::to_bytes(response.into_body(), 100).await.unwrap(), "front");
}
