//! Sessions that outlive sockets, servers and panics, over real sockets: stored, fenced, bounded, handed
//! over, restarted, and told of.
#![allow(missing_docs, clippy::unwrap_used, reason = "these are tests, helpers included")]

#[path = "../live/common.rs"]
#[allow(dead_code, reason = "the helpers are those of another test, which uses the rest")]
mod common;

mod drain;
mod durable;
mod faulty;
mod fencing;
mod identity;
mod limits;
mod rehydrate;
mod restore;
mod supervision;
mod tally;
mod telemetry;
