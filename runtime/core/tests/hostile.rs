//! A session against a model of what its peer may observe, with a client that does anything:
//! valid, duplicated, reordered and forged events, acknowledgements that lie, joins of every kind.
//!
//! The model is `specs/session.md` in numbers. It knows no tree and no program; it says which
//! frames an input brings, what they carry, and whether the session ends.
#![allow(missing_docs, clippy::unwrap_used, reason = "a test")]

extern crate lightspeed_core as lightspeed;

use std::collections::{BTreeMap, BTreeSet};

use lightspeed_core::session::{Join, Session};
use lightspeed_core::{Component, Html, Input, Output};
use lightspeed_macros::html;
use lightspeed_protocol::close::{CloseReason, RefusalReason};
use lightspeed_protocol::frame::{ClientFrame, JoinMode, ServerFrame};
use lightspeed_protocol::msgpack::Payload;
use lightspeed_protocol::{Timestamp, limits};
use proptest::prelude::*;
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest, prop_state_machine};

/// Shows a number; a click sets it to one more than what was shown.
#[derive(Debug, Default)]
struct Tally {
    value: u32,
    taken: Vec<u32>,
}

impl Component for Tally {
    type Message = u32;
    type Effect = ();

    fn update(&mut self, value: u32, _: &mut Vec<()>) {
        self.value = value;
        self.taken.push(value);
    }

    fn render(&self) -> Html<u32> {
        html! { button onclick=(self.value.wrapping_add(1)) { (self.value) } }
    }
}

/// The slots of [`Tally`].
const CLICK: u32 = 0;
const TEXT: u32 = 1;

/// What a client names as the place of its event.
#[derive(Debug, Clone, Copy)]
enum Place {
    /// The button that is there.
    Button,
    /// The button that was there before the last snapshot.
    FormerButton,
    /// The text, which takes no events.
    Text,
    /// An instance that was never made.
    Nowhere,
}

#[derive(Debug, Clone)]
enum Transition {
    Join { mode: JoinMode, applied: u64 },
    Event { ack: u64, seq: u64, behind: u64, place: Place },
    Ack(u64),
    Resync(u64),
    Leave,
    Ping,
    Message(u32),
    Detach,
    Hibernate,
}

/// What a peer hears.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Heard {
    Joined { ack: u64 },
    Patch { ack: u64, version: u64 },
    Snapshot { ack: u64, version: u64 },
    Ack { ack: u64 },
    Refused { seq: u64, reason: RefusalReason },
    Close(CloseReason),
}

/// What a peer may know of a session.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
#[derive(Debug, Clone, Default)]
struct Model {
    is_attached: bool,
    is_closed: bool,
    seq_handled: u64,
    /// What came of events up to this one is shown.
    seq_shown: u64,
    /// Something may have changed that no version shows.
    is_dirty: bool,
    /// The socket is to hear of an event that was handled.
    owes_ack: bool,
    version: u64,
    version_acked: u64,
    /// Versions that are sent and not acknowledged; whether each is a snapshot, and the events that it shows.
    window: BTreeMap<u64, (bool, u64)>,
    /// What each version that still counts shows.
    shown: BTreeMap<u64, u32>,
    value: u32,
    /// Every message that the component was given.
    taken: Vec<u32>,
    /// Events that had no effect.
    refused: Vec<(u64, RefusalReason)>,
    /// How often the whole document was replaced: each time by a new root.
    resets: u32,
    /// What the last transition brought.
    heard: Vec<Heard>,
}

/// Why a frame is not followed by a render.
struct Ended;

impl Model {
    fn new() -> Self {
        Self { shown: BTreeMap::from([(0, 0)]), ..Self::default() }
    }

    fn close(&mut self, reason: CloseReason) -> Result<(), Ended> {
        self.is_closed = true;
        // What was about to be said is not.
        self.heard.clear();
        self.heard.push(Heard::Close(reason));
        Err(Ended)
    }

