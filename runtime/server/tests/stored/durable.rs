//! `Policy::durable`: stored before anything is acknowledged or shown.

use std::sync::atomic::Ordering;
use std::time::Duration;

use lightspeed::limits::{STORE_ANSWER_WITHIN, STORE_OUT_AFTER};
use lightspeed_protocol::close::CloseReason;
use lightspeed_protocol::frame::ClientFrame;

use crate::common::{Log, eventually};
use crate::faulty::{Answer, Faulty};
use crate::tally::{ADD, PERFORM, Performed, config, serve, server};

#[tokio::test]
async fn nothing_is_acknowledged_or_shown_before_it_is_stored() {
    let store = Faulty::new();
    let server = server(config(&store)).await;
    let token = server.token("/durable").await;
    assert_eq!(store.begun_count(), 0, "a page that nobody has joined is not stored");
    let mut client = server.hello().await;

    store.answer(Answer::Held);
    client.join(1, &token).await;
    store.begun(1).await;
    client.hears_nothing().await;
    store.answer(Answer::Well);
    assert_eq!(client.frame().await.kind, "joined");
    assert_eq!(client.frame().await.kind, "snapshot");

    store.answer(Answer::Held);
    client.click(1, 0, 1, ADD).await;
    store.begun(2).await;
    // What comes meanwhile is handled, and stored with the next write.
    client.click(1, 0, 2, ADD).await;
    client.hears_nothing().await;
    client.hears_nothing().await;
    assert_eq!(store.begun_count(), 2);
    store.answer(Answer::Well);
    let patch = client.frame().await;
    assert_eq!((patch.kind, patch.ack, patch.version), ("patch", 1, 1));
    let patch = client.frame().await;
    assert_eq!((patch.kind, patch.ack, patch.version), ("patch", 2, 2));
    assert_eq!(store.stored_count(), 3);
    assert_eq!(store.record(store.last_id()).await.unwrap().stamp.seq, 2);
}

#[tokio::test(start_paused = true)]
async fn a_store_that_fails_is_asked_again_and_nothing_is_acknowledged_until_it_has_stored() {
    let (log, _guard) = Log::start();
    let store = Faulty::new();
    let server = server(config(&store)).await;
    let mut client = server.joined("/durable").await;
    let before = store.begun_count();
    store.answer(Answer::Failing);
    client.click(1, 0, 1, ADD).await;
    store.begun(before + 5).await;
    client.hears_nothing().await;
    assert!(log.lines("transition=\"store-failed\"").len() >= 4);
    assert!(log.lines("it is broken on purpose").len() >= 4);
    assert_eq!(server.runtime.stats().sessions, 1, "it goes on as long as it takes");
    store.answer(Answer::Well);
    client.shows(1, 1).await;
    client.adds(1, 1).await;
}

#[tokio::test(start_paused = true)]
async fn a_store_that_does_not_answer_is_asked_again() {
    let (log, _guard) = Log::start();
    let store = Faulty::new();
    let server = server(config(&store)).await;
    let mut client = server.joined("/durable").await;
    let before = store.begun_count();
    store.answer(Answer::Held);
    client.click(1, 0, 1, ADD).await;
    store.begun(before + 1).await;
    tokio::time::sleep(STORE_ANSWER_WITHIN + Duration::from_millis(100)).await;
    assert_eq!(store.begun_count(), before + 2);
    assert_eq!(log.lines("no answer in time").len(), 1);
    client.hears_nothing().await;
    store.answer(Answer::Well);
    client.shows(1, 1).await;
}

#[tokio::test]
async fn an_answer_that_got_lost_is_no_conflict() {
    let store = Faulty::new();
    let server = server(config(&store)).await;
    let mut client = server.joined("/durable").await;
    let (begun, stored) = (store.begun_count(), store.stored_count());
    store.answer(Answer::Mute);
    client.click(1, 0, 1, ADD).await;
    // The write, and the one after it, which finds the first.
    store.begun(begun + 1).await;
    store.stored(stored + 1).await;
    client.hears_nothing().await;
    store.answer(Answer::Well);
    client.shows(1, 1).await;
    assert_eq!(store.stored_count(), stored + 1, "it was stored once");
    client.adds(1, 1).await;
}

