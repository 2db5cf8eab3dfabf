//! What a session's actor is told, and by what it is reached whatever its component.

use std::sync::Arc;

use bytes::Bytes;
use lightspeed_protocol::frame::JoinMode;
use ractor::{ActorRef, ActorStatus};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use crate::limits;
use crate::socket::outbox::Link;

/// What a socket tells a session.
///
/// A mailbox has no bound of its own. What a peer can make many of therefore carries a
/// permit of the session's [`Handle::inbox`] until it is handled.
#[derive(Debug)]
pub(crate) enum Mail {
    /// A socket attaches.
    Join { link: Link, mode: JoinMode, applied: u64, permit: OwnedSemaphorePermit },
    /// A frame for the session, checked to be well-formed.
    Frame { epoch: u64, bytes: Bytes, permit: OwnedSemaphorePermit },
    /// The socket of this epoch is gone.
    Detach { epoch: u64 },
}

/// Everything that a session's actor is told.
pub(crate) enum Post<M> {
    Mail(Mail),
    /// A task has ended with a message, or with the text of its panic.
    Done(Result<M, String>),
    /// The timer armed for this instant has run out.
    Wake(Instant),
}

/// A session's actor without its type.
pub(crate) trait Mailbox: Send + Sync {
    /// Hands `mail` over without waiting; false when the actor has ended.
    fn post(&self, mail: Mail) -> bool;
    /// Ends the actor once it has handled what it is at.
    fn stop(&self);
    fn is_alive(&self) -> bool;
}

impl<M: Send + 'static> Mailbox for ActorRef<Post<M>> {
    fn post(&self, mail: Mail) -> bool {
        self.send_message(Post::Mail(mail)).is_ok()
    }

    fn stop(&self) {
        self.get_cell().stop(None);
    }

    fn is_alive(&self) -> bool {
        !matches!(self.get_status(), ActorStatus::Stopping | ActorStatus::Stopped)
    }
}

/// How a socket reaches a session.
#[derive(Clone)]
pub(crate) struct Handle {
    pub(crate) mailbox: Arc<dyn Mailbox>,
    /// Its permits are the places in the inbox.
    pub(crate) inbox: Arc<Semaphore>,
}

impl Handle {
    pub(crate) fn new(mailbox: Arc<dyn Mailbox>) -> Self {
        Self { mailbox, inbox: Arc::new(Semaphore::new(limits::INBOX_EVENTS_MAX)) }
    }
}
