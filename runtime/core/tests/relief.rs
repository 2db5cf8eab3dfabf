//! What is kept for a client that doesn't acknowledge: how much it is, and how it is let go of.
#![allow(missing_docs, clippy::unwrap_used, reason = "a test")]

extern crate lightspeed_core as lightspeed;

use lightspeed_core::{Component, Html, Input};
use lightspeed_macros::html;
use lightspeed_protocol::msgpack::Payload;
use lightspeed_protocol::template::EventKind;
use lightspeed_testing::Page;

const ROWS: usize = 1_000;

/// A row's head alone.
const ROW_BYTES: usize = 16;

#[derive(Debug, Default)]
struct Table {
    selected: usize,
}

impl Component for Table {
    type Message = ();
    type Effect = ();

    fn update(&mut self, (): (), _: &mut Vec<()>) {
        self.selected += 1;
    }

    fn render(&self) -> Html<()> {
        html! {
            button #next onclick=(()) { "next" }
            ul { @for row in 0..ROWS { li key=(row) class=(if row == self.selected { "selected" } else { "" }) { "row " (row) } } }
        }
    }
}

/// A page whose client has made so many events, whose answers haven't reached it.
fn owing(events: u64) -> Page<Table> {
    let mut page = Page::new(Table::default());
    page.advance_ms(1_000);
    let at = page.document.place_of("next", EventKind::Click).unwrap();
    for _ in 0..events {
        page.fire(at, Payload::None);
        page.pass_up();
    }
    page
}

#[test]
fn trees_of_older_versions_count_however_small_the_patches_are() {
    let mut page = owing(0);
    assert_eq!(page.session.waiting_byte_count(), 0);
    let page_of = |events: u64| {
        let page = owing(events);
        let (patches, patch_bytes) = page.session.unacked();
        assert_eq!(patches as u64, events);
        assert!(patch_bytes < 100 * patches, "{patch_bytes}");
        page.session.waiting_byte_count()
    };
    let (one, five) = (page_of(1), page_of(5));
    assert!(one > ROWS * ROW_BYTES, "{one} bytes");
    assert!((4 * one..=6 * one).contains(&five), "{one} and {five} bytes");
    page = owing(5);
    page.pump();
    page.advance_ms(1_000);
    assert!(page.session.waiting_byte_count() <= one, "what is acknowledged isn't kept");
}

#[test]
fn what_waits_is_let_go_of_and_the_client_gets_the_document_when_it_comes_back() {
    // As many as may wait, and some that no render has shown.
    let mut page = owing(12);
    page.session.handle_input(page.now, Input::Relieve);
    assert_eq!(page.session.waiting_byte_count(), 0);
    assert_eq!(page.session.unacked(), (0, 0));
    assert!(!page.session.is_attached() && page.session.is_hibernating());
    page.cut();
    page.advance_ms(10_000);
    assert!(page.session.is_attached());
    page.check();
    assert_eq!(page.session.component().selected, 12, "no event is lost");
    assert_eq!(page.client.version(1), Some(page.session.version()), "the client has what was rendered last");
    assert!(page.refused.is_empty(), "{:?}", page.refused);
    // And everything goes on.
    page.click("next");
    page.check();
    assert_eq!(page.session.component().selected, 13);
}

#[test]
fn relief_of_a_session_that_keeps_nothing_loses_nothing() {
    let mut page = owing(0);
    for _ in 0..2 {
        page.session.handle_input(page.now, Input::Relieve);
        page.cut();
        page.session.handle_input(page.now, Input::Relieve);
        page.advance_ms(10_000);
        page.check();
        page.click("next");
        page.check();
    }
    assert_eq!(page.session.component().selected, 2);
}
