//! What stands in the items of a list: fields, handlers, and what isn't in all of them.
#![allow(missing_docs, clippy::unwrap_used, reason = "a test")]

extern crate lightspeed_core as lightspeed;

use lightspeed_core::{Component, Html, Input, Memo, MemoList};
use lightspeed_interpreter::MemoryDocument;
use lightspeed_macros::html;
use lightspeed_protocol::msgpack::Payload;
use lightspeed_protocol::template::EventKind;
use lightspeed_testing::Page;

#[derive(Debug, Default)]
struct List {
    rows: Vec<Row>,
    log: Vec<Msg>,
    sum: Memo<usize, Msg>,
    names: Memo<Vec<String>, Msg>,
}

#[derive(Debug, Clone, Default)]
struct Row {
    name: String,
    text: String,
    is_done: bool,
    notes: Vec<u32>,
}

#[derive(Debug, Clone, PartialEq)]
enum Msg {
    Text(String, String),
    Done(String, bool),
    Save(String),
    Open(String),
    Note(String, u32),
    Rows(Vec<&'static str>),
}

impl List {
    fn new(names: &[&str]) -> Self {
        let row = |name: &&str| Row { name: (*name).into(), ..Row::default() };
        Self { rows: names.iter().map(row).collect(), ..Self::default() }
    }

    /// A form around a list.
    fn form(&self) -> Html<Msg> {
        html! {
            form #all onsubmit=(Msg::Note(String::new(), 0)) {
                @for row in &self.rows { p key=(row.name) { input name=(row.name) value=(row.text); } }
            }
        }
    }

    /// A list in a memoized part.
    fn names(&self) -> Html<Msg> {
        let names: Vec<_> = self.rows.iter().map(|row| row.name.clone()).collect();
        let part =
            || html! { @for name in &names { a key=(name) onclick=(Msg::Note(name.clone(), 9)) { (name) } } };
        html! { p { (self.names.of(names.clone(), part)) } }
    }

    fn row(&mut self, name: &str) -> &mut Row {
        self.rows.iter_mut().find(|row| row.name == name).unwrap()
    }
}

impl Component for List {
    type Message = Msg;
    type Effect = ();

    fn update(&mut self, message: Msg, _: &mut Vec<()>) {
        self.log.push(message.clone());
        match message {
            Msg::Text(name, text) => self.row(&name).text = text.trim().into(),
            Msg::Done(name, is_done) => self.row(&name).is_done = is_done && name != "never",
            Msg::Save(name) => self.row(&name).text.clear(),
            Msg::Open(name) => {
                let row = self.row(&name);
                row.notes.push(u32::try_from(row.notes.len()).unwrap());
            }
            Msg::Note(..) => {}
            Msg::Rows(names) => {
                self.rows.sort_by_key(|row| names.iter().position(|name| *name == row.name));
            }
        }
    }

    fn render(&self) -> Html<Msg> {
        let sum = self.rows.iter().map(|row| row.notes.len()).sum();
        html! {
            (self.form())
            // Twice: the part's instances have other ids at each place.
            (self.names())
            (self.names())
            @for row in &self.rows {
                @let name = || row.name.clone();
                @let of_row = row.name.clone();
                @let done_of = row.name.clone();
                section key=(row.name) title=[row.is_done.then_some(&row.name)] {
                    form id={ "form-" (row.name) } onsubmit=(Msg::Save(name())) {
                        input id={ "text-" (row.name) } value=(row.text)
                            oninput=(move |text| Msg::Text(of_row.clone(), text));
                        input id={ "done-" (row.name) } type="checkbox" checked[row.is_done]
                            onchange=(move |is_done| Msg::Done(done_of.clone(), is_done));
                    }
                    button id={ "open-" (row.name) } onclick=(Msg::Open(name())) { "open" }
                    @if !row.notes.is_empty() {
                        ol {
                            @for note in &row.notes {
                                li key=(note) {
                                    button id={ "note-" (row.name) "-" (note) } onclick=(Msg::Note(name(), *note)) { (note) }
                                }
                            }
                        }
                    }
                    (self.sum.of(sum, || html! { i { (sum) } }))
                }
            }
        }
    }
}

/// The document is what is rendered now, whatever was kept of renders before.
fn check(page: &Page<List>) {
    page.check();
    let rendered = page.session.component().render().to_html();
    assert_eq!(page.document.to_html(), MemoryDocument::canonical(&rendered));
}

fn log(page: &Page<List>) -> Vec<Msg> {
    page.session.component().log.clone()
}

/// With a name that is longer than what is kept beside others, and one that looks like a number.
const NAMES: [&str; 4] = ["a", "7", "never", "a name that is longer than twenty-four bytes"];

fn field(page: &Page<List>, id: &str, event: EventKind) -> lightspeed_interpreter::Address {
    page.document.place_of(id, event).unwrap()
}

/// A page with an x in the field of each item.
fn typed() -> Page<List> {
    let mut page = Page::new(List::new(&NAMES));
    for name in NAMES {
        page.event(field(&page, &format!("text-{name}"), EventKind::Input), Payload::Text("x"));
    }
    page
}

