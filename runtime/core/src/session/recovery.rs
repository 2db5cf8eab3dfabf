//! After a panic in the component: what the session goes back to, and how often it may.
//!
//! The machine itself cannot catch a panic. Its shell does, and calls [`Session::recover`](super::Session::recover);
//! the machine knows what the component was at. Nothing of a message is noted before the
//! component has taken it, so going back means loading the state before the message.

use alloc::collections::VecDeque;

use lightspeed_protocol::Timestamp;

/// How often an event may make the component panic before it is refused.
pub const POISON_ATTEMPTS_MAX: u32 = 2;

/// Restarts within [`RESTART_WINDOW_MS`], after which the session ends.
pub const RESTARTS_MAX: usize = 5;

/// See [`RESTARTS_MAX`].
pub const RESTART_WINDOW_MS: u64 = 10_000;

/// What the component's code is at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// Nothing, or values of its are being dropped.
    Idle,
    /// It makes or takes the message of an event, or one of its own.
    Update { seq: Option<u64> },
    /// It renders.
    Render,
}

/// How a session goes on after a panic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recovery {
    /// As before; the input that it panicked on is to be given again.
    Retry,
    /// As before, without what it panicked on: the events that are undone.
    Undone {
        /// How many.
        event_count: usize,
    },
    /// Not at all: there is no state to go back to, or it has panicked too often.
    Ended,
}

/// When the session was restarted, and what made it so.
#[derive(Debug, Default)]
pub(super) struct Restarts {
    at: VecDeque<Timestamp>,
    /// The event that it panicked on last, and how often.
    poison: Option<(u64, u32)>,
}

impl Restarts {
    /// Whether one more is within bounds.
    pub(super) fn admit(&mut self, now: Timestamp) -> bool {
        while self.at.pop_front_if(|at| at.after_ms(RESTART_WINDOW_MS) <= now).is_some() {}
        self.at.push_back(now);
        self.at.len() <= RESTARTS_MAX
    }

    /// Whether an event has been tried before, in vain.
    pub(super) fn has_failed(&self, seq: u64) -> bool {
        self.poison.is_some_and(|(poison, _)| poison == seq)
    }

    /// Counts an attempt at an event; whether there may be another.
    pub(super) fn try_again(&mut self, seq: u64) -> bool {
        let attempts = match self.poison {
            Some((poison, attempts)) if poison == seq => attempts + 1,
            _ => 1,
        };
        self.poison = Some((seq, attempts));
        attempts < POISON_ATTEMPTS_MAX
    }
}

#[cfg(test)]
mod tests {
    use lightspeed_protocol::Timestamp;

    use super::{RESTART_WINDOW_MS, RESTARTS_MAX, Restarts};

    #[test]
    fn restarts_are_counted_within_their_window() {
        let mut restarts = Restarts::default();
        for at in 0..RESTARTS_MAX as u64 {
            assert!(restarts.admit(Timestamp(at)));
        }
        assert!(!restarts.admit(Timestamp(RESTART_WINDOW_MS - 1)), "one too many");
        let mut restarts = Restarts::default();
        for at in 0..10 * RESTARTS_MAX as u64 {
            assert!(restarts.admit(Timestamp(at * RESTART_WINDOW_MS)), "long ago");
        }
    }

    #[test]
    fn an_event_is_tried_twice_and_another_one_anew() {
        let mut restarts = Restarts::default();
        assert!(!restarts.has_failed(1));
        assert!(restarts.try_again(1) && restarts.has_failed(1));
        assert!(!restarts.try_again(1));
        assert!(restarts.try_again(2) && !restarts.has_failed(1));
    }
}
