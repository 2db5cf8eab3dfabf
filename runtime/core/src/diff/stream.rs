//! Streams: what has changed of rows whose values nobody has any more.
//!
//! Changes are taken one after the other, each against what the ones before have left. Appended rows that
//! follow each other travel together. A row that is updated keeps its instance; its slots are written whatever
//! they held, which is not known.

use alloc::boxed::Box;
use alloc::vec::Vec;

use lightspeed_protocol::InstanceId;
use lightspeed_protocol::isa::Op;
use lightspeed_protocol::msgpack::{Raw, Writer};
use spin::Mutex;

use super::Patch;
use super::keyed::Items;
use crate::tree::build::{value_count, write_items, write_values};
use crate::tree::html::{Fragment, Item, Value};
use crate::tree::key::Key;
use crate::tree::slot_address::SlotAddress;
use crate::tree::stream::rows::{NONE, RowList, Shown};
use crate::tree::stream::{Change, Content, StreamValue};

impl<M> Patch<M> {
    pub(super) fn stream(&mut self, address: SlotAddress, old: &Value<M>, new: &mut StreamValue<M>) {
        let shown = match old {
            Value::Stream(stream) => match &stream.0 {
                Content::Shown(shown) => shown.lock().take(),
                _ => None,
            },
            _ => None,
        };
        match core::mem::replace(&mut new.0, Content::unknown()) {
            Content::Fresh { link, at, token, mut items } => {
                let is_empty =
                    super::is_empty(old) || shown.as_ref().is_some_and(|shown| shown.rows.is_empty());
                self.replace_list(address, is_empty, &mut *items);
                *new = StreamValue::shown(Shown::of_items(link, at, token, items));
            }
            Content::Changes { link, from, at, changes } => match shown {
                Some(mut shown)
                    if core::ptr::addr_eq(&raw const *link, &raw const *shown.link) && shown.at == from =>
                {
                    Replay { patch: self, address, run: Run::default() }.all(&mut shown.rows, changes);
                    shown.at = at;
                    link.advance(at);
                    new.0 = Content::Shown(Mutex::new(Some(shown)));
                }
                _ => {
                    self.numbering.is_misplaced = true;
                    new.0 = Content::Changes { link, from, at, changes };
                }
            },
            other @ Content::Shown(_) => new.0 = other,
        }
    }

    /// All items of a list are others from now on.
    pub(super) fn replace_list(
        &mut self,
        address: SlotAddress,
        is_empty: bool,
        items: &mut (impl Items<M> + ?Sized),
    ) {
        let SlotAddress { instance: at, slot } = address;
        if !is_empty {
            self.program.push(&Op::Clear { at, slot });
        }
        if items.len() > 0 {
            let mut values = Writer::new();
            items.write(0..items.len(), &mut self.numbering, &mut values);
            self.program.push(&Op::Insert { at, slot, before: 0, items: Raw::new(values.as_bytes()) });
        }
    }

    /// Writes all slots of an instance, whatever they hold.
    fn rewrite(&mut self, id: InstanceId, new: &mut Fragment<M>) {
        new.id = id;
        for (slot_index, (slot, value)) in (0..).zip(new.template.slots.iter().zip(&mut new.values)) {
            let address = SlotAddress { instance: id, slot: slot_index };
            // A stream within the row is the row's: its handlers are kept with those of the row.
            if let Value::Stream(stream) = value
                && let Some(items) = stream.items_mut()
            {
                self.replace_list(address, false, &mut **items);
                continue;
            }
            self.slot(address, slot, &Value::Unknown, value);
        }
    }
}

impl<M> StreamValue<M> {
    fn shown(shown: Shown<Value<M>>) -> Self {
        Self(Content::Shown(Mutex::new(Some(Box::new(shown)))))
    }
}

/// Rows that are appended by one instruction.
#[derive(Default)]
struct Run {
    count: usize,
    value_count: usize,
    values: Writer,
}

struct Replay<'a, M> {
    patch: &'a mut Patch<M>,
    address: SlotAddress,
    run: Run,
}

