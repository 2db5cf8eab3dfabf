//! What nobody can press can't fire: events at elements that a browser lets nobody act on.
#![allow(missing_docs, clippy::unwrap_used, reason = "a test")]

extern crate lightspeed_core as lightspeed;

use lightspeed_core::session::{Join, Session};
use lightspeed_core::{Component, Html, Input, Output, Stream};
use lightspeed_macros::html;
use lightspeed_protocol::Timestamp;
use lightspeed_protocol::close::{CloseReason, RefusalReason};
use lightspeed_protocol::frame::{ClientFrame, JoinMode, ServerFrame};
use lightspeed_protocol::msgpack::Payload;
use lightspeed_protocol::template::EventKind;
use lightspeed_testing::Page;

/// Renders with a condition, and notes what it hears.
struct Shown {
    render: fn(&Shown) -> Html<Msg>,
    is_on: bool,
    rows: Stream<u32>,
    heard: u32,
}

#[derive(Debug, Clone)]
enum Msg {
    Heard,
    Switch,
}

impl Component for Shown {
    type Message = Msg;
    type Effect = ();

    fn update(&mut self, message: Msg, _: &mut Vec<()>) {
        match message {
            Msg::Heard => self.heard += 1,
            Msg::Switch => self.is_on = !self.is_on,
        }
    }

    fn render(&self) -> Html<Msg> {
        (self.render)(self)
    }
}

fn shown(render: fn(&Shown) -> Html<Msg>) -> Shown {
    Shown { render, is_on: true, rows: Stream::new(), heard: 0 }
}

fn heard<T>() -> impl Fn(T) -> Msg {
    |_| Msg::Heard
}

/// How often the event at `#it` is heard.
#[track_caller]
fn fire(render: fn(&Shown) -> Html<Msg>, event: EventKind) -> u32 {
    let mut page = Page::new(shown(render));
    let at = page.document.place_of("it", event).expect("there is a handler");
    let payload = if event == EventKind::Click { Payload::None } else { Payload::Text("1x") };
    let (instance, slot) = (at.instance, at.slot);
    let frame = ClientFrame::Event { ack: 0, seq: 1, behind: 0, instance, slot, payload };
    page.session.handle_input(page.now, Input::Frame(frame));
    assert!(!page.session.is_closed(), "a script may have made it");
    page.session.component().heard
}

#[track_caller]
fn refuses(render: fn(&Shown) -> Html<Msg>) {
    assert_eq!(fire(render, EventKind::Click), 0, "nobody can press it");
}

#[track_caller]
fn takes(render: fn(&Shown) -> Html<Msg>) {
    assert_eq!(fire(render, EventKind::Click), 1, "somebody can press it");
}

