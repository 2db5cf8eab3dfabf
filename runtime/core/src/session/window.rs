//! Patches that are sent and not acknowledged: a client that comes back is sent them again.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use lightspeed_protocol::{Timestamp, limits};

use super::queue;
use crate::sent_templates::TemplateUse;

/// A patch that is not acknowledged.
pub(super) struct Sent {
    pub(super) version: u64,
    /// What came of events up to this one is rendered in it.
    pub(super) seq_shown: u64,
    /// The program begins with `adopt` or `reset`.
    pub(super) is_snapshot: bool,
    pub(super) program: Vec<u8>,
    pub(super) templates: Vec<TemplateUse>,
    /// When it was last sent.
    pub(super) at: Timestamp,
}

/// Patches that are not acknowledged, oldest first; bounded by [`Window::has_room`].
#[derive(Default)]
pub(super) struct Window {
    sent: VecDeque<Sent>,
    byte_count: usize,
}

impl Window {
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.sent.len()
    }

    #[inline]
    pub(super) const fn byte_count(&self) -> usize {
        self.byte_count
    }

    /// Whether one more patch may be made.
    #[inline]
    pub(super) fn has_room(&self) -> bool {
        self.len() < limits::PATCHES_UNACKED_MAX && self.byte_count < limits::PATCHES_UNACKED_BYTES_MAX
    }

    #[inline]
    pub(super) fn oldest(&self) -> Option<&Sent> {
        self.sent.front()
    }

    #[inline]
    pub(super) fn iter(&self) -> impl Iterator<Item = &Sent> {
        self.sent.iter()
    }

    #[inline]
    pub(super) fn push(&mut self, sent: Sent) {
        self.byte_count += sent.program.len();
        queue::push(&mut self.sent, sent);
    }

    /// The patch at `index`, which is sent now.
    pub(super) fn send(&mut self, index: usize, now: Timestamp) -> &Sent {
        let sent = &mut self.sent[index];
        sent.at = now;
        sent
    }

    #[inline]
    pub(super) fn acknowledge(&mut self, version: u64) {
        while let Some(sent) = self.sent.pop_front_if(|sent| sent.version <= version) {
            self.byte_count -= sent.program.len();
        }
    }

    pub(super) fn shrink_to_fit(&mut self) {
        self.sent.shrink_to_fit();
    }

    #[inline]
    pub(super) fn clear(&mut self) {
        self.sent.clear();
        self.byte_count = 0;
    }
}
