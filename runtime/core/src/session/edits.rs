//! What a person has changed in the fields of a page, as far as events have told it, kept for a tree that is
//! rendered again.

use alloc::vec::Vec;

use lightspeed_protocol::msgpack::{DecodeError, Expected, Payload, Reader, Writer};

use crate::tree::fields::note_fields;
use crate::tree::html::Fragment;
use crate::tree::slot_address::SlotAddress;

/// What a person has changed in fields since the newest version was rendered, as far as events have told it: which
/// event with which payload, oldest first.
///
/// The tree of the newest version holds it, and no state does: a tree that is rendered again is told of it by
/// [`PendingEdits::tell_again`].
#[derive(Debug, Default)]
pub(super) struct PendingEdits {
    edits: Vec<(SlotAddress, Vec<u8>)>,
    /// They took too much memory, and some are missing.
    is_incomplete: bool,
}

/// Addresses that are remembered; a page that has more of them edited at once is sent as a whole.
const EDITS_MAX: usize = 64;

/// Bytes of the payloads that are remembered: the same.
const EDITS_BYTES_MAX: usize = 256 * 1024;

impl PendingEdits {
    /// Notes an edit in a tree, and for later ones.
    pub(super) fn note<M>(&mut self, tree: &mut Fragment<M>, address: SlotAddress, payload: &Payload<'_>) {
        note_fields(tree, address, payload);
        // What has been told last at an address is all that counts of it.
        self.edits.retain(|(other, _)| *other != address);
        let mut out = Writer::new();
        out.payload(*payload);
        self.edits.push((address, out.into_bytes()));
        // One more than may be stored says that not all of them are.
        self.edits.truncate(EDITS_MAX + 1);
        if self.edits.iter().map(|(_, payload)| payload.len()).sum::<usize>() > EDITS_BYTES_MAX {
            self.edits = Vec::new();
            self.is_incomplete = true;
        }
    }

    pub(super) fn clear(&mut self) {
        self.edits.clear();
        self.is_incomplete = false;
    }

    pub(super) const fn is_too_long(&self) -> bool {
        self.is_incomplete || self.edits.len() > EDITS_MAX
    }

    /// Notes the edits in a tree that was rendered again.
    pub(super) fn tell_again<M>(&self, tree: &mut Fragment<M>) {
        for (address, payload) in &self.edits {
            let payload = Reader::new(payload).payload().expect("it was written by `note`");
            note_fields(tree, *address, &payload);
        }
    }

    pub(super) fn shrink_to_fit(&mut self) {
        self.edits.shrink_to_fit();
    }

    pub(super) fn write(&self, out: &mut Writer) {
        let edits = if self.is_too_long() { &[] } else { self.edits.as_slice() };
        out.array(3 * edits.len());
        for (address, payload) in edits {
            out.uint(u64::from(address.instance));
            out.uint(u64::from(address.slot));
            out.raw(payload);
        }
    }

    /// Reads what [`PendingEdits::write`] wrote.
    pub(super) fn read<'a>(reader: &mut Reader<'a>) -> Result<Vec<(SlotAddress, Payload<'a>)>, DecodeError> {
        let length = reader.error(Expected::Length);
        let count = reader.array_at_most(u32::try_from(3 * EDITS_MAX).unwrap_or(u32::MAX))?;
        if count % 3 != 0 {
            return Err(length);
        }
        (0..count / 3)
            .map(|_| {
                Ok((SlotAddress { instance: reader.uint32()?, slot: reader.uint32()? }, reader.payload()?))
            })
            .collect()
    }
}
