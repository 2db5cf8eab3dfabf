//! Visitors without a browser, and the processes that they visit.
//!
//! A [`Visitor`] is a page over real sockets: it runs [`lightspeed_interpreter::Client`], the
//! very machine that a browser loads, and does what `client-js` does for it. It costs one task
//! and some kilobytes, so that thousands fit into one process.
//!
//! # Layout
//!
//! - [`visitor`]: a person with a page open, who clicks, waits and looks
//! - [`shown`]: what that page shows
//! - [`inflate`]: compressed messages
//! - [`network`]: what its connections are made of
//! - [`process`]: a server as a process of its own, which may be killed
//! - [`fleet`]: several of them behind HAProxy, restarted one after the other
//!
//! All of it is for tests and measurements on one Unix machine.

mod documents;
mod errors;
pub mod fleet;
mod http;
pub mod inflate;
pub mod network;
pub mod process;
pub mod shown;
mod socket;
pub mod visitor;

pub use errors::{NotTaken, OpenError, WaitError};
pub use fleet::{Balance, Fleet};
pub use network::{Connecting, Connection, Network};
pub use process::{ProcessConfig, ProcessError, ServerProcess};
pub use shown::Shown;
pub use visitor::{Visitor, VisitorConfig};
