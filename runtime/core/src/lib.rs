//! The server half of Lightspeed without its surroundings: templates, rendered trees, the
//! diff, and the session as a machine that takes inputs and gives outputs.
//!
//! # Layout
//!
//! In the order of a click's way back to the browser:
//!
//! - `author`: what `html!` makes of what an author writes: [`handler`], [`splice`], [`memo`], [`stream`]
//! - `tree`: rendered trees: [`template`], [`html`], [`packed`], [`key`], and what walks over them: [`nesting`],
//!   [`layout`], HTML, values on the wire, digests
//! - `diff`: from two trees to a program
//! - [`session`]: versions, acknowledgements, the patch window; from a slot address to a message
//! - [`host`]: who has a session: which tokens count, who waits, who makes room, who takes over from the store
//! - [`sent_templates`]: which templates a page already has
//!
//! Architecture invariant: no I/O, clock, randomness, thread or async. Time is an argument.
#![no_std]

extern crate alloc;

mod author;
mod diff;
pub mod host;
pub mod sent_templates;
pub mod session;
mod tree;

pub use author::memo::{Memo, MemoList};
pub use author::stream::Stream;
pub use author::{handler, memo, splice, stream};
pub use session::policy::{Cadence, Policy};
pub use session::{Component, Input, Join, Output, Session};
pub use tree::html::Html;
pub use tree::{html, key, layout, nesting, packed, template};

/// What `html!` expands to uses these; nobody else should.
#[doc(hidden)]
pub mod __private {
    pub use alloc::boxed::Box;
    pub use alloc::vec::Vec;

    pub use compact_str::CompactString;
    pub use lightspeed_protocol::template::{EventKind, Namespace};

    pub use crate::handler::{Held, HeldReference, HeldValue, IntoHandler, Messages, captured, event};
    pub use crate::html::{Fragment, Html, Item, Value};
    pub use crate::key::IntoKey;
    pub use crate::memo::{IntoMemoRows, MemoRow};
    pub use crate::nesting::{Placed, Within};
    pub use crate::packed::Packed;
    pub use crate::splice::{
        Splice, SpliceList, SpliceLive, SpliceOption, SpliceOther, SpliceRender, SpliceResult, SpliceText,
    };
    pub use crate::stream::IntoRows;
    pub use crate::template::{Guard, Kind, Reach, ReachKind, Reaches, Slot, Template};
}
