//! Templates: everything about a piece of HTML that is known when it is compiled.

use lightspeed_protocol::Fingerprint;
use lightspeed_protocol::template::{EventKind, Namespace, SlotKind};

/// The static half of a piece of HTML: `html!` emits one per root, branch arm and loop body.
///
/// The HTML of an instance is `statics[0]`, slot 0, `statics[1]`, slot 1 and so on, so
/// `statics.len() == slots.len() + 1`. Slots are in document order: the attribute-like
/// slots of an element in source order, then those of its children.
#[derive(Debug)]
pub struct Template {
    /// A hash over everything below, nested templates included.
    pub fingerprint: Fingerprint,
    /// What the roots are parsed as.
    pub namespace: Namespace,
    /// How many nodes its roots are, counted as the paths of the slots count them.
    ///
    /// It tells a client that adopts HTML where an instance ends.
    pub roots: u16,
    /// The HTML between the slots.
    pub statics: &'static [&'static str],
    /// The slots, in document order.
    pub slots: &'static [Slot],
    /// Which elements a person may be kept from, of those that handlers are at or in.
    pub reach: Reaches,
    /// What in it must not stand in all places, for [`nesting`](crate::tree::nesting).
    pub placed: &'static [Placed],
    /// Where it is written: file, line and column.
    pub place: &'static str,
}

/// A template without nodes and slots, for tests.
#[cfg(test)]
pub(crate) static EMPTY: Template = Template {
    fingerprint: 1,
    namespace: Namespace::Html,
    roots: 0,
    statics: &[""],
    slots: &[],
    reach: Reaches::new(&[]),
    placed: &[],
    place: "",
};

/// An element of a template that says something about who can act on it.
#[derive(Debug)]
pub struct Reach {
    /// The element, as in [`Slot::path`].
    pub path: &'static [u16],
    /// What it says.
    pub kind: ReachKind,
    /// The slot of the flag or attribute that says so; without one it is always so.
    pub slot: Option<u16>,
}

/// The elements of a template that say something about who can act on them.
#[derive(Debug)]
pub struct Reaches {
    all: &'static [Reach],
    kinds: ReachKinds,
}

impl Reaches {
    /// What the elements say, in document order.
    pub const fn new(all: &'static [Reach]) -> Self {
        let mut kinds = ReachKinds(0);
        let mut index = 0;
        while index < all.len() {
            kinds = kinds.with(all[index].kind);
            index += 1;
        }
        Self { all, kinds }
    }

    pub(crate) const fn all(&self) -> &'static [Reach] {
        self.all
    }

    /// Whether an element says something of one of these kinds. An event asks, and most templates have no such element:
    /// the kinds are summed up when the template is compiled.
    pub(crate) const fn has_any(&self, kinds: ReachKinds) -> bool {
        self.kinds.0 & kinds.0 != 0
    }
}

/// A set of [`ReachKind`]s: a bit for each.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ReachKinds(u16);

impl ReachKinds {
    /// Kinds that keep a person from something, or may do so.
    pub(crate) const BARRIERS: Self = Self(0)
        .with(ReachKind::Disabled)
        .with(ReachKind::Fieldset)
        .with(ReachKind::Hidden)
        .with(ReachKind::Inert)
        .with(ReachKind::Never);

    /// Kinds that say something about the elements within.
    pub(crate) const AROUND: Self = Self(0)
        .with(ReachKind::Fieldset)
        .with(ReachKind::Legend)
        .with(ReachKind::Hidden)
        .with(ReachKind::Inert);

    /// Kinds that keep a person from the element itself, whatever is around it.
    pub(crate) const ITSELF: Self = Self(0).with(ReachKind::Disabled).with(ReachKind::Never);

    const fn with(self, kind: ReachKind) -> Self {
        Self(self.0 | 1 << kind as u16)
    }
}

/// What an element says about who can act on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReachKind {
    /// A control that is disabled: nobody can act on it.
    Disabled,
    /// A `fieldset` that is disabled, and with it the controls in it, but for those in its legend.
    Fieldset,
    /// A `legend`.
    Legend,
    /// `hidden`: nobody can act on what is in it.
    Hidden,
    /// `inert`: the same.
    Inert,
    /// Nobody can ever act on it: `input type="hidden"`.
    Never,
    /// A control with a handler, which only a person who reaches it can act on.
    Control,
    /// A control with a handler, which a label elsewhere activates even if it is hidden.
    Labelled,
    /// A form with a handler, which a button elsewhere may submit.
    Addressed,
}

