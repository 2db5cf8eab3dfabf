//! What `html!` does, as a library and at run time, for `browser-fuzz/` alone.
//!
//! A crate of procedural macros exports nothing else. So that templates which nobody has written are made by the
//! code that ships, checks included, that room compiles these modules a second time, under this root.

#![expect(dead_code, reason = "the places of mistakes and the author's expressions are the macro's alone")]

mod ast;
mod check;
mod errors;
mod names;
mod nesting;
mod parse;
mod template;

#[path = "../../../browser-fuzz/src/evaluate.rs"]
mod evaluate;

pub use evaluate::{Body, Site, Values, compile};
