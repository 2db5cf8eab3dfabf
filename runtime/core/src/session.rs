//! A session as a machine: inputs in, outputs out, time as an argument.
//!
//! Every [`Session::handle_input`] is followed by [`Session::poll_output`] until `None`.
//! Rendering happens there and nowhere else, at most once, and only while the client
//! keeps up: whatever changed meanwhile becomes one patch. The rules are `specs/session.md`.
//!
//! A session is made of parts that own what they keep, know nothing of each other, and are handed what they need:
//!
//! - `component`: the author's component, its last good state, and what its code is at
//! - `revisions`: the versions of the document that a client may show
//! - `events`: the events of the client: the next, the refused, those that no render has shown
//! - `delivery`: the client's socket, the patches that it hasn't acknowledged, what it is still to be told
//! - `effects`: what the component has asked of the page
//! - `persistence`: what isn't stored yet
//! - `outbox`: what the session has made, and what each of it waits for: the one way out
//!
//! `Session` has them work together. Where the component's code is called on the way, that has a file of its own:
//!
//! - `join`: a socket comes
//! - `update`: from an event to its effect or to its refusal
//! - `render`: from a change to a version that is sent
//! - `restore`: the session as a checkpoint, and back
//! - `inspect`: what a session looks like from outside
//!
//! And what these parts are made of:
//!
//! - `exchange`: what a session takes and gives
//! - [`lifecycle`]: the phases, as types; `window`: patches that are not acknowledged
//! - [`policy`]: what a session promises when its socket or server is lost; [`checkpoint`]: the session as bytes
//! - [`hibernation`]: the newest version without its tree; `edits`: what a person has changed in it
//! - [`recovery`]: what a session goes on from after a panic in the component

pub mod checkpoint;
mod component;
mod delivery;
mod edits;
mod effects;
mod events;
mod exchange;
pub mod hibernation;
mod inspect;
mod join;
pub mod lifecycle;
mod outbox;
mod persistence;
pub mod policy;
mod queue;
pub mod recovery;
mod render;
mod restore;
mod revisions;
mod update;
mod window;

use alloc::vec::Vec;

use lightspeed_protocol::Timestamp;
use lightspeed_protocol::close::{CloseReason, RefusalReason};
use lightspeed_protocol::frame::ClientFrame;

use crate::tree::slot_address::SlotAddress;
use component::Supervised;
use delivery::Delivery;
use effects::Effects;
use events::Events;
use lifecycle::{Created, Phase};
use outbox::Outbox;
use persistence::Persistence;
use policy::Policy;
use recovery::{Recovery, Step};
use revisions::Revisions;

pub use component::Component;
pub use effects::{EFFECTS_WAITING_BYTES_MAX, EFFECTS_WAITING_MAX, PageEffect};
pub use exchange::{Input, Join, Output, Transmission, Unfit};

/// The server half of a session.
pub struct Session<C: Component> {
    now: Timestamp,
    component: Supervised<C>,
    revisions: Revisions<C::Message>,
    events: Events,
    effects: Effects,
    delivery: Delivery,
    persistence: Persistence,
    outbox: Outbox<C::Effect>,
}

impl<C: Component> Session<C> {
    /// A session that no socket is attached to; it renders its first version.
    ///
    /// # Panics
    ///
    /// With debug assertions, when a splice brings what a parser would move, drop or close there
    /// ([`nesting`](crate::tree::nesting)).
    pub fn new(component: C) -> Self {
        Self::with_policy(component, Policy::default())
    }

    /// A session with another policy than [`Policy::Resume`].
    pub fn with_policy(component: C, policy: Policy) -> Self {
        let mut session = Self::over(component, policy, Phase::Mounted(Created::new().mount()));
        session.revisions.number_page();
        session
    }

    /// Around a component, whose tree has no ids yet.
    fn over(component: C, policy: Policy, phase: Phase) -> Self {
        let component = Supervised::new(component, policy.is_stored());
        Self {
            now: Timestamp(0),
            revisions: Revisions::new(component.render_whole(), component.state()),
            events: Events::default(),
            effects: Effects::default(),
            delivery: Delivery::new(phase),
            persistence: Persistence::new(policy, component.state().is_some()),
            outbox: Outbox::new(),
            component,
        }
    }

