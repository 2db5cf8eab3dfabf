//! The HTTP server: connections, the requests that come over them, and what their responses say.

pub(crate) mod admission;
pub(crate) mod assets;
pub(crate) mod host;
pub(crate) mod progress;
pub(crate) mod serve;
pub(crate) mod visit;
