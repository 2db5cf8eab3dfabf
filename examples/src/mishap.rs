//! What a panic comes to: its own session, and nothing else.
//!
//! Two counters stand on one page, and each has a button that panics. One is stored: it goes on
//! from its last good state, in the document that is there. The other one is not, and starts over.
//! Either way the page says what happened, and the counter beside it never hears of it.

use axum::Router;
use axum::extract::State;
use axum::http::request::Parts;
use axum::routing::get;
use lightspeed::{Config, Context, Html, Live, MountError, Policy, Runtime, Snapshot, html};

use crate::layout;

/// The title of the page.
pub const TITLE: &str = "Mishap";

/// The page, with a runtime of its own for its two components; `config` says where the stored one is.
pub fn app(config: Config) -> Router {
    let runtime = Runtime::new(config.with_prefix("/mishap/lightspeed"));
    runtime.restore_with::<Stored, _, _>(async |_| Ok(()));
    Router::new().route("/mishap", get(page)).merge(runtime.router()).with_state(runtime)
}

async fn page(
    State(runtime): State<Runtime>,
    head: Parts,
) -> Result<axum::response::Html<String>, MountError> {
    let stored = runtime.mount_for::<Stored>((), &head).await?;
    let fleeting = runtime.mount_for::<Fleeting>((), &head).await?;
    let views = maud::html! {
        div.columns {
            section.card aria-labelledby="stored" { h2 #stored { "This one is stored" } (stored) }
            section.card aria-labelledby="fleeting" { h2 #fleeting { "This one is not" } (fleeting) }
        }
    };
    Ok(axum::response::Html(layout::example(TITLE, &runtime.head(), &views).into_string()))
}

#[derive(Clone)]
enum Msg {
    Increment,
    Panic,
}

/// A counter whose state is stored.
#[derive(Default)]
struct Stored {
    count: u32,
}

impl Live for Stored {
    type Msg = Msg;
    type Params = ();
    const POLICY: Policy<Self> = Policy::durable();

    async fn mount((): (), _: &mut Context<Msg>) -> Result<Self, MountError> {
        Ok(Self::default())
    }

    fn update(&mut self, msg: Msg, _: &mut Context<Msg>) {
        step(&mut self.count, &msg);
    }

    fn render(&self) -> Html<Msg> {
        counter("stored", self.count)
    }
}

impl Snapshot for Stored {
    type State = u32;
    const NAME: &'static str = "mishap";

    fn save(&self) -> u32 {
        self.count
    }

    fn load(&mut self, count: u32) {
        self.count = count;
    }
}

/// A counter that is as long as nothing happens to it.
#[derive(Default)]
struct Fleeting {
    count: u32,
}

impl Live for Fleeting {
    type Msg = Msg;
    type Params = ();

    async fn mount((): (), _: &mut Context<Msg>) -> Result<Self, MountError> {
        Ok(Self::default())
    }

    fn update(&mut self, msg: Msg, _: &mut Context<Msg>) {
        step(&mut self.count, &msg);
    }

    fn render(&self) -> Html<Msg> {
        counter("fleeting", self.count)
    }
}

/// Leaves the count half changed when it panics: nobody must see that.
fn step(count: &mut u32, msg: &Msg) {
    match msg {
        Msg::Increment => *count += 1,
        Msg::Panic => {
            *count += 1_000;
            panic!("the button was pressed that panics");
        }
    }
}

fn counter(name: &str, count: u32) -> Html<Msg> {
    html! {
        div.counter {
            output #{ (name) "-count" } { (count) }
            button #{ (name) "-inc" } type="button" aria-label="Increase" onclick=(Msg::Increment) { "+" }
            button #{ (name) "-panic" }.panic type="button" onclick=(Msg::Panic) { "Panic" }
        }
    }
}
