//! A number for what a tree looks like: equal trees have equal ones, others almost surely not.
//!
//! A session that goes on from a checkpoint renders its state again and trusts the client's
//! document only when the numbers agree: another build, or a `render` that is no pure
//! function of the state, is found before a patch could go wrong.
//!
//! [FNV-1a](https://datatracker.ietf.org/doc/html/draft-eastlake-fnv) with 64 bits: nobody gains by a collision,
//! since only the session's own author decides what it renders.

use alloc::sync::Arc;
use core::convert::Infallible;
use core::ops::ControlFlow;

use crate::tree::html::{Fragment, Mapped, Value};
use crate::tree::packed::Cell;
use crate::tree::part::{Keep, Part};
use crate::tree::template::Kind;
use crate::tree::visit::{Instance, Visit};
use crate::tree::walks::{Fnv, Look};

impl Fnv {
    fn bytes(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    fn number(&mut self, number: u64) {
        self.bytes(&number.to_le_bytes());
    }

    /// With its length, so that what follows cannot be taken for a part of it.
    fn text(&mut self, text: &str) {
        self.number(text.len() as u64);
        self.bytes(text.as_bytes());
    }

    fn slot<'a, M: 'a>(&mut self, kind: &Kind, cell: Cell<'a, &'a Value<M>>) {
        match cell {
            Cell::Text(text) => {
                self.bytes(&[if kind.slot_kind().is_content() { 1 } else { 4 }]);
                self.text(text);
            }
            Cell::Absent => self.bytes(&[5]),
            Cell::Flag(on) => self.bytes(&[7, u8::from(on)]),
            Cell::Kept(value) => {
                let ControlFlow::Continue(()) = self.value(value);
            }
        }
    }
}

impl<'a, M: 'a> Visit<'a, M> for Fnv {
    type Found = Infallible;

    fn instance(&mut self, instance: Instance<'a, M>) -> ControlFlow<Infallible> {
        self.number(u64::from(instance.template().fingerprint));
        instance.cells(|_, slot, cell| {
            self.slot(&slot.kind, cell);
            ControlFlow::Continue(())
        })
    }

    /// Which kind of value it is and what it says; then the instances in it.
    fn value(&mut self, value: &'a Value<M>) -> ControlFlow<Infallible> {
        match value {
            Value::Raw(html) => {
                self.bytes(&[2]);
                self.text(html);
            }
            Value::Html(_) => self.bytes(&[3]),
            Value::Memo(_) => self.bytes(&[13]),
            Value::Unknown => self.bytes(&[6]),
            Value::Message { .. } | Value::Payload(_) => self.bytes(&[8, 1]),
            Value::NoHandler => self.bytes(&[8, 0]),
            Value::Branch(None) => self.bytes(&[9]),
            Value::Branch(Some((arm, _))) => {
                self.bytes(&[10]);
                self.number(u64::from(*arm));
            }
            Value::List(items) => {
                self.bytes(&[11]);
                self.number(items.len() as u64);
            }
            Value::Packed(items) => {
                self.bytes(&[11]);
                self.number(items.len() as u64);
            }
            // Its rows aren't kept, and are shown anew by whoever goes on.
            Value::Stream(_) => self.bytes(&[12]),
            // Mapped HTML looks like its content. The others are no values that are kept: `slot` has them.
            Value::Mapped(_) | Value::Text(_) | Value::Absent | Value::Flag(_) => {}
        }
        value.visit(self)
    }

    fn mapped(&mut self, mapped: &'a Mapped<M>) -> ControlFlow<Infallible> {
        let _is_done = mapped.child().look(Look::Digest(self));
        ControlFlow::Continue(())
    }

    /// Each part's own number, which is computed once.
    fn part(&mut self, part: &'a Part<M>, _: Option<&'a Arc<dyn Keep>>) -> ControlFlow<Infallible> {
        self.number(part.digest(digest));
        ControlFlow::Continue(())
    }
}

/// The number for `fragment` and all within it; ids don't count.
pub(crate) fn digest<M>(fragment: &Fragment<M>) -> u64 {
    let mut fnv = Fnv(0xcbf2_9ce4_8422_2325);
    let ControlFlow::Continue(()) = fnv.instance(Instance::Own(fragment));
    fnv.0
}
