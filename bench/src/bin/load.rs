//! Events per second and latencies over real sockets of this machine, beside a bare WebSocket echo.
//!
//! `make bench-load` starts the counter and an axum echo as processes of their own, opens as many pages as
//! `--sessions` says, and has them click: as soon as they can, then at a rate. `bench/README.md` says how to
//! read what it prints.

use std::net::{IpAddr, Ipv4Addr};
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use futures_util::{StreamExt as _, stream};
use lightspeed_bench::load::drive::{Loop, drive};
use lightspeed_bench::load::page::{Kind, Page};
use lightspeed_bench::load::serve::Server;
use lightspeed_bench::{crowd, machine, results};
use lightspeed_testing::native::ServerProcess;
use lightspeed_testing::native::process::raise_descriptor_limit;
use serde_json::{Value, json};

/// Events per second and latencies over real sockets, beside a bare WebSocket echo.
#[derive(Debug, Parser)]
struct Options {
    /// How many pages there are, one table for each number.
    #[arg(long, value_delimiter = ',', default_values_t = [100, 1_000])]
    sessions: Vec<usize>,
    /// How many seconds pages click each time.
    #[arg(long, default_value_t = 4)]
    seconds: u64,
    /// How often each of them takes its turn.
    #[arg(long, default_value_t = 2)]
    rounds: usize,
    /// The shares of the rate that was reached in the closed loop at which pages click in the open one.
    #[arg(long, value_delimiter = ',', default_values_t = [0.5])]
    shares: Vec<f64>,
    /// How many pages click once a second at the end; 0 leaves it out.
    #[arg(long, default_value_t = 10_000)]
    crowd: usize,
}

/// Addresses that pages come from; each has about 28,000 ports.
const SOURCES: usize = 8;

/// Pages that are opened at a time.
const OPENING_MAX: usize = 64;

/// The server's part of a counter event, in microseconds of CPU.
const CPU_MICROSECONDS_MAX: f64 = 12.0;

/// The share of the echo's rate.
const ECHO_SHARE_MIN: f64 = 0.7;

fn main() -> ExitCode {
    let run = tokio::runtime::Runtime::new().map_err(|error| error.to_string()).and_then(|runtime| {
        runtime.block_on(async {
            match Server::wanted() {
                Some(server) => server.run().await,
                None => run(&Options::parse()).await,
            }
        })
    });
    match run {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("load: {error}");
            ExitCode::FAILURE
        }
    }
}

/// What one turn came to.
#[derive(Debug)]
struct Turn {
    kind: Kind,
    how: Loop,
    sessions: usize,
    latencies: Vec<Duration>,
    took: Duration,
    /// Seconds of CPU of the server and of this side.
    server_cpu: f64,
    own_cpu: f64,
    server_peak_bytes: u64,
}

#[expect(clippy::cast_precision_loss, reason = "far fewer events and bytes than 2^53")]
impl Turn {
    fn rate(&self) -> f64 {
        self.latencies.len() as f64 / self.took.as_secs_f64()
    }

    fn cpu_microseconds(&self) -> f64 {
        self.server_cpu * 1e6 / self.latencies.len() as f64
    }

    fn latency(&self, per_mille: usize) -> f64 {
        let index = (self.latencies.len() * per_mille).div_ceil(1_000).saturating_sub(1);
        self.latencies.get(index).map_or(f64::NAN, |latency| latency.as_secs_f64() * 1e3)
    }

    fn row(&self) -> String {
        let how = match self.how {
            Loop::Closed => "closed".to_owned(),
            Loop::Open(rate) => format!("open, {:.0}/s", rate * self.sessions as f64),
        };
        let seconds = self.took.as_secs_f64();
        format!(
            "| {} | {how} | {} | {:.0} | {:.2} | {:.2} | {:.2} | {:.1} | {:.1} | {:.2} | {:.2} | {:.1} |",
            self.kind.name(),
            self.sessions,
            self.rate(),
            self.latency(500),
            self.latency(990),
            self.latency(999),
            self.latency(1_000),
            self.cpu_microseconds(),
            self.server_cpu / seconds,
            self.own_cpu / seconds,
            self.server_peak_bytes as f64 / f64::from(1 << 20),
        )
    }

