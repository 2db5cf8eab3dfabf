//! What is recorded of a session, as it is handed to the thread that writes.

use bytes::Bytes;
use lightspeed_core::sent_templates::TemplateUse;
use lightspeed_protocol::close::CloseReason;
use lightspeed_protocol::frame::JoinMode;

use crate::limits;

/// What a recording starts with.
#[derive(Debug, Clone)]
pub struct Start {
    /// The component's name: its type's, which `lightspeed replay --verify` knows it by.
    pub component: &'static str,
    /// The build that runs it.
    pub build: String,
    /// What the session's randomness grows from; 0 when it has none.
    pub seed: u64,
    /// The HTML of the first page.
    pub html: String,
    /// The component's state after its mount, when it can be saved.
    pub state: Option<Vec<u8>>,
    /// Whether the session has a store.
    pub is_stored: bool,
}

impl Start {
    /// About how many bytes it holds.
    pub(super) fn byte_count(&self) -> usize {
        self.html.len() + self.state.as_ref().map_or(0, Vec::len) + limits::RECORD_HEAD_BYTES
    }
}

/// Something that has happened in a session.
#[derive(Debug)]
pub(super) enum Moment {
    Joined { session: u32, mode: JoinMode, applied: u64, settled: u64 },
    FrameIn(Bytes),
    FrameOut { frame: Vec<u8>, templates: Vec<TemplateUse> },
    Asked(Vec<u8>),
    Message(Option<Vec<u8>>),
    Detached,
    Restarted(Option<Vec<u8>>),
    TimedOut,
    Stored(u64),
    Closed(CloseReason),
    Truncated,
}

impl Moment {
    /// About how many bytes it holds.
    pub(super) fn byte_count(&self) -> usize {
        let held = match self {
            Self::FrameIn(bytes) => bytes.len(),
            Self::Asked(effects) => effects.len(),
            Self::FrameOut { frame, .. } => frame.len(),
            Self::Message(state) | Self::Restarted(state) => state.as_ref().map_or(0, Vec::len),
            _ => 0,
        };
        held + limits::RECORD_HEAD_BYTES
    }
}
