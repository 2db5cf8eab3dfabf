//! One server and the pages that visit it, on a simulated network.
//!
//! All of it runs in one thread, and time passes only when nothing else is to be done. The seed
//! decides how long each segment travels, which are lost, what the server's random numbers are
//! and how long a page waits before it comes back.
//!
//! It does not decide the keys and masks of WebSockets and the dates of HTTP, whose lengths are the same
//! ever and which are no part of a trace; nor the wall clock, by which stored sessions expire; nor
//! in which order tokio drops a killed server's tasks, see [`World::kill`].

use std::cell::Cell;
use std::fmt::Write as _;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Extension;
use lightspeed::{Config, Listener, Runtime, Server, Stats};
use lightspeed_testing::Passed;
use lightspeed_testing::native::{Connecting, Connection, Network, Shown, Visitor, VisitorConfig};
use tokio::sync::{Notify, oneshot};
use tokio::time::{Instant, sleep};
use tracing_subscriber::fmt::format;
use turmoil::net::{TcpListener, TcpStream};
use turmoil::{Builder, Sim};

use crate::counter::{Mounts, pages};
use crate::store::SlowStore;

/// The server's name.
pub(crate) const SERVER: &str = "server";

/// What takes longer, in simulated time, does not happen.
const WITHIN: Duration = Duration::from_mins(5);

const LATENCY_MIN: Duration = Duration::from_millis(1);

/// How long a step is: segments arrive at its beginning.
const STEP: Duration = Duration::from_millis(5);

/// What a simulation is made of.
pub(crate) struct Setup {
    pub(crate) seed: u64,
    pub(crate) latency_max: Duration,
    /// How likely it is with each segment that the link breaks.
    pub(crate) fail_rate: f64,
    /// How likely it is with each segment that a link which broke so is whole again.
    pub(crate) repair_rate: f64,
}

impl Default for Setup {
    fn default() -> Self {
        Self { seed: 1, latency_max: Duration::from_millis(50), fail_rate: 0.0, repair_rate: 1.0 }
    }
}

/// What only whoever steps the simulation can do.
enum Order {
    Kill,
    Start,
}

/// What the server's lives and the pages have in common.
#[derive(Default)]
struct Shared {
    seed: u64,
    lives: Cell<u64>,
    mounts: Mounts,
    store: SlowStore,
    /// Asks the server to end.
    stop: Arc<Notify>,
    runtime: Mutex<Option<Runtime>>,
    orders: Mutex<Vec<(Order, oneshot::Sender<()>)>>,
    /// What each page saw.
    frames: Mutex<String>,
}

pub(crate) struct World {
    sim: Sim<'static>,
    shared: Rc<Shared>,
    log: Log,
    latency_max: Duration,
    visitors: Vec<&'static str>,
}

impl World {
    pub(crate) fn new(setup: &Setup) -> Self {
        let mut sim = Builder::new()
            .rng_seed(setup.seed)
            .tick_duration(STEP)
            .min_message_latency(LATENCY_MIN)
            .max_message_latency(setup.latency_max)
            .fail_rate(setup.fail_rate)
            .repair_rate(setup.repair_rate)
            .simulation_duration(Duration::from_mins(30))
            .build();
        let shared = Rc::new(Shared { seed: setup.seed, ..Shared::default() });
        let server = Rc::clone(&shared);
        sim.host(SERVER, move || serve(Rc::clone(&server)));
        Self { sim, shared, log: Log::default(), latency_max: setup.latency_max, visitors: Vec::new() }
    }

    /// Somebody opens the page at `path`, from a host with this name, and does what `script` says.
    pub(crate) fn visit(
        &mut self,
        name: &'static str,
        path: &'static str,
        script: impl AsyncFnOnce(&Page) + 'static,
    ) {
        let shared = Rc::clone(&self.shared);
        self.visitors.push(name);
        self.sim.client(name, async move {
            let page = Page::open(shared, name, path).await;
            script(&page).await;
            page.leave();
            Ok(())
        });
    }

