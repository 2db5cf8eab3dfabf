//! What an update did that was taken back: streams and memos know nothing of it afterwards, whichever way it
//! was undone.
#![allow(missing_docs, clippy::unwrap_used, reason = "a test")]

extern crate lightspeed_core as lightspeed;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use lightspeed_core::session::checkpoint::LoadError;
use lightspeed_core::session::recovery::Recovery;
use lightspeed_core::{Component, Html, Input, Memo, MemoList, Policy, Session, Stream};
use lightspeed_interpreter::MemoryDocument;
use lightspeed_macros::html;
use lightspeed_testing::Page;

#[derive(Debug, Clone, Copy)]
enum Act {
    Add(&'static str),
    Remove(&'static str),
    /// All parts show, or hide.
    Hide,
    /// The component looks at itself, as one does that sends its HTML elsewhere.
    Look,
    Panic,
}

#[derive(Debug, Clone)]
enum Msg {
    Do(Vec<Act>),
    Clicked(String),
}

/// Who has it is in a state that can't be saved.
const UNSAVABLE: &str = "unsavable";
/// Who has it is in a state whose render panics, when all of it is rendered.
const UNRENDERABLE: &str = "unrenderable";

/// Words in three ways. Memos go by a count of changes, which comes again with other words when one is undone.
#[derive(Debug, Clone, Default)]
struct Board {
    words: Vec<String>,
    change_count: u64,
    is_hidden: bool,
    /// All of it stands in an item of a list.
    is_listed: bool,
    stream: Stream<String>,
    part: Memo<u64, Msg>,
    rows: MemoList<u64, Msg>,
    clicked: Vec<String>,
}

impl Board {
    fn act(&mut self, act: Act) {
        match act {
            Act::Add(word) => {
                self.words.push(word.to_owned());
                self.stream.append(word.to_owned());
            }
            Act::Remove(word) => {
                self.words.retain(|other| other != word);
                self.stream.delete(&word);
            }
            Act::Hide => self.is_hidden = !self.is_hidden,
            Act::Look => {
                self.render().to_html();
            }
            Act::Panic => resume_unwind(Box::new("in update")),
        }
    }

    fn button(word: &str, place: &str) -> Html<Msg> {
        html! { button id={ (place) (word) } onclick=(Msg::Clicked(format!("{place}{word}"))) { (word) } }
    }
}

impl Component for Board {
    type Message = Msg;
    type Effect = ();

    fn update(&mut self, message: Msg, _: &mut Vec<()>) {
        match message {
            Msg::Do(acts) => {
                self.change_count += 1;
                for act in acts {
                    self.act(act);
                }
            }
            Msg::Clicked(word) => self.clicked.push(word),
        }
    }

    fn render(&self) -> Html<Msg> {
        let part = || html! { @for word in &self.words { p key=(word) { (Self::button(word, "part ")) } } };
        let ways = html! {
            ul { @stream word in self.stream.over(|| &self.words) { li key=(word) { (Self::button(word, "stream ")) } } }
            (self.part.of(self.change_count, part))
            ol {
                @memo (index, word) in self.rows.over(self.words.iter().enumerate(), |_| self.change_count) {
                    li key=(index) { (Self::button(word, "row ")) }
                }
            }
        };
        let html = html! {
            @if self.is_hidden { "hidden" } @else {
                @if self.is_listed { @for one in 0..1 { div key=(one) { (ways) } } } @else { div { (ways) } }
            }
        };
        if self.words.iter().any(|word| word == UNRENDERABLE) {
            resume_unwind(Box::new("in render"));
        }
        html
    }

    fn save(&self) -> Option<Vec<u8>> {
        let state = format!("{} {}\n{}", self.change_count, self.is_hidden, self.words.join("\n"));
        (!self.words.iter().any(|word| word == UNSAVABLE)).then(|| state.into_bytes())
    }

    fn load(&mut self, state: &[u8]) -> Result<(), LoadError> {
        let mut lines = std::str::from_utf8(state).map_err(|_| LoadError)?.lines();
        let (change_count, is_hidden) =
            lines.next().and_then(|head| head.split_once(' ')).ok_or(LoadError)?;
        self.change_count = change_count.parse().map_err(|_| LoadError)?;
        self.is_hidden = is_hidden == "true";
        self.words = lines.map(str::to_owned).collect();
        Ok(())
    }
}

fn page(is_listed: bool) -> Page<Board> {
    let board = Board { words: vec!["a".to_owned(), "b".to_owned()], is_listed, ..Board::default() };
    let mut page = Page::over(Session::with_policy(board, Policy::Durable));
    page.client.handle_start(page.now);
    page.pump();
    page
}

/// Has the component do it; what it panics on is undone. Nothing is rendered but what can't be.
fn take(page: &mut Page<Board>, acts: Vec<Act>) {
    let is_rendered = acts.iter().any(|act| matches!(act, Act::Add(UNRENDERABLE)));
    let taken = catch_unwind(AssertUnwindSafe(|| {
        page.session.handle_input(page.now, Input::Message(Msg::Do(acts)));
        if is_rendered {
            page.pump();
        }
    }));
    if taken.is_err() {
        assert!(matches!(page.session.recover(), Recovery::Undone { .. }));
    }
}

fn act(page: &mut Page<Board>, acts: Vec<Act>) {
    take(page, acts);
    page.pump();
}

/// The page shows these words at each of its places, and says them when they are clicked.
#[track_caller]
fn check(page: &mut Page<Board>, words: &[&str]) {
    assert_eq!(page.session.component().words, words);
    let words_owned = words.iter().map(|word| (*word).to_owned()).collect();
    let is_listed = page.session.component().is_listed;
    let fresh = Board { words: words_owned, is_listed, ..Board::default() };
    assert_eq!(page.document.to_html(), MemoryDocument::canonical(&fresh.render().to_html()));
    for place in ["stream ", "part ", "row "] {
        for word in words {
            page.click(&format!("{place}{word}"));
            assert_eq!(page.session.component().clicked.last(), Some(&format!("{place}{word}")));
        }
    }
    assert_eq!(page.closed, None);
}

/// Pages of both kinds, to which things have happened before something is undone.
fn pages() -> impl Iterator<Item = Page<Board>> {
    BEFORE.into_iter().flat_map(|before| {
        [false, true].map(|is_listed| {
            let mut page = page(is_listed);
            before(&mut page);
            page
        })
    })
}

const BEFORE: [fn(&mut Page<Board>); 4] = [
    |_| {},
    |page| page.message(Msg::Do(vec![Act::Remove("nothing")])),
    |page| page.session.handle_input(page.now, Input::Hibernate),
    // And comes back when it is looked at.
    Page::cut,
];

#[test]
fn a_stream_forgets_what_could_not_be_saved() {
    for mut page in pages() {
        act(&mut page, vec![Act::Add("c"), Act::Remove("a"), Act::Add(UNSAVABLE)]);
        act(&mut page, vec![Act::Remove("b"), Act::Add(UNSAVABLE)]);
        page.advance_ms(10_000);
        check(&mut page, &["a", "b"]);
        act(&mut page, vec![Act::Add("d")]);
        check(&mut page, &["a", "b", "d"]);
        act(&mut page, vec![Act::Remove("a"), Act::Add("c")]);
        check(&mut page, &["b", "d", "c"]);
    }
}

#[test]
fn a_stream_forgets_what_an_update_did_before_it_panicked() {
    for mut page in pages() {
        act(&mut page, vec![Act::Add("c"), Act::Remove("a"), Act::Panic]);
        act(&mut page, vec![Act::Add("d")]);
        page.advance_ms(10_000);
        check(&mut page, &["a", "b", "d"]);
    }
}

/// An update is undone, and the next one has its count: before anything else is rendered, and after that.
#[track_caller]
fn check_memos(undone: &[Act]) {
    for is_listed in [false, true] {
        let mut page = page(is_listed);
        act(&mut page, vec![Act::Add("c")]);
        // The client acknowledges: no older version shares what memos keep.
        page.advance_ms(1_000);
        take(&mut page, undone.to_vec());
        act(&mut page, vec![Act::Add("d")]);
        check(&mut page, &["a", "b", "c", "d"]);
        act(&mut page, undone.to_vec());
        check(&mut page, &["a", "b", "c", "d"]);
        act(&mut page, vec![Act::Add("f")]);
        check(&mut page, &["a", "b", "c", "d", "f"]);
    }
}

#[test]
fn a_memo_forgets_what_a_render_made_before_it_panicked() {
    check_memos(&[Act::Add(UNRENDERABLE)]);
}

#[test]
fn a_memo_forgets_what_an_update_looked_at_that_could_not_be_saved() {
    check_memos(&[Act::Add(UNSAVABLE), Act::Look]);
}

#[test]
fn a_memo_forgets_what_an_update_looked_at_before_it_panicked() {
    check_memos(&[Act::Add("e"), Act::Look, Act::Panic]);
}

#[test]
fn a_memo_that_only_an_older_version_shows_forgets_as_well() {
    for is_listed in [false, true] {
        let mut page = page(is_listed);
        act(&mut page, vec![Act::Hide]);
        // The client hasn't acknowledged yet that it hides them.
        assert!(page.session.version_acked() < page.session.version());
        act(&mut page, vec![Act::Hide, Act::Add(UNRENDERABLE)]);
        act(&mut page, vec![Act::Hide, Act::Add("d")]);
        check(&mut page, &["a", "b", "d"]);
    }
}

#[test]
fn a_state_that_is_put_in_place_of_another_is_shown_by_streams_and_memos() {
    for is_listed in [false, true] {
        let mut page = page(is_listed);
        act(&mut page, vec![Act::Add("c")]);
        // With the count that the page is memoized for.
        page.session.put_state(page.now, b"1 false\nx\ny").unwrap();
        page.pump();
        check(&mut page, &["x", "y"]);
    }
}
