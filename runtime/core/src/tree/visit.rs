//! Walks over a tree: nothing else knows in which values instances stand.
//!
//! A walk goes in the order of the document, parents before children, and ends early when a visitor breaks. A visitor
//! names what it wants to see and takes the rest as it comes: instances, values, packed lists, memoized parts, streams.
//! What a visitor does with an instance that has others in it is [`Instance::visit`] or [`InstanceMut::visit`].
//!
//! No walk is deeper than `limits::INSTANCE_DEPTH_MAX`: no fragment is made that is deeper.

use alloc::sync::Arc;
use core::ops::ControlFlow;

use lightspeed_protocol::{InstanceId, SlotIndex};

use crate::tree::html::{Body, Fragment, Html, Item, Mapped, Value};
use crate::tree::packed::{Cell, Packed};
use crate::tree::part::{Keep, Part};
use crate::tree::stream::StreamValue;
use crate::tree::template::{Slot, Template};

/// Looks at a tree.
pub(crate) trait Visit<'a, M: 'a>: Sized {
    /// What ends the walk.
    type Found;

    /// An instance; by default, all within it.
    fn instance(&mut self, instance: Instance<'a, M>) -> ControlFlow<Self::Found> {
        instance.visit(self)
    }

    /// What a slot holds and isn't packed into bytes; by default, the instances in it.
    fn value(&mut self, value: &'a Value<M>) -> ControlFlow<Self::Found> {
        value.visit(self)
    }

    /// The items of a packed list; by default, each of them as an instance. See also [`Packed::visit_kept`].
    fn packed(&mut self, items: &'a Packed<Value<M>>) -> ControlFlow<Self::Found> {
        (0..items.len()).try_for_each(|index| self.instance(Instance::Packed(items, index)))
    }

