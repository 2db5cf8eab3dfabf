//! Sessions that are stored, so that they outlive their server.

pub(crate) mod persister;
pub mod store;
