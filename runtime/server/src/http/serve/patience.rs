//! How long a client is waited for that has to read or to send.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep};

use crate::limits;

/// Time that may be spent waiting for a client: 10 seconds, and more with each byte that moves. Time in which
/// nobody waits for the client isn't counted.
#[derive(Debug)]
pub(super) struct Patience {
    credit: Duration,
    waiting: Option<(Instant, Pin<Box<Sleep>>)>,
}

impl Default for Patience {
    fn default() -> Self {
        Self { credit: limits::STALL_MAX, waiting: None }
    }
}

impl Patience {
    /// So many bytes have moved.
    pub(super) fn moved(&mut self, byte_count: usize) {
        let spent = self.waiting.take().map_or(Duration::ZERO, |(since, _)| since.elapsed());
        if spent.is_zero() && self.credit == limits::STALL_MAX {
            return;
        }
        let millis = byte_count.saturating_mul(1_000) / limits::HTTP_BYTES_PER_SECOND_MIN;
        let earned = Duration::from_millis(u64::try_from(millis).unwrap_or(u64::MAX));
        self.credit = self.credit.saturating_sub(spent).saturating_add(earned).min(limits::STALL_MAX);
    }

    /// Nothing has moved; ready when that has been so for too long.
    pub(super) fn poll_over(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let credit = self.credit;
        let (_, sleep) = self.waiting.get_or_insert_with(|| (Instant::now(), Box::pin(sleep(credit))));
        sleep.as_mut().poll(cx)
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use tokio::time::timeout;

    use super::*;

    async fn waits(patience: &mut Patience, seconds: u64) -> bool {
        let over = poll_fn(|cx| patience.poll_over(cx));
        timeout(Duration::from_secs(seconds), over).await.is_err()
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_for_ten_seconds_is_too_little() {
        let mut patience = Patience::default();
        assert!(waits(&mut patience, 9).await);
        assert!(!waits(&mut patience, 2).await);
    }

    #[tokio::test(start_paused = true)]
    async fn a_byte_now_and_then_is_too_little_and_a_slow_line_is_not() {
        let mut sip = Patience::default();
        let mut seconds = 0;
        while waits(&mut sip, 1).await {
            sip.moved(1);
            seconds += 1;
        }
        assert!((9..=11).contains(&seconds), "{seconds}");
        let mut slow = Patience::default();
        for _ in 0..1_000 {
            assert!(waits(&mut slow, 8).await);
            slow.moved(8 * limits::HTTP_BYTES_PER_SECOND_MIN);
        }
        // What was fast before isn't saved up.
        slow.moved(100 * 1024 * 1024);
        assert!(!waits(&mut slow, 11).await);
    }
}