#[test]
fn controls_that_are_disabled() {
    refuses(|_| html! { button #it disabled onclick=(Msg::Heard) {} });
    refuses(|it| html! { button #it disabled[it.is_on] onclick=(Msg::Heard) {} });
    refuses(|it| html! { button #it onclick=(Msg::Heard) disabled=[it.is_on.then_some("")] {} });
    refuses(|_| html! { input #it type="checkbox" disabled onclick=(Msg::Heard); });
    takes(|it| html! { button #it disabled[!it.is_on] onclick=(Msg::Heard) {} });
    takes(|it| html! { button #it disabled=[(!it.is_on).then_some("")] onclick=(Msg::Heard) {} });
    // It says nothing of what is no control.
    takes(|_| html! { a #it disabled onclick=(Msg::Heard) {} });
    takes(|_| html! { button disabled {} button #it onclick=(Msg::Heard) {} });
    for event in [EventKind::Input, EventKind::Change] {
        let disabled = |_: &Shown| {
            html! { input #it disabled oninput=(heard::<String>()) onchange=(heard::<String>()); }
        };
        assert_eq!(fire(disabled, event), 0);
    }
}

#[test]
fn controls_in_a_fieldset_that_is_disabled() {
    refuses(|_| html! { fieldset disabled { div { button #it onclick=(Msg::Heard) {} } } });
    refuses(|it| html! { fieldset disabled[it.is_on] { button #it onclick=(Msg::Heard) {} } });
    refuses(
        |it| html! { fieldset disabled[it.is_on] { @if it.is_on { button #it onclick=(Msg::Heard) {} } } },
    );
    refuses(|it| {
        let button: Html<Msg> = html! { p { button #it onclick=(Msg::Heard) {} } };
        html! { fieldset disabled[it.is_on] { legend { "a" } (button) } }
    });
    refuses(|it| {
        html! { fieldset disabled[it.is_on] { @for n in 0..3 { p key=(n) { @if n == 1 { button #it onclick=(Msg::Heard) {} } } } } }
    });
    refuses(|_| {
        html! { fieldset disabled { legend { fieldset disabled { button #it onclick=(Msg::Heard) {} } } } }
    });
    takes(|_| html! { fieldset disabled { legend { button #it onclick=(Msg::Heard) {} } } });
    takes(|_| {
        let legend: Html<Msg> = html! { legend { button #it onclick=(Msg::Heard) {} } };
        html! { fieldset disabled { (legend) } }
    });
    takes(
        |it| html! { fieldset disabled[it.is_on] { @if it.is_on { legend { button #it onclick=(Msg::Heard) {} } } } },
    );
    takes(|it| html! { fieldset disabled[!it.is_on] { button #it onclick=(Msg::Heard) {} } });
    // No control: a browser tells of clicks on it.
    takes(|_| html! { fieldset disabled { p #it onclick=(Msg::Heard) {} } });
}

#[test]
fn what_is_hidden_or_inert() {
    refuses(|_| html! { button #it hidden onclick=(Msg::Heard) {} });
    refuses(|it| html! { button #it hidden[it.is_on] onclick=(Msg::Heard) {} });
    refuses(|_| html! { section hidden { div { p #it onclick=(Msg::Heard) {} } } });
    refuses(|_| html! { section inert { div { button #it onclick=(Msg::Heard) {} } } });
    refuses(|it| html! { section inert[it.is_on] { @if it.is_on { p #it onclick=(Msg::Heard) {} } } });
    refuses(|it| {
        let button: Html<Msg> = html! { button #it onclick=(Msg::Heard) {} };
        let middle: Html<Msg> = html! { div { (button) } };
        html! { main { section hidden[it.is_on] { (middle) } } }
    });
    refuses(|it| {
        html! { ul { @for n in 0..3 { li key=(n) hidden[it.is_on] { @if n == 1 { button #it onclick=(Msg::Heard) {} } } } } }
    });
    takes(|it| html! { section hidden[!it.is_on] { button #it onclick=(Msg::Heard) {} } });
    takes(|_| html! { section hidden {} button #it onclick=(Msg::Heard) {} });
    // A browser shows it when somebody looks for what is in it.
    takes(|_| html! { section hidden="until-found" { button #it onclick=(Msg::Heard) {} } });
    takes(|_| html! { section hidden=("until-found") { button #it onclick=(Msg::Heard) {} } });
    // The page opens these by itself, and the server doesn't know.
    takes(|_| html! { dialog { button #it onclick=(Msg::Heard) {} } });
    takes(|_| html! { details { button #it onclick=(Msg::Heard) {} } });
}

#[test]
fn what_is_hidden_and_activated_from_elsewhere() {
    takes(|_| html! { label for="it" {} input #it type="checkbox" hidden onclick=(Msg::Heard); });
    let file = |_: &Shown| html! { label { input #it type="file" hidden onchange=(heard::<String>()); } };
    assert_eq!(fire(file, EventKind::Change), 1);
    let text = |_: &Shown| html! { input #it hidden oninput=(heard::<String>()); };
    assert_eq!(fire(text, EventKind::Input), 0, "nobody can type into it");
    let never = |_: &Shown| html! { input #it type="hidden" onchange=(heard::<String>()); };
    assert_eq!(fire(never, EventKind::Change), 0, "nobody can change it");
    let keys = |_: &Shown| html! { div hidden { p #it onkeydown=(heard::<()>()) {} } };
    assert_eq!(fire(keys, EventKind::Keydown), 0);
    let form = |_: &Shown| html! { div { form #it hidden onsubmit=(heard::<()>()) {} button form="it" {} } };
    assert_eq!(fire(form, EventKind::Submit), 1, "a button elsewhere submits it");
}

#[test]
fn a_form_that_is_hidden_and_that_nothing_names() {
    let mut page = Page::new(shown(|_| html! { form hidden onsubmit=(heard::<()>()) { p #in {} } }));
    let form = page.document.elements("form")[0];
    let at = page.document.place_on(form, EventKind::Submit).unwrap();
    page.event(at, Payload::Text(""));
    assert_eq!(page.session.component().heard, 0);
}

#[test]
fn rows_of_a_stream() {
    fn rows(it: &Shown) -> Html<Msg> {
        html! {
            ul { @stream row in it.rows.over(|| 0..4) {
                li key=(row) hidden[*row == 1] {
                    button id={ "b" (row) } disabled[*row == 2] onclick=(Msg::Heard) {}
                }
            } }
        }
    }
    let mut page = Page::new(shown(rows));
    for (row, heard) in [(0, 1), (1, 1), (2, 1), (3, 2)] {
        page.click(&format!("b{row}"));
        assert_eq!(page.session.component().heard, heard, "row {row}: {:?}", page.refused);
    }
    let mut page = Page::new(shown(|it| {
        html! {
            section hidden[it.is_on] { ul { @stream row in it.rows.over(|| 0..4) {
                li key=(row) { button id={ "b" (row) } onclick=(Msg::Heard) {} }
            } } }
        }
    }));
    page.click("b1");
    assert_eq!(page.session.component().heard, 0);
    page.message(Msg::Switch);
    page.click("b1");
    assert_eq!(page.session.component().heard, 1);
}

/// What the session says to an event that was made on `behind` versions before the newest.
fn refusal(session: &mut Session<Shown>, seq: u64, ack: u64, behind: u64) -> Option<RefusalReason> {
    let event = ClientFrame::Event { ack, seq, behind, instance: 1, slot: 1, payload: Payload::None };
    session.handle_input(Timestamp(0), Input::Frame(event));
    let mut refusal = None;
    while let Some(output) = session.poll_output() {
        match output {
            Output::Transmit(transmission) => {
                if let Ok((_, ServerFrame::Refused { reason, .. })) = ServerFrame::decode(&transmission.frame)
                {
                    refusal = RefusalReason::from_code(reason);
                }
            }
            Output::Close(reason) => panic!("{reason}: a race is nobody's fault"),
            _ => {}
        }
    }
    refusal
}

#[test]
fn an_event_is_judged_by_what_was_seen_and_by_what_is_there() {
    let button = |it: &Shown| html! { button disabled[!it.is_on] onclick=(Msg::Heard) {} };
    let mut session = Session::new(shown(button));
    let join = Join { session: 1, mode: JoinMode::Adopt, applied: 0, settled: 0, token: "", is_latest: true };
    session.handle_input(Timestamp(0), Input::Join(join));
    session.handle_input(Timestamp(0), Input::Message(Msg::Switch));
    while session.poll_output().is_some() {}
    // Version 0 has it enabled, version 1 disabled: it was pressed in time, and too late.
    assert_eq!(refusal(&mut session, 1, 1, 1), Some(RefusalReason::Disabled));
    assert_eq!(refusal(&mut session, 2, 1, 0), Some(RefusalReason::Disabled));
    session.handle_input(Timestamp(0), Input::Message(Msg::Switch));
    while session.poll_output().is_some() {}
    // Now it is enabled again, and nobody can have pressed it in version 1.
    assert_eq!(refusal(&mut session, 3, 2, 1), Some(RefusalReason::Disabled));
    assert_eq!(session.component().heard, 0);
    assert_eq!(refusal(&mut session, 4, 2, 0), None);
    assert_eq!(session.component().heard, 1);
    assert!(!session.is_closed(), "{}", CloseReason::ForgedPlace);
}
