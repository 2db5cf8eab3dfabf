//! A session as a machine: inputs in, outputs out, time as an argument.
//!
//! Every [`Session::handle_input`] is followed by [`Session::poll_output`] until `None`.
//! Rendering happens there and nowhere else, at most once, and only while the client
//! keeps up: whatever changed meanwhile becomes one patch. The rules are `specs/session.md`.
//!
//! - [`lifecycle`]: the phases, as types
//! - [`policy`]: what a session promises when its socket or server is lost
//! - `place`: from the place that an event names to its message
//! - `window`: patches that are not acknowledged
//! - [`checkpoint`]: the session as bytes, and back
//! - [`recovery`]: after a panic in the component
//! - [`hibernation`]: an idle session without its tree

pub mod checkpoint;
pub mod hibernation;
pub mod lifecycle;
mod place;
pub mod policy;
pub mod recovery;
mod window;

use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use lightspeed_protocol::close::{CloseReason, RefusalReason};
use lightspeed_protocol::frame::{ClientFrame, JoinMode, ServerFrame};
use lightspeed_protocol::isa::Op;
use lightspeed_protocol::msgpack::{Payload, Raw, Writer};
use lightspeed_protocol::{InstanceId, Timestamp, limits};

use crate::build::{Numbering, write_skeleton};
use crate::diff::{Patch, diff, reset};
use crate::html::{Fragment, Html};
use crate::ledger::TemplateUse;
use crate::memo;
use crate::render::write_fragment;
use crate::stream::rows::Past;
use crate::stream::tree as streams;
use checkpoint::{Checkpoint, LoadError};
use hibernation::Newest;
use lifecycle::{Attached, Created, Phase};
use place::Notes;
use policy::Policy;
use recovery::{Restarts, Step};
use window::{Sent, Window};

/// What a session runs: state, the messages that change it, and what it looks like.
pub trait Component {
    /// What it understands.
    type Message;
    /// What it asks of its surroundings: a task to run, say.
    type Effect;

    /// Takes a message.
    fn update(&mut self, message: Self::Message, effects: &mut Vec<Self::Effect>);

    /// What it looks like: a function of its state and nothing else.
    fn render(&self) -> Html<Self::Message>;

    /// The state as bytes; `None` when it lives in memory only.
    fn save(&self) -> Option<Vec<u8>> {
        None
    }

    /// Takes on a state that [`Component::save`] gave.
    ///
    /// # Errors
    ///
    /// When the bytes are none of those, or the component can't be saved.
    fn load(&mut self, _state: &[u8]) -> Result<(), LoadError> {
        Err(LoadError)
    }
}

/// What a session takes.
#[derive(Debug)]
pub enum Input<'a, M> {
    /// A socket attaches.
    Join(Join<'a>),
    /// A frame of the attached client.
    Frame(ClientFrame<'a>),
    /// A message from the component's own tasks.
    Message(M),
    /// The socket is gone.
    Detach,
    /// [`Session::next_timeout`] is due.
    Timeout,
    /// Memory is scarce: what can be had again is to be let go of, as when the session has been idle for a while.
    Hibernate,
    /// The checkpoint with this number is stored.
    Persisted {
        /// The number.
        generation: u64,
    },
    /// The server ends: what isn't stored is to be, and nothing more is taken on.
    Suspend,
}

/// A socket that attaches.
#[derive(Clone, Copy)]
pub struct Join<'a> {
    /// The number that the client gave the session on that socket.
    pub session: u32,
    /// What the client holds.
    pub mode: JoinMode,
    /// The version that its document is at.
    pub applied: u64,
    /// The last event that it knows to be handled.
    pub settled: u64,
    /// What it has to show the next time.
    pub token: &'a str,
    /// No other socket has joined since the one that this client had.
    pub is_latest: bool,
}

