//! Sessions without a tree, beside others.

use lightspeed_core::{Component, Html, Input};
use lightspeed_macros::html;
use lightspeed_protocol::frame::{ClientFrame, ServerFrame};
use lightspeed_protocol::msgpack::Payload;
use lightspeed_protocol::template::EventKind;
use lightspeed_protocol::{Timestamp, limits};
use lightspeed_testing::Page;

use crate::board::{Board, Msg, board};

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
