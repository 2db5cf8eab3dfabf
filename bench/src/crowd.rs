//! Many visitors of one page.

use std::net::Ipv4Addr;
use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use indicatif::{ProgressBar, ProgressStyle};
use lightspeed_testing::native::{OpenError, Visitor, VisitorConfig, WaitError};
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout_at};

/// Pages that are opened at a time.
const OPENING_MAX: usize = 64;

/// Addresses that the visitors come from. Each has about 28,000 ports, and a visitor who comes
/// back needs some more while the old ones rest; and none is the server's, so that no visitor
/// can take the server's port.
const SOURCES: u8 = 8;

/// How long a page may take until it is connected for the first time.
const CONNECT_WITHIN: Duration = Duration::from_mins(2);

/// Opens a page `count` times, and waits until all are connected.
///
/// # Errors
///
/// The first page's that doesn't open or connect; for a person.
pub async fn gather(url: &str, count: usize) -> Result<Vec<Visitor>, String> {
    let bar = progress("connected", count);
    let opening = stream::iter(0..count).map(async |index| {
        let source = Ipv4Addr::new(127, 0, 0, 2 + u8::try_from(index % usize::from(SOURCES)).unwrap_or(0));
        let config = VisitorConfig::default().with_source(source).with_seed(index as u64);
        let visitor = Visitor::open_with(url, config).await.map_err(|error: OpenError| error.to_string())?;
        visitor.wait_connected(CONNECT_WITHIN).await.map_err(|error: WaitError| error.to_string())?;
        bar.inc(1);
        Ok::<_, String>(visitor)
    });
    let mut opened = opening.buffer_unordered(OPENING_MAX);
    let mut visitors = Vec::with_capacity(count);
    while let Some(visitor) = opened.next().await {
        visitors.push(visitor.map_err(|error| format!("page {} of {count}: {error}", visitors.len() + 1))?);
    }
    bar.finish_and_clear();
    Ok(visitors)
}

/// A visitor clicks `rate` times a second until it is told to stop; gives the visitor back, and how long each
/// click took until it was acknowledged.
///
/// # Errors
///
/// When a click can't be made or isn't acknowledged within `answer_within`; for a person.
pub async fn click_steadily(
    visitor: Visitor,
    rate: u32,
    answer_within: Duration,
    mut stop: watch::Receiver<bool>,
) -> Result<(Visitor, Vec<Duration>), String> {
    let period = Duration::from_secs(1) / rate.max(1);
    let mut ticks = interval(period);
    // Clicks that are late because one before them was, are late: they count from when they were due.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut latencies = Vec::new();
    loop {
        let due = tokio::select! {
            due = ticks.tick() => due,
            _ = stop.wait_for(|is_stopped| *is_stopped) => break,
        };
        // A timer is up to a millisecond late, which is not the server's.
        let began = if due.elapsed() > period { due } else { Instant::now() };
        visitor.click("inc").map_err(|error| error.to_string())?;
        visitor.wait_settled(answer_within).await.map_err(|error| error.to_string())?;
        latencies.push(began.elapsed());
    }
    Ok((visitor, latencies))
}

/// Waits for each until `is_back` resolves; the times since `began`, the shortest first. Those
/// that take longer than `within` are missing.
pub async fn returns(
    visitors: &[Visitor],
    began: Instant,
    within: Duration,
    is_back: impl AsyncFn(&Visitor) -> Result<(), WaitError>,
) -> Vec<Duration> {
    let bar = progress("back", visitors.len());
    let waiting = visitors.iter().map(async |visitor| is_back(visitor).await.map(|()| began.elapsed()));
    let mut waiting: stream::FuturesUnordered<_> = waiting.collect();
    let mut times = Vec::with_capacity(visitors.len());
    while let Ok(Some(time)) = timeout_at(began + within, waiting.next()).await {
        if let Ok(time) = time {
            times.push(time);
            bar.inc(1);
        }
    }
    bar.finish_and_clear();
    times.sort_unstable();
    times
}

/// A bar for a person who waits; nothing where nobody looks.
pub fn progress(what: &'static str, count: usize) -> ProgressBar {
    let style = ProgressStyle::with_template("{elapsed_precise} {bar:40} {pos} of {len} {msg}")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(count as u64).with_style(style).with_message(what)
}
