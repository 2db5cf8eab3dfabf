//! Measurements of Lightspeed, printed from real frames, and the generated parts of its
//! specification. `bench/README.md` says how to run and read them.
//!
//! - `cargo run -p lightspeed-bench --bin generate` writes the tables of `specs/` and the
//!   vectors' frames, from the tables in the code
//! - `cargo run -p lightspeed-bench --bin wire` prints bytes down and up for every
//!   operation of the counter and the rows, and the client's size
//! - `cargo run --release -p lightspeed-bench --bin server` prints what a server does for each
//!   operation, stage by stage, beside maud and Dioxus
//! - `cargo run --release -p lightspeed-bench --bin load` has many pages click over real sockets, beside
//!   a bare WebSocket echo
//! - `cargo run --release -p lightspeed-gate` (`bench/gate`) compares what doesn't drift with `limits.toml`:
//!   bytes, instructions, allocations
//! - `cargo run --release -p lightspeed-bench --bin storm` has thousands of visitors lose a
//!   server, or their sockets, at once, and prints how long it takes until all are back
//! - `cargo run --release -p lightspeed-bench --bin roll` restarts servers behind a proxy one
//!   after the other while visitors click, and prints what became of the clicks
//! - `cargo run --release -p lightspeed-bench --bin bystanders` has some sessions panic all the
//!   time, and prints how long the clicks of others take with and without them
//! - `cargo run --release -p lightspeed-bench --bin memory` prints what a session takes in the server's memory

pub mod children;
pub mod crowd;
pub mod gallery;
pub mod joined;
pub mod limits;
pub mod load;
pub mod machine;
pub mod memory;
pub mod pages;
pub mod peers;
pub mod report;
pub mod results;
pub mod siege;
pub mod specification;
pub mod wire;
