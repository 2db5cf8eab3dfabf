//! How fast a session's events are taken: a token bucket, by [governor](https://docs.rs/governor).

use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock, Reference};
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use tokio::time::Instant;

use crate::config::Config;

/// The clock of tokio, which tests and simulations can move.
#[derive(Debug, Clone)]
struct TokioClock {
    origin: Instant,
}

impl Clock for TokioClock {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        Nanos::from(Instant::now().saturating_duration_since(self.origin))
    }
}

/// The bucket of one session.
#[derive(Debug)]
pub(crate) struct Pace {
    limiter: RateLimiter<NotKeyed, InMemoryState, TokioClock, NoOpMiddleware<Nanos>>,
}

impl Pace {
    pub(crate) fn new(config: &Config) -> Self {
        let at_least_one = |number| NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN);
        let quota = Quota::per_second(at_least_one(config.events_per_second))
            .allow_burst(at_least_one(config.events_burst));
        let clock = TokioClock { origin: Instant::now() };
        Self { limiter: RateLimiter::direct_with_clock(quota, clock) }
    }

    /// Takes one event; how long the next must wait when there was none to be had.
    pub(crate) fn take(&self) -> Result<(), Duration> {
        self.limiter.check().map_err(|until| {
            let wait = until.earliest_possible().duration_since(self.limiter.clock().now());
            Duration::from(wait).max(Duration::from_millis(1))
        })
    }
}
