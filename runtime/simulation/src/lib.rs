//! Sessions and clients, the very code that ships, in a world that a seed decides.
//!
//! No thread, no clock, no I/O: everything that happens follows from the seed, so that what
//! went wrong once goes wrong again. What must hold is the contract of `docs/guarantees.md`, C1 to C10.
//!
//! - `app`: the component that all sessions run
//! - `server`: a server: the decisions of `lightspeed_core::host`, and a shell around them
//! - `store`: the store that servers share
//! - `page`: the client that ships, its document, and a person
//! - `world`: a run, and all that happens in it: people, faults, time, the network; and the checks
//! - `shrink`: from a failure to the little that it needs
//! - `random`: numbers that a seed decides

extern crate lightspeed_core as lightspeed;

mod app;
mod page;
mod random;
mod server;
mod shrink;
mod store;
mod world;

pub use shrink::shrink;
pub use world::{Failure, Plan, Report};

/// Lets the component panic in silence: it does so on purpose, and often.
pub fn quiet_panics() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        let text = info.payload_as_str().unwrap_or_default();
        if !text.starts_with(app::PANIC) {
            usual(info);
        }
    }));
}
