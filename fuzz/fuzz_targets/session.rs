//! A session with a client that says anything: no panic, every bound holds, versions and
//! acknowledgements only grow, and what is sent makes the document that is rendered.
#![no_main]

use std::collections::BTreeMap;

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use lightspeed_core::sent_templates::SentTemplates;
use lightspeed_core::session::Join;
use lightspeed_core::{Input, Output, Session};
use lightspeed_fuzz::board::{Board, Msg};
use lightspeed_fuzz::wire::{self, Event, Said};
use lightspeed_interpreter::{Document, MemoryDocument, Templates, Tree, interpret};
use lightspeed_protocol::close::CloseReason;
use lightspeed_protocol::frame::{ClientFrame, JoinMode, ServerFrame};
use lightspeed_protocol::msgpack::Payload;
use lightspeed_protocol::{Timestamp, limits};

const STEPS_MAX: usize = 200;

/// A number that a client gives: near the true one, or any.
#[derive(Debug, Clone, Copy, Arbitrary)]
enum Number {
    Near(i8),
    Any(u64),
}

impl Number {
    fn given(self, truth: u64) -> u64 {
        match self {
            Self::Near(by) => truth.saturating_add_signed(i64::from(by)),
            Self::Any(number) => number,
        }
    }
}

#[derive(Debug, Clone, Arbitrary)]
enum Carried {
    None,
    Flag(bool),
    Number(u64),
    Text(String),
}

#[derive(Debug, Clone, Arbitrary)]
enum Step {
    Join {
        session: u8,
        mode: u8,
        applied: Number,
    },
    /// An event as a well-meaning client makes it, at a place that may be there.
    Event {
        instance: u8,
        slot: u8,
        behind: u8,
        carried: Carried,
    },
    /// An event made up.
    Forged {
        ack: Number,
        seq: Number,
        behind: Number,
        instance: Number,
        slot: u32,
        carried: Carried,
    },
    /// Acknowledges what was sent last.
    AckAll,
    Ack(Number),
    Resync(Number),
    Leave,
    Misplaced(u8),
    Message(Msg),
    Detach,
    Time(u16),
}

/// A session, what it has said, and what may be said of it.
struct Peer {
    session: Session<Board>,
    now: Timestamp,
    closed: Option<CloseReason>,
    /// The last event that is handled.
    seq_handled: u64,
    version_acked: u64,
    /// The newest version that was sent.
    version_sent: u64,
    /// Versions that were sent and not acknowledged, with the bytes of their programs.
    unacked: BTreeMap<u64, usize>,
    is_attached: bool,
    follower: Follower,
}

