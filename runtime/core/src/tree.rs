//! A rendered tree: instances of templates, the values in their slots, and what walks over them.
//!
//! # Layout
//!
//! - [`template`]: what is known of a piece of HTML at compile time
//! - [`key`]: the identity of an item of a list
//! - [`html`]: instances of templates and the values in their slots
//! - [`packed`]: the items of a list in few allocations
//! - `part`: a memoized part, which trees share
//! - `stream`: the rows of a stream, which the server doesn't keep
//! - `render`, `escape`, `markup`: the tree as HTML
//! - `build`: the tree as values of a program, and as a hydration layout
//! - [`nesting`], [`layout`]: whether a parser keeps the HTML as it is written, and how a client checks that
//! - `visit`, `walks`: how a tree is walked over, and what each walk carries with it
//! - `digest`, `size`: whether a tree looks the same in another process, and how much memory a tree takes

pub(crate) mod build;
pub(crate) mod digest;
pub(crate) mod escape;
pub(crate) mod fields;
pub(crate) mod held;
pub mod html;
pub(crate) mod ids;
pub mod key;
pub mod layout;
mod markup;
pub(crate) mod memos;
pub mod nesting;
pub(crate) mod numbering;
mod pack;
pub mod packed;
pub(crate) mod part;
pub(crate) mod payload;
pub(crate) mod reach;
pub(crate) mod render;
pub(crate) mod size;
pub(crate) mod slot_address;
pub(crate) mod stream;
pub(crate) mod streams;
pub mod template;
pub(crate) mod visit;
pub(crate) mod walks;
