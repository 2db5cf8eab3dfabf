//! A few sessions take long: what do the others notice?
//!
//! `make bench-slow` serves a counter and a component whose `update` takes as long as a turn does, by
//! sleeping or by computing, from 1, 2 and 16 workers of tokio; has visitors of the counter click at a steady
//! rate; and prints how long their clicks take until they are acknowledged, in turns without and with slow
//! ones. It fails when the median of the turns' p99 with them is more than 1.5 times what it is without, and
//! more than 5 ms above it.

use std::hint::black_box;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use clap::Parser;
use lightspeed::{Config, Context, Html, Live, MountError, Runtime, Server, html};
use lightspeed_bench::{crowd, machine};
use lightspeed_examples::counter::Counter;
use lightspeed_testing::native::Visitor;
use lightspeed_testing::native::process::raise_descriptor_limit;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::time::sleep;

/// A few sessions take long: what do the others notice?
#[derive(Debug, Clone, Parser)]
struct Options {
    /// The workers of tokio that serve, one table for each number.
    #[arg(long, value_delimiter = ',', default_values_t = [1, 2, 16])]
    workers: Vec<usize>,
    /// How many sessions take long at a time.
    #[arg(long, value_delimiter = ',', default_values_t = [1])]
    slow: Vec<usize>,
    /// How many visitors click and are measured.
    #[arg(long, default_value_t = 50)]
    bystanders: usize,
    /// How often each of them clicks in a second.
    #[arg(long, default_value_t = 10)]
    rate: u32,
    /// How often the turn without slow sessions and the one with them are taken.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// How many seconds a turn takes, and a slow update.
    #[arg(long, default_value_t = 10)]
    seconds: u64,
}

/// How long an answer may take; a click that takes longer counts as lost.
const ANSWER_WITHIN: Duration = Duration::from_mins(1);

/// Between turns: what the one before has begun comes to its end.
const MARGIN: Duration = Duration::from_millis(500);

/// What p99 may be beside slow sessions: so many times what it is without, or so much more.
const RATIO_MAX: f64 = 1.5;
const MORE_MAX: Duration = Duration::from_millis(5);

/// Ends what takes long, so that a turn ends when it is over.
static IS_OVER: AtomicBool = AtomicBool::new(false);

