//! The socket's side of a session: it joins and is lost, and what it is sent waits to be acknowledged.
//!
//! A session outlives its sockets. What was meant for one that is gone reaches nobody: whoever joins says what it
//! holds, and is sent what it lacks.

use alloc::vec::Vec;

use lightspeed_protocol::close::CloseReason;
use lightspeed_protocol::frame::{JoinMode, ServerFrame};
use lightspeed_protocol::isa::Op;
use lightspeed_protocol::limits;
use lightspeed_protocol::msgpack::{Raw, Writer};

use super::exchange::{Join, Output, Transmission};
use super::lifecycle::Phase;
use super::policy::Policy;
use super::recovery::Step;
use super::window::Sent;
use super::{Component, Session, push};
use crate::diff::Patch;
use crate::ledger::TemplateUse;
use crate::tree::build::{Numbering, write_hydration_layout};
use crate::tree::render::write_page;

impl<C: Component> Session<C> {
    pub(super) fn join(&mut self, join: &Join<'_>) {
        let Join { session, mode, mut applied, settled, token, is_latest } = *join;
        if self.is_suspended {
            return;
        }
        self.forget_frames();
        if self.is_restored {
            self.catch_up(mode, &mut applied, settled);
            // What it saw before a crash may have the numbers of what another tab has seen since.
            if !is_latest && self.policy != Policy::Durable {
                self.lose_document();
            }
        } else if settled > self.seq_handled || (mode == JoinMode::Resume && applied > self.version) {
            // As long as the store hasn't said whose the session is, its client may know more of it.
            let is_unclaimed = self.saving.telling_from.is_some();
            return self.close(if is_unclaimed { CloseReason::Moved } else { CloseReason::BadAck });
        }
        let is_first = matches!(self.phase, Phase::Mounted(_));
        if self.phase.attach(session).is_none() {
            return;
        }
        if self.policy.is_stored() {
            // The epoch is new, and with it the checkpoint.
            self.saving.is_due = true;
            if !is_first {
                // Another server may have taken the session meanwhile, with this very epoch: the store knows.
                self.saving.telling_from = Some(self.saving.generation + 1);
            }
        }
        // Before the acknowledgement, which would tell that they had one.
        self.refusals = self.refused.iter().filter(|(seq, _)| *seq > settled).copied().collect();
        self.send_refusals(self.made.len());
        let frame = ServerFrame::Joined { ack: self.seq_handled, token }.encode(session);
        self.transmit(frame, Vec::new());
        match mode {
            _ if self.is_document_lost => self.ask_snapshot(),
            JoinMode::Adopt if self.version == 0 && !self.has_let_go => {
                // What it gets when there is no tree to be had.
                self.ask_snapshot();
                self.wake(Step::Render);
                if !self.is_document_lost {
                    self.adopt();
                }
            }
            JoinMode::Adopt | JoinMode::Rebuild => self.ask_snapshot(),
            // Another tab of the same page: it has seen less than the one that acknowledged.
            JoinMode::Resume if applied < self.version_acked => self.ask_snapshot(),
            JoinMode::Resume => {
                self.acknowledge(applied);
                if self.is_closed() {
                    return;
                }
                let next = self.window.oldest().map_or(self.version, |sent| sent.version - 1);
                if next == applied {
                    for index in 0..self.window.len() {
                        self.send(index);
                    }
                } else {
                    self.ask_snapshot();
                }
            }
        }
    }

    pub(super) fn ask_snapshot(&mut self) {
        if let Some(attached) = self.phase.attached_mut() {
            attached.needs_snapshot = true;
        }
    }

    /// Tells the client which instances the HTML of its page holds.
    fn adopt(&mut self) {
        if let Some(attached) = self.phase.attached_mut() {
            attached.needs_snapshot = false;
        }
        let tree = self.newest.tree_mut();
        let mut numbering = Numbering::new(tree.id);
        let mut skeleton = Writer::new();
        write_hydration_layout(tree, &mut numbering, &mut skeleton);
        let left_out = if numbering.raw_count > 0 { write_page(tree).1 } else { Vec::new() };
        if !left_out.is_empty() {
            numbering = Numbering::new(tree.id);
            numbering.left_out = left_out.iter().map(|raw| raw.index).collect();
            skeleton = Writer::new();
            write_hydration_layout(tree, &mut numbering, &mut skeleton);
        }
        let mut patch = Patch::new(numbering);
        let skeleton = Raw::new(skeleton.as_bytes());
        patch.program.push(&Op::Adopt { template: tree.template.fingerprint, skeleton });
        for raw in &left_out {
            patch.program.push(&Op::Html { at: raw.at, slot: raw.slot, html: &raw.html });
        }
        self.window.clear();
        self.push(true, patch);
    }

    pub(super) fn detach(&mut self) {
        if !self.phase.park() {
            return;
        }
        self.forget_frames();
        if self.policy == Policy::Remount {
            return self.close(CloseReason::SessionGone);
        }
        self.saving.is_due |= self.saving.unsaved_since.is_some();
    }

    /// What was meant for the socket that is gone reaches nobody: the client asks again.
    fn forget_frames(&mut self) {
        for queue in [&mut self.made, &mut self.held, &mut self.released] {
            queue.retain(|output| !matches!(output, Output::Transmit(_)));
        }
    }

    /// Every version up to `version` is applied.
    pub(super) fn acknowledge(&mut self, version: u64) {
        if version > self.version || version < self.version_acked {
            return self.close(CloseReason::BadAck);
        }
        // Whoever acknowledges has the page's HTML, so it is not told of it again.
        self.let_go();
        self.version_acked = version;
        self.window.acknowledge(version);
    }

    /// Puts a program into the window and sends it.
    pub(super) fn push(&mut self, is_snapshot: bool, patch: Patch<C::Message>) {
        self.next_id = self.next_id.max(patch.numbering.next_id);
        // Nobody is shown a version that the store doesn't know, even one that shows nothing new.
        self.saving.is_due |= self.policy == Policy::Durable;
        let sent = Sent {
            version: self.version,
            is_snapshot,
            program: patch.program.finish(),
            templates: patch.numbering.uses,
            at: self.now,
        };
        // A frame's head takes less than 64 bytes.
        if sent.program.len() + 64 > limits::OUTBOUND_FRAME_BYTES_MAX {
            return self.close(CloseReason::PatchTooLarge);
        }
        self.window.push(sent);
        self.send(self.window.len() - 1);
    }

    fn send(&mut self, index: usize) {
        let Some(attached) = self.phase.attached_mut() else { return };
        let sent = self.window.send(index, self.now);
        let (ack, version, program) = (self.seq_handled, sent.version, Raw::new(&sent.program));
        let frame = if sent.is_snapshot {
            ServerFrame::Snapshot { ack, version, program }
        } else {
            ServerFrame::Patch { ack, version, program }
        };
        attached.owes_ack = false;
        let (frame, templates) = (frame.encode(attached.link()), sent.templates.clone());
        self.transmit(frame, templates);
    }

    fn transmit(&mut self, frame: Vec<u8>, templates: Vec<TemplateUse>) {
        push(&mut self.made, Output::Transmit(Transmission { frame, templates }));
    }

    /// Acknowledges events, if no patch has.
    pub(super) fn acknowledge_events(&mut self) {
        if let Some(attached) = self.phase.attached_mut()
            && core::mem::take(&mut attached.owes_ack)
        {
            let frame = ServerFrame::Ack { ack: self.seq_handled }.encode(attached.link());
            self.transmit(frame, Vec::new());
        }
    }
}
