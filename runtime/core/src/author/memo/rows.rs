//! The rows of a memoized list as they were rendered last, in their order.
//!
//! As long as rows come in the same order, each is found where the one before it was. The first one that
//! doesn't has the rest indexed by key.

use alloc::sync::Arc;
use alloc::vec::Vec;

use hashbrown::HashTable;

use crate::tree::key::{Key, hash_key};
use crate::tree::part::Part;
use crate::tree::template::Template;

/// A row as it was rendered.
pub(super) struct Row<D, M> {
    pub(super) key: Key,
    pub(super) deps: D,
    pub(super) part: Arc<Part<M>>,
}

/// Rows of the render before, which become those of this one.
pub(super) struct Rows<D, M> {
    all: Vec<Row<D, M>>,
    /// So many of them are of this render.
    done: usize,
    /// Rows of the render before, since the order has changed.
    rest: Option<Rest<D, M>>,
}

struct Rest<D, M> {
    rows: Vec<Option<Row<D, M>>>,
    /// The one behind the last one that was found.
    next: usize,
    by_key: HashTable<usize>,
}

impl<D: PartialEq, M> Rows<D, M> {
    pub(super) const fn new(rows: Vec<Row<D, M>>) -> Self {
        Self { all: rows, done: 0, rest: None }
    }

    /// The next row's part, if there is one for what it depends on.
    pub(super) fn take(&mut self, key: &Key, deps: &D, template: &'static Template) -> Option<Arc<Part<M>>> {
        // One memo may be used by two bodies, whose rows are not each other's. They may differ in nothing but what goes
        // into the same HTML: what tells them apart is the address of
        // the template, a static of its own for each place in the source. A linker that folded equal data would have to be
        // told to leave it; those in use don't.
        let is_same = |row: &Row<D, M>| {
            row.deps == *deps && row.part.read(|fragment| core::ptr::eq(fragment.template, template))
        };
        if self.rest.is_none() {
            let row = self.all.get(self.done)?;
            if row.key == *key {
                let part = is_same(row).then(|| Arc::clone(&row.part))?;
                self.done += 1;
                return Some(part);
            }
            self.rest = Some(Rest::new(self.all.split_off(self.done)));
        }
        let row = self.rest.as_mut()?.take(key)?;
        if !is_same(&row) {
            return None;
        }
        let part = Arc::clone(&row.part);
        self.put(row);
        Some(part)
    }

    /// Notes how the next row was rendered.
    pub(super) fn put(&mut self, row: Row<D, M>) {
        match self.all.get_mut(self.done) {
            Some(before) => *before = row,
            None => self.all.push(row),
        }
        self.done += 1;
    }

    /// The rows of this render. The others are dropped by whoever takes these.
    pub(super) fn finish(mut self) -> (Vec<Row<D, M>>, impl Sized) {
        let gone = self.all.split_off(self.done);
        if self.all.capacity() > 2 * self.all.len() {
            self.all.shrink_to_fit();
        }
        (self.all, (gone, self.rest))
    }
}

impl<D, M> Rest<D, M> {
    fn new(rows: Vec<Row<D, M>>) -> Self {
        Self { rows: rows.into_iter().map(Some).collect(), next: 0, by_key: HashTable::new() }
    }

    fn take(&mut self, key: &Key) -> Option<Row<D, M>> {
        let is_here = |row: &Option<Row<D, M>>| row.as_ref().is_some_and(|row| row.key == *key);
        // The next one, or the one behind a row that is gone.
        let near = (self.next..self.rows.len()).take(2).find(|index| is_here(&self.rows[*index]));
        let index = near.or_else(|| {
            if self.by_key.is_empty() {
                self.index();
            }
            self.by_key.find(hash_key(key), |index| is_here(&self.rows[*index])).copied()
        })?;
        self.next = index + 1;
        self.rows[index].take()
    }

    fn index(&mut self) {
        let hash = |rows: &[Option<Row<D, M>>], index: usize| {
            rows[index].as_ref().map_or(0, |row| hash_key(&row.key))
        };
        self.by_key.reserve(self.rows.len(), |index| hash(&self.rows, *index));
        for index in (0..self.rows.len()).filter(|index| self.rows[*index].is_some()) {
            self.by_key.insert_unique(hash(&self.rows, index), index, |index| hash(&self.rows, *index));
        }
    }
}
