//! A counter under each policy: what it shows is how often it was clicked.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Extension;
use lightspeed::{Context, Html, Live, LiveRouter, MountError, Policy, Snapshot, html};

/// How often a component was mounted.
#[derive(Clone, Default)]
pub(crate) struct Mounts(Arc<AtomicUsize>);

impl Mounts {
    pub(crate) fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

const RESUMED: u8 = 0;
const REMOUNTED: u8 = 1;
const DURABLE: u8 = 2;

struct Counter<const POLICY: u8> {
    count: u64,
}

impl<const POLICY: u8> Live for Counter<POLICY> {
    type Msg = ();
    type Params = Extension<Mounts>;
    const POLICY: Policy<Self> = match POLICY {
        RESUMED => Policy::resume(),
        REMOUNTED => Policy::remount(),
        _ => Policy::durable(),
    };

    async fn mount(Extension(mounts): Self::Params, _: &mut Context<Self::Msg>) -> Result<Self, MountError> {
        mounts.0.fetch_add(1, Ordering::Relaxed);
        Ok(Self { count: 0 })
    }

    fn update(&mut self, (): (), _: &mut Context<Self::Msg>) {
        self.count += 1;
    }

    fn render(&self) -> Html<()> {
        html! {
            button #inc onclick=(()) { "+" }
            output #count { (self.count) }
        }
    }
}

impl<const POLICY: u8> Snapshot for Counter<POLICY> {
    type State = u64;
    const NAME: &'static str = "counter";

    fn save(&self) -> u64 {
        self.count
    }

    fn load(&mut self, count: u64) {
        self.count = count;
    }
}

/// The path of the counter that goes on after a lost connection, and starts over after a lost server.
pub(crate) const RESUME: &str = "/resume";
/// The path of the counter that starts over after a lost connection.
pub(crate) const REMOUNT: &str = "/remount";
/// The path of the counter that nothing takes back.
pub(crate) const DURABLY: &str = "/durable";

pub(crate) fn pages(router: LiveRouter) -> LiveRouter {
    router
        .live::<Counter<RESUMED>>(RESUME)
        .live::<Counter<REMOUNTED>>(REMOUNT)
        .live::<Counter<DURABLE>>(DURABLY)
}
