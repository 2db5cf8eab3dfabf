//! Code of an author that takes for ever concerns its own session and nobody else: whatever it is, however many
//! workers tokio has, and when the server has to end.
//!
//! Each test holds up some code and lets it go when it has seen what it wants: nothing here measures time.

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use lightspeed::store::{MemoryStore, Record, Saved, SessionId, SnapshotStore, Stamp, StoreFuture};
use lightspeed::{
    Config, Context, Html, Live, LiveRouter, MountError, Policy, Runtime, Server, Snapshot, html,
};
use lightspeed_protocol::frame::ClientFrame;
use tokio::time::timeout;

use crate::common::{Client, TestServer, listen_everywhere, log_of_all, pages};

/// What a test waits for comes at once, or is wrong.
const WITHIN: Duration = Duration::from_secs(20);

/// Holds threads up that come to the place that it is closed at.
#[derive(Clone, Default)]
struct Barrier(Arc<(Mutex<Held>, Condvar)>);

#[derive(Default)]
struct Held {
    place: &'static str,
    count: usize,
}

impl Barrier {
    fn close(&self, place: &'static str) {
        self.0.0.lock().unwrap().place = place;
    }

    fn open(&self) {
        self.close("");
        self.0.1.notify_all();
    }

    /// How many it holds up.
    fn count(&self) -> usize {
        self.0.0.lock().unwrap().count
    }

    /// Blocks the thread as long as the barrier is closed here.
    fn pass(&self, place: &'static str) {
        let mut held = self.0.0.lock().unwrap();
        if place.is_empty() || held.place != place {
            return;
        }
        held.count += 1;
        // Should the test fail, its threads end all the same.
        let (mut held, _) =
            self.0.1.wait_timeout_while(held, 2 * WITHIN, |held| held.place == place).unwrap();
        held.count -= 1;
    }

    async fn holds(&self, count: usize) {
        let holds = async {
            while self.count() < count {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        timeout(WITHIN, holds).await.expect("some code is come to");
    }
}

impl Drop for Barrier {
    fn drop(&mut self) {
        // The test's own, which is the last that could open it.
        if Arc::strong_count(&self.0) == 1 {
            self.open();
        }
    }
}

/// Comes to a barrier wherever code of its author runs.
struct Stuck {
    barrier: Barrier,
    count: u32,
}

#[derive(Clone)]
enum Msg {
    Add,
    Perform,
}

const ADD: u32 = 0;
const PERFORM: u32 = 1;

impl<S: Sync> FromRequestParts<S> for Barrier {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let barrier = parts.extensions.get::<Self>().expect("a layer has put it there").clone();
        barrier.pass("params");
        Ok(barrier)
    }
}

impl Live for Stuck {
    type Msg = Msg;
    type Params = Barrier;
    const POLICY: Policy<Self> = Policy::durable();

    async fn mount(barrier: Barrier, _: &mut Context<Self::Msg>) -> Result<Self, MountError> {
        barrier.pass("mount");
        Ok(Self { barrier, count: 0 })
    }

    fn update(&mut self, msg: Msg, cx: &mut Context<Self::Msg>) {
        self.barrier.pass("update");
        let barrier = self.barrier.clone();
        match msg {
            Msg::Add => self.count += 1,
            Msg::Perform => cx.perform(async move { barrier.pass("task") }, |()| Msg::Add),
        }
    }

    fn render(&self) -> Html<Msg> {
        self.barrier.pass(if self.count == 0 { "first render" } else { "render" });
        html! {
            button onclick=(Msg::Add) { "add" }
            button onclick=(Msg::Perform) { "perform" }
            output { (self.count) }
        }
    }

    fn title(&self) -> String {
        self.barrier.pass("title");
        "Stuck".into()
    }
}

impl Snapshot for Stuck {
    type State = u32;
    const NAME: &'static str = "stuck";

    fn save(&self) -> u32 {
        self.barrier.pass(if self.count == 0 { "first save" } else { "save" });
        self.count
    }

    fn load(&mut self, count: u32) {
        self.barrier.pass("load");
        self.count = count;
    }
}

impl Drop for Stuck {
    fn drop(&mut self) {
        self.barrier.pass("drop");
    }
}

/// A store whose own code blocks.
struct Slow {
    barrier: Barrier,
    records: MemoryStore,
}

impl SnapshotStore for Slow {
    fn load(&self, id: SessionId) -> StoreFuture<'_, Option<Record>> {
        self.barrier.pass("store load");
        self.records.load(id)
    }

    fn save(&self, id: SessionId, expected: Option<Stamp>, record: Record) -> StoreFuture<'_, Saved> {
        Box::pin(async move {
            self.barrier.pass("store save");
            self.records.save(id, expected, record).await
        })
    }

    fn remove(&self, id: SessionId, expected: Stamp) -> StoreFuture<'_, ()> {
        self.barrier.pass("store remove");
        self.records.remove(id, expected)
    }

    fn purge(&self) -> StoreFuture<'_, u64> {
        self.records.purge()
    }
}

