//! A component that panics and whose state is stored: its session goes on from the last good state, and nobody
//! else hears of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Extension;
use lightspeed::{Context, Html, Live, MountError, Policy, Runtime, Snapshot, html};
use lightspeed_protocol::close::{CloseReason, RefusalReason};
use serde::{Deserialize, Serialize};

use crate::common::{Client, Frame, Log, TestServer, eventually, log_of_all};
use crate::faulty::{Answer, Faulty};
use crate::tally::{DURABLE, Tally, config};

/// How often it panics, as a test has it.
#[derive(Clone, Default)]
pub(crate) struct Charges {
    pub(crate) update: Charge,
    /// An update that takes until the log tells of it.
    pub(crate) slow: Charge,
    mount: Charge,
    /// The drop of a message that is rendered.
    fuse: Charge,
}

#[derive(Clone, Default)]
pub(crate) struct Charge(Arc<AtomicUsize>);

impl Charge {
    pub(crate) fn lay(&self, count: usize) {
        self.0.store(count, Ordering::Relaxed);
    }

    pub(crate) fn goes_off(&self) -> bool {
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok()
    }
}

/// A message that panics when it is dropped, while a charge is left.
pub(crate) struct Fuse(Option<Charge>);

impl Clone for Fuse {
    /// Of what is rendered, and not of what is delivered, so that it goes off with a tree.
    fn clone(&self) -> Self {
        Self(None)
    }
}

impl Drop for Fuse {
    fn drop(&mut self) {
        assert!(!self.0.as_ref().is_some_and(Charge::goes_off), "broken in the drop of a tree");
    }
}

/// Counts, and fails in every way.
pub(crate) struct Brittle {
    state: State,
    charges: Charges,
}

#[derive(Clone, Default, Serialize, Deserialize)]
pub(crate) struct State {
    count: i64,
    is_render_broken: bool,
    is_drop_broken: bool,
}

#[derive(Clone)]
pub(crate) enum Msg {
    Add,
    /// Adds a thousand, and panics while a charge is left.
    Update,
    Render,
    Task,
    /// More tasks than may run, none of which ends.
    Wait,
    TaskThenUpdate,
    /// Adds one, and has the component panic when it is dropped.
    Drop,
    Fuse(#[expect(dead_code, reason = "it is there to be dropped")] Fuse),
}

/// The slots of [`Brittle`], in document order.
pub(crate) const ADD: u32 = 0;
pub(crate) const COUNT: u32 = 1;
pub(crate) const UPDATE: u32 = 2;
pub(crate) const RENDER: u32 = 3;
pub(crate) const TASK: u32 = 4;
pub(crate) const TASK_THEN_UPDATE: u32 = 5;
pub(crate) const DROP: u32 = 6;
pub(crate) const WAIT: u32 = 8;
pub(crate) const TYPED: u32 = 9;

impl Live for Brittle {
    type Msg = Msg;
    type Params = Extension<Charges>;
    const POLICY: Policy<Self> = Policy::durable();

    async fn mount(Extension(charges): Self::Params, _: &mut Context<Self::Msg>) -> Result<Self, MountError> {
        assert!(!charges.mount.goes_off(), "broken in mount");
        Ok(Self { state: State::default(), charges })
    }

    fn update(&mut self, msg: Msg, cx: &mut Context<Self::Msg>) {
        if self.charges.slow.goes_off() {
            // Told in another thread, so it is looked for where all threads tell.
            while log_of_all("transition=\"slow\"").is_empty() {
                std::thread::yield_now();
            }
        }
        match msg {
            Msg::Add => self.state.count += 1,
            Msg::Update => {
                self.state.count += 1_000;
                assert!(!self.charges.update.goes_off(), "broken in update");
            }
            Msg::Render => self.state.is_render_broken = true,
            Msg::Task => cx.perform(async { panic!("broken in a task") }, |(): ()| Msg::Add),
            Msg::Wait => (0..40).for_each(|_| cx.perform(std::future::pending(), |()| Msg::Add)),
            Msg::TaskThenUpdate => cx.perform(async {}, |()| Msg::Update),
            Msg::Drop => {
                self.state.count += 1;
                self.state.is_drop_broken = true;
            }
            Msg::Fuse(_) => {}
        }
    }

