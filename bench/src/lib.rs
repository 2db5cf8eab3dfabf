//! Measurements of Lightspeed, printed from real frames, and the generated parts of its
//! specification.
//!
//! - `cargo run -p lightspeed-bench --bin generate` writes the tables of `specs/` and the
//!   vectors' frames, from the tables in the code
//! - `cargo run -p lightspeed-bench --bin wire` prints bytes down and up for every
//!   operation of the counter and the rows, and the client's size

pub mod specification;
