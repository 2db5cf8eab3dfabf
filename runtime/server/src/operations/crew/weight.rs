//! Whose jobs compute, as far as those before tell.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use super::{Crew, Label, Lane, STAND};
use crate::limits;

/// Whether somebody's jobs compute, by those before: its own, and at first those of others of its kind.
///
/// A stranger could let a session compute, leave it and come with a new one, of which nothing is known: each such
/// session's first long turn would take a processor from those who click. Others of its kind have told what to expect.
pub(crate) struct Weight {
    began: Instant,
    own: Computed,
    kind: Option<Arc<Computed>>,
}

/// By component, and by what its jobs begin with: as many as the application has of both.
pub(super) type Kinds = HashMap<(Option<&'static str>, &'static str), Arc<Computed>>;

/// When a job has computed for the last time.
#[derive(Debug, Default)]
pub(super) struct Computed {
    /// Milliseconds since the crew began, and one more; 0 when none ever has.
    at: AtomicU64,
}

impl Computed {
    fn note(&self, ms: u64) {
        self.at.store(ms + 1, Ordering::Relaxed);
    }

    fn is_of_late(&self, ms: u64) -> bool {
        let at = self.at.load(Ordering::Relaxed);
        at != 0 && Duration::from_millis((ms + 1).saturating_sub(at)) < limits::HEAVY_FOR
    }
}

impl Weight {
    /// Of somebody who is there from now on, with jobs of this label in this lane.
    pub(crate) fn new(crew: &Crew, lane: Lane, label: &Label) -> Self {
        let began = Instant::now();
        // A new page that computes waits among pages: those who are there go before it anyway.
        let kind = (lane == Lane::Session).then(|| {
            let mut kinds = crew.0.kinds.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(kinds.entry((label.component, label.what)).or_default())
        });
        Self { began, own: Computed::default(), kind }
    }

    /// Where the next job of its owner waits: in `lane`, unless it counts as heavy.
    pub(crate) fn lane(&self, crew: &Crew, lane: Lane) -> Lane {
        if self.is_heavy(crew, Instant::now()) { Lane::Heavy } else { lane }
    }

    pub(super) fn is_heavy(&self, crew: &Crew, now: Instant) -> bool {
        let ms = crew.0.ms(now);
        let is_new = now.saturating_duration_since(self.began) < limits::HEAVY_FOR;
        let kind = self.kind.as_ref().filter(|_| is_new);
        self.own.is_of_late(ms) || kind.is_some_and(|kind| kind.is_of_late(ms))
    }

    /// A job is about to end in this thread.
    pub(crate) fn note(&self, crew: &Crew) {
        let has_computed =
            STAND.with_borrow(|stand| stand.as_ref().is_some_and(|stand| stand.has_computed()));
        if has_computed {
            self.note_computed(crew, Instant::now());
        }
    }

    pub(super) fn note_computed(&self, crew: &Crew, now: Instant) {
        let ms = crew.0.ms(now);
        self.own.note(ms);
        if let Some(kind) = &self.kind {
            kind.note(ms);
        }
    }
}