    /// 3.1, 3.2
    fn acknowledge(&mut self, version: u64) -> Result<(), Ended> {
        if version > self.version || version < self.version_acked {
            return self.close(CloseReason::BadAck);
        }
        self.version_acked = version;
        self.window.retain(|sent, _| *sent > version);
        Ok(())
    }

    fn send(&mut self, version: u64) {
        let (is_snapshot, ack) = self.window[&version];
        self.heard.push(if is_snapshot {
            Heard::Snapshot { ack, version }
        } else {
            Heard::Patch { ack, version }
        });
    }

    /// 1.2, 4.3, 4.4; whether a snapshot is due.
    fn join(&mut self, mode: JoinMode, applied: u64) -> Result<bool, Ended> {
        self.is_attached = true;
        self.owes_ack = false;
        // 5.7: a client that knows of no event is told of all that had no effect.
        self.heard
            .extend(self.refused.iter().map(|(seq, reason)| Heard::Refused { seq: *seq, reason: *reason }));
        // 3.3: the versions that it lacks tell what they show; it says that it knows of no event.
        let is_current = mode == JoinMode::Resume && applied == self.version;
        self.heard.push(Heard::Joined { ack: if is_current { self.seq_shown } else { 0 } });
        match mode {
            JoinMode::Adopt if self.version == 0 => {
                self.window = BTreeMap::from([(0, (true, self.seq_shown))]);
                self.send(0);
                Ok(false)
            }
            JoinMode::Adopt | JoinMode::Rebuild => Ok(true),
            JoinMode::Resume if applied < self.version_acked => Ok(true),
            JoinMode::Resume => {
                self.acknowledge(applied)?;
                let is_whole = (applied + 1..=self.version).all(|version| self.window.contains_key(&version));
                if is_whole {
                    let versions: Vec<u64> = self.window.keys().copied().collect();
                    for version in versions {
                        self.send(version);
                    }
                }
                Ok(!is_whole)
            }
        }
    }

    /// 5.1 to 5.5
    fn event(&mut self, ack: u64, seq: u64, behind: u64, place: Place) -> Result<(), Ended> {
        if ack > self.version || behind > ack {
            return self.close(CloseReason::BadAck);
        }
        if seq > self.seq_handled + 1 {
            return self.close(CloseReason::SequenceGap);
        }
        if seq == self.seq_handled + 1 {
            let shown = self.shown.get(&(ack - behind)).copied();
            let refusal = match (place, shown) {
                (_, None) => Some(RefusalReason::Stale),
                (Place::Nowhere | Place::Text, _) => return self.close(CloseReason::ForgedPlace),
                (Place::FormerButton, _) if self.resets > 0 => Some(RefusalReason::Gone),
                (_, Some(shown)) => {
                    self.message(shown.wrapping_add(1));
                    None
                }
            };
            self.seq_handled = seq;
            self.heard.extend(refusal.map(|reason| Heard::Refused { seq, reason }));
            self.refused.extend(refusal.map(|reason| (seq, reason)));
            self.refused.drain(..self.refused.len().saturating_sub(limits::EVENTS_UNACKED_MAX));
        }
        self.acknowledge(ack)?;
        self.shown.retain(|shown, _| *shown >= ack.saturating_sub(behind));
        Ok(())
    }

    fn message(&mut self, value: u32) {
        self.value = value;
        self.is_dirty = true;
        self.taken.push(value);
    }

    fn next(&mut self, transition: &Transition) -> Result<(), Ended> {
        let mut is_snapshot_due = false;
        match *transition {
            Transition::Join { mode, applied } => is_snapshot_due = self.join(mode, applied)?,
            Transition::Event { ack, seq, behind, place } => {
                self.event(ack, seq, behind, place)?;
                self.owes_ack = true;
            }
            Transition::Ack(ack) => {
                self.acknowledge(ack)?;
                self.shown.retain(|shown, _| *shown >= ack);
            }
            Transition::Resync(ack) => {
                self.acknowledge(ack)?;
                is_snapshot_due = true;
            }
            Transition::Leave => self.close(CloseReason::Left)?,
            Transition::Ping => self.close(CloseReason::UnknownKind)?,
            Transition::Message(value) => self.message(value),
            Transition::Detach => self.is_attached = false,
            // Nobody notices.
            Transition::Hibernate => {}
        }
        if self.is_attached {
            self.owes_ack &= !self.render(is_snapshot_due);
            // 3.3: an event that nothing shows yet is acknowledged by the version that does.
            if !self.is_dirty {
                self.seq_shown = self.seq_handled;
            }
            if self.owes_ack && !self.is_dirty {
                self.owes_ack = false;
                self.heard.push(Heard::Ack { ack: self.seq_shown });
            }
        }
        Ok(())
    }

