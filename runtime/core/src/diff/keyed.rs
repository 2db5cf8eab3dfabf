//! Lists against lists, by key, with as few moves as can be.
//!
//! Items at both ends that stay are cut off. Of the rest, the items whose order stays are
//! a longest increasing subsequence of old positions
//! ([Fredman 1975](https://doi.org/10.1016/0012-365X(75)90103-X)); every other one that stays moves once.

use alloc::vec;
use alloc::vec::Vec;
use core::cmp::Ordering;
use core::ops::Range;

use lightspeed_protocol::InstanceId;
use lightspeed_protocol::isa::Op;
use lightspeed_protocol::msgpack::{Raw, Writer};

use super::Patch;
use crate::tree::build::{write_items, write_packed};
use crate::tree::html::{Item, Value};
use crate::tree::numbering::Numbering;
use crate::tree::packed::Packed;
use crate::tree::slot_address::SlotAddress;

/// The items of a list, wherever they are kept.
pub(super) trait Items<M> {
    fn len(&self) -> usize;

    fn id(&self, index: usize) -> InstanceId;

    /// How an item's key stands to that of an item of another list: in some order, always the same.
    fn order(&self, index: usize, other: &Self, other_index: usize) -> Ordering;

    /// Compares an item with the one that has its key.
    fn compare(&mut self, index: usize, old: &Self, old_index: usize, patch: &mut Patch<M>);

    /// Writes `[count, values..]`. There is at least one item.
    fn write(&mut self, range: Range<usize>, numbering: &mut Numbering, out: &mut Writer);
}

impl<M> Items<M> for [Item<M>] {
    fn len(&self) -> usize {
        self.len()
    }

    fn id(&self, index: usize) -> InstanceId {
        self[index].body.id()
    }

    fn order(&self, index: usize, other: &Self, other_index: usize) -> Ordering {
        self[index].key.cmp(&other[other_index].key)
    }

    fn compare(&mut self, index: usize, old: &Self, old_index: usize, patch: &mut Patch<M>) {
        patch.item(&old[old_index], &mut self[index]);
    }

    fn write(&mut self, range: Range<usize>, numbering: &mut Numbering, out: &mut Writer) {
        write_items(&mut self[range], numbering, out);
    }
}

impl<M> Items<M> for Packed<Value<M>> {
    fn len(&self) -> usize {
        self.len()
    }

    fn id(&self, index: usize) -> InstanceId {
        self.id(index)
    }

    fn order(&self, index: usize, other: &Self, other_index: usize) -> Ordering {
        self.order(index, other, other_index)
    }

    fn compare(&mut self, index: usize, old: &Self, old_index: usize, patch: &mut Patch<M>) {
        patch.packed_item(old, old_index, self, index);
    }

    fn write(&mut self, range: Range<usize>, numbering: &mut Numbering, out: &mut Writer) {
        write_packed(self, range, numbering, out);
    }
}

impl<M> Patch<M> {
    pub(super) fn list<L: Items<M> + ?Sized>(&mut self, address: SlotAddress, old: &L, new: &mut L) {
        let is_same = |old_index: usize, index: usize| new.order(index, old, old_index).is_eq();
        let shorter = old.len().min(new.len());
        let prefix = (0..shorter).take_while(|index| is_same(*index, *index)).count();
        let suffix =
            (1..=shorter - prefix).take_while(|back| is_same(old.len() - back, new.len() - back)).count();
        let (old_tail, new_tail) = (old.len() - suffix, new.len() - suffix);
        for index in 0..prefix {
            new.compare(index, old, index, self);
        }
        for back in (1..=suffix).rev() {
            new.compare(new.len() - back, old, old.len() - back, self);
        }
        let before = if suffix == 0 { 0 } else { new.id(new_tail) };
        let (old_middle, new_middle) = (prefix..old_tail, prefix..new_tail);
        let sources = sources(old, old_middle.clone(), new, new_middle.clone());
        self.remove(address, old, old_middle, &sources);
        for (source, index) in sources.iter().zip(new_middle.clone()) {
            if let Some(source) = source {
                new.compare(index, old, *source, self);
            }
        }
        self.place(address, &sources, new, new_middle, before);
    }

