//! What is stored, and what may be told before.

use lightspeed_core::session::checkpoint::LoadError;
use lightspeed_core::session::{Join, Session};
use lightspeed_core::{Cadence, Component, Html, Input, Output, Policy};
use lightspeed_macros::html;
use lightspeed_protocol::Timestamp;
use lightspeed_protocol::close::CloseReason;
use lightspeed_protocol::frame::{ClientFrame, JoinMode, ServerFrame};
use lightspeed_protocol::msgpack::Payload;

/// Counts, and takes only states from `oldest` on.
#[derive(Debug)]
struct Strict {
    count: u8,
    oldest: u8,
}

impl Component for Strict {
    type Message = ();
    type Effect = ();

    fn update(&mut self, (): (), _: &mut Vec<()>) {
        self.count += 1;
    }

    fn render(&self) -> Html<()> {
        html! { p { (self.count) } }
    }

    fn save(&self) -> Option<Vec<u8>> {
        Some(vec![self.count])
    }

    fn load(&mut self, state: &[u8]) -> Result<(), LoadError> {
        match *state {
            [count] if count >= self.oldest => {
                self.count = count;
                Ok(())
            }
            _ => Err(LoadError),
        }
    }
}

#[test]
fn an_older_state_that_is_no_longer_understood_costs_the_document_and_not_the_session() {
    let mut session = Session::with_policy(Strict { count: 0, oldest: 0 }, Policy::Durable);
    let mut stored = Vec::new();
    let join = || {
        let (mode, applied) = (JoinMode::Adopt, 0);
        Input::Join(Join { session: 1, mode, applied, settled: 0, token: "", is_latest: true })
    };
    let mut drain = |session: &mut Session<Strict>| {
        let mut frames = Vec::new();
        while let Some(output) = session.poll_output() {
            match output {
                Output::Persist(checkpoint) => {
                    stored = checkpoint.bytes;
                    let generation = checkpoint.generation;
                    session.handle_input(Timestamp(1), Input::Persisted { generation });
                }
                Output::Transmit(transmission) => frames.push(transmission.frame),
                _ => {}
            }
        }
        (frames, stored.clone())
    };
    session.handle_input(Timestamp(1), join());
    drain(&mut session);
    for _ in 0..2 {
        session.handle_input(Timestamp(1), Input::Message(()));
        drain(&mut session);
    }
    let (_, checkpoint) = drain(&mut session);

    let restore = |oldest| Session::restore(Strict { count: 0, oldest }, Policy::Durable, &checkpoint);
    let mut whole = restore(0).unwrap();
    assert_eq!(whole.version(), 2, "everything is understood, so that the page keeps its document");
    let mut newest = restore(2).unwrap();
    assert_eq!(
        (newest.component().count, newest.version()),
        (2, 3),
        "a version of its own: the whole document"
    );
    for session in [&mut whole, &mut newest] {
        let (mode, applied) = (JoinMode::Resume, 2);
        let join = Join { session: 1, mode, applied, settled: 0, token: "", is_latest: true };
        session.handle_input(Timestamp(2), Input::Join(join));
    }
    let kinds = |frames: Vec<Vec<u8>>| -> Vec<_> {
        frames.iter().map(|frame| ServerFrame::decode(frame).unwrap().1.name()).collect()
    };
    assert_eq!(kinds(drain(&mut whole).0), ["joined"]);
    assert_eq!(kinds(drain(&mut newest).0), ["joined", "snapshot"]);
    assert!(restore(3).is_err(), "the newest state is what the session is");
}

/// Counts; can't be rendered at 13.
#[derive(Debug, Default)]
struct Superstitious(u8);

impl Component for Superstitious {
    type Message = ();
    type Effect = ();

    fn update(&mut self, (): (), _: &mut Vec<()>) {
        self.0 += 1;
    }

    fn render(&self) -> Html<()> {
        assert_ne!(self.0, 13, "unlucky");
        html! { button onclick=(()) { (self.0) } }
    }

    fn save(&self) -> Option<Vec<u8>> {
        Some(vec![self.0])
    }

    fn load(&mut self, state: &[u8]) -> Result<(), LoadError> {
        self.0 = *state.first().ok_or(LoadError)?;
        Ok(())
    }
}

