//! Where HTML is written to, and what a page leaves out of it.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use lightspeed_protocol::{InstanceId, SlotIndex};

use crate::tree::markup::Around;

/// Raw HTML that a page leaves out, for its client to put in.
pub(crate) struct LeftOut {
    /// How many pieces of raw HTML stand before it.
    pub(crate) index: usize,
    /// The instance that it is in.
    pub(crate) at: InstanceId,
    /// The slot that it is for.
    pub(crate) slot: SlotIndex,
    pub(crate) html: Box<str>,
}

/// Where HTML is written to.
pub(crate) struct Out<'o> {
    pub(super) html: &'o mut String,
    /// What is known of a page whose client puts in what is left out; nothing else leaves anything out.
    pub(super) page: Option<&'o mut Page>,
}

#[derive(Default)]
pub(super) struct Page {
    around: Around,
    raw_count: usize,
    pub(super) left_out: Vec<LeftOut>,
}

impl Page {
    /// Whether raw HTML may stand behind `before`; otherwise it is left out.
    pub(super) fn takes(&mut self, before: &str, html: &str, at: InstanceId, slot: SlotIndex) -> bool {
        let index = self.raw_count;
        self.raw_count += 1;
        self.around.read(before);
        let is_taken = self.around.takes(html);
        if !is_taken {
            self.left_out.push(LeftOut { index, at, slot, html: html.into() });
        }
        is_taken
    }
}
