//! What of a session isn't stored yet, when that is due, and whether anything may be told before.
//!
//! At most one checkpoint is under way. Which outputs wait for it is decided here ([`Persistence::is_told_late`]); they
//! wait in the outbox.

use lightspeed_protocol::Timestamp;

use super::policy::Policy;

/// See the [module](self).
#[derive(Debug)]
pub(super) struct Persistence {
    policy: Policy,
    /// Counts the checkpoints of this process.
    generation: u64,
    /// The checkpoint that is being stored.
    in_flight: Option<u64>,
    /// A checkpoint is to be made as soon as none is under way.
    is_due: bool,
    unsaved_events: u32,
    unsaved_since: Option<Timestamp>,
    /// Until this checkpoint is stored, the client is told nothing: what an earlier one holds was undone, or it isn't
    /// known yet whether the session is still this server's.
    telling_from: Option<u64>,
    /// The server ends.
    is_suspended: bool,
}

impl Persistence {
    /// A component whose state can't be saved has nothing to store.
    pub(super) const fn new(policy: Policy, is_saved: bool) -> Self {
        Self {
            policy: if policy.is_stored() && !is_saved { Policy::Resume } else { policy },
            generation: 0,
            in_flight: None,
            is_due: false,
            unsaved_events: 0,
            unsaved_since: None,
            telling_from: None,
            is_suspended: false,
        }
    }

    #[inline]
    pub(super) fn is_durable(&self) -> bool {
        self.policy == Policy::Durable
    }

    /// Whether the session ends with its socket.
    #[inline]
    pub(super) fn ends_with_socket(&self) -> bool {
        self.policy == Policy::Remount
    }

    /// Whether the session is ever stored.
    #[inline]
    pub(super) const fn is_stored(&self) -> bool {
        self.policy.is_stored()
    }

    /// Something that is worth storing has changed.
    #[inline]
    pub(super) fn note_change(&mut self, now: Timestamp) {
        match self.policy {
            Policy::Remount | Policy::Resume => {}
            Policy::Rehydrate(cadence) => {
                self.unsaved_since.get_or_insert(now);
                self.unsaved_events = self.unsaved_events.saturating_add(1);
                // What comes while the session is stored for the last time has no other chance.
                self.is_due |= self.is_suspended || self.unsaved_events >= cadence.events;
            }
            Policy::Durable => self.is_due = true,
        }
    }

    /// A version is made: nobody is shown one that the store doesn't know, even one that shows nothing new.
    #[inline]
    pub(super) fn note_version(&mut self) {
        self.is_due |= self.is_durable();
    }

    /// A socket joins: the epoch is new, and with it the checkpoint.
    pub(super) fn note_join(&mut self, is_first: bool) {
        if !self.is_stored() {
            return;
        }
        self.is_due = true;
        if !is_first {
            // Another server may have taken the session meanwhile, with this very epoch: the store knows.
            self.telling_from = Some(self.generation + 1);
        }
    }

    /// The socket is lost.
    #[inline]
    pub(super) fn note_park(&mut self) {
        self.is_due |= self.unsaved_since.is_some();
    }

    /// What has happened since the newest version is undone. What is stored may hold it: nobody is told before that
    /// is replaced.
    pub(super) fn note_undone(&mut self) {
        if self.is_stored() {
            self.is_due = true;
            self.telling_from = Some(self.generation + 1);
        }
    }

    /// The server ends: what isn't stored is to be.
    pub(super) fn suspend(&mut self) {
        self.is_suspended = true;
        self.is_due |= self.is_stored();
    }

    #[inline]
    pub(super) const fn is_suspended(&self) -> bool {
        self.is_suspended
    }

    /// Whether the store has yet to say whose the session is: its client may know more of it than is here.
    #[inline]
    pub(super) const fn is_unclaimed(&self) -> bool {
        self.telling_from.is_some()
    }

    /// When what has changed is stored even if little has.
    #[inline]
    pub(super) fn save_at(&self) -> Option<Timestamp> {
        let Policy::Rehydrate(cadence) = self.policy else { return None };
        self.unsaved_since.filter(|_| !self.is_due).map(|since| since.after_ms(cadence.ms))
    }