#[test]
fn what_a_render_undoes_is_told_when_nothing_stored_holds_it() {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    // Stored with every event.
    let cadence = Cadence { events: 1, ms: 1_000 };
    let mut session = Session::with_policy(Superstitious::default(), Policy::Rehydrate(cadence));
    let drain = |session: &mut Session<Superstitious>, is_storing: bool| {
        let (mut said, mut persisted) = (Vec::new(), None);
        loop {
            match catch_unwind(AssertUnwindSafe(|| session.poll_output())) {
                Ok(Some(Output::Transmit(transmission))) => {
                    let (_, frame) = ServerFrame::decode(&transmission.frame).unwrap();
                    said.push(frame.to_string().split_whitespace().take(2).collect::<Vec<_>>().join(" "));
                }
                Ok(Some(Output::Persist(checkpoint))) => {
                    persisted = Some(checkpoint.generation);
                    if is_storing {
                        let generation = checkpoint.generation;
                        session.handle_input(Timestamp(1), Input::Persisted { generation });
                    }
                }
                Ok(Some(other)) => panic!("{other:?}"),
                Ok(None) => return (said, persisted),
                Err(_) => drop(session.recover()),
            }
        }
    };
    let join = Join { session: 1, mode: JoinMode::Adopt, applied: 0, settled: 0, token: "", is_latest: true };
    session.handle_input(Timestamp(1), Input::Join(join));
    drain(&mut session, true);
    // Nothing is acknowledged, so that the window is full when the state can't be rendered.
    let click = |seq, ack| {
        let payload = Payload::None;
        Input::Frame(ClientFrame::Event { ack, seq, behind: 0, instance: 1, slot: 0, payload })
    };
    for seq in 1..=12 {
        session.handle_input(Timestamp(1), click(seq, 0));
        drain(&mut session, true);
    }
    session.handle_input(Timestamp(1), click(13, 0));
    assert_eq!(drain(&mut session, true).0, [""; 0], "it is stored, and neither rendered nor acknowledged");

    session.handle_input(Timestamp(2), Input::Frame(ClientFrame::Ack { ack: 5, behind: 0 }));
    let (said, persisted) = drain(&mut session, false);
    assert_eq!(said, [""; 0], "a server that is killed now has the thirteenth");
    let generation = persisted.expect("what is stored is to be replaced");
    session.handle_input(Timestamp(3), Input::Persisted { generation });
    let (said, _) = drain(&mut session, true);
    let undone: Vec<_> = said.iter().filter(|said| said.starts_with("refused")).collect();
    assert_eq!(undone, ["refused 11", "refused 12", "refused 13"], "of {said:?}");
}

/// Counts, asks for a task each time, and can't be saved at 3.
#[derive(Debug, Default)]
struct Fickle(u32);

impl Component for Fickle {
    type Message = ();
    type Effect = u32;

    fn update(&mut self, (): (), effects: &mut Vec<u32>) {
        self.0 += 1;
        effects.push(self.0);
    }

    fn render(&self) -> Html<()> {
        html! { button onclick=(()) { (self.0) } }
    }

    fn save(&self) -> Option<Vec<u8>> {
        (self.0 != 3).then(|| self.0.to_be_bytes().into())
    }

    fn load(&mut self, state: &[u8]) -> Result<(), LoadError> {
        self.0 = u32::from_be_bytes(state.try_into().map_err(|_| LoadError)?);
        Ok(())
    }
}

/// What a session of it says and asks for, in words; frames by their first two.
fn outputs(session: &mut Session<Fickle>) -> Vec<String> {
    let word = |output| match output {
        Output::Transmit(transmission) => {
            let (_, frame) = ServerFrame::decode(&transmission.frame).unwrap();
            frame.to_string().split_whitespace().take(2).collect::<Vec<_>>().join(" ")
        }
        Output::Persist(checkpoint) => format!("persist {}", checkpoint.generation),
        Output::Effect(number) => format!("task {number}"),
        other => format!("{other:?}"),
    };
    std::iter::from_fn(|| session.poll_output()).map(word).collect()
}

