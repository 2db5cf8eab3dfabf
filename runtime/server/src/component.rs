//! What an author of a component writes and is given.

pub(crate) mod context;
pub(crate) mod form;
pub(crate) mod live;
pub(crate) mod policy;
pub mod viewport;
