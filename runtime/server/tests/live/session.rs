//! Sessions on sockets: clicks, several at once, replacement, coming back, expiry.

use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::common::{COUNT, Client, LATER, Log, TestServer, eventually};
use futures_util::SinkExt;
use lightspeed::limits::TASKS_IN_FLIGHT_MAX;
use lightspeed::{Config, Runtime};
use lightspeed_protocol::close::CloseReason;
use lightspeed_protocol::frame::ClientFrame;
use tokio_tungstenite::tungstenite::Message;
use tower::ServiceExt;

#[tokio::test]
async fn two_sessions_share_a_socket() {
    let server = TestServer::start().await;
    let (first, second) = (server.token("/").await, server.token("/").await);
    let mut client = server.hello().await;
    client.adopt(1, &first).await;
    client.adopt(2, &second).await;
    client.increments(1, 0).await;
    client.increments(2, 0).await;
    client.increments(2, 1).await;
    client.increments(1, 1).await;
    client.send(1, &ClientFrame::Leave {}).await;
    client.increments(2, 2).await;
    eventually(|| server.runtime.stats().sessions == 1).await;
}

#[tokio::test]
async fn a_task_comes_back_as_a_message() {
    let server = TestServer::start().await;
    let mut client = server.joined("/").await;
    client.click(1, 0, 1, LATER).await;
    assert_eq!(client.frame().await.kind, "ack", "the click itself changes nothing");
    let patch = client.frame().await;
    assert_eq!((patch.version, patch.program), (1, format!("text 1 {COUNT} 100\n")));
}

#[tokio::test]
async fn tasks_take_turns_and_the_session_goes_on() {
    let server = TestServer::start().await;
    let mut client = server.joined("/busy").await;
    client.click(1, 0, 1, 0).await;
    assert_eq!(client.frame().await.kind, "ack");
    let waiting = || server.gate.waiting.load(Ordering::Relaxed);
    eventually(|| waiting() == TASKS_IN_FLIGHT_MAX).await;
    client.click(1, 0, 2, 0).await;
    assert_eq!(client.frame().await.kind, "ack", "it handles events meanwhile");
    assert_eq!(waiting(), TASKS_IN_FLIGHT_MAX);
    server.gate.is_open.send_replace(true);
    loop {
        let patch = client.frame().await;
        assert_eq!(patch.kind, "patch");
        client.send(1, &ClientFrame::Ack { ack: patch.version, behind: 0 }).await;
        if patch.program == "text 1 2 200\n" {
            break;
        }
    }
    assert_eq!(waiting(), 200, "each ran once");
}

#[tokio::test]
async fn a_session_that_performs_without_bound_ends() {
    let (log, _guard) = Log::start();
    let server = TestServer::start().await;
    let mut client = server.joined("/busy").await;
    client.click(1, 0, 1, 1).await;
    client.closed(1, CloseReason::ComponentFailed).await;
    assert_eq!(log.lines("more than 1024 tasks are waiting").len(), 1);
}

#[tokio::test]
async fn ping_is_answered() {
    let server = TestServer::start().await;
    let mut client = server.hello().await;
    client.send(0, &ClientFrame::Ping {}).await;
    assert_eq!(client.frame().await.kind, "pong");
}

async fn resume(server: &TestServer, token: &str, applied: u64) -> Client {
    let mut client = server.hello().await;
    client.send(1, &ClientFrame::Join { token, mode: 1, applied, settled: 0 }).await;
    assert_eq!(client.frame().await.kind, "joined");
    client
}

#[tokio::test]
async fn a_lost_socket_comes_back_to_the_same_session() {
    let server = TestServer::start().await;
    let token = server.token("/").await;
    let mut client = server.hello().await;
    client.adopt(1, &token).await;
    client.increments(1, 0).await;
    let next = client.token.clone();
    drop(client);
    eventually(|| server.runtime.stats().parked == 1).await;
    // Whoever has only seen the page comes too late.
    let mut copied = server.hello().await;
    copied.join(1, &token).await;
    copied.closed(1, CloseReason::BadToken).await;
    let mut client = resume(&server, &next, 1).await;
    client.increments(1, 1).await;
    assert_eq!(server.runtime.stats().parked, 0);
}