    /// 2.3; whether there is a new version, which carries the acknowledgement of events.
    fn render(&mut self, is_snapshot_due: bool) -> bool {
        let differs = self.shown[&self.version] != self.value;
        let has_room = self.window.len() < limits::PATCHES_UNACKED_MAX;
        if is_snapshot_due {
            self.window.clear();
            self.shown.clear();
            self.resets += 1;
        } else if !self.is_dirty || !has_room {
            return false;
        }
        self.is_dirty = false;
        self.seq_shown = self.seq_handled;
        if !is_snapshot_due && !differs {
            return false;
        }
        self.version += 1;
        self.shown.insert(self.version, self.value);
        if self.shown.len() > limits::VERSIONS_SEEN_MAX + 1 {
            self.shown.pop_first();
        }
        self.window.insert(self.version, (is_snapshot_due, self.seq_shown));
        self.send(self.version);
        true
    }
}

/// A number around a true one: mostly true, sometimes a lie.
fn around(low: u64, truth: u64) -> impl Strategy<Value = u64> {
    prop_oneof![
        60 => Just(truth),
        30 => low..=truth,
        1 => Just(truth + 1),
        1 => Just(low.saturating_sub(1)),
        1 => any::<u64>(),
    ]
}

fn place() -> impl Strategy<Value = Place> {
    prop_oneof![
        60 => Just(Place::Button),
        6 => Just(Place::FormerButton),
        1 => Just(Place::Text),
        1 => Just(Place::Nowhere),
    ]
}

struct Peer;

impl ReferenceStateMachine for Peer {
    type State = Model;
    type Transition = Transition;

    fn init_state() -> BoxedStrategy<Model> {
        Just(Model::new()).boxed()
    }

    fn transitions(model: &Model) -> BoxedStrategy<Transition> {
        let ack = || around(model.version_acked, model.version);
        let mode = prop_oneof![Just(JoinMode::Adopt), Just(JoinMode::Resume), Just(JoinMode::Rebuild)];
        let applied = prop_oneof![8 => ack(), 1 => Just(model.version + 1)];
        let join = (mode, applied).prop_map(|(mode, applied)| Transition::Join { mode, applied });
        let message = (0u32..5).prop_map(Transition::Message);
        if !model.is_attached {
            return prop_oneof![3 => join, 1 => message, 1 => Just(Transition::Hibernate)].boxed();
        }
        // The next, the same once more, the ones before; and now and then one too far.
        let seq = prop_oneof![
            40 => Just(model.seq_handled + 1),
            20 => 0..=model.seq_handled,
            1 => Just(model.seq_handled + 2),
            1 => any::<u64>(),
        ];
        let behind = prop_oneof![40 => Just(0u64), 20 => 0u64..4, 1 => any::<u64>()];
        let event = (ack(), seq, behind, place()).prop_map(|(ack, seq, behind, place)| Transition::Event {
            ack,
            seq,
            behind,
            place,
        });
        prop_oneof![
            60 => event,
            40 => message,
            20 => ack().prop_map(Transition::Ack),
            6 => ack().prop_map(Transition::Resync),
            12 => join,
            6 => Just(Transition::Detach),
            40 => Just(Transition::Hibernate),
            1 => Just(Transition::Leave),
            1 => Just(Transition::Ping),
        ]
        .boxed()
    }

    fn apply(mut model: Model, transition: &Transition) -> Model {
        model.heard.clear();
        if !model.is_closed {
            // What ends the session is heard, and nothing behind it.
            let _ = model.next(transition);
        }
        model
    }

