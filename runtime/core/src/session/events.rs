//! From an event to its effect, or to its refusal.
//!
//! Events are numbered, and each is taken once and in its order: one that came before is acknowledged again, one
//! that leaves a gap ends the session. What has no effect is not dropped but refused, and the client is told.

use alloc::vec::Vec;

use lightspeed_protocol::close::{CloseReason, RefusalReason};
use lightspeed_protocol::frame::ServerFrame;
use lightspeed_protocol::limits;
use lightspeed_protocol::msgpack::Payload;

use super::exchange::{Output, Transmission};
use super::recovery::Step;
use super::{Component, OUTPUTS_WAITING_MAX, Session, place, saved};
use crate::tree::memos as memo;

/// How many events that don't fit a session tells its author of.
pub(super) const UNFIT_TOLD_MAX: u8 = 16;

impl<C: Component> Session<C> {
    pub(super) fn event(
        &mut self,
        ack: u64,
        seq: u64,
        behind: u64,
        place: place::Place,
        payload: &Payload<'_>,
    ) {
        let Some(version_seen) = ack.checked_sub(behind).filter(|_| ack <= self.version) else {
            return self.close(CloseReason::BadAck);
        };
        if seq <= self.seq_handled {
            // It came before; what got lost is the acknowledgement.
            return self.owe_ack();
        }
        if seq != self.seq_handled + 1 {
            return self.close(CloseReason::SequenceGap);
        }
        self.wake(Step::Update { seq: Some(seq) });
        self.step = Step::Update { seq: Some(seq) };
        let place::Resolved { message, tells_fields } = self.resolve(place, version_seen, payload);
        // One that has failed before is refused if it does again, and nobody can tell then what it told of fields.
        if tells_fields && (message.is_err() || self.restarts.has_failed(seq)) {
            self.take_back(place, payload);
        }
        self.step = Step::Idle;
        match message {
            Ok(message) => {
                if !self.update(message, Some(seq)) {
                    if tells_fields {
                        self.take_back(place, payload);
                    }
                    return self.refuse(seq, RefusalReason::Failed);
                }
                if tells_fields {
                    self.note_fields(place, payload);
                }
                if self.unrendered.len() == limits::EVENTS_UNACKED_MAX {
                    self.unrendered.remove(0);
                }
                self.unrendered.push(seq);
                self.handled(seq);
            }
            Err(place::Unresolved::Refused(reason)) => self.refuse(seq, reason),
            Err(place::Unresolved::Unfit(unfit)) => {
                self.refuse(seq, RefusalReason::Unfit);
                // A client can send as many of them as it likes; its author needs to hear of a few.
                if self.unfit_told < UNFIT_TOLD_MAX {
                    self.unfit_told += 1;
                    self.released.push_back(Output::Unfit(unfit));
                }
            }
            Err(place::Unresolved::Fault(reason)) => self.close(reason),
        }
    }

    /// Has the component take a message. Nothing is noted before it has.
    ///
    /// False when what came of it can't be saved: the component is back in the state of before then, or
    /// the session has ended.
    pub(super) fn update(&mut self, message: C::Message, seq: Option<u64>) -> bool {
        let mut effects = Vec::new();
        // The tree that the client shows can be had of the state of before only.
        self.wake(Step::Update { seq });
        self.step = Step::Update { seq };
        self.component.update(message, &mut effects);
        let state = saved(&self.component, self.policy);
        self.is_dirty = true;
        if state.is_none() && self.policy.is_stored() {
            let is_back = self.state.as_ref().is_some_and(|good| self.component.load(good).is_ok());
            self.step = Step::Idle;
            self.forget_undone();
            if !is_back {
                self.close(CloseReason::ComponentFailed);
            }
            return false;
        }
        self.step = Step::Idle;
        self.state = state;
        if !effects.is_empty() {
            self.made.extend(effects.into_iter().map(Output::Effect));
        }
        if self.made.len() + self.refusals.len() > OUTPUTS_WAITING_MAX {
            self.close(CloseReason::ComponentFailed);
        }
        true
    }

    /// The component has another state, of which streams and memos know nothing.
    pub(super) fn forget_undone(&mut self) {
        self.newest.lose_streams();
        self.newest.forget_memos();
        self.seen.iter().for_each(|seen| memo::forget(&seen.tree));
    }

    /// Notes in the tree, and for the next checkpoint, what an event tells of fields. Whoever calls this knows that the event
    /// tells anything: [`place::tells_fields`].
    pub(super) fn note_fields(&mut self, place: place::Place, payload: &Payload<'_>) {
        if let Some(origin) = &mut self.origin {
            origin.settle(|| self.newest.digest());
        }
        place::note_fields(self.newest.tree_mut(), place, payload);
        self.notes.push(place, payload);
    }

    /// What a refused event told of fields is what the page shows, and not what the component says.
    fn take_back(&mut self, place: place::Place, payload: &Payload<'_>) {
        self.note_fields(place, payload);
        self.is_dirty = true;
    }

    fn owe_ack(&mut self) {
        if let Some(attached) = self.phase.attached_mut() {
            attached.owes_ack = true;
        }
    }

    /// An event is taken into account, or refused.
    pub(super) fn handled(&mut self, seq: u64) {
        self.seq_handled = seq;
        self.owe_ack();
        self.note_change();
    }

    fn refuse(&mut self, seq: u64, reason: RefusalReason) {
        self.handled(seq);
        self.tell_refusal(seq, reason);
    }

    /// Tells it now, and again to a client that comes back without having heard it.
    pub(super) fn tell_refusal(&mut self, seq: u64, reason: RefusalReason) {
        if seq > 0 {
            if self.refused.len() == limits::EVENTS_UNACKED_MAX {
                self.refused.pop_front();
            }
            self.refused.push_back((seq, reason));
        }
        self.refusals.push((seq, reason));
    }

    /// Sends the refusals that are due, in the order of their events, before everything that was made
    /// since and acknowledges them: a client takes either for the end of all events before it.
    pub(super) fn send_refusals(&mut self, at: usize) {
        if self.refusals.is_empty() {
            return;
        }
        let mut refusals = core::mem::take(&mut self.refusals);
        let Some(attached) = self.phase.attached() else { return };
        refusals.sort_by_key(|(seq, _)| *seq);
        for (seq, reason) in refusals.into_iter().rev() {
            // What is no longer there, or can't be acted on any more, needs no words.
            let is_told = matches!(reason, RefusalReason::Failed | RefusalReason::Unfit);
            let message = if is_told { reason.meaning().trim() } else { "" };
            let frame = ServerFrame::Refused { seq, reason: reason.code(), message }.encode(attached.link());
            let transmission = Transmission { frame, templates: Vec::new() };
            self.made.insert(at.min(self.made.len()), Output::Transmit(transmission));
        }
    }
}
