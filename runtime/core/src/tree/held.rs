//! What is kept of a stream's rows once a client shows them: their handlers, and those of all instances within them.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::convert::Infallible;
use core::ops::ControlFlow;

use lightspeed_protocol::{InstanceId, SlotIndex};

use crate::tree::html::{Fragment, Item, Mapped, Value};
use crate::tree::packed::Packed;
use crate::tree::part::{Keep, Part};
use crate::tree::reach::Around;
use crate::tree::stream::StreamValue;
use crate::tree::stream::rows::{self, Link, NONE, RowList, Shown};
use crate::tree::template::ReachKinds;
use crate::tree::visit::{Instance, InstanceMut, Visit, VisitMut};
use crate::tree::walks::{Barriers, Look, Unreached, Write};

/// What a handler slot of a row held before it was changed.
pub(crate) type Past<M> = rows::Past<Value<M>>;

impl<M> Shown<Value<M>> {
    /// Rows whose instances have their ids.
    pub(crate) fn of_items(link: Arc<dyn Link>, at: u64, token: Option<u64>, items: Vec<Item<M>>) -> Self {
        let token = token.unwrap_or_else(|| link.show(at));
        let mut rows = RowList::with_capacity(items.len());
        for item in items {
            rows.insert(NONE, item);
        }
        Self::new(link, at, Some(token), rows)
    }
}

impl<M> RowList<Value<M>> {
    /// Puts a row before another, or last. One with its key must not be there.
    pub(crate) fn insert(&mut self, before: u32, item: Item<M>) {
        let Item { key, body } = item;
        let fragment = body.into_fragment();
        let row = self.link(before, key, fragment.id);
        self.hold_all(row, fragment);
    }

    /// Gives a row the handlers of its new rendering; those that it had go to `past`.
    pub(crate) fn update(&mut self, row: u32, fragment: Fragment<M>, past: &mut Vec<Past<M>>) {
        self.let_go(row, |held| past.push(held));
        self.hold_all(row, fragment);
    }

    /// Keeps the handlers of a row and of all instances within it. Of one that nobody can act on only the place is
    /// kept, since what disables or hides it isn't kept.
    fn hold_all(&mut self, row: u32, mut fragment: Fragment<M>) {
        if Barriers.instance(Instance::Own(&fragment)).is_break() {
            let mut unreached = Unreached { around: Around::default() };
            let ControlFlow::Continue(()) = unreached.instance(InstanceMut::Own(&mut fragment));
        }
        let mut hold = Hold(|id, slot, handler| self.hold(row, id, slot, handler));
        let ControlFlow::Continue(()) = hold.instance(InstanceMut::Own(&mut fragment));
    }
}

/// Takes the handlers out of a row, or of a part of it that a content slot holds.
struct Hold<H>(H);

/// Takes the handlers out of what a content slot of a row holds.
pub(crate) fn hold_in<M>(content: &mut Value<M>, hold: &mut dyn FnMut(InstanceId, SlotIndex, Value<M>)) {
    let ControlFlow::Continue(()) = Hold(hold).value(content);
}

impl<M, H: FnMut(InstanceId, SlotIndex, Value<M>)> VisitMut<M> for Hold<H> {
    type Found = Infallible;

    fn instance(&mut self, instance: InstanceMut<'_, M>) -> ControlFlow<Infallible> {
        let id = instance.view().id();
        instance.each_slot(|slot, value| {
            if value.is_handler() {
                let handler = core::mem::replace(value, Value::NoHandler);
                (self.0)(id, slot, handler);
                return ControlFlow::Continue(());
            }
            self.value(value)
        })
    }

    fn mapped(&mut self, mapped: &mut Mapped<M>) -> ControlFlow<Infallible> {
        mapped.child_mut().hold(&mut self.0);
        ControlFlow::Continue(())
    }

    fn part(&mut self, part: &mut Arc<Part<M>>) -> ControlFlow<Infallible> {
        self.instance(InstanceMut::Own(Part::detached(part)))
    }

    fn stream(&mut self, stream: &mut StreamValue<M>) -> ControlFlow<Infallible> {
        stream.visit_rows_mut(self)
    }
}

impl<M> VisitMut<M> for Unreached {
    type Found = Infallible;

    fn instance(&mut self, mut instance: InstanceMut<'_, M>) -> ControlFlow<Infallible> {
        let template = instance.view().template();
        for slot in 0..template.slots.len() {
            let mut around = self.around;
            let view = instance.view();
            around.look(template, slot, |slot| view.text(slot));
            let is_kept_from = around.keeps_from(template, slot, |slot| view.text(slot));
            match instance.kept_mut(slot) {
                Some(value) if value.is_handler() && is_kept_from => *value = Value::NoHandler,
                Some(value)
                    if !value.is_handler()
                        && (around.keeps_from_most() || Barriers.value(value).is_break()) =>
                {
                    Self { around }.value(value)?;
                }
                _ => {}
            }
        }
        ControlFlow::Continue(())
    }

    fn mapped(&mut self, mapped: &mut Mapped<M>) -> ControlFlow<Infallible> {
        let _is_done = mapped.child_mut().write(Write::Unreached(self));
        ControlFlow::Continue(())
    }

    fn part(&mut self, part: &mut Arc<Part<M>>) -> ControlFlow<Infallible> {
        self.instance(InstanceMut::Own(Part::detached(part)))
    }

    fn stream(&mut self, stream: &mut StreamValue<M>) -> ControlFlow<Infallible> {
        stream.visit_rows_mut(self)
    }
}

impl<'a, M: 'a> Visit<'a, M> for Barriers {
    type Found = ();

    fn instance(&mut self, instance: Instance<'a, M>) -> ControlFlow<()> {
        if instance.template().reach.has_any(ReachKinds::BARRIERS) {
            return ControlFlow::Break(());
        }
        match instance {
            Instance::Own(fragment) if fragment.depth() == 0 => ControlFlow::Continue(()),
            instance => instance.visit(self),
        }
    }

    fn packed(&mut self, items: &'a Packed<Value<M>>) -> ControlFlow<()> {
        if items.template().reach.has_any(ReachKinds::BARRIERS) {
            return ControlFlow::Break(());
        }
        items.visit_kept(self)
    }

    fn mapped(&mut self, mapped: &'a Mapped<M>) -> ControlFlow<()> {
        mapped.child().look(Look::Barriers(self))
    }

    fn part(&mut self, part: &'a Part<M>, _: Option<&'a Arc<dyn Keep>>) -> ControlFlow<()> {
        part.read(|fragment| self.instance(Instance::Own(fragment)))
    }

    fn stream(&mut self, stream: &'a StreamValue<M>) -> ControlFlow<()> {
        stream.visit_rows(self)
    }
}
