//! Memos: whatever happens to a page with memoized parts, it says and shows what the same page without them does.
#![allow(missing_docs, clippy::unwrap_used, reason = "a test")]

extern crate lightspeed_core as lightspeed;

use std::cell::Cell;
use std::fmt::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;

use lightspeed_core::session::checkpoint::LoadError;
use lightspeed_core::session::recovery::Recovery;
use lightspeed_core::{Component, Html, Input, Memo, MemoList, Policy, Session, Stream};
use lightspeed_interpreter::MemoryDocument;
use lightspeed_macros::html;
use lightspeed_protocol::close::CloseReason;
use lightspeed_protocol::frame::ClientFrame;
use lightspeed_protocol::msgpack::Payload;
use lightspeed_protocol::template::EventKind;
use lightspeed_testing::Page;
use proptest::prelude::*;

#[derive(Debug, Clone, PartialEq)]
struct Row {
    id: u64,
    text: String,
    draft: String,
    is_open: bool,
}

#[derive(Debug, Clone)]
enum Msg {
    Do(Vec<Act>),
    Draft(String),
    RowDraft(u64, String),
    Clicked(u64, String),
    Sent,
}

#[derive(Debug, Clone)]
enum Act {
    Insert(usize, u64, String),
    Remove(u64),
    Write(u64, String),
    Select(u64),
    Reverse,
    Rotate,
    Count,
    Log(u64),
    /// The list moves to another place of the page.
    Swap,
    /// The parts are shown a second time, or no longer.
    Twice,
    Hide,
    /// Panics.
    Poison,
    /// Leaves a state that can't be rendered.
    Spoil,
}

const POISON: &str = "poison";
const SPOILT: &str = "spoilt";

/// No memos at all.
const PLAIN: u8 = 0;
/// Rows are memoized, and the head.
const ROWS: u8 = 1;
/// So is the whole list, with the rows in it.
const NESTED: u8 = 2;
/// The same, and each part is a child whose messages are mapped.
const MAPPED: u8 = 3;

/// The same page in four ways.
#[derive(Debug, Clone, Default)]
struct Board<const MEMOS: u8> {
    state: State,
    head: Memo<(String, u64), Msg>,
    list: Memo<(Vec<Row>, u64), Msg>,
    rows: MemoList<(Row, bool), Msg>,
    other_rows: MemoList<(Row, bool), Msg>,
    tail: Memo<usize, Msg>,
    stream: Stream<u64>,
}

#[derive(Debug, Clone, Default, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a part of the page that is there or not")]
struct State {
    rows: Vec<Row>,
    selected: u64,
    count: u64,
    draft: String,
    log: Vec<u64>,
    clicked: Vec<(u64, String)>,
    is_swapped: bool,
    is_twice: bool,
    is_hidden: bool,
    is_bad: bool,
    has_stream: bool,
}

thread_local! {
    static ROWS_RENDERED: Cell<u64> = const { Cell::new(0) };
}

fn row(id: u64, text: &str) -> Row {
    Row { id, text: text.to_owned(), draft: String::new(), is_open: text.len() % 2 == 1 }
}

macro_rules! list {
    ($board:ident, $over:tt, $rows:expr) => {
        html! {
            ul {
                @$over row in $rows {
                    li key=(row.id) .selected[row.id == $board.state.selected] title=(row.text) {
                        ({ ROWS_RENDERED.set(ROWS_RENDERED.get() + 1); &row.text })
                        button id={ "row" (row.id) } onclick=(Msg::Clicked(row.id, row.text.clone())) { "x" }
                        @if row.is_open {
                            form id={ "form" (row.id) } onsubmit=(|()| Msg::Sent) { input name="other" value=(row.text); }
                        }
                        (Self::child(Self::field(row)))
                    }
                }
            }
        }
    };
}

