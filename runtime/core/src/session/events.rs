//! The events of a client: which is the next, which had no effect, and which no render has shown yet.
//!
//! Events are numbered, and each is taken once and in its order: one that came before is acknowledged again, one that
//! leaves a gap ends the session. What has no effect is not dropped but refused, and the client is told.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use lightspeed_protocol::close::RefusalReason;
use lightspeed_protocol::limits;

use super::exchange::AHEAD_MAX;

/// How many `unfit` events of a session its author is told of.
const UNFIT_TOLD_MAX: u8 = 16;

/// An event that had no effect, and why. Number 0 is of nothing that the person did.
pub(super) type Refusal = (u64, RefusalReason);

/// See the [module](self).
#[derive(Debug, Default)]
pub(super) struct Events {
    /// The last event that was handled or refused.
    seq_handled: u64,
    /// The last event up to which all that came of events is rendered: what the client is told to be settled.
    seq_shown: u64,
    /// Events that no render has shown yet.
    unrendered: Vec<u64>,
    /// The latest events that had no effect: a client that joins is told of those that it hasn't heard of.
    refused: VecDeque<Refusal>,
    /// Events that didn't fit and that the author was told of.
    unfit_told: u8,
}

/// How the number of an event fits those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    /// It is the next.
    Next,
    /// It came before.
    Again,
    /// One before it is missing.
    Gap,
}

impl Events {
    /// Those of a session that goes on from a checkpoint.
    pub(super) fn restore(seq_handled: u64, seq_shown: u64, refused: VecDeque<Refusal>) -> Self {
        let first = (seq_shown + 1).max((seq_handled + 1).saturating_sub(limits::EVENTS_UNACKED_MAX as u64));
        let is_refused = |seq: u64| refused.iter().any(|(refused, _)| *refused == seq);
        let unrendered = (first..=seq_handled).filter(|seq| !is_refused(*seq)).collect();
        Self { seq_handled, seq_shown, unrendered, refused, unfit_told: 0 }
    }

    #[inline]
    pub(super) const fn seq_handled(&self) -> u64 {
        self.seq_handled
    }

    #[inline]
    pub(super) const fn seq_shown(&self) -> u64 {
        self.seq_shown
    }

    /// Whether an honest client can make one more: it keeps so many that nothing has shown.
    #[inline]
    pub(super) const fn has_room(&self) -> bool {
        self.seq_handled - self.seq_shown < limits::EVENTS_UNACKED_MAX as u64
    }

    /// Whether all that came of events is rendered.
    #[inline]
    pub(super) const fn are_shown(&self) -> bool {
        self.seq_shown == self.seq_handled
    }

    #[inline]
    pub(super) fn order(&self, seq: u64) -> Order {
        if seq <= self.seq_handled {
            Order::Again
        } else if seq == self.seq_handled + 1 {
            Order::Next
        } else {
            Order::Gap
        }
    }

    /// An event is taken into account, or refused.
    #[inline]
    pub(super) fn note_handled(&mut self, seq: u64) {
        self.seq_handled = seq;
    }

    /// The client knows of events that are handled and that this session, which is restored, doesn't know of.
    pub(super) fn catch_up(&mut self, settled: u64) {
        if settled > self.seq_handled && settled - self.seq_handled <= AHEAD_MAX {
            self.seq_handled = settled;
        }
        self.seq_shown = self.seq_shown.max(settled.min(self.seq_handled));
        self.unrendered.retain(|seq| *seq > self.seq_shown);
    }

    /// What came of an event is shown by the next render.
    #[inline]
    pub(super) fn note_unrendered(&mut self, seq: u64) {
        if self.unrendered.len() == limits::EVENTS_UNACKED_MAX {
            self.unrendered.remove(0);
        }
        self.unrendered.push(seq);
    }

    #[inline]
    pub(super) fn note_rendered(&mut self) {
        self.unrendered.clear();
        self.seq_shown = self.seq_handled;
    }

    /// The events that no render has shown, which are undone.
    #[inline]
    pub(super) fn take_unrendered(&mut self) -> Vec<u64> {
        core::mem::take(&mut self.unrendered)
    }

