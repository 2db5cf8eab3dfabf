//! What events tell of the fields that a person has changed, in the tree that the next diff compares with.

use alloc::sync::Arc;
use core::convert::Infallible;
use core::ops::ControlFlow;

use lightspeed_protocol::SlotIndex;
use lightspeed_protocol::msgpack::Payload;
use lightspeed_protocol::template::EventKind;

use crate::tree::html::{Fragment, Html, Mapped, Value};
use crate::tree::packed::{Cell, Packed};
use crate::tree::part::{Keep, Part};
use crate::tree::slot_address::{Reached, SlotAddress, find_reached, holds};
use crate::tree::template::{Kind, Slot, Template};
use crate::tree::visit::{Instance, InstanceMut, Visit, VisitMut};
use crate::tree::walks::{Edit, Find, ForgetTold, HasTold, Look, Told, Write};

impl<M> Instance<'_, M> {
    /// Whether an event of this slot tells anything of fields.
    #[inline]
    pub(crate) fn tells_fields(self, slot: SlotIndex) -> bool {
        match event_of(self.slots(), slot) {
            Some(EventKind::Click) => self.has_choices_at(self.slots()[slot as usize].path),
            event => event.is_some_and(is_of_fields),
        }
    }

    /// Whether an element is something to choose, or has such in it.
    fn has_choices_at(self, path: &[u16]) -> bool {
        // The path last: it takes longest to compare, and most values are neither.
        let is_choice = |slot: &Slot| slot.kind.is_choice() && slot.path.starts_with(path);
        let has_instances = match self {
            Self::Own(fragment) => fragment.depth() > 0,
            Self::Packed(items, _) => !items.has_handlers_only(),
        };
        let has_choices = |_, slot: &'static Slot, cell: Cell<'_, &Value<M>>| match cell {
            Cell::Kept(value) if value.holds_instances() && slot.path.starts_with(path) => {
                HasTold(Told::Choices).value(value)
            }
            _ => ControlFlow::Continue(()),
        };
        self.slots().iter().any(is_choice) || (has_instances && self.cells(has_choices).is_break())
    }
}

impl<M> Reached<'_, M> {
    /// Whether an event of this slot tells anything of fields.
    #[inline]
    pub(crate) fn tells_fields(&self, slot: SlotIndex) -> bool {
        match self {
            Self::Own(instance) => instance.tells_fields(slot),
            Self::Mapped(child) => child.tells_fields(slot),
        }
    }
}

/// Whether [`note_fields`] would write into the tree.
pub(crate) fn tells_fields<M>(tree: &Fragment<M>, address: SlotAddress) -> bool {
    find_reached(tree, address).is_some_and(|(instance, _)| instance.tells_fields(address.slot))
}

fn event_of(slots: &[Slot], slot: SlotIndex) -> Option<EventKind> {
    match slots.get(slot as usize)?.kind {
        Kind::Handler { event } => Some(event),
        _ => None,
    }
}

const fn is_of_fields(event: EventKind) -> bool {
    matches!(event, EventKind::Input | EventKind::Change | EventKind::Submit)
}

