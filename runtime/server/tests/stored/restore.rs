//! A session comes back from the store: what is read, what is refused, and how its component is mounted.

use std::time::{Duration, SystemTime};

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::Html as Page;
use axum::routing::get;
use lightspeed::{
    Config, Context, Html, Live, LiveRouter, MigrateError, MountError, OldState, Policy, Runtime, Snapshot,
    html, maud,
};
use lightspeed_protocol::close::CloseReason;
use serde::{Deserialize, Serialize};

use crate::common::{Client, Log, Mounts, TestServer};
use crate::faulty::{Answer, Faulty};
use crate::tally::{ADD, config, server};

/// A session at a server that is gone: its token, after one event.
async fn left_behind(store: &Faulty, path: &str) -> String {
    let first = server(config(store)).await;
    let mut client = first.joined(path).await;
    client.adds(1, 0).await;
    // The way of the first to the store, and nobody else's.
    store.answer(Answer::Held);
    client.token.clone()
}

async fn refused(server: &TestServer, token: &str, reason: CloseReason) {
    let mut client = server.hello().await;
    client.resume(1, token, 1, 1).await;
    client.closed(1, reason).await;
    assert_eq!(server.runtime.stats().sessions, 0);
}

#[tokio::test]
async fn a_record_that_somebody_has_changed_is_not_used() {
    let (log, _guard) = Log::start();
    let store = Faulty::new();
    let token = left_behind(&store, "/durable").await;
    let id = store.last_id();
    let whole = store.record(id).await.unwrap().bytes;
    let second_store = store.another();
    let second = server(config(&second_store)).await;
    for at in [0, whole.len() / 2, whole.len() - 1] {
        let mut changed = whole.to_vec();
        changed[at] ^= 1;
        store.replace(id, |record| record.bytes = changed.into()).await;
        refused(&second, &token, CloseReason::SessionGone).await;
    }
    assert_eq!(log.lines("stored under another secret, or changed since").len(), 3);
    assert_eq!(second_store.begun_count(), 0, "nobody has claimed it");
    store.replace(id, |record| record.bytes = whole).await;
    let mut client = second.hello().await;
    assert_eq!(client.resumes(1, &token, 1, 1).await, 1, "as it was, it is taken");
}

#[tokio::test]
async fn a_record_of_another_session_is_not_used() {
    let (log, _guard) = Log::start();
    let store = Faulty::new();
    let token = left_behind(&store, "/durable").await;
    let id = store.last_id();
    let other_store = store.another();
    left_behind(&other_store, "/durable").await;
    let others = store.record(other_store.last_id()).await.unwrap().bytes;
    store.replace(id, |record| record.bytes = others).await;
    let second = server(config(&store.another())).await;
    refused(&second, &token, CloseReason::SessionGone).await;
    assert_eq!(log.lines("stored under another secret, or changed since").len(), 1);
}

#[tokio::test]
async fn a_record_is_there_until_its_time_is_up() {
    let store = Faulty::new();
    let ttl = Duration::from_hours(2);
    let first = server(config(&store).with_stored_ttl(ttl)).await;
    let mut client = first.joined("/durable").await;
    client.adds(1, 0).await;
    store.answer(Answer::Held);
    let id = store.last_id();
    let expires_at = store.record(id).await.unwrap().expires_at;
    let left = expires_at.duration_since(SystemTime::now()).unwrap();
    assert!(left <= ttl && left + Duration::from_mins(5) > ttl, "{left:?}");

    let second = server(config(&store.another())).await;
    store.replace(id, |record| record.expires_at = SystemTime::now()).await;
    refused(&second, &client.token, CloseReason::SessionGone).await;
}

#[tokio::test(start_paused = true)]
async fn a_store_that_cannot_be_read_is_a_reason_to_come_back() {
    let store = Faulty::new();
    let token = left_behind(&store, "/durable").await;
    let second_store = store.another();
    let second = server(config(&second_store)).await;
    for answer in [Answer::Failing, Answer::Held] {
        second_store.answer(answer);
        refused(&second, &token, CloseReason::Unavailable).await;
    }
    second_store.answer(Answer::Well);
    let mut client = second.hello().await;
    assert_eq!(client.resumes(1, &token, 1, 1).await, 1);
    client.adds(1, 1).await;
}

/// As `Tally`, and of a later build.
struct Later {
    state: LaterState,
}

#[derive(Clone, Serialize, Deserialize)]
struct LaterState {
    count: i64,
    step: i64,
}

impl Live for Later {
    type Msg = i64;
    type Params = ();
    const POLICY: Policy<Self> = Policy::durable();

