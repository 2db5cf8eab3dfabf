//! How fast a session's events are taken: a token bucket, kept as the time at which it is full
//! (the [generic cell rate algorithm](https://en.wikipedia.org/wiki/Generic_cell_rate_algorithm)).

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::config::Config;

/// The bucket of one session.
#[derive(Debug)]
pub(crate) struct RateLimit {
    /// How long it takes until there is one token more.
    interval: Duration,
    /// How long it takes to fill the bucket.
    burst: Duration,
    full_at: Mutex<Instant>,
}

impl RateLimit {
    pub(crate) fn new(config: &Config) -> Self {
        let interval = Duration::from_secs(1) / config.events_per_second.max(1);
        let burst = interval * config.events_burst.max(1);
        Self { interval, burst, full_at: Mutex::new(Instant::now()) }
    }

    /// Takes one event; how long the next must wait when there was none to be had.
    pub(crate) fn take(&self) -> Result<(), Duration> {
        let mut full_at = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let taken = (*full_at).max(now) + self.interval;
        let wait = taken.duration_since(now).saturating_sub(self.burst);
        if wait.is_zero() {
            *full_at = taken;
            Ok(())
        } else {
            Err(wait.max(Duration::from_millis(1)))
        }
    }
}