    /// HTML with messages of its own: [`Child::look`](crate::tree::html::Child::look) has the same walk go on in it.
    fn mapped(&mut self, mapped: &'a Mapped<M>) -> ControlFlow<Self::Found>;

    /// A part that trees share, and the cache of its memo if it is held here. [`Part::read`] looks into the part.
    fn part(&mut self, part: &'a Part<M>, cache: Option<&'a Arc<dyn Keep>>) -> ControlFlow<Self::Found>;

    /// A stream; by default, nothing. [`StreamValue::visit_rows`] visits rows that the tree has.
    fn stream(&mut self, _: &'a StreamValue<M>) -> ControlFlow<Self::Found> {
        ControlFlow::Continue(())
    }

    /// What ends the walk is in this slot of this instance: called for all instances around it, from the inside out.
    fn leave(&mut self, _: Instance<'a, M>, _slot: usize, _: &mut Self::Found) {}
}

/// Writes to a tree.
pub(crate) trait VisitMut<M>: Sized {
    /// What ends the walk.
    type Found;

    /// An instance; by default, all within it.
    fn instance(&mut self, instance: InstanceMut<'_, M>) -> ControlFlow<Self::Found> {
        instance.visit(self)
    }

    /// What a slot holds and isn't packed into bytes; by default, the instances in it.
    fn value(&mut self, value: &mut Value<M>) -> ControlFlow<Self::Found> {
        value.visit_mut(self)
    }

    /// A spliced fragment; by default, as an instance. One that is shared is copied.
    fn html(&mut self, html: &mut Html<M>) -> ControlFlow<Self::Found> {
        self.instance(InstanceMut::Own(html.root_mut()))
    }

    /// The items of a packed list; by default, each of them as an instance. See also [`Packed::visit_kept_mut`].
    fn packed(&mut self, items: &mut Packed<Value<M>>) -> ControlFlow<Self::Found> {
        (0..items.len()).try_for_each(|index| self.instance(InstanceMut::Packed(items, index)))
    }

    /// HTML with messages of its own: [`Child::write`](crate::tree::html::Child::write) has the same walk go on in it. One that is
    /// shared is copied.
    fn mapped(&mut self, mapped: &mut Mapped<M>) -> ControlFlow<Self::Found>;

    /// A part that trees share. [`Part::number`] gives its instances ids, [`Part::detached`] makes it this tree's own.
    fn part(&mut self, part: &mut Arc<Part<M>>) -> ControlFlow<Self::Found>;

    /// A stream; by default, nothing. [`StreamValue::visit_rows_mut`] visits rows that the tree has.
    fn stream(&mut self, _: &mut StreamValue<M>) -> ControlFlow<Self::Found> {
        ControlFlow::Continue(())
    }
}

/// An instance of a tree: a fragment, or an item of a packed list.
pub(crate) enum Instance<'a, M> {
    Own(&'a Fragment<M>),
    Packed(&'a Packed<Value<M>>, usize),
}

impl<M> Clone for Instance<'_, M> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<M> Copy for Instance<'_, M> {}

impl<'a, M> Instance<'a, M> {
    pub(crate) const fn template(self) -> &'static Template {
        match self {
            Self::Own(fragment) => fragment.template,
            Self::Packed(items, _) => items.template(),
        }
    }

    pub(crate) fn id(self) -> InstanceId {
        match self {
            Self::Own(fragment) => fragment.id,
            Self::Packed(items, index) => items.id(index),
        }
    }

    /// Gives each slot and what it holds to `visit`, with the slot's index.
    #[inline]
    pub(crate) fn cells<B>(
        self,
        mut visit: impl FnMut(SlotIndex, &'static Slot, Cell<'a, &'a Value<M>>) -> ControlFlow<B>,
    ) -> ControlFlow<B> {
        let slots = (0..).zip(self.template().slots);
        match self {
            Self::Own(fragment) => slots
                .zip(&fragment.values)
                .try_for_each(|((index, slot), value)| visit(index, slot, value.cell())),
            Self::Packed(items, item) => {
                slots.zip(items.cells(item)).try_for_each(|((index, slot), cell)| visit(index, slot, cell))
            }
        }
    }

    /// What a slot holds, unless it is packed into bytes.
    pub(crate) fn kept(self, slot: usize) -> Option<&'a Value<M>> {
        match self {
            Self::Own(fragment) => fragment.values.get(slot),
            Self::Packed(items, index) => match items.places(index).nth(slot)? {
                Cell::Kept(value) => Some(value),
                _ => None,
            },
        }
    }

    /// What an attribute or a flag says; `None` when it isn't there.
    pub(crate) fn text(self, slot: usize) -> Option<&'a str> {
        let cell = match self {
            Self::Own(fragment) => fragment.values.get(slot)?.cell(),
            Self::Packed(items, index) => items.cells(index).nth(slot)?,
        };
        match cell {
            Cell::Text(text) => Some(text),
            Cell::Flag(true) => Some(""),
            _ => None,
        }
    }

    /// Visits all within it.
    #[inline]
    pub(crate) fn visit<V: Visit<'a, M>>(self, visitor: &mut V) -> ControlFlow<V::Found> {
        match self {
            Self::Own(fragment) => {
                for (slot, value) in fragment.values.iter().enumerate() {
                    if let ControlFlow::Break(mut found) = visitor.value(value) {
                        visitor.leave(self, slot, &mut found);
                        return ControlFlow::Break(found);
                    }
                }
            }
            Self::Packed(items, index) => {
                for (nth, value) in items.kept_of(index).iter().enumerate() {
                    if let ControlFlow::Break(mut found) = visitor.value(value) {
                        visitor.leave(self, items.slot_of_kept(index, nth), &mut found);
                        return ControlFlow::Break(found);
                    }
                }
            }
        }
        ControlFlow::Continue(())
    }
}

impl<M> Value<M> {
    /// Visits the instances in it.
    #[inline]
    pub(crate) fn visit<'a, V: Visit<'a, M>>(&'a self, visitor: &mut V) -> ControlFlow<V::Found> {
        match self {
            Self::Html(html) => visitor.instance(Instance::Own(html.root())),
            Self::Memo(memo) => visitor.part(&memo.0, Some(&memo.1)),
            Self::Mapped(mapped) => visitor.mapped(mapped),
            Self::Branch(Some((_, fragment))) => visitor.instance(Instance::Own(fragment)),
            Self::List(items) => items.iter().try_for_each(|item| item.visit(visitor)),
            Self::Packed(items) => visitor.packed(items),
            Self::Stream(stream) => visitor.stream(stream),
            _ => ControlFlow::Continue(()),
        }
    }

    /// The same, to write to them.
    #[inline]
    pub(crate) fn visit_mut<V: VisitMut<M>>(&mut self, visitor: &mut V) -> ControlFlow<V::Found> {
        match self {
            Self::Html(html) => visitor.html(html),
            Self::Memo(memo) => visitor.part(&mut memo.0),
            Self::Mapped(mapped) => visitor.mapped(mapped),
            Self::Branch(Some((_, fragment))) => visitor.instance(InstanceMut::Own(fragment)),
            Self::List(items) => items.iter_mut().try_for_each(|item| item.visit_mut(visitor)),
            Self::Packed(items) => visitor.packed(items),
            Self::Stream(stream) => visitor.stream(stream),
            _ => ControlFlow::Continue(()),
        }
    }
}

