//! The address by which a client names the handler of an event: an instance, and a slot of it.
//!
//! Here it is looked up in a tree: which instance that is, what the elements around it do to it (`reach`), and whether
//! an event there tells anything of fields.

use lightspeed_protocol::template::EventKind;
use lightspeed_protocol::{InstanceId, SlotIndex};

use super::reach::{Around, text_of};
use crate::html::{Fragment, Value};
use crate::memo::part::{Body, Part};
use crate::packed::{Cell, Packed};
use crate::template::{Kind, Slot, Template};

/// A slot of an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SlotAddress {
    pub(super) instance: InstanceId,
    pub(super) slot: SlotIndex,
}

/// An instance of a tree.
pub(super) enum Instance<'a, M> {
    Own(&'a Fragment<M>),
    Packed(&'a Packed<M>, usize),
}

impl<'a, M> Instance<'a, M> {
    const fn template(&self) -> &'static Template {
        match self {
            Self::Own(fragment) => fragment.template,
            Self::Packed(items, _) => items.template(),
        }
    }

    pub(super) const fn slots(&self) -> &'static [Slot] {
        self.template().slots
    }

    /// What a handler's slot holds, which may be none at the moment; `None` when it isn't a slot for one.
    pub(super) fn handler(&self, slot: SlotIndex) -> Option<&'a Value<M>> {
        let slot = slot as usize;
        let value = match self {
            Self::Own(fragment) => fragment.values.get(slot),
            Self::Packed(items, index) => match items.places(*index).nth(slot) {
                Some(Cell::Kept(value)) => Some(value),
                _ => None,
            },
        };
        value.filter(|value| value.is_handler())
    }

    /// What an attribute or a flag says; `None` when it isn't there.
    fn text(&self, slot: usize) -> Option<&'a str> {
        match self {
            Self::Own(fragment) => text_of(&fragment.values.get(slot)?.cell()),
            Self::Packed(items, index) => text_of(&items.cells(*index).nth(slot)?),
        }
    }

    /// Looks at the elements around a slot.
    fn look(&self, slot: usize, around: &mut Around) {
        around.look(self.template(), slot, |slot| self.text(slot));
    }

    /// Whether nobody can have made an event there.
    pub(super) fn keeps_from(&self, slot: SlotIndex, around: Around) -> bool {
        around.keeps_from(self.template(), slot as usize, |slot| self.text(slot))
    }

    /// Whether an event of this slot tells anything of fields.
    pub(super) fn tells_fields(&self, slot: SlotIndex) -> bool {
        match event_of(self.slots(), slot) {
            Some(EventKind::Click) => self.has_choices_at(self.slots()[slot as usize].path),
            event => event.is_some_and(is_of_fields),
        }
    }

    /// Whether an element is something to choose, or has such in it.
    fn has_choices_at(&self, path: &[u16]) -> bool {
        // The path last: it takes longest to compare, and most values are neither.
        let is_choice = |slot: &Slot| slot.kind.is_choice() && slot.path.starts_with(path);
        let has_choices = |slot: &Slot, value: &Value<M>| {
            value.holds_instances() && slot.path.starts_with(path) && has_told_within(value, Told::Choices)
        };
        let slots = self.slots();
        slots.iter().any(is_choice)
            || match self {
                Self::Own(fragment) => {
                    fragment.depth() > 0
                        && slots.iter().zip(&fragment.values).any(|(slot, value)| has_choices(slot, value))
                }
                Self::Packed(items, index) => {
                    !items.has_handlers_only()
                        && slots
                            .iter()
                            .zip(items.places(*index))
                            .any(|(slot, cell)| matches!(cell, Cell::Kept(value) if has_choices(slot, value)))
                }
            }
    }
}

/// The instance with this id.
pub(super) fn find<M>(fragment: &Fragment<M>, id: InstanceId) -> Option<Instance<'_, M>> {
    find_in_fragment(fragment, id, &mut |_, _| {})
}

/// The instance of an address, and what the elements around its slot do to it.
pub(super) fn find_reached<M>(
    fragment: &Fragment<M>,
    address: SlotAddress,
) -> Option<(Instance<'_, M>, Around)> {
    let mut around = Around::default();
    let instance = find_in_fragment(fragment, address.instance, &mut |instance, slot| {
        instance.look(slot.unwrap_or(address.slot as usize), &mut around);
    })?;
    Some((instance, around))
}

/// The instance with this id. `leave` is given that one, and then those around it with the slots that it is in, from the inside
/// out.
fn find_in_fragment<'a, M>(
    fragment: &'a Fragment<M>,
    id: InstanceId,
    leave: &mut impl FnMut(&Instance<'a, M>, Option<usize>),
) -> Option<Instance<'a, M>> {
    let instance = Instance::Own(fragment);
    if fragment.id == id {
        leave(&instance, None);
        return Some(instance);
    }
    fragment.values.iter().enumerate().find_map(|(slot, value)| {
        let found = find_within(value, id, leave)?;
        leave(&instance, Some(slot));
        Some(found)
    })
}

