//! What Lightspeed's own tests and measurements need beyond `lightspeed-test`.
//!
//! - [`recording`]: a session as text, and run again
//! - [`vectors`]: reads `specs/vectors`
//! - `native`: visitors over real sockets, and the processes that they visit; the feature of that name

#[cfg(feature = "native")]
pub mod native;
pub mod recording;
pub mod vectors;

pub use lightspeed_test::{Page, Passed};
