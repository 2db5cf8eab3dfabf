//! Streams: whatever is done to one, the page shows what a list of the same rows would show.
#![allow(missing_docs, clippy::unwrap_used, reason = "a test")]

extern crate lightspeed_core as lightspeed;

use lightspeed_core::session::checkpoint::LoadError;
use lightspeed_core::{Component, Html, Input, Policy, Session, Stream};
use lightspeed_interpreter::MemoryDocument;
use lightspeed_macros::html;
use lightspeed_protocol::frame::ServerFrame;
use lightspeed_protocol::isa::{Op, ProgramReader};
use lightspeed_protocol::msgpack::Payload;
use lightspeed_protocol::template::EventKind;
use lightspeed_testing::{Page, Passed};
use proptest::prelude::*;

#[derive(Debug, Clone, PartialEq)]
struct Row {
    id: u64,
    text: String,
    is_open: bool,
}

#[derive(Debug, Clone)]
enum Msg {
    Do(Vec<Act>),
    Clicked(u64, String),
}

#[derive(Debug, Clone)]
enum Act {
    Append(u64, String),
    Prepend(u64, String),
    Before(u64, u64, String),
    After(u64, u64, String),
    At(usize, u64, String),
    Update(u64, String),
    Delete(u64),
    Clear,
    KeepFirst(usize),
    KeepLast(usize),
    Reset,
    /// The list shows or hides.
    Hide,
    /// The list moves to another place of the page.
    Swap,
}

/// A list that is there, and a stream that isn't.
#[derive(Debug, Clone, Default)]
struct List {
    rows: Vec<Row>,
    stream: Stream<Row>,
    is_hidden: bool,
    is_swapped: bool,
    clicked: Vec<(u64, String)>,
}

fn row(id: u64, text: &str) -> Row {
    Row { id, text: text.to_owned(), is_open: text.len() % 2 == 1 }
}

impl List {
    fn position(&self, id: u64) -> Option<usize> {
        self.rows.iter().position(|row| row.id == id)
    }

    /// The model: what the stream says that it does, done to a list.
    fn put(&mut self, index: usize, row: Row) {
        match self.position(row.id) {
            Some(there) => self.rows[there] = row,
            None => self.rows.insert(index.min(self.rows.len()), row),
        }
    }

    fn act(&mut self, act: Act) {
        match act {
            Act::Append(id, text) => {
                self.stream.append(row(id, &text));
                self.put(usize::MAX, row(id, &text));
            }
            Act::Prepend(id, text) => {
                self.stream.prepend(row(id, &text));
                self.put(0, row(id, &text));
            }
            Act::Before(other, id, text) => {
                self.stream.insert_before(&other, row(id, &text));
                self.put(self.position(other).unwrap_or(usize::MAX), row(id, &text));
            }
            Act::After(other, id, text) => {
                self.stream.insert_after(&other, row(id, &text));
                self.put(self.position(other).map_or(usize::MAX, |index| index + 1), row(id, &text));
            }
            Act::At(index, id, text) => {
                self.stream.insert_at(index, row(id, &text));
                self.put(index, row(id, &text));
            }
            Act::Update(id, text) => {
                self.stream.update(row(id, &text));
                if let Some(index) = self.position(id) {
                    self.rows[index] = row(id, &text);
                }
            }
            Act::Delete(id) => {
                self.stream.delete(&id);
                self.rows.retain(|row| row.id != id);
            }
            Act::Clear => {
                self.stream.clear();
                self.rows.clear();
            }
            Act::KeepFirst(count) => {
                self.stream.keep_first(count);
                self.rows.truncate(count);
            }
            Act::KeepLast(count) => {
                self.stream.keep_last(count);
                self.rows.drain(..self.rows.len().saturating_sub(count));
            }
            Act::Reset => {
                self.rows.reverse();
                self.stream.reset();
            }
            Act::Hide => self.is_hidden = !self.is_hidden,
            Act::Swap => self.is_swapped = !self.is_swapped,
        }
    }

