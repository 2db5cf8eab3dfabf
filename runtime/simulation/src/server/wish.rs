//! What a server wants of the world, and what it is told in its words.

use lightspeed_core::host::registry;
use lightspeed_protocol::close::CloseReason;
use lightspeed_protocol::frame::JoinMode;

use crate::store::{Record, Stamp};

/// What a server wants of the world.
#[derive(Debug)]
pub(crate) enum Wish {
    /// Send a message on a socket.
    Send(usize, Vec<u8>),
    /// Close a socket whose client is at fault, or that has to make room.
    Close(usize, CloseReason),
    /// Write a record; answered by [`Server::stored`](super::Server::stored).
    Save { session: u64, actor: u64, expected: Option<Stamp>, record: Record, generation: u64 },
    /// Read a record; answered by [`Server::loaded`](super::Server::loaded).
    Load { session: u64, pending: PendingJoin },
    /// Take a record away.
    Remove { session: u64, stamp: Stamp },
    /// Run a task; answered by [`Server::task_done`](super::Server::task_done).
    Task { actor: u64 },
    /// A session rendered another version.
    Rendered { session: u64, version: u64, html: String },
    /// A session or a socket has to make room.
    Evicted,
    /// A session has waited for too long.
    Expired,
    /// A session has ended, with this.
    Ended { session: u64, reason: CloseReason },
    /// Something that must not be.
    Violation(&'static str, String),
}

/// A join that waits for the store.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PendingJoin {
    pub(super) socket: usize,
    pub(super) number: u32,
    pub(super) mode: JoinMode,
    pub(super) applied: u64,
    pub(super) settled: u64,
    pub(super) token: Token,
}

/// What a token says. Only a server makes them: the world forges none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Token {
    pub(super) session: u64,
    pub(super) epoch: u64,
    pub(super) identity: u64,
}

impl Token {
    pub(super) fn text(self) -> String {
        format!("{}.{}.{}", self.session, self.epoch, self.identity)
    }

    pub(super) fn read(text: &str) -> Option<Self> {
        let mut parts = text.split('.').map(|part| part.parse().ok());
        let token = Self { session: parts.next()??, epoch: parts.next()??, identity: parts.next()?? };
        parts.next().is_none().then_some(token)
    }

    pub(super) const fn of_host(self) -> registry::Token<u64> {
        registry::Token { id: self.session, epoch: self.epoch }
    }
}
