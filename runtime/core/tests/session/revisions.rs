//! When a version is made, and what it takes.

use lightspeed_core::session::{Join, Session};
use lightspeed_core::{Component, Html, Input};
use lightspeed_macros::html;
use lightspeed_protocol::Timestamp;
use lightspeed_protocol::frame::{ClientFrame, JoinMode};
use lightspeed_protocol::msgpack::Payload;
use lightspeed_testing::Page;

use crate::board::{Msg, board};

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