impl<const MEMOS: u8> Board<MEMOS> {
    fn act(&mut self, act: Act) {
        let state = &mut self.state;
        let position = |id: u64| state.rows.iter().position(|row| row.id == id);
        match act {
            Act::Insert(index, id, text) => match position(id) {
                Some(there) => state.rows[there] = row(id, &text),
                None => state.rows.insert(index.min(state.rows.len()), row(id, &text)),
            },
            Act::Remove(id) => state.rows.retain(|row| row.id != id),
            Act::Write(id, text) => {
                if let Some(index) = position(id) {
                    state.rows[index].text = text;
                }
            }
            Act::Select(id) => state.selected = id,
            Act::Reverse => state.rows.reverse(),
            Act::Rotate => {
                let by = 2.min(state.rows.len());
                state.rows.rotate_left(by);
            }
            Act::Count => state.count += 1,
            Act::Log(number) if state.log.contains(&number) => {}
            Act::Log(number) => {
                state.log.push(number);
                self.stream.append(number);
            }
            Act::Swap => state.is_swapped = !state.is_swapped,
            Act::Twice => state.is_twice = !state.is_twice,
            Act::Hide => state.is_hidden = !state.is_hidden,
            Act::Poison => {
                state.rows.clear();
                resume_unwind(Box::new(POISON));
            }
            Act::Spoil => {
                state.rows.reverse();
                state.is_bad = true;
            }
        }
    }

    fn child(html: Html<Msg>) -> Html<Msg> {
        if MEMOS != MAPPED {
            return html;
        }
        html.map(Some).map(|message| message.unwrap())
    }

    fn field(row: &Row) -> Html<Msg> {
        let id = row.id;
        html! { input id={ "field" (id) } value=(row.draft) oninput=(move |text| Msg::RowDraft(id, text)); }
    }

    fn head(&self) -> Html<Msg> {
        html! { h1 { (self.state.count / 3) } input id="draft" name="draft" value=(self.state.draft) oninput=(Msg::Draft); }
    }

    fn tail(&self) -> Html<Msg> {
        html! { ol { @stream number in self.stream.over(|| &self.state.log) { li key=(number) { (number) } } } }
    }

    fn list_of(&self, rows: &MemoList<(Row, bool), Msg>) -> Html<Msg> {
        if MEMOS == PLAIN {
            return list!(self, for, &self.state.rows);
        }
        list!(self, memo, rows.over(&self.state.rows, |row| ((*row).clone(), row.id == self.state.selected)))
    }

    fn list(&self) -> Html<Msg> {
        if MEMOS >= NESTED {
            let deps = (self.state.rows.clone(), self.state.selected);
            html! { (self.list.of(deps, || self.list_of(&self.rows))) }
        } else {
            html! { (self.list_of(&self.rows)) }
        }
    }

    fn heads(&self) -> Html<Msg> {
        if MEMOS == PLAIN {
            html! { (self.head()) }
        } else {
            html! { (self.head.of((self.state.draft.clone(), self.state.count / 3), || self.head())) }
        }
    }

    fn tails(&self) -> Html<Msg> {
        if MEMOS == PLAIN {
            html! { (self.tail()) }
        } else {
            html! { (self.tail.of(0, || self.tail())) }
        }
    }
}

impl<const MEMOS: u8> Component for Board<MEMOS> {
    type Message = Msg;
    type Effect = ();

    fn update(&mut self, message: Msg, _: &mut Vec<()>) {
        match message {
            Msg::Do(acts) => acts.into_iter().for_each(|act| self.act(act)),
            Msg::Draft(text) => self.state.draft = text.chars().take(2).collect(),
            Msg::RowDraft(id, text) => {
                if let Some(row) = self.state.rows.iter_mut().find(|row| row.id == id) {
                    row.draft = text.chars().take(2).collect();
                }
            }
            Msg::Clicked(id, text) => self.state.clicked.push((id, text)),
            Msg::Sent => self.state.count += 1,
        }
    }

    fn render(&self) -> Html<Msg> {
        let html = html! {
            button #count onclick=(Msg::Do(vec![Act::Count])) { (self.state.count) }
            (Self::child(self.heads()))
            @if self.state.is_twice { aside { (Self::child(self.heads())) (Self::child(self.list_of(&self.other_rows))) } }
            @if self.state.is_hidden { "hidden" }
            @else if self.state.is_swapped { section { (Self::child(self.list())) } }
            @else { (Self::child(self.list())) }
            @if self.state.has_stream { (Self::child(self.tails())) }
            p { (self.state.clicked.len()) }
        };
        if self.state.is_bad {
            resume_unwind(Box::new(SPOILT));
        }
        html
    }

