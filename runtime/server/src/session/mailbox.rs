//! The messages of a session's actor, and a handle of the actor that doesn't depend on the type of its component.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use lightspeed_protocol::close::CloseReason;
use lightspeed_protocol::frame::JoinMode;
use ractor::{ActorRef, ActorStatus};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use crate::http::admission::bytes::Charge;
use crate::limits;
use crate::session::outbox::Link;
use crate::session::rate_limit::RateLimit;
use crate::session::retry::Retry;
use crate::storage::store::Stamp;

/// What a socket tells a session.
///
/// A mailbox has no bound of its own. What a peer can make many of therefore carries a
/// permit of the session's [`Handle::inbox`] until it is handled.
#[derive(Debug)]
pub(crate) enum Mail {
    /// A socket attaches.
    Join(Box<Attachment>),
    /// A frame for the session, checked to be well-formed.
    Frame {
        epoch: u64,
        bytes: Bytes,
        permit: OwnedSemaphorePermit,
        /// Counts the bytes of a large frame until it is handled. Boxed: a mailbox makes room for 32 messages at once.
        charge: Option<Box<Charge>>,
    },
    /// The socket of this epoch is gone.
    Detach { epoch: u64 },
    /// The session has to make room, or its server ends: it is stored, and ends.
    Suspend(CloseReason),
    /// Another server has the session.
    Moved,
}

/// A socket that attaches to a session. When no session takes it, its client is told to come back.
pub(crate) struct Attachment {
    /// `None` once the session has taken it.
    pub(crate) link: Option<Link>,
    pub(crate) retry: Retry,
    pub(crate) mode: JoinMode,
    pub(crate) applied: u64,
    pub(crate) settled: u64,
    /// The token that the client joins with the next time.
    pub(crate) token: String,
    /// No other socket has joined since the one that this client had.
    pub(crate) is_latest: bool,
    pub(crate) permit: OwnedSemaphorePermit,
}

impl Drop for Attachment {
    fn drop(&mut self) {
        // The session was ending. The client's next join finds out whether it is stored.
        if let Some(link) = self.link.take() {
            link.close(CloseReason::Unavailable, self.retry.after_ms(CloseReason::Unavailable));
        }
    }
}

impl fmt::Debug for Attachment {
    /// Without the token, which opens the session.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { mode, applied, settled, is_latest, .. } = self;
        f.debug_struct("Attachment")
            .field("mode", mode)
            .field("applied", applied)
            .field("settled", settled)
            .field("is_latest", is_latest)
            .finish_non_exhaustive()
    }
}

/// Everything that a session's actor is told.
pub(crate) enum Post<M> {
    Mail(Mail),
    /// A task has ended with a message, or with the text of its panic.
    Done(Result<M, String>),
    /// The timer armed for this instant has run out.
    Wake(Instant),
    /// A checkpoint is stored.
    Stored {
        generation: u64,
        stamp: Stamp,
    },
    /// The store has a newer session than ours.
    Fenced,
    /// Tasks have waited since the alarm for this instant was set.
    TasksWait(Instant),
    /// The store has taken too long with a checkpoint.
    StoreOut,
    /// The store has not answered a suspended session in time.
    GiveUp,
}

/// A session's actor without its type.
pub(crate) trait Mailbox: Send + Sync {
    /// Hands `mail` over without waiting; false when the actor has ended.
    fn post(&self, mail: Mail) -> bool;
    fn is_alive(&self) -> bool;

    /// Ends the actor, with this reason, once it is stored.
    fn suspend(&self, reason: CloseReason) {
        self.post(Mail::Suspend(reason));
    }
}

impl<M: Send + 'static> Mailbox for ActorRef<Post<M>> {
    fn post(&self, mail: Mail) -> bool {
        self.send_message(Post::Mail(mail)).is_ok()
    }

    fn is_alive(&self) -> bool {
        !matches!(self.get_status(), ActorStatus::Stopping | ActorStatus::Stopped)
    }
}

/// How a socket reaches a session.
#[derive(Clone)]
pub(crate) struct Handle {
    pub(crate) mailbox: Arc<dyn Mailbox>,
    /// One permit for each place in the inbox; closed when the actor has ended.
    pub(crate) inbox: Arc<Semaphore>,
    /// How fast its events are taken.
    pub(crate) rate_limit: Arc<RateLimit>,
}

impl Handle {
    pub(crate) fn new(mailbox: Arc<dyn Mailbox>, rate_limit: RateLimit) -> Self {
        let inbox = Arc::new(Semaphore::new(limits::INBOX_EVENTS_MAX));
        Self { mailbox, inbox, rate_limit: Arc::new(rate_limit) }
    }
}
