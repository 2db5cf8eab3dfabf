//! Strangers hold what they can: what do the visitors notice, and what is left?
//!
//! `make bench-siege` serves the counter and the table of rows from a process of its own; has visitors click
//! at a steady rate, in turns without and with strangers who, from one address and from many, open sockets
//! and say nothing, ask for pages and read nothing, create 10,000 rows and acknowledge nothing, drip, and
//! come back at once; and prints how long the clicks take, what was refused, and the server's memory and
//! descriptors. It fails when the 99th of a hundred clicks takes more than three times as long as in the
//! turns without, when a visitor loses its session or a click, when memory passes its bound, or when
//! something that the strangers opened is left when they are gone.

use std::io::{BufRead as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use clap::Parser;
use lightspeed::{Config, Runtime, Server};
use lightspeed_bench::joined::Operation;
use lightspeed_bench::memory::worker::Worker;
use lightspeed_bench::siege::{Counts, Kind, Stranger};
use lightspeed_bench::{crowd, machine};
use lightspeed_examples::counter::Counter;
use lightspeed_examples::rows::Rows;
use lightspeed_interpreter::LinkState;
use lightspeed_testing::native::process::raise_descriptor_limit;
use lightspeed_testing::native::{Shown, Visitor};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

/// Strangers hold what they can: what do the visitors notice, and what is left?
#[derive(Debug, Clone, Parser)]
struct Options {
    /// How many visitors click and are measured.
    #[arg(long, default_value_t = 50)]
    visitors: usize,
    /// How often each of them clicks in a second.
    #[arg(long, default_value_t = 10)]
    rate: u32,
    /// How many strangers open sockets and say nothing; others are a share of it.
    #[arg(long, default_value_t = 400)]
    size: usize,
    /// How often the turn without strangers and the one with them are taken.
    #[arg(long, default_value_t = 2)]
    rounds: usize,
    /// How many seconds a turn takes.
    #[arg(long, default_value_t = 8)]
    seconds: u64,
    /// Only these kinds of strangers, to find out which of them is noticed.
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = Kind::ALL)]
    only: Vec<Kind>,
    /// What the server may take, in MiB.
    #[arg(long, default_value_t = 512)]
    memory_max: u64,
    /// Serves, and tells what there is for each line that it is given.
    #[arg(long, hide = true)]
    serve: bool,
}

/// How much longer the 99th of a hundred clicks may take.
const RATIO_MAX: f64 = 3.0;

/// How long an answer may take; a click that takes longer counts as lost.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// How long a session of a stranger waits, so that the end is seen within a run.
const UNATTACHED_TTL: Duration = Duration::from_secs(5);
const PARKED_TTL: Duration = Duration::from_secs(5);

/// How long what strangers have left may take to be gone: the time that sessions wait, and that of a hello.
const GONE_WITHIN: Duration = Duration::from_secs(25);

/// Before a turn is measured: the first clicks of all are slower, and strangers have to come.
const MARGIN: Duration = Duration::from_secs(1);

fn main() -> ExitCode {
    let options = Options::parse();
    let outcome = if options.serve { serve().map(|()| true) } else { run(&options) };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("siege: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The server: ends when whoever has started it does.
fn serve() -> Result<(), String> {
    let told = |error: std::io::Error| error.to_string();
    let executor = tokio::runtime::Runtime::new().map_err(told)?;
    let listener = executor.block_on(TcpListener::bind("127.0.0.1:0")).map_err(told)?;
    let addr = listener.local_addr().map_err(told)?;
    let config = Config::default().with_unattached_ttl(UNATTACHED_TTL).with_parked_ttl(PARKED_TTL);
    let runtime = Runtime::new(config);
    let router = lightspeed::router().runtime(&runtime).live::<Counter>("/counter").live::<Rows>("/rows");
    executor.spawn(Server::new(listener, router).with_shutdown(std::future::pending()).run());
    println!("{addr} {}", std::process::id());
    for line in std::io::stdin().lock().lines() {
        line.map_err(told)?;
        println!("{}", runtime.stats().sessions);
        std::io::stdout().flush().map_err(told)?;
    }
    executor.shutdown_background();
    Ok(())
}

/// What a process has.
#[derive(Debug, Clone, Copy, Default)]
struct Holdings {
    sessions: usize,
    descriptors: usize,
    memory_kib: u64,
}

/// The server's process.
struct Served {
    worker: Worker,
    addr: SocketAddr,
    pid: u32,
}

impl Served {
    async fn start() -> Result<Self, String> {
        let mut worker = Worker::start(&["--serve"]).map_err(|error| error.to_string())?;
        let line = worker.answer().await.map_err(|error| error.to_string())?;
        let parsed =
            line.split_once(' ').and_then(|(addr, pid)| Some((addr.parse().ok()?, pid.parse().ok()?)));
        let (addr, pid) = parsed.ok_or_else(|| format!("the server says {line:?}"))?;
        Ok(Self { worker, addr, pid })
    }

    async fn holdings(&mut self) -> Result<Holdings, String> {
        let answer = self.worker.ask("stats").await.map_err(|error| error.to_string())?;
        let descriptors = std::fs::read_dir(format!("/proc/{}/fd", self.pid));
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid)).unwrap_or_default();
        let memory = status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.split_whitespace().next());
        Ok(Holdings {
            sessions: answer.parse().map_err(|_| format!("the server says {answer:?}"))?,
            descriptors: descriptors.map_err(|error| error.to_string())?.count(),
            memory_kib: memory.and_then(|kib| kib.parse().ok()).unwrap_or(0),
        })
    }
}

