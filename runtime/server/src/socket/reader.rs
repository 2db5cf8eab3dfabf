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
use lightspeed_core::host::registry::Decision;
use lightspeed_protocol::PROTOCOL_VERSION;
use lightspeed_protocol::close::CloseReason;
use lightspeed_protocol::frame::{ClientFrame, JoinMode, ServerFrame};
use lightspeed_protocol::msgpack::Reader as Bytewise;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::fault::{End, Fault, end_of};
use super::head::Head;
use super::standing::Standing;
use crate::http::admission::bytes::{Account, Charge};
use crate::http::progress::{Arrived, Awaited, Progress};
use crate::limits;
use crate::operations::crew::{Label, Lane};
use crate::runtime::Inner;
use crate::session::mailbox::{Attachment, Handle, Mail};
use crate::session::outbox::{Link, Outbox, close_frame};
use crate::session::token::{Identity, SessionId, Token};

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

/// Waits for the hello; the templates whose HTML the client holds.
pub(crate) async fn read_hello(
    stream: &mut SplitStream<WebSocket>,
    progress: Option<&Progress>,
) -> Result<Vec<u32>, End> {
    let hello = next_message(stream, progress, limits::HELLO_WITHIN, |_| {});
    // Whatever comes before it gives it no more time.
    let bytes = timeout(limits::HELLO_WITHIN, hello).await.map_err(|_| End::from(CloseReason::Silent))??;
    if bytes.len() > limits::INBOUND_FRAME_BYTES_MAX {
        return Err(CloseReason::FrameTooLarge.into());
    }
    // Read before the rest, which another version may have changed.
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

/// Why a token is none, as far as that can be told apart, with what to do if the page's next token is none either.
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

/// Brings a socket's frames to its sessions; lets go of them when dropped.
pub(crate) struct Reader {
    inner: Arc<Inner>,
    outbox: Outbox,
    /// Of the request that opened the socket, where there is a store to bring sessions back from.
    head: Option<Head>,
    /// Of the head.
    _charge: Option<Charge>,
    account: Arc<Account>,
    standing: Arc<Standing>,
    /// Since when no session is joined.
    unseated_since: Option<Instant>,
    identity: Identity,
    seats: Seats,
    /// What has come on the connection, where that is known.
    progress: Option<Progress>,
}

/// The sessions of a socket, by the numbers that the client gave them. Mostly one: a list, and no map with room for more.
#[derive(Default)]
struct Seats(Vec<(u32, Seat)>);

impl Seats {
    fn get(&self, session: u32) -> Option<&Seat> {
        self.0.iter().find(|(number, _)| *number == session).map(|(_, seat)| seat)
    }

    fn get_mut(&mut self, session: u32) -> Option<&mut Seat> {
        self.0.iter_mut().find(|(number, _)| *number == session).map(|(_, seat)| seat)
    }

    fn insert(&mut self, session: u32, seat: Seat) {
        self.remove(session);
        self.0.reserve_exact(1);
        self.0.push((session, seat));
    }

    fn remove(&mut self, session: u32) -> Option<Seat> {
        let index = self.0.iter().position(|(number, _)| *number == session)?;
        Some(self.0.remove(index).1)
    }

    fn has_session(&self) -> bool {
        self.0.iter().any(|(_, seat)| matches!(seat, Seat::Taken { handle, .. } if handle.mailbox.is_alive()))
    }

    fn is_full(&self) -> bool {
        self.0.len() >= limits::SESSIONS_PER_SOCKET_MAX
    }
}

/// What a join asks for.
struct Wanted<'a> {
    session: u32,
    mode: JoinMode,
    applied: u64,
    settled: u64,
    token: &'a str,
}

/// A session on this socket.
enum Seat {
    Taken {
        id: SessionId,
        handle: Handle,
        epoch: u64,
        /// The epoch that the session still has the seat in, until it is told of the newer one.
        before: Option<u64>,
    },
    /// Refused; what the client sent before it knew is ignored.
    Ended,
}

