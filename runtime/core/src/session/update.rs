//! From an event, or a message of the component's own, to its effect or to its refusal.

use alloc::vec::Vec;

use lightspeed_protocol::close::{CloseReason, RefusalReason};
use lightspeed_protocol::msgpack::{DecodeError, Payload};
use lightspeed_protocol::{Timestamp, limits};

use super::Session;
use super::component::{Component, LoadError, State};
use super::effects::PageEffect;
use super::events::Order;
use super::exchange::Output;
use super::recovery::Step;
use super::revisions::resolution::{Resolved, Unresolved};
use crate::tree::slot_address::SlotAddress;

/// What a session has made and may not let out yet, while a store is silent: tasks, mostly. An honest client
/// has no more than [`limits::EVENTS_UNACKED_MAX`] events under way.
const OUTPUTS_WAITING_MAX: usize = 16 * limits::EVENTS_UNACKED_MAX;

impl<C: Component> Session<C> {
    pub(super) fn event(
        &mut self,
        ack: u64,
        seq: u64,
        behind: u64,
        address: SlotAddress,
        payload: &Payload<'_>,
    ) {
        let Some(version_seen) = ack.checked_sub(behind).filter(|_| ack <= self.revisions.version()) else {
            return self.close(CloseReason::BadAck);
        };
        match self.events.order(seq) {
            Order::Next if self.events.has_room() => {}
            // Its window is full, and it says more than an honest one keeps.
            Order::Next => return self.let_go(CloseReason::TooSlow),
            // What got lost is the acknowledgement.
            Order::Again => return self.delivery.owe_ack(),
            Order::Gap => return self.close(CloseReason::SequenceGap),
        }
        self.wake(Step::Update { seq: Some(seq) });
        self.component.enter(Step::Update { seq: Some(seq) });
        let Resolved { message, tells_fields } = self.revisions.resolve(address, version_seen, payload);
        // One that has failed before is refused if it does again, and nobody can tell then what it told of fields.
        if tells_fields && (message.is_err() || self.component.has_failed(seq)) {
            self.take_back(address, payload);
        }
        self.component.leave();
        match message {
            Ok(message) => {
                if !self.update(message, Some(seq)) {
                    if tells_fields {
                        self.take_back(address, payload);
                    }
                    return self.refuse(seq, RefusalReason::Failed);
                }
                if tells_fields {
                    self.revisions.note_edit(address, payload);
                }
                self.events.note_unrendered(seq);
                self.note_handled(seq);
            }
            Err(Unresolved::Refused(reason)) => self.refuse(seq, reason),
            Err(Unresolved::Unfit(unfit)) => {
                self.refuse(seq, RefusalReason::Unfit);
                if self.events.tells_unfit() {
                    self.outbox.push(Output::Unfit(unfit));
                }
            }
            Err(Unresolved::Fault(reason)) => self.close(reason),
        }
    }

    /// Gives the component a state that was recorded, in place of the message that led to it.
    ///
    /// # Errors
    ///
    /// When the bytes are no state of the component.
    pub fn put_state(&mut self, now: Timestamp, state: &[u8]) -> Result<(), LoadError> {
        self.now = self.now.max(now);
        self.wake(Step::Update { seq: None });
        self.component.load(state)?;
        self.revisions.forget_undone();
        self.revisions.note_busy(self.now);
        self.component.set_state(Some(State::from(state)));
        self.revisions.note_change();
        self.persistence.note_change(self.now);
        Ok(())
    }

    /// What the page is asked for with the next version, for a recording; `None` when that is nothing.
    pub fn asked(&self) -> Option<Vec<u8>> {
        self.effects.asked()
    }

    /// The page is asked for this with the next version, as [`Session::asked`] gave it then.
    ///
    /// # Errors
    ///
    /// When the bytes are none of those.
    pub fn put_asked(&mut self, asked: &[u8]) -> Result<(), DecodeError> {
        self.effects.put_asked(asked)
    }

    /// A message that no event asked for.
    pub(super) fn message(&mut self, message: C::Message) {
        if self.update(message, None) {
            self.persistence.note_change(self.now);
        } else {
            self.tell_refusal(0, RefusalReason::Failed);
        }
    }

    /// Has the component take a message. Nothing is noted before it has.
    ///
    /// False when what came of it can't be saved: the component is back in the state of before then, or
    /// the session has ended.
    fn update(&mut self, message: C::Message, seq: Option<u64>) -> bool {
        // The tree that the client shows can be had of the state of before only.
        self.wake(Step::Update { seq });
        let updated = self.component.update(message, seq, self.persistence.is_stored());
        self.revisions.note_change();
        let Some((effects, state)) = updated else {
            let is_back = self.component.undo();
            self.revisions.forget_undone();
            if !is_back {
                self.close(CloseReason::ComponentFailed);
            }
            return false;
        };
        self.component.set_state(state);
        for effect in effects {
            match C::page_effect(effect) {
                Ok(effect) => self.ask(effect),
                Err(effect) => self.outbox.push(Output::Effect(effect)),
            }
        }
        if self.outbox.made_count() + self.delivery.refusal_count() > OUTPUTS_WAITING_MAX {
            self.close(CloseReason::ComponentFailed);
        }
        true
    }

    /// Asks something of the page, with the next version.
    fn ask(&mut self, effect: PageEffect) {
        // Nobody looks at it yet.
        if !self.delivery.is_unjoined() && self.effects.ask(effect) {
            self.outbox.push(Output::EffectDropped);
        }
    }

    /// What a refused event told of fields is what the page shows, and not what the component says.
    fn take_back(&mut self, address: SlotAddress, payload: &Payload<'_>) {
        self.revisions.note_edit(address, payload);
        self.revisions.note_change();
    }

    fn refuse(&mut self, seq: u64, reason: RefusalReason) {
        self.note_handled(seq);
        self.tell_refusal(seq, reason);
    }
}
