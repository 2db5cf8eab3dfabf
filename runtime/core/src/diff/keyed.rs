//! Lists against lists, by key, with as few moves as can be.
//!
//! Items at both ends that stay are cut off. Of the rest, the items whose order stays are
//! a longest increasing subsequence of old positions
//! ([Fredman 1975](https://doi.org/10.1016/0012-365X(75)90103-X)); every other one that stays moves once.

use alloc::vec;
use alloc::vec::Vec;

use lightspeed_protocol::InstanceId;
use lightspeed_protocol::isa::Op;
use lightspeed_protocol::msgpack::{Raw, Writer};

use super::{Patch, Place};
use crate::build::write_items;
use crate::html::Item;

impl<M> Patch<M> {
    pub(super) fn list(&mut self, place: Place, old: &[Item<M>], new: &mut [Item<M>]) {
        let prefix = old.iter().zip(&*new).take_while(|(old, new)| old.key == new.key).count();
        let rest = (&old[prefix..], &new[prefix..]);
        let suffix =
            rest.0.iter().rev().zip(rest.1.iter().rev()).take_while(|(old, new)| old.key == new.key).count();
        let (old_head, old_rest) = old.split_at(prefix);
        let (old_middle, old_tail) = old_rest.split_at(old_rest.len() - suffix);
        let (new_head, new_rest) = new.split_at_mut(prefix);
        let (new_middle, new_tail) = new_rest.split_at_mut(new_rest.len() - suffix);

        self.pairs(old_head, new_head);
        self.pairs(old_tail, new_tail);
        let before = new_tail.first().map_or(0, |item| item.body.id());
        let sources = sources(old_middle, new_middle);
        self.remove(place, old_middle, &sources, prefix + suffix == 0);
        for (source, new) in sources.iter().zip(&mut *new_middle) {
            if let Some(source) = source {
                self.item(&old_middle[*source], new);
            }
        }
        self.place(place, &sources, new_middle, before);
    }

    fn pairs(&mut self, old: &[Item<M>], new: &mut [Item<M>]) {
        for (old, new) in old.iter().zip(new) {
            self.item(old, new);
        }
    }

    /// Removes the items that nothing of the new list comes from, a run at a time.
    fn remove(&mut self, place: Place, old: &[Item<M>], sources: &[Option<usize>], is_whole: bool) {
        let mut is_kept = vec![false; old.len()];
        for source in sources.iter().flatten() {
            is_kept[*source] = true;
        }
        if is_whole && !old.is_empty() && !is_kept.contains(&true) {
            return self.program.push(&Op::Clear { at: place.at, slot: place.slot });
        }
        let mut index = 0;
        while index < old.len() {
            let count = is_kept[index..].iter().take_while(|is_kept| !**is_kept).count();
            if count > 0 {
                let instance = old[index].body.id();
                let count = u32::try_from(count).expect("a list has fewer than 2^32 items");
                self.program.push(&Op::Remove { instance, count });
            }
            index += count.max(1);
        }
    }

    /// Moves and inserts from the end to the start, so that what an item stands before is in its place.
    fn place(&mut self, place: Place, sources: &[Option<usize>], new: &mut [Item<M>], before: InstanceId) {
        let stays = longest_increasing(sources);
        let mut before = before;
        let mut end = new.len();
        while end > 0 {
            let run = sources[..end].iter().rev().take_while(|source| source.is_none()).count();
            if run == 0 {
                end -= 1;
                let instance = new[end].body.id();
                if !stays[end] {
                    self.program.push(&Op::Move { instance, before });
                }
                before = instance;
            } else {
                let start = end - run;
                let mut items = Writer::new();
                write_items(&mut new[start..end], &mut self.numbering, &mut items);
                let items = Raw::new(items.as_bytes());
                self.program.push(&Op::Insert { at: place.at, slot: place.slot, before, items });
                before = new[start].body.id();
                end = start;
            }
        }
    }
}

/// For each new item, the old one with its key. Where a key comes twice, the first goes with the first.
fn sources<M>(old: &[Item<M>], new: &[Item<M>]) -> Vec<Option<usize>> {
    if old.is_empty() || new.is_empty() {
        return vec![None; new.len()];
    }
    // Keys mostly come in an order of their own, and sorting what is sorted takes one comparison each.
    let mut by_key: Vec<usize> = (0..old.len()).collect();
    by_key.sort_by(|a, b| old[*a].key.cmp(&old[*b].key));
    let key = |place: usize| &old[by_key[place]].key;
    // How many are taken of the run of equal keys that begins at a place in that order.
    let mut taken = vec![0; old.len()];
    // Where the item behind the last one found stands in that order: most often, it is the next one's.
    let mut guess = 0;
    let source = |item: &Item<M>| {
        let is_start = |place: usize| key(place) == &item.key && (place == 0 || key(place - 1) != &item.key);
        let start = if guess < old.len() && is_start(guess) {
            guess
        } else {
            by_key.partition_point(|index| old[*index].key < item.key)
        };
        let place = start + taken.get(start)?;
        if place == old.len() || key(place) != &item.key {
            return None;
        }
        taken[start] += 1;
        guess = place + 1;
        Some(by_key[place])
    };
    new.iter().map(source).collect()
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
