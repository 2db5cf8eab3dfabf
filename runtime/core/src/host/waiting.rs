//! The order in which sessions without a socket expire and make room.

use alloc::collections::BTreeMap;

use lightspeed_protocol::Timestamp;

/// When a session expires, and a number that orders the sessions that expire together.
pub(super) type Due = (Timestamp, u64);

/// Whether a socket holds a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    /// No socket has joined it yet.
    Unattached(Due),
    /// The socket of this epoch holds it.
    Attached(u64),
    /// Its socket is gone.
    Parked(Due),
}

/// The sessions that no socket holds.
#[derive(Debug)]
pub(super) struct Waiting<I> {
    unattached: BTreeMap<Due, I>,
    parked: BTreeMap<Due, I>,
}

impl<I> Default for Waiting<I> {
    fn default() -> Self {
        Self { unattached: BTreeMap::new(), parked: BTreeMap::new() }
    }
}

impl<I: Copy> Waiting<I> {
    pub(super) fn insert(&mut self, status: Status, id: I) {
        match status {
            Status::Unattached(due) => drop(self.unattached.insert(due, id)),
            Status::Parked(due) => drop(self.parked.insert(due, id)),
            Status::Attached(_) => {}
        }
    }

    pub(super) fn remove(&mut self, status: Status) {
        match status {
            Status::Unattached(due) => drop(self.unattached.remove(&due)),
            Status::Parked(due) => drop(self.parked.remove(&due)),
            Status::Attached(_) => {}
        }
    }

    /// The session that makes room first: one that nobody has joined goes before one that was joined.
    pub(super) fn first(&self) -> Option<I> {
        self.unattached.values().chain(self.parked.values()).next().copied()
    }

    /// The unattached session that makes room first.
    pub(super) fn first_unattached(&self) -> Option<I> {
        self.unattached.values().next().copied()
    }

    /// A session that has expired.
    pub(super) fn expired(&self, now: Timestamp) -> Option<I> {
        let firsts = [self.unattached.first_key_value(), self.parked.first_key_value()];
        firsts.into_iter().flatten().find(|((at, _), _)| *at <= now).map(|(_, id)| *id)
    }

    /// When the next session expires.
    pub(super) fn next_due(&self) -> Option<Timestamp> {
        let firsts = [self.unattached.first_key_value(), self.parked.first_key_value()];
        firsts.into_iter().flatten().map(|((at, _), _)| *at).min()
    }

    pub(super) fn unattached_count(&self) -> usize {
        self.unattached.len()
    }

    pub(super) fn parked_count(&self) -> usize {
        self.parked.len()
    }

    /// The session that stands where one of this status has to.
    pub(super) fn at(&self, status: Status) -> Option<I> {
        match status {
            Status::Unattached(due) => self.unattached.get(&due).copied(),
            Status::Parked(due) => self.parked.get(&due).copied(),
            Status::Attached(_) => None,
        }
    }
}
