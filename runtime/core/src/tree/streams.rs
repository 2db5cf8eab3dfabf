//! The streams in a tree.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::{self, Vec};
use core::convert::Infallible;
use core::ops::ControlFlow;

use spin::Mutex;

use crate::tree::html::{Child, Fragment, Html, Mapped, Row, Value};
use crate::tree::packed::Packed;
use crate::tree::part::{Keep, Part};
use crate::tree::stream::rows::Shown;
use crate::tree::stream::{Content, StreamValue};
use crate::tree::visit::{Instance, InstanceMut, Visit, VisitMut};
use crate::tree::walks::{Find, Look, RowEvent, SlotAddress, Streamed, StreamedMut, TakenIn, Write};

impl<M> Streamed for StreamValue<M> {
    fn is_fresh(&self) -> bool {
        matches!(self.0, Content::Fresh { .. })
    }

    fn lose(&self) {
        Self::lose(self);
    }

    fn set_whole(&self, is_whole: bool) {
        Self::set_whole(self, is_whole);
    }
}

impl<M> StreamedMut for StreamValue<M> {
    /// The document begins with these rows: what changes from now on is kept until it is rendered.
    fn show(&mut self) {
        if let Content::Fresh { link, at, token: token @ None, .. } = &mut self.0 {
            *token = Some(link.show(*at));
        }
    }