    fn json(&self) -> Value {
        json!({
            "kind": self.kind.name(),
            "open_rate_per_session": match self.how { Loop::Closed => None, Loop::Open(rate) => Some(rate) },
            "sessions": self.sessions,
            "events": self.latencies.len(),
            "events_per_second": self.rate(),
            "latency_ms": { "p50": self.latency(500), "p99": self.latency(990), "p999": self.latency(999), "max": self.latency(1_000) },
            "server_cpu_us_per_event": self.cpu_microseconds(),
            "server_cores": self.server_cpu / self.took.as_secs_f64(),
            "client_cores": self.own_cpu / self.took.as_secs_f64(),
            "server_peak_bytes": self.server_peak_bytes,
        })
    }
}

async fn run(options: &Options) -> Result<(), String> {
    raise_descriptor_limit().map_err(|error| error.to_string())?;
    let mut turns = Vec::new();
    println!(
        "Latencies in milliseconds, CPU of the server in microseconds for each event, cores in use, MiB at most:\n"
    );
    println!(
        "| what | loop | pages | events/s | p50 | p99 | p999 | longest | CPU/event | server's cores | pages' cores | server's peak |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|---|---|");
    for &sessions in &options.sessions {
        let mut closed_rate = [f64::MAX; 3];
        for share in [None].into_iter().chain(options.shares.iter().copied().map(Some)) {
            for _ in 0..options.rounds {
                for (kind, closed_rate) in
                    [Kind::Echo, Kind::Frames, Kind::Native].into_iter().zip(&mut closed_rate)
                {
                    #[expect(clippy::cast_precision_loss, reason = "far fewer pages than 2^53")]
                    let rate = |share: f64| *closed_rate * share / sessions as f64;
                    let how = share.map_or(Loop::Closed, |share| Loop::Open(rate(share)));
                    let turn = turn(kind, how, sessions, options.seconds).await?;
                    println!("{}", turn.row());
                    if how == Loop::Closed {
                        *closed_rate = closed_rate.min(turn.rate());
                    }
                    turns.push(turn);
                }
            }
        }
    }
    if options.crowd > 0 {
        for kind in [Kind::Echo, Kind::Frames] {
            let turn = turn(kind, Loop::Open(1.0), options.crowd, options.seconds.max(10)).await?;
            println!("{}", turn.row());
            turns.push(turn);
        }
    }
    println!();
    conclude(options, &turns);
    let path = results::write("load", &turns.iter().map(Turn::json).collect())?;
    println!("\n{}", machine::describe());
    println!("Lightspeed {}, axum 0.8, {}.", env!("CARGO_PKG_VERSION"), machine::compiler());
    println!("Every figure: {}", path.display());
    Ok(())
}

/// The best of the turns: what else runs on the machine only ever makes one worse.
fn best(turns: &[Turn], kind: Kind, sessions: usize, of: impl Fn(&Turn) -> f64) -> f64 {
    let turns =
        turns.iter().filter(|turn| (turn.kind, turn.sessions, turn.how) == (kind, sessions, Loop::Closed));
    turns.map(of).fold(f64::NAN, f64::max)
}