    /// Runs until every script has ended; gives every frame that a page has sent or got and every line
    /// of the server's log, each with its time.
    pub(crate) fn run(mut self) -> String {
        let _guard = tracing::subscriber::set_default(self.log.subscriber());
        loop {
            self.log.set_time(self.sim.elapsed());
            let is_over = self.sim.step().expect("no script fails, and there is time enough");
            let orders = std::mem::take(&mut *self.shared.orders.lock().unwrap());
            for (order, done) in orders {
                match order {
                    Order::Kill => self.kill(),
                    Order::Start => self.sim.bounce(SERVER),
                }
                done.send(()).unwrap();
            }
            if is_over {
                break;
            }
        }
        let mut trace = self.shared.frames.lock().unwrap().clone();
        trace.push_str(&self.log.text());
        trace
    }

    /// Ends all that runs on the server, and with it the connections.
    ///
    /// tokio drops the tasks in an order that depends on how many tasks this process has had before, in other
    /// tests too. Whichever connection is dropped first then, its end takes as long as the others'.
    fn kill(&mut self) {
        for name in &self.visitors {
            self.sim.set_link_latency(SERVER, *name, LATENCY_MIN);
        }
        self.sim.crash(SERVER);
        for name in &self.visitors {
            self.sim.set_link_max_message_latency(SERVER, *name, self.latency_max);
        }
    }
}

/// A life of the server.
async fn serve(shared: Rc<Shared>) -> turmoil::Result {
    shared.lives.set(shared.lives.get() + 1);
    let config = Config::default()
        // Another life is not to give the same session ids again.
        .with_seed(shared.seed.wrapping_add(shared.lives.get() << 32))
        .with_secret([7; 32])
        .with_store(shared.store.clone());
    let runtime = Runtime::new(config);
    *shared.runtime.lock().unwrap() = Some(runtime.clone());
    let app: axum::Router = pages(lightspeed::router().runtime(&runtime)).into();
    let listener = Simulated(TcpListener::bind(("0.0.0.0", 80)).await?);
    drop(runtime);
    let stop = Arc::clone(&shared.stop);
    let server = Server::new(listener, app.layer(Extension(shared.mounts.clone())));
    server.with_shutdown(async move { stop.notified().await }).run().await?;
    Ok(())
}

struct Simulated(TcpListener);

impl Listener for Simulated {
    type Io = TcpStream;

    async fn accept(&mut self) -> io::Result<(TcpStream, SocketAddr)> {
        self.0.accept().await
    }
}

#[derive(Debug)]
struct SimulatedNetwork;

impl Network for SimulatedNetwork {
    fn connect(&self, host: &str, port: u16) -> Connecting {
        let host = host.to_owned();
        Box::pin(async move {
            let stream = TcpStream::connect((host.as_str(), port)).await?;
            Ok(Box::new(stream) as Box<dyn Connection>)
        })
    }
}

/// A page with somebody before it.
pub(crate) struct Page {
    name: &'static str,
    opened_at: Duration,
    clicks: Cell<u64>,
    pub(crate) visitor: Visitor,
    shared: Rc<Shared>,
}

impl Page {
    async fn open(shared: Rc<Shared>, name: &'static str, path: &'static str) -> Self {
        let seed = name.bytes().fold(shared.seed, |seed, byte| seed.wrapping_mul(257) ^ u64::from(byte));
        let visitor = loop {
            let config =
                VisitorConfig::default().with_seed(seed).with_network(SimulatedNetwork).with_frames();
            match Visitor::open_with(&format!("http://{SERVER}{path}"), config).await {
                Ok(visitor) => break visitor,
                // A person tries again.
                Err(_) => sleep(Duration::from_secs(1)).await,
            }
        };
        let opened_at = turmoil::sim_elapsed().unwrap();
        let page = Self { name, opened_at, clicks: Cell::new(0), visitor, shared };
        page.connected().await;
        page
    }

    fn leave(self) {
        let mut frames = self.shared.frames.lock().unwrap();
        writeln!(frames, "{} opened at {:?}", self.name, self.opened_at).unwrap();
        self.visitor.look(|shown| {
            for (at, passed) in shown.frames() {
                let (way, bytes) = match passed {
                    Passed::Up(bytes) => ("up", bytes),
                    Passed::Down(bytes) => ("down", bytes),
                };
                writeln!(frames, "{} {} {way} {bytes:02x?}", self.name, at.0).unwrap();
            }
        });
    }