impl Reader {
    pub(crate) fn new(
        inner: Arc<Inner>,
        outbox: Outbox,
        head: Parts,
        identity: Identity,
        account: &Arc<Account>,
        standing: Arc<Standing>,
    ) -> Self {
        let progress = head.extensions.get().cloned();
        let head = inner.config.store.is_some().then(|| Head::new(head));
        let charge = head.as_ref().map(|head| {
            let mut charge = account.charge();
            // No more than everybody may have: `REQUEST_HEAD_BYTES_MAX`.
            let _ = charge.set(head.byte_count());
            charge
        });
        standing.set_seated(false);
        let (account, unseated_since) = (Arc::clone(account), Some(Instant::now()));
        let reader = Self {
            inner,
            outbox,
            head,
            _charge: charge,
            account,
            standing,
            unseated_since,
            identity,
            seats: Seats::default(),
            progress,
        };
        reader.admit();
        reader
    }

    /// What has come on the connection, where that is known.
    pub(crate) const fn progress(&self) -> Option<&Progress> {
        self.progress.as_ref()
    }

    /// Large messages are for sessions: who has joined none sends none.
    fn admit(&self) {
        if let Some(progress) = &self.progress {
            let is_joined = self.seats.has_session();
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
            // Whatever else it says, a socket is for sessions.
            let until = self.unseated_since.map(|since| since + limits::JOIN_WITHIN);
            // A large message takes long to come, and the client's ping behind it: it is told that it is heard.
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
                    self.standing.note_message();
                    if let Err(fault) = self.handle(bytes).await {
                        return fault.into();
                    }
                    self.note_seats();
                    self.admit();
                }
                Err(end) => return end,
            }
        }
    }

    /// Who has no session makes room for others, and doesn't stay for ever.
    fn note_seats(&mut self) {
        let is_seated = self.seats.has_session();
        if is_seated == self.unseated_since.is_none() {
            return;
        }
        self.unseated_since = (!is_seated).then(Instant::now);
        self.standing.set_seated(is_seated);
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
                // Boxed: it happens once for a session, and takes much room while it does.
                Box::pin(self.join(Wanted { session, mode, applied, settled, token })).await
            }
            (session, ClientFrame::Leave {}) => {
                self.forward(session, bytes).await?;
                // The client sends nothing more for it, so the number is free.
                self.release(session);
                Ok(())
            }
            // What the session answers with work: a patch, or the whole document.
            (session, ClientFrame::Event { .. } | ClientFrame::Resync { .. }) => {
                self.pace(session).await;
                self.forward(session, bytes).await
            }
            (session, _) => self.forward(session, bytes).await,
        }
    }

    /// Waits until the session takes one more event, resync or join. Nothing is read from the socket meanwhile.
    async fn pace(&self, session: u32) {
        let Some(Seat::Taken { handle, .. }) = self.seats.get(session) else { return };
        let pace = Arc::clone(&handle.pace);
        while let Err(wait) = pace.take() {
            tokio::time::sleep(wait).await;
        }
    }

    /// Casts a frame to its session as soon as the session's inbox has room.
    async fn forward(&mut self, session: u32, bytes: Bytes) -> Result<(), Fault> {
        match self.seats.get(session) {
            Some(Seat::Taken { handle, epoch, .. }) => {
                let charge = if bytes.len() > limits::INBOUND_BYTES_FREE {
                    let mut charge = Box::new(self.account.charge_inbound());
                    if !charge.set(bytes.len()) {
                        return Err(CloseReason::Unavailable.into());
                    }
                    Some(charge)
                } else {
                    None
                };
                let places = self.inner.config.inbox_places(bytes.len());
                if let Ok(permit) = Arc::clone(&handle.inbox).acquire_many_owned(places).await {
                    // False when the session has ended, of which the client is told already.
                    handle.mailbox.post(Mail::Frame { epoch: *epoch, bytes, permit, charge });
                }
                Ok(())
            }
            Some(Seat::Ended) => Ok(()),
            None => Err(Fault { offset: Some(1), ..CloseReason::UnknownSession.into() }),
        }
    }

    async fn join(&mut self, join: Wanted<'_>) -> Result<(), Fault> {
        let Wanted { session, mode, applied, settled, token } = join;
        if session == 0 {
            return Err(Fault::malformed(1, "session 0 is the connection: a join names another"));
        }
        if !self.make_room(session) {
            let reason = CloseReason::TooManySessions;
            self.refuse(session, reason, reason.meaning().trim());
            return Ok(());
        }
        let Some(token) = self.inner.signer.verify(token, self.identity) else {
            let why = match self.inner.config.identity {
                Some(_) => OTHER_IDENTITY,
                None => OTHER_SECRET,
            };
            self.end_seat_because(session, CloseReason::BadToken, why);
            return Ok(());
        };
        let (handle, epoch) = match self.find(token).await {
            Ok(found) => found,
            Err(CloseReason::BadToken) => {
                self.end_seat_because(session, CloseReason::BadToken, OUTDATED);
                return Ok(());
            }
            Err(reason) => {
                self.end_seat(session, reason);
                return Ok(());
            }
        };
        let (id, is_latest) = (token.id, epoch == token.epoch + 1);
        let before = match self.seats.get(session) {
            Some(Seat::Taken { id: seated, epoch, .. }) if *seated == id => Some(*epoch),
            _ => None,
        };
        if before.is_none() {
            self.release(session);
        }
        // Seated before the waits, so that it is let go of however the wait ends.
        self.seats.insert(session, Seat::Taken { id, handle: handle.clone(), epoch, before });
        let link = Link::new(self.outbox.clone(), session, epoch);
        self.pace(session).await;
        let Ok(permit) = Arc::clone(&handle.inbox).acquire_owned().await else {
            // It ended in this very moment: stored, or for good. The next join will tell.
            self.end_seat(session, CloseReason::Unavailable);
            return Ok(());
        };
        let token = self.inner.signer.sign(id, epoch, self.identity);
        let (link, inner) = (Some(link), Arc::downgrade(&self.inner));
        let attachment = Attachment { link, inner, mode, applied, settled, token, is_latest, permit };
        // A session that has ended takes it no more: then it tells the client when it is dropped.
        handle.mailbox.post(Mail::Join(Box::new(attachment)));
        if let Some(Seat::Taken { before, .. }) = self.seats.get_mut(session) {
            *before = None;
        }
        Ok(())
    }

    /// The session that a token names, brought back from the store if need be.
    async fn find(&self, token: Token) -> Result<(Handle, u64), CloseReason> {
        match self.inner.registry.join(token) {
            Decision::Attach { kept, epoch } => return Ok((kept, epoch)),
            Decision::Refuse(reason) => return Err(reason),
            Decision::Load { behind } => {
                behind.map(|handle| handle.mailbox.post(Mail::Moved));
            }
        }
        let head = self.head.as_ref().ok_or(CloseReason::SessionGone)?;
        let (inner, parts) = (Arc::clone(&self.inner), head.parts());
        let label = Label::new("restore").in_session(token.id);
        self.inner
            .crew()
            .run(Lane::Session, label, async move { inner.restore(&parts, token).await })
            .await?;
        self.inner.registry.join(token).once_restored()
    }

    /// Whether one more session may join, those forgotten that have ended.
    fn make_room(&mut self, session: u32) -> bool {
        let is_seated = self.seats.get(session).is_some();
        if self.seats.is_full() && !is_seated {
            self.seats.0.retain(|(_, seat)| match seat {
                Seat::Taken { handle, .. } => handle.mailbox.is_alive(),
                Seat::Ended => false,
            });
        }
        !self.seats.is_full() || is_seated
    }

    fn end_seat(&mut self, session: u32, reason: CloseReason) {
        self.end_seat_because(session, reason, reason.meaning().trim());
    }

    /// `why` is shown to a person when it happens again and again, and logged at once.
    fn end_seat_because(&mut self, session: u32, reason: CloseReason, why: &str) {
        self.release(session);
        self.seats.insert(session, Seat::Ended);
        self.refuse(session, reason, why);
    }

    fn refuse(&self, session: u32, reason: CloseReason, why: &str) {
        let peer = self.outbox.peer().map(tracing::field::display);
        let reason_name = reason.name();
        if matches!(reason, CloseReason::SessionGone | CloseReason::ShuttingDown | CloseReason::Moved) {
            // Every page that was away for long, or at another server.
            tracing::info!(reason = reason_name, session, peer, "join refused");
        } else {
            tracing::warn!(reason = reason_name, session, peer, why, "join refused");
        }
        self.outbox.send_frame(session, &close_frame(reason, why, self.inner.retry_ms(reason)));
    }

    /// Lets go of a session: it may wait for another socket.
    fn release(&mut self, session: u32) {
        if let Some(Seat::Taken { id, handle, epoch, before }) = self.seats.remove(session) {
            for epoch in before.into_iter().chain([epoch]) {
                handle.mailbox.post(Mail::Detach { epoch });
            }
            self.inner.registry.detach(id, epoch);
        }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        while let Some((session, _)) = self.seats.0.first() {
            self.release(*session);
        }
    }
}

#[cfg(test)]
mod tests;
