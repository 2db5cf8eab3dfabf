//! The page's one socket: its phase, its silence, its backoff.

use lightspeed_protocol::{Timestamp, limits};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LinkPhase {
    /// Not begun.
    Idle,
    /// A socket is being opened.
    Connecting,
    /// The hello is sent.
    Greeting,
    /// Welcomed.
    Ready,
    /// No socket until then.
    Waiting(Timestamp),
    /// No socket any more.
    Ended,
}

#[derive(Debug)]
pub(super) struct Link {
    pub(super) phase: LinkPhase,
    pub(super) heard_at: Timestamp,
    pub(super) sent_at: Timestamp,
    pub(super) refresh_at: Option<Timestamp>,
    refresh_attempts: u32,
    /// When the page was fetched last.
    refreshed_at: Timestamp,
    heartbeat_ms: u64,
    pub(super) reconnect_attempts: u32,
    /// Set while an answer is awaited sooner than the usual silence allows.
    probe_until: Option<Timestamp>,
    random: u64,
}

/// How long a probe waits for any message, in milliseconds.
const PROBE_MS: u64 = 5_000;

/// After so long without fetching the page the backoff of that begins anew, in milliseconds.
const CALM_MS: u64 = 10_000;

impl Link {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            phase: LinkPhase::Idle,
            heard_at: Timestamp(0),
            sent_at: Timestamp(0),
            refresh_at: None,
            refresh_attempts: 0,
            refreshed_at: Timestamp(0),
            heartbeat_ms: limits::HEARTBEAT_MS,
            reconnect_attempts: 0,
            probe_until: None,
            random: seed,
        }
    }

    pub(super) fn hear(&mut self, now: Timestamp) {
        self.heard_at = now;
        self.probe_until = None;
    }

    pub(super) fn welcome(&mut self, heartbeat_ms: u64) {
        self.phase = LinkPhase::Ready;
        self.heartbeat_ms = heartbeat_ms.clamp(1_000, limits::HEARTBEAT_MS);
    }

    pub(super) fn probe(&mut self, now: Timestamp) {
        self.probe_until.get_or_insert(now.after_ms(PROBE_MS));
    }

    /// When the socket counts as dead.
    pub(super) fn dead_at(&self) -> Timestamp {
        let silent_at = self.heard_at.after_ms(limits::SILENCE_MS_MAX);
        self.probe_until.map_or(silent_at, |until| until.min(silent_at))
    }

    /// When the next ping is due.
    pub(super) fn ping_at(&self) -> Timestamp {
        self.sent_at.after_ms(self.heartbeat_ms)
    }

    pub(super) fn schedule_reconnect(&mut self, now: Timestamp) {
        let wait = self.jitter(self.reconnect_attempts, limits::RECONNECT_MS_MAX);
        self.reconnect_attempts = self.reconnect_attempts.saturating_add(1);
        self.probe_until = None;
        self.phase = LinkPhase::Waiting(now.after_ms(wait));
    }

    /// A session asks for the page again: the backoff of that begins anew when there was no need to for a while.
    pub(super) fn calm(&mut self, now: Timestamp) {
        if self.refreshed_at.after_ms(CALM_MS) <= now {
            self.refresh_attempts = 0;
        }
    }

    /// The page is to be fetched again: at once the first time, then with a backoff of at most `bound_ms`.
    /// In no case before `least_ms` have passed.
    pub(super) fn schedule_refresh(&mut self, now: Timestamp, least_ms: u64, bound_ms: u64) {
        if self.refresh_at.is_some() {
            return;
        }
        let wait = if self.refresh_attempts == 0 { 0 } else { self.jitter(self.refresh_attempts, bound_ms) };
        self.refresh_attempts = self.refresh_attempts.saturating_add(1);
        self.refresh_at = Some(now.after_ms(wait.saturating_add(least_ms)));
    }

    /// Whether the page is to be fetched now.
    pub(super) fn take_refresh(&mut self, now: Timestamp) -> bool {
        let is_due = self.refresh_at.take_if(|at| *at <= now).is_some();
        if is_due {
            self.refreshed_at = now;
        }
        is_due
    }

    /// A wait below a bound that doubles with each attempt.
    ///
    /// [Full jitter](https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/):
    /// clients that lost the same server come back spread over the whole time.
    fn jitter(&mut self, attempts: u32, bound_ms_max: u64) -> u64 {
        let bound = limits::RECONNECT_MS_MIN << attempts.min(16);
        self.next_random() % bound.min(bound_ms_max)
    }

    /// [SplitMix64](https://doi.org/10.1145/2714064.2660195).
    fn next_random(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.random;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}
