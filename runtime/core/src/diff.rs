//! The difference between two rendered trees, as a program.
//!
//! Both trees are walked slot by slot. Instances of the same template are patched in place; the new tree
//! takes over the ids of the old one. Lists are compared by key: [`keyed`]. Parts that both trees share are
//! skipped. Streams replay their changes: [`stream`]. Texts are compared from both ends first: [`text`].

mod keyed;
mod stream;
mod text;

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;

use lightspeed_protocol::InstanceId;
use lightspeed_protocol::isa::{Op, ProgramWriter};
use lightspeed_protocol::msgpack::{Raw, Text, Writer};

use crate::tree::build::{attribute_text, write_branch, write_root, write_splice};
use crate::tree::held::Past;
use crate::tree::html::{Body, Child, Fragment, Item, Value};
use crate::tree::numbering::Numbering;
use crate::tree::packed::{Cell, Packed};
use crate::tree::part::Part;
use crate::tree::slot_address::SlotAddress;
use crate::tree::template::Slot;
use crate::tree::walks::Difference;

/// A program that takes a document from one tree to another.
pub(crate) struct Patch<M> {
    pub(crate) program: ProgramWriter,
    pub(crate) numbering: Numbering,
    /// The handlers of streams' rows before the patch.
    pub(crate) past: Vec<Past<M>>,
}

/// The program that makes `new` of `old`. `next_id` is the id of the next new instance.
pub(crate) fn diff<M>(old: &Fragment<M>, new: &mut Fragment<M>, next_id: InstanceId) -> Patch<M> {
    let mut patch = Patch::new(Numbering::new(next_id));
    if old.template.fingerprint == new.template.fingerprint {
        patch.instance(old, new);
    } else {
        patch.reset(new);
    }
    patch
}

/// The program that makes `new` of whatever a client holds.
pub(crate) fn reset<M>(new: &mut Fragment<M>, next_id: InstanceId) -> Patch<M> {
    let mut patch = Patch::new(Numbering::new(next_id));
    patch.reset(new);
    patch
}

impl<M> Patch<M> {
    pub(crate) fn new(numbering: Numbering) -> Self {
        Self { program: ProgramWriter::new(), numbering, past: Vec::new() }
    }

    fn reset(&mut self, new: &mut Fragment<M>) {
        let root = self.numbering.next_id;
        let mut values = Writer::new();
        write_root(new, &mut self.numbering, &mut values);
        self.program.push(&Op::Reset {
            root,
            template: new.template.fingerprint,
            values: Raw::new(values.as_bytes()),
        });
    }

    /// Compares two instances of one template.
    fn instance(&mut self, old: &Fragment<M>, new: &mut Fragment<M>) {
        new.id = old.id;
        let slots = new.template.slots.iter().zip(&old.values).zip(&mut new.values);
        for (slot_index, ((slot, old_value), new_value)) in (0..).zip(slots) {
            self.slot(SlotAddress { instance: old.id, slot: slot_index }, slot, old_value, new_value);
        }
    }

    /// Compares what a slot holds.
    pub(crate) fn slot(&mut self, address: SlotAddress, slot: &Slot, old: &Value<M>, new: &mut Value<M>) {
        let SlotAddress { instance: at, slot: index } = address;
        match (old, &mut *new) {
            (Value::Text(old), Value::Text(new)) if old == new => {}
            (_, Value::Text(new)) if !slot.kind.slot_kind().is_content() => {
                let text = Some(Text::new(attribute_text(&slot.kind, new)));
                self.program.push(&Op::Attribute { at, slot: index, text });
            }
            (Value::Text(old), Value::Text(new)) => self.text(address, old, new),
            (_, Value::Text(new)) => self.program.push(&Op::Text { at, slot: index, text: Text::new(new) }),
            (Value::Raw(old), Value::Raw(new)) if old == new => {}
            (_, Value::Raw(html)) => self.program.push(&Op::Html { at, slot: index, html }),
            (old, Value::Memo(new)) => self.memo(address, old, &mut new.0),
            (old, Value::Mapped(new)) => self.mapped(address, slot, old, new.child_mut()),
            (old, Value::Html(new)) => self.splice(address, old, new.root_mut()),
            (Value::Absent, Value::Absent)
            | (_, Value::Message { .. } | Value::Payload(_) | Value::NoHandler) => {}
            (_, Value::Absent) => self.program.push(&Op::Attribute { at, slot: index, text: None }),
            (Value::Flag(old), Value::Flag(new)) if old == new => {}
            (_, Value::Flag(on)) => self.program.push(&Op::Flag { at, slot: index, on: *on }),
            (Value::Branch(old), Value::Branch(new)) => self.branch(address, old.as_ref(), new.as_mut()),
            (Value::Unknown, Value::Branch(None)) => {
                self.program.push(&Op::Content { at, slot: index, content: None });
            }
            (Value::Unknown, Value::Branch(new)) => self.branch(address, None, new.as_mut()),
            (Value::List(old), Value::List(new)) => self.list(address, &**old, &mut **new),
            (Value::Packed(old), Value::Packed(new)) => self.list(address, &**old, &mut **new),
            (old, Value::List(new)) => self.replace_list(address, is_empty(old), &mut **new),
            (old, Value::Packed(new)) => self.replace_list(address, is_empty(old), &mut **new),
            (_, Value::Stream(new)) => self.stream(address, old, new),
            (_, Value::Unknown | Value::Branch(_)) => {}
        }
    }

