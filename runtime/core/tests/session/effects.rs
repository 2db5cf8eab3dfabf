//! What a component asks of its page.

use lightspeed_core::session::checkpoint::LoadError;
use lightspeed_core::session::{EFFECTS_WAITING_MAX, Join, PageEffect};
use lightspeed_core::{Component, Html, Input, Output, Policy, Session};
use lightspeed_macros::html;
use lightspeed_protocol::Timestamp;
use lightspeed_protocol::frame::{ClientFrame, JoinMode, ServerFrame};
use lightspeed_protocol::isa::{Disassembly, EffectKind};

/// Shows a number, and asks the page to say each that it is given; a negative one isn't shown.
#[derive(Debug, Default)]
struct Caller(i32);

impl Component for Caller {
    type Message = i32;
    type Effect = PageEffect;

    fn page_effect(effect: PageEffect) -> Result<PageEffect, PageEffect> {
        Ok(effect)
    }

    fn update(&mut self, number: i32, effects: &mut Vec<PageEffect>) {
        self.0 = number.max(self.0);
        effects.push(PageEffect::new(EffectKind::Flash, "", number.to_string()));
    }

    fn render(&self) -> Html<i32> {
        html! { button onclick=(1) { (self.0) } }
    }

    fn save(&self) -> Option<Vec<u8>> {
        Some(self.0.to_be_bytes().to_vec())
    }

    fn load(&mut self, state: &[u8]) -> Result<(), LoadError> {
        self.0 = i32::from_be_bytes(state.try_into().map_err(|_| LoadError)?);
        Ok(())
    }
}

const NOW: Timestamp = Timestamp(1);

fn join(mode: JoinMode, applied: u64) -> Input<'static, i32> {
    Input::Join(Join { session: 1, mode, applied, settled: 0, token: "", is_latest: true })
}

/// What the session says to `input`: of each frame with a program its version and its instructions. Checkpoints are stored, the last
/// one is returned.
fn says(session: &mut Session<Caller>, input: Input<'_, i32>) -> (Vec<String>, Vec<u8>) {
    let (mut said, mut checkpoint) = (Vec::new(), Vec::new());
    session.handle_input(NOW, input);
    while let Some(output) = session.poll_output() {
        match output {
            Output::Transmit(transmission) => match ServerFrame::decode(&transmission.frame).unwrap().1 {
                ServerFrame::Patch { version, program, .. } => {
                    said.push(format!("patch {version}: {}", Disassembly(program)));
                }
                ServerFrame::Snapshot { version, program, .. } => {
                    let program = Disassembly(program).to_string();
                    said.push(format!("snapshot {version}: {}", program.split_once('\n').unwrap().1));
                }
                _ => {}
            },
            Output::Persist(stored) => {
                let generation = stored.generation;
                checkpoint = stored.bytes;
                session.handle_input(NOW, Input::Persisted { generation });
            }
            Output::EffectDropped => said.push("dropped".to_owned()),
            _ => {}
        }
    }
    (said, checkpoint)
}

fn frames(session: &mut Session<Caller>, input: Input<'_, i32>) -> Vec<String> {
    says(session, input).0
}

fn joined() -> Session<Caller> {
    let mut session = Session::new(Caller::default());
    frames(&mut session, join(JoinMode::Adopt, 0));
    session
}

#[test]
fn an_effect_follows_the_patch_and_makes_one_where_nothing_is_to_be_seen() {
    let mut session = joined();
    let seen = frames(&mut session, Input::Message(5));
    assert_eq!(seen, ["patch 1: text 1 1 5\neffect 0 3 \"\" \"5\"\n"]);
    assert_eq!(frames(&mut session, Input::Message(-1)), ["patch 2: effect 0 3 \"\" \"-1\"\n"]);
}

