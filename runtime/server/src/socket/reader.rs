//! The reading half of a socket: frames to sessions.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use axum::extract::ws::{Message, WebSocket};
use axum::http::request::Parts;
use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::SplitStream;
use lightspeed_protocol::PROTOCOL_VERSION;
use lightspeed_protocol::close::CloseReason;
use lightspeed_protocol::frame::{ClientFrame, JoinMode, ServerFrame};
use lightspeed_protocol::msgpack::Reader as Bytewise;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::fault::{End, Fault, end_of};
use super::head::Head;
use super::status::SocketStatus;
use crate::config::Config;
use crate::http::admission::bytes::{Account, Charge};
use crate::http::identity::Identity;
use crate::http::progress::{Arrived, Awaited, Progress};
use crate::id::SessionId;
use crate::limits;
use crate::session::join::Joins;
use crate::session::mailbox::{Attachment, Handle, Mail};
use crate::session::outbox::{Link, Outbox, close_frame};

/// The next binary message. Whatever the client sends counts as a sign of life, also a part of a message: `more` is
/// called when one has come.
async fn next_message(
    stream: &mut SplitStream<WebSocket>,
    progress: Option<&Progress>,
    within: Duration,
    mut more: impl FnMut(Instant),
) -> Result<Bytes, End> {
    loop {
        let mut awaited = Awaited::new(progress, within);
        let mut silence = pin!(sleep(within));
        let received = poll_fn(|cx| {
            if let Poll::Ready(received) = stream.poll_next_unpin(cx) {
                return Poll::Ready(Ok(received));
            }
            let now = Instant::now();
            match awaited.look(now) {
                Arrived::Nothing => {}
                Arrived::More => {
                    silence.as_mut().reset(awaited.until(now));
                    more(now);
                }
                Arrived::TooMuch => return Poll::Ready(Err(CloseReason::FrameTooLarge)),
            }
            silence.as_mut().poll(cx).map(|()| Err(CloseReason::Silent))
        });
        match received.await? {
            Some(Ok(Message::Binary(bytes))) => return Ok(bytes),
            Some(Ok(Message::Text(_))) => {
                return Err(Fault::malformed(0, "a text message: frames are binary").into());
            }
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
            Some(Ok(Message::Close(_))) | None => return Err(End::Gone),
            Some(Err(error)) => return Err(end_of(error)),
        }
    }
}

/// Waits for the hello; gives the templates whose HTML the client holds.
pub(crate) async fn read_hello(
    stream: &mut SplitStream<WebSocket>,
    progress: Option<&Progress>,
) -> Result<Vec<u32>, End> {
    let hello = next_message(stream, progress, limits::HELLO_WITHIN, |_| {});
    // Pings and parts of messages before the hello don't extend its time.
    let bytes = timeout(limits::HELLO_WITHIN, hello).await.map_err(|_| End::from(CloseReason::Silent))??;
    if bytes.len() > limits::INBOUND_FRAME_BYTES_MAX {
        return Err(CloseReason::FrameTooLarge.into());
    }
    // The version is read before the rest, which another version may have changed.
    if let Some(protocol) = other_version(&bytes) {
        return Err(Fault::other_version(protocol).into());
    }
    match ClientFrame::decode(&bytes).map_err(Fault::from)? {
        (0, ClientFrame::Hello { templates, .. }) => {
            let mut reader = templates.reader();
            let bound = u32::try_from(limits::TEMPLATES_PER_PAGE_MAX).unwrap_or(u32::MAX);
            let count = reader.array_at_most(bound).map_err(Fault::from)?;
            let known: Result<_, _> = (0..count).map(|_| reader.uint32()).collect();
            Ok(known.map_err(Fault::from)?)
        }
        (_, ClientFrame::Hello { .. }) => Err(Fault::malformed(1, "a hello is on session 0").into()),
        _ => Err(CloseReason::HelloExpected.into()),
    }
}

/// The version of a hello, if this server doesn't speak it.
fn other_version(bytes: &[u8]) -> Option<u64> {
    let mut reader = Bytewise::new(bytes);
    let is_hello = reader.array().is_ok() && reader.uint32() == Ok(0) && reader.uint32() == Ok(0);
    let version = reader.uint().ok().filter(|_| is_hello)?;
    (version != u64::from(PROTOCOL_VERSION)).then_some(version)
}

/// Why a token isn't valid, as far as that can be told apart, with a fix for when the page's next token isn't valid
/// either.
const OTHER_IDENTITY: &str =
    "Sign in again. If that doesn't help, the cookie for it isn't sent to the live socket's address.";