    /// A splice of HTML against whatever was there.
    fn splice(&mut self, address: SlotAddress, old: &Value<M>, new: &mut Fragment<M>) {
        let old = match old {
            Value::Html(html) => Some(html.root()),
            Value::Memo(memo) => memo.0.shown(),
            _ => None,
        };
        match old {
            Some(old) if old.template.fingerprint == new.template.fingerprint => self.instance(old, new),
            _ => {
                let SlotAddress { instance: at, slot } = address;
                let mut content = Writer::new();
                write_splice(new, &mut self.numbering, &mut content);
                self.program.push(&Op::Content { at, slot, content: Some(Raw::new(content.as_bytes())) });
            }
        }
    }

    fn memo(&mut self, address: SlotAddress, old: &Value<M>, new: &mut Arc<Part<M>>) {
        match old {
            Value::Memo(old) if old.0.is_same(new) => take_over(&old.0, new),
            _ => Part::number(new, |new| self.splice(address, old, new)),
        }
    }

    /// A splice of HTML with messages of its own. What holds HTML of other messages, or of the component's own, is replaced.
    fn mapped(&mut self, address: SlotAddress, slot: &Slot, old: &Value<M>, new: &mut dyn Child<M>) {
        let old = match old {
            Value::Mapped(old) => Some(old.child()),
            _ => None,
        };
        let Self { program, numbering, past } = self;
        new.diff(old, Difference { address, slot, program, numbering }, past);
    }

    /// An item against the one with its key.
    fn item(&mut self, old: &Item<M>, new: &mut Item<M>) {
        match (&old.body, &mut new.body) {
            (Body::Part(old, _), Body::Part(new, _)) if old.is_same(new) => take_over(old, new),
            (old, new) => old.read(|old| new.number(|new| self.instance(old, new))),
        }
    }

    /// A packed item against the one with its key.
    fn packed_item(
        &mut self,
        old: &Packed<Value<M>>,
        old_index: usize,
        new: &mut Packed<Value<M>>,
        index: usize,
    ) {
        let id = old.id(old_index);
        new.set_id(index, id);
        if new.has_handlers_only() && new.is_like(index, old, old_index) {
            return;
        }
        let cells = old.places(old_index).zip(new.places_mut(index));
        for (slot_index, (slot, (old, new))) in (0..).zip(old.template().slots.iter().zip(cells)) {
            let address = SlotAddress { instance: id, slot: slot_index };
            match (old, new) {
                (Cell::Text(old), Cell::Text(new)) if old == new => {}
                (Cell::Absent, Cell::Absent) => {}
                (Cell::Flag(old), Cell::Flag(new)) if old == new => {}
                (old, new) => {
                    let old_value;
                    let old = match old.into_value() {
                        Ok(value) => {
                            old_value = value;
                            &old_value
                        }
                        Err(value) => value,
                    };
                    match new.into_value() {
                        Ok(mut value) => self.slot(address, slot, old, &mut value),
                        Err(value) => self.slot(address, slot, old, value),
                    }
                }
            }
        }
    }

    fn branch(
        &mut self,
        address: SlotAddress,
        old: Option<&(u16, Box<Fragment<M>>)>,
        new: Option<&mut (u16, Box<Fragment<M>>)>,
    ) {
        let SlotAddress { instance: at, slot } = address;
        match (old, new) {
            (None, None) => {}
            (Some(_), None) => self.program.push(&Op::Content { at, slot, content: None }),
            (Some((old_arm, old)), Some((arm, new))) if old_arm == arm => self.instance(old, new),
            (_, Some((arm, new))) => {
                let mut content = Writer::new();
                write_branch(*arm, new, &mut self.numbering, &mut content);
                self.program.push(&Op::Content { at, slot, content: Some(Raw::new(content.as_bytes())) });
            }
        }
    }
}

/// Whether what a list's slot held is known to have no items.
fn is_empty<M>(old: &Value<M>) -> bool {
    matches!(old, Value::List(items) if items.is_empty())
}

/// Takes over the old tree's part, which has the ids that the client knows.
fn take_over<M>(old: &Arc<Part<M>>, new: &mut Arc<Part<M>>) {
    if !Arc::ptr_eq(old, new) {
        *new = Arc::clone(old);
    }
}