#[test]
fn updates_that_become_one_patch_ask_in_their_order() {
    let mut session = joined();
    session.handle_input(NOW, Input::Message(5));
    assert_eq!(
        frames(&mut session, Input::Message(6)),
        ["patch 1: text 1 1 6\neffect 0 3 \"\" \"5\"\neffect 0 3 \"\" \"6\"\n"]
    );
}

#[test]
fn a_page_that_lacks_a_version_is_asked_again_and_one_that_has_it_is_not() {
    let mut session = joined();
    frames(&mut session, Input::Message(5));
    frames(&mut session, Input::Message(6));
    let again = frames(&mut session, join(JoinMode::Resume, 1));
    assert_eq!(again, ["patch 2: text 1 1 6\neffect 0 3 \"\" \"6\"\n"]);
    let whole = frames(&mut session, Input::Frame(ClientFrame::Resync { ack: 1 }));
    assert_eq!(whole, ["snapshot 3: effect 1 3 \"\" \"6\"\n"]);
    frames(&mut session, Input::Frame(ClientFrame::Ack { ack: 3, behind: 0 }));
    assert_eq!(frames(&mut session, Input::Frame(ClientFrame::Resync { ack: 3 })), ["snapshot 4: "]);
}

#[test]
fn what_was_asked_for_before_there_was_a_page_is_not() {
    let mut session = Session::new(Caller::default());
    frames(&mut session, Input::Message(-1));
    assert!(frames(&mut session, join(JoinMode::Adopt, 0)).iter().all(|frame| !frame.contains("effect")));
    // Of one that is away for a moment it is.
    frames(&mut session, Input::Detach);
    frames(&mut session, Input::Message(-2));
    assert_eq!(frames(&mut session, join(JoinMode::Resume, 0)), ["patch 1: effect 0 3 \"\" \"-2\"\n"]);
}

#[test]
fn the_oldest_of_too_many_are_dropped_and_the_author_hears_of_it() {
    let mut session = joined();
    frames(&mut session, Input::Detach);
    let dropped =
        (0..=EFFECTS_WAITING_MAX).map(|_| frames(&mut session, Input::Message(-1)).len()).sum::<usize>();
    assert_eq!(dropped, 1, "and it is told once");
    let seen = frames(&mut session, join(JoinMode::Resume, 0));
    assert_eq!(seen[0].matches("effect").count(), EFFECTS_WAITING_MAX);
}

#[test]
fn a_checkpoint_holds_what_is_not_done() {
    let mut session = Session::with_policy(Caller::default(), Policy::Durable);
    says(&mut session, join(JoinMode::Adopt, 0));
    let (said, checkpoint) = says(&mut session, Input::Message(5));
    assert_eq!(said, ["patch 1: text 1 1 5\neffect 0 3 \"\" \"5\"\n"]);
    let restored = || Session::restore(Caller::default(), Policy::Durable, &checkpoint).unwrap();
    assert_eq!(says(&mut restored(), join(JoinMode::Resume, 0)).0, said, "the page lacks it");
    assert_eq!(says(&mut restored(), join(JoinMode::Resume, 1)).0, [""; 0], "the page has done it");
    assert_eq!(says(&mut restored(), join(JoinMode::Rebuild, 0)).0, ["snapshot 2: effect 1 3 \"\" \"5\"\n"]);
}

#[test]
fn a_replay_asks_for_what_was_recorded() {
    let (mut then, mut now) = (joined(), joined());
    then.handle_input(NOW, Input::Message(5));
    let (asked, state) = (then.asked().unwrap(), then.component().save().unwrap());
    let said = frames(&mut then, Input::Hibernate);
    now.put_asked(&asked).unwrap();
    now.put_state(NOW, &state).unwrap();
    assert_eq!(frames(&mut now, Input::Hibernate), said);
    assert!(said[0].ends_with("effect 0 3 \"\" \"5\"\n"), "{said:?}");
    assert!(now.put_asked(b"\x93\x63\xa0\xa0").is_err(), "nothing is asked for by such a code");
}
