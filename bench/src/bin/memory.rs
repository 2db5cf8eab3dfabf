//! What a session takes in the server's memory.
//!
//! `cargo run --release -p lightspeed-bench --bin memory` starts a process that serves a counter and a table, has
//! another one visit it, and prints what the first one holds more for each session: when all are
//! connected, when each has clicked, and when they have been idle for a while. Parts are measured by
//! themselves: sessions without sockets, sockets without sessions, streams without a server. Without
//! arguments it takes some minutes; it fails when a session takes more than its budget.

use std::io;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};
use lightspeed_bench::memory::dioxus::Dioxus;
use lightspeed_bench::memory::visiting::{BARE, Peers, open, slot_of};
use lightspeed_bench::memory::worker::Worker;
use lightspeed_bench::memory::{Each, Held, serving};
use lightspeed_bench::peers::DIOXUS_VERSION;
use lightspeed_bench::{crowd, machine, peers, results};
use lightspeed_testing::native::process::raise_descriptor_limit;
use serde::Serialize;
use tokio::io::{AsyncBufReadExt as _, BufReader, stdin};
use tokio::time::sleep_until;

/// Counts what the system's allocator is asked for; the processes that are measured run in this program too.
#[cfg(not(feature = "jemalloc"))]
#[global_allocator]
static ALLOCATOR: &stats_alloc::StatsAlloc<std::alloc::System> = &stats_alloc::INSTRUMENTED_SYSTEM;

#[cfg(feature = "jemalloc")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// What a session takes in the server's memory.
#[derive(Debug, Parser)]
struct Options {
    /// Only the measurements whose names contain this, or one of several with `|` between.
    #[arg(long, default_value = "")]
    only: String,
    /// How long sessions are idle before they are measured as such, in seconds.
    #[arg(long, default_value_t = IDLE_SECONDS)]
    idle: u64,
    /// Leaves Dioxus out, which takes minutes to build.
    #[arg(long)]
    no_dioxus: bool,
    #[command(subcommand)]
    role: Option<Role>,
}

/// What a process of the measurement is; it starts them itself.
#[derive(Debug, Clone, Subcommand)]
enum Role {
    /// The process that is measured.
    #[command(hide = true)]
    Serve,
    /// The process at the other end of real sockets.
    #[command(hide = true)]
    Visit {
        /// Where the server is.
        server: std::net::SocketAddr,
        /// The path of the page.
        page: String,
    },
}

