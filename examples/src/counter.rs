//! A number and two buttons: everything that a live component is, and a promise: no click is
//! lost, whatever becomes of the server.
//!
//! ```
//! use lightspeed_examples::counter::Counter;
//!
//! let app: axum::Router = lightspeed::router().live::<Counter>("/counter").into();
//! ```

use lightspeed::{Context, Html, Live, MountError, Policy, Snapshot, html};

/// The state. One value of it lives on the server for each page that is open.
#[derive(Debug, Default)]
pub struct Counter {
    count: i64,
}

/// What can happen to it.
#[derive(Debug, Clone)]
pub enum Msg {
    /// The person clicks +.
    Increment,
    /// The person clicks −.
    Decrement,
}

impl Live for Counter {
    type Msg = Msg;
    type Params = ();
    // Each click is on the disk before the page hears of it.
    const POLICY: Policy<Self> = Policy::durable();

    async fn mount((): (), _: &mut Context<Msg>) -> Result<Self, MountError> {
        Ok(Self::default())
    }

    fn update(&mut self, msg: Msg, _: &mut Context<Msg>) {
        match msg {
            Msg::Increment => self.count = self.count.saturating_add(1),
            Msg::Decrement => self.count = self.count.saturating_sub(1),
        }
    }

    // Rendered again after each message; only what is different travels to the page.
    fn render(&self) -> Html<Msg> {
        html! {
            div.counter {
                button #dec type="button" aria-label="Decrease" onclick=(Msg::Decrement) { "−" }
                output #count for="dec inc" { (self.count) }
                button #inc type="button" aria-label="Increase" onclick=(Msg::Increment) { "+" }
            }
        }
    }
}

impl Snapshot for Counter {
    type State = i64;
    const NAME: &'static str = "counter";

    fn save(&self) -> i64 {
        self.count
    }

    fn load(&mut self, count: i64) {
        self.count = count;
    }
}