impl Peer {
    fn new() -> Self {
        let session = Session::new(Board::default());
        Self {
            follower: Follower::new(&session.page_html()),
            session,
            now: Timestamp(0),
            closed: None,
            seq_handled: 0,
            version_acked: 0,
            version_sent: 0,
            unacked: BTreeMap::new(),
            is_attached: false,
        }
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Join { session, mode, applied } => {
                let mode = JoinMode::from_code(u32::from(mode % 3)).expect("there are three");
                let applied = applied.given(self.version_sent);
                self.is_attached = true;
                self.input(wire::join(1 + u32::from(session), mode, applied));
                // One that has seen less than another tab of its page gets the whole document.
                if mode == JoinMode::Resume && applied >= self.version_acked {
                    self.acknowledged(applied);
                }
            }
            Step::Event { instance, slot, behind, carried } => {
                let (ack, behind) = (self.version_sent, u64::from(behind % 4));
                let (instance, slot) = (u32::from(instance), u32::from(slot % 16));
                self.event(ack, self.seq_handled + 1, behind, instance, slot, &carried);
            }
            Step::Forged { ack, seq, behind, instance, slot, carried } => {
                let (ack, seq) = (ack.given(self.version_sent), seq.given(self.seq_handled));
                let instance = u32::try_from(instance.given(1)).unwrap_or(u32::MAX);
                self.event(ack, seq, behind.given(0), instance, slot, &carried);
            }
            Step::AckAll => self.ack(self.version_sent),
            Step::Ack(number) => self.ack(number.given(self.version_sent)),
            Step::Resync(number) => {
                let ack = number.given(self.version_sent);
                self.input(Input::Frame(ClientFrame::Resync { ack }));
                self.acknowledged(ack);
            }
            Step::Leave => self.input(Input::Frame(ClientFrame::Leave {})),
            Step::Misplaced(which) => self.input(Input::Frame(wire::misplaced(which))),
            Step::Message(message) => self.input(Input::Message(message)),
            Step::Detach => {
                self.is_attached = false;
                self.input(Input::Detach);
            }
            Step::Time(milliseconds) => {
                self.now = self.now.after_ms(u64::from(milliseconds));
                // Now, so that it isn't what is waited for; and nobody notices.
                self.input(Input::Hibernate);
                let is_due = self.session.next_timeout().is_some_and(|at| at <= self.now);
                let was_attached = self.is_attached && self.closed.is_none();
                self.input(Input::Timeout);
                let is_dropped = was_attached && !self.is_attached;
                assert_eq!(is_dropped, is_due, "who owes an acknowledgement is let go of when it was said");
            }
        }
    }

    fn ack(&mut self, ack: u64) {
        self.input(Input::Frame(ClientFrame::Ack { ack, behind: 0 }));
        self.acknowledged(ack);
    }

    /// Notes an acknowledgement that the session has not refused.
    fn acknowledged(&mut self, ack: u64) {
        // What comes without a socket is not looked at.
        if self.closed.is_none() && self.is_attached {
            assert!(ack <= self.session.version() && ack >= self.version_acked, "{ack} is a lie");
            self.version_acked = ack;
        }
    }

    fn event(&mut self, ack: u64, seq: u64, behind: u64, instance: u32, slot: u32, carried: &Carried) {
        let payload = match carried {
            Carried::None => Payload::None,
            Carried::Flag(on) => Payload::Flag(*on),
            Carried::Number(number) => Payload::Number(*number),
            Carried::Text(text) => Payload::Text(text),
        };
        let (taken, handled) = (self.session.component().taken, self.seq_handled);
        let was_open = self.closed.is_none();
        // Known before the outputs are: they carry it.
        if self.is_attached && seq == handled + 1 {
            self.seq_handled = seq;
        }
        self.input(Input::Frame(Event { ack, seq, behind, instance, slot, payload }.frame()));
        let is_new = self.session.component().taken - taken;
        assert!(
            is_new == 0 || (was_open && self.is_attached && is_new == 1 && seq == handled + 1),
            "event {seq} after {handled}"
        );
        if self.closed.is_none() && self.is_attached {
            assert!(seq <= handled + 1, "a gap is taken: {seq} after {handled}");
        }
        self.acknowledged(ack);
    }

    fn input(&mut self, input: Input<'_, Msg>) {
        let (was_closed, version) = (self.closed.is_some(), self.session.version());
        let acked = match &input {
            Input::Frame(
                ClientFrame::Ack { ack, .. } | ClientFrame::Resync { ack } | ClientFrame::Event { ack, .. },
            ) if self.is_attached => *ack,
            Input::Join(Join { mode: JoinMode::Resume, applied, .. }) => *applied,
            _ => 0,
        };
        self.session.handle_input(self.now, input);
        if acked <= version {
            self.unacked = self.unacked.split_off(&acked.saturating_add(1));
        }
        while let Some(output) = self.session.poll_output() {
            assert!(!was_closed, "a session that has ended is silent");
            assert!(self.closed.is_none(), "nothing comes behind the end");
            match output {
                Output::Transmit(transmission) => {
                    assert!(self.is_attached, "nobody is there to hear it");
                    self.follower.announce(&transmission.templates);
                    self.said(&transmission.frame);
                }
                Output::Close(reason) => self.closed = Some(reason),
                Output::Drop(_) => self.is_attached = false,
                _ => {}
            }
        }
        assert!(self.session.version() >= version, "versions only grow");
        let has_entered = self.session.component().has_entered;
        if self.closed.is_none()
            && self.is_attached
            && self.follower.version == Some(self.session.version())
            && !has_entered
        {
            self.follower.compare(&self.session.whole_html());
        }
    }

    fn said(&mut self, bytes: &[u8]) {
        assert!(bytes.len() <= limits::OUTBOUND_FRAME_BYTES_MAX);
        let (_, frame) = ServerFrame::decode(bytes).expect("a server sends frames");
        match Said::new(&frame) {
            Said::Joined { ack } | Said::Ack { ack } => assert_eq!(ack, self.seq_handled),
            Said::Version { ack, version, is_snapshot, program } => {
                assert_eq!(ack, self.seq_handled);
                if is_snapshot {
                    self.unacked.clear();
                }
                assert!(version <= self.version_sent + 1, "a gap: {version} after {}", self.version_sent);
                self.version_sent = self.version_sent.max(version);
                assert!(self.version_sent <= self.session.version(), "a version that there is none of");
                self.unacked.insert(version, program.bytes.len());
                assert!(self.unacked.len() <= limits::PATCHES_UNACKED_MAX, "{:?}", self.unacked);
                let byte_count: usize = self.unacked.values().sum();
                assert!(byte_count <= limits::PATCHES_UNACKED_BYTES_MAX + limits::OUTBOUND_FRAME_BYTES_MAX);
                self.follower.follow(version, is_snapshot, program);
            }
            Said::Refused { seq } => assert!(seq <= self.seq_handled),
            Said::Other => panic!("a session doesn't say {frame}"),
        }
    }
}

/// A page that applies whatever comes.
struct Follower {
    sent_templates: SentTemplates,
    templates: Templates,
    tree: Tree,
    document: MemoryDocument,
    version: Option<u64>,
}

impl Follower {
    fn new(html: &str) -> Self {
        Self {
            sent_templates: SentTemplates::default(),
            templates: Templates::new(),
            tree: Tree::new(),
            document: MemoryDocument::from_html(html),
            version: None,
        }
    }

    fn announce(&mut self, uses: &[lightspeed_core::sent_templates::TemplateUse]) {
        for frame in self.sent_templates.announce(uses) {
            let Ok((0, ServerFrame::Template { fingerprint, namespace, roots, check, html, slots })) =
                ServerFrame::decode(&frame)
            else {
                panic!("a sent_templates announces templates")
            };
            let shape = self.templates.define(fingerprint, namespace, roots, check, html, slots);
            self.document.define(fingerprint, shape.expect("a server's templates are well-formed"));
        }
    }

    fn follow(&mut self, version: u64, is_snapshot: bool, program: lightspeed_protocol::msgpack::Raw<'_>) {
        let is_next = match self.version {
            None => is_snapshot,
            // The page's HTML is adopted once; the first version has no other snapshot.
            Some(at) => version == at + 1 || (is_snapshot && version > at),
        };
        if is_next {
            let result = interpret(program, 1, 0, 1, &self.templates, &mut self.tree, &mut self.document);
            assert_eq!(result, Ok(()), "what a server sends is valid");
            self.version = Some(version);
        }
    }

    fn compare(&self, html: &str) {
        assert_eq!(
            self.document.to_html(),
            MemoryDocument::canonical(html),
            "the client's document is the render"
        );
    }
}

fuzz_target!(|steps: Vec<Step>| {
    let mut peer = Peer::new();
    for step in steps.into_iter().take(STEPS_MAX) {
        peer.step(step);
    }
});
