//! About how much memory a tree takes: what is looked at is the pieces that it is made of, not every item of a list.

use alloc::sync::Arc;
use core::convert::Infallible;
use core::mem::{size_of, size_of_val};
use core::ops::ControlFlow;

use crate::tree::html::{Fragment, Mapped, Value};
use crate::tree::packed::Packed;
use crate::tree::part::{Keep, Part};
use crate::tree::visit::{Instance, Visit};
use crate::tree::walks::{Look, Size};

/// The bytes of a tree. Parts that a memo keeps count as a pointer, for trees share them.
pub(crate) fn of<M>(tree: &Fragment<M>) -> usize {
    let mut size = Size(0);
    let ControlFlow::Continue(()) = size.instance(Instance::Own(tree));
    size.0
}

impl<'a, M: 'a> Visit<'a, M> for Size {
    type Found = Infallible;

    fn instance(&mut self, instance: Instance<'a, M>) -> ControlFlow<Infallible> {
        if let Instance::Own(fragment) = instance {
            self.0 += size_of::<Fragment<M>>() + size_of_val(&*fragment.values);
        }
        instance.visit(self)
    }

    #[inline]
    fn value(&mut self, value: &'a Value<M>) -> ControlFlow<Infallible> {
        match value {
            Value::Text(text) if text.is_heap_allocated() => self.0 += text.capacity(),
            Value::Raw(text) => self.0 += text.len(),
            Value::List(items) => self.0 += size_of_val(&**items),
            _ => {}
        }
        value.visit(self)
    }

    fn packed(&mut self, items: &'a Packed<Value<M>>) -> ControlFlow<Infallible> {
        self.0 += items.byte_count() + size_of_val(items.parts());
        items.visit_kept(self)
    }

    fn mapped(&mut self, mapped: &'a Mapped<M>) -> ControlFlow<Infallible> {
        self.0 += size_of_val(mapped.child());
        let _is_done = mapped.child().look(Look::Size(self));
        ControlFlow::Continue(())
    }

    fn part(&mut self, _: &'a Part<M>, _: Option<&'a Arc<dyn Keep>>) -> ControlFlow<Infallible> {
        ControlFlow::Continue(())
    }
}
