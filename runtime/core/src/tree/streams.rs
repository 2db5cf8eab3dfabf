//! The streams in a tree.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::convert::Infallible;
use core::ops::ControlFlow;

use lightspeed_protocol::{InstanceId, SlotIndex};
use spin::Mutex;

use crate::tree::html::{Fragment, Html, Value};
use crate::tree::packed::Packed;
use crate::tree::part::{Keep, Part};
use crate::tree::stream::rows::Shown;
use crate::tree::stream::{Content, StreamValue};
use crate::tree::visit::{Instance, InstanceMut, Visit, VisitMut};

impl<M> StreamValue<M> {
    /// The document begins with these rows: what changes from now on is kept until it is rendered.
    fn show(&mut self) {
        if let Content::Fresh { link, at, token: token @ None, .. } = &mut self.0 {
            *token = Some(link.show(*at));
        }
    }

    /// A client shows the rows: only what [`Shown`] needs of them is kept.
    pub(crate) fn settle(&mut self) {
        if matches!(self.0, Content::Fresh { .. })
            && let Content::Fresh { link, at, token, items } =
                core::mem::replace(&mut self.0, Content::unknown())
        {
            self.0 = Content::Shown(Mutex::new(Some(Box::new(Shown::of_items(link, at, token, items)))));
        }
    }

    fn forget(&mut self) {
        self.0 = Content::unknown();
    }
}

/// Visits the streams of a tree, but not those within rows of others. Memoized parts have none.
fn each<'a, M>(tree: &'a Fragment<M>, visit: impl FnMut(&'a StreamValue<M>)) {
    let ControlFlow::Continue(()) = Each(visit).instance(Instance::Own(tree));
}

struct Each<F>(F);

impl<'a, M: 'a, F: FnMut(&'a StreamValue<M>)> Visit<'a, M> for Each<F> {
    type Found = Infallible;

    fn packed(&mut self, items: &'a Packed<Value<M>>) -> ControlFlow<Infallible> {
        items.visit_kept(self)
    }

    fn part(&mut self, _: &'a Part<M>, _: Option<&'a Arc<dyn Keep>>) -> ControlFlow<Infallible> {
        ControlFlow::Continue(())
    }

    fn stream(&mut self, stream: &'a StreamValue<M>) -> ControlFlow<Infallible> {
        (self.0)(stream);
        ControlFlow::Continue(())
    }
}

/// The same, to write to them.
fn each_mut<M>(tree: &mut Fragment<M>, visit: impl FnMut(&mut StreamValue<M>)) {
    let ControlFlow::Continue(()) = EachMut(visit).instance(InstanceMut::Own(tree));
}

struct EachMut<F>(F);

impl<M, F: FnMut(&mut StreamValue<M>)> VisitMut<M> for EachMut<F> {
    type Found = Infallible;

    /// One that is shared is copied only for the streams in it.
    fn html(&mut self, html: &mut Html<M>) -> ControlFlow<Infallible> {
        if has_streams(html.root()) {
            self.instance(InstanceMut::Own(html.root_mut()))?;
        }
        ControlFlow::Continue(())
    }

    fn packed(&mut self, items: &mut Packed<Value<M>>) -> ControlFlow<Infallible> {
        items.visit_kept_mut(self)
    }

    fn part(&mut self, _: &mut Arc<Part<M>>) -> ControlFlow<Infallible> {
        ControlFlow::Continue(())
    }

    fn stream(&mut self, stream: &mut StreamValue<M>) -> ControlFlow<Infallible> {
        (self.0)(stream);
        ControlFlow::Continue(())
    }
}

pub(crate) fn has_streams<M>(fragment: &Fragment<M>) -> bool {
    let mut found = false;
    each(fragment, |_| found = true);
    found
}

/// Whether rows are shown that are no longer here.
fn has_let_go<M>(fragment: &Fragment<M>) -> bool {
    let mut found = false;
    each(fragment, |stream| found |= !matches!(stream.0, Content::Fresh { .. }));
    found
}

/// The next render has all rows of the streams in this tree.
pub(crate) fn lose<M>(fragment: &Fragment<M>) {
    each(fragment, StreamValue::lose);
}

/// A client is about to show the rows of this tree.
pub(crate) fn show<M>(fragment: &mut Fragment<M>) {
    each_mut(fragment, StreamValue::show);
}

/// A client shows the rows of this tree: only their handlers are kept. Returns whether there are any streams.
pub(crate) fn settle<M>(fragment: &mut Fragment<M>) -> bool {
    let mut found = false;
    each_mut(fragment, |stream| {
        found = true;
        stream.settle();
    });
    found
}

/// Takes out what is kept of rows that a client shows, or may yet hydrate, in the order of the tree.
pub(crate) fn take<M>(fragment: &mut Fragment<M>) -> Vec<StreamValue<M>> {
    let mut taken = Vec::new();
    each_mut(fragment, |stream| {
        taken.push(core::mem::replace(stream, StreamValue(Content::unknown())));
    });
    taken
}

/// Puts into another render of the same state what was taken. False when there are other streams.
pub(crate) fn put<M>(fragment: &mut Fragment<M>, taken: Vec<StreamValue<M>>) -> bool {
    let mut taken = taken.into_iter();
    let mut is_same = true;
    each_mut(fragment, |stream| match taken.next() {
        Some(shown) => *stream = shown,
        None => is_same = false,
    });
    is_same && taken.next().is_none()
}

/// Which rows a client shows is unknown from now on. Returns whether there are any streams.
pub(crate) fn forget<M>(fragment: &mut Fragment<M>) -> bool {
    let mut found = false;
    each_mut(fragment, |stream| {
        found = true;
        stream.forget();
    });
    found
}

/// A render with all rows, whichever tree shows the streams.
pub(crate) fn render_whole<M>(mut render: impl FnMut() -> Html<M>) -> Html<M> {
    let html = render();
    if !has_let_go(html.root()) {
        return html;
    }
    lose(html.root());
    render()
}

/// A render with all rows of the streams of `tree`, which changes nothing; `None` when `tree` has all of them itself.
pub(crate) fn glance<M>(tree: &Fragment<M>, render: impl FnOnce() -> Html<M>) -> Option<Html<M>> {
    struct Whole<'a, M>(&'a Fragment<M>);
    impl<M> Drop for Whole<'_, M> {
        fn drop(&mut self) {
            each(self.0, |stream| stream.set_whole(false));
        }
    }
    if !has_let_go(tree) {
        return None;
    }
    each(tree, |stream| stream.set_whole(true));
    let _whole = Whole(tree);
    Some(render())
}

/// Gives what the handler slot of a row holds to `give`; false when no stream of the tree has such a slot.
pub(crate) fn with_handler<M>(
    fragment: &Fragment<M>,
    instance: InstanceId,
    slot: SlotIndex,
    give: impl FnOnce(&Value<M>),
) -> bool {
    let mut give = Some(give);
    each(fragment, |stream| {
        if let Content::Shown(shown) = &stream.0
            && let Some(shown) = &*shown.lock()
            && let Some(handler) = shown.rows.handler(instance, slot)
            && let Some(give) = give.take()
        {
            give(handler);
        }
    });
    give.is_none()
}