const OTHER_SECRET: &str =
    "This page is of another server. Servers behind one address share `Config::with_secret`.";
const OUTDATED: &str =
    "This page was shown before. If it is new, a cache gives it to several visitors, and must not.";

const _: () = assert!(
    OTHER_IDENTITY.len() <= limits::CLOSE_MESSAGE_BYTES_MAX
        && OTHER_SECRET.len() <= limits::CLOSE_MESSAGE_BYTES_MAX
        && OUTDATED.len() <= limits::CLOSE_MESSAGE_BYTES_MAX,
    "they are told whole"
);

/// Brings a socket's frames to its sessions. When it is dropped, the sessions are detached from the socket.
pub(crate) struct Reader {
    joins: Arc<Joins>,
    config: Arc<Config>,
    outbox: Outbox,
    /// The head of the request that opened the socket, where sessions may come back from a store.
    head: Option<Head>,
    /// Counts the bytes of the head.
    _charge: Option<Charge>,
    account: Arc<Account>,
    status: Arc<SocketStatus>,
    /// Since when no session is joined.
    unjoined_since: Option<Instant>,
    identity: Identity,
    joined: JoinedSessions,
    /// Counts the bytes that arrive on the connection, where the server is ours.
    progress: Option<Progress>,
}

/// The sessions of a socket, by the numbers that the client gave them. A list, as most sockets have one session.
#[derive(Default)]
struct JoinedSessions(Vec<(u32, Joined)>);

impl JoinedSessions {
    fn get(&self, session: u32) -> Option<&Joined> {
        self.0.iter().find(|(number, _)| *number == session).map(|(_, joined)| joined)
    }

    fn get_mut(&mut self, session: u32) -> Option<&mut Joined> {
        self.0.iter_mut().find(|(number, _)| *number == session).map(|(_, joined)| joined)
    }

    fn insert(&mut self, session: u32, joined: Joined) {
        self.remove(session);
        self.0.reserve_exact(1);
        self.0.push((session, joined));
    }

    fn remove(&mut self, session: u32) -> Option<Joined> {
        let index = self.0.iter().position(|(number, _)| *number == session)?;
        Some(self.0.remove(index).1)
    }

    fn has_session(&self) -> bool {
        self.0
            .iter()
            .any(|(_, joined)| matches!(joined, Joined::Here { handle, .. } if handle.mailbox.is_alive()))
    }

    fn is_full(&self) -> bool {
        self.0.len() >= limits::SESSIONS_PER_SOCKET_MAX
    }
}

/// The fields of a [`ClientFrame::Join`].
struct JoinRequest<'a> {
    session: u32,
    mode: JoinMode,
    applied: u64,
    settled: u64,
    token: &'a str,
}

/// A session on this socket.
enum Joined {
    Here {
        id: SessionId,
        handle: Handle,
        epoch: u64,
        /// The epoch that the session still knows, until it is told of the newer one.
        before: Option<u64>,
    },
    /// Refused; what the client sent before it knew is ignored.
    Ended,
}

impl Reader {
    pub(crate) fn new(
        joins: Arc<Joins>,
        config: Arc<Config>,
        outbox: Outbox,
        head: Parts,
        identity: Identity,
        account: &Arc<Account>,
        status: Arc<SocketStatus>,
    ) -> Self {
        let progress = head.extensions.get().cloned();
        let head = joins.restores.is_some().then(|| Head::new(head));
        let charge = head.as_ref().map(|head| {
            let mut charge = account.charge();
            // No more than everybody may have: `REQUEST_HEAD_BYTES_MAX`.
            let _ = charge.set(head.byte_count());
            charge
        });
        status.set_joined(false);
        let (account, unjoined_since) = (Arc::clone(account), Some(Instant::now()));
        let reader = Self {
            joins,
            config,
            outbox,
            head,
            _charge: charge,
            account,
            status,
            unjoined_since,
            identity,
            joined: JoinedSessions::default(),
            progress,
        };
        reader.admit();
        reader
    }

    /// Counts the bytes that arrive on the connection, where the server is ours.
    pub(crate) const fn progress(&self) -> Option<&Progress> {
        self.progress.as_ref()
    }

    /// Large messages are for sessions: a client that has joined none may send none.
    fn admit(&self) {
        if let Some(progress) = &self.progress {
            let is_joined = self.joined.has_session();
            progress.admit((!is_joined).then_some(limits::INBOUND_UNJOINED_BYTES_MAX));
        }
    }

