//! The client half of Lightspeed without its surroundings: what a browser does with frames,
//! as plain values.
//!
//! # Layout
//!
//! In the order in which a patch passes:
//!
//! - [`client`]: the page's link and sessions, a machine that takes inputs and gives outputs
//! - [`templates`]: the templates that the page knows
//! - [`interpret`](mod@interpret): decodes and validates a program: all of it or none
//! - [`tree`]: which instances there are and where
//! - [`document`]: what an interpreter tells a document, and the trait that documents implement
//! - [`memory`]: a document without a browser, for tests and native clients
//! - [`recording`]: reads recorded sessions and follows what their clients showed
//!
//! The rules are in `specs/isa.md`, `specs/session.md` and `specs/recording.md`.
//!
//! Architecture invariant: no I/O, clock, randomness, thread or async; time and seeds are
//! arguments. Nothing here knows a browser.
#![no_std]

extern crate alloc;

pub mod client;
pub mod document;
pub mod interpret;
pub mod memory;
pub mod recording;
pub mod templates;
pub mod tree;

pub use client::{Client, ClientOutput, LinkState};
pub use document::{Address, Change, Document};
pub use interpret::{ProgramError, interpret};
pub use memory::MemoryDocument;
pub use templates::{TemplateShape, Templates};
pub use tree::Tree;
