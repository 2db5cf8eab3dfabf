#![doc = include_str!("../../docs/memo.md")]

mod rows;

use alloc::boxed::Box;
use alloc::sync::{Arc, Weak};
use alloc::vec::Vec;
use core::fmt;

use spin::Mutex;

use self::rows::{Row, Rows};
use crate::tree::html::{Fragment, Html, Item, Value};
use crate::tree::key::Key;
use crate::tree::part::{Body, Part};
use crate::tree::streams::has_streams;
use crate::tree::template::Template;

/// A part of a page that is rendered again when `D`, what it depends on, has changed. `M` is the type of its
/// messages.
///
/// The [module's documentation](self) tells what that means.
pub struct Memo<D, M> {
    shelf: Shelf<Option<(D, Arc<Part<M>>)>>,
}

/// The rows of a list, each of which is rendered again when what it depends on has changed: `@memo` of `html!`
/// goes over it.
///
/// The [module's documentation](self) tells what that means.
pub struct MemoList<D, M> {
    shelf: Shelf<Vec<Row<D, M>>>,
}

/// Where a memo keeps what it has rendered: what trees share with it, and nobody else. With the last tree
/// that shows it goes all that is kept.
struct Shelf<T>(Mutex<Weak<Kept<T>>>);

struct Kept<T>(Mutex<T>);

/// What a memo keeps, as a tree sees it. Only this crate makes one.
pub trait Keep: Send + Sync {
    /// The next render renders anew.
    fn forget(&self);
}

impl<T: Default + Send> Keep for Kept<T> {
    fn forget(&self) {
        // Dropped when the lock is let go of: it is the author's, and what it does is not known.
        let _dropped = self.replace(T::default());
    }
}

impl<T> Kept<T> {
    fn replace(&self, kept: T) -> T {
        core::mem::replace(&mut *self.0.lock(), kept)
    }
}

impl<T: Default> Shelf<T> {
    const fn new() -> Self {
        Self(Mutex::new(Weak::new()))
    }

    fn kept(&self) -> Arc<Kept<T>> {
        let mut weak = self.0.lock();
        weak.upgrade().unwrap_or_else(|| {
            let kept = Arc::new(Kept(Mutex::new(T::default())));
            *weak = Arc::downgrade(&kept);
            kept
        })
    }
}

impl<D, M> Memo<D, M> {
    /// A part that nothing has rendered yet.
    pub const fn new() -> Self {
        Self { shelf: Shelf::new() }
    }
}

impl<D, M> Memo<D, M>
where
    D: PartialEq + Send + 'static,
    M: Send + Sync + 'static,
{
    /// What `render` gave the last time, if that was for equal `deps` and is still shown; otherwise what it gives now.
    ///
    /// To be spliced: `html! { (self.table.of(self.version, || html! { .. })) }`.
    pub fn of(&self, deps: D, render: impl FnOnce() -> Html<M>) -> Memoized<M> {
        let kept = self.shelf.kept();
        let part = match &*kept.0.lock() {
            Some((before, part)) if *before == deps => Some(Arc::clone(part)),
            _ => None,
        };
        if let Some(part) = part {
            return Memoized(Value::Memo(Box::new((part, kept))));
        }
        let html = render();
        if has_streams(html.root()) {
            return Memoized(Value::Html(html));
        }
        let part = Arc::new(Part::new(html.into_root()));
        let _dropped = kept.replace(Some((deps, Arc::clone(&part))));
        Memoized(Value::Memo(Box::new((part, kept))))
    }
}

impl<D, M> MemoList<D, M> {
    /// A list that nothing has rendered yet.
    pub const fn new() -> Self {
        Self { shelf: Shelf::new() }
    }

    /// What a `@memo` of `html!` goes over: the rows, in their order, and what each of them depends on.
    pub fn over<I, F>(&self, rows: I, deps: F) -> MemoRows<'_, D, M, I, F>
    where
        I: IntoIterator,
        F: FnMut(&I::Item) -> D,
    {
        MemoRows { list: self, rows, deps }
    }
}

/// A part of a page, as it was rendered now or before: it splices into `html!`.
pub struct Memoized<M>(pub(crate) Value<M>);

impl<M> fmt::Debug for Memoized<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A list with its rows: what a `@memo` of `html!` goes over.
pub struct MemoRows<'a, D, M, I, F> {
    list: &'a MemoList<D, M>,
    rows: I,
    deps: F,
}

impl<D, M, I, F> fmt::Debug for MemoRows<'_, D, M, I, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.list.fmt(f)
    }
}