    /// Where answers go.
    pub(crate) fn outbox(&self) -> &Outbox {
        &self.outbox
    }

    /// Reads until the socket ends.
    pub(crate) async fn read(&mut self, stream: &mut SplitStream<WebSocket>) -> End {
        let mut told_at = None;
        loop {
            // A socket without a session is closed, whatever else its client sends.
            let until = self.unjoined_since.map(|since| since + limits::JOIN_WITHIN);
            // The client's ping waits behind a large message that takes long to come: a pong is sent without one.
            let more = |now: Instant| {
                let is_told = told_at.is_some_and(|at| now < at + limits::PROGRESS_EVERY);
                if !is_told && told_at.replace(now).is_some() {
                    self.outbox.send_frame(0, &ServerFrame::Pong {});
                }
            };
            let within = Duration::from_millis(limits::SILENCE_MS_MAX);
            let next = next_message(stream, self.progress.as_ref(), within, more);
            let message = match until {
                Some(until) => {
                    timeout_at(until, next).await.unwrap_or_else(|_| Err(CloseReason::Silent.into()))
                }
                None => next.await,
            };
            match message {
                Ok(bytes) => {
                    told_at = None;
                    self.status.note_message();
                    if let Err(fault) = self.handle(bytes).await {
                        return fault.into();
                    }
                    self.note_joined();
                    self.admit();
                }
                Err(end) => return end,
            }
        }
    }

    /// A socket without a session makes room for others, and is closed after a while.
    fn note_joined(&mut self) {
        let is_joined = self.joined.has_session();
        if is_joined == self.unjoined_since.is_none() {
            return;
        }
        self.unjoined_since = (!is_joined).then(Instant::now);
        self.status.set_joined(is_joined);
    }

    async fn handle(&mut self, bytes: Bytes) -> Result<(), Fault> {
        let frame = ClientFrame::decode(&bytes);
        if bytes.len() > limits::INBOUND_FRAME_BYTES_MAX
            && !matches!(frame, Ok((_, ClientFrame::Event { .. })))
        {
            return Err(CloseReason::FrameTooLarge.into());
        }
        match frame? {
            (_, ClientFrame::Hello { .. }) => Err(CloseReason::HelloExpected.into()),
            (0, ClientFrame::Ping {}) => {
                self.outbox.send_frame(0, &ServerFrame::Pong {});
                Ok(())
            }
            (_, ClientFrame::Ping {}) => Err(Fault::malformed(1, "a ping is on session 0")),
            (session, ClientFrame::Join { token, mode, applied, settled }) => {
                let mode =
                    JoinMode::from_code(mode).ok_or(Fault::malformed(3, "a join of an unknown mode"))?;
                // Boxed: a join is rare, and its future large.
                Box::pin(self.join(JoinRequest { session, mode, applied, settled, token })).await
            }
            (session, ClientFrame::Leave {}) => {
                self.forward(session, bytes).await?;
                // The client sends nothing more for it, so the number is free.
                self.release(session);
                Ok(())
            }
            // Frames that the session answers with a patch, or the whole document.
            (session, ClientFrame::Event { .. } | ClientFrame::Resync { .. }) => {
                self.wait_for_rate(session).await;
                self.forward(session, bytes).await
            }
            (session, _) => self.forward(session, bytes).await,
        }
    }

    /// Waits until the session takes one more event, resync or join. Nothing is read from the socket meanwhile.
    async fn wait_for_rate(&self, session: u32) {
        let Some(Joined::Here { handle, .. }) = self.joined.get(session) else { return };
        let rate_limit = Arc::clone(&handle.rate_limit);
        while let Err(wait) = rate_limit.take() {
            tokio::time::sleep(wait).await;
        }
    }

    /// Hands a frame to its session as soon as the session's inbox has room.
    async fn forward(&mut self, session: u32, bytes: Bytes) -> Result<(), Fault> {
        match self.joined.get(session) {
            Some(Joined::Here { handle, epoch, .. }) => {
                let charge = if bytes.len() > limits::INBOUND_BYTES_FREE {
                    let mut charge = Box::new(self.account.charge_inbound());
                    if !charge.set(bytes.len()) {
                        return Err(CloseReason::Unavailable.into());
                    }
                    Some(charge)
                } else {
                    None
                };
                let places = self.config.inbox_places(bytes.len());
                if let Ok(permit) = Arc::clone(&handle.inbox).acquire_many_owned(places).await {
                    // False when the session has ended, of which the client is told already.
                    handle.mailbox.post(Mail::Frame { epoch: *epoch, bytes, permit, charge });
                }
                Ok(())
            }
            Some(Joined::Ended) => Ok(()),
            None => Err(Fault { offset: Some(1), ..CloseReason::UnknownSession.into() }),
        }
    }