    fn save(&self) -> Option<Vec<u8>> {
        let State {
            rows,
            selected,
            count,
            draft,
            log,
            clicked,
            is_swapped,
            is_twice,
            is_hidden,
            is_bad,
            has_stream,
        } = &self.state;
        let mut out = format!(
            "{selected} {count} {is_swapped} {is_twice} {is_hidden} {is_bad} {has_stream}\n{draft}\n"
        );
        out += &log.iter().map(u64::to_string).collect::<Vec<_>>().join(" ");
        out += "\n";
        for (id, text) in clicked {
            write!(out, "{id},{text} ").unwrap();
        }
        for Row { id, text, draft, is_open } in rows {
            write!(out, "\n{id} {is_open} {text},{draft}").unwrap();
        }
        Some(out.into_bytes())
    }

    fn load(&mut self, bytes: &[u8]) -> Result<(), LoadError> {
        fn read(text: &str) -> Option<State> {
            let mut lines = text.split('\n');
            let mut head = lines.next()?.split(' ');
            let mut state = State {
                selected: head.next()?.parse().ok()?,
                count: head.next()?.parse().ok()?,
                is_swapped: head.next()? == "true",
                is_twice: head.next()? == "true",
                is_hidden: head.next()? == "true",
                is_bad: head.next()? == "true",
                has_stream: head.next()? == "true",
                draft: lines.next()?.to_owned(),
                ..State::default()
            };
            state.log = lines.next()?.split_whitespace().map(|number| number.parse().unwrap()).collect();
            for clicked in lines.next()?.split_whitespace() {
                let (id, text) = clicked.split_once(',')?;
                state.clicked.push((id.parse().ok()?, text.to_owned()));
            }
            for line in lines {
                let mut words = line.splitn(3, ' ');
                let (id, is_open) = (words.next()?.parse().ok()?, words.next()? == "true");
                let (text, draft) = words.next()?.split_once(',')?;
                state.rows.push(Row { id, text: text.to_owned(), draft: draft.to_owned(), is_open });
            }
            Some(state)
        }
        self.state = std::str::from_utf8(bytes).ok().and_then(read).ok_or(LoadError)?;
        Ok(())
    }
}

#[derive(Debug, Clone)]
enum Step {
    Do(Vec<Act>),
    Click(u8),
    Type(u8, String),
    TypeHead(String),
    Submit(u8),
    Hibernate,
    Cut(Vec<Act>),
    Restart,
    Resync,
    /// A click is made on a page that doesn't show yet what has changed.
    Late(u8, Vec<Act>),
}

fn step() -> impl Strategy<Value = Step> {
    let id = || 0u64..12;
    let text = || "[a-c]{0,4}";
    let act = prop_oneof![
        4 => (0usize..12, id(), text()).prop_map(|(index, id, text)| Act::Insert(index, id, text)),
        2 => id().prop_map(Act::Remove),
        3 => (id(), text()).prop_map(|(id, text)| Act::Write(id, text)),
        2 => id().prop_map(Act::Select),
        1 => Just(Act::Reverse),
        1 => Just(Act::Rotate),
        2 => Just(Act::Count),
        1 => id().prop_map(Act::Log),
        1 => Just(Act::Swap),
        1 => Just(Act::Twice),
        1 => Just(Act::Hide),
        1 => Just(Act::Poison),
        1 => Just(Act::Spoil),
    ];
    let acts = proptest::collection::vec(act, 0..4).boxed();
    prop_oneof![
        6 => acts.clone().prop_map(Step::Do),
        3 => any::<u8>().prop_map(Step::Click),
        3 => (any::<u8>(), "[a-c]{0,4}").prop_map(|(row, text)| Step::Type(row, text)),
        2 => "[a-c]{0,4}".prop_map(Step::TypeHead),
        1 => any::<u8>().prop_map(Step::Submit),
        2 => Just(Step::Hibernate),
        1 => acts.clone().prop_map(Step::Cut),
        1 => Just(Step::Restart),
        1 => Just(Step::Resync),
        2 => (any::<u8>(), acts).prop_map(|(row, acts)| Step::Late(row, acts)),
    ]
}

