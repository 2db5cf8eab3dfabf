#![doc = include_str!("../../docs/streams.md")]

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::borrow::Borrow;
use core::fmt;

use spin::Mutex;

use crate::tree::html::{Item, Value};
use crate::tree::key::IntoKey;
pub use crate::tree::stream::StreamValue;
use crate::tree::stream::rows::Link;
use crate::tree::stream::{Change, Content};

/// How many changes wait for a render, unless [`Stream::with_changes_max`] says otherwise.
///
/// One more, and the rows are shown anew from their source.
pub const STREAM_CHANGES_MAX: usize = 4_096;

/// A list whose rows the server doesn't keep: what has changed of it since the last render, and nothing else.
///
/// The [module's documentation](self) tells what that means.
pub struct Stream<T> {
    log: Arc<Log<T>>,
}

impl<T> Stream<T> {
    /// A stream that nothing shows yet.
    pub fn new() -> Self {
        Self::with_changes_max(STREAM_CHANGES_MAX)
    }

    /// A stream of which `count` changes may wait for a render. One more, and the rows are shown anew from
    /// their source: for changes that come in large batches.
    pub fn with_changes_max(count: usize) -> Self {
        let changes = Changes {
            waiting: VecDeque::new(),
            first: 0,
            shown: None,
            tokens: 0,
            is_whole: false,
            waiting_max: count,
        };
        Self { log: Arc::new(Log(Mutex::new(changes))) }
    }

    /// Adds a row at the end. When there is a row with its key, that row is updated and stays where it is;
    /// the same holds for all methods that add a row.
    pub fn append(&mut self, row: T) {
        self.change(Change::Append(row));
    }

    /// Adds a row at the start.
    pub fn prepend(&mut self, row: T) {
        self.change(Change::Prepend(row));
    }

    /// Adds a row before the row with this key, or at the end if there is none.
    pub fn insert_before(&mut self, key: &impl IntoKey, row: T) {
        self.change(Change::Before(key.to_key(), row));
    }

    /// Adds a row after the row with this key, or at the end if there is none.
    pub fn insert_after(&mut self, key: &impl IntoKey, row: T) {
        self.change(Change::After(key.to_key(), row));
    }

    /// Adds a row behind the first `index` rows, or at the end. The place is counted from the nearer end, row by row;
    /// [`Stream::insert_before`] doesn't count.
    pub fn insert_at(&mut self, index: usize, row: T) {
        self.change(Change::At(index, row));
    }

    /// Replaces the row that has the same key; nothing happens when there is none.
    pub fn update(&mut self, row: T) {
        self.change(Change::Update(row));
    }

    /// Removes the row with this key; nothing happens when there is none.
    pub fn delete(&mut self, key: &impl IntoKey) {
        self.change(Change::Delete(key.to_key()));
    }

    /// Removes all rows.
    pub fn clear(&mut self) {
        self.change(Change::Clear);
    }

    /// Removes all rows but the first `count`.
    pub fn keep_first(&mut self, count: usize) {
        self.change(Change::KeepFirst(count));
    }

    /// Removes all rows but the last `count`.
    pub fn keep_last(&mut self, count: usize) {
        self.change(Change::KeepLast(count));
    }

    /// Replaces all rows by those of the source: for a source that has changed as a whole.
    pub fn reset(&mut self) {
        self.log.forget();
    }

    /// What a `@stream` of `html!` goes over. `source` is called when all rows are needed: for the first render,
    /// and after [`Stream::reset`], a snapshot, a restart, or more changes than may wait.
    pub fn over<F, I>(&self, source: F) -> Rows<'_, T, F>
    where
        F: FnOnce() -> I,
        I: IntoIterator<Item: Borrow<T>>,
    {
        Rows { stream: self, source }
    }

    /// What a `@stream` of `html!` goes over when the rows come from nowhere else: they are lost with a
    /// snapshot or a restart.
    pub fn without_source(&self) -> Rows<'_, T, fn() -> [T; 0]> {
        Rows { stream: self, source: || [] }
    }

    fn change(&mut self, change: Change<T>) {
        // Dropped after the lock is released: rows are the author's, whose `drop` may do anything.
        let _dropped = self.log.lock().push(change);
    }
}

impl<T> Default for Stream<T> {
    fn default() -> Self {
        Self::new()
    }
}

/// Another stream of the same source, which nothing shows yet.
impl<T> Clone for Stream<T> {
    fn clone(&self) -> Self {
        Self::with_changes_max(self.log.lock().waiting_max)
    }
}

impl<T> fmt::Debug for Stream<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let changes = self.log.lock();
        f.debug_struct("Stream")
            .field("is_shown", &changes.shown.is_some())
            .field("waiting", &changes.waiting.len())
            .finish()
    }
}