#[tokio::test]
async fn a_conflict_ends_the_session_and_nothing_is_acknowledged() {
    let (log, _guard) = Log::start();
    let store = Faulty::new();
    let server = server(config(&store)).await;
    let mut client = server.joined("/durable").await;
    let id = store.last_id();
    let before = store.record(id).await;
    store.answer(Answer::Conflict);
    client.click(1, 0, 1, ADD).await;
    let close = client.frame().await;
    assert_eq!((close.kind, close.reason), ("close", Some(CloseReason::Moved)), "{close:?}");
    assert!(close.retry_ms > 0, "it may come back");
    client.hears_nothing().await;
    eventually(|| server.runtime.stats().sessions == 0).await;
    assert_eq!(store.record(id).await, before, "what stands there is not ours to change or remove");
    assert_eq!(log.lines("transition=\"fenced\"").len(), 1);
}

/// Each event counts once, whether its write took effect before the end or not.
#[tokio::test]
async fn what_is_acknowledged_survives_a_kill_and_what_is_not_counts_once() {
    for last in [Answer::Held, Answer::Mute] {
        let first_store = Faulty::new();
        let first = server(config(&first_store)).await;
        let mut client = first.joined("/durable").await;
        client.adds(1, 0).await;
        client.adds(1, 1).await;
        let token = client.token.clone();
        let stored = first_store.stored_count();
        first_store.answer(last);
        client.click(1, 2, 3, ADD).await;
        if last == Answer::Mute {
            first_store.stored(stored + 1).await;
        } else {
            let begun = first_store.begun_count();
            first_store.begun(begun.max(stored + 1)).await;
        }
        client.hears_nothing().await;
        first_store.answer(Answer::Held);
        drop(client);

        let second = server(config(&first_store.another())).await;
        let mut client = second.hello().await;
        // Whether it was stored or not, no page has seen it yet.
        assert_eq!(client.resumes(1, &token, 2, 2).await, 2, "{last:?}");
        // It has not heard of the third, so it sends it again.
        client.click(1, 2, 3, ADD).await;
        client.shows(1, 3).await;
        if last == Answer::Mute {
            assert_eq!(client.frame().await.kind, "ack");
        }
        client.adds(1, 3).await;
    }
}

#[tokio::test]
async fn a_task_starts_when_what_asked_for_it_is_stored() {
    let store = Faulty::new();
    let performed = Performed::default();
    let server = serve(config(&store), performed.clone()).await;
    let mut client = server.joined("/durable").await;
    let before = store.begun_count();
    store.answer(Answer::Held);
    client.click(1, 0, 1, PERFORM).await;
    store.begun(before + 1).await;
    client.hears_nothing().await;
    assert_eq!(performed.0.0.load(Ordering::Relaxed), 0);
    store.answer(Answer::Well);
    assert_eq!(client.frame().await.kind, "ack");
    let patch = client.frame().await;
    assert_eq!(patch.program, format!("text 1 {} 100\n", crate::tally::COUNT));
    assert_eq!(performed.0.0.load(Ordering::Relaxed), 1);
}

/// A page that is left or whose component has failed for good leaves nothing behind.
#[tokio::test]
async fn a_session_that_ends_is_taken_out_of_the_store() {
    let store = Faulty::new();
    let server = server(config(&store)).await;
    let mut client = server.joined("/durable").await;
    client.adds(1, 0).await;
    assert_eq!(store.record_count(), 1);
    client.send(1, &ClientFrame::Leave {}).await;
    eventually(|| store.record_count() == 0).await;
}

/// A record expires some time after its page is gone, and not while the page is there.
#[tokio::test(start_paused = true)]
async fn a_page_that_is_open_for_long_keeps_its_record() {
    let store = Faulty::new();
    let ttl = Duration::from_mins(9);
    let server = server(config(&store).with_stored_ttl(ttl)).await;
    let mut client = server.joined("/durable").await;
    client.adds(1, 0).await;
    client.send(1, &ClientFrame::Ack { ack: 1, behind: 0 }).await;
    let (id, before) = (store.last_id(), store.stored_count());
    let stamp = store.record(id).await.unwrap().stamp;
    client.passes(10 * ttl).await;
    let renewed = store.stored_count() - before;
    assert!((20..=50).contains(&renewed), "more than once in a ttl, and not all the time: {renewed}");
    assert_eq!(store.record(id).await.unwrap().stamp, stamp, "it is the same checkpoint");
    client.adds(1, 1).await;

    // One that failed to is tried again before it is too late.
    client.send(1, &ClientFrame::Ack { ack: 2, behind: 0 }).await;
    store.answer(Answer::Failing);
    client.passes(ttl / 3 + Duration::from_secs(20)).await;
    store.answer(Answer::Well);
    let before = store.stored_count();
    client.passes(ttl / 3).await;
    assert!(store.stored_count() > before);

    // Nobody renews what another server has.
    let second_store = store.another();
    let second = crate::tally::server(config(&second_store)).await;
    let mut newer = second.hello().await;
    assert_eq!(newer.resumes(1, &client.token, 2, 2).await, 2);
    newer.adds(1, 2).await;
    let theirs = store.record(id).await;
    let before = store.stored_count();
    client.passes(ttl / 3 + Duration::from_secs(20)).await;
    assert_eq!((store.record(id).await, store.stored_count()), (theirs, before));
}