fn conclude(options: &Options, turns: &[Turn]) {
    let told = |is_held: bool| if is_held { "held" } else { "missed" };
    for &sessions in &options.sessions {
        let rate = |kind| best(turns, kind, sessions, Turn::rate);
        let share = rate(Kind::Frames) / rate(Kind::Echo);
        println!(
            "{}: {sessions} pages, closed loop: {share:.2} of the echo's rate; {ECHO_SHARE_MIN} wanted. With the native client {:.2}.",
            told(share >= ECHO_SHARE_MIN),
            rate(Kind::Native) / rate(Kind::Echo),
        );
        let cpu = |kind| -best(turns, kind, sessions, |turn| -turn.cpu_microseconds());
        let ours = cpu(Kind::Frames);
        println!(
            "{}: {sessions} pages, closed loop: {ours:.1} us of the server's CPU for each event, the echo's {:.1}; {CPU_MICROSECONDS_MAX} wanted.",
            told(ours <= CPU_MICROSECONDS_MAX),
            cpu(Kind::Echo),
        );
    }
    let cores = std::thread::available_parallelism()
        .map_or(1.0, |cores| f64::from(u32::try_from(cores.get()).unwrap_or(1)));
    for turn in turns.iter().filter(|turn| turn.how == Loop::Open(1.0)) {
        let (server, own) =
            (turn.server_cpu / turn.took.as_secs_f64(), turn.own_cpu / turn.took.as_secs_f64());
        let free = (cores - server - own).max(0.0);
        #[expect(clippy::cast_precision_loss, reason = "far less memory than 2^53 bytes")]
        let memory = turn.server_peak_bytes as f64 / 1024.0 / turn.sessions as f64;
        let first =
            if free < cores / 10.0 { "the cores are what ends first" } else { "nothing is at its end" };
        println!(
            "{}, {} pages, each once a second: p99 {:.1} ms; the server takes {server:.2} of {cores} cores, the pages {own:.2}, \
             others leave or take {free:.2}; {memory:.1} kB of the server for each page: {first}.",
            turn.kind.name(),
            turn.sessions,
            turn.latency(990),
        );
    }
}

/// Opens pages of a server of their own and has them click.
async fn turn(kind: Kind, how: Loop, sessions: usize, seconds: u64) -> Result<Turn, String> {
    let server = if kind == Kind::Echo { Server::Echo } else { Server::Lightspeed };
    let server = server.start().await?;
    let pages = open(kind, &server, sessions).await?;
    // Buffers get their size, and the server's threads their turn.
    let pages = drive(pages, Loop::Open(4.0), Duration::from_millis(500)).await?.pages;
    let pid = server.pid().ok_or("the server has ended")?;
    let before = (cpu_seconds(&pid.to_string())?, cpu_seconds("self")?);
    let bar = crowd::progress("seconds", usize::try_from(seconds).unwrap_or(0));
    let ticking = {
        let bar = bar.clone();
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(Duration::from_secs(1)).await;
                bar.inc(1);
            }
        })
    };
    let outcome = drive(pages, how, Duration::from_secs(seconds)).await;
    ticking.abort();
    bar.finish_and_clear();
    let outcome = outcome.map_err(|error| format!("{}: {error}\n{}", kind.name(), server.log()))?;
    let after = (cpu_seconds(&pid.to_string())?, cpu_seconds("self")?);
    let server_peak_bytes = server.memory_peak_bytes().map_err(|error| error.to_string())?;
    Ok(Turn {
        kind,
        how,
        sessions,
        latencies: outcome.latencies,
        took: outcome.took,
        server_cpu: after.0 - before.0,
        own_cpu: after.1 - before.1,
        server_peak_bytes,
    })
}

async fn open(kind: Kind, server: &ServerProcess, sessions: usize) -> Result<Vec<Page>, String> {
    let bar = crowd::progress("connected", sessions);
    let opening = stream::iter(0..sessions).map(async |index| {
        let last = u8::try_from(2 + index % SOURCES).unwrap_or(2);
        let page = Page::open(kind, server.address(), IpAddr::V4(Ipv4Addr::new(127, 0, 0, last))).await;
        bar.inc(1);
        page
    });
    let opened: Vec<Result<Page, String>> = opening.buffer_unordered(OPENING_MAX).collect().await;
    bar.finish_and_clear();
    opened.into_iter().collect()
}

/// What a process has taken of the CPU, in user and kernel mode:
/// [`/proc/PID/stat`](https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html), fields 14 and 15.
fn cpu_seconds(pid: &str) -> Result<f64, String> {
    let path = format!("/proc/{pid}/stat");
    let text = std::fs::read_to_string(&path).map_err(|error| format!("{path}: {error}"))?;
    // The program's name, in parentheses, may hold anything.
    let fields: Vec<&str> = text.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |index: usize| fields.get(index).and_then(|field| field.parse::<f64>().ok());
    let (Some(user), Some(kernel)) = (ticks(11), ticks(12)) else {
        return Err(format!("{path} tells no times"));
    };
    #[expect(clippy::cast_precision_loss, reason = "a hundred or so")]
    let per_second = rustix::param::clock_ticks_per_second() as f64;
    Ok((user + kernel) / per_second)
}