impl fmt::Debug for Join<'_> {
    /// Without the token, which opens the session.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { session, mode, applied, settled, token: _, is_latest } = self;
        f.debug_struct("Join")
            .field("session", session)
            .field("mode", mode)
            .field("applied", applied)
            .field("settled", settled)
            .field("is_latest", is_latest)
            .finish_non_exhaustive()
    }
}

/// What a session gives.
#[derive(Debug)]
#[non_exhaustive]
pub enum Output<E> {
    /// A frame for the attached socket.
    Transmit(Transmission),
    /// What the component asked for.
    Effect(E),
    /// The session is to be stored; answered by [`Input::Persisted`], however long that takes.
    Persist(Checkpoint),
    /// The socket is to be told this and let go; the session waits for another.
    Drop(CloseReason),
    /// The session has ended.
    Close(CloseReason),
}

/// A frame, and the templates that the page must know before it.
#[derive(Debug, Clone)]
pub struct Transmission {
    /// The frame's bytes.
    pub frame: Vec<u8>,
    /// The templates.
    pub templates: Vec<TemplateUse>,
}

/// A component's state as bytes.
type State = Arc<[u8]>;

/// What a tree was rendered from, when that can be stored.
#[derive(Debug, Clone)]
struct Origin {
    state: State,
    /// Of the tree as it was rendered: computed when it is first needed, which for most trees is never.
    digest: Option<u64>,
}

impl Origin {
    /// Before the tree is stored, or is written to.
    fn settle(&mut self, digest: impl FnOnce() -> u64) -> u64 {
        *self.digest.get_or_insert_with(digest)
    }
}

/// A tree of an older version that the client may still show.
struct Seen<M> {
    version: u64,
    tree: Fragment<M>,
    origin: Option<Origin>,
    /// What handlers of streams' rows were then and are not in the version behind it.
    past: Vec<Past<M>>,
    /// The id of the first instance that was not there yet.
    next_id: InstanceId,
}

/// What a session has made and may not let out yet, while a store is silent: tasks, mostly. An honest client
/// has no more than [`limits::EVENTS_UNACKED_MAX`] events under way.
const OUTPUTS_WAITING_MAX: usize = 16 * limits::EVENTS_UNACKED_MAX;

/// The server half of a session.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own, and any of them go together")]
pub struct Session<C: Component> {
    component: C,
    policy: Policy,
    phase: Phase,
    now: Timestamp,
    /// The component's state as bytes, if it can be saved.
    state: Option<State>,
    newest: Newest<C::Message>,
    /// What `newest` was rendered from.
    origin: Option<Origin>,
    version: u64,
    /// The component may look different from `newest`.
    is_dirty: bool,
    /// `render` has once given something else for the same state.
    is_impure: bool,
    /// When it was last given something to do.
    busy_at: Option<Timestamp>,
    next_id: InstanceId,
    /// Rows of streams are shown that are no longer in `tree`.
    has_let_go: bool,
    /// Oldest first.
    seen: VecDeque<Seen<C::Message>>,
    window: Window,
    version_acked: u64,
    seq_handled: u64,
    /// Events that no render has shown yet.
    unrendered: Vec<u64>,
    /// The latest events that had no effect: a client that hasn't heard so by then is told when it joins.
    refused: VecDeque<(u64, RefusalReason)>,
    /// Those of them that the attached client is to be told.
    refusals: Vec<(u64, RefusalReason)>,
    /// What events have told of fields since `newest` was rendered: it holds that, and no state does.
    notes: Notes,
    /// Read from a checkpoint, which may be older than what the client has seen.
    is_restored: bool,
    /// Whatever the client holds, it is not `newest`.
    is_document_lost: bool,
    saving: Saving,
    step: Step,
    restarts: Restarts,
    /// Made since the last checkpoint.
    made: VecDeque<Output<C::Effect>>,
    /// Waits until the checkpoint under way is stored.
    held: VecDeque<Output<C::Effect>>,
    /// To be polled.
    released: VecDeque<Output<C::Effect>>,
    /// The server ends.
    is_suspended: bool,
}