/// One kind of turn, all rounds together.
#[derive(Debug, Default)]
struct Turns {
    /// The shortest first.
    latencies: Vec<Duration>,
    most: Holdings,
}

impl Turns {
    /// The time that so many of a thousand clicks don't exceed.
    fn share(&self, per_mille: usize) -> Duration {
        let index = (self.latencies.len() * per_mille).div_ceil(1_000).saturating_sub(1);
        self.latencies.get(index).copied().unwrap_or_default()
    }

    fn note(&mut self, holdings: Holdings) {
        let Holdings { sessions, descriptors, memory_kib } = &mut self.most;
        *sessions = holdings.sessions.max(*sessions);
        *descriptors = holdings.descriptors.max(*descriptors);
        *memory_kib = holdings.memory_kib.max(*memory_kib);
    }

    fn print(&self, name: &str) {
        let milliseconds = |time: Duration| format!("{:.2} ms", time.as_secs_f64() * 1_000.0);
        println!(
            "| {name} | {} | {} | {} | {} | {} | {} | {} MiB |",
            self.latencies.len(),
            milliseconds(self.share(500)),
            milliseconds(self.share(990)),
            milliseconds(self.share(1_000)),
            self.most.sessions,
            self.most.descriptors,
            self.most.memory_kib / 1024,
        );
    }
}

fn run(options: &Options) -> Result<bool, String> {
    raise_descriptor_limit().map_err(|error| error.to_string())?;
    // Runtimes of their own: visitors don't queue behind strangers.
    let told = |error: std::io::Error| error.to_string();
    let (visiting, sieging) =
        (tokio::runtime::Runtime::new().map_err(told)?, tokio::runtime::Runtime::new().map_err(told)?);
    let outcome = visiting.block_on(measure(options, sieging.handle()));
    sieging.shutdown_background();
    outcome
}

async fn measure(options: &Options, sieging: &tokio::runtime::Handle) -> Result<bool, String> {
    let mut server = Served::start().await?;
    let url = format!("http://{}/counter", server.addr);
    let mut visitors = crowd::gather(&url, options.visitors).await?;
    let counts = Arc::new(Counts::default());
    let (mut calm, mut besieged) = (Turns::default(), Turns::default());
    turn(options, &mut server, &mut visitors, &mut Turns::default(), MARGIN).await?;
    let before = server.holdings().await?;
    for _ in 0..options.rounds {
        let time = Duration::from_secs(options.seconds);
        turn(options, &mut server, &mut visitors, &mut calm, time).await?;
        let stop = watch::Sender::new(false);
        let strangers = strangers(options, server.addr, &counts);
        let running: Vec<_> = strangers
            .into_iter()
            .map(|(kind, stranger)| sieging.spawn(stranger.run(kind, stop.subscribe())))
            .collect();
        sleep(MARGIN).await;
        turn(options, &mut server, &mut visitors, &mut besieged, time).await?;
        stop.send_replace(true);
        for stranger in running {
            stranger.await.map_err(|error| error.to_string())?;
        }
    }
    let after = settled(&mut server, before).await?;
    println!("| turns | clicks | p50 | p99 | max | sessions | descriptors | memory |");
    println!("|---|---|---|---|---|---|---|---|");
    calm.print("without strangers");
    besieged.print("with");
    let count = |count: &std::sync::atomic::AtomicU64| count.load(Ordering::Relaxed);
    println!(
        "\nStrangers opened {} connections; {} were refused and {} cut.",
        count(&counts.opened),
        count(&counts.refused),
        count(&counts.cut)
    );
    println!(
        "Before them the server had {} sessions and {} descriptors, after them {} and {}, and {} MiB.",
        before.sessions,
        before.descriptors,
        after.sessions,
        after.descriptors,
        after.memory_kib / 1024
    );
    println!("{}", machine::describe());
    Ok(is_well(options, &calm, &besieged, before, after) & are_unharmed(&visitors))
}