/// A stream with its source: what a `@stream` of `html!` goes over.
pub struct Rows<'a, T, F> {
    stream: &'a Stream<T>,
    source: F,
}

impl<T, F> fmt::Debug for Rows<'_, T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.stream.fmt(f)
    }
}

/// What a `@stream` of `html!` can go over.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a stream",
    label = "a `@stream` goes over a `Stream` and its source",
    note = "write `self.rows.over(|| source)` with a `Stream`, or `@for` to go over an iterator whose items the server keeps"
)]
pub trait IntoRows {
    /// The data of a row.
    type Row;

    /// What the slot holds, with rows as `row` renders them.
    fn render<M>(self, row: impl FnMut(&Self::Row) -> Item<M>) -> Value<M>;
}

impl<T, F, I> IntoRows for Rows<'_, T, F>
where
    T: Send + 'static,
    F: FnOnce() -> I,
    I: IntoIterator<Item: Borrow<T>>,
{
    type Row = T;

    fn render<M>(self, mut row: impl FnMut(&T) -> Item<M>) -> Value<M> {
        let changes = self.stream.log.lock();
        let link: Arc<dyn Link> = Arc::clone(&self.stream.log) as _;
        let at = changes.end();
        match changes.shown {
            Some(Showing { at: from, .. }) if !changes.is_whole => {
                let new =
                    changes.waiting.iter().skip(usize::try_from(from - changes.first).unwrap_or(usize::MAX));
                let changes = new.map(|change| change.map(&mut row)).collect();
                Value::Stream(Box::new(StreamValue(Content::Changes { link, from, at, changes })))
            }
            _ => {
                drop(changes);
                let items = (self.source)().into_iter().map(|one| row(one.borrow())).collect();
                Value::Stream(Box::new(StreamValue(Content::Fresh { link, at, token: None, items })))
            }
        }
    }
}

struct Log<T>(Mutex<Changes<T>>);

/// The changes that wait for a render, and which tree shows the stream.
struct Changes<T> {
    waiting: VecDeque<Change<T>>,
    /// The number of the first waiting change, counted from the stream's beginning.
    first: u64,
    shown: Option<Showing>,
    /// How many trees have begun to show the stream.
    tokens: u64,
    is_whole: bool,
    waiting_max: usize,
}

#[derive(Clone, Copy)]
struct Showing {
    /// The tree.
    token: u64,
    /// The number of the first change that it doesn't show.
    at: u64,
}

impl<T> Log<T> {
    fn lock(&self) -> spin::MutexGuard<'_, Changes<T>> {
        // A session is in one place at a time, so waiting would be for itself.
        self.0
            .try_lock()
            .expect("a stream is neither rendered within its own rows nor by two sessions at once")
    }

    fn forget(&self) {
        let _dropped = self.lock().forget();
    }
}

impl<T> Changes<T> {
    fn end(&self) -> u64 {
        self.first + self.waiting.len() as u64
    }

    /// Takes a change; returns what is to be dropped.
    fn push(&mut self, change: Change<T>) -> (Option<Change<T>>, VecDeque<Change<T>>) {
        if self.shown.is_none() {
            // A tree that begins to show the stream takes all rows from the source.
            return (Some(change), VecDeque::new());
        }
        if self.waiting.len() >= self.waiting_max {
            return (Some(change), self.forget());
        }
        self.waiting.push_back(change);
        (None, VecDeque::new())
    }

    fn forget(&mut self) -> VecDeque<Change<T>> {
        self.shown = None;
        self.first = self.end();
        core::mem::take(&mut self.waiting)
    }
}

impl<T: Send> Link for Log<T> {
    fn show(&self, at: u64) -> u64 {
        let mut changes = self.lock();
        changes.tokens += 1;
        let token = changes.tokens;
        changes.shown = Some(Showing { token, at });
        drop(changes);
        self.advance(at);
        token
    }

    fn advance(&self, at: u64) {
        let mut changes = self.lock();
        let count = usize::try_from(at.saturating_sub(changes.first)).unwrap_or(usize::MAX);
        let count = count.min(changes.waiting.len());
        let dropped: Vec<_> = changes.waiting.drain(..count).collect();
        changes.first += count as u64;
        if let Some(shown) = &mut changes.shown {
            shown.at = at;
        }
        drop(changes);
        drop(dropped);
    }

    fn lose(&self, token: Option<u64>) {
        let mut changes = self.lock();
        let is_mine = token.is_none() || changes.shown.is_some_and(|shown| Some(shown.token) == token);
        let dropped = is_mine.then(|| changes.forget());
        drop(changes);
        drop(dropped);
    }

    fn set_whole(&self, is_whole: bool) {
        self.lock().is_whole = is_whole;
    }
}
