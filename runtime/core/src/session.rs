//! A session as a machine: inputs in, outputs out, time as an argument.
//!
//! Every [`Session::handle_input`] is followed by [`Session::poll_output`] until `None`.
//! Rendering happens there and nowhere else, at most once, and only while the client
//! keeps up: whatever changed meanwhile becomes one patch. The rules are `specs/session.md`.

mod place;

use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use lightspeed_protocol::close::{CloseReason, RefusalReason};
use lightspeed_protocol::frame::{ClientFrame, JoinMode, ServerFrame};
use lightspeed_protocol::isa::{Op, ProgramWriter};
use lightspeed_protocol::msgpack::{Payload, Raw, Writer};
use lightspeed_protocol::{InstanceId, SlotIndex, Timestamp, limits};

use crate::build::{Numbering, write_skeleton};
use crate::diff::{Patch, diff, reset};
use crate::html::{Fragment, Html};
use crate::ledger::TemplateUse;
use crate::render::write_fragment;

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
}

/// What a session takes.
#[derive(Debug)]
pub enum Input<'a, M> {
    /// A socket attaches.
    Join {
        /// The number that the client gave the session on that socket.
        session: u32,
        /// What the client holds.
        mode: JoinMode,
        /// The version that its document is at, when it resumes.
        applied: u64,
    },
    /// A frame of the attached client.
    Frame(ClientFrame<'a>),
    /// A message from the component's own tasks.
    Message(M),
    /// The socket is gone.
    Detach,
    /// [`Session::next_timeout`] is due.
    Timeout,
}

/// What a session gives.
#[derive(Debug)]
#[non_exhaustive]
pub enum Output<E> {
    /// A frame for the attached socket.
    Transmit(Transmission),
    /// What the component asked for.
    Effect(E),
    /// The session has ended.
    Close(CloseReason),
}

/// A frame, and the templates that the page must know before it.
#[derive(Debug)]
pub struct Transmission {
    /// The frame's bytes.
    pub frame: Vec<u8>,
    /// The templates.
    pub templates: Vec<TemplateUse>,
}

/// How long a session that nobody is attached to is kept.
#[derive(Debug, Clone, Copy)]
pub struct Expiry {
    /// Before the first socket, in milliseconds.
    pub unattached_ms: u64,
    /// After a socket is lost, in milliseconds.
    pub parked_ms: u64,
}

/// The server half of a session.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own; none excludes another")]
pub struct Session<C: Component> {
    component: C,
    /// What the newest version looks like.
    tree: Fragment<C::Message>,
    version: u64,
    /// The component may look different from `tree`.
    is_dirty: bool,
    next_id: InstanceId,
    /// Trees of older versions that the client may still show, oldest first.
    seen: VecDeque<(u64, Fragment<C::Message>)>,
    /// Patches that are not acknowledged, oldest first.
    window: VecDeque<Sent>,
    window_bytes: usize,
    /// The number of the session on the attached socket.
    link: Option<u32>,
    /// The client has asked for the whole document.
    needs_snapshot: bool,
    version_acked: u64,
    seq_handled: u64,
    /// An acknowledgement is owed and no patch has carried it.
    owes_ack: bool,
    is_closed: bool,
    expiry: Option<Expiry>,
    expires_at: Option<Timestamp>,
    outputs: VecDeque<Output<C::Effect>>,
}

struct Sent {
    version: u64,
    /// The program begins with `adopt` or `reset`.
    is_snapshot: bool,
    program: Vec<u8>,
    templates: Vec<TemplateUse>,
}

impl<C: Component> fmt::Debug for Session<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("version", &self.version)
            .field("version_acked", &self.version_acked)
            .field("seq_handled", &self.seq_handled)
            .field("link", &self.link)
            .finish_non_exhaustive()
    }
}

impl<C: Component> Session<C> {
    /// A session that no socket is attached to; it renders its first version.
    pub fn new(component: C) -> Self {
        let mut session = Self {
            tree: component.render().into_root(),
            component,
            version: 0,
            is_dirty: false,
            next_id: 1,
            seen: VecDeque::new(),
            window: VecDeque::new(),
            window_bytes: 0,
            link: None,
            needs_snapshot: false,
            version_acked: 0,
            seq_handled: 0,
            owes_ack: false,
            is_closed: false,
            expiry: None,
            expires_at: None,
            outputs: VecDeque::new(),
        };
        // Ids are given here, so that they are the same however often the page is adopted.
        let mut numbering = Numbering::new(session.next_id);
        write_skeleton(&mut session.tree, &mut numbering, &mut Writer::new());
        session.next_id = numbering.next_id;
        session
    }

