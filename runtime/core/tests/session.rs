//! The session machine against the client machine, and against clients that misbehave.
#![allow(missing_docs, clippy::unwrap_used, reason = "a test")]

extern crate lightspeed_core as lightspeed;

use lightspeed_core::handler::PayloadError;
use lightspeed_core::html::Value;
use lightspeed_core::session::checkpoint::LoadError;
use lightspeed_core::session::{Join, Session, Unfit};
use lightspeed_core::{Cadence, Component, Html, Input, Output, Policy};
use lightspeed_macros::html;
use lightspeed_protocol::close::{CloseReason, RefusalReason};
use lightspeed_protocol::frame::{ClientFrame, JoinMode, ServerFrame};
use lightspeed_protocol::msgpack::Payload;
use lightspeed_protocol::template::EventKind;
use lightspeed_protocol::{Timestamp, limits};
use lightspeed_testing::Page;

#[derive(Debug, Clone, Default)]
struct Board {
    count: i32,
    rows: Vec<u32>,
    is_open: bool,
    draft: String,
    is_agreed: bool,
    log: Vec<Msg>,
}

#[derive(Debug, Clone, PartialEq)]
enum Msg {
    Set(i32),
    Remove(u32),
    Rows(Vec<u32>),
    Toggle,
    Inside,
    Draft(String),
    Agree(bool),
    Save,
}

impl Component for Board {
    type Message = Msg;
    type Effect = ();

    fn update(&mut self, message: Msg, _: &mut Vec<()>) {
        self.log.push(message.clone());
        match message {
            Msg::Set(count) => self.count = count,
            Msg::Remove(id) => self.rows.retain(|row| *row != id),
            Msg::Rows(rows) => self.rows = rows,
            Msg::Toggle => self.is_open = !self.is_open,
            Msg::Draft(text) => self.draft = text.trim().into(),
            Msg::Agree(is_agreed) => self.is_agreed = is_agreed,
            Msg::Save => self.draft.clear(),
            Msg::Inside => {}
        }
    }

    fn render(&self) -> Html<Msg> {
        html! {
            button #set onclick=(Msg::Set(self.count + 1)) { "set" }
            span #count { (self.count) }
            button #toggle onclick=(Msg::Toggle) { "toggle" }
            @if self.is_open { button #inside onclick=(Msg::Inside) { "inside" } }
            form onsubmit=(|(): ()| Msg::Save) {
                input #draft name="draft" value=(self.draft) oninput=(Msg::Draft);
                input #agree type="checkbox" checked[self.is_agreed] onchange=(Msg::Agree);
            }
            ul {
                @for row in &self.rows {
                    li key=(row) { button id={ "row" (row) } onclick=(Msg::Remove(*row)) { (row) } }
                }
            }
        }
    }
}

fn board(rows: &[u32]) -> Board {
    Board { rows: rows.into(), ..Board::default() }
}

#[test]
fn a_click_is_one_small_frame_each_way() {
    let mut page = Page::new(Board::default());
    page.click("set");
    page.advance_ms(1_000);
    let start = page.frames.len();
    page.click("set");
    page.advance_ms(1_000);
    let (up, down) = page.bytes_since(start);
    assert!(up <= 20 && down <= 16, "up {up}, down {down}: the budgets of a counter");
    assert_eq!(page.document.text_of("count").as_deref(), Some("2"));
}

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
fn moves_touch_only_what_moved() {
    let rows: Vec<u32> = (0..1000).collect();
    let mut page = Page::new(board(&rows));
    let before = page.document.elements("li");
    let mut swapped = rows;
    swapped.swap(1, 998);
    page.message(Msg::Rows(swapped));
    let after = page.document.elements("li");
    assert_eq!(page.document.moved_count(), 2);
    assert_eq!((before[1], before[998], before[500]), (after[998], after[1], after[500]));
}

#[test]
fn what_a_person_typed_is_what_the_next_render_is_compared_with() {
    let mut page = Page::new(Board::default());
    let draft = page.document.elements("input")[0];
    let at = page.document.place_of("draft", EventKind::Input).unwrap();
    // The render trims; the page shows the blank; so the trimmed value has to travel.
    page.event(at, Payload::Text("a "));
    assert_eq!(page.document.attribute(draft, "value"), Some("a"));
    // After a submit every field under the form is the server's again.
    let form = page.document.elements("form")[0];
    let at = page.document.place_on(form, EventKind::Submit).unwrap();
    let start = page.frames.len();
    page.event(at, Payload::Text("draft=a"));
    assert_eq!(page.document.attribute(draft, "value"), Some(""));
    assert!(page.frames.len() > start + 1);
}

#[test]
fn a_checkbox_that_the_render_resets_is_reset() {
    let mut page = Page::new(Board::default());
    let at = page.document.place_of("agree", EventKind::Change).unwrap();
    page.event(at, Payload::Flag(true));
    assert!(page.session.component().is_agreed);
}

fn join<'a>(mode: JoinMode, applied: u64) -> Input<'a, Msg> {
    Input::Join(Join { session: 1, mode, applied, settled: 0, token: "token", is_latest: true })
}

/// A session with a client that does what the test says, and the frames that it got.
struct Hostile {
    session: Session<Board>,
    frames: Vec<Vec<u8>>,
    unfit: Vec<Unfit>,
    closed: Option<CloseReason>,
}

impl Hostile {
    fn new(board: Board) -> Self {
        let session = Session::new(board);
        let mut it = Self { session, frames: Vec::new(), unfit: Vec::new(), closed: None };
        it.input(join(JoinMode::Adopt, 0));
        it
    }