    async fn mount((): (), _: &mut Context<Self::Msg>) -> Result<Self, MountError> {
        Ok(Self { state: LaterState { count: 0, step: 1 } })
    }

    fn update(&mut self, by: i64, _: &mut Context<Self::Msg>) {
        self.state.count += by;
    }

    fn render(&self) -> Html<i64> {
        html! { button onclick=(self.state.step) { "+" } output { (self.state.count) } }
    }
}

impl Snapshot for Later {
    type State = LaterState;
    const NAME: &'static str = "durable";
    const SCHEMA: u32 = 2;

    fn save(&self) -> LaterState {
        self.state.clone()
    }

    fn load(&mut self, state: LaterState) {
        self.state = state;
    }

    fn migrate(schema: u32, old: OldState<'_>) -> Result<LaterState, MigrateError> {
        match schema {
            1 => match old.decode()? {
                count @ 0..=1 => Ok(LaterState { count, step: 10 }),
                count => Err(MigrateError::new(format!("{count} is too much"))),
            },
            _ => Err(MigrateError::unknown(schema)),
        }
    }
}

/// A server of one component at `/durable`.
async fn serve(config: Config, live: impl FnOnce(LiveRouter) -> LiveRouter) -> TestServer {
    let runtime = Runtime::new(config);
    let app = live(lightspeed::router().runtime(&runtime)).into();
    TestServer::serve(runtime, app).await
}

/// The number of the first instance of the snapshot that comes next, and its program.
async fn snapshot(client: &mut Client) -> (u64, u32, String) {
    let snapshot = client.frame().await;
    assert_eq!(snapshot.kind, "snapshot", "{snapshot:?}");
    let root = snapshot.program.split_whitespace().nth(1).unwrap().parse().unwrap();
    (snapshot.version, root, snapshot.program)
}

#[tokio::test]
async fn a_state_of_an_older_build_is_migrated_and_shown_anew() {
    let store = Faulty::new();
    let token = left_behind(&store, "/durable").await;
    let second = serve(config(&store.another()), |router| router.live::<Later>("/durable")).await;
    let mut client = second.hello().await;
    assert_eq!(client.resumes(1, &token, 1, 1).await, 1);
    let (version, root, program) = snapshot(&mut client).await;
    assert!(program.ends_with(" [1]\n"), "{program}");
    client.send(1, &crate::common::click(version, 2, root, ADD)).await;
    assert!(client.hears_of(1, 2).await.program.ends_with(" 11\n"));

    // It is stored as the new build has it, which reads it without migrating.
    let third = serve(config(&store.another()), |router| router.live::<Later>("/durable")).await;
    let mut back = third.hello().await;
    assert_eq!(back.resumes(1, &client.token, version + 1, 2).await, 2);
    back.send(1, &crate::common::click(version + 1, 3, root, ADD)).await;
    assert!(back.hears_of(1, 3).await.program.ends_with(" 21\n"));
}

#[tokio::test]
async fn a_state_that_cannot_be_migrated_is_told_of_and_the_page_starts_over() {
    let (log, _guard) = Log::start();
    let store = Faulty::new();
    let first = server(config(&store)).await;
    let mut client = first.joined("/durable").await;
    client.adds(1, 0).await;
    client.adds(1, 1).await;
    store.answer(Answer::Held);
    let second = serve(config(&store.another()), |router| router.live::<Later>("/durable")).await;
    refused(&second, &client.token, CloseReason::SessionGone).await;
    let lines = log.lines("a stored state could not be read");
    assert!(lines.len() == 1 && lines[0].contains("schema=1 error=2 is too much"), "{lines:?}");
    assert_eq!(log.lines("a stored session could not be mounted").len(), 1);
    assert_eq!(second.get("/durable").await.status(), 200, "which the page does by fetching itself");

    // An older build finds that a newer one was here.
    let newer_store = store.another();
    let newer = serve(config(&newer_store), |router| router.live::<Later>("/durable")).await;
    let newest = newer.joined("/durable").await;
    let older = server(config(&store.another())).await;
    refused(&older, &newest.token, CloseReason::SessionGone).await;
    let lines = log.lines("schema 2 is unknown to this build");
    assert!(lines.len() == 1 && lines[0].contains("component=\"durable\""), "{lines:?}");
}

#[tokio::test]
async fn a_session_of_a_page_that_there_is_no_more_is_gone() {
    let (log, _guard) = Log::start();
    let store = Faulty::new();
    let token = left_behind(&store, "/durable").await;
    let second = serve(config(&store.another()), |router| router.live::<Later>("/elsewhere")).await;
    refused(&second, &token, CloseReason::SessionGone).await;
    assert_eq!(log.lines("is of a page that there is no more").len(), 1);
}

