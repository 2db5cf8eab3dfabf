//! The memoized parts of a tree.

use alloc::sync::Arc;
use core::convert::Infallible;
use core::ops::ControlFlow;

use crate::tree::html::{Fragment, Mapped, Value};
use crate::tree::packed::Packed;
use crate::tree::part::{Keep, Part};
use crate::tree::visit::{Instance, Visit};
use crate::tree::walks::{ForgetMemos, Look};

/// The next render renders the memoized parts of this tree anew: the caches of their memos are emptied, and
/// only the tree still holds them.
pub(crate) fn forget<M>(tree: &Fragment<M>) {
    let ControlFlow::Continue(()) = ForgetMemos.instance(Instance::Own(tree));
}

impl<'a, M: 'a> Visit<'a, M> for ForgetMemos {
    type Found = Infallible;

    fn packed(&mut self, items: &'a Packed<Value<M>>) -> ControlFlow<Infallible> {
        items.visit_kept(self)
    }

    fn mapped(&mut self, mapped: &'a Mapped<M>) -> ControlFlow<Infallible> {
        let _is_done = mapped.child().look(Look::Memos(self));
        ControlFlow::Continue(())
    }

    fn part(&mut self, part: &'a Part<M>, cache: Option<&'a Arc<dyn Keep>>) -> ControlFlow<Infallible> {
        if let Some(cache) = cache {
            cache.forget();
        }
        part.read(|fragment| self.instance(Instance::Own(fragment)))
    }
}