/// What the elements around a stream do to its row that has this address; `None` when there is none.
pub(super) fn reach_row<M>(fragment: &Fragment<M>, address: SlotAddress) -> Option<Around> {
    reach_row_among(&fragment.values, address, &|slot, around| Instance::Own(fragment).look(slot, around))
}

fn reach_row_among<M>(
    values: &[Value<M>],
    address: SlotAddress,
    look: &dyn Fn(usize, &mut Around),
) -> Option<Around> {
    values.iter().enumerate().find_map(|(slot, value)| {
        let mut around = match value {
            Value::Stream(stream) => stream.has_handler(address.instance, address.slot).then(Around::default),
            Value::Html(html) => reach_row(html.root(), address),
            Value::Branch(Some((_, fragment))) => reach_row(fragment, address),
            Value::List(items) => {
                items.iter().filter_map(|item| item.body.own()).find_map(|own| reach_row(own, address))
            }
            Value::Packed(items) if !items.has_handlers_only() => {
                reach_row_among(items.kept(), address, &|kept, around| {
                    let (index, slot) = items.place_of_kept(kept);
                    Instance::Packed(items, index).look(slot, around);
                })
            }
            _ => None,
        }?;
        look(slot, &mut around);
        Some(around)
    })
}

fn find_within<'a, M>(
    value: &'a Value<M>,
    id: InstanceId,
    leave: &mut impl FnMut(&Instance<'a, M>, Option<usize>),
) -> Option<Instance<'a, M>> {
    match value {
        Value::Html(html) => find_in_fragment(html.root(), id, leave),
        Value::Branch(Some((_, fragment))) => find_in_fragment(fragment, id, leave),
        Value::Memo(memo) => find_in_fragment(memo.0.around(id)?, id, leave),
        Value::List(items) => items.iter().find_map(|item| match &item.body {
            Body::Own(fragment) => find_in_fragment(fragment, id, leave),
            Body::Part(part, _) => find_in_fragment(part.around(id)?, id, leave),
        }),
        // Until the client has acknowledged the page's HTML: then they are let go of.
        Value::Stream(stream) => {
            stream.items().iter().find_map(|item| find_in_fragment(item.body.own()?, id, leave))
        }
        Value::Packed(items) => match items.position(id) {
            Some(index) => {
                let instance = Instance::Packed(items, index);
                leave(&instance, None);
                Some(instance)
            }
            None if items.has_handlers_only() => None,
            None => items.kept().iter().enumerate().find_map(|(kept, value)| {
                let found = find_within(value, id, leave)?;
                let (index, slot) = items.place_of_kept(kept);
                leave(&Instance::Packed(items, index), Some(slot));
                Some(found)
            }),
        },
        _ => None,
    }
}

/// The instance with this id in a part that is passed by when the id isn't among those in it.
pub(super) fn find_in<M>(part: &Part<M>, id: InstanceId) -> Option<Instance<'_, M>> {
    part.around(id).and_then(|fragment| find(fragment, id))
}

pub(super) fn event_of(slots: &[Slot], slot: SlotIndex) -> Option<EventKind> {
    match slots.get(slot as usize)?.kind {
        Kind::Handler { event } => Some(event),
        _ => None,
    }
}

pub(super) const fn is_of_fields(event: EventKind) -> bool {
    matches!(event, EventKind::Input | EventKind::Change | EventKind::Submit)
}

/// Which fields an event tells of.
#[derive(Debug, Clone, Copy)]
pub(super) enum Told {
    /// All of those around which it happened.
    Fields,
    /// What a click changes: checkboxes, radio buttons and options.
    Choices,
    /// Those that name their form, wherever they are.
    Addressed,
}

impl Told {
    pub(super) fn is_meant(self, template: &Template, slot: &Slot) -> bool {
        match self {
            Self::Fields => slot.kind.is_field(),
            Self::Choices => slot.kind.is_choice(),
            // In a template that has the attribute, of whichever element if it is static: one value too many does no harm.
            Self::Addressed => {
                let is_form = |other: &Slot| {
                    other.path == slot.path && matches!(other.kind, Kind::Attribute { name: "form", .. })
                };
                slot.kind.is_field()
                    && (template.slots.iter().any(is_form)
                        || template.statics.iter().any(|html| html.contains(" form=\"")))
            }
        }
    }
}

/// Whether there are fields in an instance that such an event tells of.
pub(super) fn has_told<M>(fragment: &Fragment<M>, told: Told) -> bool {
    fragment.template.slots.iter().any(|slot| told.is_meant(fragment.template, slot))
        || fragment.values.iter().any(|value| has_told_within(value, told))
}

fn has_told_within<M>(value: &Value<M>, told: Told) -> bool {
    match value {
        Value::Html(html) => has_told(html.root(), told),
        Value::Memo(memo) => memo.0.read(|fragment| has_told(fragment, told)),
        Value::Branch(Some((_, fragment))) => has_told(fragment, told),
        Value::List(items) => items.iter().any(|item| item.body.read(|fragment| has_told(fragment, told))),
        Value::Packed(items) => {
            let template = items.template();
            template.slots.iter().any(|slot| told.is_meant(template, slot))
                || items.kept().iter().any(|value| has_told_within(value, told))
        }
        _ => false,
    }
}