    fn input(&mut self, input: Input<'_, Msg>) {
        self.session.handle_input(Timestamp(0), input);
        while let Some(output) = self.session.poll_output() {
            match output {
                Output::Transmit(transmission) => self.frames.push(transmission.frame),
                Output::Unfit(unfit) => self.unfit.push(unfit),
                Output::Close(reason) => self.closed = Some(reason),
                _ => {}
            }
        }
    }

    fn event(&mut self, ack: u64, seq: u64, behind: u64, instance: u32, slot: u32) {
        let payload = Payload::None;
        self.input(Input::Frame(ClientFrame::Event { ack, seq, behind, instance, slot, payload }));
    }

    fn patches(&self) -> usize {
        let patches = self.frames.iter().filter(|frame| {
            matches!(
                ServerFrame::decode(frame),
                Ok((_, ServerFrame::Patch { .. } | ServerFrame::Snapshot { .. }))
            )
        });
        patches.count()
    }
}

#[test]
fn a_client_that_does_not_acknowledge_costs_one_patch_later() {
    let mut client = Hostile::new(Board::default());
    for count in 0..1_000 {
        client.input(Input::Message(Msg::Set(count)));
    }
    // The adoption is one of the window's.
    assert_eq!(client.patches(), limits::PATCHES_UNACKED_MAX);
    let version = client.session.version();
    client.input(Input::Frame(ClientFrame::Ack { ack: version, behind: 0 }));
    assert_eq!(client.patches(), limits::PATCHES_UNACKED_MAX + 1, "990 updates became one patch");
    assert!(client.session.page_html().contains("999"));
}

#[test]
fn acknowledgements_that_cannot_be_end_the_session() {
    let mut above = Hostile::new(Board::default());
    above.input(Input::Frame(ClientFrame::Ack { ack: 1, behind: 0 }));
    assert_eq!(above.closed, Some(CloseReason::BadAck));

    let mut back = Hostile::new(Board::default());
    back.input(Input::Message(Msg::Set(1)));
    back.input(Input::Frame(ClientFrame::Ack { ack: 1, behind: 0 }));
    back.input(Input::Frame(ClientFrame::Ack { ack: 0, behind: 0 }));
    assert_eq!(back.closed, Some(CloseReason::BadAck));

    let mut behind = Hostile::new(Board::default());
    behind.event(0, 1, 1, 1, 0);
    assert_eq!(behind.closed, Some(CloseReason::BadAck));
}

#[test]
fn a_resumption_of_a_version_that_was_never_sent_ends_the_session() {
    // The window holds the adoption, whose version is 0 and has none before it.
    let mut client = Hostile::new(Board::default());
    client.input(Input::Join(Join {
        session: 2,
        mode: JoinMode::Resume,
        applied: 1,
        settled: 0,
        token: "",
        is_latest: true,
    }));
    assert_eq!(client.closed, Some(CloseReason::BadAck));
    assert_eq!(client.patches(), 1, "nothing is sent again");
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

#[test]
fn large_texts_are_not_kept_twice_for_a_session_that_hibernates() {
    let mut page = Page::new(Board::default());
    let at = page.document.place_of("draft", EventKind::Input).unwrap();
    let text = "x".repeat(300_000);
    page.cut();
    page.fire(at, Payload::Text(&text));
    page.advance_ms(30_000);
    assert_eq!(page.session.component().draft.len(), 300_000);
    page.event(at, Payload::Text("short"));
    page.check();
}

/// Counts how often it is rendered.
#[derive(Default)]
struct Counted(u32, std::cell::Cell<u32>);

impl Component for Counted {
    type Message = ();
    type Effect = ();

    fn update(&mut self, (): (), _: &mut Vec<()>) {
        self.0 += 1;
    }

    fn render(&self) -> Html<()> {
        self.1.set(self.1.get() + 1);
        html! { button onclick=(()) { (self.0) } }
    }
}

#[test]
fn a_version_is_rendered_when_outputs_are_asked_for_and_not_before() {
    let mut session = Session::new(Counted::default());
    assert_eq!(session.component().1.get(), 1, "the first page");
    let join = Join { session: 1, mode: JoinMode::Adopt, applied: 0, settled: 0, token: "", is_latest: true };
    session.handle_input(Timestamp(0), Input::Join(join));
    while session.poll_output().is_some() {}
    let clicks = (1..=5).map(|seq| {
        let (instance, slot, payload) = (1, 0, Payload::None);
        Input::Frame(ClientFrame::Event { ack: 0, seq, behind: 0, instance, slot, payload })
    });
    for input in clicks.chain([Input::Message(()), Input::Message(())]) {
        session.handle_input(Timestamp(0), input);
    }
    assert_eq!((session.component().0, session.component().1.get()), (7, 1));
    while session.poll_output().is_some() {}
    assert_eq!((session.version(), session.component().1.get()), (1, 2), "all of it is one version");
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
fn after_its_end_a_session_is_silent() {
    let mut client = Hostile::new(Board::default());
    client.event(0, 2, 0, 1, 0);
    let frames = client.frames.len();
    client.input(Input::Message(Msg::Set(1)));
    client.input(join(JoinMode::Rebuild, 0));
    assert_eq!(client.frames.len(), frames);
    assert_eq!(client.session.next_timeout(), None);
}

#[test]
fn a_resync_is_one_frame_that_holds_everything() {
    let mut page = Page::new(board(&[1, 2, 3]));
    page.click("row2");
    page.session.handle_input(page.now, Input::Frame(ClientFrame::Resync { ack: page.session.version() }));
    let start = page.frames.len();
    page.pump();
    let frames = page.frames[start..].iter().map(|frame| ServerFrame::decode(frame.bytes()).unwrap());
    let ours: Vec<_> = frames.filter(|(session, _)| *session == 1).collect();
    assert!(matches!(ours[..], [(1, ServerFrame::Snapshot { version: 2, .. })]), "{ours:?}");
    page.check();
    page.click("row3");
    assert_eq!(page.session.component().rows, [1]);
}

#[test]
fn a_session_without_a_socket_renders_nothing_and_catches_up_with_one_patch() {
    let mut page = Page::new(Board::default());
    page.cut();
    for count in 0..100 {
        page.session.handle_input(page.now, Input::Message(Msg::Set(count)));
    }
    let start = page.frames.len();
    page.advance_ms(limits::RECONNECT_MS_MAX);
    let patches = page.frames[start..].iter().filter(|frame| {
        matches!(
            ServerFrame::decode(frame.bytes()),
            Ok((_, ServerFrame::Patch { .. } | ServerFrame::Snapshot { .. }))
        )
    });
    assert_eq!(patches.count(), 1);
    assert_eq!(page.document.text_of("count").as_deref(), Some("99"));
}

#[test]
fn a_client_that_owes_an_acknowledgement_for_too_long_loses_its_socket_and_not_its_session() {
    let mut client = Hostile::new(Board::default());
    client.input(Input::Hibernate);
    let due = client.session.next_timeout().unwrap();
    assert_eq!(due, Timestamp(limits::ACK_MS_MAX));
    client.session.handle_input(due, Input::Timeout);
    let mut dropped = Vec::new();
    while let Some(output) = client.session.poll_output() {
        if let Output::Drop(reason) = output {
            dropped.push(reason);
        }
    }
    assert_eq!(dropped, [CloseReason::Unacknowledged]);
    assert!(!client.session.is_attached() && !client.session.is_closed());
    assert_eq!(client.session.next_timeout(), None, "nobody is waited for");
    client.input(join(JoinMode::Resume, 0));
    assert!(client.session.is_attached() && client.closed.is_none());
}

#[test]
fn a_client_that_says_more_is_handled_than_was_loses_its_session() {
    let mut client = Hostile::new(Board::default());
    let join =
        Join { session: 1, mode: JoinMode::Resume, applied: 0, settled: 1, token: "", is_latest: true };
    client.input(Input::Join(join));
    assert_eq!(client.closed, Some(CloseReason::BadAck));
}

/// Rows, an open branch, a field: everything that a tree has, after some events.
fn busy_page() -> Page<Board> {
    let mut page = Page::new(Board { is_open: true, ..board(&[1, 2, 3, 4, 5]) });
    page.click("row2");
    page.message(Msg::Rows(vec![5, 9, 3, 1]));
    page.advance_ms(1_000);
    page
}

fn hibernate(page: &mut Page<Board>) {
    page.session.handle_input(page.now, Input::Hibernate);
    assert!(page.session.poll_output().is_none(), "nobody is told");
    assert!(page.session.is_hibernating());
}

/// What is done to a page, each followed by time for the acknowledgement.
fn go_on(page: &mut Page<Board>, mut between: impl FnMut(&mut Page<Board>)) {
    let steps: [fn(&mut Page<Board>); 8] = [
        |page| page.click("row3"),
        |page| page.message(Msg::Rows(vec![1, 9, 7, 5])),
        |page| {
            let at = page.document.place_of("draft", EventKind::Input).unwrap();
            page.event(at, Payload::Text(" a "));
        },
        |page| {
            let at = page.document.place_of("row9", EventKind::Click).unwrap();
            page.fire(at, Payload::None);
            page.fire(at, Payload::None);
            page.pump();
        },
        |page| page.click("inside"),
        |page| page.cut(),
        |page| page.advance_ms(limits::RECONNECT_MS_MAX),
        |page| page.click("toggle"),
    ];
    for step in steps {
        step(page);
        page.advance_ms(1_000);
        between(page);
    }
}

#[test]
fn hibernation_changes_nothing_that_anybody_sees() {
    let (mut awake, mut sleepy) = (busy_page(), busy_page());
    go_on(&mut awake, |_| {});
    hibernate(&mut sleepy);
    go_on(&mut sleepy, |page| page.session.handle_input(page.now, Input::Hibernate));
    assert!(sleepy.session.is_hibernating());
    assert_eq!(awake.frames, sleepy.frames, "the same bytes, ids among them");
    assert_eq!(awake.session.component().log, sleepy.session.component().log);
    assert_eq!(awake.session.page_html(), sleepy.session.page_html());
}

#[test]
fn a_page_that_has_shown_nothing_but_its_html_wakes_as_well() {
    for frame in [ClientFrame::Ack { ack: 0, behind: 0 }, ClientFrame::Resync { ack: 0 }] {
        let mut page = Page::new(board(&[1, 2, 3]));
        hibernate(&mut page);
        page.session.handle_input(page.now, Input::Frame(frame));
        page.pump();
        page.click("row2");
        assert_eq!(page.session.component().rows, [1, 3]);
    }
}

#[test]
fn an_idle_session_hibernates_and_a_busy_one_does_not() {
    let mut page = busy_page();
    let due = page.session.next_timeout().unwrap();
    assert!(!page.session.is_hibernating());
    page.session.handle_input(Timestamp(due.0 - 1), Input::Timeout);
    assert!(!page.session.is_hibernating(), "a timeout before its time");
    page.message(Msg::Inside);
    page.session.handle_input(due, Input::Timeout);
    assert!(!page.session.is_hibernating(), "it has had something to do since");
    let due = page.session.next_timeout().unwrap();
    page.session.handle_input(due, Input::Timeout);
    assert!(page.session.is_hibernating());
    assert_eq!(page.session.next_timeout(), None, "nothing is waited for");
}

#[test]
fn what_cannot_be_rendered_again_is_kept() {
    // A change that nobody has been shown: the state isn't that of the tree any more.
    let mut page = busy_page();
    page.cut();
    page.session.handle_input(page.now, Input::Message(Msg::Set(7)));
    page.session.handle_input(page.now, Input::Hibernate);
    assert!(!page.session.is_hibernating());
    // A page that is yet to join asks for its tree at once.
    let mut page = Page::unjoined(Board::default());
    page.session.handle_input(page.now, Input::Hibernate);
    assert!(!page.session.is_hibernating());
}

#[test]
fn a_click_on_an_older_version_finds_what_was_rendered_then_though_the_session_hibernates() {
    let mut page = busy_page();
    let at = page.document.place_of("set", EventKind::Click).unwrap();
    // Made before the client hears of what comes next.
    page.session.handle_input(page.now, Input::Message(Msg::Set(41)));
    while page.session.poll_output().is_some() {}
    hibernate(&mut page);
    page.event(at, Payload::None);
    assert_eq!(page.session.component().log.last(), Some(&Msg::Set(1)), "and not 42, which nobody saw");
}

/// Renders what isn't in its state.
#[derive(Default)]
struct Impure {
    taken: u32,
    shared: std::sync::Arc<std::sync::atomic::AtomicU32>,
}

impl Component for Impure {
    type Message = u32;
    type Effect = ();

    fn update(&mut self, by: u32, _: &mut Vec<()>) {
        self.taken += by;
    }

    fn render(&self) -> Html<u32> {
        let shared = self.shared.load(std::sync::atomic::Ordering::Relaxed);
        html! { button #take onclick=(1) { (self.taken) } span { (shared) } }
    }
}

#[test]
fn a_render_that_has_come_out_otherwise_is_sent_as_a_whole() {
    let shared = std::sync::Arc::default();
    let mut page = Page::new(Impure { taken: 0, shared: std::sync::Arc::clone(&shared) });
    page.advance_ms(1_000);
    let at = page.document.place_of("take", EventKind::Click).unwrap();
    page.session.handle_input(page.now, Input::Hibernate);
    assert!(page.session.is_hibernating());
    shared.store(5, std::sync::atomic::Ordering::Relaxed);
    let start = page.frames.len();
    page.event(at, Payload::None);
    // What stood at that place when it was seen isn't known.
    assert_eq!((page.session.component().taken, page.refused.len()), (0, 1));
    let whole = page.frames[start..]
        .iter()
        .filter(|frame| matches!(ServerFrame::decode(frame.bytes()), Ok((1, ServerFrame::Snapshot { .. }))));
    assert_eq!(whole.count(), 1);
    page.check();
    page.click("take");
    assert_eq!(page.session.component().taken, 1);
    page.advance_ms(1_000);
    page.session.handle_input(page.now, Input::Hibernate);
    assert!(!page.session.is_hibernating(), "once is enough");
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

    // Stored with every event, and not before it is acknowledged.
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
    assert_eq!(drain(&mut session, true).0, ["ack 13"], "it is stored and acknowledged, and not rendered");

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
