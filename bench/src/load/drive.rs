//! How pages click: each as soon as it has its answer (closed loop), or at a constant rate (open loop).
//!
//! In the open loop a click is due at a time that was set before anything was measured, and its latency counts
//! from then: what waits because the server was slow a moment before counts as slow, too
//! ([coordinated omission](https://www.scylladb.com/2021/04/22/on-coordinated-omission/)).

use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt as _};
use tokio::time::{Instant, sleep_until};

use super::page::Page;

/// How pages click.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Loop {
    /// As soon as the answer is there.
    Closed,
    /// Each so often a second.
    Open(f64),
}

/// What came of it.
#[derive(Debug, Default)]
pub struct Outcome {
    /// The pages, for the next time.
    pub pages: Vec<Page>,
    /// The shortest first.
    pub latencies: Vec<Duration>,
    /// From the first click to the last answer.
    pub took: Duration,
}

/// Has pages click for `within`.
///
/// # Errors
///
/// The first page's that got no answer; for a person.
pub async fn drive(pages: Vec<Page>, how: Loop, within: Duration) -> Result<Outcome, String> {
    let began = Instant::now();
    let count = u32::try_from(pages.len()).unwrap_or(u32::MAX).max(1);
    let mut clicking = FuturesUnordered::new();
    for (index, page) in (0..).zip(pages) {
        // Tasks, so that all cores of this side have a share.
        clicking.push(tokio::spawn(click(page, how, began, within, f64::from(index) / f64::from(count))));
    }
    let mut outcome = Outcome::default();
    while let Some(done) = clicking.next().await {
        let (page, latencies) = done.map_err(|error| error.to_string())??;
        outcome.pages.push(page);
        outcome.latencies.extend(latencies);
    }
    outcome.took = began.elapsed();
    outcome.latencies.sort_unstable();
    Ok(outcome)
}

/// One page; `phase` of 1 spreads the clicks of all over the time between two of one.
async fn click(
    mut page: Page,
    how: Loop,
    began: Instant,
    within: Duration,
    phase: f64,
) -> Result<(Page, Vec<Duration>), String> {
    let mut latencies = Vec::new();
    let mut turn = 0.0;
    loop {
        let due = match how {
            Loop::Closed => Instant::now(),
            Loop::Open(rate) => began + Duration::from_secs_f64((turn + phase) / rate),
        };
        if due >= began + within {
            return Ok((page, latencies));
        }
        if due > Instant::now() {
            sleep_until(due).await;
        }
        page.round_trip().await?;
        latencies.push(due.elapsed());
        turn += 1.0;
    }
}
