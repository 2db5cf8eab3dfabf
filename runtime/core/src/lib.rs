//! The server half of Lightspeed without its surroundings: templates, rendered trees, the
//! diff, and the session as a machine that takes inputs and gives outputs.
//!
//! # Layout
//!
//! In the order of a click's way back to the browser:
//!
//! - [`template`]: what is known of a piece of HTML at compile time
//! - [`html`]: instances of templates and the values in their slots
//! - [`nesting`]: whether what a splice brings may stand where it is
//! - [`packed`]: the items of a list in few pieces of memory
//! - [`splice`], [`key`], [`handler`]: what an author may put into a slot
//! - [`render`](html::Html::to_html): an instance as a string
//! - `diff`, `build`: from two trees to a program, and new instances within it
//! - [`memo`]: parts that are rendered again only when what they depend on has changed
//! - [`stream`]: lists whose rows are not kept
//! - `digest`: whether a tree looks the same in another process
//! - [`session`]: versions, acknowledgements, the patch window; from a slot address to a message
//! - [`host`]: who has a session: which tokens count, who waits, who makes room, who takes over from the store
//! - [`sent_templates`]: which templates a page already has
//!
//! Architecture invariant: no I/O, clock, randomness, thread or async. Time is an argument.
#![no_std]

extern crate alloc;

mod build;
mod diff;
mod digest;
pub mod handler;
pub mod host;
pub mod html;
pub mod key;
pub mod layout;
mod markup;
pub mod memo;
pub mod nesting;
pub mod packed;
mod render;
pub mod sent_templates;
pub mod session;
mod size;
pub mod splice;
pub mod stream;
pub mod template;

pub use html::Html;
pub use memo::{Memo, MemoList};
pub use session::policy::{Cadence, Policy};
pub use session::{Component, Input, Join, Output, Session};
pub use stream::Stream;

/// [`sent_templates`] by the name that other crates have for it.
#[doc(hidden)]
pub mod ledger {
    pub use crate::sent_templates::{SentTemplates as TemplateLedger, TemplateUse, template_html};
}

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
