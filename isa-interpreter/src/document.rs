//! What an interpreter tells a document.

use lightspeed_protocol::msgpack::Text;
use lightspeed_protocol::{Fingerprint, InstanceId, SlotIndex};

use crate::templates::TemplateShape;

/// A slot of an instance in a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Address {
    /// The instance.
    pub instance: InstanceId,
    /// The slot of its template.
    pub slot: SlotIndex,
}

/// One change, or one part of a build.
///
/// [`Change::Build`] and [`Change::Root`] are followed by instances: an
/// [`Change::Instance`] and then, for each slot of its template in order, exactly one of
/// the `Value..` or [`Change::Children`]; nothing for handlers. The instances of a
/// [`Change::Children`] follow it at once, depth first. When the root is adopted, only
/// content slots follow, each as [`Change::Children`] or [`Change::AdoptedRaw`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change<'a> {
    /// A splice that holds text gets another.
    Text {
        /// The splice.
        at: Address,
        /// Its text.
        text: Text<'a>,
    },
    /// A part of the text of a splice is replaced. Positions are UTF-16 code units;
    /// what lies beyond the end is cut to it.
    Splice {
        /// The splice.
        at: Address,
        /// Where the part starts.
        start: u32,
        /// How long it is.
        delete: u32,
        /// What stands there instead.
        insert: &'a str,
    },
    /// An attribute or a string property.
    Attribute {
        /// Its slot.
        at: Address,
        /// Its value; `None` removes it.
        text: Option<Text<'a>>,
    },
    /// A flag, a class or a boolean property.
    Flag {
        /// Its slot.
        at: Address,
        /// Whether it is there.
        on: bool,
    },
    /// An empty splice gets raw HTML.
    Html {
        /// The splice.
        at: Address,
        /// The HTML.
        html: &'a str,
    },
    /// A content slot loses all that it holds.
    Empty {
        /// The slot.
        at: Address,
    },
    /// Instances follow, for a content slot.
    Build {
        /// The slot.
        at: Address,
        /// The instance in the slot that they stand before; 0 for the end.
        before: InstanceId,
        /// How many.
        count: u32,
    },
    /// One instance follows: the whole document.
    Root {
        /// Whether the page holds its HTML already.
        is_adopted: bool,
    },
    /// Begins an instance.
    Instance {
        /// Its id.
        id: InstanceId,
        /// Its template.
        template: Fingerprint,
    },
    /// The text of a splice, an attribute or a string property; `None` is absent or empty.
    ValueText(Option<Text<'a>>),
    /// A flag, a class or a boolean property.
    ValueFlag(bool),
    /// The raw HTML of a splice.
    ValueHtml(&'a str),
    /// How many instances a content slot holds.
    Children(u32),
    /// An adopted splice that holds raw HTML, between `<!--[-->` and `<!--]-->`.
    AdoptedRaw,
    /// An item of a list moves within it.
    Move {
        /// The item.
        instance: InstanceId,
        /// The item that it then stands before; 0 for the end.
        before: InstanceId,
    },
    /// An item of a list goes.
    Remove {
        /// The item.
        instance: InstanceId,
    },
    /// The page is asked for something, behind all changes.
    Effect {
        /// A code of the page effects ([`lightspeed_protocol::isa::EffectKind`]); one that isn't known asks for nothing.
        kind: u32,
        /// What it is about.
        name: &'a str,
        /// What else it says.
        data: &'a str,
    },
}

/// Something that holds a page's documents, one for each session.
///
/// Changes are recorded as they come and take effect at [`Document::commit`], so that a
/// program whose end is invalid has no effect at all.
pub trait Document {
    /// A template is known, or its HTML has become known.
    fn define(&mut self, fingerprint: Fingerprint, template: &TemplateShape);

    /// A program for a session begins. `ack` is the last event that the server had handled.
    fn begin(&mut self, session: u32, ack: u64);

    /// Records a change.
    fn change(&mut self, change: Change<'_>);

    /// The program is valid: every change since [`Document::begin`] takes effect.
    fn commit(&mut self);

    /// The program is invalid: the changes since [`Document::begin`] are forgotten.
    fn discard(&mut self);
}