fn start<const MEMOS: u8>(rows: &[Row], has_stream: bool, policy: Policy) -> Page<Board<MEMOS>> {
    let board =
        Board { state: State { rows: rows.to_vec(), has_stream, ..State::default() }, ..Board::default() };
    let mut page = Page::over(Session::with_policy(board, policy));
    page.client.handle_start(page.now);
    page.pump();
    page
}

/// Has something happen that may panic, and the session go on.
fn go_on<const MEMOS: u8>(page: &mut Page<Board<MEMOS>>, step: &Step) {
    guarded(page, |page| run(page, step));
    // Back to where the page can be looked at.
    if page.closed.is_none() {
        guarded(page, |page| page.advance_ms(10_000));
    }
}

fn guarded<const MEMOS: u8>(page: &mut Page<Board<MEMOS>>, mut act: impl FnMut(&mut Page<Board<MEMOS>>)) {
    // An end of the session after too many panics is not what this is about.
    page.now = page.now.after_ms(11_000);
    let is_over = |page: &mut Page<Board<MEMOS>>, act: &mut dyn FnMut(&mut Page<Board<MEMOS>>)| {
        let Err(panic) = catch_unwind(AssertUnwindSafe(|| act(page))) else { return true };
        if panic.downcast_ref::<&str>().is_none_or(|message| ![POISON, SPOILT].contains(message)) {
            resume_unwind(panic);
        }
        if page.session.recover() != Recovery::Ended {
            return false;
        }
        page.closed = Some(CloseReason::ComponentFailed);
        true
    };
    if is_over(page, &mut act) {
        return;
    }
    while !is_over(page, &mut Page::pump) {}
}

fn run<const MEMOS: u8>(page: &mut Page<Board<MEMOS>>, step: &Step) {
    let id = |page: &Page<Board<MEMOS>>, pick: u8| {
        let rows = &page.session.component().state.rows;
        rows.get(usize::from(pick) % rows.len().max(1)).map_or(0, |row| row.id)
    };
    let place = |page: &Page<Board<MEMOS>>, name: String, event| page.document.place_of(&name, event);
    match step.clone() {
        Step::Do(acts) => page.message(Msg::Do(acts)),
        Step::Click(pick) => {
            if let Some(at) = place(page, format!("row{}", id(page, pick)), EventKind::Click) {
                page.event(at, Payload::None);
            }
        }
        Step::Type(pick, text) => {
            if let Some(at) = place(page, format!("field{}", id(page, pick)), EventKind::Input) {
                page.event(at, Payload::Text(&text));
            }
        }
        Step::TypeHead(text) => {
            if let Some(at) = place(page, "draft".to_owned(), EventKind::Input) {
                page.event(at, Payload::Text(&text));
            }
        }
        Step::Submit(pick) => {
            if let Some(at) = place(page, format!("form{}", id(page, pick)), EventKind::Submit) {
                page.event(at, Payload::None);
            }
        }
        Step::Hibernate => {
            page.session.handle_input(page.now, Input::Hibernate);
            page.pump();
        }
        Step::Cut(acts) => {
            page.cut();
            // With a stream, a page that was cut off is held against what it would look like now.
            let acts = if page.session.component().state.has_stream { Vec::new() } else { acts };
            page.message(Msg::Do(acts));
            page.advance_ms(10_000);
            page.pump();
        }
        Step::Restart => {
            if page.stored.is_some() {
                page.restart(Board::default(), Policy::Durable);
                page.advance_ms(10_000);
                page.pump();
            }
        }
        Step::Resync => {
            let ack = page.session.version_acked();
            page.session.handle_input(page.now, Input::Frame(ClientFrame::Resync { ack }));
            page.pump();
        }
        Step::Late(pick, acts) => {
            let at = place(page, format!("row{}", id(page, pick)), EventKind::Click);
            let acts = acts.into_iter().filter(|act| !matches!(act, Act::Poison | Act::Spoil)).collect();
            if let Some(at) = at {
                page.fire(at, Payload::None);
            }
            page.session.handle_input(page.now, Input::Message(Msg::Do(acts)));
            page.pump();
        }
    }
}

