//! What an event does, and which have no effect.

use lightspeed_core::handler::PayloadError;
use lightspeed_core::html::Value;
use lightspeed_core::{Component, Html, Input};
use lightspeed_macros::html;
use lightspeed_protocol::close::{CloseReason, RefusalReason};
use lightspeed_protocol::frame::{ClientFrame, ServerFrame};
use lightspeed_protocol::limits;
use lightspeed_protocol::msgpack::Payload;
use lightspeed_protocol::template::EventKind;
use lightspeed_testing::Page;

use crate::board::{Board, Hostile, Msg, board};

#[test]
fn a_double_click_delivers_what_was_rendered_when_it_was_seen() {
    let mut page = Page::new(Board::default());
    let at = page.document.place_of("set", EventKind::Click).unwrap();
    page.fire(at, Payload::None);
    page.fire(at, Payload::None);
    page.pump();
    // Both clicks were made on "set it to 1". The second one must not set it to 2, which nobody saw.
    assert_eq!(page.session.component().log, [Msg::Set(1), Msg::Set(1)]);
    assert_eq!(page.document.text_of("count").as_deref(), Some("1"));
}

#[test]
fn clicks_made_offline_arrive_once_and_in_order() {
    let mut page = Page::new(board(&[1, 2, 3]));
    let places: Vec<_> = ["row2", "set", "row3"]
        .iter()
        .map(|id| page.document.place_of(id, EventKind::Click).unwrap())
        .collect();
    page.cut();
    for at in places {
        page.fire(at, Payload::None);
    }
    page.advance_ms(limits::RECONNECT_MS_MAX);
    assert_eq!(page.session.component().log, [Msg::Remove(2), Msg::Set(1), Msg::Remove(3)]);
    assert_eq!(page.document.elements("li").len(), 1);
    assert!(page.refused.is_empty());
}

#[test]
fn an_event_whose_acknowledgement_was_lost_is_not_handled_twice() {
    let mut page = Page::new(Board::default());
    let at = page.document.place_of("toggle", EventKind::Click).unwrap();
    page.fire(at, Payload::None);
    page.pass_up();
    page.cut();
    page.advance_ms(limits::RECONNECT_MS_MAX);
    assert_eq!(page.session.component().log, [Msg::Toggle]);
    assert!(page.document.place_of("inside", EventKind::Click).is_some());
    page.check();
}

#[test]
fn a_row_that_moved_is_still_that_row() {
    let mut page = Page::new(board(&[1, 2, 3]));
    let at = page.document.place_of("row1", EventKind::Click).unwrap();
    page.fire(at, Payload::None);
    page.session.handle_input(page.now, Input::Message(Msg::Rows(vec![3, 2, 1])));
    page.pump();
    assert_eq!(page.session.component().rows, [3, 2]);
}

#[test]
fn a_row_that_is_gone_refuses_and_nothing_takes_its_place() {
    let mut page = Page::new(board(&[1, 2]));
    let at = page.document.place_of("row1", EventKind::Click).unwrap();
    page.session.handle_input(page.now, Input::Message(Msg::Rows(vec![4, 5])));
    let seq = page.fire(at, Payload::None).unwrap();
    page.pump();
    assert_eq!(page.session.component().rows, [4, 5]);
    assert_eq!(page.refused, [seq]);
    assert_eq!(page.closed, None);
}

#[test]
fn a_branch_that_was_closed_and_opened_again_is_another() {
    let mut page = Page::new(Board { is_open: true, ..Board::default() });
    let at = page.document.place_of("inside", EventKind::Click).unwrap();
    page.message(Msg::Toggle);
    page.message(Msg::Toggle);
    page.event(at, Payload::None);
    assert!(!page.session.component().log.contains(&Msg::Inside));
    assert_eq!(page.refused.len(), 1);
}

#[test]
fn places_that_were_never_rendered_end_the_session() {
    let cases = [(0, 0), (99, 0), (1, 1), (1, 999), (u32::MAX, u32::MAX)];
    for (instance, slot) in cases {
        let mut client = Hostile::new(Board::default());
        client.event(0, 1, 0, instance, slot);
        assert_eq!(client.closed, Some(CloseReason::ForgedPlace), "instance {instance}, slot {slot}");
        assert!(client.session.component().log.is_empty());
    }
}

#[test]
fn an_instance_cannot_have_been_seen_before_it_was_there() {
    let mut client = Hostile::new(Board::default());
    client.input(Input::Message(Msg::Toggle));
    // Instance 2 came with version 1; the event claims version 0.
    client.event(1, 1, 1, 2, 0);
    assert_eq!(client.closed, Some(CloseReason::ForgedPlace));
}

