#![doc = include_str!("../../docs/memo.md")]

mod rows;

use alloc::boxed::Box;
use alloc::sync::{Arc, Weak};
use alloc::vec::Vec;
use core::fmt;

use spin::Mutex;

use self::rows::{Row, Rows};
use crate::tree::html::{Body, Fragment, Html, Item, Value};
use crate::tree::key::Key;
pub use crate::tree::part::Keep;
use crate::tree::part::Part;
use crate::tree::streams::has_streams;
use crate::tree::template::Template;

/// A part of a page that is rendered again when `D`, what it depends on, has changed. `M` is the type of its
/// messages.
///
/// The [module's documentation](self) tells what that means.
pub struct Memo<D, M> {
    cache: CacheRef<Option<(D, Arc<Part<M>>)>>,
}

/// The rows of a list, each of which is rendered again when what it depends on has changed: `@memo` of `html!`
/// goes over it.
///
/// The [module's documentation](self) tells what that means.
pub struct MemoList<D, M> {
    cache: CacheRef<Vec<Row<D, M>>>,
}

/// A memo's weak reference to its cache. The cache is shared with the rendered trees and freed with the last of them.
struct CacheRef<T>(Mutex<Weak<Cache<T>>>);

/// What a memo has rendered last.
struct Cache<T>(Mutex<T>);

impl<T: Default + Send> Keep for Cache<T> {
    fn forget(&self) {
        // Dropped after the lock is released: it holds values of the author, whose `drop` may do anything.
        let _dropped = self.replace(T::default());
    }
}

impl<T> Cache<T> {
    fn replace(&self, rendered: T) -> T {
        core::mem::replace(&mut *self.0.lock(), rendered)
    }
}

impl<T: Default> CacheRef<T> {
    const fn new() -> Self {
        Self(Mutex::new(Weak::new()))
    }

    /// The cache; an empty one when no tree holds it.
    fn get(&self) -> Arc<Cache<T>> {
        let mut weak = self.0.lock();
        weak.upgrade().unwrap_or_else(|| {
            let cache = Arc::new(Cache(Mutex::new(T::default())));
            *weak = Arc::downgrade(&cache);
            cache
        })
    }
}

impl<D, M> Memo<D, M> {
    /// A part that nothing has rendered yet.
    pub const fn new() -> Self {
        Self { cache: CacheRef::new() }
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
        let cache = self.cache.get();
        let part = match &*cache.0.lock() {
            Some((before, part)) if *before == deps => Some(Arc::clone(part)),
            _ => None,
        };
        if let Some(part) = part {
            return Memoized(Value::Memo(Box::new((part, cache))));
        }
        let html = render();
        if has_streams(html.root()) {
            return Memoized(Value::Html(html));
        }
        let part = Arc::new(Part::new(html.into_root()));
        let _dropped = cache.replace(Some((deps, Arc::clone(&part))));
        Memoized(Value::Memo(Box::new((part, cache))))
    }
}

impl<D, M> MemoList<D, M> {
    /// A list that nothing has rendered yet.
    pub const fn new() -> Self {
        Self { cache: CacheRef::new() }
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
        let cache = self.list.cache.get();
        let mut rows = Rows::new(cache.replace(Vec::new()));
        let all = self.rows.into_iter();
        let mut items = Vec::with_capacity(all.size_hint().0);
        for one in all {
            let deps = (self.deps)(&one);
            items.push(row(one, MemoRow { rows: &mut rows, deps }));
        }
        let (rows, _dropped) = rows.finish();
        let _other = cache.replace(rows);
        if let Some(Body::Part(_, first)) =
            items.iter_mut().map(|item| &mut item.body).find(|body| body.own().is_none())
        {
            *first = Some(cache);
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
                    let is_kept = self.cache.0.lock().strong_count() > 0;
                    f.debug_struct(stringify!($memo)).field("is_kept", &is_kept).finish()
                }
            }
        )*
    };
}
memos!(Memo MemoList);
