//! Two servers with one store: the store decides who has a session.

use lightspeed_protocol::close::CloseReason;

use crate::common::{Client, Log, TestServer, eventually};
use crate::faulty::Faulty;
use crate::tally::{ADD, config, server};

/// Two servers; a client whose session is at the first; and the ways of both to the store.
async fn two(path: &str) -> ((TestServer, Faulty), (TestServer, Faulty), Client) {
    let first_store = Faulty::new();
    let second_store = first_store.another();
    let first = server(config(&first_store)).await;
    let second = server(config(&second_store)).await;
    let mut client = first.joined(path).await;
    client.adds(1, 0).await;
    ((first, first_store), (second, second_store), client)
}

/// Takes the session over at `server`, and adds one there.
async fn take_over(server: &TestServer, token: &str) -> Client {
    let mut client = server.hello().await;
    assert_eq!(client.resumes(1, token, 1, 1).await, 1);
    client.adds(1, 1).await;
    client
}

#[tokio::test]
async fn the_older_ones_write_is_refused_and_its_page_goes_to_the_newer_one() {
    let (log, _guard) = Log::start();
    let ((first, first_store), (second, second_store), mut old) = two("/durable").await;
    let id = first_store.last_id();
    let mut new = take_over(&second, &old.token).await;
    let theirs = second_store.record(id).await;

    // The first doesn't know yet that it has lost the session.
    assert_eq!(first.runtime.stats().sessions, 1);
    let begun = first_store.begun_count();
    old.click(1, 1, 2, ADD).await;
    let close = old.frame().await;
    assert_eq!((close.kind, close.reason), ("close", Some(CloseReason::Moved)), "{close:?}");
    assert!(close.retry_ms > 0);
    old.hears_nothing().await;
    assert_eq!(first_store.begun_count(), begun + 1, "it tried once");
    eventually(|| first.runtime.stats().sessions == 0).await;
    assert_eq!(log.lines("transition=\"fenced\"").len(), 1);
    assert_eq!(second_store.record(id).await, theirs, "and has neither written nor removed anything");
    new.adds(1, 2).await;
}

/// Also at the writes that no event asks for: when the socket is lost, and when the server ends.
#[tokio::test]
async fn one_that_has_lost_a_session_does_not_store_it_when_it_lets_it_go() {
    for does_end in [false, true] {
        let ((first, first_store), (second, second_store), mut old) = two("/rehydrate").await;
        let id = first_store.last_id();
        let token = old.token.clone();
        // Acknowledged and shown, as this policy promises no more.
        old.adds(1, 1).await;
        // The second starts from what is stored, which lacks all of it.
        let mut new = second.hello().await;
        new.resume(1, &token, 1, 1).await;
        assert_eq!(new.frame().await.kind, "joined");
        let theirs = second_store.record(id).await;
        let stored = first_store.stored_count();
        let begun = first_store.begun_count();
        if does_end {
            let ended = first.stop();
            old.closed(1, CloseReason::Moved).await;
            drop(old);
            ended.await.unwrap().unwrap();
        } else {
            drop(old);
            first_store.begun(begun + 1).await;
            eventually(|| first.runtime.stats().sessions == 0).await;
        }
        assert!(first_store.begun_count() > begun);
        assert_eq!(first_store.stored_count(), stored);
        assert_eq!(second_store.record(id).await, theirs);
    }
}

#[tokio::test]
async fn a_session_that_comes_back_from_another_server_is_read_anew() {
    let (log, _guard) = Log::start();
    let ((first, _), (second, _), mut old) = two("/durable").await;
    let new = take_over(&second, &old.token).await;
    // The first has the session as it was, and is shown a token that it hasn't handed out.
    let mut back = first.hello().await;
    assert_eq!(back.resumes(1, &new.token, 2, 2).await, 2);
    back.adds(1, 2).await;
    assert_eq!(first.runtime.stats().sessions, 1);
    old.closed(1, CloseReason::Moved).await;
    assert_eq!(log.lines("transition=\"fenced\"").len(), 1);
    assert_eq!(log.lines("transition=\"restored\"").len(), 2);
}

/// Of many servers that bring a session back at once, one has it in the end.
#[tokio::test]
async fn a_race_has_one_winner() {
    let ((_, store), _, old) = two("/durable").await;
    let mut servers = Vec::new();
    for _ in 0..4 {
        servers.push(server(config(&store.another())).await);
    }
    let mut clients = Vec::new();
    for server in &servers {
        let mut client = server.hello().await;
        client.resume(1, &old.token, 1, 1).await;
        clients.push(client);
    }
    let mut joined = Vec::new();
    for mut client in clients {
        let frame = client.frame().await;
        match frame.reason {
            None => {
                assert_eq!((frame.kind, frame.ack), ("joined", 1));
                joined.push(client);
            }
            reason => assert_eq!(reason, Some(CloseReason::Moved)),
        }
    }
    // Each of these believes that it has the session.
    let mut counted_by = 0;
    for mut client in joined {
        client.click(1, 1, 2, ADD).await;
        let frame = client.frame().await;
        if frame.kind == "patch" {
            assert_eq!(frame.ack, 2);
            counted_by += 1;
        } else {
            assert_eq!(frame.reason, Some(CloseReason::Moved), "{frame:?}");
        }
    }
    assert_eq!(counted_by, 1);
    assert_eq!(store.record(store.last_id()).await.unwrap().stamp.seq, 2);
}