    /// Ends by itself when nobody is attached for so long.
    pub fn with_expiry(mut self, now: Timestamp, expiry: Expiry) -> Self {
        self.expires_at = Some(now.after_ms(expiry.unattached_ms));
        self.expiry = Some(expiry);
        self
    }

    /// The newest version that was rendered, as HTML: before the first patch, the first page.
    pub fn page_html(&self) -> String {
        let mut out = String::new();
        write_fragment(&self.tree, &mut out);
        out
    }

    /// The component.
    pub fn component(&self) -> &C {
        &self.component
    }

    /// The newest version that was rendered.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Takes an input. A fault of the peer becomes an [`Output::Close`].
    pub fn handle_input(&mut self, now: Timestamp, input: Input<'_, C::Message>) {
        if self.is_closed {
            return;
        }
        match input {
            Input::Join { session, mode, applied } => self.join(session, mode, applied),
            Input::Frame(ClientFrame::Event { ack, seq, behind, instance, slot, payload }) => {
                self.event(ack, seq, behind, instance, slot, payload);
                // Only now: an event may have been made on the version before the one it acknowledges.
                self.acknowledge(ack);
            }
            Input::Frame(ClientFrame::Ack { ack }) => self.acknowledge(ack),
            Input::Frame(ClientFrame::Resync { ack }) => {
                self.acknowledge(ack);
                self.needs_snapshot = true;
            }
            Input::Frame(ClientFrame::Leave {}) => self.close(CloseReason::Left),
            Input::Frame(_) => self.close(CloseReason::UnknownKind),
            Input::Message(message) => self.update(message),
            Input::Detach => {
                self.link = None;
                self.needs_snapshot = false;
                self.expires_at = self.expiry.map(|expiry| now.after_ms(expiry.parked_ms));
            }
            Input::Timeout => {
                if self.expires_at.is_some_and(|at| at <= now) {
                    self.close(CloseReason::SessionGone);
                }
            }
        }
    }

    /// When [`Input::Timeout`] is due.
    pub fn next_timeout(&self) -> Option<Timestamp> {
        if self.is_closed { None } else { self.expires_at }
    }

    /// The next output; call until `None` after every input.
    pub fn poll_output(&mut self) -> Option<Output<C::Effect>> {
        if let Some(output) = self.outputs.pop_front() {
            return Some(output);
        }
        if self.is_closed {
            return None;
        }
        let session = self.link?;
        self.render(session);
        if core::mem::take(&mut self.owes_ack) {
            let frame = ServerFrame::Ack { ack: self.seq_handled }.encode(session);
            self.outputs.push_back(Output::Transmit(Transmission { frame, templates: Vec::new() }));
        }
        self.outputs.pop_front()
    }

    fn close(&mut self, reason: CloseReason) {
        if !core::mem::replace(&mut self.is_closed, true) {
            self.outputs.push_back(Output::Close(reason));
        }
    }

    fn update(&mut self, message: C::Message) {
        let mut effects = Vec::new();
        self.component.update(message, &mut effects);
        self.is_dirty = true;
        self.outputs.extend(effects.into_iter().map(Output::Effect));
    }

    fn join(&mut self, session: u32, mode: JoinMode, applied: u64) {
        self.link = Some(session);
        self.expires_at = None;
        self.owes_ack = false;
        self.needs_snapshot = false;
        let frame = ServerFrame::Joined { ack: self.seq_handled }.encode(session);
        self.outputs.push_back(Output::Transmit(Transmission { frame, templates: Vec::new() }));
        match mode {
            JoinMode::Adopt if self.version == 0 => self.adopt(session),
            JoinMode::Adopt | JoinMode::Rebuild => self.needs_snapshot = true,
            JoinMode::Resume => {
                self.acknowledge(applied);
                if self.is_closed {
                    return;
                }
                let next = self.window.front().map_or(self.version, |sent| sent.version - 1);
                if next == applied {
                    for index in 0..self.window.len() {
                        self.transmit(session, index);
                    }
                } else {
                    self.needs_snapshot = true;
                }
            }
        }
    }

    /// Tells the client which instances the HTML of its page holds.
    fn adopt(&mut self, session: u32) {
        let mut numbering = Numbering::new(self.tree.id);
        let mut skeleton = Writer::new();
        write_skeleton(&mut self.tree, &mut numbering, &mut skeleton);
        let mut program = ProgramWriter::new();
        let skeleton = Raw::new(skeleton.as_bytes());
        program.push(&Op::Adopt { template: self.tree.template.fingerprint, skeleton });
        self.window.clear();
        self.window_bytes = 0;
        self.push(session, true, Patch { program, numbering });
    }

