//! The client's side of a session: its socket, the patches that it hasn't acknowledged, and what it is still
//! to be told.
//!
//! A session outlives its sockets. What was meant for one that is gone reaches nobody: whoever joins says what it
//! holds, and is sent what it lacks.

use alloc::vec::Vec;

use lightspeed_protocol::close::{CloseReason, RefusalReason};
use lightspeed_protocol::frame::ServerFrame;
use lightspeed_protocol::msgpack::Raw;
use lightspeed_protocol::{Timestamp, limits};

use super::events::Refusal;
use super::exchange::Transmission;
use super::lifecycle::{Attached, Phase};
use super::window::{Sent, Window};

/// Bytes that a frame takes around its program, at most.
const FRAME_HEAD_BYTES_MAX: usize = 64;

/// See the [module](self).
pub(super) struct Delivery {
    phase: Phase,
    window: Window,
    /// The newest version that the client has acknowledged.
    version_acked: u64,
    /// Refusals that the attached client is to be told.
    refusals: Vec<Refusal>,
    /// The session was read from a checkpoint, which may be older than what the client has seen.
    is_restored: bool,
    /// Whatever the client holds, it is not the newest version.
    is_document_lost: bool,
}

impl Delivery {
    pub(super) fn new(phase: Phase) -> Self {
        Self {
            phase,
            window: Window::default(),
            version_acked: 0,
            refusals: Vec::new(),
            is_restored: false,
            is_document_lost: false,
        }
    }

    /// The session was read from a checkpoint.
    #[inline]
    pub(super) fn note_restored(&mut self, version_acked: u64) {
        self.version_acked = version_acked;
        self.is_restored = true;
    }

    #[inline]
    pub(super) const fn is_restored(&self) -> bool {
        self.is_restored
    }

    #[inline]
    pub(super) const fn phase(&self) -> &Phase {
        &self.phase
    }

    #[inline]
    pub(super) const fn is_attached(&self) -> bool {
        self.phase.attached().is_some()
    }

    #[inline]
    pub(super) const fn is_closed(&self) -> bool {
        self.phase.is_closed()
    }

    /// Whether no socket has ever joined.
    #[inline]
    pub(super) const fn is_unjoined(&self) -> bool {
        matches!(self.phase, Phase::Mounted(_))
    }

    /// A socket joins, on which the session has this number. False when the session has ended.
    #[inline]
    pub(super) fn attach(&mut self, session: u32) -> bool {
        self.phase.attach(session).is_some()
    }

    /// The socket is lost. False when there was none.
    #[inline]
    pub(super) fn park(&mut self) -> bool {
        self.phase.park()
    }

    /// The session ends. False when it had before.
    #[inline]
    pub(super) fn close(&mut self, reason: CloseReason) -> bool {
        self.phase.close(reason)
    }

    /// Whether nobody is about to ask for the newest version's tree: the client shows that version, or is gone.
    #[inline]
    pub(super) const fn is_up_to_date(&self) -> bool {
        let is_shown = match &self.phase {
            // The page's socket will be there in a moment, and asks for the tree.
            Phase::Mounted(_) | Phase::Closed(_) => false,
            Phase::Attached(attached) => !attached.needs_snapshot(),
            Phase::Parked(_) => true,
        };
        is_shown && !self.is_document_lost
    }

    /// Whether the attached client lacks the document, or has asked for the whole of it.
    #[inline]
    pub(super) fn needs_snapshot(&self) -> bool {
        self.phase.attached().is_some_and(Attached::needs_snapshot)
    }

    /// The attached client is to get the whole document.
    #[inline]
    pub(super) fn ask_snapshot(&mut self) {
        self.set_needs_snapshot(true);
    }

    fn set_needs_snapshot(&mut self, needs_snapshot: bool) {
        if let Some(attached) = self.phase.attached_mut() {
            attached.set_needs_snapshot(needs_snapshot);
        }
    }

    /// The next program that is sent begins with the document: nothing that came before it is sent again.
    #[inline]
    pub(super) fn begin_document(&mut self) {
        self.is_document_lost = false;
        self.window.clear();
        self.set_needs_snapshot(false);
    }

    /// Whatever the client shows as the newest version, it is not that.
    #[inline]
    pub(super) fn lose_document(&mut self) {
        self.is_document_lost = true;
        self.window.clear();
    }

    #[inline]
    pub(super) const fn is_document_lost(&self) -> bool {
        self.is_document_lost
    }

    /// Whether the client keeps up: one more patch may be made.
    #[inline]
    pub(super) fn has_room(&self) -> bool {
        self.window.has_room()
    }

    #[inline]
    pub(super) const fn version_acked(&self) -> u64 {
        self.version_acked
    }

    #[inline]
    pub(super) const fn window(&self) -> &Window {
        &self.window
    }

    /// Takes a program into the window, from where [`Delivery::send`] sends it.
    ///
    /// # Errors
    ///
    /// When it doesn't fit a frame.
    pub(super) fn keep(&mut self, sent: Sent) -> Result<(), CloseReason> {
        if sent.program.len() + FRAME_HEAD_BYTES_MAX > limits::OUTBOUND_FRAME_BYTES_MAX {
            return Err(CloseReason::PatchTooLarge);
        }
        self.window.push(sent);
        Ok(())
    }

