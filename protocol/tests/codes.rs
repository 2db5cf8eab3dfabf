//! The copies of wire codes that JavaScript has are those of the table.
#![allow(missing_docs, clippy::unwrap_used, reason = "a test")]

use std::collections::BTreeMap;

use lightspeed_protocol::template::{EventKind, SlotKind};

fn source() -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../client-js/src/core/codes.js");
    std::fs::read_to_string(path).unwrap()
}

#[test]
fn kinds_of_slots_are_those_of_the_table() {
    let source = source();
    let copies: BTreeMap<String, u32> = source
        .lines()
        .filter_map(|line| line.strip_prefix("export const KIND_")?.strip_suffix(';')?.split_once(" = "))
        .map(|(name, code)| (name.to_lowercase().replace('_', " "), code.parse().unwrap()))
        .collect();
    let table: BTreeMap<String, u32> =
        SlotKind::ALL.iter().map(|kind| (kind.name().replace(['-', '_'], " "), kind.code())).collect();
    assert_eq!(copies, table);
}

#[test]
fn events_are_those_of_the_table_each_at_its_code() {
    let source = source();
    let list = source.split_once("export const EVENTS = [").unwrap().1.split_once(']').unwrap().0;
    let copies: Vec<&str> = list.split(',').map(|name| name.trim().trim_matches('"')).collect();
    let copies: Vec<&str> = copies
        .into_iter()
        .enumerate()
        .filter(|(code, name)| *code == 0 || !name.is_empty())
        .map(|(_, name)| name)
        .collect();
    let mut table = vec![""; 1 + EventKind::ALL.iter().map(|kind| kind.code() as usize).max().unwrap()];
    for kind in EventKind::ALL {
        table[kind.code() as usize] = kind.name();
    }
    assert_eq!(copies, table);
}
