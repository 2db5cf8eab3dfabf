//! What is kept of the rows that a client shows: order, keys, ids and handlers, and no text.
//!
//! Rows stand in one table and are linked to their neighbours by index; two hash tables find them by key, and
//! handlers by place. So every change and every event costs the same, however many rows there are.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::hash::{Hash, Hasher};

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use lightspeed_protocol::{InstanceId, SlotIndex};

use crate::author::stream::Link;
use crate::session::reach::{Around, text_of};
use crate::tree::html::{Fragment, Item, Value};
use crate::tree::key::Key;
use crate::tree::packed::{Cell, Packed};
use crate::tree::part::{Body, Part};
use crate::tree::template::ReachKinds;

/// The rows of a stream that a tree shows.
pub(crate) struct Shown<M> {
    pub(crate) link: Arc<dyn Link>,
    token: u64,
    /// The number of the first change that isn't shown.
    pub(crate) at: u64,
    pub(crate) rows: RowList<M>,
}

impl<M> Shown<M> {
    /// Rows whose instances have their ids.
    pub(crate) fn new(link: Arc<dyn Link>, at: u64, token: Option<u64>, items: Vec<Item<M>>) -> Self {
        let token = token.unwrap_or_else(|| link.show(at));
        let mut rows = RowList::with_capacity(items.len());
        for item in items {
            rows.insert(NONE, item);
        }
        Self { link, token, at, rows }
    }
}

