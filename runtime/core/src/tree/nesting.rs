//! Whether what a splice brings may stand where it is.
//!
//! An HTML parser drops a form in a form, ends a paragraph before a block, and moves a `div` out of a table. What is
//! written in one `html!` is checked when it is compiled. What comes together by a splice, or from another component,
//! is looked at here: a slot says which elements are open around it, a template which of its elements must not be
//! in which. Both are bits, made at compile time.
//!
//! In a build with debug assertions a session panics when it renders such a tree, and the message names both places. A
//! release looks at the first page and tells whoever asks: see [`Session::misplaced`](crate::Session::misplaced).

pub(crate) mod misplaced;

use alloc::sync::Arc;
use core::ops::ControlFlow;

pub use self::misplaced::Misplaced;
use self::misplaced::{Around, Opener, TABLE};
use crate::tree::html::{Fragment, Html, Mapped};
use crate::tree::packed::Cell;
use crate::tree::part::{Keep, Part};
use crate::tree::stream::StreamValue;
pub use crate::tree::template::{Placed, Within};
use crate::tree::visit::{Instance, Visit};
use crate::tree::walks::Look;

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

    fn mapped(&mut self, mapped: &'a Mapped<M>) -> ControlFlow<Misplaced> {
        let mut found = None;
        let _is_found = mapped.child().look(Look::Nesting(self, &mut found));
        found.map_or(ControlFlow::Continue(()), ControlFlow::Break)
    }

    fn stream(&mut self, stream: &'a StreamValue<M>) -> ControlFlow<Misplaced> {
        stream.visit_rows(self)
    }
}
