//! Whose jobs compute, as far as those before tell.
//!
//! All times are milliseconds since the crew began.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::limits;

/// Whether somebody's jobs compute, by those before: its own, and at first those of others of its kind.
///
/// A stranger could let a session compute, leave it and come with a new one, of which nothing is known: each such
/// session's first long turn would take a processor from those who click. Others of its kind have told what to expect.
pub(crate) struct Weight {
    began: u64,
    own: Computed,
    kind: Option<Arc<Computed>>,
}

/// By component, and by what its jobs begin with: as many as the application has of both.
pub(super) type Kinds = HashMap<(Option<&'static str>, &'static str), Arc<Computed>>;

/// When a job has computed for the last time.
#[derive(Debug, Default)]
pub(super) struct Computed {
    /// The time, and one more; 0 when none ever has.
    at: AtomicU64,
}

impl Computed {
    fn note(&self, now: u64) {
        self.at.store(now + 1, Ordering::Relaxed);
    }

    fn is_of_late(&self, now: u64) -> bool {
        let at = self.at.load(Ordering::Relaxed);
        at != 0 && is_of_late(at, now + 1)
    }
}

fn is_of_late(at: u64, now: u64) -> bool {
    Duration::from_millis(now.saturating_sub(at)) < limits::HEAVY_FOR
}

impl Weight {
    /// Of somebody who is there from `now` on, with others of this kind.
    pub(super) fn new(now: u64, kind: Option<Arc<Computed>>) -> Self {
        Self { began: now, own: Computed::default(), kind }
    }

    /// Whether the jobs of its owner compute.
    pub(super) fn is_heavy(&self, now: u64) -> bool {
        let kind = self.kind.as_ref().filter(|_| is_of_late(self.began, now));
        self.own.is_of_late(now) || kind.is_some_and(|kind| kind.is_of_late(now))
    }

    /// A job has computed.
    pub(super) fn note_computed(&self, now: u64) {
        self.own.note(now);
        if let Some(kind) = &self.kind {
            kind.note(now);
        }
    }
}