    fn render(&self) -> Html<Msg> {
        assert!(!self.state.is_render_broken, "broken in render");
        html! {
            button onclick=(Msg::Add) { "add" }
            output { (self.state.count) }
            button onclick=(Msg::Update) { "update" }
            button onclick=(Msg::Render) { "render" }
            button onclick=(Msg::Task) { "task" }
            button onclick=(Msg::TaskThenUpdate) { "task, then update" }
            button onclick=(Msg::Drop) { "drop" }
            button onclick=(Msg::Fuse(Fuse(Some(self.charges.fuse.clone())))) { "fuse" }
            button onclick=(Msg::Wait) { "wait" }
            input oninput=(|_: String| Msg::Add);
        }
    }
}

impl Snapshot for Brittle {
    type State = State;
    const NAME: &'static str = "brittle";

    fn save(&self) -> State {
        self.state.clone()
    }

    fn load(&mut self, state: State) {
        self.state = state;
    }
}

impl Drop for Brittle {
    fn drop(&mut self) {
        assert!(!self.state.is_drop_broken, "broken in drop");
    }
}

/// A server of brittle components beside tallies.
pub(crate) async fn serve(store: &Faulty, charges: &Charges) -> TestServer {
    let runtime = Runtime::new(config(store));
    let app: axum::Router = lightspeed::router()
        .runtime(&runtime)
        .live::<Brittle>("/brittle")
        .live::<Tally<DURABLE>>("/durable")
        .into();
    TestServer::serve(runtime, app.layer(Extension(charges.clone()))).await
}

/// A brittle session which shows one, joined as 1, and a bystander on another socket.
struct Stage {
    log: Log,
    _guard: tracing::subscriber::DefaultGuard,
    store: Faulty,
    charges: Charges,
    server: TestServer,
    client: Client,
    bystander: Client,
    bystander_count: u64,
}

impl Stage {
    async fn new() -> Self {
        let (log, guard) = Log::start();
        let (store, charges) = (Faulty::new(), Charges::default());
        let server = serve(&store, &charges).await;
        let bystander = server.joined("/durable").await;
        let mut client = server.joined("/brittle").await;
        client.click(1, 0, 1, ADD).await;
        assert_eq!(client.frame().await.program, format!("text 1 {COUNT} 1\n"));
        Self { log, _guard: guard, store, charges, server, client, bystander, bystander_count: 0 }
    }

    /// Whoever else is there goes on, and new ones are mounted.
    async fn check_bystander(&mut self) {
        self.bystander.adds(1, self.bystander_count).await;
        self.bystander_count += 1;
        assert_eq!(self.server.get("/brittle").await.status(), 200);
    }

    fn restarts(&self) -> usize {
        self.log.lines("transition=\"restarted\"").len()
    }

    fn quarantines(&self) -> Vec<String> {
        self.log.lines("transition=\"quarantined\"")
    }

    /// Clicks, and expects that the page is told that it was for nothing.
    async fn click_is_refused(&mut self, version: u64, seq: u64, slot: u32) {
        self.client.click(1, version, seq, slot).await;
        let refused = self.client.frame().await;
        assert_eq!(refused.refused, Some((seq, RefusalReason::Failed)), "{refused:?}");
        assert_eq!(refused.message, "Something went wrong on the server; what it was about is undone.");
        // It is settled, and so not sent again.
        let ack = self.client.frame().await;
        assert_eq!((ack.kind, ack.ack), ("ack", seq), "{ack:?}");
    }

