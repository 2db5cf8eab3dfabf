//! What a person has changed in the fields of a page, as far as events have told it.
//!
//! The next diff has to compare with what the page shows and not with what was sent last, so it is written into the tree
//! of the newest version and kept for a tree that is rendered again ([`PendingEdits`]).

use alloc::vec::Vec;

use lightspeed_protocol::InstanceId;
use lightspeed_protocol::msgpack::{DecodeError, Expected, Payload, Reader, Writer};
use lightspeed_protocol::template::EventKind;

use super::slot_address::{SlotAddress, Told, event_of, find, find_in, has_told, is_of_fields};
use crate::html::{Fragment, Value};
use crate::memo::part::{Body, Part};
use crate::packed::{Cell, Packed};
use crate::template::{Kind, Slot, Template};

/// PendingEdits in the tree what an event tells of the fields that the person changed, so that the
/// next diff compares with what the page shows and not with what was sent last.
///
/// A field's own event tells its value. An event of a form or another parent of fields tells
/// that any of them may have changed: all of them are sent again if the render has a value for them. So are,
/// when a form is submitted, those elsewhere that name a form; and after a click what a click changes.
fn note_fields<M>(tree: &mut Fragment<M>, address: SlotAddress, payload: &Payload<'_>) {
    let Some(instance) = find_mut(tree, address.instance) else { return };
    let Some(event) = event_of(instance.slots(), address.slot) else { return };
    let slot = &instance.slots()[address.slot as usize];
    if event == EventKind::Click {
        let template = instance.template();
        return instance.each(|other, value| {
            if other.path.starts_with(slot.path) {
                forget_told(value, template, other, Told::Choices);
            }
        });
    }
    if !is_of_fields(event) {
        return;
    }
    let template = instance.template();
    instance.each(|other, value| match (&other.kind, payload) {
        (Kind::Property { .. }, Payload::Text(text)) if other.path == slot.path => {
            *value = Value::Text((*text).into());
        }
        (Kind::BoolProperty { .. }, Payload::Flag(on)) if other.path == slot.path => {
            *value = Value::Flag(*on);
        }
        // A radio button: its value says that it is chosen, and the page that another one isn't any more.
        (Kind::BoolProperty { .. }, Payload::Text(_)) if other.path == slot.path => *value = Value::Unknown,
        _ if other.path.starts_with(slot.path) && other.path != slot.path => {
            forget_told(value, template, other, Told::Fields);
        }
        _ => {}
    });
    if event == EventKind::Submit && has_told(tree, Told::Addressed) {
        forget_told_in(tree, Told::Addressed);
    }
}

/// An instance of a tree, to be written to.
enum InstanceMut<'a, M> {
    Own(&'a mut Fragment<M>),
    Packed(&'a mut Packed<M>, usize),
}

impl<M> InstanceMut<'_, M> {
    const fn slots(&self) -> &'static [Slot] {
        match self {
            Self::Own(fragment) => fragment.template.slots,
            Self::Packed(items, _) => items.template().slots,
        }
    }

    const fn template(&self) -> &'static Template {
        match self {
            Self::Own(fragment) => fragment.template,
            Self::Packed(items, _) => items.template(),
        }
    }

    /// Visits its fields and what may have fields in it.
    fn each(self, mut visit: impl FnMut(&'static Slot, &mut Value<M>)) {
        let slots = self.slots().iter();
        match self {
            Self::Own(fragment) => {
                slots.zip(&mut fragment.values).for_each(|(slot, value)| visit(slot, value));
            }
            Self::Packed(items, index) => slots.zip(items.places_mut(index)).for_each(|(slot, cell)| {
                if let Cell::Kept(value) = cell {
                    visit(slot, value);
                }
            }),
        }
    }
}

/// The instance with this id, to be written to. The parts around it are no longer what was rendered.
fn find_mut<M>(fragment: &mut Fragment<M>, id: InstanceId) -> Option<InstanceMut<'_, M>> {
    if fragment.id == id {
        return Some(InstanceMut::Own(fragment));
    }
    fragment.values.iter_mut().find_map(|value| find_mut_within(value, id))
}

fn find_mut_within<M>(value: &mut Value<M>, id: InstanceId) -> Option<InstanceMut<'_, M>> {
    match value {
        Value::Html(html) if find(html.root(), id).is_some() => find_mut(html.root_mut(), id),
        Value::Branch(Some((_, fragment))) => find_mut(fragment, id),
        Value::Memo(memo) if find_in(&memo.0, id).is_some() => find_mut(Part::detached(&mut memo.0), id),
        Value::List(items) => items.iter_mut().find_map(|item| match &mut item.body {
            Body::Own(fragment) => find_mut(fragment, id),
            Body::Part(part, _) => {
                find_in(part, id)?;
                find_mut(Part::detached(part), id)
            }
        }),
        Value::Packed(items) => match items.position(id) {
            Some(index) => Some(InstanceMut::Packed(items, index)),
            None => items.kept_mut().iter_mut().find_map(|value| find_mut_within(value, id)),
        },
        _ => None,
    }
}