    /// Remembers a refusal for a client that comes back without having heard it.
    #[inline]
    pub(super) fn note_refused(&mut self, seq: u64, reason: RefusalReason) {
        if seq == 0 {
            return;
        }
        if self.refused.len() == limits::EVENTS_UNACKED_MAX {
            self.refused.pop_front();
        }
        self.refused.push_back((seq, reason));
    }

    /// The events that had no effect, as far as they are remembered, in the order in which they were refused.
    #[inline]
    pub(super) const fn refused(&self) -> &VecDeque<Refusal> {
        &self.refused
    }

    /// Whether the author is told of one more event that doesn't fit. A client can send any number of them; the
    /// author needs to hear of a few.
    #[inline]
    pub(super) fn tells_unfit(&mut self) -> bool {
        let is_told = self.unfit_told < UNFIT_TOLD_MAX;
        self.unfit_told += u8::from(is_told);
        is_told
    }

    pub(super) fn shrink_to_fit(&mut self) {
        self.unrendered.shrink_to_fit();
        self.refused.shrink_to_fit();
    }
}

#[cfg(test)]
mod tests {
    use alloc::collections::VecDeque;

    use lightspeed_protocol::close::RefusalReason;
    use lightspeed_protocol::limits;

    use super::{AHEAD_MAX, Events, Order};

    #[test]
    fn events_are_taken_once_and_in_their_order() {
        let mut events = Events::default();
        assert_eq!([0, 1, 2].map(|seq| events.order(seq)), [Order::Again, Order::Next, Order::Gap]);
        events.note_handled(1);
        assert_eq!([1, 2, 3].map(|seq| events.order(seq)), [Order::Again, Order::Next, Order::Gap]);
        events.catch_up(7);
        events.catch_up(3);
        assert_eq!(events.seq_handled(), 7);
        assert_eq!(events.seq_shown(), 7, "the client has been told so");
        events.catch_up(7 + AHEAD_MAX + 1);
        assert_eq!(events.seq_handled(), 7, "no honest client is so far ahead");
    }

    #[test]
    fn the_latest_refusals_are_remembered_and_nothing_that_no_event_asked_for() {
        let mut events = Events::default();
        events.note_refused(0, RefusalReason::Failed);
        assert!(events.refused().is_empty());
        for seq in 1..=limits::EVENTS_UNACKED_MAX as u64 + 2 {
            events.note_refused(seq, RefusalReason::Gone);
        }
        assert_eq!(events.refused().len(), limits::EVENTS_UNACKED_MAX);
        assert_eq!(events.refused().front(), Some(&(3, RefusalReason::Gone)));
    }

    #[test]
    fn what_a_render_has_shown_is_not_undone_with_what_it_has_not() {
        let mut events = Events::default();
        events.note_handled(1);
        events.note_unrendered(1);
        assert_eq!(events.seq_shown(), 0);
        events.note_rendered();
        assert_eq!(events.seq_shown(), 1);
        events.note_unrendered(2);
        events.note_unrendered(3);
        assert_eq!(events.take_unrendered(), [2, 3]);
        for seq in 1..=limits::EVENTS_UNACKED_MAX as u64 + 1 {
            events.note_unrendered(seq);
        }
        let undone = events.take_unrendered();
        assert_eq!((undone.len(), undone[0]), (limits::EVENTS_UNACKED_MAX, 2), "of more, the last are told");
    }

    #[test]
    fn a_restored_session_knows_what_nothing_has_shown() {
        let mut events = Events::restore(9, 4, [(6, RefusalReason::Gone)].into());
        events.catch_up(5);
        assert_eq!(events.take_unrendered(), [7, 8, 9]);
        let forged = Events::restore(u64::MAX / 2, 0, VecDeque::new());
        assert_eq!(forged.unrendered.len(), limits::EVENTS_UNACKED_MAX);
    }

    #[test]
    fn the_author_is_told_of_a_few() {
        let mut events = Events::default();
        assert_eq!((0..1_000).filter(|_| events.tells_unfit()).count(), 16);
    }
}