/// What is not stored yet.
#[derive(Debug, Default)]
struct Saving {
    generation: u64,
    /// A checkpoint that is being stored.
    in_flight: Option<u64>,
    is_due: bool,
    unsaved_events: u32,
    unsaved_since: Option<Timestamp>,
    /// Until this one is stored, the client is told nothing: what an earlier one holds was undone, or it isn't
    /// known yet whether the session is still this server's.
    telling_from: Option<u64>,
}

impl<C: Component> fmt::Debug for Session<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("version", &self.version)
            .field("version_acked", &self.version_acked)
            .field("seq_handled", &self.seq_handled)
            .field("phase", &self.phase)
            .finish_non_exhaustive()
    }
}

impl<C: Component> Session<C> {
    /// A session that no socket is attached to; it renders its first version.
    pub fn new(component: C) -> Self {
        Self::with_policy(component, Policy::default())
    }

    /// A session with another policy than [`Policy::Resume`].
    pub fn with_policy(component: C, policy: Policy) -> Self {
        let mut session = Self::over(component, policy, Phase::Mounted(Created::new().mount()));
        // Ids are given here, so that they are the same however often the page is adopted.
        let mut numbering = Numbering::new(session.next_id);
        write_skeleton(session.newest.tree_mut(), &mut numbering, &mut Writer::new());
        session.next_id = numbering.next_id;
        streams::show(session.newest.tree_mut());
        session
    }

    /// Around a component, whose tree has no ids yet.
    ///
    /// Whose state can't be saved has nothing to store.
    fn over(component: C, policy: Policy, phase: Phase) -> Self {
        let state = saved(&component, policy);
        let policy = if policy.is_stored() && state.is_none() { Policy::Resume } else { policy };
        let tree = streams::render_whole(|| component.render()).into_root();
        Self {
            component,
            policy,
            phase,
            now: Timestamp(0),
            origin: origin(state.as_ref()),
            newest: Newest::Tree(tree),
            state,
            version: 0,
            is_dirty: false,
            is_impure: false,
            busy_at: None,
            next_id: 1,
            has_let_go: false,
            seen: VecDeque::new(),
            window: Window::default(),
            version_acked: 0,
            seq_handled: 0,
            unrendered: Vec::new(),
            refused: VecDeque::new(),
            refusals: Vec::new(),
            notes: Notes::default(),
            is_restored: false,
            is_document_lost: false,
            saving: Saving::default(),
            step: Step::Idle,
            restarts: Restarts::default(),
            made: VecDeque::new(),
            held: VecDeque::new(),
            released: VecDeque::new(),
            is_suspended: false,
        }
    }

    /// The newest version that was rendered, as HTML: before the first patch, the first page.
    ///
    /// With streams of which rows are no longer here, what the component looks like now.
    pub fn page_html(&self) -> String {
        let html = |tree: &Fragment<C::Message>| {
            if let Some(html) = streams::glance(tree, || self.component.render()) {
                return html.to_html();
            }
            let mut out = String::new();
            write_fragment(tree, &mut out);
            out
        };
        match &self.newest {
            Newest::Tree(tree) => html(tree),
            Newest::Asleep(_) => html(self.component.render().root()),
        }
    }

    /// The component.
    pub fn component(&self) -> &C {
        &self.component
    }

    /// The component, and nothing else of the session.
    pub fn into_component(self) -> C {
        self.component
    }

    /// The component's state as bytes, if its policy is to be stored.
    pub fn state(&self) -> Option<&[u8]> {
        self.state.as_deref()
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
        self.forget_undone();
        self.busy_at = Some(self.now);
        self.state = Some(State::from(state));
        self.is_dirty = true;
        self.note_change();
        Ok(())
    }

    /// The newest version that was rendered.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// The last event that was handled or refused.
    pub fn seq_handled(&self) -> u64 {
        self.seq_handled
    }