#[tokio::test]
async fn the_newer_socket_wins_and_the_older_ones_end_changes_nothing() {
    let server = TestServer::start().await;
    let token = server.token("/").await;
    let mut old = server.hello().await;
    old.adopt(1, &token).await;
    old.increments(1, 0).await;
    let mut new = resume(&server, &old.token, 1).await;
    old.closed(1, CloseReason::Replaced).await;
    // What the old one still says is not heard; its other sessions go on.
    old.click(1, 1, 2, crate::common::INCREMENT).await;
    let other = server.token("/").await;
    old.adopt(2, &other).await;
    old.increments(2, 0).await;
    new.increments(1, 1).await;
    drop(old);
    eventually(|| server.runtime.stats().parked == 1).await;
    new.increments(1, 2).await;
}

#[tokio::test]
async fn joining_again_on_the_same_socket_replaces_nothing() {
    let server = TestServer::start().await;
    let token = server.token("/").await;
    let mut client = server.hello().await;
    client.adopt(1, &token).await;
    client.adopt(1, &token).await;
    client.increments(1, 0).await;
    // Another session under the same number: the first is let go of.
    let other = server.token("/").await;
    client.adopt(1, &other).await;
    client.increments(1, 0).await;
    assert_eq!(server.runtime.stats().parked, 1);
}

/// The join comes when the session has ended already, and nobody knows that yet.
#[tokio::test]
async fn a_join_of_a_session_that_is_ending_is_answered() {
    let server = TestServer::start().await;
    let mut client = server.joined("/").await;
    client.increments(1, 0).await;
    let token = client.token.clone();
    // In one piece, so that the session isn't asked in between.
    let join = ClientFrame::Join { token: &token, mode: 1, applied: 1, settled: 1 };
    for bytes in [ClientFrame::Leave {}.encode(1), join.encode(2)] {
        client.socket.feed(Message::Binary(bytes.into())).await.unwrap();
    }
    client.socket.flush().await.unwrap();
    let close = client.frame().await;
    assert_eq!((close.session, close.reason), (2, Some(CloseReason::Unavailable)), "{close:?}");
    assert!(close.retry_ms > 0, "it may come back");
    eventually(|| server.runtime.stats().sessions == 0).await;
    client.join(2, &token).await;
    client.closed(2, CloseReason::SessionGone).await;
}

fn request(path: &str) -> axum::http::Request<axum::body::Body> {
    axum::http::Request::get(path).body(axum::body::Body::empty()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_page_that_nobody_joins_expires() {
    let runtime = Runtime::default();
    let app: axum::Router = crate::common::pages(lightspeed::router().runtime(&runtime)).into();
    assert!(app.oneshot(request("/")).await.unwrap().status().is_success());
    assert_eq!(runtime.stats().unattached, 1);
    tokio::time::sleep(Duration::from_secs(29)).await;
    assert_eq!(runtime.stats().unattached, 1);
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(runtime.stats().sessions, 0);
}

#[tokio::test]
async fn unattached_sessions_are_capped_and_the_oldest_goes() {
    let (log, _guard) = Log::start();
    let server = TestServer::with(Config::default().with_unattached_max(2)).await;
    let oldest = server.token("/").await;
    let kept = server.token("/").await;
    let newest = server.token("/").await;
    assert_eq!(server.runtime.stats().unattached, 2);
    assert_eq!(log.lines("evicted").len(), 1);
    let mut client = server.hello().await;
    client.join(1, &oldest).await;
    client.closed(1, CloseReason::SessionGone).await;
    client.adopt(2, &kept).await;
    client.adopt(3, &newest).await;
    client.increments(3, 0).await;
}

#[tokio::test(start_paused = true)]
async fn a_parked_session_expires() {
    let server = TestServer::start().await;
    let token = server.token("/").await;
    let mut client = server.hello().await;
    client.adopt(1, &token).await;
    drop(client);
    eventually(|| server.runtime.stats().parked == 1).await;
    tokio::time::sleep(Duration::from_secs(182)).await;
    assert_eq!(server.runtime.stats().sessions, 0);
    let mut client = server.hello().await;
    client.join(1, &token).await;
    client.closed(1, CloseReason::SessionGone).await;
}
