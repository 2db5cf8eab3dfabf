//! Which old item each new one comes from, against the plain way to say it.

use alloc::vec::Vec;

use lightspeed_protocol::template::Namespace;

use super::sources;
use crate::html::{Fragment, Item};
use crate::key::Key;
use crate::template::Template;

static TEMPLATE: Template =
    Template { fingerprint: 1, namespace: Namespace::Html, roots: 0, statics: &[""], slots: &[] };

fn items(keys: &[usize]) -> Vec<Item<()>> {
    let item =
        |key: &usize| Item::new(Key::Number((*key as i128).into()), Fragment::new(&TEMPLATE, Vec::new()));
    keys.iter().map(item).collect()
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
            assert_eq!(sources(&items(&old), &items(&new)), plain(&old, &new), "{old:?} to {new:?}");
        }
    }
}
