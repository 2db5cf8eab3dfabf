//! Sessions that are recorded into files, for `lightspeed replay`.

mod moment;
pub mod recorder;
mod redaction;
mod secrets;
mod settings;
mod writer;
mod writer_thread;
