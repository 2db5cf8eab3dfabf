//! What is packed is what comes out again, and keys are told apart.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use lightspeed_protocol::template::{EventKind, Namespace};

use super::{Cell, Packed};
use crate::tree::html::Value;
use crate::tree::key::{IntoKey, Key};
use crate::tree::nesting::Within;
use crate::tree::template::{EMPTY, Kind, Reaches, Slot, Template};

static ROW: Template = Template {
    fingerprint: 2,
    namespace: Namespace::Html,
    roots: 1,
    statics: &["", "", "", "", ""],
    slots: &[
        Slot { kind: Kind::Splice, path: &[0], within: Within::ROOT },
        Slot {
            kind: Kind::Property { name: "value", field: None, is_content: false },
            path: &[0],
            within: Within::ROOT,
        },
        Slot { kind: Kind::Flag { name: "hidden" }, path: &[0], within: Within::ROOT },
        Slot { kind: Kind::Handler { event: EventKind::Click }, path: &[0], within: Within::ROOT },
    ],
    placed: &[],
    reach: Reaches::new(&[]),
    place: "",
};

fn message(message: u8) -> Value<u8> {
    Value::Message { message, clone: u8::clone }
}

fn seen(items: &Packed<Value<u8>>, index: usize) -> Vec<String> {
    items
        .cells(index)
        .map(|cell| match cell {
            Cell::Text(text) => text.to_string(),
            Cell::Absent => "-".to_string(),
            Cell::Flag(on) => on.to_string(),
            Cell::Kept(Value::Message { message, .. }) => alloc::format!("message {message}"),
            Cell::Kept(other) => alloc::format!("{other:?}"),
        })
        .collect()
}

#[test]
fn values_come_out_as_they_were_put_in() {
    let long = "é".repeat(100_000);
    let texts = ["", "short", &"x".repeat(250), &"x".repeat(251), &"x".repeat(300), &long];
    let mut items = Packed::new(&ROW);
    for (index, text) in texts.iter().enumerate() {
        let number = u8::try_from(index).expect("there are few");
        let is_even = index.is_multiple_of(2);
        let property = if is_even { Value::Text((*text).into()) } else { Value::Absent };
        let handler = if index.is_multiple_of(3) { Value::NoHandler } else { message(number) };
        items.begin(&index.to_key());
        items.put(Value::Text((*text).into()));
        items.keep(property);
        items.put(Value::Flag(is_even));
        items.put(handler);
    }
    for (index, text) in texts.iter().enumerate() {
        let is_even = index.is_multiple_of(2);
        let property = if is_even { *text } else { "-" };
        let handler =
            if index.is_multiple_of(3) { "NoHandler".to_string() } else { alloc::format!("message {index}") };
        assert_eq!(seen(&items, index), [*text, property, &is_even.to_string(), &handler]);
        let kept: Vec<_> = items.places(index).map(|cell| matches!(cell, Cell::Kept(_))).collect();
        assert_eq!(kept, [false, true, false, true], "a field and a handler, whatever they hold");
    }
    for (number, index) in (1..).zip(0..texts.len()) {
        items.set_id(index, number);
    }
    assert_eq!(items.position(3), Some(2));
    assert_eq!(items.position(99), None);
    let place = |kept| {
        let (index, slot) = items.place_of_kept(kept);
        (items.id(index), slot)
    };
    let places: Vec<_> = (0..items.kept().len()).map(place).collect();
    assert_eq!(places[..4], [(1, 1), (1, 3), (2, 1), (2, 3)]);
    assert_eq!(places.len(), 2 * texts.len());
}

#[test]
fn different_keys_are_different_and_equal_keys_are_equal() {
    let edge = i128::from(u32::MAX);
    let numbers = [0, 1, 63, 64, 4_095, 4_096, edge - 1, edge, edge + 1, i128::from(u64::MAX), i128::MAX];
    let mut keys: Vec<Key> =
        numbers.iter().flat_map(|number| [number.to_key(), (-number).to_key()]).collect();
    keys.push(i128::MIN.to_key());
    keys.extend(["", "0", "1", "a", "\u{1}", &"k".repeat(200)].iter().map(IntoKey::to_key));
    let mut items: Packed<()> = Packed::new(&EMPTY);
    for key in &keys {
        items.begin(key);
    }
    for (index, key) in keys.iter().enumerate() {
        for (at, other) in keys.iter().enumerate() {
            assert_eq!(items.order(index, &items, at).is_eq(), key == other, "{key:?} {other:?}");
            assert_eq!(items.order(index, &items, at), items.order(at, &items, index).reverse());
        }
    }
}