/// A server with so many workers of its own.
struct World {
    barrier: Barrier,
    records: MemoryStore,
    server: Option<TestServer>,
    workers: Vec<tokio::runtime::Runtime>,
    worker_count: usize,
}

impl World {
    async fn new(worker_count: usize) -> Self {
        let (barrier, records) = (Barrier::default(), MemoryStore::default());
        let mut world = Self { barrier, records, server: None, workers: Vec::new(), worker_count };
        world.serve().await;
        world
    }

    fn config(&self) -> Config {
        let (for_identity, for_address) = (self.barrier.clone(), self.barrier.clone());
        let store = Slow { barrier: self.barrier.clone(), records: self.records.clone() };
        Config::default()
            .with_secret([7; 32])
            .with_store(store)
            .with_identity(move |parts| {
                for_identity.pass(if is_of_a_page(parts) { "identity" } else { "identity of a socket" });
                None
            })
            .with_client_ip(move |parts| {
                for_address.pass(if is_of_a_page(parts) { "client ip" } else { "" });
                Some(IpAddr::from([127, 0, 0, 1]))
            })
    }

    /// Another server, with the same store.
    async fn serve(&mut self) {
        let workers = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(self.worker_count)
            .enable_all()
            .build()
            .unwrap();
        let runtime = Runtime::new(self.config());
        let barrier = self.barrier.clone();
        let router: LiveRouter = lightspeed::router().runtime(&runtime).layout(move |page| {
            barrier.pass(if page.title == "Stuck" { "layout" } else { "" });
            maud::html! { (page.view) }
        });
        let app = axum::Router::from(pages(router).live::<Stuck>("/stuck"))
            .layer(axum::Extension(self.barrier.clone()));
        self.server = Some(workers.spawn(TestServer::serve(runtime, app)).await.unwrap());
        self.workers.push(workers);
    }

    fn server(&self) -> &TestServer {
        self.server.as_ref().unwrap()
    }

    /// A page beside: asked for, joined, and clicked a few times.
    async fn is_well(&self, bystander: &mut Client, clicks: &mut u64) {
        let well = async {
            for _ in 0..5 {
                bystander.increments(1, *clicks).await;
                *clicks += 1;
            }
            let mut other = self.server().joined("/").await;
            other.increments(1, 0).await;
        };
        timeout(WITHIN, well).await.expect("somebody else has to wait");
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.barrier.open();
        for workers in self.workers.drain(..) {
            workers.shutdown_background();
        }
    }
}

/// The gallery of the tests has other pages, whose requests are not to be held up.
fn is_of_a_page(parts: &Parts) -> bool {
    parts.uri.path() == "/stuck"
}

/// Holds up what happens at `place` while a page is asked for, its session joined, clicked and left.
async fn check(place: &'static str, worker_count: usize) {
    let mut world = World::new(worker_count).await;
    let mut bystander = world.server().joined("/").await;
    let mut clicks = 0;
    let is_before = matches!(
        place,
        "params" | "mount" | "title" | "first render" | "layout" | "identity" | "client ip" | "first save"
    );
    if is_before {
        world.barrier.close(place);
        let server = world.server();
        let ((), response) = tokio::join!(
            async {
                world.barrier.holds(1).await;
                world.is_well(&mut bystander, &mut clicks).await;
                world.barrier.open();
            },
            server.get("/stuck")
        );
        assert_eq!(response.status(), 200, "it was only late");
        return;
    }
    let token = world.server().token("/stuck").await;
    if place == "identity of a socket" {
        world.barrier.close(place);
        let server = world.server();
        let ((), _) = tokio::join!(
            async {
                world.barrier.holds(1).await;
                for _ in 0..5 {
                    timeout(WITHIN, bystander.increments(1, clicks))
                        .await
                        .expect("somebody else has to wait");
                    clicks += 1;
                }
                world.barrier.open();
            },
            server.hello()
        );
        return;
    }
    let mut client = world.server().hello().await;
    client.adopt(1, &token).await;
    client.click(1, 0, 1, ADD).await;
    assert_eq!(client.frame().await.version, 1);
    if matches!(place, "load" | "store load") {
        // It comes back to another server.
        let old = (bystander, world.server.take());
        world.serve().await;
        let mut bystander = world.server().joined("/").await;
        let mut back = world.server().hello().await;
        world.barrier.close(place);
        let join = ClientFrame::Join { token: &client.token, mode: 1, applied: 1, settled: 1 };
        back.send(1, &join).await;
        world.barrier.holds(1).await;
        clicks = 0;
        world.is_well(&mut bystander, &mut clicks).await;
        world.barrier.open();
        assert_eq!(back.frame().await.kind, "joined", "it was only late");
        drop(old);
        return;
    }
    world.barrier.close(place);
    match place {
        "task" => client.click(1, 1, 2, PERFORM).await,
        "drop" | "store remove" => client.send(1, &ClientFrame::Leave {}).await,
        _ => client.click(1, 1, 2, ADD).await,
    }
    world.barrier.holds(1).await;
    world.is_well(&mut bystander, &mut clicks).await;
    world.barrier.open();
    match place {
        "drop" | "store remove" => {
            let runtime = world.server().runtime.clone();
            eventually_slow(|| runtime.stats().sessions <= 2 && world.barrier.count() == 0).await;
        }
        _ => loop {
            let frame = client.frame().await;
            if frame.version == 2 {
                break;
            }
            assert_eq!(frame.kind, "ack", "{frame:?}");
        },
    }
}