impl<M> Drop for Shown<M> {
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
        match number(&key) {
            Some(number) => Self::Number(number),
            None => Self::Other(Box::new(key)),
        }
    }

    fn is(&self, key: &Key) -> bool {
        match self {
            Self::Number(own) => number(key) == Some(*own),
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

fn number(key: &Key) -> Option<u64> {
    match key {
        Key::Number(number) => u64::try_from(number.get()).ok(),
        Key::Text(_) => None,
    }
}

pub(crate) fn hash_key(key: &Key) -> u64 {
    if let Some(number) = number(key) {
        return mix(number);
    }
    let mut hasher = Fnv(0xcbf2_9ce4_8422_2325);
    key.hash(&mut hasher);
    hasher.finish()
}

/// The finish of [MurmurHash3](https://github.com/aappleby/smhasher): each bit concerns all others.
const fn mix(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    bits = (bits ^ (bits >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    bits ^ (bits >> 33)
}

struct Fnv(u64);

impl Hasher for Fnv {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    fn finish(&self) -> u64 {
        mix(self.0)
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
struct Held<M> {
    instance: InstanceId,
    slot: SlotIndex,
    /// Of the same row; of one that is free: the next one that is.
    next: u32,
    handler: Value<M>,
}

/// What a handler slot held before it was changed.
pub(crate) struct Past<M> {
    pub(crate) instance: InstanceId,
    pub(crate) slot: SlotIndex,
    pub(crate) handler: Value<M>,
}

/// Rows in their order.
pub(crate) struct RowList<M> {
    rows: Vec<Row>,
    free_row: u32,
    first: u32,
    last: u32,
    by_key: HashTable<u32>,
    held: Vec<Held<M>>,
    free_held: u32,
    by_place: HashTable<u32>,
}

impl<M> RowList<M> {
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
    pub(crate) fn insert(&mut self, before: u32, item: Item<M>) {
        let Item { key, body } = item;
        let fragment = body.into_fragment();
        let key = RowKey::new(key);
        let hash = key.hash();
        let previous = if before == NONE { self.last } else { self.rows[before as usize].previous };
        let row = Row { key, id: fragment.id, previous, next: before, held: NONE };
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
        self.hold(index, fragment);
    }

    /// Gives a row the handlers of its new rendering; those that it had go to `past`.
    pub(crate) fn update(&mut self, row: u32, fragment: Fragment<M>, past: &mut Vec<Past<M>>) {
        self.let_go(row, |held| past.push(held));
        self.hold(row, fragment);
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
    pub(crate) fn handler(&self, instance: InstanceId, slot: SlotIndex) -> Option<&Value<M>> {
        let found = self.by_place.find(hash_place(instance, slot), |held| {
            let held = &self.held[*held as usize];
            held.instance == instance && held.slot == slot
        })?;
        Some(&self.held[*found as usize].handler)
    }

    /// Keeps the handlers of a row and of all instances within it. Of one that nobody can act on only the place is
    /// kept, since what disables or hides it isn't kept.
    fn hold(&mut self, row: u32, mut fragment: Fragment<M>) {
        if has_barriers(&fragment) {
            take_unreached(&mut fragment, Around::default());
        }
        self.hold_all_of(row, fragment);
    }

    fn hold_all_of(&mut self, row: u32, fragment: Fragment<M>) {
        let instance = fragment.id;
        for (slot, value) in (0..).zip(fragment.values) {
            self.hold_within(row, instance, slot, value);
        }
    }

    fn hold_within(&mut self, row: u32, instance: InstanceId, slot: SlotIndex, value: Value<M>) {
        match value {
            value if value.is_handler() => self.hold_one(row, instance, slot, value),
            Value::Html(html) => self.hold_all_of(row, html.into_root()),
            Value::Branch(Some((_, fragment))) => self.hold_all_of(row, *fragment),
            Value::Memo(memo) => self.hold_all_of(row, Part::into_fragment(memo.0)),
            Value::List(items) => self.hold_items(row, items),
            Value::Packed(items) => {
                for (instance, slot, value) in items.into_kept() {
                    self.hold_within(row, instance, slot, value);
                }
            }
            Value::Stream(stream) => self.hold_items(row, stream.into_items()),
            _ => {}
        }
    }

    fn hold_items(&mut self, row: u32, items: impl IntoIterator<Item = Item<M>>) {
        for item in items {
            self.hold_all_of(row, item.body.into_fragment());
        }
    }

    fn hold_one(&mut self, row: u32, instance: InstanceId, slot: SlotIndex, handler: Value<M>) {
        let next = self.rows[row as usize].held;
        let held = Held { instance, slot, next, handler };
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

    fn let_go(&mut self, row: u32, mut take: impl FnMut(Past<M>)) {
        let mut next = core::mem::replace(&mut self.rows[row as usize].held, NONE);
        while next != NONE {
            let index = next;
            let held = &mut self.held[index as usize];
            next = core::mem::replace(&mut held.next, self.free_held);
            self.free_held = index;
            let (instance, slot) = (held.instance, held.slot);
            let handler = core::mem::replace(&mut held.handler, Value::NoHandler);
            if let Ok(found) = self.by_place.find_entry(hash_place(instance, slot), |other| *other == index) {
                found.remove();
            }
            take(Past { instance, slot, handler });
        }
    }
}

/// Takes out the handlers that nobody can act on, in an instance and all within it.
fn take_unreached<M>(fragment: &mut Fragment<M>, around: Around) {
    let template = fragment.template;
    for slot in 0..fragment.values.len() {
        let mut around = around;
        let text = |slot: usize| text_of(&fragment.values.get(slot)?.cell());
        around.look(template, slot, text);
        let is_kept_from = around.keeps_from(template, slot, text);
        if fragment.values[slot].is_handler() {
            if is_kept_from {
                fragment.values[slot] = Value::NoHandler;
            }
        } else if around.keeps_from_most() || has_barriers_within(&fragment.values[slot]) {
            take_unreached_within(&mut fragment.values[slot], around);
        }
    }
}

fn take_unreached_within<M>(value: &mut Value<M>, around: Around) {
    let take = |fragment: &mut Fragment<M>| take_unreached(fragment, around);
    match value {
        Value::Html(html) => take(html.root_mut()),
        Value::Branch(Some((_, fragment))) => take(fragment),
        Value::Memo(memo) => take(Part::detached(&mut memo.0)),
        Value::List(items) => {
            for item in items {
                match &mut item.body {
                    Body::Own(fragment) => take(fragment),
                    Body::Part(part, _) => take(Part::detached(part)),
                }
            }
        }
        Value::Packed(items) => take_unreached_items(items, around),
        Value::Stream(stream) => {
            for item in stream.items_mut().into_iter().flatten() {
                if let Some(fragment) = item.body.own_mut() {
                    take(fragment);
                }
            }
        }
        _ => {}
    }
}

fn take_unreached_items<M>(items: &mut Packed<M>, around: Around) {
    let template = items.template();
    for index in 0..items.len() {
        let mut kept = 0;
        for slot in 0..template.slots.len() {
            let text = |slot: usize| text_of(&items.cells(index).nth(slot)?);
            let mut around = around;
            around.look(template, slot, text);
            let is_kept_from = around.keeps_from(template, slot, text);
            if !matches!(items.places(index).nth(slot), Some(Cell::Kept(_))) {
                continue;
            }
            let value = &mut items.kept_of_mut(index)[kept];
            kept += 1;
            if !value.is_handler() {
                take_unreached_within(value, around);
            } else if is_kept_from {
                *value = Value::NoHandler;
            }
        }
    }
}

/// Whether an element in it keeps a person from anything, or may do so.
fn has_barriers<M>(fragment: &Fragment<M>) -> bool {
    fragment.template.reach.has_any(ReachKinds::BARRIERS)
        || (fragment.depth() > 0 && fragment.values.iter().any(has_barriers_within))
}

fn has_barriers_within<M>(value: &Value<M>) -> bool {
    match value {
        Value::Html(html) => has_barriers(html.root()),
        Value::Branch(Some((_, fragment))) => has_barriers(fragment),
        Value::Memo(memo) => memo.0.read(has_barriers),
        Value::List(items) => items.iter().any(|item| item.body.read(has_barriers)),
        Value::Packed(items) => {
            items.template().reach.has_any(ReachKinds::BARRIERS)
                || items.kept().iter().any(has_barriers_within)
        }
        Value::Stream(stream) => stream.items().iter().any(|item| item.body.read(has_barriers)),
        _ => false,
    }
}

const fn hash_place(instance: InstanceId, slot: SlotIndex) -> u64 {
    mix((instance as u64) << 32 | slot as u64)
}
