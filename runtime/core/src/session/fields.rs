//! What an event tells of the fields of a page, written into the tree: the next diff has to compare with what the page shows
//! and not with what was sent last.

use lightspeed_protocol::InstanceId;
use lightspeed_protocol::msgpack::Payload;
use lightspeed_protocol::template::EventKind;

use super::slot_address::{SlotAddress, Told, event_of, find, find_in, has_told, is_of_fields};
use crate::html::{Fragment, Value};
use crate::memo::part::{Body, Part};
use crate::packed::{Cell, Packed};
use crate::template::{Kind, Slot, Template};

/// Whether an event at this address tells anything of fields.
pub(super) fn tells_fields<M>(tree: &Fragment<M>, address: SlotAddress) -> bool {
    find(tree, address.instance).is_some_and(|instance| instance.tells_fields(address.slot))
}

/// Notes in the tree what an event tells of the fields that the person changed, so that the
/// next diff compares with what the page shows and not with what was sent last.
///
/// A field's own event tells its value. An event of a form or another parent of fields tells
/// that any of them may have changed: all of them are sent again if the render has a value for them. So are,
/// when a form is submitted, those elsewhere that name a form; and after a click what a click changes.
pub(super) fn note_fields<M>(tree: &mut Fragment<M>, address: SlotAddress, payload: &Payload<'_>) {
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
