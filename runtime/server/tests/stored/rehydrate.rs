//! `Policy::rehydrate`: stored from time to time; and the policies that never are.

use std::time::Duration;

use lightspeed_protocol::close::CloseReason;
use tokio::time::Instant;

use crate::common::eventually;
use crate::faulty::{Answer, Faulty};
use crate::tally::{ADD, CADENCE, config, server};

/// Far less than the cadence.
const AT_ONCE: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn it_is_stored_after_so_many_events_and_nothing_waits_for_that() {
    let store = Faulty::new();
    let server = server(config(&store)).await;
    let mut client = server.joined("/rehydrate").await;
    store.stored(1).await;
    store.answer(Answer::Held);
    client.adds(1, 0).await;
    client.adds(1, 1).await;
    assert_eq!(store.begun_count(), 1, "only its socket, so far");
    let began = Instant::now();
    client.adds(1, 2).await;
    store.begun(2).await;
    assert!(began.elapsed() < AT_ONCE, "not for the time that has passed: {:?}", began.elapsed());
    client.adds(1, 3).await;
    client.adds(1, 4).await;
    client.adds(1, 5).await;
    assert_eq!(store.begun_count(), 2, "one write at a time");
    store.answer(Answer::Well);
    store.stored(3).await;
    assert_eq!(store.record(store.last_id()).await.unwrap().stamp.seq, 6);
}

#[tokio::test(start_paused = true)]
async fn it_is_stored_some_time_after_a_change_and_not_without_one() {
    let store = Faulty::new();
    let server = server(config(&store)).await;
    let mut client = server.joined("/rehydrate").await;
    store.stored(1).await;
    tokio::time::sleep(Duration::from_millis(2 * CADENCE.1)).await;
    assert_eq!(store.begun_count(), 1, "nothing has changed");
    client.adds(1, 0).await;
    tokio::time::sleep(Duration::from_millis(CADENCE.1 / 2)).await;
    assert_eq!(store.begun_count(), 1);
    tokio::time::sleep(Duration::from_millis(CADENCE.1 / 2 + 100)).await;
    assert_eq!(store.stored_count(), 2);
    tokio::time::sleep(Duration::from_millis(2 * CADENCE.1)).await;
    assert_eq!(store.begun_count(), 2, "nothing has changed since");
}

#[tokio::test(start_paused = true)]
async fn it_is_stored_when_its_socket_is_lost() {
    let store = Faulty::new();
    let server = server(config(&store)).await;
    let mut client = server.joined("/rehydrate").await;
    client.adds(1, 0).await;
    assert_eq!(store.stored_count(), 1);
    let began = Instant::now();
    drop(client);
    store.stored(2).await;
    assert!(began.elapsed() < AT_ONCE, "not for the time that has passed: {:?}", began.elapsed());
    assert_eq!(store.record(store.last_id()).await.unwrap().stamp.seq, 1);
}

#[tokio::test]
async fn it_is_stored_when_its_server_ends_and_goes_on_at_another() {
    for path in ["/rehydrate", "/durable"] {
        let store = Faulty::new();
        let first = server(config(&store)).await;
        let mut client = first.joined(path).await;
        client.adds(1, 0).await;
        client.adds(1, 1).await;
        let token = client.token.clone();
        let ended = first.stop();
        let close = client.frame().await;
        assert_eq!((close.kind, close.reason), ("close", Some(CloseReason::ShuttingDown)), "{close:?}");
        client.ended(CloseReason::ShuttingDown).await;
        drop(client);
        ended.await.unwrap().unwrap();

        let second = server(config(&store.another())).await;
        let mut client = second.hello().await;
        // Nothing is shown anew: it has everything.
        assert_eq!(client.resumes(1, &token, 2, 2).await, 2, "{path}");
        client.adds(1, 2).await;
    }
}

#[tokio::test]
async fn a_kill_costs_what_was_not_stored_and_the_page_is_shown_so() {
    let store = Faulty::new();
    let first = server(config(&store)).await;
    let mut client = first.joined("/rehydrate").await;
    for count in 0..3 {
        client.adds(1, count).await;
    }
    store.stored(2).await;
    client.adds(1, 3).await;
    let token = client.token.clone();
    store.answer(Answer::Held);
    drop(client);

    let second = server(config(&store.another())).await;
    let mut client = second.hello().await;
    assert_eq!(client.resumes(1, &token, 4, 4).await, 4, "the fourth is settled, and lost");
    let snapshot = client.frame().await;
    assert!(snapshot.kind == "snapshot" && snapshot.version > 4, "{snapshot:?}");
    assert!(snapshot.program.ends_with(" [3]\n"), "{}", snapshot.program);
    // A snapshot gives new instances.
    let root = snapshot.program.split_whitespace().nth(1).unwrap().parse().unwrap();
    client.send(1, &crate::common::click(snapshot.version, 5, root, ADD)).await;
    assert!(client.hears_of(1, 5).await.program.ends_with(" 4\n"));
}

#[tokio::test]
async fn other_policies_store_nothing() {
    let store = Faulty::new();
    let server = server(config(&store)).await;
    for path in ["/remount", "/resume"] {
        let mut client = server.joined(path).await;
        client.adds(1, 0).await;
    }
    eventually(|| server.runtime.stats().parked == 1 && server.runtime.stats().sessions == 1).await;
    let ended = server.stop();
    ended.await.unwrap().unwrap();
    assert_eq!((store.begun_count(), store.record_count()), (0, 0));
}

#[tokio::test]
async fn a_session_to_be_remounted_ends_with_its_socket() {
    let server = server(config(&Faulty::new())).await;
    let mut client = server.joined("/remount").await;
    client.adds(1, 0).await;
    let token = client.token.clone();
    drop(client);
    eventually(|| server.runtime.stats().sessions == 0).await;
    let mut client = server.hello().await;
    client.resume(1, &token, 1, 1).await;
    client.closed(1, CloseReason::SessionGone).await;
}

#[tokio::test]
async fn a_session_in_memory_does_not_outlive_its_server() {
    let store = Faulty::new();
    let first = server(config(&store)).await;
    let mut client = first.joined("/resume").await;
    client.adds(1, 0).await;
    let token = client.token.clone();
    let ended = first.stop();
    client.closed(1, CloseReason::ShuttingDown).await;
    drop(client);
    ended.await.unwrap().unwrap();
    let second = server(config(&store.another())).await;
    let mut client = second.hello().await;
    client.resume(1, &token, 1, 1).await;
    client.closed(1, CloseReason::SessionGone).await;
    // It is served as ever.
    client.adopt(2, &second.token("/resume").await).await;
    client.click(2, 0, 1, ADD).await;
    client.shows(2, 1).await;
}

/// Without a store the stored policies are as `resume`.
#[tokio::test]
async fn without_a_store_everything_goes_on_in_memory() {
    let server = server(lightspeed::Config::default()).await;
    for path in ["/rehydrate", "/durable"] {
        let mut client = server.joined(path).await;
        client.adds(1, 0).await;
        let token = client.token.clone();
        drop(client);
        eventually(|| server.runtime.stats().parked > 0).await;
        let mut client = server.hello().await;
        assert_eq!(client.resumes(1, &token, 1, 1).await, 1);
        client.adds(1, 1).await;
    }
}