    async fn join(&mut self, join: JoinRequest<'_>) -> Result<(), Fault> {
        let JoinRequest { session, mode, applied, settled, token } = join;
        if session == 0 {
            return Err(Fault::malformed(1, "session 0 is the connection: a join names another"));
        }
        if !self.make_room(session) {
            let reason = CloseReason::TooManySessions;
            self.refuse(session, reason, reason.meaning().trim());
            return Ok(());
        }
        let Some(token) = self.joins.verify(token, self.identity) else {
            let why = match self.config.identity {
                Some(_) => OTHER_IDENTITY,
                None => OTHER_SECRET,
            };
            self.refuse_because(session, CloseReason::BadToken, why);
            return Ok(());
        };
        let (handle, epoch) = match self.joins.find(token, || self.head.as_ref().map(Head::parts)).await {
            Ok(found) => found,
            Err(CloseReason::BadToken) => {
                self.refuse_because(session, CloseReason::BadToken, OUTDATED);
                return Ok(());
            }
            Err(reason) => {
                self.end_join(session, reason);
                return Ok(());
            }
        };
        let (id, is_latest) = (token.id, epoch == token.epoch + 1);
        let before = match self.joined.get(session) {
            Some(Joined::Here { id: joined, epoch, .. }) if *joined == id => Some(*epoch),
            _ => None,
        };
        if before.is_none() {
            self.release(session);
        }
        // Entered before the waits, so that the session is released however they end.
        self.joined.insert(session, Joined::Here { id, handle: handle.clone(), epoch, before });
        let link = Link::new(self.outbox.clone(), session, epoch);
        self.wait_for_rate(session).await;
        let Ok(permit) = Arc::clone(&handle.inbox).acquire_owned().await else {
            // The session has just ended. The client's next join finds out whether it is stored.
            self.end_join(session, CloseReason::Unavailable);
            return Ok(());
        };
        let token = self.joins.signer.sign(id, epoch, self.identity);
        let (link, retry) = (Some(link), self.joins.retry.clone());
        let attachment = Attachment { link, retry, mode, applied, settled, token, is_latest, permit };
        // When the session has ended, the attachment is dropped, and tells the client then.
        handle.mailbox.post(Mail::Join(Box::new(attachment)));
        if let Some(Joined::Here { before, .. }) = self.joined.get_mut(session) {
            *before = None;
        }
        Ok(())
    }

    /// Whether one more session may join, after sessions that have ended are removed.
    fn make_room(&mut self, session: u32) -> bool {
        let is_joined = self.joined.get(session).is_some();
        if self.joined.is_full() && !is_joined {
            self.joined.0.retain(|(_, joined)| match joined {
                Joined::Here { handle, .. } => handle.mailbox.is_alive(),
                Joined::Ended => false,
            });
        }
        !self.joined.is_full() || is_joined
    }

    fn end_join(&mut self, session: u32, reason: CloseReason) {
        self.refuse_because(session, reason, reason.meaning().trim());
    }

    /// `why` is shown to a person when it happens again and again, and logged at once.
    fn refuse_because(&mut self, session: u32, reason: CloseReason, why: &str) {
        self.release(session);
        self.joined.insert(session, Joined::Ended);
        self.refuse(session, reason, why);
    }

    fn refuse(&self, session: u32, reason: CloseReason, why: &str) {
        let peer = self.outbox.peer().map(tracing::field::display);
        let reason_name = reason.name();
        if matches!(reason, CloseReason::SessionGone | CloseReason::ShuttingDown | CloseReason::Moved) {
            // Pages that were away for long, or at another server: nothing is wrong.
            tracing::info!(reason = reason_name, session, peer, "join refused");
        } else {
            tracing::warn!(reason = reason_name, session, peer, why, "join refused");
        }
        self.outbox.send_frame(session, &close_frame(reason, why, self.joins.retry.after_ms(reason)));
    }

    /// Detaches a session, which then waits for another socket.
    fn release(&mut self, session: u32) {
        if let Some(Joined::Here { id, handle, epoch, before }) = self.joined.remove(session) {
            for epoch in before.into_iter().chain([epoch]) {
                handle.mailbox.post(Mail::Detach { epoch });
            }
            self.joins.registry.detach(id, epoch);
        }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        while let Some((session, _)) = self.joined.0.first() {
            self.release(*session);
        }
    }
}

#[cfg(test)]
mod tests;
