//! Whether what a splice brings may stand where it is.
//!
//! An HTML parser drops a form in a form, ends a paragraph before a block, and moves a `div` out of a table. What is
//! written in one `html!` is checked when it is compiled. What comes together by a splice, or from another component,
//! is looked at here: a slot says which elements are open around it, a template which of its elements must not be
//! in which. Both are bits, made at compile time.
//!
//! In a build with debug assertions a session panics when it renders such a tree, and the message names both places. A
//! release looks at the first page and tells whoever asks: see [`Session::misplaced`](crate::Session::misplaced).

use core::fmt;

use crate::tree::html::{Fragment, Html, Item, Value};
use crate::tree::packed::Cell;
use crate::tree::template::{Kind, Slot, Template};

/// What the elements between a template's root and a slot do to what is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Within {
    keeps: u32,
    opens: u32,
}

impl Within {
    /// Directly among the roots.
    pub const ROOT: Self = Self { keeps: u32::MAX, opens: 0 };

    /// The bits that stay as they are around the template, and those that it sets.
    pub const fn new(keeps: u32, opens: u32) -> Self {
        Self { keeps, opens }
    }

    const fn around(self, outer: u32) -> u32 {
        (outer & self.keeps) | self.opens
    }

    const fn opens(self, bit: u32) -> bool {
        self.opens & (1 << bit) != 0
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
    in_fragment(root, Around { open: 0, opener: None })
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

fn in_fragment<M>(fragment: &Fragment<M>, around: Around<'_>) -> Option<Misplaced> {
    in_instance(fragment.template, fragment.cells(), around)
}

fn in_instance<'a, M: 'a>(
    template: &'static Template,
    cells: impl Iterator<Item = Cell<'a, &'a Value<M>>>,
    around: Around<'_>,
) -> Option<Misplaced> {
    let misplaced = template.placed.iter().find(|placed| placed.misplaced_in(around.open) != 0);
    if let Some(placed) = misplaced {
        return around.blame(placed.tag, template.place, placed.misplaced_in(around.open));
    }
    template.slots.iter().zip(cells).find_map(|(slot, cell)| {
        if !matches!(slot.kind, Kind::Splice | Kind::Branch { .. } | Kind::List { .. }) {
            return None;
        }
        let opener = Opener { template, slot, outer: around.opener };
        let inside = Around { open: slot.within.around(around.open), opener: Some(&opener) };
        match cell {
            Cell::Text(text) if inside.open & TABLE != 0 && !text.trim_ascii().is_empty() => {
                inside.blame("text", template.place, TABLE)
            }
            Cell::Kept(value) => in_value(value, inside),
            _ => None,
        }
    })
}

fn in_value<M>(value: &Value<M>, around: Around<'_>) -> Option<Misplaced> {
    let in_items =
        |items: &[Item<M>]| items.iter().find_map(|item| item.body.read(|item| in_fragment(item, around)));
    match value {
        Value::Html(html) => in_fragment(html.root(), around),
        Value::Memo(memo) => memo.0.read(|fragment| in_fragment(fragment, around)),
        Value::Branch(Some((_, fragment))) => in_fragment(fragment, around),
        Value::List(items) => in_items(items),
        Value::Stream(stream) => in_items(stream.items()),
        Value::Packed(items) => {
            (0..items.len()).find_map(|index| in_instance(items.template(), items.cells(index), around))
        }
        _ => None,
    }
}

impl Around<'_> {
    /// Says who opened the first of `bits` that is open.
    fn blame(self, inner: &'static str, inner_place: &'static str, bits: u32) -> Option<Misplaced> {
        let bit = (bits & self.open).trailing_zeros();
        let (outer, reason) = *BITS.get(bit as usize)?;
        let mut opener = self.opener;
        while let Some(found) = opener
            && !found.slot.within.opens(bit)
        {
            opener = found.outer;
        }
        let outer_place = opener.map_or("an unknown place", |opener| opener.template.place);
        Some(Misplaced { inner, inner_place, outer, outer_place, reason })
    }
}
