//! How long a client stays away whose session can't go on here.

use std::fmt;
use std::sync::Arc;

use lightspeed_protocol::close::CloseReason;

use crate::limits;
use crate::operations::entropy::Entropy;

/// The shortest time that a client is told to stay away, in milliseconds: another server has to take over.
const RETRY_MS_MIN: u64 = 100;

/// The same where the server can't go on with a session now.
const UNAVAILABLE_MS: u64 = 1_000;

/// Spreads the clients that come back over a time in which a server can take them all on.
#[derive(Clone)]
pub(crate) struct Retry {
    entropy: Entropy,
    session_count: Arc<dyn Fn() -> usize + Send + Sync>,
}

impl Retry {
    /// `session_count` says how many sessions the server has, which may all come back at once.
    pub(crate) fn new(entropy: Entropy, session_count: impl Fn() -> usize + Send + Sync + 'static) -> Self {
        Self { entropy, session_count: Arc::new(session_count) }
    }

    /// How long a client whose session ends for this reason should stay away, in milliseconds.
    pub(crate) fn after_ms(&self, reason: CloseReason) -> u64 {
        if !reason.is_recoverable_by_rejoin() {
            return 0;
        }
        if reason == CloseReason::Unavailable {
            // The server can't tell how long the store, or room, takes to come back.
            return UNAVAILABLE_MS + self.entropy.below(4 * UNAVAILABLE_MS);
        }
        let sessions = u64::try_from((self.session_count)()).unwrap_or(u64::MAX);
        let spread_ms = sessions.saturating_mul(1_000) / limits::RETURNS_PER_SECOND;
        RETRY_MS_MIN + self.entropy.below(spread_ms.clamp(RETRY_MS_MIN, limits::RETRY_MS_MAX - RETRY_MS_MIN))
    }
}

impl fmt::Debug for Retry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Retry").finish_non_exhaustive()
    }
}
