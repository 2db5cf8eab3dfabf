//! Text against text.
//!
//! Common ends are cut off and the rest is replaced. When much is left of a long text,
//! [`similar`] compares it by words, and what it finds is taken if it is shorter.

use alloc::vec::Vec;

use lightspeed_protocol::isa::Op;
use lightspeed_protocol::msgpack::Text;
use similar::{Algorithm, DiffOp, capture_diff_slices};

use super::{Patch, Place};

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
    pub(super) fn text(&mut self, place: Place, old: &str, new: &str) {
        if old == new {
            return;
        }
        let edits = edits(old, new);
        let bytes: usize = edits.iter().map(|edit| SPLICE_BYTES + edit.insert.len()).sum();
        let Place { at, slot } = place;
        if bytes >= SPLICE_BYTES - 2 + new.len() {
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

fn edits<'t>(old: &str, new: &'t str) -> Vec<Edit<'t>> {
    let start = common_prefix(old, new);
    let suffix = common_suffix(&old[start..], &new[start..]);
    let (old_end, new_end) = (old.len() - suffix, new.len() - suffix);
    let whole = Vec::from([Edit { start, end: old_end, insert: &new[start..new_end] }]);
    let middle = (&old[start..old_end], &new[start..new_end]);
    if middle.0.len().min(middle.1.len()) < WORDS_BYTES_MIN {
        return whole;
    }
    let by_words = word_edits(middle.0, middle.1, start);
    let bytes = |edits: &[Edit<'_>]| edits.iter().map(|edit| SPLICE_BYTES + edit.insert.len()).sum::<usize>();
    match by_words {
        Some(by_words) if bytes(&by_words) < bytes(&whole) => by_words,
        _ => whole,
    }
}

/// The edits between two texts by words; `offset` is added to positions. `None` when there are too many words.
fn word_edits<'t>(old: &str, new: &'t str, offset: usize) -> Option<Vec<Edit<'t>>> {
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
    Some(changed.map(edit).collect())
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
    u32::try_from(text.encode_utf16().count()).expect("a text is far below 4 GiB")
}
