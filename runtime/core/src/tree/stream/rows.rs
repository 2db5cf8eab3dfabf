//! What is kept of the rows that a client shows: order, keys, ids and handlers, and no text.
//!
//! Rows stand in one table and are linked to their neighbours by index; two hash tables find them by key, and
//! handlers by slot address. So every change and every event costs the same, however many rows there are.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use lightspeed_protocol::{InstanceId, SlotIndex};

use crate::tree::key::{Key, hash_key, mix};

/// A stream as a session sees it, which doesn't know its rows' type.
pub(crate) trait Link: Send + Sync {
    /// A tree begins to show the stream, with all changes before `at`. Returns a token that identifies this tree.
    fn show(&self, at: u64) -> u64;
    /// The tree that shows the stream shows all changes before `at` from now on.
    fn advance(&self, at: u64);
    /// No tree shows the stream any more, so the next render has all rows. With a token: only if its tree is
    /// the one that shows it.
    fn lose(&self, token: Option<u64>);
    /// Sets whether renders have all rows for the time being, without any effect on who shows the stream.
    fn set_whole(&self, is_whole: bool);
}

/// The rows of a stream that a tree shows. `H` is what a handler's slot holds.
pub(crate) struct Shown<H> {
    pub(crate) link: Arc<dyn Link>,
    token: u64,
    /// The number of the first change that isn't shown.
    pub(crate) at: u64,
    pub(crate) rows: RowList<H>,
}

impl<H> Shown<H> {
    /// Rows that show all changes before `at`. Without a `token`, the tree begins to show the stream.
    pub(crate) fn new(link: Arc<dyn Link>, at: u64, token: Option<u64>, rows: RowList<H>) -> Self {
        let token = token.unwrap_or_else(|| link.show(at));
        Self { link, token, at, rows }
    }
}

impl<H> Drop for Shown<H> {
    fn drop(&mut self) {
        self.link.lose(Some(self.token));
    }
}

/// No row, no handler.
pub(crate) const NONE: u32 = u32::MAX;

/// A row's key: most are numbers that fit.
#[derive(PartialEq, Eq)]
enum RowKey {
    Number(u64),
    Other(Box<Key>),
}

impl RowKey {
    fn new(key: Key) -> Self {
        match key.as_u64() {
            Some(number) => Self::Number(number),
            None => Self::Other(Box::new(key)),
        }
    }

    fn is(&self, key: &Key) -> bool {
        match self {
            Self::Number(own) => key.as_u64() == Some(*own),
            Self::Other(own) => **own == *key,
        }
    }

    fn hash(&self) -> u64 {
        match self {
            Self::Number(number) => mix(*number),
            Self::Other(key) => hash_key(key),
        }
    }
}

struct Row {
    key: RowKey,
    id: InstanceId,
    previous: u32,
    /// Of a row that is free: the next one that is.
    next: u32,
    /// The first of its handlers.
    held: u32,
}

/// A handler slot of a row, or of an instance within it.
struct Held<H> {
    instance: InstanceId,
    slot: SlotIndex,
    /// Of the same row; of one that is free: the next one that is.
    next: u32,
    handler: Option<H>,
}

/// What a handler slot held before it was changed.
pub(crate) struct Past<H> {
    pub(crate) instance: InstanceId,
    pub(crate) slot: SlotIndex,
    pub(crate) handler: H,
}

/// Rows in their order.
pub(crate) struct RowList<H> {
    rows: Vec<Row>,
    free_row: u32,
    first: u32,
    last: u32,
    by_key: HashTable<u32>,
    held: Vec<Held<H>>,
    free_held: u32,
    by_place: HashTable<u32>,
}

