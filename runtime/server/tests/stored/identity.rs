//! Whose a session is, and which of its tokens still count.

use lightspeed::Config;
use lightspeed_protocol::close::CloseReason;

use crate::common::{TestServer, eventually};
use crate::faulty::Faulty;
use crate::tally::{SECRET, config, server};

/// A server that believes what a request says of itself.
fn named(config: Config) -> Config {
    config.with_identity(|parts| Some(parts.headers.get("x-user")?.to_str().ok()?.to_owned()))
}

async fn refuses(server: &TestServer, user: Option<(&'static str, &str)>, token: &str) {
    let mut client = server.hello_with(user).await;
    client.resume(1, token, 1, 1).await;
    client.closed(1, CloseReason::BadToken).await;
}

const ADA: Option<(&str, &str)> = Some(("x-user", "ada"));
const GRACE: Option<(&str, &str)> = Some(("x-user", "grace"));

/// Whoever has somebody's token has not their session: neither where it is, nor at a server that would have
/// to bring it back.
#[tokio::test]
async fn a_session_is_taken_on_by_nobody_else() {
    let store = Faulty::new();
    let first = server(named(config(&store))).await;
    let page = first.request("GET", "/durable", "x-user: ada\r\n").await.token();
    refuses(&first, GRACE, &page).await;
    refuses(&first, None, &page).await;
    let mut ada = first.hello_with(ADA).await;
    ada.adopt(1, &page).await;
    ada.adds(1, 0).await;
    let token = ada.token.clone();
    let stored = store.stored_count();
    for user in [GRACE, None] {
        refuses(&first, user, &token).await;
    }
    // It is still hers, and she has not been disturbed.
    ada.adds(1, 1).await;

    let second_store = store.another();
    let second = server(named(config(&second_store))).await;
    for user in [GRACE, None] {
        refuses(&second, user, &token).await;
    }
    assert_eq!((store.stored_count(), second_store.begun_count()), (stored + 1, 0), "nobody has claimed it");
    let mut ada = second.hello_with(ADA).await;
    assert_eq!(ada.resumes(1, &token, 2, 2).await, 2);
    ada.adds(1, 2).await;
    // What she is given next is bound to her as well.
    refuses(&second, GRACE, &ada.token).await;
}

#[tokio::test]
async fn a_session_of_nobody_is_not_taken_on_by_somebody() {
    let store = Faulty::new();
    let first = server(named(config(&store))).await;
    let token = first.token("/durable").await;
    refuses(&first, ADA, &token).await;
    let mut client = first.hello().await;
    client.adopt(1, &token).await;
    refuses(&first, ADA, &client.token).await;
}

#[tokio::test]
async fn a_token_of_another_secret_is_none() {
    let store = Faulty::new();
    let first = server(config(&store)).await;
    let client = first.joined("/durable").await;
    let other = server(Config::default().with_secret([8; 32]).with_store(store.another())).await;
    refuses(&other, None, &client.token).await;
    assert_ne!(SECRET, [8; 32]);
}

/// A token counts until its client has spoken with the next one, as its answer may have got lost.
#[tokio::test]
async fn a_token_counts_until_its_client_has_the_next_one() {
    let server = server(config(&Faulty::new())).await;
    let page = server.token("/durable").await;
    let mut first = server.hello().await;
    first.adopt(1, &page).await;
    let silent = first.token.clone();
    drop(first);
    eventually(|| server.runtime.stats().parked == 1).await;
    // It has said nothing: perhaps it never heard of its token.
    let mut second = server.hello().await;
    second.adopt(1, &page).await;
    assert_ne!(second.token, silent);
    second.adds(1, 0).await;
    refuses(&server, None, &page).await;
    refuses(&server, None, &silent).await;
    let mut third = server.hello().await;
    assert_eq!(third.resumes(1, &second.token, 1, 1).await, 1);
}

#[tokio::test]
async fn what_is_known_of_tokens_outlives_the_server() {
    let store = Faulty::new();
    let first = server(config(&store)).await;
    let page = first.token("/durable").await;
    let mut client = first.hello().await;
    client.adopt(1, &page).await;
    // Stored with the event, by which the client has shown that it has the token.
    client.adds(1, 0).await;
    let second = server(config(&store.another())).await;
    refuses(&second, None, &page).await;
    let mut back = second.hello().await;
    assert_eq!(back.resumes(1, &client.token, 1, 1).await, 1);
    back.adds(1, 1).await;
    // The one before counts no more, here either.
    refuses(&second, None, &client.token).await;
}

/// Though the client has said nothing yet: a token that it shows has reached it.
#[tokio::test]
async fn a_token_that_was_shown_ends_the_ones_before_it() {
    let store = Faulty::new();
    let first = server(config(&store)).await;
    let page = first.token("/durable").await;
    let mut client = first.hello().await;
    client.adopt(1, &page).await;
    let token = client.token.clone();
    let mut client = first.hello().await;
    assert_eq!(client.resumes(1, &token, 0, 0).await, 0);
    refuses(&first, None, &page).await;
    // The answer was lost: it comes back with what it has, here or at a server that has to bring it back.
    let mut client = first.hello().await;
    assert_eq!(client.resumes(1, &token, 0, 0).await, 0);
    let second = server(config(&store.another())).await;
    let mut client = second.hello().await;
    assert_eq!(client.resumes(1, &token, 0, 0).await, 0);
    refuses(&second, None, &page).await;
    let mut client = second.hello().await;
    assert_eq!(client.resumes(1, &token, 0, 0).await, 0);
    client.adds(1, 0).await;
}
