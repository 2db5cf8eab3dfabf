//! The items of a list in four allocations, however many items there are.
//!
//! Most of a page's tree is the items of its lists, and most of their values are short texts and flags. The
//! four parts are:
//!
//! - heads: of each item its id, its key, and where its texts and kept values begin
//! - tags: of each value a byte that says what it is
//! - texts: the texts of all items, one after the other
//! - kept values: handlers, raw HTML, fields that a person may change, and values that hold instances
//!
//! So items that look the same are equal bytes.

use alloc::string::String;
use alloc::vec::Vec;
use core::cmp::Ordering;
use core::ops::Range;

use lightspeed_protocol::InstanceId;

use crate::tree::key::Key;
use crate::tree::template::{Slot, Template};

/// The items of a list, in order. `V` is a kept value: `html!` makes lists of `Value<M>`.
#[derive(Clone)]
pub struct Packed<V> {
    template: &'static Template,
    looks: Looks,
    /// The kept values, in the order of items and slots.
    kept: Vec<V>,
    /// Some kept values are no handlers.
    has_more: bool,
    /// How many instances are within each other in an item, at most.
    depth: u8,
}

/// The items without their kept values.
#[derive(Debug, Clone)]
struct Looks {
    heads: Vec<Head>,
    /// What each value is, as many for each item as there are slots.
    tags: Vec<u8>,
    slot_count: usize,
    /// Of each item its key, if that is a long one, and its texts.
    texts: String,
}

/// An item, and where its texts and kept values begin.
#[derive(Debug, Clone, Copy)]
struct Head {
    id: InstanceId,
    /// Its key, or [`LONG_KEY`].
    key: u32,
    texts: u32,
    kept: u32,
}

/// Says that the key is no number below this one: the key stands before the item's texts.
const LONG_KEY: u32 = u32::MAX;

/// A value's tag: one of these, or the length of a short text, above [`TEXT`].
const KEPT: u8 = 0;
const ABSENT: u8 = 1;
const OFF: u8 = 2;
const ON: u8 = 3;
const TEXT: u8 = 4;
/// A long text: its length stands before it.
const LONG_TEXT: u8 = u8::MAX;

/// What a slot holds, whether it is packed or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cell<'a, K> {
    Text(&'a str),
    Absent,
    Flag(bool),
    /// Any other value.
    Kept(K),
}

impl<V> Packed<V> {
    /// A list whose items are instances of `template`, with none yet.
    pub const fn new(template: &'static Template) -> Self {
        let slot_count = template.slots.len();
        let looks = Looks { heads: Vec::new(), tags: Vec::new(), slot_count, texts: String::new() };
        Self { template, looks, kept: Vec::new(), has_more: false, depth: 0 }
    }

    /// Begins the item that `key` names among its siblings: its values follow, one for each slot.
    ///
    /// # Panics
    ///
    /// When the item before it has another number of values than there are slots, when the texts take more than 4 GiB,
    /// or when there are 2^32 handlers, fields and instances in items.
    pub fn begin(&mut self, key: &Key) {
        self.check();
        let texts = u32::try_from(self.looks.texts.len()).expect("the texts of a list take at most 4 GiB");
        let kept =
            u32::try_from(self.kept.len()).expect("a list has fewer than 2^32 handlers, fields and parts");
        let key = write_key(key, &mut self.looks.texts);
        self.looks.heads.push(Head { id: 0, key, texts, kept });
    }

    /// The next value of the item is a text.
    pub(super) fn push_text(&mut self, text: &str) {
        let length = u8::try_from(text.len()).unwrap_or(LONG_TEXT);
        let tag = length.saturating_add(TEXT);
        if tag == LONG_TEXT {
            write_number(text.len() as u128, &mut self.looks.texts);
        }
        self.looks.texts.push_str(text);
        self.looks.tags.push(tag);
    }

    /// The next value of the item isn't there.
    #[inline]
    pub(super) fn push_absent(&mut self) {
        self.looks.tags.push(ABSENT);
    }

    /// The next value of the item is a flag.
    #[inline]
    pub(super) fn push_flag(&mut self, on: bool) {
        self.looks.tags.push(if on { ON } else { OFF });
    }

    /// The next value of the item is kept as it is.
    #[inline]
    pub(super) fn push_kept(&mut self, value: V) {
        self.looks.tags.push(KEPT);
        self.kept.push(value);
    }

