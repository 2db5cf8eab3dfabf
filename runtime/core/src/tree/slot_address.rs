//! The address by which a client names the handler of an event: an instance, and a slot of it.
//!
//! Here it is looked up in a tree: which instance that is, and what the elements around it do to it
//! ([`reach`](super::reach)).

use alloc::boxed::Box;
use alloc::sync::Arc;
use core::ops::ControlFlow;

use lightspeed_protocol::msgpack::Payload;
use lightspeed_protocol::{InstanceId, SlotIndex};

use crate::tree::html::{Child, Fragment, Mapped, ReachedChild, Value};
use crate::tree::packed::Packed;
use crate::tree::part::{Keep, Part};
use crate::tree::payload::PayloadError;
use crate::tree::reach::Around;
use crate::tree::stream::StreamValue;
use crate::tree::template::{Slot, Template};
use crate::tree::visit::{Instance, Visit};
pub(crate) use crate::tree::walks::SlotAddress;
use crate::tree::walks::{Find, Look, ReachRow};

impl<'a, M> Instance<'a, M> {
    #[inline]
    pub(crate) const fn slots(self) -> &'static [Slot] {
        self.template().slots
    }

    /// What a handler's slot holds, which may be none at the moment; `None` when it isn't a slot for one.
    #[inline]
    pub(crate) fn handler(self, slot: SlotIndex) -> Option<&'a Value<M>> {
        self.kept(slot as usize).filter(|value| value.is_handler())
    }

    /// Looks at the elements around a slot.
    fn look(self, slot: usize, around: &mut Around) {
        around.look(self.template(), slot, |slot| self.text(slot));
    }

    /// Whether nobody can have made an event there.
    #[inline]
    pub(crate) fn keeps_from(self, slot: SlotIndex, around: Around) -> bool {
        around.keeps_from(self.template(), slot as usize, |slot| self.text(slot))
    }
}

/// The instance of an address.
pub(crate) enum Reached<'a, M> {
    Own(Instance<'a, M>),
    /// It is in HTML whose messages are mapped.
    Mapped(Box<dyn ReachedChild<M> + 'a>),
}

impl<'a, M> Reached<'a, M> {
    #[inline]
    pub(crate) fn template(&self) -> &'static Template {
        match self {
            Self::Own(instance) => instance.template(),
            Self::Mapped(child) => child.template(),
        }
    }

    /// What a handler's slot holds, which may be none at the moment; `None` when it isn't a slot for one.
    #[inline]
    pub(crate) fn handler(&self, slot: SlotIndex) -> Option<Handler<'_, M>> {
        match self {
            Self::Own(instance) => instance.handler(slot).map(Handler::Own),
            Self::Mapped(child) => {
                let has_one = child.has_handler(slot)?;
                Some(Handler::Mapped { child: &**child, slot, has_one })
            }
        }
    }

    /// Whether nobody can have made an event there.
    #[inline]
    pub(crate) fn keeps_from(&self, slot: SlotIndex, around: Around) -> bool {
        match self {
            Self::Own(instance) => instance.keeps_from(slot, around),
            Self::Mapped(child) => child.keeps_from(slot, around),
        }
    }

    /// The HTML with messages of its own that a slot holds.
    #[inline]
    pub(crate) fn child(&self, slot: SlotIndex) -> Option<&'a dyn Child<M>> {
        match self {
            Self::Own(instance) => match instance.kept(slot as usize)? {
                Value::Mapped(mapped) => Some(mapped.child()),
                _ => None,
            },
            Self::Mapped(_) => None,
        }
    }
}

impl<'a, M: 'a> Visit<'a, M> for Find {
    type Found = Reached<'a, M>;

    fn instance(&mut self, instance: Instance<'a, M>) -> ControlFlow<Reached<'a, M>> {
        if instance.id() != self.address.instance {
            return instance.visit(self);
        }
        instance.look(self.address.slot as usize, &mut self.around);
        ControlFlow::Break(Reached::Own(instance))
    }

    fn packed(&mut self, items: &'a Packed<Value<M>>) -> ControlFlow<Reached<'a, M>> {
        match items.position(self.address.instance) {
            Some(index) => self.instance(Instance::Packed(items, index)),
            None => items.visit_kept(self),
        }
    }

    fn mapped(&mut self, mapped: &'a Mapped<M>) -> ControlFlow<Reached<'a, M>> {
        mapped
            .child()
            .find(self)
            .map_or(ControlFlow::Continue(()), |child| ControlFlow::Break(Reached::Mapped(child)))
    }

    fn part(&mut self, part: &'a Part<M>, _: Option<&'a Arc<dyn Keep>>) -> ControlFlow<Reached<'a, M>> {
        match part.around(self.address.instance) {
            Some(fragment) => self.instance(Instance::Own(fragment)),
            None => ControlFlow::Continue(()),
        }
    }

    /// Until the client has acknowledged the page's HTML: then its rows are let go of.
    fn stream(&mut self, stream: &'a StreamValue<M>) -> ControlFlow<Reached<'a, M>> {
        stream.visit_rows(self)
    }

    fn leave(&mut self, instance: Instance<'a, M>, slot: usize, _: &mut Reached<'a, M>) {
        instance.look(slot, &mut self.around);
    }
}

/// What a handler's slot holds.
pub(crate) enum Handler<'r, M> {
    Own(&'r Value<M>),
    Mapped { child: &'r dyn ReachedChild<M>, slot: SlotIndex, has_one: bool },
}

impl<M> Handler<'_, M> {
    /// Whether there is none at the moment.
    #[inline]
    pub(crate) const fn is_none(&self) -> bool {
        match self {
            Self::Own(value) => matches!(value, Value::NoHandler),
            Self::Mapped { has_one, .. } => !*has_one,
        }
    }

    /// The message for an event with this payload; `None` without a handler.
    #[inline]
    pub(crate) fn message(&self, payload: &Payload<'_>) -> Option<Result<M, PayloadError>> {
        match self {
            Self::Own(value) => value.message(payload),
            Self::Mapped { child, slot, .. } => child.message(*slot, payload),
        }
    }
}

/// The instance of an address, and what the elements around its slot do to it.
pub(crate) fn find_reached<M>(tree: &Fragment<M>, address: SlotAddress) -> Option<(Reached<'_, M>, Around)> {
    let mut find = Find::new(address);
    let instance = find.instance(Instance::Own(tree)).break_value()?;
    Some((instance, find.around))
}

/// Whether the instance with this id is in a tree.
pub(super) fn holds<M>(tree: &Fragment<M>, id: InstanceId) -> bool {
    Find::new(SlotAddress { instance: id, slot: 0 }).instance(Instance::Own(tree)).is_break()
}

/// What the elements around a stream do to its row that has this address; `None` when there is none.
pub(crate) fn reach_row<M>(tree: &Fragment<M>, address: SlotAddress) -> Option<Around> {
    ReachRow(address).instance(Instance::Own(tree)).break_value()
}

impl<'a, M: 'a> Visit<'a, M> for ReachRow {
    type Found = Around;

    fn packed(&mut self, items: &'a Packed<Value<M>>) -> ControlFlow<Around> {
        items.visit_kept(self)
    }

    fn mapped(&mut self, mapped: &'a Mapped<M>) -> ControlFlow<Around> {
        let mut found = None;
        let _is_found = mapped.child().look(Look::Row(self, &mut found));
        found.map_or(ControlFlow::Continue(()), ControlFlow::Break)
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