    /// Takes an input. A fault of the peer becomes an [`Output::Close`].
    ///
    /// When the component's own code panics in here, [`Session::recover`] goes on.
    pub fn handle_input(&mut self, now: Timestamp, input: Input<'_, C::Message>) {
        self.now = self.now.max(now);
        if self.is_closed() {
            return;
        }
        if matches!(input, Input::Join(_) | Input::Frame(_) | Input::Message(_)) {
            self.revisions.note_busy(self.now);
        }
        match input {
            Input::Join(join) => self.join(&join),
            Input::Frame(frame) if self.is_attached() && !self.persistence.is_suspended() => {
                self.frame(frame);
            }
            // Of a socket that is gone, or too late: the client sends it again.
            Input::Frame(_) => {}
            Input::Message(message) => self.message(message),
            Input::Detach => self.detach(),
            Input::Timeout => self.time_out(),
            Input::Hibernate => self.hibernate(),
            Input::Relieve => self.relieve(),
            Input::Persisted { generation } => {
                if self.persistence.note_stored(generation) {
                    self.outbox.release();
                }
            }
            Input::Suspend => self.persistence.suspend(),
        }
    }

    fn frame(&mut self, frame: ClientFrame<'_>) {
        match frame {
            ClientFrame::Event { ack, seq, behind, instance, slot, payload } => {
                self.event(ack, seq, behind, SlotAddress { instance, slot }, &payload);
                // Only now: an event may have been made on the version before the one it acknowledges.
                self.acknowledge(ack);
                // Last: what is forgotten may panic when it is dropped, and the event is then handled.
                self.revisions.forget_before(ack.saturating_sub(behind));
            }
            ClientFrame::Ack { ack, behind } => {
                let Some(oldest) = ack.checked_sub(behind) else { return self.close(CloseReason::BadAck) };
                self.acknowledge(ack);
                self.revisions.forget_before(oldest);
            }
            ClientFrame::Resync { ack } => {
                self.acknowledge(ack);
                self.delivery.ask_snapshot();
            }
            ClientFrame::Leave {} => self.close(CloseReason::Left),
            _ => self.close(CloseReason::UnknownKind),
        }
    }

    /// The next output; call until `None` after every input.
    ///
    /// When the component's own code panics in here, [`Session::recover`] goes on.
    pub fn poll_output(&mut self) -> Option<Output<C::Effect>> {
        if let Some(output) = self.outbox.poll() {
            return Some(output);
        }
        let is_told_late = self.persistence.is_told_late();
        if self.is_closed() || (self.persistence.is_storing() && is_told_late) {
            return None;
        }
        // A client that has been told of a version takes the events that it shows for done, unless it has heard otherwise.
        let before_versions = self.outbox.mark();
        self.render();
        if !self.revisions.is_dirty() && !self.delivery.is_document_lost() {
            self.events.note_rendered();
        }
        // The version that shows the others acknowledges them.
        if self.events.are_shown()
            && let Some(ack) = self.delivery.take_ack(self.events.seq_shown())
        {
            self.outbox.push(Output::Transmit(ack));
        }
        self.outbox.push_at(before_versions, self.delivery.take_refusals());
        if let Some(generation) = self.persistence.begin() {
            let checkpoint = self.checkpoint(generation);
            self.outbox.push(Output::Persist(checkpoint));
            if !is_told_late {
                self.outbox.release();
            }
            return self.outbox.poll();
        }
        let is_stored = self.persistence.is_suspended() && !self.persistence.is_storing();
        if is_stored && self.outbox.made_count() == 0 {
            self.close(CloseReason::ShuttingDown);
        }
        self.outbox.release_made();
        self.outbox.poll()
    }

    /// When [`Input::Timeout`] is due.
    pub fn next_timeout(&self) -> Option<Timestamp> {
        if self.is_closed() {
            None
        } else {
            let timeouts = [self.persistence.save_at(), self.delivery.ack_at(), self.hibernate_at()];
            timeouts.into_iter().flatten().min()
        }
    }

    fn time_out(&mut self) {
        self.persistence.time_out(self.now);
        if self.delivery.ack_at().is_some_and(|at| at <= self.now) {
            self.let_go(CloseReason::Unacknowledged);
        }
        if self.hibernate_at().is_some_and(|at| at <= self.now) {
            self.hibernate();
        }
    }

