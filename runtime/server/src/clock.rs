//! The one place where the server reads the time.

use lightspeed_protocol::Timestamp;
use tokio::time::{Duration, Instant};

/// Turns instants into the timestamps that session machines know.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    origin: Instant,
}

impl Clock {
    pub(crate) fn new() -> Self {
        Self { origin: Instant::now() }
    }

    pub(crate) fn now(self) -> Timestamp {
        let elapsed = Instant::now().saturating_duration_since(self.origin);
        Timestamp(u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX))
    }

    pub(crate) fn instant(self, at: Timestamp) -> Instant {
        self.origin + Duration::from_millis(at.0)
    }
}
