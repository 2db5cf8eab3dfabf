//! A component that counts, under each policy, and the server that serves it.

use std::time::Duration;

use axum::Extension;
use lightspeed::{Config, Context, Html, Live, MountError, Policy, Runtime, Snapshot, html};
use lightspeed_protocol::frame::{ClientFrame, JoinMode};
use tokio::time::Instant;

use crate::common::{Client, Frame, Mounts, TestServer};
use crate::faulty::Faulty;

pub(crate) const REMOUNT: u8 = 0;
pub(crate) const RESUME: u8 = 1;
pub(crate) const REHYDRATE: u8 = 2;
pub(crate) const DURABLE: u8 = 3;

/// After how many events, or milliseconds, a [`REHYDRATE`] is stored.
pub(crate) const CADENCE: (u32, u64) = (3, 5_000);

/// The slots of [`Tally`], in document order.
pub(crate) const ADD: u32 = 0;
pub(crate) const COUNT: u32 = 1;
pub(crate) const PERFORM: u32 = 2;

/// Counts; so are its mounts, and the tasks that it has performed.
pub(crate) struct Tally<const POLICY: u8> {
    count: i64,
    performed: Option<Mounts>,
}

#[derive(Clone)]
pub(crate) enum TallyMsg {
    Add(i64),
    Perform,
}

/// How many tasks were performed.
#[derive(Clone, Default)]
pub(crate) struct Performed(pub(crate) Mounts);

impl<const POLICY: u8> Live for Tally<POLICY> {
    type Msg = TallyMsg;
    type Params = Option<Extension<Performed>>;

    const POLICY: Policy<Self> = match POLICY {
        REMOUNT => Policy::remount(),
        RESUME => Policy::resume(),
        REHYDRATE => Policy::rehydrate_every(CADENCE.0, CADENCE.1),
        _ => Policy::durable(),
    };

    async fn mount(performed: Self::Params, _: &mut Context<Self::Msg>) -> Result<Self, MountError> {
        Ok(Self { count: 0, performed: performed.map(|Extension(performed)| performed.0) })
    }

    fn update(&mut self, msg: TallyMsg, cx: &mut Context<Self::Msg>) {
        match msg {
            TallyMsg::Add(by) => self.count += by,
            TallyMsg::Perform => {
                let performed = self.performed.clone().unwrap();
                let perform = async move { performed.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed) };
                cx.perform(perform, |_| TallyMsg::Add(100));
            }
        }
    }

    fn render(&self) -> Html<TallyMsg> {
        html! {
            button onclick=(TallyMsg::Add(1)) { "+" }
            output { (self.count) }
            button onclick=(TallyMsg::Perform) { "perform" }
        }
    }
}

impl<const POLICY: u8> Snapshot for Tally<POLICY> {
    type State = i64;
    const NAME: &'static str = if POLICY == DURABLE { "durable" } else { "rehydrated" };

    fn save(&self) -> i64 {
        self.count
    }

    fn load(&mut self, state: i64) {
        self.count = state;
    }
}

/// The secret that all servers of a test share.
pub(crate) const SECRET: [u8; 32] = [7; 32];

pub(crate) fn config(store: &Faulty) -> Config {
    Config::default().with_secret(SECRET).with_store(store.clone())
}

/// A server of a tally under each policy.
pub(crate) async fn server(config: Config) -> TestServer {
    serve(config, Performed::default()).await
}

pub(crate) async fn serve(config: Config, performed: Performed) -> TestServer {
    let runtime = Runtime::new(config);
    let app: axum::Router = lightspeed::router()
        .runtime(&runtime)
        .live::<Tally<REMOUNT>>("/remount")
        .live::<Tally<RESUME>>("/resume")
        .live::<Tally<REHYDRATE>>("/rehydrate")
        .live::<Tally<DURABLE>>("/durable")
        .into();
    TestServer::serve(runtime, app.layer(Extension(performed))).await
}

impl Client {
    /// Adds one to the tally that is joined as `session`, whose version and last event are `count`.
    pub(crate) async fn adds(&mut self, session: u32, count: u64) {
        self.click(session, count, count + 1, ADD).await;
        self.shows(session, count + 1).await;
    }

    /// Expects the patch that shows a tally of `count`, and acknowledges as many events.
    pub(crate) async fn shows(&mut self, session: u32, count: u64) {
        let patch = self.frame().await;
        assert_eq!((patch.session, patch.kind, patch.version), (session, "patch", count), "{patch:?}");
        assert_eq!((patch.ack, patch.program), (count, format!("text 1 {COUNT} {count}\n")));
    }

    /// Expects a patch that acknowledges so many events.
    pub(crate) async fn hears_of(&mut self, session: u32, ack: u64) -> Frame {
        let patch = self.frame().await;
        assert_eq!((patch.session, patch.kind, patch.ack), (session, "patch", ack), "{patch:?}");
        patch
    }

    /// Expects that nothing has been sent that isn't read yet: what the socket is asked comes back next.
    pub(crate) async fn hears_nothing(&mut self) {
        self.send(0, &ClientFrame::Ping {}).await;
        let frame = self.frame().await;
        assert_eq!(frame.kind, "pong", "{frame:?}");
    }

    /// Lets time pass, in which it is heard as a browser is.
    pub(crate) async fn passes(&mut self, time: Duration) {
        let until = Instant::now() + time;
        while Instant::now() < until {
            tokio::time::sleep(Duration::from_secs(10)).await;
            self.hears_nothing().await;
        }
    }

    /// Joins with what is held: a document of version `applied`, of which the first `settled` events are
    /// known to be handled.
    pub(crate) async fn resume(&mut self, session: u32, token: &str, applied: u64, settled: u64) {
        let mode = JoinMode::Resume.code();
        self.send(session, &ClientFrame::Join { token, mode, applied, settled }).await;
    }

    /// The same, which succeeds; how many events are handled.
    pub(crate) async fn resumes(&mut self, session: u32, token: &str, applied: u64, settled: u64) -> u64 {
        self.resume(session, token, applied, settled).await;
        let Frame { kind, ack, .. } = self.frame().await;
        assert_eq!(kind, "joined");
        ack
    }
}