#[test]
fn a_version_that_is_long_gone_is_refused_and_not_guessed() {
    let mut client = Hostile::new(Board::default());
    client.input(Input::Message(Msg::Set(5)));
    client.input(Input::Frame(ClientFrame::Ack { ack: 1, behind: 0 }));
    client.event(1, 1, 1, 1, 0);
    assert_eq!(client.closed, None);
    assert_eq!(client.session.component().log, [Msg::Set(5)]);
    let refused = client.frames.iter().any(|frame| {
        matches!(ServerFrame::decode(frame), Ok((1, ServerFrame::Refused { seq: 1, reason: 2, .. })))
    });
    assert!(refused);
}

#[test]
fn a_gap_in_the_events_ends_the_session() {
    let mut client = Hostile::new(Board::default());
    client.event(0, 2, 0, 1, 0);
    assert_eq!(client.closed, Some(CloseReason::SequenceGap));
}

#[test]
fn a_payload_that_does_not_fit_is_refused_and_the_session_goes_on() {
    let page = Page::new(Board::default());
    let draft = page.document.place_of("draft", EventKind::Input).unwrap();
    let agree = page.document.place_of("agree", EventKind::Change).unwrap();
    let misfits = [
        (draft, Payload::None, "nothing", "a text"),
        (draft, Payload::Flag(true), "true or false", "a text"),
        (draft, Payload::Number(7), "a number", "a text"),
        (agree, Payload::None, "nothing", "true or false"),
        (agree, Payload::Number(1), "a number", "true or false"),
        (agree, Payload::Text("on"), "a text", "true or false"),
    ];
    let mut client = Hostile::new(Board::default());
    for ((at, payload, received, expected), seq) in misfits.into_iter().zip(1..) {
        let frame =
            ClientFrame::Event { ack: 0, seq, behind: 0, instance: at.instance, slot: at.slot, payload };
        client.input(Input::Frame(frame));
        assert_eq!(client.closed, None);
        let unfit = client.unfit.pop().unwrap();
        assert_eq!((unfit.instance, unfit.slot), (at.instance, at.slot));
        assert_eq!((unfit.received, unfit.expected), (received, expected));
        let refusal = RefusalReason::Unfit;
        let refused = client.frames.iter().any(|frame| {
            let refused =
                ServerFrame::Refused { seq, reason: refusal.code(), message: refusal.meaning().trim() };
            ServerFrame::decode(frame) == Ok((1, refused))
        });
        assert!(refused, "event {seq}");
    }
    assert!(client.session.component().log.is_empty());
    // The next one is heard.
    client.event(0, 7, 0, 1, 0);
    assert_eq!(client.session.component().log, [Msg::Set(1)]);
}

#[test]
fn the_author_is_told_of_a_few_events_that_do_not_fit() {
    let page = Page::new(Board::default());
    let at = page.document.place_of("draft", EventKind::Input).unwrap();
    let mut client = Hostile::new(Board::default());
    for seq in 1..=1_000 {
        client.event(0, seq, 0, at.instance, at.slot);
    }
    assert_eq!((client.closed, client.session.seq_handled()), (None, 1_000));
    assert_eq!(client.unfit.len(), 16, "whatever a hostile client does");
}

/// A field that is in an element with a handler: what is sent goes by the field.
#[derive(Default)]
struct Around(Vec<String>);

impl Component for Around {
    type Message = String;
    type Effect = ();

    fn update(&mut self, text: String, _: &mut Vec<()>) {
        self.0.push(text);
    }

    fn render(&self) -> Html<String> {
        html! { fieldset #all oninput=(|text: String| text) { input name="name"; input type="checkbox"; } }
    }
}

#[test]
fn a_tick_where_a_text_is_taken_costs_no_session() {
    let mut page = Page::new(Around::default());
    let at = page.document.place_of("all", EventKind::Input).unwrap();
    for (seq, payload) in [(1, Payload::Flag(true)), (2, Payload::Text("Ada"))] {
        let frame =
            ClientFrame::Event { ack: 0, seq, behind: 0, instance: at.instance, slot: at.slot, payload };
        page.session.handle_input(page.now, Input::Frame(frame));
    }
    assert!(!page.session.is_closed());
    assert_eq!(page.session.component().0, ["Ada"]);
}

#[test]
fn a_handler_gives_its_message_or_says_what_it_takes() {
    let handler: Value<u8> = Value::Message { message: 7, clone: u8::clone };
    assert_eq!(handler.message(&Payload::None), Some(Ok(7)));
    let handler: Value<u8> =
        Value::Payload(std::sync::Arc::new(|_| Err(PayloadError { expected: "a text" })));
    let error = handler.message(&Payload::None).unwrap().unwrap_err();
    assert_eq!(error.to_string(), "the payload should be a text");
    assert_eq!(Value::<u8>::NoHandler.message(&Payload::None), None);
}