/// A place in a template where a value goes.
#[derive(Debug)]
pub struct Slot {
    /// What goes there.
    pub kind: Kind,
    /// Child indexes from the instance's list of root nodes to the slot's node.
    ///
    /// Counted in the template's own document: a content slot is one node, a `<!>` is one
    /// node. For content it is the slot's anchor, otherwise the element.
    pub path: &'static [u16],
    /// What is around its content within the template.
    pub within: Within,
}

/// What the text of an attribute must not be, because a browser would run it.
///
/// What is refused becomes `about:invalid`, all of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guard {
    /// It is text, and may be anything.
    Text,
    /// A URL that is followed: no `javascript:` one.
    Url,
    /// A URL whose content runs, or is shown as a document of its own: no `data:` one either.
    Code,
    /// URLs with spaces or commas between them (`srcset`, `ping`), none a `javascript:` one.
    Tokens,
    /// Values of an SVG animation with semicolons between them, each of which may become a URL of another element.
    Values,
}

/// What goes into a slot, with what is known of it at compile time.
#[derive(Debug)]
pub enum Kind {
    /// `(expr)`: text, a fragment, or raw HTML.
    Splice,
    /// `name=(expr)` and `name=[option]`.
    Attribute {
        /// The attribute's name.
        name: &'static str,
        /// What its value must not be.
        guard: Guard,
    },
    /// `name[condition]`.
    Flag {
        /// The attribute's name.
        name: &'static str,
    },
    /// `.name[condition]`.
    Class {
        /// The class.
        name: &'static str,
    },
    /// `value=(expr)` of an `input`, or the content of a `textarea`.
    Property {
        /// The property's name: `value`.
        name: &'static str,
        /// The element's literal `name` attribute, by which a form's payload names it.
        field: Option<&'static str>,
        /// Whether the first HTML carries it as the element's content (`textarea`).
        is_content: bool,
    },
    /// `checked[condition]`, `selected[condition]`.
    BoolProperty {
        /// The property's name.
        name: &'static str,
    },
    /// `onclick=(message)`.
    Handler {
        /// The event that it handles.
        event: EventKind,
    },
    /// `@if`, `@match`.
    Branch {
        /// The templates of the arms.
        arms: &'static [&'static Template],
    },
    /// `@for`, `@while`.
    List {
        /// The template of the body.
        item: &'static Template,
    },
}

impl Kind {
    /// Whether it is a field's: what a person may change.
    pub(crate) const fn is_field(&self) -> bool {
        matches!(self, Self::Property { .. } | Self::BoolProperty { .. })
    }

    /// Whether it is a choice's: what a click may change.
    pub(crate) const fn is_choice(&self) -> bool {
        matches!(self, Self::BoolProperty { .. })
    }

    /// The kind as it travels.
    pub const fn slot_kind(&self) -> SlotKind {
        match self {
            Self::Splice => SlotKind::Splice,
            Self::Attribute { .. } => SlotKind::Attribute,
            Self::Flag { .. } => SlotKind::Flag,
            Self::Class { .. } => SlotKind::Class,
            Self::Property { .. } => SlotKind::Property,
            Self::BoolProperty { .. } => SlotKind::BoolProperty,
            Self::Handler { .. } => SlotKind::Handler,
            Self::Branch { .. } => SlotKind::Branch,
            Self::List { .. } => SlotKind::List,
        }
    }
}

/// What the elements between a template's root and a slot do to what is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Within {
    pub(super) keeps: u32,
    pub(super) opens: u32,
}

impl Within {
    /// Directly among the roots.
    pub const ROOT: Self = Self { keeps: u32::MAX, opens: 0 };

    /// The bits that stay as they are around the template, and those that it sets.
    pub const fn new(keeps: u32, opens: u32) -> Self {
        Self { keeps, opens }
    }
}

/// An element of a template, or a text, that must not stand in all places.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Placed {
    /// The element's name, or `text`.
    pub tag: &'static str,
    /// The bits that must not be set around the template.
    pub not_in: u32,
}