    /// Clicks 40 times a second, when the page takes it.
    pub(crate) async fn click_for(&self, time: Duration) {
        let end = Instant::now() + time;
        while Instant::now() < end {
            if self.visitor.click("inc").is_ok() {
                self.clicks.set(self.clicks.get() + 1);
            }
            sleep(Duration::from_millis(25)).await;
        }
    }

    pub(crate) fn clicks(&self) -> u64 {
        self.clicks.get()
    }

    pub(crate) fn connected_count(&self) -> u64 {
        self.visitor.look(Shown::connected_count)
    }

    /// Waits until it has become connected so often.
    pub(crate) async fn connected_again(&self, count: u64) {
        self.visitor.wait_until(WITHIN, |page| page.connected_count() >= count).await.unwrap();
    }

    /// The count begins at 0 again.
    pub(crate) async fn started_over(&self) {
        self.clicks.set(0);
        self.shows(0).await;
    }

    async fn connected(&self) {
        self.visitor.wait_connected(WITHIN).await.unwrap();
    }

    pub(crate) async fn settled(&self) {
        self.visitor.wait_settled(WITHIN).await.unwrap();
    }

    /// Waits until the page shows `count`, and sees to it that it goes on to.
    #[track_caller]
    pub(crate) fn shows(&self, count: u64) -> impl Future<Output = ()> {
        let location = std::panic::Location::caller();
        async move {
            let count = count.to_string();
            let shown = self.visitor.wait_until(WITHIN, |page| page.has_text("count", &count)).await;
            if let Err(error) = shown {
                panic!("at {location}: {} shows no {count}: {error}", self.name);
            }
            // What is still under way somewhere arrives.
            sleep(Duration::from_secs(5)).await;
            assert_eq!(self.visitor.text_of("count"), Some(count), "at {location}: later {}", self.name);
        }
    }

    /// Every click has counted once.
    pub(crate) async fn counts_exactly(&self) {
        self.settled().await;
        self.shows(self.clicks()).await;
        assert!(self.visitor.refused().is_empty(), "{}", self.name);
        assert!(self.visitor.look(|page| page.failures().is_empty()), "{}", self.name);
    }

    /// The server is killed: what it has in memory is lost, and its connections end.
    pub(crate) async fn kill_server(&self) {
        self.order(Order::Kill).await;
    }

    /// The server is told to end, and has 10 seconds to.
    pub(crate) async fn stop_server(&self) {
        self.shared.stop.notify_one();
        sleep(Duration::from_secs(10)).await;
    }

    /// The server is started.
    pub(crate) async fn start_server(&self) {
        self.order(Order::Start).await;
    }

    async fn order(&self, order: Order) {
        let (done, is_done) = oneshot::channel();
        self.shared.orders.lock().unwrap().push((order, done));
        is_done.await.unwrap();
    }

    /// The sessions of the server that runs now.
    pub(crate) fn stats(&self) -> Stats {
        self.shared.runtime.lock().unwrap().as_ref().map(Runtime::stats).unwrap()
    }

    /// How often a component was mounted.
    pub(crate) fn mount_count(&self) -> usize {
        self.shared.mounts.count()
    }
}

/// The server's log, in simulated time.
#[derive(Clone, Default)]
struct Log {
    bytes: Arc<Mutex<Vec<u8>>>,
    now_ms: Arc<AtomicU64>,
}

impl Log {
    fn subscriber(&self) -> impl tracing::Subscriber + Send + Sync + 'static {
        let writer = self.clone();
        tracing_subscriber::fmt()
            .with_env_filter("lightspeed=debug")
            .with_ansi(false)
            .with_timer(self.clone())
            .with_writer(move || writer.clone())
            .finish()
    }

    fn set_time(&self, now: Duration) {
        self.now_ms.store(u64::try_from(now.as_millis()).unwrap(), Ordering::Relaxed);
    }

    fn text(&self) -> String {
        String::from_utf8(self.bytes.lock().unwrap().clone()).unwrap()
    }
}

impl tracing_subscriber::fmt::time::FormatTime for Log {
    fn format_time(&self, writer: &mut format::Writer<'_>) -> std::fmt::Result {
        write!(writer, "{}", self.now_ms.load(Ordering::Relaxed))
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
