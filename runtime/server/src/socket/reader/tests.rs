//! Readers without a socket: what they tell sessions, and in which order.

use maud::Render;

use super::*;
use crate::session::outbox::{OutboxReader, outbox};
use crate::{Config, Context, Html, Live, MountError, Runtime, html};

struct Still;

impl Live for Still {
    type Msg = ();
    type Params = ();

    async fn mount((): (), _: &mut Context<Self::Msg>) -> Result<Self, MountError> {
        Ok(Self)
    }

    fn update(&mut self, (): (), _: &mut Context<Self::Msg>) {}

    fn render(&self) -> Html<()> {
        html! { button onclick=(()) { "nothing" } }
    }
}

/// A session on the socket of `reader`.
struct Stage {
    runtime: Runtime,
    handle: Handle,
    reader: Reader,
    outbox: OutboxReader,
}

fn socket(runtime: &Runtime) -> (Reader, OutboxReader) {
    let (head, ()) = axum::http::Request::new(()).into_parts();
    let sockets = runtime.sockets();
    let account = sockets.accounts.of(None);
    let (outbox, waiting) = outbox(None, &account);
    let status =
        SocketStatus::take(&sockets.admissions, &head, [10, 0, 0, 1].into(), &account).expect("room");
    let (joins, config) = (Arc::clone(&sockets.joins), Arc::clone(&sockets.config));
    let reader = Reader::new(joins, config, outbox, head, Identity::default(), &account, Arc::new(status));
    (reader, waiting)
}

fn join(token: &str) -> Bytes {
    ClientFrame::Join { token, mode: 0, applied: 0, settled: 0 }.encode(1).into()
}

/// The token of the next `joined`.
async fn joined(outbox: &mut OutboxReader) -> String {
    loop {
        let frame = match outbox.next().await {
            crate::session::outbox::Outgoing::Frame(frame) => frame,
            crate::session::outbox::Outgoing::Transmission { transmission, .. } => transmission.frame,
        };
        if let Ok((1, ServerFrame::Joined { token, .. })) = ServerFrame::decode(&frame) {
            return token.to_owned();
        }
    }
}

impl Stage {
    /// And the token that it was given.
    async fn new() -> (Self, String) {
        let runtime = Runtime::new(Config::default());
        let page = runtime.mount::<Still>(()).await.expect("a session").render().into_string();
        let token = page.split('"').nth(1).expect("a token");
        let (mut reader, mut outbox) = socket(&runtime);
        reader.handle(join(token)).await.expect("a frame");
        let token = joined(&mut outbox).await;
        // Otherwise it is given up after two minutes.
        let ack = ClientFrame::Ack { ack: 0, behind: 0 }.encode(1);
        reader.handle(ack.into()).await.expect("a frame");
        let Some(Joined::Here { handle, .. }) = reader.joined.get(1) else { panic!("a session") };
        let handle = handle.clone();
        (Self { runtime, handle, reader, outbox }, token)
    }

    /// Has `reader` join while the session's inbox is full, and the socket lost before there is room.
    async fn lose(&self, mut reader: Reader, token: &str) {
        let count = u32::try_from(limits::INBOX_EVENTS_MAX).expect("a few");
        let full = self.handle.inbox.acquire_many(count).await.expect("all there are");
        let joining = timeout(Duration::from_secs(1), reader.handle(join(token)));
        assert!(joining.await.is_err(), "there is no room");
        drop(reader);
        drop(full);
        tokio::time::sleep(Duration::from_secs(1)).await;
    }

    fn stats(&self) -> (usize, usize) {
        let stats = self.runtime.stats();
        (stats.sessions, stats.parked)
    }
}

#[tokio::test(start_paused = true)]
async fn a_socket_that_is_lost_before_it_joins_leaves_the_session_to_the_older_one() {
    let (stage, token) = Stage::new().await;
    let (newer, _waiting) = socket(&stage.runtime);
    stage.lose(newer, &token).await;
    assert_eq!(stage.stats(), (1, 0), "the older socket has it");
    tokio::time::sleep(Duration::from_hours(1)).await;
    assert_eq!(stage.stats(), (1, 0), "for as long as it likes");
    let Stage { runtime, handle: _, reader, outbox: _outbox } = stage;
    drop(reader);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(runtime.stats().parked, 1);
    tokio::time::sleep(Duration::from_mins(4)).await;
    assert_eq!(runtime.stats().sessions, 0);
}

/// Both are lost while the session has not heard of either.
#[tokio::test(start_paused = true)]
async fn a_session_whose_sockets_are_all_lost_waits_and_expires() {
    let (stage, token) = Stage::new().await;
    let (mut newer, _waiting) = socket(&stage.runtime);
    let count = u32::try_from(limits::INBOX_EVENTS_MAX).expect("a few");
    let full = Arc::clone(&stage.handle.inbox).acquire_many_owned(count).await.expect("all there are");
    assert!(timeout(Duration::from_secs(1), newer.handle(join(&token))).await.is_err());
    let Stage { runtime, handle: _, reader, outbox: _outbox } = stage;
    drop(newer);
    drop(reader);
    drop(full);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(runtime.stats().parked, 1);
    tokio::time::sleep(Duration::from_mins(4)).await;
    assert_eq!(runtime.stats().sessions, 0);
}

/// The session has the socket in the epoch of before, and nobody else would tell it that it is gone.
#[tokio::test(start_paused = true)]
async fn a_socket_that_is_lost_while_it_joins_again_has_the_session_no_more() {
    let (mut stage, token) = Stage::new().await;
    let (empty, _waiting) = socket(&stage.runtime);
    let reader = std::mem::replace(&mut stage.reader, empty);
    stage.lose(reader, &token).await;
    assert_eq!(stage.stats(), (1, 1));
    tokio::time::sleep(Duration::from_mins(4)).await;
    assert_eq!(stage.stats(), (0, 0));
}

/// Whoever logs them tells nobody what opens a session, or what is in it.
#[tokio::test]
async fn nothing_that_is_printed_holds_a_token_or_a_state() {
    let (stage, token) = Stage::new().await;
    let mounted = stage.runtime.mount::<Still>(()).await.expect("a session");
    let page = mounted.render().into_string();
    let own = page.split('"').nth(1).expect("a token");
    let printed = format!("{mounted:?}");
    assert!(printed.contains("Still") && !printed.contains(own), "{printed}");

    let mode = JoinMode::Resume;
    let permit = Arc::clone(&stage.handle.inbox).try_acquire_owned().expect("room");
    let attachment = Attachment {
        link: None,
        retry: stage.reader.joins.retry.clone(),
        mode,
        applied: 7,
        settled: 0,
        token: token.clone(),
        is_latest: true,
        permit,
    };
    let printed = format!("{:?}", Mail::Join(Box::new(attachment)));
    assert!(printed.contains("applied: 7") && !printed.contains(&token), "{printed}");

    let join = lightspeed_core::session::Join {
        session: 1,
        mode,
        applied: 7,
        settled: 0,
        token: &token,
        is_latest: true,
    };
    let printed = format!("{:?}", lightspeed_core::session::Input::<()>::Join(join));
    assert!(printed.contains("applied: 7") && !printed.contains(&token), "{printed}");

    let stamp = crate::storage::store::Stamp { epoch: 1, seq: 2, nonce: 3 };
    let expires_at = std::time::SystemTime::UNIX_EPOCH;
    let record = crate::storage::store::Record { stamp, bytes: "a state".into(), expires_at };
    let printed = format!("{record:?}");
    assert!(printed.contains("byte_count: 7") && !printed.contains("a state"), "{printed}");
}