/// How many updates are under way that take long.
static UNDER_WAY: AtomicU64 = AtomicU64::new(0);

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("slow: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Takes until the turn is over.
struct Slow;

#[derive(Clone, Copy)]
enum Msg {
    Sleep,
    Spin,
}

impl Live for Slow {
    type Msg = Msg;
    type Params = ();

    async fn mount((): (), _: &mut Context<Self::Msg>) -> Result<Self, MountError> {
        Ok(Self)
    }

    fn update(&mut self, msg: Msg, _: &mut Context<Self::Msg>) {
        UNDER_WAY.fetch_add(1, Ordering::Relaxed);
        while !IS_OVER.load(Ordering::Relaxed) {
            match msg {
                Msg::Sleep => std::thread::sleep(Duration::from_millis(50)),
                Msg::Spin => {
                    black_box((0..10_000_u64).fold(0, |sum: u64, number| black_box(sum ^ number)));
                }
            }
        }
        UNDER_WAY.fetch_sub(1, Ordering::Relaxed);
    }

    fn render(&self) -> Html<Msg> {
        html! {
            button #sleep onclick=(Msg::Sleep) { "sleep" }
            button #spin onclick=(Msg::Spin) { "spin" }
        }
    }
}

fn run(options: &Options) -> Result<bool, String> {
    raise_descriptor_limit().map_err(|error| error.to_string())?;
    let visiting = tokio::runtime::Runtime::new().map_err(|error| error.to_string())?;
    println!("| workers | slow sessions | which | p50 without | with | p99 without | with | |");
    println!("|---|---|---|---|---|---|---|---|");
    let mut is_well = true;
    for &workers in &options.workers {
        for &slow in &options.slow {
            for how in ["sleep", "spin"] {
                is_well &= measure(options, &visiting, workers, slow, how)?;
            }
        }
    }
    println!("\n{}", machine::describe());
    println!(
        "{} pairs of turns of {} s each; medians. A click counts from the moment it was due until its acknowledgement is read.",
        options.rounds, options.seconds
    );
    Ok(is_well)
}

/// A server of its own for each line.
fn measure(
    options: &Options,
    visiting: &tokio::runtime::Runtime,
    workers: usize,
    slow: usize,
    how: &str,
) -> Result<bool, String> {
    let told = |error: std::io::Error| error.to_string();
    let serving = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(workers)
        .enable_all()
        .build()
        .map_err(told)?;
    let listener = serving.block_on(TcpListener::bind("127.0.0.1:0")).map_err(told)?;
    let address = listener.local_addr().map_err(told)?;
    let config = Config::default().with_sessions_per_ip_max(options.bystanders + slow + 1_000);
    let runtime = Runtime::new(config);
    let router = lightspeed::router().runtime(&runtime).live::<Counter>("/counter").live::<Slow>("/slow");
    let server = serving.spawn(Server::new(listener, router).with_shutdown(std::future::pending()).run());
    let pairs = visiting.block_on(pairs(options, &format!("http://{address}"), slow, how));
    IS_OVER.store(true, Ordering::Relaxed);
    server.abort();
    serving.shutdown_background();
    let pairs = pairs?;
    let of = |pick: fn(&(Shares, Shares)) -> Duration| median(pairs.iter().map(pick).collect());
    let (before, beside) = (of(|pair| pair.0.p99), of(|pair| pair.1.p99));
    let is_well = beside <= before.mul_f64(RATIO_MAX).max(before + MORE_MAX);
    println!(
        "| {workers} | {slow} | {how} | {} | {} | {} | {} | {} |",
        milliseconds(of(|pair| pair.0.p50)),
        milliseconds(of(|pair| pair.1.p50)),
        milliseconds(before),
        milliseconds(beside),
        if is_well { "" } else { "too slow" },
    );
    Ok(is_well)
}

/// What half of a turn's clicks don't exceed, and 99 of 100.
#[derive(Debug, Clone, Copy, Default)]
struct Shares {
    p50: Duration,
    p99: Duration,
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

fn milliseconds(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1_000.0)
}

/// Turns without slow sessions and with them, one after the other.
async fn pairs(
    options: &Options,
    url: &str,
    slow: usize,
    how: &str,
) -> Result<Vec<(Shares, Shares)>, String> {
    let mut bystanders = crowd::gather(&format!("{url}/counter"), options.bystanders).await?;
    let slow_ones = crowd::gather(&format!("{url}/slow"), slow).await?;
    // The first clicks of all are slower, and nobody's matter here.
    (bystanders, _) = turn(options, bystanders, MARGIN).await?;
    let mut pairs = Vec::new();
    let time = Duration::from_secs(options.seconds);
    for _ in 0..options.rounds {
        let (before, beside);
        (bystanders, before) = turn(options, bystanders, time).await?;
        IS_OVER.store(false, Ordering::Relaxed);
        for visitor in &slow_ones {
            visitor.click(how).map_err(|error| error.to_string())?;
        }
        (bystanders, beside) = turn(options, bystanders, time).await?;
        let under_way = UNDER_WAY.load(Ordering::Relaxed);
        IS_OVER.store(true, Ordering::Relaxed);
        for visitor in &slow_ones {
            visitor.wait_settled(ANSWER_WITHIN).await.map_err(|error| error.to_string())?;
        }
        if under_way < slow as u64 {
            return Err(format!("{under_way} of {slow} slow updates were under way"));
        }
        pairs.push((before, beside));
    }
    Ok(pairs)
}

/// Has everybody click for a while.
async fn turn(
    options: &Options,
    bystanders: Vec<Visitor>,
    time: Duration,
) -> Result<(Vec<Visitor>, Shares), String> {
    let stop = watch::Sender::new(false);
    let clicking: Vec<_> = bystanders
        .into_iter()
        .map(|visitor| {
            tokio::spawn(crowd::click_steadily(visitor, options.rate, ANSWER_WITHIN, stop.subscribe()))
        })
        .collect();
    sleep(time).await;
    stop.send_replace(true);
    let (mut bystanders, mut latencies) = (Vec::new(), Vec::new());
    for clicks in clicking {
        let (visitor, taken) = clicks.await.map_err(|error| error.to_string())??;
        bystanders.push(visitor);
        latencies.extend(taken);
    }
    sleep(MARGIN).await;
    latencies.sort_unstable();
    let share = |per_cent: usize| {
        let index = (latencies.len() * per_cent).div_ceil(100).saturating_sub(1);
        latencies.get(index).copied().unwrap_or_default()
    };
    Ok((bystanders, Shares { p50: share(50), p99: share(99) }))
}