impl Told {
    fn is_meant(self, template: &Template, slot: &Slot) -> bool {
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

/// Notes in the tree what an event tells of the fields that the person changed, so that the
/// next diff compares with what the page shows and not with what was sent last.
///
/// A field's own event tells its value. An event of a form or another parent of fields tells
/// that any of them may have changed: all of them are sent again if the render has a value for them. So are,
/// when a form is submitted, those elsewhere that name a form; and after a click what a click changes.
pub(crate) fn note_fields<M>(tree: &mut Fragment<M>, address: SlotAddress, payload: &Payload<'_>) {
    let mut edit = Edit { address, payload, is_submitted: false };
    // Nothing is written when the instance isn't there.
    let _is_there = edit.instance(InstanceMut::Own(tree));
    if edit.is_submitted && has_told(tree, Told::Addressed) {
        let ControlFlow::Continue(()) = ForgetTold(Told::Addressed).instance(InstanceMut::Own(tree));
    }
}

/// The parts around the instance are no longer what was rendered.
impl<M> VisitMut<M> for Edit<'_> {
    type Found = ();

    fn instance(&mut self, instance: InstanceMut<'_, M>) -> ControlFlow<()> {
        if instance.view().id() != self.address.instance {
            return instance.visit(self);
        }
        self.is_submitted = note_fields_in(instance, self.address.slot, self.payload);
        ControlFlow::Break(())
    }

    fn html(&mut self, html: &mut Html<M>) -> ControlFlow<()> {
        if holds(html.root(), self.address.instance) {
            return self.instance(InstanceMut::Own(html.root_mut()));
        }
        ControlFlow::Continue(())
    }

    fn packed(&mut self, items: &mut Packed<Value<M>>) -> ControlFlow<()> {
        match items.position(self.address.instance) {
            Some(index) => self.instance(InstanceMut::Packed(items, index)),
            None => items.visit_kept_mut(self),
        }
    }

    fn mapped(&mut self, mapped: &mut Mapped<M>) -> ControlFlow<()> {
        if mapped.child().find(&mut Find::new(self.address)).is_some() {
            return mapped.child_mut().write(Write::Edit(self));
        }
        ControlFlow::Continue(())
    }

    fn part(&mut self, part: &mut Arc<Part<M>>) -> ControlFlow<()> {
        let id = self.address.instance;
        if part.around(id).is_some_and(|fragment| holds(fragment, id)) {
            return self.instance(InstanceMut::Own(Part::detached(part)));
        }
        ControlFlow::Continue(())
    }
}

/// The same in the instance of the place. Returns whether the event submits a form.
fn note_fields_in<M>(instance: InstanceMut<'_, M>, slot: SlotIndex, payload: &Payload<'_>) -> bool {
    let template = instance.view().template();
    let Some(event) = event_of(template.slots, slot) else { return false };
    let told = match event {
        EventKind::Click => Told::Choices,
        event if is_of_fields(event) => Told::Fields,
        _ => return false,
    };
    let path = template.slots[slot as usize].path;
    let ControlFlow::<Infallible>::Continue(()) = instance.each_slot(|index, value| {
        let other = &template.slots[index as usize];
        let is_same = other.path == path;
        match (&other.kind, payload) {
            _ if other.path.starts_with(path) && (told == Told::Choices || !is_same) => {
                ForgetTold(told).slot(template, other, value);
            }
            _ if told == Told::Choices || !is_same => {}
            (Kind::Property { .. }, Payload::Text(text)) => *value = Value::Text((*text).into()),
            (Kind::BoolProperty { .. }, Payload::Flag(on)) => *value = Value::Flag(*on),
            // A radio button: its value says that it is chosen, and the page that another one isn't any more.
            (Kind::BoolProperty { .. }, Payload::Text(_)) => *value = Value::Unknown,
            _ => {}
        }
        ControlFlow::Continue(())
    });
    event == EventKind::Submit
}

/// Whether there are fields in a tree that such an event tells of.
fn has_told<M>(tree: &Fragment<M>, told: Told) -> bool {
    HasTold(told).instance(Instance::Own(tree)).is_break()
}

impl HasTold {
    fn template(&self, template: &Template) -> ControlFlow<()> {
        if template.slots.iter().any(|slot| self.0.is_meant(template, slot)) {
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    }
}

impl<'a, M: 'a> Visit<'a, M> for HasTold {
    type Found = ();

    fn instance(&mut self, instance: Instance<'a, M>) -> ControlFlow<()> {
        self.template(instance.template())?;
        instance.visit(self)
    }

    fn packed(&mut self, items: &'a Packed<Value<M>>) -> ControlFlow<()> {
        self.template(items.template())?;
        items.visit_kept(self)
    }

    fn mapped(&mut self, mapped: &'a Mapped<M>) -> ControlFlow<()> {
        mapped.child().look(Look::Fields(self))
    }

    fn part(&mut self, part: &'a Part<M>, _: Option<&'a Arc<dyn Keep>>) -> ControlFlow<()> {
        part.read(|fragment| self.instance(Instance::Own(fragment)))
    }
}

impl ForgetTold {
    fn slot<M>(&mut self, template: &Template, slot: &Slot, value: &mut Value<M>) {
        if self.0.is_meant(template, slot) {
            *value = Value::Unknown;
        } else {
            let ControlFlow::Continue(()) = self.value(value);
        }
    }
}

impl<M> VisitMut<M> for ForgetTold {
    type Found = Infallible;

    fn instance(&mut self, instance: InstanceMut<'_, M>) -> ControlFlow<Infallible> {
        let template = instance.view().template();
        instance.each_slot(|index, value| {
            self.slot(template, &template.slots[index as usize], value);
            ControlFlow::Continue(())
        })
    }

    fn mapped(&mut self, mapped: &mut Mapped<M>) -> ControlFlow<Infallible> {
        if mapped.child().look(Look::Fields(&mut HasTold(self.0))).is_break() {
            let _is_done = mapped.child_mut().write(Write::Fields(self));
        }
        ControlFlow::Continue(())
    }

    fn part(&mut self, part: &mut Arc<Part<M>>) -> ControlFlow<Infallible> {
        if part.read(|fragment| has_told(fragment, self.0)) {
            return self.instance(InstanceMut::Own(Part::detached(part)));
        }
        ControlFlow::Continue(())
    }
}