impl<M> Replay<'_, M> {
    fn all(mut self, rows: &mut RowList<Value<M>>, changes: Vec<Change<Item<M>>>) {
        for change in changes {
            self.one(rows, change);
        }
        self.end_run();
    }

    fn one(&mut self, rows: &mut RowList<Value<M>>, change: Change<Item<M>>) {
        match change {
            Change::Append(item) => self.put(rows, item, |_| NONE),
            Change::Prepend(item) => self.put(rows, item, RowList::first),
            Change::Before(key, item) => self.put(rows, item, |rows| rows.find(&key).unwrap_or(NONE)),
            Change::After(key, item) => {
                self.put(rows, item, |rows| rows.find(&key).map_or(NONE, |row| rows.next(row)));
            }
            Change::At(index, item) => self.put(rows, item, |rows| rows.at(index)),
            Change::Update(item) => {
                if let Some(row) = rows.find(&item.key) {
                    self.update(rows, row, item);
                }
            }
            Change::Delete(key) => self.delete(rows, &key),
            Change::Clear => {
                self.end_run();
                if !rows.is_empty() {
                    self.patch
                        .program
                        .push(&Op::Clear { at: self.address.instance, slot: self.address.slot });
                    rows.clear();
                }
            }
            Change::KeepFirst(count) => self.cut(rows, rows.at(count), rows.len().saturating_sub(count)),
            Change::KeepLast(count) => self.cut(rows, rows.first(), rows.len().saturating_sub(count)),
        }
    }

    /// Puts a row before what `before` finds, unless it is there already.
    fn put(
        &mut self,
        rows: &mut RowList<Value<M>>,
        mut item: Item<M>,
        before: impl FnOnce(&RowList<Value<M>>) -> u32,
    ) {
        if let Some(row) = rows.find(&item.key) {
            return self.update(rows, row, item);
        }
        let before = before(rows);
        if before == NONE {
            self.run.count += 1;
            let Run { value_count: count, values, .. } = &mut self.run;
            item.body.number(|fragment| {
                *count = value_count(fragment.template);
                write_values(fragment, &mut self.patch.numbering, values);
            });
        } else {
            self.end_run();
            let mut values = Writer::new();
            write_items(core::slice::from_mut(&mut item), &mut self.patch.numbering, &mut values);
            let SlotAddress { instance: at, slot } = self.address;
            let items = Raw::new(values.as_bytes());
            self.patch.program.push(&Op::Insert { at, slot, before: rows.id(before), items });
        }
        rows.insert(before, item);
    }

    fn update(&mut self, rows: &mut RowList<Value<M>>, row: u32, mut item: Item<M>) {
        self.end_run();
        item.body.number(|fragment| self.patch.rewrite(rows.id(row), fragment));
        rows.update(row, item.body.into_fragment(), &mut self.patch.past);
    }

    fn delete(&mut self, rows: &mut RowList<Value<M>>, key: &Key) {
        if let Some(row) = rows.find(key) {
            self.cut(rows, row, 1);
        }
    }

    /// Takes out a row and those behind it, `count` in all.
    fn cut(&mut self, rows: &mut RowList<Value<M>>, first: u32, count: usize) {
        if count == 0 {
            return;
        }
        self.end_run();
        let instance = rows.id(first);
        let length = u32::try_from(count).expect("a list has fewer than 2^32 items");
        self.patch.program.push(&Op::Remove { instance, count: length });
        let mut next = first;
        for _ in 0..count {
            let row = next;
            next = rows.next(row);
            rows.remove(row);
        }
    }

    fn end_run(&mut self) {
        let Run { count, value_count, values } = core::mem::take(&mut self.run);
        if count > 0 {
            let mut items = Writer::new();
            items.array(1 + count * value_count);
            items.uint(count as u64);
            items.raw(values.as_bytes());
            let SlotAddress { instance: at, slot } = self.address;
            self.patch.program.push(&Op::Insert { at, slot, before: 0, items: Raw::new(items.as_bytes()) });
        }
    }
}
