//! A join that finds no session in memory: what it may do with what the store says.
//!
//! ```text
//! load ─▶ Stored ─▶ Claim ─▶ save(expected, stamp) ─▶ Saved ─▶ enter, join
//!            │ refused                                   │ fenced
//!            ▼                                           ▼
//!     session-gone, unavailable, bad-token             moved
//! ```
//!
//! Who has a session is what the store says. A write names the write that it replaces; whoever succeeds has the
//! session, and whoever fails has lost it. Hosts don't speak with each other, and no clock decides between them.
//! (`specs/session.md`, clauses 10.7, 10.10, 11.1, 11.2 and 11.7.)

use lightspeed_protocol::close::CloseReason;

use super::lease::Lease;

/// Which write a record is of; no two writes have the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    /// The socket that the session had: they count up.
    pub epoch: u64,
    /// The last event that the record holds.
    pub seq: u64,
    /// Tells writes of one epoch and event apart, and writers.
    pub nonce: u64,
}

impl Stamp {
    /// The stamp of a write of this session's state after the event `seq`.
    pub const fn of(lease: Lease, seq: u64, nonce: u64) -> Self {
        Self { epoch: lease.epoch, seq, nonce }
    }
}

/// The result of a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Saved {
    /// It is stored, and as safe as the store promises.
    Stored,
    /// The store has something else than what was expected, and keeps it.
    Conflict {
        /// The write that it is of; nothing may stand there either.
        stored: Option<Stamp>,
    },
}

impl Saved {
    /// What this answer to the write with `stamp` means for the host that wrote.
    ///
    /// A conflict with the write's own stamp is a success: an earlier try went through, and its answer got lost.
    ///
    /// # Errors
    ///
    /// When another host has the session.
    pub fn outcome(self, stamp: Stamp) -> Result<Stamp, Fenced> {
        match self {
            Self::Stored => Ok(stamp),
            Self::Conflict { stored } if stored == Some(stamp) => Ok(stamp),
            Self::Conflict { .. } => Err(Fenced),
        }
    }
}

/// Another host has written the session since: it is no longer ours, and nothing of it is written any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fenced;

impl Fenced {
    /// What the session's client is told.
    pub const REASON: CloseReason = CloseReason::Moved;
}

/// What the store says of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stored<W> {
    /// There is no store, no record, or none that this host can use.
    Nothing,
    /// The store has failed, which passes.
    Failed,
    /// A record that this host can use.
    Record {
        /// Who has begun the session.
        identity: Option<W>,
        /// The session's epochs, as they were when it was written.
        lease: Lease,
        /// The write that the record is of.
        stamp: Stamp,
    },
}

/// A stored session that is about to be taken over. It is ours when the write of [`Claim::written`] that replaces
/// [`Claim::expected`] has succeeded, and not before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "the session is not ours before the claim is written"]
pub struct Claim {
    lease: Lease,
    expected: Stamp,
}

impl Claim {
    /// Whether a token of `token_epoch`, shown by `identity`, takes over what the store says.
    ///
    /// # Errors
    ///
    /// With what the client is told when it doesn't.
    pub fn new<W: Copy + PartialEq>(
        token_epoch: u64,
        identity: Option<W>,
        stored: Stored<W>,
    ) -> Result<Self, CloseReason> {
        match stored {
            Stored::Nothing => Err(CloseReason::SessionGone),
            Stored::Failed => Err(CloseReason::Unavailable),
            Stored::Record { identity: owner, .. } if owner != identity => Err(CloseReason::BadToken),
            Stored::Record { lease, .. } if !lease.admits(token_epoch) => Err(CloseReason::BadToken),
            Stored::Record { mut lease, stamp, .. } => {
                lease.show(token_epoch);
                Ok(Self { lease, expected: stamp })
            }
        }
    }

    /// The epochs that the session begins with: its first join begins the epoch that the claim has written.
    pub const fn lease(&self) -> Lease {
        self.lease
    }

    /// The epochs that the claim writes.
    pub const fn written(&self) -> Lease {
        Lease { epoch: self.lease.epoch.saturating_add(1), ..self.lease }
    }

    /// The write that the claim replaces.
    pub const fn expected(&self) -> Stamp {
        self.expected
    }

    /// The stamp of the claim's own write. What is stored stays the same but for its epochs.
    pub const fn stamp(&self, nonce: u64) -> Stamp {
        Stamp::of(self.written(), self.expected.seq, nonce)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STAMP: Stamp = Stamp { epoch: 3, seq: 9, nonce: 77 };

    fn record(lease: Lease) -> Stored<&'static str> {
        Stored::Record { identity: Some("ada"), lease, stamp: STAMP }
    }

    #[test]
    fn a_stored_session_is_claimed_by_who_began_it_with_a_token_that_counts() {
        let lease = Lease { epoch: 3, confirmed: 2 };
        let claim = |epoch, identity| Claim::new(epoch, identity, record(lease));
        assert_eq!(claim(1, Some("ada")), Err(CloseReason::BadToken), "it was replaced");
        assert_eq!(claim(3, Some("grace")), Err(CloseReason::BadToken));
        assert_eq!(claim(3, None), Err(CloseReason::BadToken));
        let mine = claim(3, Some("ada")).expect("it counts");
        assert_eq!(mine.written(), Lease { epoch: 4, confirmed: 3 });
        assert_eq!((mine.expected(), mine.stamp(5)), (STAMP, Stamp { epoch: 4, seq: 9, nonce: 5 }));
        let mut begun = mine.lease();
        assert_eq!(begun.attach(3), 4, "the first join begins the epoch that was written");
        // A token of an epoch that another host began and never wrote.
        let newer = claim(8, Some("ada")).expect("it counts");
        assert_eq!(newer.written(), Lease { epoch: 9, confirmed: 8 });
    }

    #[test]
    fn what_is_not_there_is_gone_and_what_cannot_be_read_is_a_reason_to_come_back() {
        assert_eq!(Claim::new(0, None::<u8>, Stored::Nothing), Err(CloseReason::SessionGone));
        assert_eq!(Claim::new(0, None::<u8>, Stored::Failed), Err(CloseReason::Unavailable));
        assert!(CloseReason::Unavailable.is_recoverable_by_rejoin());
    }

    #[test]
    fn a_conflict_with_the_own_write_is_a_success_and_any_other_means_that_the_session_is_lost() {
        let other = Stamp { nonce: 78, ..STAMP };
        assert_eq!(Saved::Stored.outcome(STAMP), Ok(STAMP));
        assert_eq!(Saved::Conflict { stored: Some(STAMP) }.outcome(STAMP), Ok(STAMP));
        assert_eq!(Saved::Conflict { stored: Some(other) }.outcome(STAMP), Err(Fenced));
        assert_eq!(Saved::Conflict { stored: None }.outcome(STAMP), Err(Fenced));
        assert!(Fenced::REASON.is_recoverable_by_rejoin());
    }
}