impl<H> RowList<H> {
    pub(crate) fn with_capacity(count: usize) -> Self {
        Self {
            rows: Vec::with_capacity(count),
            free_row: NONE,
            first: NONE,
            last: NONE,
            by_key: HashTable::with_capacity(count),
            held: Vec::new(),
            free_held: NONE,
            by_place: HashTable::new(),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.by_key.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.by_key.is_empty()
    }

    pub(crate) const fn first(&self) -> u32 {
        self.first
    }

    /// The instance of a row; 0 for none, as `before` of an instruction has it.
    pub(crate) fn id(&self, row: u32) -> InstanceId {
        self.rows.get(row as usize).map_or(0, |row| row.id)
    }

    /// The row behind this one.
    pub(crate) fn next(&self, row: u32) -> u32 {
        self.rows[row as usize].next
    }

    /// The row with this key.
    pub(crate) fn find(&self, key: &Key) -> Option<u32> {
        self.by_key.find(hash_key(key), |row| self.rows[*row as usize].key.is(key)).copied()
    }

    /// The row that so many are before.
    pub(crate) fn at(&self, index: usize) -> u32 {
        if index >= self.len() {
            return NONE;
        }
        let from_end = self.len() - 1 - index;
        let (start, steps) = if index <= from_end { (self.first, index) } else { (self.last, from_end) };
        (0..steps).fold(start, |row, _| {
            let row = &self.rows[row as usize];
            if index <= from_end { row.next } else { row.previous }
        })
    }

    /// Puts a row before another, or last. One with its key must not be there.
    pub(crate) fn link(&mut self, before: u32, key: Key, id: InstanceId) -> u32 {
        let key = RowKey::new(key);
        let hash = key.hash();
        let previous = if before == NONE { self.last } else { self.rows[before as usize].previous };
        let row = Row { key, id, previous, next: before, held: NONE };
        let index = if self.free_row == NONE {
            self.rows.push(row);
            u32::try_from(self.rows.len() - 1).expect("a document has fewer than 2^32 instances")
        } else {
            let index = self.free_row;
            self.free_row = core::mem::replace(&mut self.rows[index as usize], row).next;
            index
        };
        *if previous == NONE { &mut self.first } else { &mut self.rows[previous as usize].next } = index;
        *if before == NONE { &mut self.last } else { &mut self.rows[before as usize].previous } = index;
        let rows = &self.rows;
        self.by_key.insert_unique(hash, index, |row| rows[*row as usize].key.hash());
        index
    }

    /// Takes a row out.
    pub(crate) fn remove(&mut self, row: u32) {
        self.let_go(row, drop);
        let Row { key, previous, next, .. } = core::mem::replace(
            &mut self.rows[row as usize],
            Row { key: RowKey::Number(0), id: 0, previous: NONE, next: self.free_row, held: NONE },
        );
        self.free_row = row;
        *if previous == NONE { &mut self.first } else { &mut self.rows[previous as usize].next } = next;
        *if next == NONE { &mut self.last } else { &mut self.rows[next as usize].previous } = previous;
        let rows = &self.rows;
        if let Ok(found) = self.by_key.find_entry(key.hash(), |other| *other == row) {
            found.remove();
        }
        debug_assert!(rows.len() > row as usize, "rows are never given back");
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::with_capacity(0);
    }

    /// What a slot holds; `None` when it is none for handlers, or not there.
    pub(crate) fn handler(&self, instance: InstanceId, slot: SlotIndex) -> Option<&H> {
        let found = self.by_place.find(hash_place(instance, slot), |held| {
            let held = &self.held[*held as usize];
            held.instance == instance && held.slot == slot
        })?;
        self.held[*found as usize].handler.as_ref()
    }

    /// Keeps a handler of a row, or of an instance within it.
    pub(crate) fn hold(&mut self, row: u32, instance: InstanceId, slot: SlotIndex, handler: H) {
        let next = self.rows[row as usize].held;
        let held = Held { instance, slot, next, handler: Some(handler) };
        let index = if self.free_held == NONE {
            self.held.push(held);
            u32::try_from(self.held.len() - 1).expect("a document has fewer than 2^32 handlers")
        } else {
            let index = self.free_held;
            self.free_held = core::mem::replace(&mut self.held[index as usize], held).next;
            index
        };
        self.rows[row as usize].held = index;
        let all = &self.held;
        let is_same = |other: &u32| {
            let other = &all[*other as usize];
            other.instance == instance && other.slot == slot
        };
        let hash = |other: &u32| hash_place(all[*other as usize].instance, all[*other as usize].slot);
        match self.by_place.entry(hash_place(instance, slot), is_same, hash) {
            Entry::Occupied(mut found) => *found.get_mut() = index,
            Entry::Vacant(place) => {
                place.insert(index);
            }
        }
    }

    /// Gives all handlers of a row to `take`.
    pub(crate) fn let_go(&mut self, row: u32, mut take: impl FnMut(Past<H>)) {
        let mut next = core::mem::replace(&mut self.rows[row as usize].held, NONE);
        while next != NONE {
            let index = next;
            let held = &mut self.held[index as usize];
            next = core::mem::replace(&mut held.next, self.free_held);
            self.free_held = index;
            let (instance, slot) = (held.instance, held.slot);
            let handler = held.handler.take();
            if let Ok(found) = self.by_place.find_entry(hash_place(instance, slot), |other| *other == index) {
                found.remove();
            }
            if let Some(handler) = handler {
                take(Past { instance, slot, handler });
            }
        }
    }
}

const fn hash_place(instance: InstanceId, slot: SlotIndex) -> u64 {
    mix((instance as u64) << 32 | slot as u64)
}
