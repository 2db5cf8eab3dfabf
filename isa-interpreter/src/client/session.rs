//! One session of a page: its document's version and its events.

use alloc::string::String;
use alloc::vec::Vec;

use lightspeed_protocol::frame::{ClientFrame, JoinMode};
use lightspeed_protocol::msgpack::{Payload, Reader, Writer};
use lightspeed_protocol::{InstanceId, SlotIndex, Timestamp, limits};

use super::LinkState;
use crate::tree::Tree;

/// What a client has of a session's document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Held {
    /// The HTML that the page came with.
    Page,
    /// A document at a version.
    Document,
    /// Nothing that is of use.
    Nothing,
}

impl Held {
    pub(super) fn join_mode(self) -> JoinMode {
        match self {
            Self::Page => JoinMode::Adopt,
            Self::Document => JoinMode::Resume,
            Self::Nothing => JoinMode::Rebuild,
        }
    }
}

#[derive(Debug)]
pub(super) struct Event {
    seq: u64,
    version_seen: u64,
    instance: InstanceId,
    slot: SlotIndex,
    /// The payload as MessagePack.
    payload: Vec<u8>,
    /// It had no effect, and the page was told.
    is_refused: bool,
}

#[derive(Debug)]
pub(super) struct Session {
    pub(super) token: String,
    pub(super) state: LinkState,
    pub(super) held: Held,
    /// The server has answered the join on this socket.
    pub(super) is_joined: bool,
    /// A snapshot is asked for; patches are of no use until it comes.
    pub(super) is_resyncing: bool,
    /// The token is of no use any more; the page has to be fetched for another.
    pub(super) needs_token: bool,
    /// Tokens that the page has brought since one was taken.
    pub(super) renewals: u32,
    pub(super) version: u64,
    pub(super) tree: Tree,
    /// Events that are not acknowledged, oldest first.
    pub(super) events: Vec<Event>,
    next_seq: u64,
    /// The last event that is known to be settled.
    pub(super) settled: u64,
    /// When the version is to be acknowledged, unless an event does so before.
    pub(super) ack_due: Option<Timestamp>,
    /// Versions applied since the last acknowledgement.
    unacked_count: usize,
}

impl Session {
    pub(super) fn new(token: &str) -> Self {
        Self {
            token: String::from(token),
            state: LinkState::Connecting,
            held: Held::Page,
            is_joined: false,
            is_resyncing: false,
            needs_token: false,
            renewals: 0,
            version: 0,
            tree: Tree::new(),
            events: Vec::new(),
            next_seq: 1,
            settled: 0,
            ack_due: None,
            unacked_count: 0,
        }
    }

    /// Starts over with a new server session.
    pub(super) fn renew(&mut self, token: &str) {
        let (state, renewals) = (self.state, self.renewals + 1);
        *self = Self { state, renewals, held: Held::Nothing, ..Self::new(token) };
    }

    /// The socket is gone, or the session has left it.
    pub(super) fn detach(&mut self) {
        self.is_joined = false;
        self.is_resyncing = false;
        self.ack_due = None;
    }

    /// The document is at `version`, which is acknowledged soon: at once when many are not.
    pub(super) fn apply(&mut self, now: Timestamp, version: u64) {
        self.version = version;
        self.unacked_count += 1;
        let is_urgent = self.unacked_count * 2 >= limits::PATCHES_UNACKED_MAX;
        let due = if is_urgent { now } else { now.after_ms(limits::ACK_DELAY_MS) };
        self.ack_due = Some(self.ack_due.map_or(due, |earlier| earlier.min(due)));
    }

    /// How many versions before this one the oldest event was made that isn't acknowledged.
    pub(super) fn behind(&self) -> u64 {
        self.events.first().map_or(0, |event| self.version.saturating_sub(event.version_seen))
    }

    /// The version to acknowledge in the frame that is about to go out.
    pub(super) fn take_ack(&mut self) -> u64 {
        self.ack_due = None;
        self.unacked_count = 0;
        self.version
    }

    /// Whether there is a document that events can be made on.
    pub(super) fn is_open(&self) -> bool {
        self.held == Held::Document && !self.needs_token && self.state != LinkState::Failed
    }

    /// Keeps an event and numbers it; `None` when it is too large, or too much waits.
    pub(super) fn push_event(
        &mut self,
        instance: InstanceId,
        slot: SlotIndex,
        payload: Payload<'_>,
        bytes_max: u64,
    ) -> Option<u64> {
        let mut writer = Writer::new();
        writer.payload(payload);
        let waiting: usize = self.events.iter().map(|event| event.payload.len()).sum();
        let is_too_large = writer.len() as u64 > bytes_max;
        let is_too_much =
            (waiting + writer.len()) as u64 > limits::EVENTS_UNACKED_LARGEST_MAX as u64 * bytes_max;
        if is_too_large || is_too_much || self.events.len() >= limits::EVENTS_UNACKED_MAX {
            return None;
        }
        let seq = self.next_seq;
        self.next_seq += 1;
        let payload = writer.into_bytes();
        let version_seen = self.version;
        self.events.push(Event { seq, version_seen, instance, slot, payload, is_refused: false });
        Some(seq)
    }

    /// Empties the payloads that are larger than `bytes_max`, and returns whether there were any.
    ///
    /// The events stay, because their numbers may leave no gap. The server refuses an event without its
    /// payload, unless the handler ignores the payload.
    pub(super) fn empty_larger(&mut self, bytes_max: u64) -> bool {
        let mut found = false;
        for event in self.events.iter_mut().filter(|event| event.payload.len() as u64 > bytes_max) {
            event.payload.clear();
            found = true;
        }
        found
    }

    pub(super) fn event_frame(&self, index: usize, ack: u64) -> ClientFrame<'_> {
        let event = &self.events[index];
        ClientFrame::Event {
            ack,
            seq: event.seq,
            behind: ack.saturating_sub(event.version_seen),
            instance: event.instance,
            slot: event.slot,
            payload: Reader::new(&event.payload).payload().unwrap_or(Payload::None),
        }
    }

    /// An event had no effect. Whether the page is to be told: of one that is waited for, once. Of one that isn't known
    /// `None`. It stays until those before it are settled: events are numbered, and are sent again without a gap.
    pub(super) fn refuse_event(&mut self, seq: u64) -> Option<bool> {
        let event = self.events.iter_mut().find(|event| event.seq == seq)?;
        Some(!core::mem::replace(&mut event.is_refused, true))
    }

    /// The next event of those up to `ack`, which are settled; and whether it was refused.
    pub(super) fn take_event_up_to(&mut self, ack: u64) -> Option<(u64, bool)> {
        // Of events that were never sent nothing is known, whatever the server says.
        self.settled = self.settled.max(ack.min(self.next_seq - 1));
        if self.events.first().is_none_or(|event| event.seq > ack) {
            return None;
        }
        let event = self.events.remove(0);
        Some((event.seq, event.is_refused))
    }
}
