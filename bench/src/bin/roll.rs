//! Servers behind a proxy are restarted one after the other, while people click.
//!
//! `cargo run --release -p lightspeed-bench --bin roll -- --visitors 100 --rate 5` starts two galleries and HAProxy
//! on loopback, has every visitor of the counter click at that rate, restarts both servers,
//! and prints what became of the clicks.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, ValueEnum};
use lightspeed_bench::{crowd, gallery, machine};
use lightspeed_interpreter::LinkState;
use lightspeed_testing::native::process::raise_descriptor_limit;
use lightspeed_testing::native::{Balance, Fleet, ProcessConfig, Shown, Visitor};
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};

/// Servers behind a proxy are restarted one after the other, while people click.
#[derive(Debug, Parser)]
struct Options {
    /// How many visitors there are.
    #[arg(long, default_value_t = 100)]
    visitors: usize,
    /// How often each of them clicks in a second.
    #[arg(long, default_value_t = 5)]
    rate: u32,
    /// How many servers there are.
    #[arg(long, default_value_t = 2)]
    servers: usize,
    /// How often all of them are restarted.
    #[arg(long, default_value_t = 1)]
    rolls: usize,
    /// Which server a connection goes to.
    #[arg(long, value_enum, default_value_t = Choice::Source)]
    balance: Choice,
    /// How many seconds the clicks may take to be settled at the end.
    #[arg(long, default_value_t = 60)]
    deadline: u64,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Choice {
    /// The same for all connections from an address.
    Source,
    /// Each in turn.
    RoundRobin,
}

/// How long people click before the first restart, and after the last.
const MARGIN: Duration = Duration::from_secs(1);

/// How long a server may take to end.
const END_WITHIN: Duration = Duration::from_mins(1);

fn main() -> ExitCode {
    let options = Options::parse();
    let run = gallery::program().and_then(|program| {
        let runtime = tokio::runtime::Runtime::new().map_err(|error| error.to_string())?;
        runtime.block_on(run(&options, program))
    });
    match run {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("roll: {error}");
            ExitCode::FAILURE
        }
    }
}

/// What became of a visitor's clicks.
#[derive(Debug, Default)]
struct Clicks {
    /// Taken by the page.
    taken: usize,
    /// Not taken: the person sees that nothing happens.
    untaken: usize,
    /// Known to have had no effect.
    refused: usize,
    /// Believed to be handled, but not in the count.
    lost: usize,
    /// In the count more than once.
    doubled: usize,
    /// Of which nothing was heard.
    unsettled: usize,
}

/// Whether everyone is connected and nothing is unsettled at the end.
async fn run(options: &Options, program: PathBuf) -> Result<bool, String> {
    raise_descriptor_limit().map_err(|error| error.to_string())?;
    let balance = match options.balance {
        Choice::Source => Balance::Source,
        Choice::RoundRobin => Balance::RoundRobin,
    };
    let config = ProcessConfig::default()
        .with_variable("RUST_LOG", "error")
        // All of them come from one.
        .with_variable("LIGHTSPEED_SESSIONS_PER_ADDRESS", "1000000");
    let fleet = Fleet::start(&program, options.servers, &config, balance).await;
    let mut fleet = fleet.map_err(|error| error.to_string())?;
    let visitors = crowd::gather(&fleet.url("/counter"), options.visitors).await?;

    let stop = watch::Sender::new(false);
    let clicking: Vec<_> = visitors
        .into_iter()
        .map(|visitor| tokio::spawn(click(visitor, options.rate, options.deadline, stop.subscribe())))
        .collect();
    sleep(MARGIN).await;
    let began = Instant::now();
    for _ in 0..options.rolls {
        fleet.roll(END_WITHIN).await.map_err(|error| error.to_string())?;
    }
    let rolled = began.elapsed();
    sleep(MARGIN).await;
    stop.send_replace(true);

    let mut all = Clicks::default();
    let mut connected = 0;
    for visitor in clicking {
        let (clicks, is_connected) = visitor.await.map_err(|error| error.to_string())?;
        connected += usize::from(is_connected);
        all.taken += clicks.taken;
        all.untaken += clicks.untaken;
        all.refused += clicks.refused;
        all.lost += clicks.lost;
        all.doubled += clicks.doubled;
        all.unsettled += clicks.unsettled;
    }
    println!(
        "| visitors | servers | restarts | seconds | clicks | not taken | refused | lost | doubled | unsettled | connected |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|---|");
    println!(
        "| {} | {} | {} | {:.2} | {} | {} | {} | {} | {} | {} | {connected} |",
        options.visitors,
        options.servers,
        options.servers * options.rolls,
        rolled.as_secs_f64(),
        all.taken,
        all.untaken,
        all.refused,
        all.lost,
        all.doubled,
        all.unsettled,
    );
    println!("\n{}", machine::describe());
    Ok(connected == options.visitors && all.unsettled == 0)
}

/// Clicks until it is told to stop, and then waits for what has become of the clicks.
async fn click(
    visitor: Visitor,
    rate: u32,
    deadline: u64,
    mut stop: watch::Receiver<bool>,
) -> (Clicks, bool) {
    let mut clicks = Clicks::default();
    let mut ticks = interval(Duration::from_secs(1) / rate.max(1));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            _ = stop.wait_for(|is_stopped| *is_stopped) => break,
        }
        match visitor.click("inc") {
            Ok(_) => clicks.taken += 1,
            Err(_) => clicks.untaken += 1,
        }
    }
    let within = Duration::from_secs(deadline);
    let is_settled = |page: &Shown| page.unsettled_count() == 0 && page.state() == LinkState::Connected;
    // Whether it did is in the numbers.
    let _ = visitor.wait_until(within, is_settled).await;
    // A click may be settled before it is shown.
    let expected = clicks.taken - visitor.refused().len() - visitor.unsettled_count();
    let is_shown = |page: &Shown| page.has_text("count", &expected.to_string());
    let _ = visitor.wait_until(MARGIN, is_shown).await;
    let shown: usize = visitor.text_of("count").and_then(|text| text.parse().ok()).unwrap_or(0);
    clicks.refused = visitor.refused().len();
    clicks.unsettled = visitor.unsettled_count();
    clicks.lost = expected.saturating_sub(shown);
    clicks.doubled = shown.saturating_sub(expected);
    let is_connected = visitor.state() == LinkState::Connected;
    visitor.close().await;
    (clicks, is_connected)
}
