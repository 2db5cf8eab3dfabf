//! Some sessions panic all the time: what do the others notice?
//!
//! `cargo run --release -p lightspeed-bench --bin bystanders -- --bystanders 50 --panickers 10` serves a counter and a
//! component that panics at each click, from threads of their own and over loopback; has visitors of
//! the counter click at a steady rate; and prints how long their clicks take until they are
//! acknowledged, in turns without and with visitors who make the other component panic. It
//! fails when a bystander loses its session or a click.

use std::net::SocketAddr;
use std::panic;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use clap::Parser;
use lightspeed::store::MemoryStore;
use lightspeed::{Config, Context, Html, Live, MountError, Policy, Runtime, Server, Snapshot, html};
use lightspeed_bench::{crowd, machine};
use lightspeed_examples::counter::Counter;
use lightspeed_interpreter::LinkState;
use lightspeed_testing::native::process::raise_descriptor_limit;
use lightspeed_testing::native::{Shown, Visitor, VisitorConfig};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};

/// Some sessions panic all the time: what do the others notice?
#[derive(Debug, Clone, Parser)]
struct Options {
    /// How many visitors click and are measured.
    #[arg(long, default_value_t = 50)]
    bystanders: usize,
    /// How often each of them clicks in a second.
    #[arg(long, default_value_t = 10)]
    rate: u32,
    /// How many visitors make their sessions panic.
    #[arg(long, default_value_t = 10)]
    panickers: usize,
    /// How often each of those clicks in a second.
    #[arg(long, default_value_t = 20)]
    panic_rate: u32,
    /// How often the turn without panickers and the one with them are taken.
    #[arg(long, default_value_t = 4)]
    rounds: usize,
    /// How many seconds a turn takes.
    #[arg(long, default_value_t = 5)]
    seconds: u64,
}

/// How long an answer may take; a click that takes longer counts as lost.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// Between turns: what the one before has begun comes to its end.
const MARGIN: Duration = Duration::from_millis(500);

/// Clicks after which a panicker's session has ended for good, and it opens another page.
const CLICKS_PER_PAGE: usize = 3;

static PANICS: AtomicU64 = AtomicU64::new(0);

fn main() -> ExitCode {
    let options = Options::parse();
    // A message for each would measure whatever reads them.
    panic::set_hook(Box::new(|info| {
        if info.payload().downcast_ref::<&str>() == Some(&BROKEN) {
            PANICS.fetch_add(1, Ordering::Relaxed);
        } else {
            eprintln!("bystanders: {info}");
        }
    }));
    match run(&options) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("bystanders: {error}");
            ExitCode::FAILURE
        }
    }
}

/// What a [`Brittle`] says when it panics.
const BROKEN: &str = "broken on purpose";

/// Panics at each click, and is stored, so that its session is restarted before it ends.
struct Brittle;

impl Live for Brittle {
    type Msg = ();
    type Params = ();
    const POLICY: Policy<Self> = Policy::durable();

    async fn mount((): (), _: &mut Context<Self::Msg>) -> Result<Self, MountError> {
        Ok(Self)
    }

    fn update(&mut self, (): (), _: &mut Context<Self::Msg>) {
        panic::panic_any(BROKEN);
    }

    fn render(&self) -> Html<()> {
        html! { button #boom onclick=(()) { "boom" } }
    }
}

impl Snapshot for Brittle {
    type State = ();
    const NAME: &'static str = "brittle";

    fn save(&self) {}

    fn load(&mut self, (): ()) {}
}

fn run(options: &Options) -> Result<bool, String> {
    raise_descriptor_limit().map_err(|error| error.to_string())?;
    let told = |error: std::io::Error| error.to_string();
    // A runtime of its own: visitors don't queue for the server's threads.
    let serving = tokio::runtime::Runtime::new().map_err(told)?;
    let listener = serving.block_on(TcpListener::bind("127.0.0.1:0")).map_err(told)?;
    let addr = listener.local_addr().map_err(told)?;
    let sessions = options.bystanders + 100 * options.panickers;
    let config = Config::default().with_store(MemoryStore::default()).with_sessions_per_ip_max(sessions);
    let runtime = Runtime::new(config);
    let router =
        lightspeed::router().runtime(&runtime).live::<Counter>("/counter").live::<Brittle>("/brittle");
    let server = serving.spawn(Server::new(listener, router).with_shutdown(std::future::pending()).run());
    let visiting = tokio::runtime::Runtime::new().map_err(told)?;
    let outcome = visiting.block_on(measure(options, addr));
    server.abort();
    serving.shutdown_background();
    outcome
}

/// One turn.
#[derive(Debug, Default)]
struct Turn {
    /// The shortest first.
    latencies: Vec<Duration>,
    panics: u64,
    seconds: f64,
}

impl Turn {
    fn add(&mut self, other: &Self) {
        self.latencies.extend(&other.latencies);
        self.latencies.sort_unstable();
        self.panics += other.panics;
        self.seconds += other.seconds;
    }

    /// The time that so many of a thousand clicks don't exceed.
    fn share(&self, per_mille: usize) -> Duration {
        let index = (self.latencies.len() * per_mille).div_ceil(1_000).saturating_sub(1);
        self.latencies.get(index).copied().unwrap_or_default()
    }