/// What there are many of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Subject {
    /// Sockets over loopback, at this path.
    Tcp(&'static str),
    /// Sessions over streams in memory.
    Memory,
    /// Sessions that no socket has joined.
    Unattached,
    /// Streams in memory, without a server.
    Streams,
    /// Sockets over loopback to Dioxus's liveview, at this path.
    Dioxus(&'static str),
}

struct Measurement {
    name: &'static str,
    subject: Subject,
    count: usize,
    /// After the event and when idle, in kB of resident memory.
    budget: (Option<f64>, Option<f64>),
}

/// The name of what comes out of it.
const RESULTS: &str = if cfg!(feature = "jemalloc") { "memory-jemalloc" } else { "memory" };

/// How long sessions are idle: they hibernate after 10 seconds, and jemalloc gives pages back some 10 later.
const IDLE_SECONDS: u64 = if cfg!(feature = "jemalloc") { 30 } else { 14 };

/// The same with every allocator: the system's keeps what is let go of for the next session, and so misses the second.
const ROWS_BUDGET: (Option<f64>, Option<f64>) = (Some(300.0), Some(120.0));

const MEASUREMENTS: [Measurement; 11] = [
    Measurement {
        name: "socket without a session, TCP",
        subject: Subject::Tcp(BARE),
        count: 1_000,
        budget: (None, None),
    },
    Measurement {
        name: "counter without a socket",
        subject: Subject::Unattached,
        count: 10_000,
        budget: (None, None),
    },
    Measurement {
        name: "counter, TCP",
        subject: Subject::Tcp("/counter"),
        count: 1_000,
        budget: (None, Some(14.0)),
    },
    Measurement {
        name: "counter, TCP",
        subject: Subject::Tcp("/counter"),
        count: 15_000,
        budget: (None, Some(14.0)),
    },
    Measurement { name: "1,000 rows, TCP", subject: Subject::Tcp("/rows"), count: 200, budget: ROWS_BUDGET },
    Measurement {
        name: "1,000 rows, TCP",
        subject: Subject::Tcp("/rows"),
        count: 1_000,
        budget: ROWS_BUDGET,
    },
    Measurement {
        name: "stream in memory, both ends",
        subject: Subject::Streams,
        count: 50_000,
        budget: (None, None),
    },
    Measurement { name: "counter, in memory", subject: Subject::Memory, count: 50_000, budget: (None, None) },
    Measurement {
        name: "counter, in memory",
        subject: Subject::Memory,
        count: 200_000,
        budget: (None, None),
    },
    Measurement {
        name: "counter, Dioxus",
        subject: Subject::Dioxus("/counter"),
        count: 1_000,
        budget: (None, None),
    },
    Measurement {
        name: "1,000 rows, Dioxus",
        subject: Subject::Dioxus("/rows"),
        count: 200,
        budget: (None, None),
    },
];

/// Sessions that are there before anything is counted: what is made once is made for them.
const WARM_UP: usize = 32;

/// What a measurement came to.
#[derive(Debug, Serialize)]
struct Figures {
    name: &'static str,
    count: usize,
    connected: Each,
    after_event: Option<Each>,
    idle: Option<Each>,
    budget_after_event: Option<f64>,
    budget_idle: Option<f64>,
    is_within: bool,
}

fn main() -> ExitCode {
    let options = Options::parse();
    match run(&options) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => {
            eprintln!("memory: over budget");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("memory: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> io::Result<bool> {
    raise_descriptor_limit()?;
    let runtime = tokio::runtime::Runtime::new()?;
    match &options.role {
        None => runtime.block_on(measure_all(options)),
        Some(Role::Serve) => runtime.block_on(serving::serve(allocated)).map(|()| true),
        Some(Role::Visit { server, page }) => runtime.block_on(visit(*server, page)).map(|()| true),
    }
}

/// Bytes and pieces that are allocated.
#[cfg(feature = "jemalloc")]
fn allocated() -> (u64, u64) {
    // Jemalloc isn't asked.
    (0, 0)
}

/// Bytes and pieces that are allocated.
#[cfg(not(feature = "jemalloc"))]
fn allocated() -> (u64, u64) {
    let stats = ALLOCATOR.stats();
    let bytes = stats.bytes_allocated.saturating_sub(stats.bytes_deallocated);
    (bytes as u64, stats.allocations.saturating_sub(stats.deallocations) as u64)
}

/// Visits a page as often as it is told by `open COUNT`; each clicks when it is told by `click`.
async fn visit(server: std::net::SocketAddr, page: &str) -> io::Result<()> {
    let mut peers = Peers::new(page != BARE);
    let mut orders = BufReader::new(stdin()).lines();
    loop {
        let order = tokio::select! {
            order = orders.next_line() => order?,
            () = sleep_until(peers.next_beat()) => {
                peers.beat_if_due().await?;
                continue;
            }
        };
        let Some(order) = order else { return Ok(()) };
        match order.split_once(' ') {
            Some(("open", count)) => {
                let count = count.parse().map_err(io::Error::other)?;
                peers.open(count, async |index| open(server, page, index).await).await?;
            }
            _ => peers.click(slot_of(page)).await?,
        }
        println!("done");
    }
}

async fn measure_all(options: &Options) -> io::Result<bool> {
    let mut results: Vec<Figures> = Vec::new();
    println!(
        "| what | count | connected: resident | allocated | pieces | after a click: resident | allocated | pieces | \
         idle: resident | allocated | pieces | budgets: after a click / idle |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|---|---|");
    let is_wanted = |it: &&Measurement| {
        options.only.split('|').any(|part| it.name.contains(part))
            && !(options.no_dioxus && matches!(it.subject, Subject::Dioxus(_)))
    };
    for measurement in MEASUREMENTS.iter().filter(is_wanted) {
        let idle = Duration::from_secs(options.idle);
        let result = match measurement.subject {
            Subject::Dioxus(page) => measure_dioxus(measurement, page, idle).await?,
            _ => measure(measurement, idle).await?,
        };
        let of = |budget: Option<f64>| budget.map_or("-".to_owned(), |budget| budget.to_string());
        let budget = format!("{} / {}", of(measurement.budget.0), of(measurement.budget.1));
        println!(
            "| {} | {} | {} | {} | {} | {budget} |",
            result.name,
            result.count,
            told(Some(result.connected)),
            told(result.after_event),
            told(result.idle),
        );
        results.push(result);
    }
    println!(
        "\nkB (1,000 bytes) for each, in the serving process; the resident set beside what its allocator is asked for."
    );
    let allocator = if cfg!(feature = "jemalloc") {
        "jemalloc, with its thread that gives pages back"
    } else {
        "the system's, as a Rust program has it"
    };
    println!("The allocator is {allocator}; nothing is trimmed by hand.");
    println!("{}", machine::describe());
    let is_ahead = conclude(&results);
    let path = results::write(RESULTS, &serde_json::to_value(&results)?).map_err(io::Error::other)?;
    println!("Every figure: {}", path.display());
    Ok(is_ahead && results.iter().all(|result| result.is_within))
}

/// Sessions of Dioxus take so many times as much.
const DIOXUS_RATIO_MIN: f64 = 10.0;

/// The figures beside Dioxus's, of as many sessions; whether all that were measured are as is wanted.
fn conclude(results: &[Figures]) -> bool {
    let idle = |name: &str, count| {
        let of = results.iter().find(|result| result.name == name && result.count == count)?;
        Some(of.idle?.resident)
    };
    let mut is_ahead = true;
    for theirs in results {
        let Some(page) = theirs.name.strip_suffix(", Dioxus") else { continue };
        let count = theirs.count;
        let Some(ratio) = idle(theirs.name, count)
            .zip(idle(&format!("{page}, TCP"), count))
            .map(|(theirs, ours)| theirs / ours)
        else {
            continue;
        };
        let is_held = ratio >= DIOXUS_RATIO_MIN;
        is_ahead &= is_held;
        let word = if is_held { "held" } else { "missed" };
        println!(
            "{word}: {page}, idle, {count} of each: Dioxus {DIOXUS_VERSION} takes {ratio:.1} times as much; {DIOXUS_RATIO_MIN} wanted."
        );
    }
    is_ahead
}

/// The same of Dioxus's pages; only what the system has given its process is known.
async fn measure_dioxus(measurement: &Measurement, page: &str, idle: Duration) -> io::Result<Figures> {
    let &Measurement { name, count, .. } = measurement;
    // With the allocator that ours has.
    let features: &[&str] = if cfg!(feature = "jemalloc") { &["jemalloc"] } else { &[] };
    let program = peers::build("dioxus", "dioxus-peer", features).map_err(io::Error::other)?;
    let mut dioxus = Dioxus::start(&program).await?;
    let makes_rows = page == "/rows";
    dioxus.open(page, WARM_UP).await?;
    if makes_rows {
        dioxus.make_rows().await?;
    }
    let before = dioxus.held()?;
    let bar = crowd::progress(name, count);
    let step = (count / 50).max(1);
    for done in (0..count).step_by(step) {
        let next = step.min(count - done);
        dioxus.open(page, next).await?;
        bar.inc(next as u64);
    }
    bar.finish_and_clear();
    tokio::time::sleep(Duration::from_millis(500)).await;
    let connected = dioxus.held()?.each(before, count);
    let mut after_event = None;
    if makes_rows {
        // Those of before have their rows and make them again.
        dioxus.make_rows().await?;
        tokio::time::sleep(Duration::from_millis(500)).await;
        after_event = Some(dioxus.held()?.each(before, count));
    }
    tokio::time::sleep(idle).await;
    let at_rest = Some(dioxus.held()?.each(before, count));
    Ok(Figures {
        name,
        count,
        connected,
        after_event,
        idle: at_rest,
        budget_after_event: None,
        budget_idle: None,
        is_within: true,
    })
}

fn told(each: Option<Each>) -> String {
    let Some(Each { resident, allocated, pieces }) = each else { return "- | - | -".to_owned() };
    if pieces == 0.0 {
        // Another program's allocator, or one that isn't asked.
        return format!("{:.2} | - | -", resident / 1e3);
    }
    format!("{:.2} | {:.2} | {pieces:.1}", resident / 1e3, allocated / 1e3)
}

async fn measure(measurement: &Measurement, idle: Duration) -> io::Result<Figures> {
    let &Measurement { name, subject, count, budget } = measurement;
    let mut server = Worker::start(&["serve"])?;
    let address = server.answer().await?;
    let mut visitors = match subject {
        Subject::Tcp(page) => Some(Worker::start(&["visit", &address, page])?),
        _ => None,
    };
    let verb = match subject {
        Subject::Tcp(_) | Subject::Memory => "open",
        Subject::Unattached => "mount",
        Subject::Streams | Subject::Dioxus(_) => "streams",
    };
    let can_click = !matches!(subject, Subject::Unattached | Subject::Streams | Subject::Tcp(BARE));
    visitors.as_mut().unwrap_or(&mut server).ask(&format!("{verb} {WARM_UP}")).await?;
    if can_click {
        visitors.as_mut().unwrap_or(&mut server).ask("click").await?;
        // They don't change any more while the others are measured.
        tokio::time::sleep(idle).await;
    }
    let before = held(&mut server).await?;
    let bar = crowd::progress(name, count);
    let step = (count / 50).max(1);
    for done in (0..count).step_by(step) {
        let next = step.min(count - done);
        visitors.as_mut().unwrap_or(&mut server).ask(&format!("{verb} {next}")).await?;
        bar.inc(next as u64);
    }
    bar.finish_and_clear();
    tokio::time::sleep(Duration::from_millis(500)).await;
    let connected = held(&mut server).await?.each(before, count);
    let mut after_event = None;
    if can_click {
        visitors.as_mut().unwrap_or(&mut server).ask("click").await?;
        tokio::time::sleep(Duration::from_millis(500)).await;
        after_event = Some(held(&mut server).await?.each(before, count));
    }
    let mut at_rest = None;
    if subject != Subject::Streams {
        tokio::time::sleep(idle).await;
        at_rest = Some(held(&mut server).await?.each(before, count));
    }
    let (budget_after_event, budget_idle) = budget;
    let is_below = |each: Option<Each>, budget: Option<f64>| {
        each.zip(budget).is_none_or(|(each, budget)| each.resident <= budget * 1e3)
    };
    let is_within = is_below(after_event, budget_after_event) && is_below(at_rest, budget_idle);
    Ok(Figures {
        name,
        count,
        connected,
        after_event,
        idle: at_rest,
        budget_after_event,
        budget_idle,
        is_within,
    })
}

async fn held(server: &mut Worker) -> io::Result<Held> {
    let answer = server.ask("held").await?;
    let numbers: Option<Vec<u64>> = answer.split(' ').map(|number| number.parse().ok()).collect();
    match numbers.as_deref() {
        Some([resident, allocated, pieces]) => {
            Ok(Held { resident: *resident, allocated: *allocated, pieces: *pieces })
        }
        _ => Err(io::Error::other(answer)),
    }
}
