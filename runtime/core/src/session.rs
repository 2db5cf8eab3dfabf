//! A session as a machine: inputs in, outputs out, time as an argument.
//!
//! Every [`Session::handle_input`] is followed by [`Session::poll_output`] until `None`.
//! Rendering happens there and nowhere else, at most once, and only while the client
//! keeps up: whatever changed meanwhile becomes one patch. The rules are `specs/session.md`.
//!
//! The way of an event, until its patch is acknowledged:
//!
//! - `exchange`: what the machine takes and gives
//! - `link`: the socket's side: who joins, what is sent, what is acknowledged
//! - `events`: from an event to its effect, or to its refusal
//! - `place`: from the place that an event names to its message
//! - `reach`: whether a person can act on an element
//! - `versions`: what is rendered, compared with the version before, and kept
//! - `window`: patches that are not acknowledged
//!
//! And what keeps the session on it:
//!
//! - [`lifecycle`]: the phases, as types
//! - [`policy`]: what a session promises when its socket or server is lost
//! - [`checkpoint`]: the session as bytes, and back
//! - [`recovery`]: after a panic in the component
//! - [`hibernation`]: an idle session without its tree

pub mod checkpoint;
mod events;
mod exchange;
pub mod hibernation;
pub mod lifecycle;
mod link;
mod place;
pub mod policy;
pub mod recovery;
mod versions;
mod window;

use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use lightspeed_protocol::close::{CloseReason, RefusalReason};
use lightspeed_protocol::frame::ClientFrame;
use lightspeed_protocol::msgpack::Writer;
use lightspeed_protocol::{InstanceId, Timestamp, limits};

use crate::tree::build::{Numbering, write_hydration_layout};
use crate::tree::html::{Fragment, Html};
use crate::tree::nesting::{self, Misplaced};
use crate::tree::render::{write_fragment, write_page};
use crate::tree::streams;
use checkpoint::LoadError;
use hibernation::Newest;
use lifecycle::{Created, Phase};
use place::Notes;
use policy::Policy;
use recovery::{Restarts, Step};
use versions::{Origin, Seen, State, origin};
use window::Window;

pub use exchange::{Input, Join, Output, Transmission, Unfit};

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
    /// Events that didn't fit and that the author was told of.
    unfit_told: u8,
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
    ///
    /// # Panics
    ///
    /// With debug assertions, when a splice brings what a parser would move, drop or close there ([`nesting`]).
    pub fn new(component: C) -> Self {
        Self::with_policy(component, Policy::default())
    }

    /// A session with another policy than [`Policy::Resume`].
    pub fn with_policy(component: C, policy: Policy) -> Self {
        let mut session = Self::over(component, policy, Phase::Mounted(Created::new().mount()));
        // Ids are given here, so that they are the same however often the page is adopted.
        let mut numbering = Numbering::new(session.next_id);
        write_hydration_layout(session.newest.tree_mut(), &mut numbering, &mut Writer::new());
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
        nesting::refuse(&tree);
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
            unfit_told: 0,
        }
    }

    /// The newest version that was rendered, as HTML: before the first patch, the first page.
    ///
    /// With streams of which rows are no longer here, what the component looks like now. Without raw HTML that a browser would
    /// repair or move where it stands: the client puts it in when it adopts the page (`specs/isa.md`, 5.6).
    pub fn page_html(&self) -> String {
        self.html(|root| write_page(root).0)
    }

    /// The newest version that was rendered, as HTML, with all that a client shows then.
    pub fn whole_html(&self) -> String {
        self.html(|root| {
            let mut out = String::new();
            write_fragment(root, &mut out);
            out
        })
    }

    fn html(&self, write: impl Fn(&Fragment<C::Message>) -> String) -> String {
        let html = |tree: &Fragment<C::Message>| {
            streams::glance(tree, || self.component.render())
                .map_or_else(|| write(tree), |html| write(html.root()))
        };
        match &self.newest {
            Newest::Tree(tree) => html(tree),
            Newest::Asleep(_) => html(self.component.render().root()),
        }
    }

    /// The first thing in the newest version that a parser would move, drop or close because of what is around it.
    ///
    /// With debug assertions there is none: rendering it is a panic. A release asks once, for the first page.
    pub fn misplaced(&self) -> Option<Misplaced> {
        match &self.newest {
            Newest::Tree(tree) => nesting::find(tree),
            Newest::Asleep(_) => None,
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

    /// Bytes that are kept because the client may still need them: patches that it hasn't acknowledged, and trees of older
    /// versions that its events may name.
    pub fn waiting_byte_count(&self) -> usize {
        self.window.byte_count() + self.seen.iter().map(|seen| seen.byte_count).sum::<usize>()
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
            Input::Relieve => self.relieve(),
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
        } else {
            self.released.append(&mut self.made);
        }
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
