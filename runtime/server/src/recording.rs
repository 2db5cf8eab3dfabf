//! Sessions that are recorded into files, for `lightspeed replay`; the feature `recording`.

#[cfg(feature = "recording")]
mod moment;
#[cfg(feature = "recording")]
pub mod recorder;
/// What sessions call when nothing can be recorded.
#[cfg(not(feature = "recording"))]
#[path = "recording/absent.rs"]
pub(crate) mod recorder;
#[cfg(feature = "recording")]
mod redaction;
#[cfg(feature = "recording")]
mod secrets;
#[cfg(feature = "recording")]
mod settings;
#[cfg(feature = "recording")]
mod writer;
#[cfg(feature = "recording")]
mod writer_thread;