    /// 1.4: only what the attached socket says reaches the session.
    fn preconditions(model: &Model, transition: &Transition) -> bool {
        model.is_attached
            || matches!(transition, Transition::Join { .. } | Transition::Message(_) | Transition::Hibernate)
    }
}

struct Hostile {
    session: Session<Tally>,
    /// The root before the last snapshot, and the one that is there.
    roots: [u32; 2],
}

impl Hostile {
    fn hear(&mut self) -> Vec<Heard> {
        let mut heard = Vec::new();
        while let Some(output) = self.session.poll_output() {
            let transmission = match output {
                Output::Transmit(transmission) => transmission,
                Output::Close(reason) => {
                    heard.push(Heard::Close(reason));
                    continue;
                }
                output => panic!("nothing here asks for {output:?}"),
            };
            let (number, frame) = ServerFrame::decode(&transmission.frame).unwrap();
            assert_eq!(number, 1);
            heard.push(match frame {
                ServerFrame::Joined { ack, .. } => Heard::Joined { ack },
                ServerFrame::Patch { ack, version, .. } => Heard::Patch { ack, version },
                ServerFrame::Snapshot { ack, version, .. } => Heard::Snapshot { ack, version },
                ServerFrame::Ack { ack } => Heard::Ack { ack },
                ServerFrame::Refused { seq, reason, .. } => {
                    Heard::Refused { seq, reason: RefusalReason::from_code(reason).unwrap() }
                }
                frame => panic!("a session doesn't say {frame}"),
            });
        }
        heard
    }
}

impl StateMachineTest for Hostile {
    type SystemUnderTest = Self;
    type Reference = Peer;

    fn init_test(_: &Model) -> Self {
        Self { session: Session::new(Tally::default()), roots: [1, 1] }
    }

    fn apply(mut it: Self, model: &Model, transition: Transition) -> Self {
        let before = (it.session.version(), it.session.component().taken.len());
        let input = match transition {
            Transition::Join { mode, applied } => {
                Input::Join(Join { session: 1, mode, applied, settled: 0, token: "", is_latest: true })
            }
            Transition::Event { ack, seq, behind, place } => {
                let (instance, slot) = match place {
                    Place::Button => (it.roots[1], CLICK),
                    Place::FormerButton => (it.roots[0], CLICK),
                    Place::Text => (it.roots[1], TEXT),
                    Place::Nowhere => (it.roots[1] + 1, CLICK),
                };
                let payload = Payload::None;
                Input::Frame(ClientFrame::Event { ack, seq, behind, instance, slot, payload })
            }
            Transition::Ack(ack) => Input::Frame(ClientFrame::Ack { ack, behind: 0 }),
            Transition::Resync(ack) => Input::Frame(ClientFrame::Resync { ack }),
            Transition::Leave => Input::Frame(ClientFrame::Leave {}),
            Transition::Ping => Input::Frame(ClientFrame::Ping {}),
            Transition::Message(value) => Input::Message(value),
            Transition::Detach => Input::Detach,
            Transition::Hibernate => Input::Hibernate,
        };
        it.session.handle_input(Timestamp(0), input);
        assert_eq!(it.hear(), model.heard);
        assert_eq!(it.session.component().taken, model.taken, "each event once, with what was seen");
        assert!((it.session.version(), it.session.component().taken.len()) >= before);
        // Ids are counted: each root is one instance, and none is used twice.
        it.roots = [model.resets.max(1), model.resets + 1];
        it
    }

    fn check_invariants(it: &Self, model: &Model) {
        assert_eq!(it.session.version(), model.version);
        assert!(model.window.len() <= limits::PATCHES_UNACKED_MAX);
        let known: BTreeSet<_> = model.window.keys().collect();
        assert!(known.iter().all(|version| **version <= model.version));
    }
}

prop_state_machine! {
    #![proptest_config(ProptestConfig { cases: 1024, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_peer_observes_what_the_specification_says(sequential 1..60 => Hostile);
}