fn joined(component: Fickle, policy: Policy) -> Session<Fickle> {
    let mut session = Session::with_policy(component, policy);
    let join = Join { session: 1, mode: JoinMode::Adopt, applied: 0, settled: 0, token: "", is_latest: true };
    session.handle_input(Timestamp(1), Input::Join(join));
    outputs(&mut session);
    session.handle_input(Timestamp(1), Input::Persisted { generation: 1 });
    outputs(&mut session);
    session
}

#[test]
fn what_cannot_be_saved_is_undone_and_refused() {
    let mut session = joined(Fickle(2), Policy::Durable);
    let payload = Payload::None;
    let click = ClientFrame::Event { ack: 0, seq: 1, behind: 0, instance: 1, slot: 0, payload };
    session.handle_input(Timestamp(2), Input::Frame(click));
    assert_eq!(outputs(&mut session), ["persist 2"], "and no task");
    session.handle_input(Timestamp(2), Input::Persisted { generation: 2 });
    assert_eq!(outputs(&mut session)[0], "refused 1");
    assert_eq!((session.component().0, session.is_closed()), (2, false));

    // Who can't be saved from the beginning has nothing to store.
    let mut session = joined(Fickle(3), Policy::Durable);
    session.handle_input(Timestamp(2), Input::Message(()));
    assert_eq!(outputs(&mut session), ["task 4", "patch 0"]);
}

#[test]
fn a_message_during_the_last_write_is_stored_too() {
    let cadence = Cadence { events: 20, ms: 5_000 };
    let mut session = joined(Fickle(10), Policy::Rehydrate(cadence));
    session.handle_input(Timestamp(2), Input::Suspend);
    assert_eq!(outputs(&mut session), ["persist 2"]);
    session.handle_input(Timestamp(2), Input::Message(()));
    outputs(&mut session);
    session.handle_input(Timestamp(2), Input::Persisted { generation: 2 });
    assert_eq!(outputs(&mut session), ["persist 3"], "it has come after the second");
    session.handle_input(Timestamp(2), Input::Persisted { generation: 3 });
    assert_eq!(outputs(&mut session), ["Close(ShuttingDown)"]);
}

#[test]
fn who_comes_back_hears_nothing_before_the_store_says_whose_the_session_is() {
    let cadence = Cadence { events: 20, ms: 5_000 };
    let mut session = joined(Fickle(10), Policy::Rehydrate(cadence));
    session.handle_input(Timestamp(2), Input::Detach);
    session.handle_input(Timestamp(2), Input::Message(()));
    assert_eq!(outputs(&mut session), ["task 11"], "nobody is there to be told");

    let join =
        Join { session: 1, mode: JoinMode::Resume, applied: 0, settled: 0, token: "", is_latest: true };
    session.handle_input(Timestamp(3), Input::Join(join));
    assert_eq!(outputs(&mut session), ["persist 2"]);
    session.handle_input(Timestamp(3), Input::Message(()));
    assert_eq!(outputs(&mut session), [""; 0], "nor what comes meanwhile");
    session.handle_input(Timestamp(3), Input::Persisted { generation: 2 });
    assert_eq!(outputs(&mut session), ["joined 0", "patch 0", "task 12", "patch 0"]);

    // The client of a session that another server has by now isn't blamed for what it knows.
    for (is_stored, reason) in [(false, CloseReason::Moved), (true, CloseReason::BadAck)] {
        let mut session = joined(Fickle(10), Policy::Rehydrate(cadence));
        session.handle_input(Timestamp(2), Input::Detach);
        session.handle_input(Timestamp(2), Input::Join(join));
        outputs(&mut session);
        if is_stored {
            session.handle_input(Timestamp(2), Input::Persisted { generation: 2 });
        }
        session.handle_input(Timestamp(3), Input::Join(Join { settled: 1, ..join }));
        assert_eq!(outputs(&mut session).last(), Some(&format!("Close({reason:?})")));
    }
}

#[test]
fn what_waits_for_a_silent_store_is_bounded() {
    let mut session = joined(Fickle(10), Policy::Durable);
    for _ in 0..4_000 {
        session.handle_input(Timestamp(2), Input::Message(()));
        assert!(outputs(&mut session).iter().all(|said| said.starts_with("persist")));
    }
    assert!(!session.is_closed());
    for _ in 0..200 {
        session.handle_input(Timestamp(2), Input::Message(()));
    }
    assert_eq!(outputs(&mut session), ["Close(ComponentFailed)"]);
}