/// As long as anybody can wait, and no longer than a clock can tell.
#[tokio::test]
async fn a_session_may_be_told_to_wait_for_ever() {
    let store = Faulty::new();
    let ever = Duration::MAX;
    let config = config(&store).with_stored_ttl(ever).with_parked_ttl(ever).with_unattached_ttl(ever);
    let server = server(config).await;
    let mut client = server.joined("/durable").await;
    client.adds(1, 0).await;
    let token = client.token.clone();
    drop(client);
    eventually(|| server.runtime.stats().parked == 1).await;
    let mut client = server.hello().await;
    assert_eq!(client.resumes(1, &token, 1, 1).await, 1);
    client.adds(1, 1).await;
}

/// What nobody has ever seen is as good when it is mounted anew.
#[tokio::test(start_paused = true)]
async fn a_page_that_nobody_joins_is_never_stored() {
    let store = Faulty::new();
    let server = server(config(&store)).await;
    let token = server.token("/durable").await;
    tokio::time::sleep(Duration::from_secs(32)).await;
    eventually(|| server.runtime.stats().sessions == 0).await;
    let mut client = server.hello().await;
    client.join(1, &token).await;
    client.closed(1, CloseReason::SessionGone).await;
    assert_eq!((store.begun_count(), store.record_count()), (0, 0));
}

/// Its last write has taken effect when it ends, and nobody has told it so.
#[tokio::test]
async fn a_session_that_ends_while_it_is_written_leaves_no_record() {
    let store = Faulty::new();
    let server = server(config(&store)).await;
    let mut client = server.joined("/durable").await;
    client.adds(1, 0).await;
    let (id, stored) = (store.last_id(), store.stored_count());
    store.answer(Answer::Late);
    client.click(1, 1, 2, ADD).await;
    store.stored(stored + 1).await;
    client.send(1, &ClientFrame::Leave {}).await;
    eventually(|| server.runtime.stats().sessions == 0).await;
    assert_eq!(store.record(id).await.unwrap().stamp.seq, 2);
    store.answer(Answer::Well);
    eventually(|| store.record_count() == 0).await;
}

/// A page that is connected and shows nothing new looks as if all were well.
#[tokio::test(start_paused = true)]
async fn a_store_that_is_out_is_told_to_the_page_until_it_is_back() {
    for answer in [Answer::Held, Answer::Failing] {
        let (log, _guard) = Log::start();
        let store = Faulty::new();
        let server = server(config(&store)).await;
        let mut client = server.joined("/durable").await;
        store.answer(answer);
        let began = tokio::time::Instant::now();
        client.click(1, 0, 1, ADD).await;
        client.closed(1, CloseReason::Unavailable).await;
        assert!(began.elapsed() >= STORE_OUT_AFTER, "{:?}", began.elapsed());
        let loud = log.lines("pages are told that it is unavailable");
        assert!(loud.len() == 1 && loud[0].contains("ERROR"), "{loud:?}");
        // Coming back is of no use yet, and the page is told so at once.
        client.resume(1, &client.token.clone(), 0, 0).await;
        let refused = client.frame().await;
        assert_eq!((refused.kind, refused.reason), ("close", Some(CloseReason::Unavailable)));
        assert!(refused.retry_ms >= 1_000, "{refused:?}");
        let stored = store.stored_count();
        store.answer(Answer::Well);
        store.stored(stored + 1).await;
        let id = store.last_id();
        // It is here still, with what was clicked.
        let mut back = server.hello().await;
        loop {
            back.resume(1, &client.token, 0, 0).await;
            let frame = back.frame().await;
            if frame.kind == "joined" {
                assert_eq!(frame.ack, 0, "the page hasn't seen it yet");
                let patch = back.frame().await;
                assert_eq!((patch.kind, patch.ack), ("patch", 1));
                break;
            }
            assert_eq!(frame.reason, Some(CloseReason::Unavailable), "{frame:?}");
            tokio::time::sleep(Duration::from_millis(frame.retry_ms)).await;
        }
        assert_eq!(store.record(id).await.unwrap().stamp.seq, 1);
    }
}