/// Knows its parameters, and is mounted as often as they let it.
struct Order {
    number: String,
    clicks: u32,
}

impl Live for Order {
    type Msg = ();
    type Params = String;
    const POLICY: Policy<Self> = Policy::durable();

    async fn mount(number: String, _: &mut Context<Self::Msg>) -> Result<Self, MountError> {
        match number.as_str() {
            "lost" => Err(MountError::new(StatusCode::NOT_FOUND, "There is no such order.")),
            "broken" => panic!("broken in mount"),
            _ => Ok(Self { number, clicks: 0 }),
        }
    }

    fn update(&mut self, (): (), _: &mut Context<Self::Msg>) {
        self.clicks += 1;
    }

    fn render(&self) -> Html<()> {
        html! { button onclick=(()) { (self.number) } output { (self.clicks) } }
    }
}

impl Snapshot for Order {
    type State = u32;
    const NAME: &'static str = "order";

    fn save(&self) -> u32 {
        self.clicks
    }

    fn load(&mut self, clicks: u32) {
        self.clicks = clicks;
    }
}

/// Mounts an order within a page of the application's own.
async fn order_page(
    State(runtime): State<Runtime>,
    Path(number): Path<String>,
    head: Parts,
) -> Result<Page<String>, MountError> {
    let order = runtime.mount_for::<Order>(number, &head).await?;
    Ok(Page(maud::html! { (runtime.head()) h1 { "Order" } (order) }.into_string()))
}

/// A server of orders, which it can mount again if `prefix` says what to put before their numbers.
async fn orders(config: Config, prefix: Option<&'static str>) -> TestServer {
    let runtime = Runtime::new(config);
    if let Some(prefix) = prefix {
        runtime.restore_with::<Order, _, _>(move |parts| async move {
            let number = parts.uri.path().strip_prefix("/orders/").unwrap_or_default();
            // What belongs to the socket's own request is there as well.
            assert!(parts.headers.contains_key("sec-websocket-key"));
            Ok(format!("{prefix}{number}"))
        });
    }
    let app = axum::Router::new()
        .route("/orders/{number}", get(order_page))
        .merge(runtime.router())
        .with_state(runtime.clone());
    TestServer::serve(runtime, app).await
}

/// An order at a server that is gone, after one click.
async fn left_order(store: &Faulty, prefix: Option<&'static str>) -> String {
    let first = orders(config(store), prefix).await;
    let mut client = first.joined("/orders/7?x=1").await;
    client.click(1, 0, 1, 0).await;
    assert_eq!(client.frame().await.program, "text 1 2 1\n");
    store.answer(Answer::Held);
    client.token.clone()
}

#[tokio::test]
async fn a_component_within_a_page_is_mounted_again_with_what_its_address_says() {
    let store = Faulty::new();
    let token = left_order(&store, Some("")).await;
    let second = orders(config(&store.another()), Some("")).await;
    let mut client = second.hello().await;
    assert_eq!(client.resumes(1, &token, 1, 1).await, 1);
    client.click(1, 1, 2, 0).await;
    assert_eq!(client.frame().await.program, "text 1 2 2\n");

    // What isn't state is as it was mounted now, and the page is shown that.
    let third = orders(config(&store.another()), Some("no. ")).await;
    let mut back = third.hello().await;
    assert_eq!(back.resumes(1, &client.token, 2, 2).await, 2);
    let (_, _, program) = snapshot(&mut back).await;
    assert!(program.contains("\"no. 7\"") && program.ends_with(" 2]\n"), "{program}");
}

#[tokio::test]
async fn a_component_that_nobody_can_mount_again_is_told_of() {
    let (log, _guard) = Log::start();
    let store = Faulty::new();
    let token = left_order(&store, None).await;
    let lines = log.lines("call `Runtime::restore_with` for it");
    assert!(lines.len() == 1 && lines[0].contains("Order"), "{lines:?}");
    let second = orders(config(&store.another()), None).await;
    refused(&second, &token, CloseReason::SessionGone).await;
    assert_eq!(log.lines("is of a page that there is no more").len(), 1);
}