fn forget_told_in<M>(fragment: &mut Fragment<M>, told: Told) {
    let template = fragment.template;
    for (slot, value) in template.slots.iter().zip(&mut fragment.values) {
        forget_told(value, template, slot, told);
    }
}

fn forget_told<M>(value: &mut Value<M>, template: &Template, slot: &Slot, told: Told) {
    let has = |fragment: &Fragment<M>| has_told(fragment, told);
    match value {
        _ if told.is_meant(template, slot) => *value = Value::Unknown,
        Value::Html(html) => forget_told_in(html.root_mut(), told),
        Value::Branch(Some((_, fragment))) => forget_told_in(fragment, told),
        Value::Memo(memo) if memo.0.read(has) => forget_told_in(Part::detached(&mut memo.0), told),
        Value::List(items) => {
            for item in items {
                match &mut item.body {
                    Body::Own(fragment) => forget_told_in(fragment, told),
                    Body::Part(part, _) if part.read(has) => forget_told_in(Part::detached(part), told),
                    Body::Part(..) => {}
                }
            }
        }
        Value::Packed(items) => {
            let template = items.template();
            for index in 0..items.len() {
                InstanceMut::Packed(items, index)
                    .each(|slot, value| forget_told(value, template, slot, told));
            }
        }
        _ => {}
    }
}

/// What a person has changed in fields since the newest version was rendered, as far as events have told it: which
/// event with which payload, oldest first.
///
/// The tree of the newest version holds it, and no state does: a tree that is rendered again is told of it by
/// [`PendingEdits::tell_again`].
#[derive(Debug, Default)]
pub(super) struct PendingEdits {
    edits: Vec<(SlotAddress, Vec<u8>)>,
    /// They took too much memory, and some are missing.
    is_incomplete: bool,
}

/// Addresses that are remembered; a page that has more of them edited at once is sent as a whole.
const EDITS_MAX: usize = 64;

/// Bytes of the payloads that are remembered: the same.
const EDITS_BYTES_MAX: usize = 256 * 1024;

impl PendingEdits {
    /// Notes an edit in a tree, and for later ones.
    pub(super) fn note<M>(&mut self, tree: &mut Fragment<M>, address: SlotAddress, payload: &Payload<'_>) {
        note_fields(tree, address, payload);
        // What has been told last at an address is all that counts of it.
        self.edits.retain(|(other, _)| *other != address);
        let mut out = Writer::new();
        out.payload(*payload);
        self.edits.push((address, out.into_bytes()));
        // One more than may be stored says that not all of them are.
        self.edits.truncate(EDITS_MAX + 1);
        if self.edits.iter().map(|(_, payload)| payload.len()).sum::<usize>() > EDITS_BYTES_MAX {
            self.edits = Vec::new();
            self.is_incomplete = true;
        }
    }

    pub(super) fn clear(&mut self) {
        self.edits.clear();
        self.is_incomplete = false;
    }

    pub(super) const fn is_too_long(&self) -> bool {
        self.is_incomplete || self.edits.len() > EDITS_MAX
    }

    /// Notes the edits in a tree that was rendered again.
    pub(super) fn tell_again<M>(&self, tree: &mut Fragment<M>) {
        for (address, payload) in &self.edits {
            let payload = Reader::new(payload).payload().expect("it was written by `note`");
            note_fields(tree, *address, &payload);
        }
    }

    pub(super) fn shrink_to_fit(&mut self) {
        self.edits.shrink_to_fit();
    }

    pub(super) fn write(&self, out: &mut Writer) {
        let edits = if self.is_too_long() { &[] } else { self.edits.as_slice() };
        out.array(3 * edits.len());
        for (address, payload) in edits {
            out.uint(u64::from(address.instance));
            out.uint(u64::from(address.slot));
            out.raw(payload);
        }
    }

    /// Reads what [`PendingEdits::write`] wrote.
    pub(super) fn read<'a>(reader: &mut Reader<'a>) -> Result<Vec<(SlotAddress, Payload<'a>)>, DecodeError> {
        let length = reader.error(Expected::Length);
        let count = reader.array_at_most(u32::try_from(3 * EDITS_MAX).unwrap_or(u32::MAX))?;
        if count % 3 != 0 {
            return Err(length);
        }
        (0..count / 3)
            .map(|_| {
                Ok((SlotAddress { instance: reader.uint32()?, slot: reader.uint32()? }, reader.payload()?))
            })
            .collect()
    }
}
