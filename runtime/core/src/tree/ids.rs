//! The ids of a tree's instances: which they are, and how they are given again.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::convert::Infallible;
use core::ops::ControlFlow;

use lightspeed_protocol::InstanceId;

use crate::tree::html::{Body, Fragment, Mapped, Value};
use crate::tree::packed::Packed;
use crate::tree::part::{Keep, Part};
use crate::tree::template::Template;
use crate::tree::visit::{Instance, InstanceMut, Visit, VisitMut};
use crate::tree::walks::{Bounds, GiveIds, Look, SameIds, Write};

impl<M> Part<M> {
    /// Has `number` give its instances their ids, and write nothing else.
    ///
    /// Other trees that hold the part keep the ids that they know.
    pub(crate) fn number<R>(this: &mut Arc<Self>, number: impl FnOnce(&mut Fragment<M>) -> R) -> R {
        Self::number_with(this, number, bounds, has_same_ids)
    }
}

impl<M> Body<M> {
    /// Has `number` give its instances their ids, and write nothing else.
    pub(crate) fn number<R>(&mut self, number: impl FnOnce(&mut Fragment<M>) -> R) -> R {
        match self {
            Self::Own(fragment) => number(fragment),
            Self::Part(part, _) => Part::number(part, number),
        }
    }
}

/// Gives every instance but those in streams to `visit`, parents before children.
pub(crate) fn each_instance<M>(tree: &Fragment<M>, visit: impl FnMut(&'static Template, InstanceId)) {
    let ControlFlow::Continue(()) = Each(visit).instance(Instance::Own(tree));
}

/// The same of what a content slot holds.
pub(crate) fn each_instance_in<M>(content: &Value<M>, visit: impl FnMut(&'static Template, InstanceId)) {
    let ControlFlow::Continue(()) = Each(visit).value(content);
}

struct Each<F>(F);

impl<'a, M: 'a, F: FnMut(&'static Template, InstanceId)> Visit<'a, M> for Each<F> {
    type Found = Infallible;

    fn instance(&mut self, instance: Instance<'a, M>) -> ControlFlow<Infallible> {
        (self.0)(instance.template(), instance.id());
        instance.visit(self)
    }

    fn mapped(&mut self, mapped: &'a Mapped<M>) -> ControlFlow<Infallible> {
        let _is_done = mapped.child().look(Look::Instances(&mut self.0));
        ControlFlow::Continue(())
    }

    fn part(&mut self, part: &'a Part<M>, _: Option<&'a Arc<dyn Keep>>) -> ControlFlow<Infallible> {
        part.read(|fragment| self.instance(Instance::Own(fragment)))
    }
}

/// The ids of a tree's instances, parents before children.
pub(crate) fn ids_of<M>(tree: &Fragment<M>) -> Vec<InstanceId> {
    let mut ids = Vec::new();
    each_instance(tree, |_, id| ids.push(id));
    ids
}

/// Gives the instances these ids, in the order of [`ids_of`]; false when there are not as many.
pub(crate) fn give_ids<M>(tree: &mut Fragment<M>, ids: &[InstanceId]) -> bool {
    let mut given = GiveIds(ids.iter());
    given.instance(InstanceMut::Own(tree)).is_continue() && given.0.next().is_none()
}

impl<M> VisitMut<M> for GiveIds<'_> {
    type Found = ();

    fn instance(&mut self, mut instance: InstanceMut<'_, M>) -> ControlFlow<()> {
        let Some(id) = self.0.next() else { return ControlFlow::Break(()) };
        instance.set_id(*id);
        instance.visit(self)
    }

    fn mapped(&mut self, mapped: &mut Mapped<M>) -> ControlFlow<()> {
        mapped.child_mut().write(Write::Ids(self))
    }

    fn part(&mut self, part: &mut Arc<Part<M>>) -> ControlFlow<()> {
        Part::number(part, |fragment| self.instance(InstanceMut::Own(fragment)))
    }
}

/// The smallest and the largest id in a tree whose parts have theirs.
fn bounds<M>(tree: &Fragment<M>) -> (InstanceId, InstanceId) {
    let mut bounds = Bounds { first: InstanceId::MAX, last: 0 };
    let ControlFlow::Continue(()) = bounds.instance(Instance::Own(tree));
    (bounds.first, bounds.last)
}

impl Bounds {
    fn widen(&mut self, first: InstanceId, last: InstanceId) {
        self.first = self.first.min(first);
        self.last = self.last.max(last);
    }
}

impl<'a, M: 'a> Visit<'a, M> for Bounds {
    type Found = Infallible;

    fn instance(&mut self, instance: Instance<'a, M>) -> ControlFlow<Infallible> {
        let id = instance.id();
        self.widen(id, id);
        instance.visit(self)
    }

    fn packed(&mut self, items: &'a Packed<Value<M>>) -> ControlFlow<Infallible> {
        (0..items.len()).for_each(|index| self.widen(items.id(index), items.id(index)));
        items.visit_kept(self)
    }

    fn mapped(&mut self, mapped: &'a Mapped<M>) -> ControlFlow<Infallible> {
        let _is_done = mapped.child().look(Look::Bounds(self));
        ControlFlow::Continue(())
    }

    fn part(&mut self, part: &'a Part<M>, _: Option<&'a Arc<dyn Keep>>) -> ControlFlow<Infallible> {
        if let Some((first, last)) = part.ids() {
            self.widen(first, last);
        }
        ControlFlow::Continue(())
    }
}

/// Whether two copies of one rendering have the same ids.
fn has_same_ids<M>(one: &Fragment<M>, other: &Fragment<M>) -> bool {
    // Most often the first one tells.
    if one.id != other.id {
        return false;
    }
    let ids = ids_of(one);
    let mut same = SameIds(ids.iter());
    same.instance(Instance::Own(other)).is_continue() && same.0.next().is_none()
}

impl<'a, M: 'a> Visit<'a, M> for SameIds<'_> {
    type Found = ();

    fn instance(&mut self, instance: Instance<'a, M>) -> ControlFlow<()> {
        if self.0.next() == Some(&instance.id()) { instance.visit(self) } else { ControlFlow::Break(()) }
    }

    fn mapped(&mut self, mapped: &'a Mapped<M>) -> ControlFlow<()> {
        mapped.child().look(Look::SameIds(self))
    }

    fn part(&mut self, part: &'a Part<M>, _: Option<&'a Arc<dyn Keep>>) -> ControlFlow<()> {
        part.read(|fragment| self.instance(Instance::Own(fragment)))
    }
}
