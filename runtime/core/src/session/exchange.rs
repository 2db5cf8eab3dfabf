//! What a session takes and what it gives.

use alloc::vec::Vec;
use core::fmt;

use lightspeed_protocol::close::CloseReason;
use lightspeed_protocol::frame::{ClientFrame, JoinMode};
use lightspeed_protocol::template::EventKind;
use lightspeed_protocol::{InstanceId, SlotIndex};

use crate::sent_templates::TemplateUse;

/// What a session takes.
#[derive(Debug)]
pub enum Input<'a, M> {
    /// A socket attaches.
    Join(Join<'a>),
    /// A frame of the attached client.
    Frame(ClientFrame<'a>),
    /// A message from the component's own tasks.
    Message(M),
    /// The socket is gone.
    Detach,
    /// [`Session::next_timeout`](super::Session::next_timeout) is due.
    Timeout,
    /// Memory is scarce: the session hibernates, as when it has been idle for a while.
    Hibernate,
    /// Too much is kept for the client: the session lets go of the socket and of all that waits for the client, which gets
    /// the whole document when it comes back.
    Relieve,
    /// The checkpoint with this number is stored.
    Persisted {
        /// The number.
        generation: u64,
    },
    /// The server ends: the session stores what isn't stored yet and takes nothing more on.
    Suspend,
}

/// A socket that attaches.
#[derive(Clone, Copy)]
pub struct Join<'a> {
    /// The number that the client gave the session on that socket.
    pub session: u32,
    /// What the client holds.
    pub mode: JoinMode,
    /// The version that its document is at.
    pub applied: u64,
    /// The last event that it knows to be settled.
    pub settled: u64,
    /// The token for its next join.
    pub token: &'a str,
    /// No other socket has joined since the one that this client had.
    pub is_latest: bool,
}

impl fmt::Debug for Join<'_> {
    /// Without the token, which opens the session.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { session, mode, applied, settled, token: _, is_latest } = self;
        f.debug_struct("Join")
            .field("session", session)
            .field("mode", mode)
            .field("applied", applied)
            .field("settled", settled)
            .field("is_latest", is_latest)
            .finish_non_exhaustive()
    }
}

/// How far what a join says may be ahead of a session that goes on from a checkpoint, in versions and in events.
pub(super) const AHEAD_MAX: u64 = 1 << 32;

/// A session as bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Counts the checkpoints of this session in this process.
    pub generation: u64,
    /// The last event whose effect it holds.
    pub seq: u64,
    /// The session.
    pub bytes: Vec<u8>,
}

/// What a session gives.
#[derive(Debug)]
#[non_exhaustive]
pub enum Output<E> {
    /// A frame for the attached socket.
    Transmit(Transmission),
    /// What the component asked for.
    Effect(E),
    /// Store the session, then answer with [`Input::Persisted`], however long that takes.
    Persist(Checkpoint),
    /// Tell the socket this and let it go; the session waits for another.
    Drop(CloseReason),
    /// An event was refused for what it carries. Only the log hears of it, for the component's author.
    Unfit(Unfit),
    /// The component asks for more than pages do ([`EFFECTS_WAITING_MAX`](super::EFFECTS_WAITING_MAX)): one effect, the
    /// oldest, will never be done, of which its author has to hear.
    EffectDropped,
    /// The session has ended.
    Close(CloseReason),
}

/// An event whose payload is none that its handler takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unfit {
    /// The address of the handler: an instance.
    pub instance: InstanceId,
    /// The address of the handler: its slot.
    pub slot: SlotIndex,
    /// The `html!` that has the handler: file, line and column; `None` in a row of a stream.
    pub place: Option<&'static str>,
    /// What the handler handles; `None` in a row of a stream, of which only handlers are kept.
    pub event: Option<EventKind>,
    /// What kind of payload came.
    pub received: &'static str,
    /// What the handler takes.
    pub expected: &'static str,
}

/// A frame, and the templates that the page must know before it.
#[derive(Debug, Clone)]
pub struct Transmission {
    /// The frame's bytes.
    pub frame: Vec<u8>,
    /// The templates.
    pub templates: Vec<TemplateUse>,
}