    /// A client shows the rows: only what [`Shown`] needs of them is kept.
    fn settle(&mut self) {
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
fn each<M>(tree: &Fragment<M>, visit: impl FnMut(&dyn Streamed)) {
    let ControlFlow::Continue(()) = Each(visit).instance(Instance::Own(tree));
}

/// The same of what a content slot holds.
pub(crate) fn each_in<M>(content: &Value<M>, visit: &mut dyn FnMut(&dyn Streamed)) {
    let ControlFlow::Continue(()) = Each(visit).value(content);
}

struct Each<F>(F);

impl<'a, M: 'a, F: FnMut(&dyn Streamed)> Visit<'a, M> for Each<F> {
    type Found = Infallible;

    fn packed(&mut self, items: &'a Packed<Value<M>>) -> ControlFlow<Infallible> {
        items.visit_kept(self)
    }

    fn mapped(&mut self, mapped: &'a Mapped<M>) -> ControlFlow<Infallible> {
        let _is_done = mapped.child().look(Look::Streams(&mut self.0));
        ControlFlow::Continue(())
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
fn each_mut<M>(tree: &mut Fragment<M>, visit: impl FnMut(&mut dyn StreamedMut)) {
    let ControlFlow::Continue(()) = EachMut(visit).instance(InstanceMut::Own(tree));
}

/// The same of what a content slot holds.
pub(crate) fn each_in_mut<M>(content: &mut Value<M>, visit: &mut dyn FnMut(&mut dyn StreamedMut)) {
    let ControlFlow::Continue(()) = EachMut(visit).value(content);
}

struct EachMut<F>(F);

impl<M, F: FnMut(&mut dyn StreamedMut)> VisitMut<M> for EachMut<F> {
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

    fn mapped(&mut self, mapped: &mut Mapped<M>) -> ControlFlow<Infallible> {
        if child_has_streams(mapped.child()) {
            let _is_done = mapped.child_mut().write(Write::Streams(&mut self.0));
        }
        ControlFlow::Continue(())
    }

    fn part(&mut self, _: &mut Arc<Part<M>>) -> ControlFlow<Infallible> {
        ControlFlow::Continue(())
    }

    fn stream(&mut self, stream: &mut StreamValue<M>) -> ControlFlow<Infallible> {
        (self.0)(stream);
        ControlFlow::Continue(())
    }
}

fn child_has_streams<M>(child: &dyn Child<M>) -> bool {
    let mut found = false;
    let _is_done = child.look(Look::Streams(&mut |_| found = true));
    found
}

pub(crate) fn has_streams<M>(fragment: &Fragment<M>) -> bool {
    let mut found = false;
    each(fragment, |_| found = true);
    found
}

/// Whether rows are shown that are no longer here.
fn has_let_go<M>(fragment: &Fragment<M>) -> bool {
    let mut found = false;
    each(fragment, |stream| found |= !stream.is_fresh());
    found
}

/// The next render has all rows of the streams in this tree.
pub(crate) fn lose<M>(fragment: &Fragment<M>) {
    each(fragment, |stream| stream.lose());
}

/// A client is about to show the rows of this tree.
pub(crate) fn show<M>(fragment: &mut Fragment<M>) {
    each_mut(fragment, |stream| stream.show());
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

/// What was taken out of a tree's streams.
pub(crate) enum Taken<M> {
    Own(StreamValue<M>),
    /// Of a stream in HTML whose messages are mapped.
    Mapped(Box<dyn TakenIn>),
}

impl<M> Taken<M> {
    /// The next render has all rows.
    pub(crate) fn lose(&self) {
        match self {
            Self::Own(stream) => stream.lose(),
            Self::Mapped(taken) => taken.lose(),
        }
    }

    /// A client shows the rows.
    pub(crate) fn settle(&mut self) {
        match self {
            Self::Own(stream) => stream.settle(),
            Self::Mapped(taken) => taken.settle(),
        }
    }
}

/// Takes out what is kept of rows that a client shows, or may yet hydrate, in the order of the tree.
pub(crate) fn take<M>(fragment: &mut Fragment<M>) -> Vec<Taken<M>> {
    let mut take = Take(Vec::new());
    let ControlFlow::Continue(()) = take.instance(InstanceMut::Own(fragment));
    take.0
}

/// The same of what a content slot holds.
pub(crate) fn take_in<M>(content: &mut Value<M>) -> Vec<Taken<M>> {
    let mut take = Take(Vec::new());
    let ControlFlow::Continue(()) = take.value(content);
    take.0
}

struct Take<M>(Vec<Taken<M>>);

impl<M> VisitMut<M> for Take<M> {
    type Found = Infallible;

    fn html(&mut self, html: &mut Html<M>) -> ControlFlow<Infallible> {
        if has_streams(html.root()) {
            self.instance(InstanceMut::Own(html.root_mut()))?;
        }
        ControlFlow::Continue(())
    }

    fn packed(&mut self, items: &mut Packed<Value<M>>) -> ControlFlow<Infallible> {
        items.visit_kept_mut(self)
    }

    fn mapped(&mut self, mapped: &mut Mapped<M>) -> ControlFlow<Infallible> {
        if child_has_streams(mapped.child()) {
            self.0.push(Taken::Mapped(mapped.child_mut().take_streams()));
        }
        ControlFlow::Continue(())
    }

    fn part(&mut self, _: &mut Arc<Part<M>>) -> ControlFlow<Infallible> {
        ControlFlow::Continue(())
    }

    fn stream(&mut self, stream: &mut StreamValue<M>) -> ControlFlow<Infallible> {
        self.0.push(Taken::Own(core::mem::replace(stream, StreamValue(Content::unknown()))));
        ControlFlow::Continue(())
    }
}

/// Puts into another render of the same state what was taken. False when there are other streams.
pub(crate) fn put<M>(fragment: &mut Fragment<M>, taken: Vec<Taken<M>>) -> bool {
    let mut put = Put(taken.into_iter());
    put.instance(InstanceMut::Own(fragment)).is_continue() && put.0.next().is_none()
}

/// The same of what a content slot holds.
pub(crate) fn put_in<M>(content: &mut Value<M>, taken: Vec<Taken<M>>) -> bool {
    let mut put = Put(taken.into_iter());
    put.value(content).is_continue() && put.0.next().is_none()
}

/// Ends at the first stream that is another one.
struct Put<M>(vec::IntoIter<Taken<M>>);

impl<M> VisitMut<M> for Put<M> {
    type Found = ();

    fn html(&mut self, html: &mut Html<M>) -> ControlFlow<()> {
        if has_streams(html.root()) {
            self.instance(InstanceMut::Own(html.root_mut()))?;
        }
        ControlFlow::Continue(())
    }

    fn packed(&mut self, items: &mut Packed<Value<M>>) -> ControlFlow<()> {
        items.visit_kept_mut(self)
    }

    fn mapped(&mut self, mapped: &mut Mapped<M>) -> ControlFlow<()> {
        if !child_has_streams(mapped.child()) {
            return ControlFlow::Continue(());
        }
        let Some(Taken::Mapped(mut taken)) = self.0.next() else { return ControlFlow::Break(()) };
        if mapped.child_mut().put_streams(taken.any()) {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    }

    fn part(&mut self, _: &mut Arc<Part<M>>) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    fn stream(&mut self, stream: &mut StreamValue<M>) -> ControlFlow<()> {
        let Some(Taken::Own(shown)) = self.0.next() else { return ControlFlow::Break(()) };
        *stream = shown;
        ControlFlow::Continue(())
    }
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

/// What an event gives at a handler slot of a row; `None` when no stream of the tree has such a slot. What maps the messages of
/// HTML around the row is that of `seen`, the tree that the event was made on, if it isn't this one.
pub(crate) fn row_of_event<M>(
    fragment: &Fragment<M>,
    seen: Option<&Fragment<M>>,
    event: &RowEvent<'_>,
) -> Option<Row<M>> {
    let nowhere = SlotAddress { instance: 0, slot: 0 };
    let seen = seen.map(Seen::Tree);
    FindRow { event, seen, at: nowhere }.instance(Instance::Own(fragment)).break_value()
}

/// The same of what a content slot holds.
pub(crate) fn row_of_event_in<M>(
    content: &Value<M>,
    seen: Option<&Value<M>>,
    event: &RowEvent<'_>,
) -> Option<Row<M>> {
    let nowhere = SlotAddress { instance: 0, slot: 0 };
    let seen = seen.map(Seen::Content);
    FindRow { event, seen, at: nowhere }.value(content).break_value()
}

/// The tree that an event was made on, or what a content slot of it holds.
enum Seen<'s, M> {
    Tree(&'s Fragment<M>),
    Content(&'s Value<M>),
}

impl<'s, M> Seen<'s, M> {
    /// The HTML with messages of its own that stands there.
    fn child(&self, at: SlotAddress) -> Option<&'s dyn Child<M>> {
        let mut find = Find::new(at);
        let reached = match self {
            // Mapped HTML that is mapped again is in no instance of its own.
            Self::Content(Value::Mapped(mapped)) if at.instance == 0 => return Some(mapped.child()),
            Self::Content(content) => find.value(content),
            Self::Tree(tree) => find.instance(Instance::Own(tree)),
        };
        reached.break_value()?.child(at.slot)
    }
}

struct FindRow<'e, M> {
    event: &'e RowEvent<'e>,
    seen: Option<Seen<'e, M>>,
    /// The slot that is looked into.
    at: SlotAddress,
}

impl<'a, M: 'a> Visit<'a, M> for FindRow<'_, M> {
    type Found = Row<M>;

    fn instance(&mut self, instance: Instance<'a, M>) -> ControlFlow<Row<M>> {
        self.at.instance = instance.id();
        match instance {
            Instance::Own(fragment) => (0..).zip(&fragment.values).try_for_each(|(slot, value)| {
                self.at = SlotAddress { instance: fragment.id, slot };
                self.value(value)
            }),
            Instance::Packed(items, index) => (0..).zip(items.kept_of(index)).try_for_each(|(nth, value)| {
                if matches!(value, Value::Mapped(_)) {
                    let slot = u32::try_from(items.slot_of_kept(index, nth)).unwrap_or(u32::MAX);
                    self.at = SlotAddress { instance: items.id(index), slot };
                }
                self.value(value)
            }),
        }
    }

    fn packed(&mut self, items: &'a Packed<Value<M>>) -> ControlFlow<Row<M>> {
        if items.has_handlers_only() {
            return ControlFlow::Continue(());
        }
        (0..items.len()).try_for_each(|index| self.instance(Instance::Packed(items, index)))
    }

    fn mapped(&mut self, mapped: &'a Mapped<M>) -> ControlFlow<Row<M>> {
        let seen = self.seen.as_ref().and_then(|seen| seen.child(self.at));
        mapped.child().row(seen, self.event).map_or(ControlFlow::Continue(()), ControlFlow::Break)
    }

    fn part(&mut self, _: &'a Part<M>, _: Option<&'a Arc<dyn Keep>>) -> ControlFlow<Row<M>> {
        ControlFlow::Continue(())
    }

    fn stream(&mut self, stream: &'a StreamValue<M>) -> ControlFlow<Row<M>> {
        let SlotAddress { instance, slot } = self.event.address;
        if let Content::Shown(shown) = &stream.0
            && let Some(shown) = &*shown.lock()
            && let Some(handler) = shown.rows.handler(instance, slot)
        {
            return ControlFlow::Break(match self.event.payload {
                _ if matches!(handler, Value::NoHandler) => Row::NoHandler,
                Some(payload) => handler.message(payload).map_or(Row::NoHandler, Row::Message),
                None => Row::Held,
            });
        }
        ControlFlow::Continue(())
    }
}
