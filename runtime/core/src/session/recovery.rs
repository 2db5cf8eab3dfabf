//! After a panic in the component: back to the last good state, and on.
//!
//! The machine itself cannot catch a panic. Its shell does, and calls [`Session::recover`];
//! the machine knows what the component was at. Nothing of a message is noted before the
//! component has taken it, so going back is taking on the state of before.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use lightspeed_protocol::Timestamp;
use lightspeed_protocol::close::RefusalReason;

use super::{Component, Session};

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
    fn admit(&mut self, now: Timestamp) -> bool {
        while self.at.pop_front_if(|at| at.after_ms(RESTART_WINDOW_MS) <= now).is_some() {}
        self.at.push_back(now);
        self.at.len() <= RESTARTS_MAX
    }

    /// Whether an event has been tried before, in vain.
    pub(super) fn has_failed(&self, seq: u64) -> bool {
        self.poison.is_some_and(|(poison, _)| poison == seq)
    }

    /// Counts an attempt at an event; whether there may be another.
    fn try_again(&mut self, seq: u64) -> bool {
        let attempts = match self.poison {
            Some((poison, attempts)) if poison == seq => attempts + 1,
            _ => 1,
        };
        self.poison = Some((seq, attempts));
        attempts < POISON_ATTEMPTS_MAX
    }
}

impl<C: Component> Session<C> {
    /// Goes back to the last good state, after [`Session::handle_input`] or
    /// [`Session::poll_output`] has panicked. May panic itself, if that state's own code does.
    pub fn recover(&mut self) -> Recovery {
        let step = core::mem::replace(&mut self.step, Step::Idle);
        if self.is_closed() || !self.restarts.admit(self.now) {
            return Recovery::Ended;
        }
        let good = match step {
            Step::Render => self.origin.as_ref().map(|origin| &origin.state),
            _ => self.state.as_ref(),
        };
        let Some(good) = good.cloned() else { return Recovery::Ended };
        if self.component.load(&good).is_err() {
            return Recovery::Ended;
        }
        // What has changed since has not.
        self.forget_undone();
        self.state = Some(good);
        let is_undone = !matches!(step, Step::Idle);
        let undone = match step {
            Step::Update { seq: Some(seq) } if self.restarts.try_again(seq) => return Recovery::Retry,
            Step::Update { seq: Some(seq) } => {
                self.handled(seq);
                Vec::from([seq])
            }
            Step::Update { seq: None } => Vec::new(),
            Step::Render => {
                // What is stored may hold what is undone now: nobody is told before that is replaced.
                if self.policy.is_stored() {
                    self.saving.is_due = true;
                    self.saving.telling_from = Some(self.saving.generation + 1);
                }
                core::mem::take(&mut self.unrendered)
            }
            Step::Idle => {
                // The panic has left it in the middle of whatever it was doing.
                self.lose_document();
                self.ask_snapshot();
                Vec::new()
            }
        };
        // What fields hold may have to be taken back.
        self.is_dirty = true;
        self.note_change();
        for seq in undone.iter().copied().chain((is_undone && undone.is_empty()).then_some(0)) {
            self.tell_refusal(seq, RefusalReason::Failed);
        }
        Recovery::Undone { event_count: undone.len() }
    }

    /// A task of the component has panicked, which has changed nothing: tells the page.
    /// False when that has happened too often.
    pub fn note_task_failed(&mut self) -> bool {
        self.tell_refusal(0, RefusalReason::Failed);
        self.restarts.admit(self.now)
    }
}