    /// The newest version that the client has acknowledged.
    pub fn version_acked(&self) -> u64 {
        self.version_acked
    }

    /// Patches, and bytes of them, that are kept until they are acknowledged.
    pub fn unacked(&self) -> (usize, usize) {
        (self.window.len(), self.window.byte_count())
    }

    /// Whether a socket holds it.
    pub fn is_attached(&self) -> bool {
        self.phase.attached().is_some()
    }

    /// Whether it has ended.
    pub fn is_closed(&self) -> bool {
        self.phase.is_closed()
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
            self.busy_at = Some(self.now);
        }
        match input {
            Input::Join(join) => self.join(&join),
            Input::Frame(frame) if self.is_attached() && !self.is_suspended => self.frame(frame),
            // Of a socket that is gone, or too late: the client sends it again.
            Input::Frame(_) => {}
            Input::Message(message) => {
                if self.update(message, None) {
                    self.note_change();
                } else {
                    self.tell_refusal(0, RefusalReason::Failed);
                }
            }
            Input::Detach => self.detach(),
            Input::Timeout => self.time_out(),
            Input::Hibernate => self.hibernate(),
            Input::Persisted { generation } => {
                if self.saving.in_flight == Some(generation) {
                    self.saving.in_flight = None;
                    self.saving.telling_from.take_if(|from| *from <= generation);
                    self.released.append(&mut self.held);
                }
            }
            Input::Suspend => {
                self.is_suspended = true;
                self.saving.is_due |= self.policy.is_stored();
            }
        }
    }

    fn frame(&mut self, frame: ClientFrame<'_>) {
        match frame {
            ClientFrame::Event { ack, seq, behind, instance, slot, payload } => {
                self.event(ack, seq, behind, place::Place { instance, slot }, &payload);
                // Only now: an event may have been made on the version before the one it acknowledges.
                self.acknowledge(ack);
                // Last: what is forgotten may panic when it is dropped, and the event is then handled.
                self.forget_before(ack.saturating_sub(behind));
            }
            ClientFrame::Ack { ack, behind } => {
                let Some(oldest) = ack.checked_sub(behind) else { return self.close(CloseReason::BadAck) };
                self.acknowledge(ack);
                self.forget_before(oldest);
            }
            ClientFrame::Resync { ack } => {
                self.acknowledge(ack);
                if let Some(attached) = self.phase.attached_mut() {
                    attached.needs_snapshot = true;
                }
            }
            ClientFrame::Leave {} => self.close(CloseReason::Left),
            _ => self.close(CloseReason::UnknownKind),
        }
    }

    /// When [`Input::Timeout`] is due.
    pub fn next_timeout(&self) -> Option<Timestamp> {
        if self.is_closed() {
            None
        } else {
            [self.save_at(), self.ack_at(), self.hibernate_at()].into_iter().flatten().min()
        }
    }

    /// When what has changed is stored even if little has.
    fn save_at(&self) -> Option<Timestamp> {
        let Policy::Rehydrate(cadence) = self.policy else { return None };
        self.saving.unsaved_since.filter(|_| !self.saving.is_due).map(|since| since.after_ms(cadence.ms))
    }

    /// When the client must have acknowledged the oldest patch.
    fn ack_at(&self) -> Option<Timestamp> {
        let oldest = self.window.oldest().filter(|_| self.is_attached())?;
        Some(oldest.at.after_ms(limits::ACK_MS_MAX))
    }

    fn time_out(&mut self) {
        if self.save_at().is_some_and(|at| at <= self.now) {
            self.saving.is_due = true;
        }
        if self.ack_at().is_some_and(|at| at <= self.now) {
            self.detach();
            self.released.push_back(Output::Drop(CloseReason::Unacknowledged));
        }
        if self.hibernate_at().is_some_and(|at| at <= self.now) {
            self.hibernate();
        }
    }

    /// The next output; call until `None` after every input.
    ///
    /// When the component's own code panics in here, [`Session::recover`] goes on.
    pub fn poll_output(&mut self) -> Option<Output<C::Effect>> {
        if let Some(output) = self.released.pop_front() {
            return Some(output);
        }
        let is_saving = self.saving.in_flight.is_some();
        let is_telling_late = self.policy == Policy::Durable || self.saving.telling_from.is_some();
        if self.is_closed() || (is_saving && is_telling_late) {
            return None;
        }
        let made_before = self.made.len();
        self.render();
        self.acknowledge_events();
        self.send_refusals(made_before);
        if !is_saving && core::mem::take(&mut self.saving.is_due) {
            self.saving.generation += 1;
            self.saving.in_flight = Some(self.saving.generation);
            self.saving.unsaved_events = 0;
            self.saving.unsaved_since = None;
            let waiting = if is_telling_late { &mut self.held } else { &mut self.released };
            waiting.append(&mut self.made);
            return Some(Output::Persist(self.checkpoint()));
        }
        if self.is_suspended && !is_saving && self.made.is_empty() {
            self.close(CloseReason::ShuttingDown);
        }
        if self.released.is_empty() {
            core::mem::swap(&mut self.released, &mut self.made);
        }
        self.released.append(&mut self.made);
        self.released.pop_front()
    }

    fn close(&mut self, reason: CloseReason) {
        if self.phase.close(reason) {
            self.made.clear();
            self.held.clear();
            self.released.push_back(Output::Close(reason));
        }
    }

    /// Something that is worth storing has changed.
    fn note_change(&mut self) {
        match self.policy {
            Policy::Remount | Policy::Resume => {}
            Policy::Rehydrate(cadence) => {
                self.saving.unsaved_since.get_or_insert(self.now);
                self.saving.unsaved_events = self.saving.unsaved_events.saturating_add(1);
                // What comes while it is stored for the last time has no other chance.
                self.saving.is_due |= self.is_suspended || self.saving.unsaved_events >= cadence.events;
            }
            Policy::Durable => self.saving.is_due = true,
        }
    }

    /// Has the component take a message. Nothing is noted before it has.
    ///
    /// False when what came of it can't be saved: the component is back in the state of before then, or
    /// the session has ended.
    fn update(&mut self, message: C::Message, seq: Option<u64>) -> bool {
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
        self.made.extend(effects.into_iter().map(Output::Effect));
        if self.made.len() + self.refusals.len() > OUTPUTS_WAITING_MAX {
            self.close(CloseReason::ComponentFailed);
        }
        true
    }

    /// The component has another state, of which streams and memos know nothing.
    fn forget_undone(&mut self) {
        self.newest.lose_streams();
        self.newest.forget_memos();
        self.seen.iter().for_each(|seen| memo::forget(&seen.tree));
    }

    /// What was meant for the socket that is gone reaches nobody: the client asks again.
    fn forget_frames(&mut self) {
        for queue in [&mut self.made, &mut self.held, &mut self.released] {
            queue.retain(|output| !matches!(output, Output::Transmit(_)));
        }
    }

    fn detach(&mut self) {
        if !self.phase.park() {
            return;
        }
        self.forget_frames();
        if self.policy == Policy::Remount {
            return self.close(CloseReason::SessionGone);
        }
        self.saving.is_due |= self.saving.unsaved_since.is_some();
    }

    fn join(&mut self, join: &Join<'_>) {
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

    fn ask_snapshot(&mut self) {
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
        write_skeleton(tree, &mut numbering, &mut skeleton);
        let mut patch = Patch::new(numbering);
        let skeleton = Raw::new(skeleton.as_bytes());
        patch.program.push(&Op::Adopt { template: tree.template.fingerprint, skeleton });
        self.window.clear();
        self.push(true, patch);
    }

    /// Every version up to `version` is applied.
    fn acknowledge(&mut self, version: u64) {
        if version > self.version || version < self.version_acked {
            return self.close(CloseReason::BadAck);
        }
        // Whoever acknowledges has the page's HTML, so it is not told of it again.
        self.let_go();
        self.version_acked = version;
        self.window.acknowledge(version);
    }

    /// No event that is yet to come was made on an older version: they are numbered in the order
    /// in which they were made.
    fn forget_before(&mut self, version: u64) {
        while self.seen.pop_front_if(|seen| seen.version < version).is_some() {}
    }

    /// Renders, if there is a reason to and the client keeps up.
    fn render(&mut self) {
        let Some(Attached { needs_snapshot, .. }) = self.phase.attached() else { return };
        if *needs_snapshot {
            return self.snapshot();
        }
        if !self.is_dirty || !self.window.has_room() {
            return;
        }
        // Asleep and dirty it is only after a panic, whose state of before is what the tree was rendered from.
        self.wake(Step::Render);
        if self.is_document_lost {
            return self.snapshot();
        }
        self.let_go();
        let mut html = self.render_component();
        let mut patch = diff(self.newest.tree(), html.root_mut(), self.next_id);
        if patch.numbering.is_misplaced {
            // A stream is shown at another place than before: all rows are needed.
            streams::lose(self.newest.tree());
            streams::lose(html.root());
            memo::forget(html.root());
            html = self.render_component();
            patch = diff(self.newest.tree(), html.root_mut(), self.next_id);
            if patch.numbering.is_misplaced {
                return self.close(CloseReason::ComponentFailed);
            }
        }
        self.is_dirty = false;
        let past = core::mem::take(&mut patch.past);
        let (old, origin) = self.show(html, patch.numbering.has_streams);
        if patch.program.is_empty() {
            if let Some(seen) = self.seen.back_mut() {
                seen.past.extend(past);
            }
            return;
        }
        if let Newest::Tree(mut tree) = old {
            // What is hidden now is shown by nobody, and the newest tree has all else.
            if self.has_let_go {
                streams::forget(&mut tree);
            }
            if self.seen.len() == limits::VERSIONS_SEEN_MAX {
                self.seen.pop_front();
            }
            let next_id = self.next_id;
            push(&mut self.seen, Seen { version: self.version, tree, origin, past, next_id });
            checkpoint::forget_large_states(&mut self.seen);
        }
        self.version += 1;
        self.push(false, patch);
    }

    /// Takes a render for the newest; returns the one before, and what that was rendered from.
    fn show(
        &mut self,
        html: Html<C::Message>,
        has_new_streams: bool,
    ) -> (Newest<C::Message>, Option<Origin>) {
        let mut tree = html.into_root();
        if has_new_streams {
            self.has_let_go |= streams::settle(&mut tree);
        }
        let origin = core::mem::replace(&mut self.origin, origin(self.state.as_ref()));
        (core::mem::replace(&mut self.newest, Newest::Tree(tree)), origin)
    }

    /// Lets go of the rows of streams that the page's HTML holds.
    fn let_go(&mut self) {
        if self.version == 0 && !self.has_let_go {
            self.has_let_go = self.newest.settle_streams();
        }
    }

    fn render_component(&mut self) -> Html<C::Message> {
        self.step = Step::Render;
        let html = self.component.render();
        self.step = Step::Idle;
        self.unrendered.clear();
        self.notes.clear();
        html
    }

    /// Replaces whatever the client holds.
    fn snapshot(&mut self) {
        self.newest.lose_streams();
        // Every instance gets another id: what memos keep would be a second copy.
        self.newest.forget_memos();
        let mut html = self.render_component();
        let mut patch = reset(html.root_mut(), self.next_id);
        if patch.numbering.is_misplaced {
            // One that nobody has shown as far as this session knows.
            streams::lose(html.root());
            memo::forget(html.root());
            html = self.render_component();
            patch = reset(html.root_mut(), self.next_id);
        }
        self.is_dirty = false;
        self.is_document_lost = false;
        self.show(html, patch.numbering.has_streams);
        // Nothing that the client showed before is there any more.
        self.seen.clear();
        self.window.clear();
        self.version += 1;
        if let Some(attached) = self.phase.attached_mut() {
            attached.needs_snapshot = false;
        }
        self.push(true, patch);
    }

    /// Puts a program into the window and sends it.
    fn push(&mut self, is_snapshot: bool, patch: Patch<C::Message>) {
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
    fn acknowledge_events(&mut self) {
        if let Some(attached) = self.phase.attached_mut()
            && core::mem::take(&mut attached.owes_ack)
        {
            let frame = ServerFrame::Ack { ack: self.seq_handled }.encode(attached.link());
            self.transmit(frame, Vec::new());
        }
    }

    fn event(&mut self, ack: u64, seq: u64, behind: u64, place: place::Place, payload: &Payload<'_>) {
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
        let resolved = self.resolve(place, version_seen, payload);
        self.step = Step::Idle;
        match resolved {
            Ok(message) => {
                if !self.update(message, Some(seq)) {
                    return self.refuse(seq, RefusalReason::Failed);
                }
                self.note_fields(place, payload);
                if self.unrendered.len() == limits::EVENTS_UNACKED_MAX {
                    self.unrendered.remove(0);
                }
                self.unrendered.push(seq);
                self.handled(seq);
            }
            Err(place::Unresolved::Refused(reason)) => self.refuse(seq, reason),
            Err(place::Unresolved::Fault(reason)) => self.close(reason),
        }
    }

    /// Notes in the tree, and for the next checkpoint, what an event tells of fields.
    fn note_fields(&mut self, place: place::Place, payload: &Payload<'_>) {
        if !place::tells_fields(self.newest.tree(), place) {
            return;
        }
        if let Some(origin) = &mut self.origin {
            origin.settle(|| self.newest.digest());
        }
        place::note_fields(self.newest.tree_mut(), place, payload);
        self.notes.push(place, payload);
    }

    fn owe_ack(&mut self) {
        if let Some(attached) = self.phase.attached_mut() {
            attached.owes_ack = true;
        }
    }

    /// An event is taken into account, or refused.
    fn handled(&mut self, seq: u64) {
        self.seq_handled = seq;
        self.owe_ack();
        self.note_change();
    }

    fn refuse(&mut self, seq: u64, reason: RefusalReason) {
        self.handled(seq);
        self.tell_refusal(seq, reason);
    }

    /// Tells it now, and again to a client that comes back without having heard it.
    fn tell_refusal(&mut self, seq: u64, reason: RefusalReason) {
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
    fn send_refusals(&mut self, at: usize) {
        let mut refusals = core::mem::take(&mut self.refusals);
        let Some(attached) = self.phase.attached() else { return };
        refusals.sort_by_key(|(seq, _)| *seq);
        for (seq, reason) in refusals.into_iter().rev() {
            // What is no longer there needs no words.
            let message = if reason == RefusalReason::Failed { reason.meaning().trim() } else { "" };
            let frame = ServerFrame::Refused { seq, reason: reason.code(), message }.encode(attached.link());
            let transmission = Transmission { frame, templates: Vec::new() };
            self.made.insert(at.min(self.made.len()), Output::Transmit(transmission));
        }
    }
}

fn origin(state: Option<&State>) -> Option<Origin> {
    state.map(|state| Origin { state: State::clone(state), digest: None })
}

/// Puts one last. Most queues of most sessions never hold more than one, and a queue makes room for four by itself.
fn push<T>(queue: &mut VecDeque<T>, one: T) {
    if queue.capacity() == 0 {
        queue.reserve_exact(1);
    }
    queue.push_back(one);
}

fn saved<C: Component>(component: &C, policy: Policy) -> Option<State> {
    if policy.is_stored() { component.save().map(State::from) } else { None }
}