    /// The next click counts from what was there before.
    async fn adds(&mut self, version: u64, seq: u64, count: i64) {
        self.client.click(1, version, seq, ADD).await;
        let patch = self.client.frame().await;
        assert_eq!((patch.ack, patch.version), (seq, version + 1), "{patch:?}");
        assert_eq!(patch.program, format!("text 1 {COUNT} {count}\n"));
    }
}

#[tokio::test]
async fn an_event_that_panics_every_time_is_refused_and_the_state_is_as_before() {
    let mut stage = Stage::new().await;
    stage.charges.update.lay(999);
    stage.click_is_refused(1, 2, UPDATE).await;
    assert_eq!(stage.restarts(), 2, "it was tried twice");
    assert!(stage.log.lines("panic=\"broken in update\"").len() == 2);
    let lines = stage.quarantines();
    assert!(lines.len() == 1 && lines[0].contains("events=1"), "{lines:?}");
    stage.adds(1, 3, 2).await;
    stage.check_bystander().await;

    // What is stored has none of it either, and the event does not come back.
    let token = stage.client.token.clone();
    stage.store.answer(Answer::Held);
    stage.charges.update.lay(0);
    let second = serve(&stage.store.another(), &stage.charges).await;
    let mut client = second.hello().await;
    assert_eq!(client.resumes(1, &token, 2, 3).await, 3);
    client.click(1, 2, 4, ADD).await;
    assert_eq!(client.frame().await.program, format!("text 1 {COUNT} 3\n"));
}

#[tokio::test]
async fn an_event_that_panics_once_is_tried_again_and_counts() {
    let mut stage = Stage::new().await;
    stage.charges.update.lay(1);
    stage.client.click(1, 1, 2, UPDATE).await;
    let patch = stage.client.frame().await;
    assert_eq!((patch.kind, patch.ack), ("patch", 2), "{patch:?}");
    assert_eq!(patch.program, format!("text 1 {COUNT} 1001\n"), "and only once");
    assert_eq!((stage.restarts(), stage.quarantines().len()), (1, 0));
    stage.check_bystander().await;
}

/// A client that was away when it happened is told when it comes back.
#[tokio::test]
async fn a_refusal_is_not_lost_with_the_socket() {
    let mut stage = Stage::new().await;
    stage.charges.update.lay(999);
    let begun = stage.store.begun_count();
    stage.store.answer(Answer::Held);
    stage.client.click(1, 1, 2, UPDATE).await;
    stage.store.begun(begun + 1).await;
    stage.client.hears_nothing().await;
    let token = stage.client.token.clone();
    let gone = std::mem::replace(&mut stage.client, stage.server.hello().await);
    drop(gone);
    eventually(|| stage.server.runtime.stats().parked == 1).await;
    stage.store.answer(Answer::Well);
    stage.client.resume(1, &token, 1, 1).await;
    let refused = stage.client.frame().await;
    assert_eq!(refused.refused, Some((2, RefusalReason::Failed)), "{refused:?}");
    let joined = stage.client.frame().await;
    assert_eq!((joined.kind, joined.ack), ("joined", 2));
    stage.adds(1, 3, 2).await;
}

#[tokio::test]
async fn what_cannot_be_rendered_is_undone() {
    let mut stage = Stage::new().await;
    let stored = stage.store.stored_count();
    stage.client.click(1, 1, 2, RENDER).await;
    let refused = stage.client.frame().await;
    assert_eq!(refused.refused, Some((2, RefusalReason::Failed)), "{refused:?}");
    let ack = stage.client.frame().await;
    assert_eq!((ack.kind, ack.ack), ("ack", 2), "{ack:?}");
    assert_eq!(stage.restarts(), 1, "what has rendered before does so again");
    assert_eq!(stage.quarantines().len(), 1);
    assert!(stage.store.stored_count() > stored, "which is stored");
    stage.adds(1, 3, 2).await;
    stage.check_bystander().await;
}

#[tokio::test]
async fn a_task_that_panics_changes_nothing() {
    let mut stage = Stage::new().await;
    stage.client.click(1, 1, 2, TASK).await;
    assert_eq!(stage.client.frame().await.kind, "ack");
    let refused = stage.client.frame().await;
    assert_eq!(refused.refused, Some((0, RefusalReason::Failed)), "{refused:?}");
    assert_eq!((stage.restarts(), stage.quarantines().len()), (0, 0));
    assert_eq!(stage.log.lines("transition=\"task-failed\"").len(), 1);
    stage.adds(1, 3, 2).await;
    stage.check_bystander().await;
}

/// A message that no event brought is not tried again, and no event is refused for it.
#[tokio::test]
async fn a_message_of_a_task_that_panics_is_undone() {
    let mut stage = Stage::new().await;
    stage.charges.update.lay(999);
    stage.client.click(1, 1, 2, TASK_THEN_UPDATE).await;
    assert_eq!(stage.client.frame().await.kind, "ack");
    let refused = stage.client.frame().await;
    assert_eq!(refused.refused, Some((0, RefusalReason::Failed)), "{refused:?}");
    assert_eq!((stage.restarts(), stage.quarantines().len()), (1, 0));
    stage.adds(1, 3, 2).await;
    stage.check_bystander().await;
}

/// The machine is in the middle of something then: the page is shown the whole.
#[tokio::test]
async fn a_panic_in_the_drop_of_what_was_rendered_keeps_the_state() {
    let mut stage = Stage::new().await;
    stage.adds(1, 2, 2).await;
    stage.charges.fuse.lay(1);
    // Acknowledges the second version, so that the trees before it are dropped.
    stage.client.click(1, 2, 3, ADD).await;
    let snapshot = loop {
        let frame = stage.client.frame().await;
        if frame.kind == "snapshot" {
            break frame;
        }
        assert!(matches!(frame.kind, "patch" | "ack"), "{frame:?}");
    };
    assert_eq!((snapshot.ack, stage.restarts()), (3, 1));
    assert!(snapshot.program.ends_with(" [3]\n"), "the third click counts: {}", snapshot.program);
    assert_eq!(stage.log.lines("panic=\"broken in the drop of a tree\"").len(), 1);
    stage.check_bystander().await;
}

#[tokio::test]
async fn a_component_that_panics_when_it_is_dropped_takes_nobody_along() {
    let mut stage = Stage::new().await;
    stage.client.click(1, 1, 2, DROP).await;
    assert_eq!(stage.client.frame().await.ack, 2);
    stage.client.send(1, &lightspeed_protocol::frame::ClientFrame::Leave {}).await;
    eventually(|| !stage.log.lines("panicked while it was dropped").is_empty()).await;
    eventually(|| stage.server.runtime.stats().sessions == 1).await;
    assert_eq!(stage.restarts(), 0);
    stage.check_bystander().await;
}

#[tokio::test]
async fn a_panic_in_mount_costs_its_page_and_nothing_else() {
    let mut stage = Stage::new().await;
    stage.charges.mount.lay(1);
    assert_eq!(stage.server.get("/brittle").await.status(), 500);
    assert_eq!(stage.log.lines("broken in mount").len(), 1);
    stage.adds(1, 2, 2).await;
    stage.check_bystander().await;
}

/// Five restarts in ten seconds, and not one more; each event here takes two.
#[tokio::test(start_paused = true)]
async fn one_that_panics_too_often_is_closed_and_not_brought_back() {
    let mut stage = Stage::new().await;
    stage.charges.update.lay(999);
    stage.click_is_refused(1, 2, UPDATE).await;
    stage.click_is_refused(1, 3, UPDATE).await;
    assert_eq!(stage.restarts(), 4);
    // What is long past does not count.
    tokio::time::sleep(Duration::from_secs(11)).await;
    stage.click_is_refused(1, 4, UPDATE).await;
    stage.click_is_refused(1, 5, UPDATE).await;
    assert_eq!(stage.restarts(), 8);
    let id = stage.store.last_id();
    assert!(stage.store.record(id).await.is_some());
    stage.client.click(1, 1, 6, UPDATE).await;
    let Frame { kind, reason, .. } = stage.client.frame().await;
    assert_eq!((kind, reason), ("close", Some(CloseReason::ComponentFailed)));
    assert_eq!(stage.restarts(), 9, "the tenth would have been the sixth");
    let lines = stage.log.lines("reason=\"component-failed\"");
    assert!(lines.len() == 1 && lines[0].contains("broken in update"), "{lines:?}");
    eventually(|| stage.server.runtime.stats().sessions == 1).await;
    assert_eq!(stage.store.record(id).await, None, "its page starts over");
    stage.client.resume(1, &stage.client.token.clone(), 1, 5).await;
    stage.client.closed(1, CloseReason::SessionGone).await;
    stage.check_bystander().await;
}
