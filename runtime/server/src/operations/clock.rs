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

/// The time by the wall clock, for people: as in RFC 3339, to the second.
#[cfg(feature = "recording")]
pub(crate) fn wall() -> String {
    use std::time::SystemTime;

    let seconds = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
    let seconds = i64::try_from(seconds).unwrap_or(i64::MAX);
    jiff::Timestamp::from_second(seconds).unwrap_or_default().to_string()
}
