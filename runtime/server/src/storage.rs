//! Sessions that are stored, so that they outlive their server.

pub(crate) mod envelope;
pub(crate) mod persister;
pub(crate) mod seal;
pub mod store;
pub(crate) mod stored;