    /// Removes the items that nothing of the new list comes from, a run at a time.
    fn remove<L: Items<M> + ?Sized>(
        &mut self,
        address: SlotAddress,
        old: &L,
        middle: Range<usize>,
        sources: &[Option<usize>],
    ) {
        let mut is_kept = vec![false; middle.len()];
        for source in sources.iter().flatten() {
            is_kept[*source - middle.start] = true;
        }
        if middle.len() == old.len() && !middle.is_empty() && !is_kept.contains(&true) {
            return self.program.push(&Op::Clear { at: address.instance, slot: address.slot });
        }
        let mut index = 0;
        while index < is_kept.len() {
            let count = is_kept[index..].iter().take_while(|is_kept| !**is_kept).count();
            if count > 0 {
                let instance = old.id(middle.start + index);
                let count = u32::try_from(count).expect("a list has fewer than 2^32 items");
                self.program.push(&Op::Remove { instance, count });
            }
            index += count.max(1);
        }
    }

    /// Moves and inserts from the end to the start, so that what an item stands before is in its place.
    fn place<L: Items<M> + ?Sized>(
        &mut self,
        address: SlotAddress,
        sources: &[Option<usize>],
        new: &mut L,
        middle: Range<usize>,
        before: InstanceId,
    ) {
        let stays = longest_increasing(sources);
        let mut before = before;
        let mut end = sources.len();
        while end > 0 {
            let run = sources[..end].iter().rev().take_while(|source| source.is_none()).count();
            if run == 0 {
                end -= 1;
                let instance = new.id(middle.start + end);
                if !stays[end] {
                    self.program.push(&Op::Move { instance, before });
                }
                before = instance;
            } else {
                let start = end - run;
                let mut items = Writer::new();
                new.write(middle.start + start..middle.start + end, &mut self.numbering, &mut items);
                let items = Raw::new(items.as_bytes());
                self.program.push(&Op::Insert { at: address.instance, slot: address.slot, before, items });
                before = new.id(middle.start + start);
                end = start;
            }
        }
    }
}

/// For each new item of a range, the old one of another range with its key. Where a key comes twice, the
/// first goes with the first.
fn sources<M, L: Items<M> + ?Sized>(
    old: &L,
    old_range: Range<usize>,
    new: &L,
    new_range: Range<usize>,
) -> Vec<Option<usize>> {
    if old_range.is_empty() || new_range.is_empty() {
        return vec![None; new_range.len()];
    }
    // Keys mostly come in an order of their own, and sorting what is sorted takes one comparison each.
    let mut by_key: Vec<usize> = old_range.collect();
    by_key.sort_by(|a, b| old.order(*a, old, *b));
    // How many are taken of the run of equal keys that begins at a place in that order.
    let mut taken = vec![0; by_key.len()];
    // Where the item behind the last one found stands in that order: most often, it is the next one's.
    let mut guess = 0;
    let source = |index: usize| {
        let order = |place: usize| old.order(by_key[place], new, index);
        let is_start = |place: usize| order(place).is_eq() && (place == 0 || order(place - 1).is_ne());
        let start = if guess < by_key.len() && is_start(guess) {
            guess
        } else if order(by_key.len() - 1).is_lt() {
            // New items often have keys above all others.
            by_key.len()
        } else {
            by_key.partition_point(|place| old.order(*place, new, index).is_lt())
        };
        let place = start + taken.get(start)?;
        if place == by_key.len() || order(place).is_ne() {
            return None;
        }
        taken[start] += 1;
        guess = place + 1;
        Some(by_key[place])
    };
    new_range.map(source).collect()
}

/// Which items belong to a longest subsequence whose sources increase.
fn longest_increasing(sources: &[Option<usize>]) -> Vec<bool> {
    // `tails[n]` is the item that ends the increasing subsequence of length n + 1 with the smallest source.
    let mut tails: Vec<usize> = Vec::new();
    let mut previous = vec![None; sources.len()];
    let source = |index: usize| sources[index];
    for (index, _) in sources.iter().enumerate().filter(|(_, source)| source.is_some()) {
        let is_longest = tails.last().is_none_or(|tail| source(*tail) < source(index));
        let length = if is_longest {
            tails.len()
        } else {
            tails.partition_point(|tail| source(*tail) < source(index))
        };
        previous[index] = length.checked_sub(1).map(|shorter| tails[shorter]);
        if length == tails.len() {
            tails.push(index);
        } else {
            tails[length] = index;
        }
    }
    let mut stays = vec![false; sources.len()];
    let mut next = tails.last().copied();
    while let Some(index) = next {
        stays[index] = true;
        next = previous[index];
    }
    stays
}

#[cfg(test)]
mod tests;