/// What a page of a component that never was a session looks like.
fn whole<const MEMOS: u8>(page: &Page<Board<MEMOS>>) -> String {
    let fresh = Board::<PLAIN> { state: page.session.component().state.clone(), ..Board::default() };
    MemoryDocument::canonical(&fresh.render().to_html())
}

fn cases() -> u32 {
    std::env::var("CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(150)
}

/// How many rows `act` has rendered.
fn rendered<const MEMOS: u8>(
    page: &mut Page<Board<MEMOS>>,
    act: impl FnOnce(&mut Page<Board<MEMOS>>),
) -> u64 {
    ROWS_RENDERED.set(0);
    act(page);
    ROWS_RENDERED.get()
}

fn rows(count: u64) -> Vec<Row> {
    (0..count).map(|id| row(id, "ab")).collect()
}

fn act(act: Act) -> impl FnOnce(&mut Page<Board<ROWS>>) {
    move |page| page.message(Msg::Do(vec![act]))
}

#[test]
fn what_has_not_changed_is_not_rendered() {
    let mut page = start::<ROWS>(&rows(20), false, Policy::Resume);
    assert_eq!(rendered(&mut page, act(Act::Count)), 0);
    assert_eq!(rendered(&mut page, act(Act::Write(7, "c".into()))), 1);
    assert_eq!(rendered(&mut page, act(Act::Select(3))), 2, "the row that was selected, and the one that is");
    assert_eq!(rendered(&mut page, act(Act::Insert(0, 30, "ab".into()))), 1);
    assert_eq!(rendered(&mut page, act(Act::Insert(9, 31, "ab".into()))), 1);
    assert_eq!(rendered(&mut page, act(Act::Remove(5))), 0);
    assert_eq!(rendered(&mut page, act(Act::Reverse)), 0);
    assert_eq!(rendered(&mut page, act(Act::Rotate)), 0);
    assert_eq!(rendered(&mut page, |page| page.click("row4")), 0);
    assert_eq!(rendered(&mut page, act(Act::Swap)), 0, "at another place it is sent, and not rendered");
    assert_eq!(rendered(&mut page, act(Act::Count)), 0);
}

#[test]
fn what_no_tree_shows_is_not_kept() {
    let mut page = start::<ROWS>(&rows(20), false, Policy::Resume);
    page.message(Msg::Do(vec![Act::Hide]));
    // Until the client acknowledges that it shows another version.
    page.advance_ms(5_000);
    assert_eq!(rendered(&mut page, act(Act::Hide)), 20);
    assert_eq!(rendered(&mut page, |page| page.session.handle_input(page.now, Input::Hibernate)), 0);
    assert!(page.session.is_hibernating());
    assert_eq!(format!("{:?}", page.session.component().rows), "MemoList { is_kept: false }");
    assert_eq!(rendered(&mut page, act(Act::Count)), 20);
    assert_eq!(rendered(&mut page, act(Act::Count)), 0);
}

#[test]
fn a_row_that_comes_back_is_rendered_anew() {
    let mut page = start::<ROWS>(&rows(3), false, Policy::Resume);
    page.message(Msg::Do(vec![Act::Remove(1)]));
    assert_eq!(rendered(&mut page, act(Act::Insert(1, 1, "ab".into()))), 1);
}

#[test]
fn what_a_person_typed_in_a_part_is_what_the_next_render_is_compared_with() {
    let mut page = start::<NESTED>(&rows(3), false, Policy::Resume);
    for text in ["abc", "abd", "ab"] {
        // Of each, the component keeps "ab": the first changes what it depends on, and the others don't.
        let at = page.document.place_of("field1", EventKind::Input).unwrap();
        page.event(at, Payload::Text(text));
        let at = page.document.place_of("draft", EventKind::Input).unwrap();
        page.event(at, Payload::Text(text));
        page.check();
        assert_eq!(page.document.to_html(), whole(&page));
    }
}

#[test]
fn a_click_on_an_older_version_of_a_part_does_what_was_shown() {
    let mut page = start::<NESTED>(&rows(3), false, Policy::Resume);
    let at = page.document.place_of("row1", EventKind::Click).unwrap();
    page.fire(at, Payload::None);
    let acts = vec![Act::Write(1, "new".into())];
    page.session.handle_input(page.now, Input::Message(Msg::Do(acts)));
    page.pump();
    assert_eq!(page.session.component().state.clicked, [(1, "ab".to_owned())]);
}

/// A part of two sessions, which depends on nothing, and what it should depend on.
#[derive(Debug, Default)]
struct Shared {
    part: Arc<Memo<(), u64>>,
    before: u64,
    number: u64,
}

impl Component for Shared {
    type Message = u64;
    type Effect = ();

    fn update(&mut self, message: u64, _: &mut Vec<()>) {
        if message < 100 {
            self.before = message;
        } else {
            self.number = message;
        }
    }

    fn render(&self) -> Html<u64> {
        let part = || html! { b { (self.number) } button #part onclick=(self.before + 1) { "more" } };
        html! {
            @for number in 0..self.before { i key=(number) { (number) } }
            (self.part.of((), part))
        }
    }
}

#[test]
fn sessions_may_share_a_memo() {
    let first = Shared::default();
    let part = Arc::clone(&first.part);
    let mut first = Page::new(first);
    first.message(3);
    let mut second = Page::new(Shared { part, ..Shared::default() });
    for number in [1, 5, 2] {
        second.message(number);
        second.click("part");
        first.click("part");
        assert_eq!((first.session.component().before, second.session.component().before), (1, 1));
    }
}

#[test]
fn a_part_that_misses_what_it_depends_on_costs_the_document_when_the_session_wakes() {
    let mut page = Page::new(Shared::default());
    page.message(100);
    assert!(page.document.to_html().contains("<b>0</b>"), "as it was");
    page.session.handle_input(page.now, Input::Hibernate);
    page.message(101);
    assert!(page.document.to_html().contains("<b>101</b>"));
    page.check();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn memos_say_what_the_same_page_without_them_says(
        rows in proptest::collection::btree_map(0u64..12, "[a-c]{0,4}", 0..9),
        is_stored in any::<bool>(),
        has_stream in any::<bool>(),
        steps in proptest::collection::vec(step(), 1..14),
    ) {
        let rows: Vec<_> = rows.iter().map(|(id, text)| row(*id, text)).collect();
        let policy = if is_stored { Policy::Durable } else { Policy::Resume };
        let mut plain = start::<PLAIN>(&rows, has_stream, policy);
        let mut memoized = start::<ROWS>(&rows, has_stream, policy);
        let mut nested = start::<NESTED>(&rows, has_stream, policy);
        let mut mapped = start::<MAPPED>(&rows, has_stream, policy);
        prop_assert_eq!(&plain.html, &memoized.html);
        prop_assert_eq!(&plain.html, &nested.html);
        prop_assert_eq!(&plain.html, &mapped.html);
        for step in &steps {
            go_on(&mut plain, step);
            go_on(&mut memoized, step);
            go_on(&mut nested, step);
            go_on(&mut mapped, step);
            prop_assert_eq!(plain.closed, memoized.closed);
            prop_assert_eq!(plain.closed, nested.closed);
            prop_assert_eq!(plain.closed, mapped.closed);
            if plain.closed.is_some() {
                return Ok(());
            }
            prop_assert_eq!(&plain.frames, &memoized.frames);
            prop_assert_eq!(&plain.frames, &nested.frames);
            prop_assert_eq!(&plain.frames, &mapped.frames);
            prop_assert_eq!(&plain.session.component().state, &memoized.session.component().state);
            prop_assert_eq!(&plain.session.component().state, &nested.session.component().state);
            prop_assert_eq!(&plain.session.component().state, &mapped.session.component().state);
            prop_assert_eq!(plain.session.page_html(), memoized.session.page_html());
            prop_assert_eq!(plain.session.page_html(), nested.session.page_html());
            prop_assert_eq!(plain.session.page_html(), mapped.session.page_html());
            if !plain.session.component().state.is_bad {
                prop_assert_eq!(nested.document.to_html(), whole(&plain));
            }
        }
    }
}
