//! Which old item each new one comes from, against the plain way to say it.

use alloc::vec::Vec;

use super::{Items, sources};
use crate::tree::html::{Fragment, Item, Value};
use crate::tree::key::Key;
use crate::tree::packed::Packed;
use crate::tree::template::EMPTY;

fn key(key: usize) -> Key {
    Key::Number((key as i128).into())
}

fn items(keys: &[usize]) -> Vec<Item<()>> {
    keys.iter().map(|number| Item::new(key(*number), Fragment::new(&EMPTY, Vec::new()))).collect()
}

fn packed(keys: &[usize]) -> Packed<Value<()>> {
    let mut items = Packed::new(&EMPTY);
    for number in keys {
        items.begin(&key(*number));
    }
    items
}

fn all<L: Items<()> + ?Sized>(old: &L, new: &L) -> Vec<Option<usize>> {
    sources(old, 0..old.len(), new, 0..new.len())
}

/// The first with a key goes with the first that is left.
fn plain(old: &[usize], new: &[usize]) -> Vec<Option<usize>> {
    let mut left: Vec<Option<usize>> = old.iter().copied().map(Some).collect();
    new.iter()
        .map(|key| {
            let index = left.iter().position(|old| old.as_ref() == Some(key))?;
            left[index] = None;
            Some(index)
        })
        .collect()
}

#[test]
fn every_short_list_finds_its_items_in_every_other() {
    const LENGTH_MAX: u32 = 4;
    let lists = |length: u32| {
        (0..3_usize.pow(length)).map(move |number| {
            (0..length).map(|digit| number / 3_usize.pow(digit) % 3).collect::<Vec<usize>>()
        })
    };
    for old in (0..=LENGTH_MAX).flat_map(lists) {
        for new in (0..=LENGTH_MAX).flat_map(lists) {
            let expected = plain(&old, &new);
            assert_eq!(all(&*items(&old), &*items(&new)), expected, "{old:?} to {new:?}");
            assert_eq!(all(&packed(&old), &packed(&new)), expected, "{old:?} to {new:?}, packed");
        }
    }
}