#[test]
fn what_a_person_typed_in_an_item_is_what_the_next_render_is_compared_with() {
    let mut page = Page::new(List::new(&NAMES));
    for name in NAMES {
        for text in ["x", "x ", "", " "] {
            page.event(field(&page, &format!("text-{name}"), EventKind::Input), Payload::Text(text));
            check(&page);
        }
        for is_done in [true, true, false, true] {
            page.event(field(&page, &format!("done-{name}"), EventKind::Change), Payload::Flag(is_done));
            check(&page);
        }
    }
}

#[test]
fn a_submit_gives_the_fields_of_its_own_item_back_to_the_server() {
    let mut page = typed();
    // A script may have changed it; no event has told.
    page.document.enter(field(&page, "done-7", EventKind::Change), Payload::Flag(true));
    let start = page.frames.len();
    page.event(field(&page, "form-7", EventKind::Submit), Payload::Text(""));
    check(&page);
    let (_, down) = page.bytes_since(start);
    assert!((1..=40).contains(&down), "the two fields of one item: {down} bytes");
    let shown = |name: &str| {
        let inputs = page.document.elements("input");
        let id = format!("text-{name}");
        let field =
            inputs.into_iter().find(|node| page.document.attribute(*node, "id") == Some(&id)).unwrap();
        page.document.attribute(field, "value").map(str::to_owned)
    };
    assert_eq!(shown("7").as_deref(), Some(""));
    assert_eq!(shown("a").as_deref(), Some("x"));
}

#[test]
fn a_click_does_what_was_rendered_at_its_place_wherever_that_is_in_an_item() {
    let mut page = Page::new(List::new(&NAMES));
    let last = NAMES[3];
    for name in ["7", last, last] {
        page.click(&format!("open-{name}"));
        check(&page);
    }
    page.click(&format!("note-{last}-1"));
    assert_eq!(log(&page).last(), Some(&Msg::Note(last.into(), 1)));
    // Clicked on one version, taken on another: items have moved meanwhile.
    let at = field(&page, &format!("note-{last}-0"), EventKind::Click);
    page.fire(at, Payload::None);
    page.session.handle_input(page.now, Input::Message(Msg::Rows(vec![last, "never", "7", "a"])));
    page.pump();
    check(&page);
    assert_eq!(log(&page).last(), Some(&Msg::Note(last.into(), 0)));
}

#[test]
fn items_of_a_session_that_slept_are_those_that_the_client_shows() {
    let mut page = Page::new(List::new(&NAMES));
    for name in NAMES {
        page.click(&format!("open-{name}"));
        page.event(field(&page, &format!("text-{name}"), EventKind::Input), Payload::Text("x"));
        page.session.handle_input(page.now, Input::Hibernate);
        assert!(page.session.is_hibernating());
        page.click(&format!("note-{name}-0"));
        assert_eq!(log(&page).last(), Some(&Msg::Note(name.into(), 0)));
        page.message(Msg::Rows(NAMES.into_iter().rev().collect()));
        check(&page);
    }
}

#[test]
fn a_form_around_a_list_has_the_fields_of_all_items() {
    let mut page = typed();
    let start = page.frames.len();
    page.event(field(&page, "all", EventKind::Submit), Payload::Text(""));
    check(&page);
    let (_, down) = page.bytes_since(start);
    assert!(down > 4 * 3, "each field is sent again, whatever a person has typed there: {down} bytes");
}

#[test]
fn a_list_in_a_part_that_is_shown_twice_is_alive_at_both_places() {
    let mut page = Page::new(List::new(&NAMES));
    for names in [vec!["never", "7"], vec!["7"], Vec::new()] {
        let links = page.document.elements("a");
        assert_eq!(links.len(), 2 * NAMES.len());
        for link in links {
            let at = page.document.place_on(link, EventKind::Click).unwrap();
            let name = page.document.text(link);
            page.event(at, Payload::None);
            assert_eq!(log(&page).last(), Some(&Msg::Note(name, 9)));
        }
        page.message(Msg::Rows(names));
        check(&page);
    }
}

/// Equal HTML from a list that is rendered whole and from one whose rows are memoized.
#[derive(Debug, Default)]
struct Switched {
    words: Vec<&'static str>,
    memos: MemoList<&'static str, &'static str>,
    clicked: Vec<&'static str>,
}

impl Component for Switched {
    type Message = &'static str;
    type Effect = ();

    fn update(&mut self, message: &'static str, _: &mut Vec<()>) {
        match message {
            "+" => self.words.push(["a", "b", "c", "d"][self.words.len() % 4]),
            "-" => self.words.clear(),
            word => self.clicked.push(word),
        }
    }

    fn render(&self) -> Html<&'static str> {
        let list = if self.words.len().is_multiple_of(2) {
            html! { ul { @for word in &self.words { li key=(word) id=(word) onclick=(*word) { (word) } } } }
        } else {
            html! { ul { @memo word in self.memos.over(&self.words, |word| **word) { li key=(word) id=(word) onclick=(*word) { (word) } } } }
        };
        html! { main { (list) } }
    }
}

#[test]
fn a_list_that_is_memoized_from_now_on_is_the_same_list() {
    let mut page = Page::new(Switched::default());
    for message in ["+", "+", "+", "+", "-", "+", "+", "-", "-", "+"] {
        page.message(message);
        page.check();
        let words = page.session.component().words.clone();
        assert_eq!(page.document.elements("li").len(), words.len());
        for word in words {
            page.click(word);
            assert_eq!(page.session.component().clicked.last(), Some(&word));
        }
    }
}
