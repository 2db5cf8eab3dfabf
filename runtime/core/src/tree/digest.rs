//! A number for what a tree looks like: equal trees have equal ones, others almost surely not.
//!
//! A session that goes on from a checkpoint renders its state again and trusts the client's
//! document only when the numbers agree: another build, or a `render` that is no pure
//! function of the state, is found before a patch could go wrong.
//!
//! [FNV-1a](https://datatracker.ietf.org/doc/html/draft-eastlake-fnv) with 64 bits: nobody gains by a collision,
//! since only the session's own author decides what it renders.

use crate::tree::html::{Fragment, Value};
use crate::tree::packed::Cell;
use crate::tree::part::Body;
use crate::tree::template::{Kind, Template};

struct Fnv(u64);

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

    fn fragment<M>(&mut self, fragment: &Fragment<M>) {
        self.instance(fragment.template, fragment.cells());
    }

    fn instance<'a, M: 'a>(
        &mut self,
        template: &Template,
        cells: impl Iterator<Item = Cell<'a, &'a Value<M>>>,
    ) {
        self.number(u64::from(template.fingerprint));
        for (slot, cell) in template.slots.iter().zip(cells) {
            self.cell(&slot.kind, &cell);
        }
    }

    fn cell<M>(&mut self, kind: &Kind, cell: &Cell<'_, &Value<M>>) {
        match cell {
            Cell::Text(text) => {
                self.bytes(&[if kind.slot_kind().is_content() { 1 } else { 4 }]);
                self.text(text);
            }
            Cell::Absent => self.bytes(&[5]),
            Cell::Flag(on) => self.bytes(&[7, u8::from(*on)]),
            Cell::Kept(value) => self.value(kind, value),
        }
    }

    fn value<M>(&mut self, kind: &Kind, value: &Value<M>) {
        match value {
            Value::Text(_) | Value::Absent | Value::Flag(_) => self.cell(kind, &value.cell()),
            Value::Raw(html) => {
                self.bytes(&[2]);
                self.text(html);
            }
            Value::Html(html) => {
                self.bytes(&[3]);
                self.fragment(html.root());
            }
            // Each part's own number, which is computed once.
            Value::Memo(memo) => {
                self.bytes(&[13]);
                self.number(memo.0.digest(digest));
            }
            Value::Unknown => self.bytes(&[6]),
            Value::Message { .. } | Value::Payload(_) => self.bytes(&[8, 1]),
            Value::NoHandler => self.bytes(&[8, 0]),
            Value::Branch(None) => self.bytes(&[9]),
            Value::Branch(Some((arm, fragment))) => {
                self.bytes(&[10]);
                self.number(u64::from(*arm));
                self.fragment(fragment);
            }
            Value::List(items) => {
                self.bytes(&[11]);
                self.number(items.len() as u64);
                for item in items {
                    match &item.body {
                        Body::Own(fragment) => self.fragment(fragment),
                        Body::Part(part, _) => self.number(part.digest(digest)),
                    }
                }
            }
            Value::Packed(items) => {
                self.bytes(&[11]);
                self.number(items.len() as u64);
                for index in 0..items.len() {
                    self.instance(items.template(), items.cells(index));
                }
            }
            // Its rows aren't kept, and are shown anew by whoever goes on.
            Value::Stream(_) => self.bytes(&[12]),
        }
    }
}

/// The number for `fragment` and all within it; ids don't count.
pub(crate) fn digest<M>(fragment: &Fragment<M>) -> u64 {
    let mut fnv = Fnv(0xcbf2_9ce4_8422_2325);
    fnv.fragment(fragment);
    fnv.0
}