    #[inline]
    pub(super) fn time_out(&mut self, now: Timestamp) {
        if self.save_at().is_some_and(|at| at <= now) {
            self.is_due = true;
        }
    }

    /// Whether what a checkpoint holds is told when it is stored and not before.
    #[inline]
    pub(super) fn is_told_late(&self) -> bool {
        self.is_durable() || self.telling_from.is_some()
    }

    /// Whether a checkpoint is being stored.
    #[inline]
    pub(super) const fn is_storing(&self) -> bool {
        self.in_flight.is_some()
    }

    /// The number of the next checkpoint, when one is due and none is under way: it is under way from now on.
    #[inline]
    pub(super) fn begin(&mut self) -> Option<u64> {
        if self.is_storing() || !core::mem::take(&mut self.is_due) {
            return None;
        }
        self.generation += 1;
        self.in_flight = Some(self.generation);
        self.unsaved_events = 0;
        self.unsaved_since = None;
        self.in_flight
    }

    /// A checkpoint is stored. False when it isn't the one that was under way.
    #[inline]
    pub(super) fn note_stored(&mut self, generation: u64) -> bool {
        if self.in_flight != Some(generation) {
            return false;
        }
        self.in_flight = None;
        self.telling_from.take_if(|from| *from <= generation);
        true
    }
}

#[cfg(test)]
mod tests {
    use lightspeed_protocol::Timestamp;

    use super::Persistence;
    use crate::session::policy::{Cadence, Policy};

    fn rehydrate() -> Persistence {
        Persistence::new(Policy::Rehydrate(Cadence { events: 3, ms: 1_000 }), true)
    }

    #[test]
    fn who_is_not_stored_has_nothing_due() {
        for mut it in [Persistence::new(Policy::Resume, true), Persistence::new(Policy::Durable, false)] {
            it.note_change(Timestamp(1));
            it.note_version();
            it.note_join(false);
            it.note_undone();
            it.suspend();
            assert_eq!((it.begin(), it.save_at(), it.is_told_late()), (None, None, false));
        }
    }

    #[test]
    fn a_cadence_is_of_events_and_of_time() {
        let mut it = rehydrate();
        it.note_change(Timestamp(1));
        it.note_change(Timestamp(5));
        assert_eq!((it.begin(), it.save_at()), (None, Some(Timestamp(1_001))), "since the first change");
        it.note_change(Timestamp(6));
        assert_eq!(it.begin(), Some(1), "the third event");
        assert!(it.note_stored(1) && it.save_at().is_none());
        it.note_change(Timestamp(10));
        it.time_out(Timestamp(1_009));
        assert_eq!(it.begin(), None, "a timeout before its time");
        it.time_out(Timestamp(1_010));
        assert_eq!(it.begin(), Some(2));
    }

    #[test]
    fn one_checkpoint_is_under_way_at_a_time() {
        let mut it = Persistence::new(Policy::Durable, true);
        it.note_change(Timestamp(1));
        assert_eq!(it.begin(), Some(1));
        it.note_change(Timestamp(2));
        assert_eq!(it.begin(), None);
        assert!(!it.note_stored(7) && it.is_storing(), "an answer to another one");
        assert!(it.note_stored(1));
        assert_eq!((it.begin(), it.begin()), (Some(2), None));
    }

    #[test]
    fn who_comes_back_is_told_nothing_until_the_store_has_the_new_epoch() {
        let mut it = rehydrate();
        it.note_join(true);
        assert!(!it.is_told_late(), "nobody else can have the session");
        assert_eq!(it.begin(), Some(1));
        it.note_join(false);
        assert!(it.is_told_late() && it.is_unclaimed());
        assert!(it.note_stored(1) && it.is_told_late(), "that is the checkpoint before");
        assert_eq!(it.begin(), Some(2));
        assert!(it.note_stored(2) && !it.is_told_late());
    }

    #[test]
    fn what_changes_during_the_last_write_is_due_at_once() {
        let mut it = rehydrate();
        it.suspend();
        assert_eq!(it.begin(), Some(1));
        it.note_change(Timestamp(1));
        it.note_stored(1);
        assert_eq!(it.begin(), Some(2));
    }
}
