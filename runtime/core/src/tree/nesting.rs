//! Whether what a splice brings may stand where it is.
//!
//! An HTML parser drops a form in a form, ends a paragraph before a block, and moves a `div` out of a table. What is
//! written in one `html!` is checked when it is compiled. What comes together by a splice, or from another component,
//! is looked at here: a slot says which elements are open around it, a template which of its elements must not be
//! in which. Both are bits, made at compile time.
//!
//! In a build with debug assertions a session panics when it renders such a tree, and the message names both places. A
//! release looks at the first page and tells whoever asks: see [`Session::misplaced`](crate::Session::misplaced).

use alloc::sync::Arc;
use core::fmt;
use core::ops::ControlFlow;

use crate::tree::html::{Fragment, Html};
use crate::tree::packed::Cell;
use crate::tree::part::{Keep, Part};
use crate::tree::stream::StreamValue;
pub use crate::tree::template::{Placed, Within};
use crate::tree::template::{Slot, Template};
use crate::tree::visit::{Instance, Visit};

impl Within {
    const fn around(self, outer: u32) -> u32 {
        (outer & self.keeps) | self.opens
    }

    const fn opens(self, bit: u32) -> bool {
        self.opens & (1 << bit) != 0
    }
}

impl Placed {
    /// Those of the bits that are set around the template and must not be.
    ///
    /// What stands in SVG or MathML is itself SVG or MathML: an `a` there ends no `a` of HTML. Only a root stands there, and
    /// only a root minds what the element directly around it is.
    const fn misplaced_in(self, open: u32) -> u32 {
        let is_foreign = self.not_in & PARENTS != 0 && open & FOREIGN != 0;
        self.not_in & open & if is_foreign { FOREIGN | MATHML | HEARS_INPUT } else { u32::MAX }
    }
}

/// What a bit stands for, and what happens to what must not stand there.
const BITS: [(&str, &str); 20] = [
    ("p", "a parser ends the paragraph before it"),
    ("a", "a parser ends the outer one before it"),
    ("nobr", "a parser ends the outer one before it"),
    ("button", "a parser ends the outer one before it"),
    ("form", "a parser drops the inner one; its fields can stand anywhere with `form=\"id\"`"),
    ("li", "a parser ends the `li` before it: put a list around the inner one"),
    ("dd", "a parser ends the `dd` before it"),
    ("dt", "a parser ends the `dt` before it"),
    ("select", "a parser ends the `select` before it"),
    (
        "element with `oninput`",
        "it is edited by a person, and the server would write the same text beside theirs: use a `textarea`",
    ),
    ("heading", "a parser ends the first heading before it"),
    ("option", "a parser ends the `option` before it"),
    ("optgroup", "a parser ends the `optgroup` before it"),
    ("table", "a parser moves it or puts other elements around it: write the table's parts out"),
    ("tbody", "a parser moves it or puts other elements around it: write the table's parts out"),
    ("tr", "a parser moves it out of the row: put it into a `td`"),
    ("colgroup", "a parser ends the `colgroup` before it"),
    (
        "svg or math",
        "a parser ends the `svg` or the `math` before it: put it into a `foreignObject` or an `mtext`",
    ),
    ("element that is no part of a table", "a parser drops it: put the whole table around it"),
    ("math", "a parser reads it as MathML: put it into an `mtext`"),
];

const HEARS_INPUT: u32 = 1 << 9;
/// The bits of a table's parts, in which no text stands.
const TABLE: u32 = 0b1111 << 13;
const FOREIGN: u32 = 1 << 17;
const MATHML: u32 = 1 << 19;
/// The bits that say what the element directly around is.
const PARENTS: u32 = u32::MAX << 10;

/// What a parser would move, drop or close, with both places.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Misplaced {
    /// The element that is in the wrong place, or `text`.
    pub inner: &'static str,
    /// The `html!` that has it: file, line and column.
    pub inner_place: &'static str,
    /// What it must not stand in.
    pub outer: &'static str,
    /// The `html!` that has that.
    pub outer_place: &'static str,
    reason: &'static str,
}