    fn view(&self) -> Html<Msg> {
        html! {
            ul {
                @stream row in self.stream.over(|| &self.rows) {
                    li key=(row.id) title=(row.text) .long[row.text.len() > 3] {
                        (row.text)
                        @if row.is_open { b { "open " button id={ "inner" (row.id) } onclick=(Msg::Clicked(row.id, "inner".to_owned())) { "!" } } }
                        @for (index, letter) in row.text.chars().enumerate() {
                            i key=(index) id={ "letter" (row.id) "-" (index) } onclick=(Msg::Clicked(row.id, letter.to_string())) { (letter) }
                        }
                        button id={ "row" (row.id) } onclick=(Msg::Clicked(row.id, row.text.clone())) { "x" }
                    }
                }
            }
        }
    }
}

impl Component for List {
    type Message = Msg;
    type Effect = ();

    fn update(&mut self, message: Msg, _: &mut Vec<()>) {
        match message {
            Msg::Do(acts) => acts.into_iter().for_each(|act| self.act(act)),
            Msg::Clicked(id, text) => self.clicked.push((id, text)),
        }
    }

    fn render(&self) -> Html<Msg> {
        html! {
            p { (self.clicked.len()) }
            @if self.is_hidden { "hidden" }
            @else if self.is_swapped { section { (self.view()) } }
            @else { (self.view()) }
        }
    }

    fn save(&self) -> Option<Vec<u8>> {
        let rows = self.rows.iter().map(|row| format!("{} {}", row.id, row.text));
        Some(rows.collect::<Vec<_>>().join("\n").into_bytes())
    }

    fn load(&mut self, state: &[u8]) -> Result<(), LoadError> {
        let lines = std::str::from_utf8(state).map_err(|_| LoadError)?.lines();
        let rows = lines.map(|line| {
            let (id, text) = line.split_once(' ').ok_or(LoadError)?;
            Ok(row(id.parse().map_err(|_| LoadError)?, text))
        });
        self.rows = rows.collect::<Result<_, _>>()?;
        Ok(())
    }
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let id = || 0u64..12;
    let text = || "[a-c]{0,5}";
    let act = prop_oneof![
        4 => (id(), text()).prop_map(|(id, text)| Act::Append(id, text)),
        2 => (id(), text()).prop_map(|(id, text)| Act::Prepend(id, text)),
        2 => (id(), id(), text()).prop_map(|(other, id, text)| Act::Before(other, id, text)),
        2 => (id(), id(), text()).prop_map(|(other, id, text)| Act::After(other, id, text)),
        2 => (0usize..14, id(), text()).prop_map(|(index, id, text)| Act::At(index, id, text)),
        3 => (id(), text()).prop_map(|(id, text)| Act::Update(id, text)),
        3 => id().prop_map(Act::Delete),
        1 => Just(Act::Clear),
        1 => (0usize..9).prop_map(Act::KeepFirst),
        1 => (0usize..9).prop_map(Act::KeepLast),
        1 => Just(Act::Reset),
        1 => Just(Act::Hide),
        1 => Just(Act::Swap),
    ];
    proptest::collection::vec(act, 0..8)
}

/// What a page of a list with these rows looks like.
fn whole(list: &List) -> String {
    MemoryDocument::canonical(&list.clone().render().to_html())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_stream_shows_what_a_list_would(
        rows in proptest::collection::btree_map(0u64..12, "[a-c]{0,5}", 0..9),
        steps in proptest::collection::vec((acts(), any::<u8>()), 1..8),
        is_rebuilt in any::<bool>(),
    ) {
        let list = List { rows: rows.iter().map(|(id, text)| row(*id, text)).collect(), ..List::default() };
        let mut page = if is_rebuilt { Page::rebuilt(list) } else { Page::new(list) };
        for (acts, pick) in steps {
            page.message(Msg::Do(acts));
            prop_assert_eq!(page.document.to_html(), whole(page.session.component()));
            // A click on any of the rows is what its row says now.
            let rows = page.session.component().rows.clone();
            if !page.session.component().is_hidden && !rows.is_empty() {
                let Row { id, text, is_open } = rows[usize::from(pick) % rows.len()].clone();
                page.click(&format!("row{id}"));
                prop_assert_eq!(page.session.component().clicked.last().unwrap(), &(id, text));
                if is_open {
                    page.click(&format!("inner{id}"));
                    prop_assert_eq!(page.session.component().clicked.last().unwrap(), &(id, "inner".to_owned()));
                }
                prop_assert!(page.closed.is_none());
                prop_assert!(page.refused.is_empty());
            }
        }
    }
}

