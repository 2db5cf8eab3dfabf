//! Text against text.
//!
//! Common ends are cut off and the rest is replaced. When much is left of a long text,
//! [`similar`] compares it by words, and what it finds is taken if it is shorter.

use alloc::vec::Vec;

use lightspeed_protocol::isa::Op;
use lightspeed_protocol::msgpack::Text;
use similar::{Algorithm, DiffOp, capture_diff_slices};

use super::Patch;
use crate::tree::slot_address::SlotAddress;

/// What a splice costs beside what it inserts, in bytes: opcode, address, positions, head.
const SPLICE_BYTES: usize = 8;

/// A changed middle below this length, in bytes, is replaced as a whole.
const WORDS_BYTES_MIN: usize = 128;

/// More words than this on either side are not compared: the time grows with their product.
const WORDS_MAX: usize = 1_000;

/// One replacement in the old text: byte range and what stands there instead.
struct Edit<'t> {
    start: usize,
    end: usize,
    insert: &'t str,
}

impl<M> Patch<M> {
    /// Texts that differ.
    pub(super) fn text(&mut self, address: SlotAddress, old: &str, new: &str) {
        let whole = whole_edit(old, new);
        let by_words = word_edits(old, &whole);
        let edits = by_words.as_deref().unwrap_or(core::slice::from_ref(&whole));
        let SlotAddress { instance: at, slot } = address;
        if byte_count(edits) >= SPLICE_BYTES - 2 + new.len() {
            return self.program.push(&Op::Text { at, slot, text: Text::new(new) });
        }
        // From the end to the start, so that each leaves the positions of the next as they are.
        for edit in edits.iter().rev() {
            self.program.push(&Op::Splice {
                at,
                slot,
                start: utf16_len(&old[..edit.start]),
                delete: utf16_len(&old[edit.start..edit.end]),
                insert: edit.insert,
            });
        }
    }
}

/// What edits take, in bytes.
fn byte_count(edits: &[Edit<'_>]) -> usize {
    edits.iter().map(|edit| SPLICE_BYTES + edit.insert.len()).sum()
}

/// All between the common ends.
fn whole_edit<'t>(old: &str, new: &'t str) -> Edit<'t> {
    let start = common_prefix(old, new);
    let suffix = common_suffix(&old[start..], &new[start..]);
    Edit { start, end: old.len() - suffix, insert: &new[start..new.len() - suffix] }
}

/// The same by words, where that takes less; `None` too where it wouldn't, or where there are too many words.
fn word_edits<'t>(old: &str, whole: &Edit<'t>) -> Option<Vec<Edit<'t>>> {
    let (offset, old, new) = (whole.start, &old[whole.start..whole.end], whole.insert);
    if old.len().min(new.len()) < WORDS_BYTES_MIN {
        return None;
    }
    let old_words: Vec<&str> = old.split_inclusive(' ').collect();
    let new_words: Vec<&str> = new.split_inclusive(' ').collect();
    if old_words.len().max(new_words.len()) > WORDS_MAX {
        return None;
    }
    let starts = |words: &[&str]| {
        let mut starts = Vec::from([0]);
        for word in words {
            starts.push(starts[starts.len() - 1] + word.len());
        }
        starts
    };
    let (old_starts, new_starts) = (starts(&old_words), starts(&new_words));
    let ops = capture_diff_slices(Algorithm::Myers, &old_words, &new_words);
    let changed = ops.iter().filter(|op| !matches!(op, DiffOp::Equal { .. }));
    let edit = |op: &DiffOp| Edit {
        start: offset + old_starts[op.old_range().start],
        end: offset + old_starts[op.old_range().end],
        insert: &new[new_starts[op.new_range().start]..new_starts[op.new_range().end]],
    };
    let edits: Vec<_> = changed.map(edit).collect();
    (byte_count(&edits) < byte_count(core::slice::from_ref(whole))).then_some(edits)
}

/// The length of the longest common prefix, in bytes, at a character's boundary.
fn common_prefix(a: &str, b: &str) -> usize {
    let mut length = a.bytes().zip(b.bytes()).take_while(|(a, b)| a == b).count();
    while !a.is_char_boundary(length) {
        length -= 1;
    }
    length
}

/// The length of the longest common suffix, in bytes, at a character's boundary.
fn common_suffix(a: &str, b: &str) -> usize {
    let mut length = a.bytes().rev().zip(b.bytes().rev()).take_while(|(a, b)| a == b).count();
    while !a.is_char_boundary(a.len() - length) {
        length -= 1;
    }
    length
}

fn utf16_len(text: &str) -> u32 {
    let count = if text.is_ascii() { text.len() } else { text.encode_utf16().count() };
    u32::try_from(count).expect("a text is far below 4 GiB")
}
