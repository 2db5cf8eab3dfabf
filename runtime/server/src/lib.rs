//! Server-driven live UI: components that live on the server and are shown by browsers.
//!
//! A component is a struct, the messages that it understands and a `render`. Each browser
//! session of it is one supervised actor. When its state changes, the runtime sends the
//! difference between what is shown and what should be shown as a small program, over one
//! socket per page, to a client that applies it to exactly the nodes that changed.
//!
//! ```no_run
//! use lightspeed::{Context, Html, Live, MountError, html};
//!
//! struct Counter { count: i64 }
//!
//! #[derive(Clone)]
//! enum Msg { Increment, Decrement }
//!
//! impl Live for Counter {
//!     type Msg = Msg;
//!     type Params = ();
//!
//!     async fn mount((): (), _: &mut Context<Msg>) -> Result<Self, MountError> {
//!         Ok(Self { count: 0 })
//!     }
//!
//!     fn update(&mut self, msg: Msg, _: &mut Context<Msg>) {
//!         match msg {
//!             Msg::Increment => self.count += 1,
//!             Msg::Decrement => self.count -= 1,
//!         }
//!     }
//!
//!     fn render(&self) -> Html<Msg> {
//!         html! {
//!             button onclick=(Msg::Decrement) { "-" }
//!             output { (self.count) }
//!             button onclick=(Msg::Increment) { "+" }
//!         }
//!     }
//! }
//!
//! #[tokio::main]
//! async fn main() -> std::io::Result<()> {
//!     let app = axum::Router::new()
//!         .route("/about", axum::routing::get(|| async { "A counter." }))
//!         .merge(lightspeed::router().live::<Counter>("/"));
//!     let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
//!     lightspeed::serve(listener, app).await
//! }
//! ```
//!
//! To put components into pages of your own, see [`Runtime`].
//!
//! # Layout
//!
//! The way of the data: a request for a page, the session that it mounts, the page's socket, what is stored
//! and recorded. Each part uses only those below it.
//!
//! - `routing`: which component a path shows, and the document around it
//! - `runtime`: joins the parts, each of which is handed what it needs
//! - `socket`: a page's socket. `upgrade` checks its `origin` and lets it in (`status`), `open` greets it,
//!   `reader` brings frames to sessions, `writer` brings theirs out, `deflate` compresses them, `fault` says
//!   how a socket ends
//! - `session`: who has a session, and how it runs
//!     - `mount`: a component is mounted for a page; `join`: a socket finds its session by a `token`;
//!       `restore`: a session comes back from the store; `drain`: all are handed over when the server ends
//!     - `registry`: session id to actor; who waits for a socket, and for how long
//!     - `actors`, `supervisor`: start the actors and outlive them; `start`, `surroundings`: what an actor is given
//!     - `mailbox`, `actor`: the session machine of `lightspeed-core` in its shell; `rate_limit`: how many
//!       events it takes
//!     - `outbox`: what waits for the socket; `retry`: how long a client whose session ends stays away
//! - `component`: what an author implements and is given: `live`, `policy`, `context`, `form`, and
//!   [`viewport`] for long lists of which a page holds what is seen
//! - `http`: the server itself: `serve` accepts connections, `admission` bounds them, `progress` counts what
//!   arrives; `host`, `identity` and `visit`: whom a request is for, whom it is from, what its response says;
//!   `assets`: the browser client
//! - `config`: what an operator sets
//! - `recording`: `recorder` writes sessions into files, for `lightspeed replay`
//! - `storage`: a session is written down by its `persister` as an `envelope`, sealed, into a [`store`]
//! - `operations`: what every part uses: `crew`, the threads that run what authors wrote, and who watches over them;
//!   [`telemetry`], `clock`, `entropy`, `shutdown`, `panics`
//! - `id`, [`limits`]: the name of a session, and every bound
//!
//! Architecture invariant: nothing here knows how a session works. Frames are routed by
//! their session number, and whatever happens to one is an input of the session machine,
//! which has no clock, no I/O and no tasks.
//!
//! # Features
//!
//! None is a default.
//!
//! - `recording`: `Config::with_recording` writes sessions into files for `lightspeed replay`; `Recording`
//!   says which, and `recorder` has the parts. Each recorded session takes a document in memory
//! - `garde`: `Form::validated` checks a form by its [garde](https://docs.rs/garde) rules, whose
//!   report becomes messages beside the fields
//! - `sqlite`: `store::SqliteStore` keeps sessions in a file, so that they outlive the server
//!
//! # Panics
//!
//! A panic in a component ends its own session, and with `panic = "abort"` it would end the process: the
//! crate doesn't compile with that. What doesn't unwind, as a second panic in a `Drop` or a stack that
//! overflows, ends the process: `docs/guarantees.md` says how to run more than one.

#[cfg(panic = "abort")]
compile_error!(
    "lightspeed is built with panic = \"abort\", so that a panic in one component would end the process with every \
     session in it: take `panic = \"abort\"` out of the profile in Cargo.toml, or `-C panic=abort` out of RUSTFLAGS"
);

/// `html!` names the crate that it is used from outside of.
#[cfg(test)]
extern crate self as lightspeed;

mod component;
mod config;
mod http;
mod id;
pub mod limits;
mod operations;
mod recording;
mod routing;
mod runtime;
mod session;
mod socket;
mod storage;
#[cfg(test)]
mod tests;

pub use component::context::{Adapter, Asked, Context, Task};
pub use component::form::{FieldErrors, Form};
pub use component::live::{Live, MountError};
pub use component::policy::{MigrateError, OldState, Policy, Snapshot};
pub use component::viewport;
pub use config::Config;
pub use http::assets::Assets;
pub use http::serve::{Listener, Server, serve};
pub use http::visit::{VisitLayer, VisitService};
pub use operations::telemetry;
#[cfg(feature = "recording")]
pub use recording::recorder::{self, Recording};
pub use routing::page::{LiveRouter, Page, router};
pub use runtime::Runtime;
pub use session::mount::Mounted;
pub use session::registry::Stats;
pub use storage::store;

pub use lightspeed_core::Html;
pub use lightspeed_core::handler::{Event, FromPayload, IntoHandler, Key, PayloadError, event};
pub use lightspeed_core::key::IntoKey;
pub use lightspeed_core::memo::{self, Memo, MemoList};
pub use lightspeed_core::stream::{self, Stream};
pub use lightspeed_macros::html;
pub use maud::PreEscaped;

pub use axum;
pub use maud;

#[doc(hidden)]
pub use lightspeed_core::__private;

/// For measurements: what a socket sends for a frame.
#[doc(hidden)]
pub use socket::deflate::message as __message;