impl<M> Item<M> {
    /// Visits the item.
    pub(crate) fn visit<'a, V: Visit<'a, M>>(&'a self, visitor: &mut V) -> ControlFlow<V::Found> {
        match &self.body {
            Body::Own(fragment) => visitor.instance(Instance::Own(fragment)),
            Body::Part(part, cache) => visitor.part(part, cache.as_ref()),
        }
    }

    /// The same, to write to it.
    pub(crate) fn visit_mut<V: VisitMut<M>>(&mut self, visitor: &mut V) -> ControlFlow<V::Found> {
        match &mut self.body {
            Body::Own(fragment) => visitor.instance(InstanceMut::Own(fragment)),
            Body::Part(part, _) => visitor.part(part),
        }
    }
}

impl<M> Packed<Value<M>> {
    /// Visits what is kept as values of all items, without the items: for visitors that handlers are nothing
    /// to. Nothing is visited when there is nothing else.
    pub(crate) fn visit_kept<'a, V: Visit<'a, M>>(&'a self, visitor: &mut V) -> ControlFlow<V::Found> {
        for (kept, value) in self.parts().iter().enumerate() {
            if let ControlFlow::Break(mut found) = visitor.value(value) {
                let (index, slot) = self.place_of_kept(kept);
                visitor.leave(Instance::Packed(self, index), slot, &mut found);
                return ControlFlow::Break(found);
            }
        }
        ControlFlow::Continue(())
    }

    /// The same, to write to them.
    pub(crate) fn visit_kept_mut<V: VisitMut<M>>(&mut self, visitor: &mut V) -> ControlFlow<V::Found> {
        self.parts_mut().iter_mut().try_for_each(|value| visitor.value(value))
    }
}

impl<M> StreamValue<M> {
    /// Visits the rows, if all of them were rendered.
    pub(crate) fn visit_rows<'a, V: Visit<'a, M>>(&'a self, visitor: &mut V) -> ControlFlow<V::Found> {
        self.items().iter().try_for_each(|item| item.visit(visitor))
    }

    /// The same, to write to them.
    pub(crate) fn visit_rows_mut<V: VisitMut<M>>(&mut self, visitor: &mut V) -> ControlFlow<V::Found> {
        self.items_mut().into_iter().flatten().try_for_each(|item| item.visit_mut(visitor))
    }
}

/// An instance of a tree, to be written to.
pub(crate) enum InstanceMut<'a, M> {
    Own(&'a mut Fragment<M>),
    Packed(&'a mut Packed<Value<M>>, usize),
}

impl<M> InstanceMut<'_, M> {
    /// The same, to be looked at.
    pub(crate) const fn view(&self) -> Instance<'_, M> {
        match self {
            Self::Own(fragment) => Instance::Own(fragment),
            Self::Packed(items, index) => Instance::Packed(items, *index),
        }
    }

    pub(crate) fn set_id(&mut self, id: InstanceId) {
        match self {
            Self::Own(fragment) => fragment.id = id,
            Self::Packed(items, index) => items.set_id(*index, id),
        }
    }

    /// What a slot holds, unless it is packed into bytes.
    pub(crate) fn kept_mut(&mut self, slot: usize) -> Option<&mut Value<M>> {
        match self {
            Self::Own(fragment) => fragment.values.get_mut(slot),
            Self::Packed(items, index) => match items.places_mut(*index).nth(slot)? {
                Cell::Kept(value) => Some(value),
                _ => None,
            },
        }
    }

    /// Gives what its slots hold and isn't packed into bytes to `visit`, with the slots' indexes.
    #[inline]
    pub(crate) fn each_slot<B>(
        self,
        mut visit: impl FnMut(SlotIndex, &mut Value<M>) -> ControlFlow<B>,
    ) -> ControlFlow<B> {
        match self {
            Self::Own(fragment) => {
                (0..).zip(&mut fragment.values).try_for_each(|(slot, value)| visit(slot, value))
            }
            Self::Packed(items, index) => {
                (0..).zip(items.places_mut(index)).try_for_each(|(slot, cell)| match cell {
                    Cell::Kept(value) => visit(slot, value),
                    _ => ControlFlow::Continue(()),
                })
            }
        }
    }

    /// Visits all within it.
    #[inline]
    pub(crate) fn visit<V: VisitMut<M>>(self, visitor: &mut V) -> ControlFlow<V::Found> {
        match self {
            Self::Own(fragment) => fragment.values.iter_mut().try_for_each(|value| visitor.value(value)),
            Self::Packed(items, index) => {
                items.kept_of_mut(index).iter_mut().try_for_each(|value| visitor.value(value))
            }
        }
    }
}
