//! The address by which a client names the handler of an event: an instance, and a slot of it.
//!
//! Here it is looked up in a tree: which instance that is, and what the elements around it do to it
//! ([`reach`](super::reach)).

use alloc::sync::Arc;
use core::ops::ControlFlow;

use lightspeed_protocol::{InstanceId, SlotIndex};

use crate::tree::html::{Fragment, Html, Value};
use crate::tree::packed::Packed;
use crate::tree::part::{Keep, Part};
use crate::tree::reach::Around;
use crate::tree::stream::StreamValue;
use crate::tree::template::Slot;
use crate::tree::visit::{Instance, InstanceMut, Visit, VisitMut};

/// A slot of an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SlotAddress {
    pub(crate) instance: InstanceId,
    pub(crate) slot: SlotIndex,
}

impl<'a, M> Instance<'a, M> {
    pub(crate) const fn slots(self) -> &'static [Slot] {
        self.template().slots
    }

    /// What a handler's slot holds, which may be none at the moment; `None` when it isn't a slot for one.
    pub(crate) fn handler(self, slot: SlotIndex) -> Option<&'a Value<M>> {
        self.kept(slot as usize).filter(|value| value.is_handler())
    }

    /// Looks at the elements around a slot.
    fn look(self, slot: usize, around: &mut Around) {
        around.look(self.template(), slot, |slot| self.text(slot));
    }

    /// Whether nobody can have made an event there.
    pub(crate) fn keeps_from(self, slot: SlotIndex, around: Around) -> bool {
        around.keeps_from(self.template(), slot as usize, |slot| self.text(slot))
    }
}

/// Finds the instance of an address, and what the elements around its slot do to it.
struct Find {
    address: SlotAddress,
    around: Around,
}

impl Find {
    fn new(address: SlotAddress) -> Self {
        Self { address, around: Around::default() }
    }
}

impl<'a, M: 'a> Visit<'a, M> for Find {
    type Found = Instance<'a, M>;

    fn instance(&mut self, instance: Instance<'a, M>) -> ControlFlow<Instance<'a, M>> {
        if instance.id() != self.address.instance {
            return instance.visit(self);
        }
        instance.look(self.address.slot as usize, &mut self.around);
        ControlFlow::Break(instance)
    }

    fn packed(&mut self, items: &'a Packed<Value<M>>) -> ControlFlow<Instance<'a, M>> {
        match items.position(self.address.instance) {
            Some(index) => self.instance(Instance::Packed(items, index)),
            None => items.visit_kept(self),
        }
    }

    fn part(&mut self, part: &'a Part<M>, _: Option<&'a Arc<dyn Keep>>) -> ControlFlow<Instance<'a, M>> {
        match part.around(self.address.instance) {
            Some(fragment) => self.instance(Instance::Own(fragment)),
            None => ControlFlow::Continue(()),
        }
    }

    /// Until the client has acknowledged the page's HTML: then its rows are let go of.
    fn stream(&mut self, stream: &'a StreamValue<M>) -> ControlFlow<Instance<'a, M>> {
        stream.visit_rows(self)
    }

    fn leave(&mut self, instance: Instance<'a, M>, slot: usize, _: &mut Instance<'a, M>) {
        instance.look(slot, &mut self.around);
    }
}

/// The instance of an address, and what the elements around its slot do to it.
pub(crate) fn find_reached<M>(tree: &Fragment<M>, address: SlotAddress) -> Option<(Instance<'_, M>, Around)> {
    let mut find = Find::new(address);
    let instance = find.instance(Instance::Own(tree)).break_value()?;
    Some((instance, find.around))
}

/// Whether the instance with this id is in a tree.
fn holds<M>(tree: &Fragment<M>, id: InstanceId) -> bool {
    Find::new(SlotAddress { instance: id, slot: 0 }).instance(Instance::Own(tree)).is_break()
}

/// What the elements around a stream do to its row that has this address; `None` when there is none.
pub(crate) fn reach_row<M>(tree: &Fragment<M>, address: SlotAddress) -> Option<Around> {
    ReachRow(address).instance(Instance::Own(tree)).break_value()
}

struct ReachRow(SlotAddress);

impl<'a, M: 'a> Visit<'a, M> for ReachRow {
    type Found = Around;

    fn packed(&mut self, items: &'a Packed<Value<M>>) -> ControlFlow<Around> {
        items.visit_kept(self)
    }

    /// Parts hold no streams.
    fn part(&mut self, _: &'a Part<M>, _: Option<&'a Arc<dyn Keep>>) -> ControlFlow<Around> {
        ControlFlow::Continue(())
    }

    fn stream(&mut self, stream: &'a StreamValue<M>) -> ControlFlow<Around> {
        if stream.has_handler(self.0.instance, self.0.slot) {
            return ControlFlow::Break(Around::default());
        }
        ControlFlow::Continue(())
    }

    fn leave(&mut self, instance: Instance<'a, M>, slot: usize, around: &mut Around) {
        instance.look(slot, around);
    }
}

/// Gives the instance with this id to `write`. The parts around it are no longer what was rendered.
pub(super) fn write_to<M>(tree: &mut Fragment<M>, id: InstanceId, write: impl FnOnce(InstanceMut<'_, M>)) {
    let mut written = WriteTo { id, write: Some(write) };
    // Nothing is written when it isn't there.
    let _ = written.instance(InstanceMut::Own(tree));
}

struct WriteTo<F> {
    id: InstanceId,
    write: Option<F>,
}

impl<M, F: FnOnce(InstanceMut<'_, M>)> VisitMut<M> for WriteTo<F> {
    type Found = ();

    fn instance(&mut self, instance: InstanceMut<'_, M>) -> ControlFlow<()> {
        if instance.view().id() != self.id {
            return instance.visit(self);
        }
        if let Some(write) = self.write.take() {
            write(instance);
        }
        ControlFlow::Break(())
    }

    fn html(&mut self, html: &mut Html<M>) -> ControlFlow<()> {
        if holds(html.root(), self.id) {
            return self.instance(InstanceMut::Own(html.root_mut()));
        }
        ControlFlow::Continue(())
    }

    fn packed(&mut self, items: &mut Packed<Value<M>>) -> ControlFlow<()> {
        match items.position(self.id) {
            Some(index) => self.instance(InstanceMut::Packed(items, index)),
            None => items.visit_kept_mut(self),
        }
    }

    fn part(&mut self, part: &mut Arc<Part<M>>) -> ControlFlow<()> {
        if part.around(self.id).is_some_and(|fragment| holds(fragment, self.id)) {
            return self.instance(InstanceMut::Own(Part::detached(part)));
        }
        ControlFlow::Continue(())
    }
}