fn page(count: u64) -> Page<List> {
    let rows = (0..count).map(|id| row(id, "text")).collect();
    Page::new(List { rows, ..List::default() })
}

#[test]
fn a_row_that_was_updated_does_what_it_said_when_it_was_clicked() {
    let mut page = page(3);
    let at = page.document.place_of("row1", EventKind::Click).unwrap();
    // The click is made on a page that doesn't show the update yet.
    page.fire(at, Payload::None);
    page.session.handle_input(page.now, Input::Message(Msg::Do(vec![Act::Update(1, "new".into())])));
    page.pump();
    assert_eq!(page.session.component().clicked, [(1, "text".to_owned())]);
    page.click("row1");
    assert_eq!(page.session.component().clicked[1], (1, "new".to_owned()));
    // And so does a list within the row.
    page.click("letter1-2");
    assert_eq!(page.session.component().clicked[2], (1, "w".to_owned()));
}

#[test]
fn a_row_that_is_gone_refuses() {
    let mut page = page(3);
    let at = page.document.place_of("row1", EventKind::Click).unwrap();
    page.fire(at, Payload::None);
    let acts = vec![Act::Delete(1), Act::Append(1, "another".into())];
    page.session.handle_input(page.now, Input::Message(Msg::Do(acts)));
    page.pump();
    assert_eq!(page.refused, [1]);
    assert_eq!(page.session.component().clicked, []);
}

/// The names of the instructions in the frames since `start`; a snapshot's begin with `reset`.
fn instructions(page: &Page<List>, start: usize) -> Vec<&'static str> {
    let mut names = Vec::new();
    for frame in &page.frames[start..] {
        let Passed::Down(bytes) = frame else { continue };
        let (ServerFrame::Patch { program, .. } | ServerFrame::Snapshot { program, .. }) =
            ServerFrame::decode(bytes).unwrap().1
        else {
            continue;
        };
        let mut reader = ProgramReader::new(program).unwrap();
        while let Some((_, op)) = reader.next_op().unwrap() {
            names.push(match op {
                Op::Insert { .. } => "insert",
                Op::Remove { .. } => "remove",
                Op::Clear { .. } => "clear",
                Op::Reset { .. } => "reset",
                Op::Content { .. } => "content",
                Op::Text { .. } => "text",
                _ => "other",
            });
        }
    }
    names
}

#[track_caller]
fn check(page: &mut Page<List>, acts: Vec<Act>, expected: &[&str]) {
    let start = page.frames.len();
    page.message(Msg::Do(acts));
    assert_eq!(instructions(page, start), expected);
    assert_eq!(page.document.to_html(), whole(page.session.component()));
}

#[test]
fn what_travels_is_what_has_changed() {
    let mut page = page(100);
    let append = |id| Act::Append(id, "ab".into());
    check(&mut page, vec![append(200), append(201), append(202)], &["insert"]);
    check(&mut page, vec![Act::Prepend(203, "ab".into()), append(204)], &["insert", "insert"]);
    check(&mut page, vec![Act::Delete(50)], &["remove"]);
    check(&mut page, vec![Act::Delete(1_000), Act::Update(1_000, "ab".into())], &[]);
    check(&mut page, vec![Act::KeepLast(20)], &["remove"]);
    check(&mut page, vec![Act::Clear, append(1)], &["clear", "insert"]);
    check(&mut page, vec![Act::Reset], &["clear", "insert"]);
    // At another place everything is new there.
    check(&mut page, vec![Act::Swap], &["content"]);
    check(&mut page, vec![append(2)], &["insert"]);
}

