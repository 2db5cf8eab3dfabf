//! The whole server over real sockets, driven by a client that builds its frames by hand.
#![allow(clippy::unwrap_used, reason = "these are tests, helpers included")]

mod admission;
mod common;
mod compression;
mod honest;
mod hostile;
mod hosts;
mod page;
mod panics;
mod raw;
mod server;
mod session;
mod slow;
