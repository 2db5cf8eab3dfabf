//! What the fuzz targets share.
//!
//! # Layout
//!
//! - [`wire`]: everything that knows a frame's fields; a change of the wire is a change there
//! - [`checked`]: a document that holds an interpreter to the grammar of its changes
//! - [`vectors`]: the vectors of `specs/vectors`, and a document that one has brought into being
//! - [`script`]: a client's day as bytes: messages, events, times, opens and closes
//! - [`board`]: a component with everything that a place can be
//! - [`stored`]: a component whose state is any bytes, and its checkpoints
//!
//! The targets are in `fuzz_targets/`, one law or a few each; `examples/seeds.rs` writes the
//! corpora that they start from.

// The name under which `html!` finds what it expands to.
extern crate lightspeed_core as lightspeed;

pub mod board;
pub mod checked;
pub mod script;
pub mod stored;
pub mod vectors;
pub mod wire;