/// Half of each kind from one address, half from as many as there are strangers.
fn strangers(options: &Options, addr: SocketAddr, counts: &Arc<Counts>) -> Vec<(Kind, Stranger)> {
    let lots = Operation::Create.place(10_000);
    let mut strangers = Vec::new();
    for &kind in &options.only {
        for index in 0..kind.count(options.size) {
            let [.., high, low] = u32::try_from(strangers.len()).unwrap_or(0).to_be_bytes();
            let source = if index % 2 == 0 {
                Ipv4Addr::new(127, 1, 0, 1)
            } else {
                Ipv4Addr::new(127, 2, high, low.max(1))
            };
            strangers.push((kind, Stranger { addr, source, lots, counts: Arc::clone(counts) }));
        }
    }
    strangers
}

/// Whether the bounds hold, each that doesn't on a line of its own.
fn is_well(options: &Options, calm: &Turns, besieged: &Turns, before: Holdings, after: Holdings) -> bool {
    let (without, with) = (calm.share(990).as_secs_f64(), besieged.share(990).as_secs_f64());
    let mut missed = Vec::new();
    if with > RATIO_MAX * without {
        missed
            .push(format!("p99 is {:.1} times that without strangers, {RATIO_MAX} allowed", with / without));
    }
    if besieged.most.memory_kib / 1024 > options.memory_max {
        missed.push(format!("{} MiB, {} allowed", besieged.most.memory_kib / 1024, options.memory_max));
    }
    if after.sessions > before.sessions || after.descriptors > before.descriptors {
        missed.push("something that strangers opened is left".to_owned());
    }
    for line in &missed {
        println!("missed: {line}");
    }
    missed.is_empty()
}

/// Whether each visitor has its first session still, and every click was taken.
fn are_unharmed(visitors: &[Visitor]) -> bool {
    let is_well = |visitor: &&Visitor| {
        let is_connected = visitor.state() == LinkState::Connected;
        let is_first = visitor.look(Shown::connected_count) == 1;
        is_connected && is_first && visitor.refused().is_empty() && visitor.unsettled_count() == 0
    };
    let well = visitors.iter().filter(is_well).count();
    println!("{well} of {} visitors kept their session and every click.", visitors.len());
    well == visitors.len()
}

/// What the server has when the strangers are gone.
async fn settled(server: &mut Served, before: Holdings) -> Result<Holdings, String> {
    let until = Instant::now() + GONE_WITHIN;
    loop {
        let now = server.holdings().await?;
        let is_gone = now.sessions <= before.sessions && now.descriptors <= before.descriptors;
        if is_gone || Instant::now() > until {
            return Ok(now);
        }
        sleep(Duration::from_millis(200)).await;
    }
}

/// Has everybody click for a while.
async fn turn(
    options: &Options,
    server: &mut Served,
    visitors: &mut Vec<Visitor>,
    turns: &mut Turns,
    time: Duration,
) -> Result<(), String> {
    let stop = watch::Sender::new(false);
    let clicking: Vec<_> = visitors
        .drain(..)
        .map(|visitor| {
            tokio::spawn(crowd::click_steadily(visitor, options.rate, ANSWER_WITHIN, stop.subscribe()))
        })
        .collect();
    let until = Instant::now() + time;
    while Instant::now() < until {
        sleep(Duration::from_millis(250)).await;
        turns.note(server.holdings().await?);
    }
    stop.send_replace(true);
    for clicks in clicking {
        let (visitor, latencies) = clicks.await.map_err(|error| error.to_string())??;
        visitors.push(visitor);
        turns.latencies.extend(latencies);
    }
    turns.latencies.sort_unstable();
    Ok(())
}
