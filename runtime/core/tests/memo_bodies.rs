//! One memoized list that several parts of a page go over: each shows its own rows, with handlers and ids of its own.
#![allow(missing_docs, clippy::unwrap_used, reason = "a test")]

extern crate lightspeed_core as lightspeed;

use std::collections::BTreeSet;

use lightspeed_core::{Component, Html, Input, MemoList};
use lightspeed_interpreter::Address;
use lightspeed_macros::html;
use lightspeed_protocol::msgpack::Payload;
use lightspeed_protocol::template::EventKind;
use lightspeed_testing::Page;

/// How a part of the page shows the rows.
#[derive(Debug, Clone, Copy)]
enum Body {
    Take,
    /// Of the same HTML as `Take`, but for what goes into it.
    Leave,
    /// Of other HTML.
    Note,
    /// By a function that others call too.
    Shared(&'static str),
}

#[derive(Debug, Clone)]
enum Msg {
    Rows(Vec<u64>),
    Pressed(&'static str, u64),
}

struct Board {
    bodies: &'static [Body],
    rows: Vec<u64>,
    memo: MemoList<u64, Msg>,
    shared: MemoList<(&'static str, u64), Msg>,
    pressed: Vec<String>,
}

impl Body {
    const fn word(self) -> &'static str {
        match self {
            Self::Take => "take",
            Self::Leave => "leave",
            Self::Note => "note",
            Self::Shared(word) => word,
        }
    }
}

impl Board {
    /// What tells the calls apart is among what the rows depend on.
    fn shared(&self, word: &'static str) -> Html<Msg> {
        html! {
            ul { @memo row in self.shared.over(&self.rows, |row| (word, **row)) {
                li key=(row) { button onclick=(Msg::Pressed(word, *row)) { (format!("{word} {row}")) } }
            } }
        }
    }

    fn list(&self, body: Body) -> Html<Msg> {
        match body {
            Body::Take => html! {
                ul { @memo row in self.memo.over(&self.rows, |row| **row) {
                    li key=(row) { button onclick=(Msg::Pressed("take", *row)) { (format!("take {row}")) } }
                } }
            },
            Body::Leave => html! {
                ul { @memo row in self.memo.over(&self.rows, |row| **row) {
                    li key=(row) { button onclick=(Msg::Pressed("leave", *row)) { (format!("leave {row}")) } }
                } }
            },
            Body::Note => html! {
                ul { @memo row in self.memo.over(&self.rows, |row| **row) {
                    li key=(row) { b { (row) } button onclick=(Msg::Pressed("note", *row)) { "note " (row) } }
                } }
            },
            Body::Shared(word) => self.shared(word),
        }
    }
}

impl Component for Board {
    type Message = Msg;
    type Effect = ();

    fn update(&mut self, message: Msg, _: &mut Vec<()>) {
        match message {
            Msg::Rows(rows) => self.rows = rows,
            Msg::Pressed(word, row) => self.pressed.push(format!("{word} {row}")),
        }
    }

    fn render(&self) -> Html<Msg> {
        html! { @for (place, body) in self.bodies.iter().enumerate() { section key=(place) { (self.list(*body)) } } }
    }
}

/// The buttons in their order: what is on them and where they are.
fn buttons(page: &Page<Board>) -> Vec<(String, Address)> {
    let elements = page.document.elements("button").into_iter();
    elements
        .map(|button| {
            let at = page.document.place_on(button, EventKind::Click);
            (page.document.text(button), at.unwrap())
        })
        .collect()
}

#[track_caller]
fn check(bodies: &'static [Body]) {
    let (rows, memo, shared, pressed) = (vec![1, 2, 3], MemoList::new(), MemoList::new(), Vec::new());
    let mut page = Page::new(Board { bodies, rows, memo, shared, pressed });
    let mut before = buttons(&page);
    for rows in [&[1, 2, 3][..], &[3, 1, 2, 4], &[2], &[5, 2, 6], &[], &[2, 5]] {
        page.message(Msg::Rows(rows.to_vec()));
        let expected = bodies.iter().flat_map(|body| rows.iter().map(|row| format!("{} {row}", body.word())));
        let expected: Vec<_> = expected.collect();
        let shown = buttons(&page);
        let texts: Vec<_> = shown.iter().map(|(text, _)| text.clone()).collect();
        assert_eq!(texts, expected, "each place shows its own rows");
        let places: BTreeSet<_> = shown.iter().map(|(_, at)| at.instance).collect();
        assert_eq!(places.len(), shown.len(), "no two of them are one instance");
        for kept in before.iter().filter(|(text, _)| expected.contains(text)) {
            assert!(shown.contains(kept), "{kept:?} stays what it is");
        }
        page.session.handle_input(page.now, Input::Hibernate);
        for (_, at) in &shown {
            page.event(*at, Payload::None);
        }
        assert_eq!((&page.refused[..], page.closed), (&[][..], None));
        let pressed = page.session.component().pressed.clone();
        assert_eq!(&pressed[pressed.len() - shown.len()..], expected, "and takes its own clicks");
        before = shown;
    }
}

#[test]
fn one_body_at_two_places() {
    check(&[Body::Take, Body::Take]);
}

#[test]
fn bodies_of_other_html() {
    check(&[Body::Take, Body::Note]);
    check(&[Body::Note, Body::Take, Body::Note]);
}

#[test]
fn bodies_that_differ_in_what_goes_into_the_same_html() {
    check(&[Body::Take, Body::Leave]);
    check(&[Body::Leave, Body::Note, Body::Take, Body::Leave]);
}

#[test]
fn one_body_in_a_function_that_is_called_twice() {
    check(&[Body::Shared("give"), Body::Shared("keep")]);
    check(&[Body::Shared("give"), Body::Take, Body::Shared("keep"), Body::Shared("give")]);
}
