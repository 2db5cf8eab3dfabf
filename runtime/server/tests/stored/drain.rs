//! The end of a server: sessions are stored, pages are told when to come back, and it takes only so long.

use std::collections::BTreeSet;
use std::time::Duration;

use lightspeed::limits::{DRAIN_BATCH, DRAIN_WITHIN, RETRY_MS_MAX, SESSIONS_PER_SOCKET_MAX};
use lightspeed_protocol::close::CloseReason;
use tokio::time::{Instant, timeout};

use lightspeed_protocol::frame::ClientFrame;

use crate::common::{Client, Log, TestServer};
use crate::faulty::{Answer, Faulty};
use crate::tally::{ADD, DURABLE, Tally, config, server};

/// Pages of each policy, with two events each.
async fn crowd(server: &TestServer, count: usize) -> Vec<(&'static str, Client)> {
    let mut clients = Vec::new();
    for path in ["/remount", "/resume", "/rehydrate", "/durable"].into_iter().cycle().take(count) {
        let mut client = server.joined(path).await;
        client.adds(1, 0).await;
        client.adds(1, 1).await;
        clients.push((path, client));
    }
    clients
}

/// Each page is told by its session, and its socket after that; in how many milliseconds to come back.
async fn told(clients: &mut [(&'static str, Client)]) -> Vec<u64> {
    let mut waits = Vec::new();
    for (_, client) in clients {
        let close = client.frame().await;
        assert_eq!((close.session, close.kind), (1, "close"), "{close:?}");
        assert_eq!(close.reason, Some(CloseReason::ShuttingDown));
        waits.push(close.retry_ms);
        client.ended(CloseReason::ShuttingDown).await;
    }
    waits
}

#[track_caller]
fn check_waits(waits: &[u64]) {
    assert!(waits.iter().all(|wait| (100..=RETRY_MS_MAX).contains(wait)), "{waits:?}");
    let distinct: BTreeSet<_> = waits.iter().collect();
    // Of 40 out of at least 100 numbers, more than three quarters would be distinct on average.
    assert!(distinct.len() > waits.len() / 4, "not spread: {waits:?}");
}

async fn all_go_on(clients: Vec<(&'static str, Client)>, store: &Faulty) {
    let second = server(config(&store.another())).await;
    for (path, old) in clients {
        let mut client = second.hello().await;
        client.resume(1, &old.token, 2, 2).await;
        if matches!(path, "/rehydrate" | "/durable") {
            assert_eq!(client.frame().await.kind, "joined", "{path}");
            client.adds(1, 2).await;
        } else {
            client.closed(1, CloseReason::SessionGone).await;
        }
    }
}

/// As on SIGTERM, which is `sigterm_shuts_down`.
#[tokio::test]
async fn a_server_that_ends_hands_every_session_over() {
    let (log, _guard) = Log::start();
    let store = Faulty::new();
    let server = server(config(&store)).await;
    let runtime = server.runtime.clone();
    let mut clients = crowd(&server, 40).await;
    let ended = server.stop();
    check_waits(&told(&mut clients).await);
    assert_eq!(runtime.stats().sessions, 0);
    assert_eq!(store.record_count(), 20);
    timeout(DRAIN_WITHIN, ended).await.expect("well before the deadline").unwrap().unwrap();
    let lines = log.lines("transition=\"drained\"");
    assert!(lines.len() == 1 && lines[0].contains("sessions=0"), "{lines:?}");
    assert!(log.lines("transition=\"draining\"")[0].contains("sessions=40"));
    all_go_on(clients, &store).await;
}

/// For applications that are served by something else.
#[tokio::test]
async fn so_does_a_runtime_that_is_asked_to() {
    let store = Faulty::new();
    let server = server(config(&store)).await;
    let mut clients = crowd(&server, 40).await;
    let runtime = server.runtime.clone();
    let ended = tokio::spawn(async move { runtime.shut_down().await });
    check_waits(&told(&mut clients).await);
    assert_eq!(server.runtime.stats().sessions, 0);
    // Whoever is late is sent away.
    let mut late = server.connect().await;
    late.ended(CloseReason::ShuttingDown).await;
    drop(late);
    all_go_on(clients, &store).await;
    timeout(DRAIN_WITHIN, ended).await.expect("all sockets are closed").unwrap();
}

/// More than two batches; some of the second and the third end by themselves while the first is handed over.
#[tokio::test(start_paused = true)]
async fn sessions_that_end_in_the_midst_hold_up_nobody() {
    let (log, _guard) = Log::start();
    let store = Faulty::new();
    let server = server(config(&store)).await;
    let mut client = server.hello().await;
    let sessions = 1..=u32::try_from(SESSIONS_PER_SOCKET_MAX).unwrap();
    for session in sessions.clone() {
        let token = server.token("/durable").await;
        client.adopt(session, &token).await;
    }
    for _ in 0..2 * DRAIN_BATCH {
        server.runtime.mount::<Tally<DURABLE>>(None).await.unwrap();
    }
    let begun = store.begun_count();
    store.answer(Answer::Held);
    let began = Instant::now();
    let runtime = server.runtime.clone();
    let ended = tokio::spawn(async move { runtime.shut_down().await });
    store.begun(begun + DRAIN_BATCH).await;
    assert_eq!(store.begun_count(), begun + DRAIN_BATCH, "no more at a time");
    // Nobody new comes in.
    let refused = server.runtime.mount::<Tally<DURABLE>>(None).await.unwrap_err();
    assert_eq!(refused.status(), 503);
    assert_eq!(server.get("/durable").await.status(), 503);
    for session in sessions {
        client.send(session, &ClientFrame::Leave {}).await;
    }
    client.hears_nothing().await;
    store.answer(Answer::Well);
    client.ended(CloseReason::ShuttingDown).await;
    drop(client);
    ended.await.unwrap();
    assert!(began.elapsed() < DRAIN_WITHIN / 2, "{:?}", began.elapsed());
    assert_eq!(server.runtime.stats().sessions, 0);
    let lines = log.lines("transition=\"drained\"");
    assert!(lines.len() == 1 && lines[0].contains("sessions=0"), "{lines:?}");
}

/// Nobody joins any more while the others are handed over, and nothing is acknowledged that isn't stored.
#[tokio::test(start_paused = true)]
async fn a_store_that_is_slow_is_waited_for() {
    let store = Faulty::new();
    let server = server(config(&store)).await;
    let mut client = server.joined("/durable").await;
    client.adds(1, 0).await;
    let waiting = server.token("/durable").await;
    let mut late = server.hello().await;
    let begun = store.begun_count();
    store.answer(Answer::Held);
    client.click(1, 1, 2, ADD).await;
    store.begun(begun + 1).await;
    let ended = server.stop();
    tokio::time::sleep(DRAIN_WITHIN / 2).await;
    client.hears_nothing().await;
    late.join(1, &waiting).await;
    late.closed(1, CloseReason::ShuttingDown).await;
    assert!(!ended.is_finished());
    store.answer(Answer::Well);
    client.shows(1, 2).await;
    client.closed(1, CloseReason::ShuttingDown).await;
    drop((client, late));
    ended.await.unwrap().unwrap();
    assert_eq!(store.record(store.last_id()).await.unwrap().stamp.seq, 2);
}

#[tokio::test(start_paused = true)]
async fn a_store_that_does_not_answer_is_not_waited_for_for_ever() {
    let (log, _guard) = Log::start();
    let store = Faulty::new();
    let server = server(config(&store)).await;
    let mut lost = server.joined("/durable").await;
    let mut saved = server.joined("/resume").await;
    lost.adds(1, 0).await;
    let begun = store.begun_count();
    store.answer(Answer::Failing);
    lost.click(1, 1, 2, ADD).await;
    store.begun(begun + 1).await;
    let began = Instant::now();
    let ended = server.stop();
    saved.closed(1, CloseReason::ShuttingDown).await;
    assert!(began.elapsed() < Duration::from_secs(1), "one that can go, goes: {:?}", began.elapsed());
    // Told nothing of the second event, it has to take it elsewhere.
    lost.ended(CloseReason::ShuttingDown).await;
    assert!(began.elapsed() >= DRAIN_WITHIN, "{:?}", began.elapsed());
    drop((lost, saved));
    ended.await.unwrap().unwrap();
    assert!(began.elapsed() < DRAIN_WITHIN + Duration::from_secs(2), "{:?}", began.elapsed());
    let lines = log.lines("transition=\"drained\"");
    assert!(lines.len() == 1 && lines[0].contains("sessions=1"), "{lines:?}");
    assert!(lines[0].contains("ERROR"), "{lines:?}");
}
