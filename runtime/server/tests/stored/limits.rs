//! How many sessions one may have, and how fast they are taken.

use std::time::Duration;

use lightspeed::Config;
use lightspeed_protocol::close::CloseReason;
use lightspeed_protocol::frame::ClientFrame;
use tokio::time::Instant;

use crate::common::{Client, Log, Response, TestServer, eventually};
use crate::faulty::Faulty;
use crate::tally::{ADD, config, server};

/// A server that takes a client's address from the header of a proxy, and its name from another.
fn proxied(config: Config) -> Config {
    config
        .with_client_ip(|parts| parts.headers.get("x-real-ip")?.to_str().ok()?.parse().ok())
        .with_identity(|parts| Some(parts.headers.get("x-user")?.to_str().ok()?.to_owned()))
}

async fn page(server: &TestServer, headers: &str) -> Response {
    server.request("GET", "/resume", headers).await
}

/// Pages of one owner up to the bound of two, held by sockets; and one more.
async fn check(config: Config, mine: &str, user: Option<(&'static str, &str)>, others: &[&str]) {
    let (log, _guard) = Log::start();
    let server = server(proxied(config)).await;
    let mut clients: Vec<Client> = Vec::new();
    for _ in 0..2 {
        let response = page(&server, mine).await;
        assert_eq!(response.status(), 200);
        let mut client = server.hello_with(user).await;
        client.adopt(1, &response.token()).await;
        clients.push(client);
    }
    let refused = page(&server, mine).await;
    assert_eq!(refused.status(), 429);
    assert_eq!(refused.header("retry-after"), Some("60"));
    assert!(refused.text().contains("Too many pages are open"), "{}", refused.text());
    assert_eq!(log.lines("its address or identity has as many sessions as it may").len(), 1);
    for other in others {
        assert_eq!(page(&server, other).await.status(), 200, "{other}");
    }
    // Whoever is there is not disturbed.
    clients[0].adds(1, 0).await;
    clients[1].adds(1, 0).await;

    // A page that is closed makes room, and so does one that has lost its socket: the one that was refused.
    clients[0].send(1, &ClientFrame::Leave {}).await;
    let before = server.runtime.stats().sessions;
    eventually(|| server.runtime.stats().sessions < before).await;
    let waiting = page(&server, mine).await;
    assert_eq!(waiting.status(), 200);
    let newest = page(&server, mine).await;
    assert_eq!(newest.status(), 200);
    assert_eq!(log.lines("evicted").len(), 1);
    let mut client = server.hello_with(user).await;
    client.join(1, &waiting.token()).await;
    client.closed(1, CloseReason::SessionGone).await;
    client.adopt(2, &newest.token()).await;
    assert_eq!(page(&server, mine).await.status(), 429);
    clients[1].adds(1, 1).await;
}

#[tokio::test]
async fn sessions_of_one_address_are_capped() {
    let config = config(&Faulty::new()).with_sessions_per_ip_max(2);
    check(config, "x-real-ip: 192.0.2.1\r\n", None, &["x-real-ip: 192.0.2.2\r\n", ""]).await;
}

#[tokio::test]
async fn sessions_of_one_identity_are_capped_wherever_they_are_from() {
    let config = config(&Faulty::new()).with_sessions_per_identity_max(2);
    check(config, "x-user: ada\r\n", Some(("x-user", "ada")), &["x-user: grace\r\n", ""]).await;
}

/// The address of the connection itself, where nothing else is set.
#[tokio::test]
async fn an_address_is_that_of_the_connection_unless_set() {
    let server = server(Config::default().with_sessions_per_ip_max(1)).await;
    let _client = server.joined("/resume").await;
    assert_eq!(server.get("/resume").await.status(), 429);
}

/// A stored session that makes room is there still, and comes back when there is room again.
#[tokio::test]
async fn a_stored_session_that_made_room_comes_back() {
    let store = Faulty::new();
    let server = server(config(&store).with_sessions_per_ip_max(1)).await;
    let mut client = server.joined("/durable").await;
    client.adds(1, 0).await;
    let token = client.token.clone();
    drop(client);
    eventually(|| server.runtime.stats().parked == 1).await;
    let mut other = server.joined("/resume").await;
    eventually(|| server.runtime.stats().sessions == 1).await;

    let mut client = server.hello().await;
    client.resume(1, &token, 1, 1).await;
    let close = client.frame().await;
    assert_eq!((close.kind, close.reason), ("close", Some(CloseReason::Unavailable)), "{close:?}");
    assert!(close.retry_ms > 0);
    other.send(1, &ClientFrame::Leave {}).await;
    eventually(|| server.runtime.stats().sessions == 0).await;
    assert_eq!(client.resumes(1, &token, 1, 1).await, 1);
    client.adds(1, 1).await;
}

/// Sends so many clicks at once; how long it takes until `shown` is, and until the event after the burst was handled.
async fn burst(client: &mut Client, from: &mut (u64, u64), count: u64, burst: u64) -> (Duration, Duration) {
    let (version, seq) = from;
    let (first, last) = (*seq + 1, *seq + count);
    let began = Instant::now();
    for seq in first..=last {
        client.click(1, *version, seq, ADD).await;
    }
    let mut after_burst = None;
    while *seq < last {
        let frame = client.frame().await;
        *seq = frame.ack;
        if frame.ack >= first + burst {
            after_burst.get_or_insert(began.elapsed());
        }
        if frame.kind == "patch" {
            *version = frame.version;
            client.send(1, &ClientFrame::Ack { ack: frame.version, behind: 0 }).await;
            if frame.ack == last {
                assert_eq!(frame.program, format!("text 1 1 {last}\n"), "none is lost");
            }
        }
    }
    (began.elapsed(), after_burst.unwrap_or_default())
}

#[tokio::test(start_paused = true)]
async fn a_session_takes_its_events_at_its_own_pace_and_loses_none() {
    let server = server(Config::default().with_event_rate(10, 20)).await;
    let mut bystander = server.joined("/resume").await;
    let mut client = server.joined("/resume").await;
    let mut at = (0, 0);
    let (all, after_burst) = burst(&mut client, &mut at, 40, 20).await;
    let (least, most) = (Duration::from_millis(1_950), Duration::from_millis(2_500));
    assert!(all >= least && all < most, "twenty at ten a second: {all:?}");
    assert!(after_burst >= Duration::from_millis(95), "the first of them waits as well: {after_burst:?}");
    // Another session has a pace of its own.
    let (all, _) = burst(&mut bystander, &mut (0, 0), 20, 20).await;
    assert!(all < Duration::from_millis(95), "{all:?}");
    // What was not used in the meantime can be used at once, up to the burst.
    tokio::time::sleep(Duration::from_secs(3)).await;
    let (all, _) = burst(&mut client, &mut at, 20, 20).await;
    assert!(all < Duration::from_millis(95), "{all:?}");
}

/// Each asks for a document; how long it takes until forty are read.
async fn asked(client: &mut Client, frame: &ClientFrame<'_>) -> Duration {
    let began = Instant::now();
    for _ in 0..40 {
        client.send(1, frame).await;
    }
    // Answered as soon as it is read.
    client.send(0, &ClientFrame::Ping {}).await;
    while client.frame().await.kind != "pong" {}
    began.elapsed()
}

#[tokio::test(start_paused = true)]
async fn joins_and_resyncs_count_as_events() {
    let server = server(Config::default().with_event_rate(10, 20)).await;
    let least = Duration::from_millis(1_850);
    let mut client = server.joined("/resume").await;
    let took = asked(&mut client, &ClientFrame::Resync { ack: 0 }).await;
    assert!(took >= least, "resyncs: {took:?}");

    let token = server.token("/resume").await;
    let mut client = server.hello().await;
    client.adopt(1, &token).await;
    let token = client.token.clone();
    let join = ClientFrame::Join { token: &token, mode: 2, applied: 0, settled: 0 };
    let took = asked(&mut client, &join).await;
    assert!(took >= least, "joins: {took:?}");
}

#[tokio::test]
async fn an_address_of_version_6_is_counted_by_its_first_half() {
    let server = server(proxied(Config::default().with_sessions_per_ip_max(1))).await;
    let from = async |ip: &str| page(&server, &format!("x-real-ip: {ip}\r\n")).await;
    for (mine, mine_too, another) in [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff", "2001:db8:1:3::1"),
        // As a socket of both versions tells of version 4.
        ("::ffff:192.0.2.1", "192.0.2.1", "::ffff:192.0.2.2"),
    ] {
        let token = from(mine).await.token();
        let mut client = server.hello().await;
        client.adopt(1, &token).await;
        assert_eq!(from(mine_too).await.status(), 429, "{mine_too}");
        assert_eq!(from(another).await.status(), 200, "{another}");
    }
}