#[tokio::test]
async fn a_mount_that_fails_now_starts_the_page_over_and_claims_nothing() {
    let (log, _guard) = Log::start();
    for (number, text) in [("lost", "There is no such order."), ("broken", "broken in mount")] {
        let store = Faulty::new();
        let token = left_order(&store, Some("")).await;
        let before = store.record(store.last_id()).await;
        let runtime = Runtime::new(config(&store.another()));
        runtime.restore_with::<Order, _, _>(move |_| async move { Ok(number.to_owned()) });
        let app = axum::Router::new().merge(runtime.router());
        let second = TestServer::serve(runtime, app).await;
        refused(&second, &token, CloseReason::SessionGone).await;
        assert_eq!(log.lines(text).len(), 1, "{number}");
        assert_eq!(store.record(store.last_id()).await, before, "another server may know more");
        // And a server that does, has it.
        let third = orders(config(&store.another()), Some("")).await;
        let mut client = third.hello().await;
        assert_eq!(client.resumes(1, &token, 1, 1).await, 1);
    }
}

/// The socket and its other sessions go on.
#[tokio::test]
async fn a_panic_in_what_makes_the_parameters_starts_the_page_over() {
    type Params = std::pin::Pin<Box<dyn Future<Output = Result<String, MountError>> + Send>>;
    type MakeParams = fn(Parts) -> Params;
    let at_once: MakeParams = |_| panic!("broken before its future");
    let later: MakeParams = |_| Box::pin(async { panic!("broken in its future") });
    for (params, text) in [(at_once, "broken before its future"), (later, "broken in its future")] {
        let (log, _guard) = Log::start();
        let store = Faulty::new();
        let token = left_order(&store, Some("")).await;
        let runtime = Runtime::new(config(&store.another()));
        runtime.restore_with::<Order, _, _>(params);
        let app = lightspeed::router().runtime(&runtime).live::<Later>("/durable").into();
        let second = TestServer::serve(runtime, app).await;
        let mut client = second.joined("/durable").await;
        client.resume(2, &token, 1, 1).await;
        client.closed(2, CloseReason::SessionGone).await;
        let lines = log.lines("a component panicked while it was brought back");
        assert!(lines.len() == 1 && lines[0].contains(text), "{lines:?}");
        client.click(1, 0, 1, ADD).await;
        assert_eq!(client.hears_of(1, 1).await.version, 1);
    }
}

/// As a database that is down: it costs nobody their state.
#[tokio::test]
async fn a_mount_that_fails_for_now_is_a_reason_to_come_back() {
    let store = Faulty::new();
    let token = left_order(&store, Some("")).await;
    let before = store.record(store.last_id()).await;
    let runtime = Runtime::new(config(&store.another()));
    let mounts = Mounts::default();
    let counted = mounts.clone();
    runtime.restore_with::<Order, _, _>(move |_| {
        let before = counted.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        async move {
            match before {
                0 => Err(MountError::new(StatusCode::SERVICE_UNAVAILABLE, "The orders can't be read now.")),
                1 => Err(std::io::Error::other("the database is down").into()),
                _ => Ok("7".to_owned()),
            }
        }
    });
    let app = axum::Router::new().merge(runtime.router());
    let second = TestServer::serve(runtime, app).await;
    for _ in 0..2 {
        refused(&second, &token, CloseReason::Unavailable).await;
        assert_eq!(store.record(store.last_id()).await, before);
    }
    let mut client = second.hello().await;
    assert_eq!(client.resumes(1, &token, 1, 1).await, 1);
    client.click(1, 1, 2, 0).await;
    assert_eq!(client.frame().await.program, "text 1 2 2\n");
}

/// Called an order, and no order.
struct Impostor;

impl Live for Impostor {
    type Msg = ();
    type Params = String;
    const POLICY: Policy<Self> = Policy::durable();

    async fn mount(_: String, _: &mut Context<Self::Msg>) -> Result<Self, MountError> {
        Ok(Self)
    }

    fn update(&mut self, (): (), _: &mut Context<Self::Msg>) {}

    fn render(&self) -> Html<()> {
        html! { p { "no order" } }
    }
}

impl Snapshot for Impostor {
    type State = ();
    const NAME: &'static str = "order";

    fn save(&self) {}

    fn load(&mut self, (): ()) {}
}

#[test]
fn two_components_of_one_name_in_one_place_are_refused_when_the_server_starts() {
    let runtime = Runtime::default();
    let params = |_: Parts| async { Ok(String::new()) };
    runtime.restore_with::<Order, _, _>(params);
    runtime.restore_with::<Order, _, _>(params);
    let add = std::panic::AssertUnwindSafe(|| runtime.restore_with::<Impostor, _, _>(params));
    let panic = std::panic::catch_unwind(add).unwrap_err();
    let message = panic.downcast_ref::<String>().unwrap();
    assert!(message.contains("\"order\" in pages of the application's own"), "{message}");
    assert!(message.contains("::Order and ") && message.contains("::Impostor."), "{message}");
    assert!(message.contains("another `Snapshot::NAME`"), "{message}");
}
