//! The gallery's next build: what it stores has another schema, and it goes on with what the gallery
//! before it has stored. The browser tests put it in that one's place.

use std::process::ExitCode;

use lightspeed::{Context, Html, Live, MigrateError, MountError, OldState, Policy, Snapshot, html};
use lightspeed_examples::chat::Chat;
use lightspeed_examples::contacts::Contacts;
use lightspeed_examples::counter::Counter;
use lightspeed_examples::gallery;
use lightspeed_examples::rows::Rows;
use lightspeed_examples::viewport::Table;
use serde::{Deserialize, Serialize};

#[tokio::main]
async fn main() -> ExitCode {
    gallery::main(|pages| {
        pages
            .live::<Next<Counter, false>>("/counter")
            .live::<Next<Contacts, true>>("/contacts")
            .live::<Rows>("/rows")
            .live::<Chat>("/chat")
            .live::<Table>("/viewport")
    })
    .await
}

/// An example that also counts what has happened since this build took over, and shows that if it `SHOWS` it:
/// then its page is another than before.
struct Next<C, const SHOWS: bool> {
    example: C,
    step: u32,
}

/// What is stored. The build before stored the example's own state alone.
#[derive(Serialize, Deserialize)]
struct State<S> {
    example: S,
    step: u32,
}

impl<C: Snapshot, const SHOWS: bool> Live for Next<C, SHOWS> {
    type Msg = C::Msg;
    type Params = C::Params;
    const POLICY: Policy<Self> = Policy::durable();

    async fn mount(params: C::Params, cx: &mut Context<C::Msg>) -> Result<Self, MountError> {
        Ok(Self { example: C::mount(params, cx).await?, step: 0 })
    }

    fn update(&mut self, msg: C::Msg, cx: &mut Context<C::Msg>) {
        self.example.update(msg, cx);
        self.step += 1;
    }

    fn render(&self) -> Html<C::Msg> {
        if !SHOWS {
            return self.example.render();
        }
        html! {
            (self.example.render())
            p #step { "Steps of this build: " (self.step) }
        }
    }

    fn title(&self) -> String {
        self.example.title()
    }
}

impl<C: Snapshot, const SHOWS: bool> Snapshot for Next<C, SHOWS> {
    type State = State<C::State>;
    const NAME: &'static str = C::NAME;
    const SCHEMA: u32 = C::SCHEMA + 1;

    fn save(&self) -> Self::State {
        State { example: self.example.save(), step: self.step }
    }

    fn load(&mut self, state: Self::State) {
        self.example.load(state.example);
        self.step = state.step;
    }

    fn migrate(schema: u32, old: OldState<'_>) -> Result<Self::State, MigrateError> {
        if schema == C::SCHEMA {
            Ok(State { example: old.decode()?, step: 0 })
        } else {
            Err(MigrateError::unknown(schema))
        }
    }
}