    /// Some kept values are no handlers, and hold so many levels of instances.
    pub(super) fn note_depth(&mut self, depth: u8) {
        self.has_more = true;
        self.depth = self.depth.max(depth);
    }

    /// The slot whose value is next.
    #[inline]
    pub(super) fn slot(&self) -> &'static Slot {
        let Looks { heads, tags, slot_count, .. } = &self.looks;
        &self.template.slots[tags.len() + slot_count - heads.len() * slot_count]
    }

    /// Asserts that each item has a value for each slot.
    pub(super) fn check(&self) {
        let Looks { heads, tags, slot_count, .. } = &self.looks;
        assert_eq!(tags.len(), heads.len() * slot_count, "a value for each slot");
    }

    /// Gives back memory that no item is in.
    pub(super) fn shrink_to_fit(&mut self) {
        self.looks.heads.shrink_to_fit();
        self.looks.tags.shrink_to_fit();
        self.looks.texts.shrink_to_fit();
        self.kept.shrink_to_fit();
    }

    pub(crate) const fn template(&self) -> &'static Template {
        self.template
    }

    pub(crate) const fn depth(&self) -> u8 {
        self.depth
    }

    pub(crate) const fn len(&self) -> usize {
        self.looks.heads.len()
    }

    pub(crate) fn id(&self, index: usize) -> InstanceId {
        self.looks.heads[index].id
    }

    pub(crate) fn set_id(&mut self, index: usize, id: InstanceId) {
        self.looks.heads[index].id = id;
    }

    /// Which item has this id.
    pub(crate) fn position(&self, id: InstanceId) -> Option<usize> {
        self.looks.heads.iter().position(|head| head.id == id)
    }

    /// How an item's key stands to that of an item of another list: in some order, always the same.
    pub(crate) fn order(&self, index: usize, other: &Self, other_index: usize) -> Ordering {
        self.looks.order(index, &other.looks, other_index)
    }

    /// Whether an item looks the same as the item with its key in another list, apart from kept values.
    pub(crate) fn is_like(&self, index: usize, other: &Self, other_index: usize) -> bool {
        let (one, other) = (&self.looks, &other.looks);
        let same_texts =
            one.texts.as_bytes()[one.range(index)] == other.texts.as_bytes()[other.range(other_index)];
        same_texts && one.tags(index) == other.tags(other_index)
    }

    /// Whether every value that is kept is a handler.
    pub(crate) const fn has_handlers_only(&self) -> bool {
        !self.has_more
    }

    /// The bytes of the four parts, without what kept values own elsewhere.
    pub(crate) fn byte_count(&self) -> usize {
        let Looks { heads, tags, texts, .. } = &self.looks;
        size_of_val(&**heads) + tags.len() + texts.len() + size_of_val(&*self.kept)
    }

    /// The kept values; none when all of them are handlers.
    pub(crate) fn parts(&self) -> &[V] {
        if self.has_more { &self.kept } else { &[] }
    }

    pub(crate) fn parts_mut(&mut self) -> &mut [V] {
        if self.has_more { &mut self.kept } else { &mut [] }
    }

    /// The kept values of all items, in order.
    pub(crate) fn kept(&self) -> &[V] {
        &self.kept
    }

    /// The item and the slot of a kept value, by its index among all of them.
    pub(crate) fn place_of_kept(&self, kept: usize) -> (usize, usize) {
        let index = self.looks.heads.partition_point(|head| head.kept as usize <= kept) - 1;
        (index, self.slot_of_kept(index, kept - self.looks.heads[index].kept as usize))
    }

    /// The slot of a kept value, by its index among those of an item.
    pub(crate) fn slot_of_kept(&self, index: usize, nth: usize) -> usize {
        let slots = self.looks.tags(index).iter().enumerate().filter(|(_, tag)| **tag == KEPT);
        slots.map(|(slot, _)| slot).nth(nth).unwrap_or_default()
    }

    /// The kept values of an item.
    pub(crate) fn kept_of(&self, index: usize) -> &[V] {
        &self.kept[self.kept_range(index)]
    }

    pub(crate) fn kept_of_mut(&mut self, index: usize) -> &mut [V] {
        let range = self.kept_range(index);
        &mut self.kept[range]
    }

    /// What the slots of an item hold, with kept values as they are.
    pub(crate) fn places(&self, index: usize) -> Cells<'_, core::slice::Iter<'_, V>> {
        self.looks.cells(index, self.kept_of(index).iter())
    }

    /// The same, to be written to.
    pub(crate) fn places_mut(&mut self, index: usize) -> Cells<'_, core::slice::IterMut<'_, V>> {
        let range = self.kept_range(index);
        self.looks.cells(index, self.kept[range].iter_mut())
    }

    fn kept_range(&self, index: usize) -> Range<usize> {
        let heads = &self.looks.heads;
        let end = heads.get(index + 1).map_or(self.kept.len(), |next| next.kept as usize);
        heads[index].kept as usize..end
    }
}