/// As `eventually`, where other threads have to do something.
async fn eventually_slow(is_true: impl Fn() -> bool) {
    let holds = async {
        while !is_true() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    timeout(WITHIN, holds).await.expect("it happens");
}

macro_rules! held_up {
    ($($name:ident: $place:literal,)*) => {
        $(#[tokio::test]
        async fn $name() {
            check($place, 1).await;
            check($place, 2).await;
        })*
    };
}

held_up! {
    parameters_that_block: "params",
    a_mount_that_blocks: "mount",
    a_title_that_blocks: "title",
    a_first_render_that_blocks: "first render",
    a_layout_that_blocks: "layout",
    an_identity_that_blocks: "identity",
    an_identity_of_a_socket_that_blocks: "identity of a socket",
    a_client_ip_that_blocks: "client ip",
    an_update_that_blocks: "update",
    a_render_that_blocks: "render",
    a_save_that_blocks: "save",
    a_load_that_blocks: "load",
    a_task_that_blocks: "task",
    a_drop_that_blocks: "drop",
    a_store_whose_save_blocks: "store save",
    a_store_whose_load_blocks: "store load",
    a_store_whose_remove_blocks: "store remove",
}

/// More than any machine here has workers: each has a thread of its own.
#[tokio::test]
async fn sixty_four_updates_that_block() {
    for worker_count in [1, 2] {
        let world = World::new(worker_count).await;
        let mut bystander = world.server().joined("/").await;
        let mut clients = Vec::new();
        for _ in 0..64 {
            clients.push(world.server().joined("/stuck").await);
        }
        world.barrier.close("update");
        for client in &mut clients {
            client.click(1, 0, 1, ADD).await;
        }
        world.barrier.holds(64).await;
        world.is_well(&mut bystander, &mut 0).await;
        world.barrier.open();
        for client in &mut clients {
            assert_eq!(client.frame().await.version, 1);
        }
    }
}

#[tokio::test]
async fn the_log_names_component_and_message_at_once_and_when_it_is_over() {
    listen_everywhere();
    let world = World::new(1).await;
    let mut client = world.server().joined("/stuck").await;
    world.barrier.close("update");
    client.click(1, 0, 1, PERFORM).await;
    let told = |is_over: &str| {
        let lines = log_of_all("transition=\"slow\"");
        lines.into_iter().find(|line| line.contains("variant 1") && line.contains(is_over))
    };
    eventually_slow(|| told("is_over=false").is_some()).await;
    world.barrier.open();
    eventually_slow(|| told("is_over=true").is_some()).await;
    for line in [told("is_over=false").unwrap(), told("is_over=true").unwrap()] {
        for part in ["WARN", "slow::Stuck", "what=\"update\"", "slow::Msg, variant 1", "ms=", "session="] {
            assert!(line.contains(part), "{line} lacks {part}");
        }
    }
}

/// As `#[tokio::main]` does: it serves until it is told to end, and then lets go of tokio's runtime.
#[tokio::test]
async fn a_server_ends_though_some_code_never_does() {
    for (place, click) in [("update", ADD), ("render", ADD), ("task", PERFORM), ("store save", ADD)] {
        let mut world = World::new(1).await;
        world.server = None;
        let workers = world.workers.pop().unwrap();
        let app = axum::Router::from(lightspeed::router().config(world.config()).live::<Stuck>("/stuck"))
            .layer(axum::Extension(world.barrier.clone()));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let ended = std::thread::spawn(move || {
            let listener = listener.into_std().unwrap();
            let served = workers.block_on(async move {
                Server::new(tokio::net::TcpListener::from_std(listener).unwrap(), app)
                    .with_shutdown(async { drop(stopped.await) })
                    .with_deadline(Duration::from_millis(200))
                    .run()
                    .await
            });
            drop(workers);
            served
        });
        let visitor = TestServer::at(addr);
        let mut client = visitor.joined("/stuck").await;
        world.barrier.close(place);
        client.click(1, 0, 1, click).await;
        world.barrier.holds(1).await;
        stop.send(()).unwrap();
        eventually_slow(|| ended.is_finished()).await;
        assert_eq!(world.barrier.count(), 1, "it is held up still: {place}");
        ended.join().unwrap().unwrap();
    }
}
