//! What a person did to fields, when the component leaves them as they are: page and component agree again.
#![allow(missing_docs, clippy::unwrap_used, reason = "a test")]

extern crate lightspeed_core as lightspeed;

use lightspeed_core::{Component, Html};
use lightspeed_interpreter::document::Address;
use lightspeed_macros::html;
use lightspeed_protocol::msgpack::Payload;
use lightspeed_protocol::template::EventKind;
use lightspeed_testing::Page;

/// A component that takes every message and stays as it is, but for whether its parts take events.
#[derive(Debug, Clone, Default)]
struct Stubborn {
    rows: Vec<u32>,
    is_deaf: bool,
    heard: usize,
}

#[derive(Debug, Clone)]
enum Msg {
    Deafen,
    Heard,
}

impl Component for Stubborn {
    type Message = Msg;
    type Effect = ();

    fn update(&mut self, message: Msg, _: &mut Vec<()>) {
        match message {
            Msg::Deafen => self.is_deaf = true,
            Msg::Heard => self.heard += 1,
        }
    }

    fn render(&self) -> Html<Msg> {
        let heard = || Msg::Heard;
        html! {
            div {
                input #a type="radio" name="r" value="a" checked[true] onchange=(heard());
                input #b type="radio" name="r" value="b" checked[false] onchange=(heard());
                input #c type="radio" name="r" value="c" checked[false] onclick=(heard());
                input #click type="checkbox" checked[false] onclick=(heard());
                label #label onclick=(heard()) { input #in-label type="checkbox" checked[true]; "text" }
                div #around onclick=(heard()) {
                    input #text value="typed by nobody";
                    input #kept value=("said");
                    @for row in &self.rows { p key=(row) { input type="checkbox" checked[row % 2 == 0]; } }
                    @if self.heard < 100 { span { input #in-branch type="checkbox" checked[true]; } }
                }
                button #plain onclick=(heard()) { "plain" (self.heard > 100) }
                input #text-refused value=("said") oninput=[(!self.is_deaf).then_some(Msg::Heard)];
                input #box-refused type="checkbox" checked[false] onchange=[(!self.is_deaf).then_some(Msg::Heard)];
                form #f onsubmit=(heard()) { input #inside value=("said"); }
            }
            input #outside form="f" value=("said");
            @for row in &self.rows { input key=(row) form=(if row % 2 == 0 { "f" } else { "g" }) value=("said"); }
        }
    }
}

type Test = Page<Stubborn>;

fn page() -> Test {
    let page = Page::new(Stubborn { rows: (1..=3).collect(), ..Stubborn::default() });
    page.check();
    page
}

/// The place of any slot of the first element that has an attribute.
fn slot_of(page: &Test, tag: &str, index: usize) -> Address {
    let element = page.document.elements(tag)[index];
    (1..100)
        .flat_map(|instance| (0..64).map(move |slot| Address { instance, slot }))
        .find(|at| page.document.node_at(*at) == Some(element))
        .unwrap()
}

fn input(page: &Test, id: &str) -> Address {
    let inputs = page.document.elements("input");
    let index = inputs.iter().position(|one| page.document.attribute(*one, "id") == Some(id)).unwrap();
    slot_of(page, "input", index)
}

/// A person changes the field `id`, which is heard of at `at` as `event`.
#[track_caller]
fn check_taken_back(
    page: &mut Test,
    id: &str,
    entered: Payload<'_>,
    at: &str,
    event: EventKind,
    told: Payload<'_>,
) {
    let handler = page.document.place_of(at, event).unwrap();
    let field = input(page, id);
    page.document.enter(field, entered);
    let before = page.document.to_html();
    // `event` would enter the payload at the handler's element.
    page.client.handle_event(page.now, 1, handler.instance, handler.slot, told);
    page.pump();
    page.advance_ms(1_000);
    page.check();
    assert_ne!(page.document.to_html(), before, "{id} is what it was said to be");
}

#[test]
fn a_choice_that_is_left_as_it_is_is_said_again() {
    let mut page = page();
    check_taken_back(&mut page, "b", Payload::Flag(true), "b", EventKind::Change, Payload::Text("b"));
    check_taken_back(&mut page, "c", Payload::Flag(true), "c", EventKind::Click, Payload::None);
    check_taken_back(&mut page, "click", Payload::Flag(true), "click", EventKind::Click, Payload::None);
    check_taken_back(&mut page, "in-label", Payload::Flag(false), "label", EventKind::Click, Payload::None);
    check_taken_back(&mut page, "in-branch", Payload::Flag(false), "around", EventKind::Click, Payload::None);
}

#[test]
fn a_click_says_nothing_of_texts_and_costs_nothing_where_nothing_is_chosen() {
    let mut page = page();
    let start = page.frames.len();
    page.click("around");
    let has_text =
        |passed: &lightspeed_testing::Passed| passed.bytes().windows(4).any(|part| part == b"said");
    assert!(page.frames.len() > start + 1);
    assert!(!page.frames[start..].iter().any(has_text), "what is typed is the person's");
    page.advance_ms(1_000);
    let start = page.frames.len();
    page.click("plain");
    page.advance_ms(1_000);
    let (_, down) = page.bytes_since(start);
    assert!(down <= 6, "{down} bytes: an acknowledgement, and no patch");
}

#[test]
fn a_field_that_names_its_form_is_said_again_when_that_is_submitted() {
    for index in 0.. {
        let mut page = page();
        let outside: Vec<_> = (0..page.document.elements("input").len())
            .filter(|index| {
                let form = page.document.attribute(page.document.elements("input")[*index], "form");
                form == Some("f")
            })
            .collect();
        let Some(&element) = outside.get(index) else {
            assert_eq!(index, 2);
            break;
        };
        let at = slot_of(&page, "input", element);
        page.document.enter(at, Payload::Text("typed"));
        let submit = page.document.place_of("f", EventKind::Submit).unwrap();
        page.event(submit, Payload::Text("x=typed"));
        page.check();
    }
}

#[test]
fn what_a_refused_event_told_is_taken_back() {
    let mut page = page();
    let text = page.document.place_of("text-refused", EventKind::Input).unwrap();
    let checkbox = page.document.place_of("box-refused", EventKind::Change).unwrap();
    page.message(Msg::Deafen);
    for (at, payload) in [(text, Payload::Text("typed")), (checkbox, Payload::Flag(true))] {
        let refused = page.refused.len();
        page.event(at, payload);
        assert_eq!(page.refused.len(), refused + 1);
        page.check();
    }
}