    fn print(&self, name: &str, panickers: usize) {
        let per_second = |count: f64| count / self.seconds.max(f64::EPSILON);
        #[expect(clippy::cast_precision_loss, reason = "far fewer than 2^53")]
        let (clicks, panics) = (self.latencies.len() as f64, self.panics as f64);
        println!(
            "| {name} | {panickers} | {} | {:.0} | {:.0} | {} | {} | {} |",
            self.latencies.len(),
            per_second(clicks),
            per_second(panics),
            milliseconds(self.share(500)),
            milliseconds(self.share(990)),
            milliseconds(self.share(1_000)),
        );
    }
}

fn milliseconds(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1_000.0)
}

/// Whether nobody but the panickers has noticed anything but time.
async fn measure(options: &Options, addr: SocketAddr) -> Result<bool, String> {
    let bystanders = crowd::gather(&format!("http://{addr}/counter"), options.bystanders).await?;
    // The first clicks of all are slower, and nobody's matter here.
    let (bystanders, _) = turn(options, addr, bystanders, 0, MARGIN).await?;
    let mut bystanders = bystanders;
    println!("| turn | panickers | clicks | clicks/s | panics/s | p50 | p99 | max |");
    println!("|---|---|---|---|---|---|---|---|");
    let (mut calm, mut panicking) = (Turn::default(), Turn::default());
    for round in 1..=options.rounds {
        for (panickers, all) in [(0, &mut calm), (options.panickers, &mut panicking)] {
            let time = Duration::from_secs(options.seconds);
            let taken;
            (bystanders, taken) = turn(options, addr, bystanders, panickers, time).await?;
            taken.print(&round.to_string(), panickers);
            all.add(&taken);
        }
    }
    calm.print("all", 0);
    panicking.print("all", options.panickers);
    println!("\n{}", machine::describe());
    println!("A click counts from the moment it was due until its acknowledgement is read.");
    let is_well = |visitor: &&Visitor| {
        let is_connected = visitor.state() == LinkState::Connected;
        let is_first = visitor.look(Shown::connected_count) == 1;
        is_connected && is_first && visitor.refused().is_empty() && visitor.unsettled_count() == 0
    };
    let well = bystanders.iter().filter(is_well).count();
    let shown: usize = bystanders.iter().map(|visitor| count_of(visitor).unwrap_or(0)).sum();
    println!("{well} of {} bystanders kept their session; they show {shown} clicks.", bystanders.len());
    if panicking.panics == 0 && options.panickers > 0 {
        return Err("nothing has panicked".to_owned());
    }
    Ok(well == bystanders.len())
}

fn count_of(visitor: &Visitor) -> Option<usize> {
    visitor.text_of("count")?.parse().ok()
}

/// Has everybody click for a while.
async fn turn(
    options: &Options,
    addr: SocketAddr,
    bystanders: Vec<Visitor>,
    panickers: usize,
    time: Duration,
) -> Result<(Vec<Visitor>, Turn), String> {
    let stop = watch::Sender::new(false);
    let panicking: Vec<_> =
        (0..panickers).map(|_| tokio::spawn(panic_on(addr, options.panic_rate, stop.subscribe()))).collect();
    let (began, panics_before) = (Instant::now(), PANICS.load(Ordering::Relaxed));
    let clicking: Vec<_> = bystanders
        .into_iter()
        .map(|visitor| {
            tokio::spawn(crowd::click_steadily(visitor, options.rate, ANSWER_WITHIN, stop.subscribe()))
        })
        .collect();
    sleep(time).await;
    stop.send_replace(true);
    let mut turn = Turn { seconds: began.elapsed().as_secs_f64(), ..Turn::default() };
    let mut bystanders = Vec::with_capacity(clicking.len());
    for clicks in clicking {
        let (visitor, latencies) = clicks.await.map_err(|error| error.to_string())??;
        bystanders.push(visitor);
        turn.latencies.extend(latencies);
    }
    turn.panics = PANICS.load(Ordering::Relaxed) - panics_before;
    turn.latencies.sort_unstable();
    for panicker in panicking {
        panicker.await.map_err(|error| error.to_string())??;
    }
    sleep(MARGIN).await;
    Ok((bystanders, turn))
}

/// Makes one session after the other panic until it ends.
async fn panic_on(addr: SocketAddr, rate: u32, mut stop: watch::Receiver<bool>) -> Result<(), String> {
    let url = format!("http://{addr}/brittle");
    let mut ticks = interval(Duration::from_secs(1) / rate.max(1));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let opened = Visitor::open_with(&url, VisitorConfig::default()).await;
        let visitor = opened.map_err(|error| error.to_string())?;
        visitor.wait_connected(ANSWER_WITHIN).await.map_err(|error| error.to_string())?;
        for _ in 0..CLICKS_PER_PAGE {
            tokio::select! {
                _ = ticks.tick() => {}
                _ = stop.wait_for(|is_stopped| *is_stopped) => return Ok(()),
            }
            // Whether it is taken or refused, and by which session, is not the point.
            let _ = visitor.click("boom");
            let _ = visitor.wait_settled(MARGIN).await;
        }
    }
}
