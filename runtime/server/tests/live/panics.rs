//! A panic of an author's code ends its own session and nothing else.

use lightspeed_protocol::close::CloseReason;
use lightspeed_protocol::frame::ClientFrame;

use crate::common::{Log, TestServer, eventually};

const UPDATE: u32 = 0;
const RENDER: u32 = 1;
const TASK: u32 = 2;
const DROP: u32 = 3;

async fn check(slot: u32, text: &str) {
    let (log, _guard) = Log::start();
    let server = TestServer::start().await;
    let mut client = server.joined("/").await;
    let token = server.token("/fragile/-").await;
    client.adopt(2, &token).await;
    client.click(2, 0, 1, slot).await;
    client.closed(2, CloseReason::ComponentFailed).await;
    client.increments(1, 0).await;
    eventually(|| server.runtime.stats().sessions == 1).await;
    client.join(2, &token).await;
    client.closed(2, CloseReason::SessionGone).await;
    client.increments(1, 1).await;

    let lines = log.lines("component-failed");
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].contains("Fragile") && lines[0].contains(text), "{lines:?}");
    assert_eq!(server.get("/fragile/-").await.status(), 200, "new ones are mounted as before");
}

#[tokio::test]
async fn in_update() {
    check(UPDATE, "broken in update").await;
}

#[tokio::test]
async fn in_render() {
    check(RENDER, "broken in render").await;
}

/// It has changed nothing: the page is told, and the session goes on until it happens too often.
#[tokio::test]
async fn in_a_task() {
    let (log, _guard) = Log::start();
    let server = TestServer::start().await;
    let mut client = server.hello().await;
    client.adopt(1, &server.token("/fragile/-").await).await;
    for seq in 1..=6 {
        client.click(1, 0, seq, TASK).await;
        assert_eq!(client.frame().await.kind, "ack");
        if seq < 6 {
            let refused = client.frame().await;
            assert_eq!(refused.kind, "refused");
            assert_eq!(refused.message, "Something went wrong on the server; what it was about is undone.");
        }
    }
    client.closed(1, CloseReason::ComponentFailed).await;
    assert_eq!(log.lines("transition=\"task-failed\"").len(), 6);
    assert_eq!(log.lines("its tasks panic too often").len(), 1);
}

#[tokio::test]
async fn in_drop() {
    let (log, _guard) = Log::start();
    let server = TestServer::start().await;
    let mut client = server.joined("/").await;
    let token = server.token("/fragile/-").await;
    client.adopt(2, &token).await;
    client.click(2, 0, 1, DROP).await;
    assert_eq!(client.frame().await.kind, "ack");
    client.send(2, &ClientFrame::Leave {}).await;
    eventually(|| !log.lines("panicked while it was dropped").is_empty()).await;
    eventually(|| server.runtime.stats().sessions == 1).await;
    client.increments(1, 0).await;
    assert_eq!(server.get("/fragile/-").await.status(), 200);
}

#[tokio::test(start_paused = true)]
async fn in_drop_of_one_that_expires() {
    let (log, _guard) = Log::start();
    let server = TestServer::start().await;
    server.token("/fragile/drop").await;
    tokio::time::sleep(std::time::Duration::from_secs(32)).await;
    eventually(|| !log.lines("panicked while it was dropped").is_empty()).await;
    assert_eq!(server.runtime.stats().sessions, 0);
    assert_eq!(server.get("/fragile/-").await.status(), 200, "the supervisor is there still");
}
