//! The phases of a session, as types: `Created → Mounted → Attached ⇄ Parked → Closed`.
//!
//! A phase is a value that cannot be copied, and a transition consumes it: a move that the
//! diagram doesn't have is one that does not compile. What only makes sense in a phase is
//! kept in it, so that nothing is sent without a socket or to two of them.
//!
//! ```
//! use lightspeed_core::session::lifecycle::Created;
//! use lightspeed_protocol::close::CloseReason;
//!
//! let attached = Created::new().mount().attach(1);
//! let parked = attached.park();
//! let attached = parked.attach(2);
//! assert_eq!(attached.session(), 2);
//! assert_eq!(attached.close(CloseReason::Left).reason(), CloseReason::Left);
//! ```
//!
//! ```compile_fail
//! # use lightspeed_core::session::lifecycle::Created;
//! let attached = Created::new().mount().attach(1);
//! let parked = attached.park();
//! attached.session(); // the socket is gone
//! ```

use lightspeed_protocol::close::CloseReason;

/// Nothing is rendered yet.
#[derive(Debug)]
pub struct Created(());

/// Rendered into a page; the page's socket is yet to come.
#[derive(Debug)]
pub struct Mounted(());

/// A socket holds the session.
#[derive(Debug)]
pub struct Attached {
    /// The session's number on the socket.
    session: u32,
    /// The client lacks the document, or has asked for the whole of it.
    needs_snapshot: bool,
    /// An acknowledgement is owed and no patch has carried it.
    owes_ack: bool,
}

/// The socket is lost; another may come.
#[derive(Debug)]
pub struct Parked(());

/// The end.
#[derive(Debug)]
pub struct Closed {
    reason: CloseReason,
}

impl Created {
    /// A session to be.
    #[expect(clippy::new_without_default, reason = "a beginning is made on purpose")]
    pub const fn new() -> Self {
        Self(())
    }

    /// The first page is rendered.
    pub const fn mount(self) -> Mounted {
        Mounted(())
    }

    /// The session comes from a checkpoint: it had a socket before.
    pub const fn restore(self) -> Parked {
        Parked(())
    }
}

impl Mounted {
    /// The page's socket has come, where the session has this number.
    pub const fn attach(self, session: u32) -> Attached {
        Attached::new(session)
    }

    /// Nobody came, or nobody may.
    pub const fn close(self, reason: CloseReason) -> Closed {
        Closed { reason }
    }
}

impl Attached {
    const fn new(session: u32) -> Self {
        Self { session, needs_snapshot: false, owes_ack: false }
    }

    /// The session's number on the socket.
    pub const fn session(&self) -> u32 {
        self.session
    }

    pub(super) const fn needs_snapshot(&self) -> bool {
        self.needs_snapshot
    }

    pub(super) const fn set_needs_snapshot(&mut self, needs_snapshot: bool) {
        self.needs_snapshot = needs_snapshot;
    }

    pub(super) const fn owe_ack(&mut self) {
        self.owes_ack = true;
    }

    pub(super) const fn owes_ack(&self) -> bool {
        self.owes_ack
    }

    pub(super) const fn note_ack_sent(&mut self) {
        self.owes_ack = false;
    }

    /// The socket is lost.
    pub const fn park(self) -> Parked {
        Parked(())
    }

    /// The session ends.
    pub const fn close(self, reason: CloseReason) -> Closed {
        Closed { reason }
    }
}

impl Parked {
    /// A socket has come back, where the session has this number.
    pub const fn attach(self, session: u32) -> Attached {
        Attached::new(session)
    }

    /// Nobody came back in time, or nobody may.
    pub const fn close(self, reason: CloseReason) -> Closed {
        Closed { reason }
    }
}

impl Closed {
    /// Why it ended.
    pub const fn reason(&self) -> CloseReason {
        self.reason
    }
}

/// The phase that a session is in.
#[derive(Debug)]
pub(super) enum Phase {
    Mounted(Mounted),
    Attached(Attached),
    Parked(Parked),
    Closed(Closed),
}

impl Phase {
    /// A socket joins; one that holds the session already is let go first. `None` when it has ended.
    pub(super) fn attach(&mut self, session: u32) -> Option<&mut Attached> {
        self.step(|phase| match phase {
            Self::Mounted(mounted) => Self::Attached(mounted.attach(session)),
            Self::Attached(attached) => Self::Attached(attached.park().attach(session)),
            Self::Parked(parked) => Self::Attached(parked.attach(session)),
            Self::Closed(closed) => Self::Closed(closed),
        });
        self.attached_mut()
    }

    /// The socket is lost. False when there was none.
    pub(super) fn park(&mut self) -> bool {
        let was_attached = matches!(self, Self::Attached(_));
        self.step(|phase| match phase {
            Self::Attached(attached) => Self::Parked(attached.park()),
            other => other,
        });
        was_attached
    }

    /// The session ends. False when it had before.
    pub(super) fn close(&mut self, reason: CloseReason) -> bool {
        let was_open = !self.is_closed();
        self.step(|phase| match phase {
            Self::Mounted(mounted) => Self::Closed(mounted.close(reason)),
            Self::Attached(attached) => Self::Closed(attached.close(reason)),
            Self::Parked(parked) => Self::Closed(parked.close(reason)),
            Self::Closed(closed) => Self::Closed(closed),
        });
        was_open
    }

    pub(super) const fn is_closed(&self) -> bool {
        matches!(self, Self::Closed(_))
    }

    pub(super) const fn attached(&self) -> Option<&Attached> {
        match self {
            Self::Attached(attached) => Some(attached),
            _ => None,
        }
    }

    pub(super) const fn attached_mut(&mut self) -> Option<&mut Attached> {
        match self {
            Self::Attached(attached) => Some(attached),
            _ => None,
        }
    }

    fn step(&mut self, change: impl FnOnce(Self) -> Self) {
        // What stands here meanwhile is seen by nobody: no transition panics.
        let phase = core::mem::replace(self, Self::Parked(Parked(())));
        *self = change(phase);
    }
}
