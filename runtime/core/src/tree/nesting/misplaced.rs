//! What must not stand in what, and who opened it.

use core::fmt;
use core::ops::ControlFlow;

use crate::tree::template::{Placed, Slot, Template, Within};

impl Within {
    pub(super) const fn around(self, outer: u32) -> u32 {
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
    pub(super) const fn misplaced_in(self, open: u32) -> u32 {
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
pub(super) const TABLE: u32 = 0b1111 << 13;
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

/// What is around an instance. It takes no memory but the stack's, so that looking costs no allocation.
#[derive(Clone, Copy)]
pub(crate) struct Around<'a> {
    pub(super) open: u32,
    pub(super) opener: Option<&'a Opener<'a>>,
}

/// A slot that the instance is in, and what is around that.
pub(super) struct Opener<'a> {
    pub(super) template: &'static Template,
    pub(super) slot: &'static Slot,
    pub(super) outer: Option<&'a Self>,
}

impl Around<'_> {
    /// Says who opened the first of `bits` that is open.
    pub(super) fn blame(
        self,
        inner: &'static str,
        inner_place: &'static str,
        bits: u32,
    ) -> ControlFlow<Misplaced> {
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