#[test]
fn more_changes_than_may_wait_fill_the_list_anew() {
    let rows: Vec<_> = (0..3).map(|id| row(id, "text")).collect();
    let mut page = Page::new(List { rows, stream: Stream::with_changes_max(4), ..List::default() });
    check(&mut page, (10..14).map(|id| Act::Append(id, "ab".into())).collect(), &["insert"]);
    check(&mut page, (20..25).map(|id| Act::Append(id, "ab".into())).collect(), &["clear", "insert"]);
    check(&mut page, vec![Act::Append(30, "ab".into())], &["insert"]);
}

#[test]
fn what_changes_while_nobody_is_there_is_one_patch() {
    let mut page = page(3);
    page.cut();
    page.message(Msg::Do(vec![Act::Append(10, "ab".into()), Act::Delete(0)]));
    page.message(Msg::Do(vec![Act::Update(10, "cd".into()), Act::Append(11, "ef".into())]));
    let start = page.frames.len();
    page.advance_ms(10_000);
    let is_patch = |frame: &&Passed| match frame {
        Passed::Down(bytes) => matches!(ServerFrame::decode(bytes).unwrap().1, ServerFrame::Patch { .. }),
        Passed::Up(_) => false,
    };
    assert_eq!(page.frames[start..].iter().filter(is_patch).count(), 1);
    assert_eq!(instructions(&page, start)[..2], ["insert", "remove"]);
    assert_eq!(page.document.to_html(), whole(page.session.component()));
    page.click("row11");
    assert_eq!(page.session.component().clicked, [(11, "ef".to_owned())]);
}

#[test]
fn another_server_fills_the_list_anew_and_leaves_the_rest() {
    let rows = (0..3).map(|id| row(id, "text")).collect();
    let list = List { rows, ..List::default() };
    let mut page = Page::over(Session::with_policy(list, Policy::Durable));
    page.client.handle_start(page.now);
    page.pump();
    page.message(Msg::Do(vec![Act::Append(10, "ab".into())]));
    let at = page.document.place_of("row10", EventKind::Click).unwrap();
    let start = page.frames.len();
    page.restart(List::default(), Policy::Durable);
    // Made on a row that is about to be filled in anew.
    page.fire(at, Payload::None);
    page.advance_ms(10_000);
    assert_eq!(instructions(&page, start), ["clear", "insert"]);
    assert_eq!(page.refused, [1]);
    assert_eq!(page.document.to_html(), whole(page.session.component()));
    page.click("row10");
    assert_eq!(page.session.component().clicked, [(10, "ab".to_owned())]);
    check(
        &mut page,
        vec![Act::Update(10, "cd".into()), Act::Delete(0)],
        &["other", "other", "text", "content", "clear", "insert", "other", "remove"],
    );
}

#[test]
fn a_page_that_was_let_go_of_is_not_adopted_again() {
    let mut page = page(3);
    // The tab was closed and opened again from what the browser had kept of the page.
    let html = page.html.clone();
    page.advance_ms(1_000);
    page.cut();
    page.client = lightspeed_interpreter::Client::new("test", 2);
    page.client.add_session("token");
    page.document = MemoryDocument::from_html(&html);
    let start = page.frames.len();
    page.client.handle_start(page.now);
    page.pump();
    assert_eq!(instructions(&page, start), ["reset"]);
    check(&mut page, vec![Act::Append(10, "ab".into())], &["insert"]);
}

/// One stream at two places.
#[derive(Default)]
struct Twice(Vec<Row>, Stream<Row>, bool);

impl Component for Twice {
    type Message = Row;
    type Effect = ();

    fn update(&mut self, row: Row, _: &mut Vec<()>) {
        self.2 = row.is_open;
        self.0.push(row.clone());
        self.1.append(row);
    }

    fn render(&self) -> Html<Row> {
        let list =
            || html! { ul { @stream row in self.1.over(|| &self.0) { li key=(row.id) { (row.text) } } } };
        html! { (list()) @if self.2 { (list()) } }
    }
}

#[test]
fn a_stream_may_be_shown_twice() {
    let mut page = Page::new(Twice::default());
    for (id, is_open) in [false, true, true, true, false, false, true, true].into_iter().enumerate() {
        page.message(Row { id: id as u64, text: "text".to_owned(), is_open });
        assert_eq!(page.document.to_html().matches("<li>").count(), (id + 1) * (1 + usize::from(is_open)));
    }
}
