//! The streams in a tree.

use alloc::boxed::Box;
use alloc::vec::Vec;

use spin::Mutex;

use super::stream::rows::Shown;
use crate::author::stream::{Change, Content, StreamValue};
use crate::tree::html::{Fragment, Html, Item, Value};
use lightspeed_protocol::{InstanceId, SlotIndex};

impl<M> StreamValue<M> {
    /// The rows, if they were rendered.
    pub(crate) fn items(&self) -> &[Item<M>] {
        match &self.0 {
            Content::Fresh { items, .. } => items,
            _ => &[],
        }
    }

    /// The rows that were rendered: all of them, or those that have changed.
    pub(crate) fn rendered(&self) -> impl Iterator<Item = &Item<M>> {
        let changes: &[_] = match &self.0 {
            Content::Changes { changes, .. } => changes,
            _ => &[],
        };
        self.items().iter().chain(changes.iter().filter_map(Change::row))
    }

    pub(crate) fn items_mut(&mut self) -> Option<&mut Vec<Item<M>>> {
        match &mut self.0 {
            Content::Fresh { items, .. } => Some(items),
            _ => None,
        }
    }

    pub(crate) fn into_items(self) -> impl Iterator<Item = Item<M>> {
        match self.0 {
            Content::Fresh { items, .. } => items,
            _ => Vec::new(),
        }
        .into_iter()
    }

    /// Whether a row that a client shows has such a handler slot.
    pub(crate) fn has_handler(&self, instance: InstanceId, slot: SlotIndex) -> bool {
        let Content::Shown(shown) = &self.0 else { return false };
        shown.lock().as_ref().is_some_and(|shown| shown.rows.handler(instance, slot).is_some())
    }

    /// The next render has all rows.
    pub(crate) fn lose(&self) {
        match &self.0 {
            Content::Fresh { link, .. } | Content::Changes { link, .. } => link.lose(None),
            Content::Shown(shown) => {
                if let Some(shown) = &*shown.lock() {
                    shown.link.lose(None);
                }
            }
        }
    }

    fn set_whole(&self, is_whole: bool) {
        match &self.0 {
            Content::Fresh { link, .. } | Content::Changes { link, .. } => link.set_whole(is_whole),
            Content::Shown(shown) => {
                if let Some(shown) = &*shown.lock() {
                    shown.link.set_whole(is_whole);
                }
            }
        }
    }

    /// The document begins with these rows: what changes from now on is kept until it is rendered.
    fn show(&mut self) {
        if let Content::Fresh { link, at, token: token @ None, .. } = &mut self.0 {
            *token = Some(link.show(*at));
        }
    }

    /// Keeps of the rows what is needed once a client shows them.
    pub(crate) fn settle(&mut self) {
        if matches!(self.0, Content::Fresh { .. })
            && let Content::Fresh { link, at, token, items } =
                core::mem::replace(&mut self.0, Content::unknown())
        {
            self.0 = Content::Shown(Mutex::new(Some(Box::new(Shown::new(link, at, token, items)))));
        }
    }

    fn forget(&mut self) {
        self.0 = Content::unknown();
    }
}

/// Visits the streams of a tree, but not those within rows of others. Memoized parts have none.
fn each<'a, M>(fragment: &'a Fragment<M>, visit: &mut impl FnMut(&'a StreamValue<M>)) {
    fragment.values.iter().for_each(|value| each_within(value, visit));
}

fn each_within<'a, M>(value: &'a Value<M>, visit: &mut impl FnMut(&'a StreamValue<M>)) {
    match value {
        Value::Stream(stream) => visit(stream),
        Value::Html(html) => each(html.root(), visit),
        Value::Branch(Some((_, fragment))) => each(fragment, visit),
        Value::List(items) => {
            items.iter().filter_map(|item| item.body.own()).for_each(|fragment| each(fragment, visit));
        }
        Value::Packed(items) if !items.has_handlers_only() => {
            items.kept().iter().for_each(|value| each_within(value, visit));
        }
        _ => {}
    }
}

fn each_mut<M>(fragment: &mut Fragment<M>, visit: &mut impl FnMut(&mut StreamValue<M>)) {
    fragment.values.iter_mut().for_each(|value| each_mut_within(value, visit));
}

fn each_mut_within<M>(value: &mut Value<M>, visit: &mut impl FnMut(&mut StreamValue<M>)) {
    match value {
        Value::Stream(stream) => visit(stream),
        // One that is shared would be copied.
        Value::Html(html) if has_streams(html.root()) => each_mut(html.root_mut(), visit),
        Value::Branch(Some((_, fragment))) => each_mut(fragment, visit),
        Value::List(items) => {
            let own = items.iter_mut().filter_map(|item| item.body.own_mut());
            own.for_each(|fragment| each_mut(fragment, visit));
        }
        Value::Packed(items) if !items.has_handlers_only() => {
            items.kept_mut().iter_mut().for_each(|value| each_mut_within(value, visit));
        }
        _ => {}
    }
}

pub(crate) fn has_streams<M>(fragment: &Fragment<M>) -> bool {
    let mut found = false;
    each(fragment, &mut |_| found = true);
    found
}

/// Whether rows are shown that are no longer here.
fn has_let_go<M>(fragment: &Fragment<M>) -> bool {
    let mut found = false;
    each(fragment, &mut |stream| found |= !matches!(stream.0, Content::Fresh { .. }));
    found
}

/// The next render has all rows of the streams in this tree.
pub(crate) fn lose<M>(fragment: &Fragment<M>) {
    each(fragment, &mut StreamValue::lose);
}

/// A client is about to show the rows of this tree.
pub(crate) fn show<M>(fragment: &mut Fragment<M>) {
    each_mut(fragment, &mut StreamValue::show);
}

/// A client shows the rows of this tree: they are let go of. Returns whether there are any streams.
pub(crate) fn settle<M>(fragment: &mut Fragment<M>) -> bool {
    let mut found = false;
    each_mut(fragment, &mut |stream| {
        found = true;
        stream.settle();
    });
    found
}

/// Takes out what is kept of the rows that a client shows, or may yet adopt, in the order of the tree.
pub(crate) fn take<M>(fragment: &mut Fragment<M>) -> Vec<StreamValue<M>> {
    let mut taken = Vec::new();
    each_mut(fragment, &mut |stream| {
        taken.push(core::mem::replace(stream, StreamValue(Content::unknown())));
    });
    taken
}

/// Puts into another render of the same state what was taken. False when there are other streams.
pub(crate) fn put<M>(fragment: &mut Fragment<M>, taken: Vec<StreamValue<M>>) -> bool {
    let mut taken = taken.into_iter();
    let mut is_same = true;
    each_mut(fragment, &mut |stream| match taken.next() {
        Some(shown) => *stream = shown,
        None => is_same = false,
    });
    is_same && taken.next().is_none()
}

/// Nobody knows which rows a client shows. Returns whether there are any streams.
pub(crate) fn forget<M>(fragment: &mut Fragment<M>) -> bool {
    let mut found = false;
    each_mut(fragment, &mut |stream| {
        found = true;
        stream.forget();
    });
    found
}

/// A render with all rows, whatever is shown elsewhere.
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
            each(self.0, &mut |stream| stream.set_whole(false));
        }
    }
    if !has_let_go(tree) {
        return None;
    }
    each(tree, &mut |stream| stream.set_whole(true));
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
    each(fragment, &mut |stream| {
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