/// What a `@memo` of `html!` can go over.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a memoized list of this component",
    label = "a `@memo` goes over a `MemoList` and its rows",
    note = "write `self.memos.over(&self.rows, |row| ..)` with a `MemoList<D, Msg>`, where the function gives what a row depends on, or `@for` to render every row"
)]
pub trait IntoMemoRows<M> {
    /// The data of a row.
    type Row;
    /// What a row depends on.
    type Deps: PartialEq;

    /// What the slot holds, with rows as `row` renders them.
    fn render(self, row: impl FnMut(Self::Row, MemoRow<'_, Self::Deps, M>) -> Item<M>) -> Value<M>;
}

impl<D, M, I, F> IntoMemoRows<M> for MemoRows<'_, D, M, I, F>
where
    D: PartialEq + Send + 'static,
    M: Send + Sync + 'static,
    I: IntoIterator,
    F: FnMut(&I::Item) -> D,
{
    type Row = I::Item;
    type Deps = D;

    fn render(mut self, mut row: impl FnMut(I::Item, MemoRow<'_, D, M>) -> Item<M>) -> Value<M> {
        let kept = self.list.shelf.kept();
        let mut rows = Rows::new(kept.replace(Vec::new()));
        let all = self.rows.into_iter();
        let mut items = Vec::with_capacity(all.size_hint().0);
        for one in all {
            let deps = (self.deps)(&one);
            items.push(row(one, MemoRow { rows: &mut rows, deps }));
        }
        let (rows, _dropped) = rows.finish();
        let _other = kept.replace(rows);
        if let Some(Body::Part(_, first)) =
            items.iter_mut().map(|item| &mut item.body).find(|body| body.own().is_none())
        {
            *first = Some(kept);
        }
        Value::List(items.into_boxed_slice())
    }
}

/// A row that is about to be rendered, or not. `html!` uses it.
pub struct MemoRow<'a, D, M> {
    rows: &'a mut Rows<D, M>,
    deps: D,
}

impl<D: PartialEq, M> MemoRow<'_, D, M> {
    /// The row as it was rendered before, or what it takes to have it rendered.
    ///
    /// # Errors
    ///
    /// The latter.
    pub fn kept(self, key: Key, template: &'static Template) -> Result<Item<M>, (Self, Key)> {
        match self.rows.take(&key, &self.deps, template) {
            Some(part) => Ok(Item { key, body: Body::Part(part, None) }),
            None => Err((self, key)),
        }
    }

    /// The row as it was rendered now.
    pub fn fresh(self, key: Key, fragment: Fragment<M>) -> Item<M> {
        if has_streams(&fragment) {
            return Item::new(key, fragment);
        }
        let part = Arc::new(Part::new(fragment));
        self.rows.put(Row { key: key.clone(), deps: self.deps, part: Arc::clone(&part) });
        Item { key, body: Body::Part(part, None) }
    }
}

impl<D, M> fmt::Debug for MemoRow<'_, D, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoRow").finish_non_exhaustive()
    }
}

macro_rules! memos {
    ($($memo:ident)*) => {
        $(
            impl<D, M> Default for $memo<D, M> {
                fn default() -> Self {
                    Self::new()
                }
            }

            /// Another one, which nothing has rendered yet.
            impl<D, M> Clone for $memo<D, M> {
                fn clone(&self) -> Self {
                    Self::new()
                }
            }

            impl<D, M> fmt::Debug for $memo<D, M> {
                fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    let is_kept = self.shelf.0.lock().strong_count() > 0;
                    f.debug_struct(stringify!($memo)).field("is_kept", &is_kept).finish()
                }
            }
        )*
    };
}
memos!(Memo MemoList);

/// The next render renders the memoized parts of this tree anew, and nothing is kept of them but by the tree.
pub(crate) fn forget<M>(fragment: &Fragment<M>) {
    fragment.values.iter().for_each(forget_within);
}

fn forget_within<M>(value: &Value<M>) {
    match value {
        Value::Html(html) => forget(html.root()),
        Value::Memo(memo) => {
            memo.1.forget();
            memo.0.read(forget);
        }
        Value::Branch(Some((_, fragment))) => forget(fragment),
        Value::List(items) => {
            for item in items {
                if let Body::Part(_, Some(kept)) = &item.body {
                    kept.forget();
                }
                item.body.read(forget);
            }
        }
        Value::Packed(items) => items.kept().iter().for_each(forget_within),
        _ => {}
    }
}