impl fmt::Display for Misplaced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { inner, inner_place, outer, outer_place, reason } = self;
        let outer = Quoted(outer);
        write!(
            f,
            "{} of the `html!` at {inner_place} cannot stand in the {outer} of the `html!` at {outer_place}: {reason}",
            Quoted(inner),
        )
    }
}

/// A name of an element between backticks, any other words as they are.
struct Quoted<'a>(&'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == "text" || self.0.contains(' ') { f.write_str(self.0) } else { write!(f, "`{}`", self.0) }
    }
}

impl<M> Html<M> {
    /// The first thing in it that a parser would move, drop or close because of what is around it.
    pub fn misplaced(&self) -> Option<Misplaced> {
        find(self.root())
    }
}

/// The first thing in the tree that a parser would move, drop or close.
pub(crate) fn find<M>(root: &Fragment<M>) -> Option<Misplaced> {
    Around { open: 0, opener: None }.instance(Instance::Own(root)).break_value()
}

/// Panics when debug assertions are on and something in the tree is misplaced.
pub(crate) fn refuse<M>(root: &Fragment<M>) {
    if cfg!(debug_assertions)
        && let Some(misplaced) = find(root)
    {
        panic!("{misplaced}");
    }
}

/// What is around an instance. It takes no memory but the stack's, so that looking costs no allocation.
#[derive(Clone, Copy)]
struct Around<'a> {
    open: u32,
    opener: Option<&'a Opener<'a>>,
}

/// A slot that the instance is in, and what is around that.
struct Opener<'a> {
    template: &'static Template,
    slot: &'static Slot,
    outer: Option<&'a Self>,
}

impl<'a, M: 'a> Visit<'a, M> for Around<'_> {
    type Found = Misplaced;

    fn instance(&mut self, instance: Instance<'a, M>) -> ControlFlow<Misplaced> {
        let template = instance.template();
        if let Some(placed) = template.placed.iter().find(|placed| placed.misplaced_in(self.open) != 0) {
            return self.blame(placed.tag, template.place, placed.misplaced_in(self.open));
        }
        instance.cells(|_, slot, cell| {
            if !slot.kind.slot_kind().is_content() {
                return ControlFlow::Continue(());
            }
            let opener = Opener { template, slot, outer: self.opener };
            let mut inside = Around { open: slot.within.around(self.open), opener: Some(&opener) };
            match cell {
                Cell::Text(text) if inside.open & TABLE != 0 && !text.trim_ascii().is_empty() => {
                    inside.blame("text", template.place, TABLE)
                }
                Cell::Kept(value) => inside.value(value),
                _ => ControlFlow::Continue(()),
            }
        })
    }

    fn part(&mut self, part: &'a Part<M>, _: Option<&'a Arc<dyn Keep>>) -> ControlFlow<Misplaced> {
        part.read(|fragment| self.instance(Instance::Own(fragment)))
    }

    fn stream(&mut self, stream: &'a StreamValue<M>) -> ControlFlow<Misplaced> {
        stream.visit_rows(self)
    }
}

impl Around<'_> {
    /// Says who opened the first of `bits` that is open.
    fn blame(self, inner: &'static str, inner_place: &'static str, bits: u32) -> ControlFlow<Misplaced> {
        let bit = (bits & self.open).trailing_zeros();
        let Some(&(outer, reason)) = BITS.get(bit as usize) else { return ControlFlow::Continue(()) };
        let mut opener = self.opener;
        while let Some(found) = opener
            && !found.slot.within.opens(bit)
        {
            opener = found.outer;
        }
        let outer_place = opener.map_or("an unknown place", |opener| opener.template.place);
        ControlFlow::Break(Misplaced { inner, inner_place, outer, outer_place, reason })
    }
}