impl Looks {
    fn tags(&self, index: usize) -> &[u8] {
        &self.tags[index * self.slot_count..][..self.slot_count]
    }

    /// An item's key, if it is a long one, and its texts.
    fn texts(&self, index: usize) -> &str {
        &self.texts[self.range(index)]
    }

    fn range(&self, index: usize) -> Range<usize> {
        let end = self.heads.get(index + 1).map_or(self.texts.len(), |next| next.texts as usize);
        self.heads[index].texts as usize..end
    }

    fn order(&self, index: usize, other: &Self, other_index: usize) -> Ordering {
        let (one, another) = (self.heads[index].key, other.heads[other_index].key);
        if one == LONG_KEY && another == LONG_KEY {
            return split_key(self.texts(index)).0.cmp(split_key(other.texts(other_index)).0);
        }
        one.cmp(&another)
    }

    fn cells<K>(&self, index: usize, kept: K) -> Cells<'_, K> {
        let texts = self.texts(index);
        let texts = if self.heads[index].key == LONG_KEY { split_key(texts).1 } else { texts };
        Cells { tags: self.tags(index).iter(), texts, kept }
    }
}

/// What the slots of an item hold, in order.
pub(crate) struct Cells<'a, K> {
    tags: core::slice::Iter<'a, u8>,
    texts: &'a str,
    kept: K,
}

impl<'a, K: Iterator> Iterator for Cells<'a, K> {
    type Item = Cell<'a, K::Item>;

    fn next(&mut self) -> Option<Self::Item> {
        Some(match *self.tags.next()? {
            KEPT => Cell::Kept(self.kept.next()?),
            ABSENT => Cell::Absent,
            tag @ (OFF | ON) => Cell::Flag(tag == ON),
            tag => {
                let (length, texts) = match tag {
                    LONG_TEXT => read_number(self.texts),
                    _ => (usize::from(tag - TEXT), self.texts),
                };
                let (text, texts) = texts.split_at(length);
                self.texts = texts;
                Cell::Text(text)
            }
        })
    }
}

/// Six bits to a character, the lowest first; the last one is below this.
const GOES_ON: u8 = 0x40;

fn write_number(mut number: u128, out: &mut String) {
    let digit = |number: u128| number.to_le_bytes()[0] % GOES_ON;
    while number >= u128::from(GOES_ON) {
        out.push(char::from(digit(number) + GOES_ON));
        number /= u128::from(GOES_ON);
    }
    out.push(char::from(digit(number)));
}

fn read_number(text: &str) -> (usize, &str) {
    let length = number_length(text);
    let (digits, rest) = text.split_at(length);
    let number = digits
        .bytes()
        .rev()
        .fold(0, |number, digit| number * usize::from(GOES_ON) + usize::from(digit % GOES_ON));
    (number, rest)
}

fn number_length(text: &str) -> usize {
    1 + text.bytes().take_while(|byte| *byte >= GOES_ON).count()
}

/// What a long key begins with.
const NUMBER: char = '+';
const NEGATIVE: char = '-';
const NAME: char = '=';

/// The key as it stands in an item's head. Different keys are different there, or before its texts.
fn write_key(key: &Key, out: &mut String) -> u32 {
    match key {
        Key::Number(number) => {
            let number = number.get();
            match u32::try_from(number) {
                Ok(short) if short < LONG_KEY => return short,
                _ => {
                    out.push(if number < 0 { NEGATIVE } else { NUMBER });
                    write_number(number.unsigned_abs(), out);
                }
            }
        }
        Key::Text(text) => {
            out.push(NAME);
            write_number(text.len() as u128, out);
            out.push_str(text);
        }
    }
    LONG_KEY
}

/// A long key, and the texts behind it.
fn split_key(texts: &str) -> (&str, &str) {
    let number = &texts[1..];
    let end = if texts.starts_with(NAME) {
        let (length, rest) = read_number(number);
        texts.len() - rest.len() + length
    } else {
        1 + number_length(number)
    };
    texts.split_at(end)
}

#[cfg(test)]
mod tests;
