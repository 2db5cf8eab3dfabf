//! Sessions that are recorded into files.

pub mod recorder;