    /// Takes back the patches that a checkpoint holds.
    pub(super) fn restore_window(&mut self, window: impl IntoIterator<Item = Sent>) {
        window.into_iter().for_each(|sent| self.window.push(sent));
    }

    /// The frame of the newest patch in the window. `None` when there is no socket.
    pub(super) fn send_newest(&mut self, now: Timestamp) -> Option<Transmission> {
        self.send(self.window.len().checked_sub(1)?, now)
    }

    /// The frame of a patch in the window, which acknowledges the events that it shows. `None` when there is no socket.
    pub(super) fn send(&mut self, index: usize, now: Timestamp) -> Option<Transmission> {
        let attached = self.phase.attached_mut()?;
        let sent = self.window.send(index, now);
        let (ack, version, program) = (sent.seq_shown, sent.version, Raw::new(&sent.program));
        let frame = if sent.is_snapshot {
            ServerFrame::Snapshot { ack, version, program }
        } else {
            ServerFrame::Patch { ack, version, program }
        };
        attached.note_ack_sent();
        let (frame, templates) = (frame.encode(attached.session()), sent.templates.clone());
        Some(Transmission { frame, templates })
    }

    /// Whether a client that has applied the version `applied` is at `version` once it has the patches of the window.
    pub(super) fn leads_on_from(&self, applied: u64, version: u64) -> bool {
        self.window.oldest().map_or(version, |sent| sent.version - 1) == applied
    }

    /// Whether a client that shows `version` can say that it has applied `acked`.
    #[inline]
    pub(super) const fn can_acknowledge(&self, acked: u64, version: u64) -> bool {
        acked <= version && acked >= self.version_acked
    }

    /// Every version up to `version` is applied.
    #[inline]
    pub(super) fn acknowledge(&mut self, version: u64) {
        self.version_acked = version;
        self.window.acknowledge(version);
    }

    /// When the client must have acknowledged the oldest patch.
    #[inline]
    pub(super) fn ack_at(&self) -> Option<Timestamp> {
        let oldest = self.window.oldest().filter(|_| self.is_attached())?;
        Some(oldest.at.after_ms(limits::ACK_MS_MAX))
    }

    /// The frame that answers a join.
    pub(super) fn joined(&self, seq_seen: u64, token: &str) -> Option<Transmission> {
        let session = self.phase.attached()?.session();
        Some(transmission(ServerFrame::Joined { ack: seq_seen, token }.encode(session)))
    }

    /// The client is to hear that events are settled.
    #[inline]
    pub(super) fn owe_ack(&mut self) {
        if let Some(attached) = self.phase.attached_mut() {
            attached.owe_ack();
        }
    }

    /// The frame that acknowledges events, if it is owed and no patch has told it.
    #[inline]
    pub(super) fn take_ack(&mut self, seq_shown: u64) -> Option<Transmission> {
        let attached = self.phase.attached_mut().filter(|attached| attached.owes_ack())?;
        attached.note_ack_sent();
        Some(transmission(ServerFrame::Ack { ack: seq_shown }.encode(attached.session())))
    }

    /// The client is to be told that an event had no effect.
    #[inline]
    pub(super) fn owe_refusal(&mut self, seq: u64, reason: RefusalReason) {
        self.refusals.push((seq, reason));
    }

    /// A client joins: it is to be told these refusals, and none that were meant for the one before.
    pub(super) fn owe_refusals(&mut self, refusals: impl Iterator<Item = Refusal>) {
        self.refusals = refusals.collect();
    }

    #[inline]
    pub(super) fn refusal_count(&self) -> usize {
        self.refusals.len()
    }

    /// The frames of the refusals that are due, in the order of their events; none when there is no socket.
    pub(super) fn take_refusals(&mut self) -> Vec<Transmission> {
        if self.refusals.is_empty() {
            return Vec::new();
        }
        let mut refusals = core::mem::take(&mut self.refusals);
        let Some(attached) = self.phase.attached() else { return Vec::new() };
        refusals.sort_by_key(|(seq, _)| *seq);
        let frame = |(seq, reason): Refusal| {
            // What is no longer there, or can't be acted on any more, needs no words.
            let is_told = matches!(reason, RefusalReason::Failed | RefusalReason::Unfit);
            let message = if is_told { reason.meaning().trim() } else { "" };
            let refused = ServerFrame::Refused { seq, reason: reason.code(), message };
            transmission(refused.encode(attached.session()))
        };
        refusals.into_iter().map(frame).collect()
    }

    pub(super) fn shrink_to_fit(&mut self) {
        self.window.shrink_to_fit();
        self.refusals.shrink_to_fit();
    }
}

/// A frame that refers to no templates.
const fn transmission(frame: Vec<u8>) -> Transmission {
    Transmission { frame, templates: Vec::new() }
}

#[cfg(test)]
mod tests;