    /// Goes back to the last good state, after [`Session::handle_input`] or
    /// [`Session::poll_output`] has panicked. May panic itself, if that state's own code does.
    pub fn recover(&mut self) -> Recovery {
        let step = self.component.take_step();
        if self.is_closed() || !self.component.admit_restart(self.now) {
            return Recovery::Ended;
        }
        let good = match step {
            Step::Render => self.revisions.shown_state(),
            _ => self.component.state(),
        };
        let Some(good) = good.cloned() else { return Recovery::Ended };
        if self.component.load(&good).is_err() {
            return Recovery::Ended;
        }
        // What has changed since has not.
        self.revisions.forget_undone();
        self.component.set_state(Some(good));
        let is_undone = !matches!(step, Step::Idle);
        let undone = match step {
            Step::Update { seq: Some(seq) } if self.component.try_again(seq) => return Recovery::Retry,
            Step::Update { seq: Some(seq) } => {
                self.note_handled(seq);
                Vec::from([seq])
            }
            Step::Update { seq: None } => Vec::new(),
            Step::Render => {
                self.effects.undo();
                self.persistence.note_undone();
                self.events.take_unrendered()
            }
            Step::Idle => {
                // The panic has left the session in the middle of whatever it was doing.
                self.lose_document();
                self.delivery.ask_snapshot();
                Vec::new()
            }
        };
        // What fields hold may have to be taken back.
        self.revisions.note_change();
        self.persistence.note_change(self.now);
        for seq in undone.iter().copied().chain((is_undone && undone.is_empty()).then_some(0)) {
            self.tell_refusal(seq, RefusalReason::Failed);
        }
        Recovery::Undone { event_count: undone.len() }
    }

    /// A task of the component has panicked, which has changed nothing: tells the page.
    /// False when that has happened too often.
    pub fn note_task_failed(&mut self) -> bool {
        self.tell_refusal(0, RefusalReason::Failed);
        self.component.admit_restart(self.now)
    }

    /// Every version up to `version` is applied.
    fn acknowledge(&mut self, version: u64) {
        if !self.delivery.can_acknowledge(version, self.revisions.version()) {
            return self.close(CloseReason::BadAck);
        }
        self.revisions.let_go_of_rows();
        self.delivery.acknowledge(version);
        self.effects.acknowledge(version);
    }

    /// An event is taken into account, or refused.
    fn note_handled(&mut self, seq: u64) {
        self.events.note_handled(seq);
        self.delivery.owe_ack();
        self.persistence.note_change(self.now);
    }

    /// Tells it now, and again to a client that comes back without having heard it.
    fn tell_refusal(&mut self, seq: u64, reason: RefusalReason) {
        self.events.note_refused(seq, reason);
        self.delivery.owe_refusal(seq, reason);
    }

    /// Whatever the client shows as the newest version, it is not that; nor are its events about it.
    fn lose_document(&mut self) {
        self.delivery.lose_document();
        self.revisions.lose_document();
    }

    /// Lets the socket go: the session waits for another.
    fn let_go(&mut self, reason: CloseReason) {
        self.detach();
        self.outbox.push(Output::Drop(reason));
    }

    /// The socket is lost.
    fn detach(&mut self) {
        if !self.delivery.park() {
            return;
        }
        self.outbox.forget_frames();
        if self.persistence.ends_with_socket() {
            return self.close(CloseReason::SessionGone);
        }
        self.persistence.note_park();
    }

    fn close(&mut self, reason: CloseReason) {
        if self.delivery.close(reason) {
            self.outbox.push(Output::Close(reason));
        }
    }

    fn hibernate_at(&self) -> Option<Timestamp> {
        if self.delivery.is_up_to_date() { self.revisions.hibernate_at() } else { None }
    }

    /// Lets go of the tree, and of room that nothing is in; does nothing when the tree couldn't be had again.
    fn hibernate(&mut self) {
        if !self.delivery.is_up_to_date() || !self.revisions.can_hibernate() {
            return;
        }
        self.delivery.shrink_to_fit();
        self.events.shrink_to_fit();
        self.outbox.shrink_to_fit();
        self.revisions.hibernate();
    }

    /// Lets go of the socket, and of all that is kept for a client that doesn't acknowledge.
    fn relieve(&mut self) {
        self.revisions.forget_change();
        self.hibernate();
        self.lose_document();
        self.let_go(CloseReason::Unavailable);
    }
}