    /// Every version up to `version` is applied.
    fn acknowledge(&mut self, version: u64) {
        if version > self.version || version < self.version_acked {
            return self.close(CloseReason::BadAck);
        }
        self.version_acked = version;
        while let Some(sent) = self.window.pop_front_if(|sent| sent.version <= version) {
            self.window_bytes -= sent.program.len();
        }
        while self.seen.pop_front_if(|(seen, _)| *seen < version).is_some() {}
    }

    /// Renders, if there is a reason to and the client keeps up.
    fn render(&mut self, session: u32) {
        if self.needs_snapshot {
            return self.snapshot(session);
        }
        let has_room = self.window.len() < limits::PATCHES_UNACKED_MAX
            && self.window_bytes < limits::PATCHES_UNACKED_BYTES_MAX;
        if !self.is_dirty || !has_room {
            return;
        }
        let mut html = self.component.render();
        let patch = diff(&self.tree, html.root_mut(), self.next_id);
        self.is_dirty = false;
        let old = core::mem::replace(&mut self.tree, html.into_root());
        if patch.program.is_empty() {
            return;
        }
        self.seen.push_back((self.version, old));
        self.version += 1;
        self.push(session, false, patch);
    }

    /// Replaces whatever the client holds.
    fn snapshot(&mut self, session: u32) {
        self.needs_snapshot = false;
        let mut html = self.component.render();
        let patch = reset(html.root_mut(), self.next_id);
        self.is_dirty = false;
        self.tree = html.into_root();
        // Nothing that the client showed before is there any more.
        self.seen.clear();
        self.window.clear();
        self.window_bytes = 0;
        self.version += 1;
        self.push(session, true, patch);
    }

    /// Puts a program into the window and sends it.
    fn push(&mut self, session: u32, is_snapshot: bool, patch: Patch) {
        self.next_id = self.next_id.max(patch.numbering.next_id);
        let sent = Sent {
            version: self.version,
            is_snapshot,
            program: patch.program.finish(),
            templates: patch.numbering.uses,
        };
        // A frame's head takes less than 64 bytes.
        if sent.program.len() + 64 > limits::OUTBOUND_FRAME_BYTES_MAX {
            return self.close(CloseReason::PatchTooLarge);
        }
        self.window_bytes += sent.program.len();
        self.window.push_back(sent);
        self.transmit(session, self.window.len() - 1);
    }

    fn transmit(&mut self, session: u32, index: usize) {
        let sent = &self.window[index];
        let (ack, version, program) = (self.seq_handled, sent.version, Raw::new(&sent.program));
        let frame = if sent.is_snapshot {
            ServerFrame::Snapshot { ack, version, program }
        } else {
            ServerFrame::Patch { ack, version, program }
        };
        let transmission = Transmission { frame: frame.encode(session), templates: sent.templates.clone() };
        self.owes_ack = false;
        self.outputs.push_back(Output::Transmit(transmission));
    }

    fn event(
        &mut self,
        ack: u64,
        seq: u64,
        behind: u64,
        instance: InstanceId,
        slot: SlotIndex,
        payload: Payload<'_>,
    ) {
        let Some(version_seen) = ack.checked_sub(behind).filter(|_| ack <= self.version) else {
            return self.close(CloseReason::BadAck);
        };
        if seq <= self.seq_handled {
            // It came before; what got lost is the acknowledgement.
            self.owes_ack = true;
            return;
        }
        if seq != self.seq_handled + 1 {
            return self.close(CloseReason::SequenceGap);
        }
        let place = place::Place { instance, slot };
        match self.resolve(place, version_seen, &payload) {
            Ok(message) => {
                self.seq_handled = seq;
                self.owes_ack = true;
                place::note_fields(&mut self.tree, place, &payload);
                self.update(message);
            }
            Err(place::Unresolved::Refused(reason)) => self.refuse(seq, reason),
            Err(place::Unresolved::Fault(reason)) => self.close(reason),
        }
    }

    fn refuse(&mut self, seq: u64, reason: RefusalReason) {
        self.seq_handled = seq;
        self.owes_ack = true;
        if let Some(session) = self.link {
            let frame = ServerFrame::Refused { seq, reason: reason.code() }.encode(session);
            self.outputs.push_back(Output::Transmit(Transmission { frame, templates: Vec::new() }));
        }
    }
}
