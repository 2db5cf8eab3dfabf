//! Handlers of streams' rows: what an event does that was made on an older version, or in a row that has
//! changed or is gone.
#![allow(missing_docs, clippy::unwrap_used, reason = "a test")]

extern crate lightspeed_core as lightspeed;

use lightspeed_core::{Component, Html, Input, Output, Stream};
use lightspeed_interpreter::{Address, MemoryDocument};
use lightspeed_macros::html;
use lightspeed_protocol::frame::{ClientFrame, ServerFrame};
use lightspeed_protocol::msgpack::Payload;
use lightspeed_protocol::template::EventKind;
use lightspeed_testing::Page;

#[derive(Debug, Clone)]
struct Post {
    id: u64,
    text: String,
    answers: Vec<(u64, String)>,
}

#[derive(Debug, Clone)]
enum Msg {
    /// A post comes, or is another one from now on.
    Put(Post),
    Delete(u64),
    Hide,
    Count,
    Clicked(String),
}

/// Posts with answers: a stream in each row of a stream. And what is beside them, in another stream and in none.
#[derive(Debug, Clone, Default)]
struct Forum {
    posts: Vec<Post>,
    rows: Stream<Post>,
    answers: Stream<(u64, String)>,
    /// Rows that show nothing of what they do.
    blind: Stream<Post>,
    counts: Stream<u64>,
    is_hidden: bool,
    count: u64,
    clicked: Vec<String>,
}

impl Component for Forum {
    type Message = Msg;
    type Effect = ();

    fn update(&mut self, message: Msg, _: &mut Vec<()>) {
        match message {
            Msg::Put(post) => {
                self.rows.append(post.clone());
                self.blind.append(post.clone());
                match self.posts.iter().position(|other| other.id == post.id) {
                    Some(index) => self.posts[index] = post,
                    None => self.posts.push(post),
                }
            }
            Msg::Delete(id) => {
                self.rows.delete(&id);
                self.blind.delete(&id);
                self.posts.retain(|post| post.id != id);
            }
            Msg::Hide => self.is_hidden = !self.is_hidden,
            Msg::Count => {
                self.counts.append(self.count);
                self.count += 1;
            }
            Msg::Clicked(text) => self.clicked.push(text),
        }
    }

    fn render(&self) -> Html<Msg> {
        html! {
            ol { @stream count in self.counts.over(|| 0..self.count) { li key=(count) { (count) } } }
            @if self.is_hidden { "hidden" } @else { (self.posts()) }
        }
    }
}

impl Forum {
    fn posts(&self) -> Html<Msg> {
        html! {
            ul { @stream post in self.rows.over(|| &self.posts) {
                li key=(post.id) {
                    button id={ "post" (post.id) } onclick=(Msg::Clicked(post.text.clone())) { (post.text) }
                    ul { @stream (id, text) in self.answers.over(|| &post.answers) {
                        li key=(id) { button id={ "answer" (post.id) "." (id) } onclick=(Msg::Clicked(text.clone())) { (text) } }
                    } }
                    @if post.answers.len() > 1 {
                        p { @stream (id, text) in self.answers.over(|| &post.answers) {
                            i key=(id) { button id={ "more" (post.id) "." (id) } onclick=(Msg::Clicked(format!("more {text}"))) { "more" } }
                        } }
                    }
                }
            } }
        }
    }
}

fn post(id: u64, text: &str, answers: &[&str]) -> Post {
    let answers = (1..).zip(answers.iter().map(|text| (*text).to_owned())).collect();
    Post { id, text: text.to_owned(), answers }
}

fn page() -> Page<Forum> {
    let posts = vec![post(1, "one", &["yes", "no"]), post(2, "two", &["why"])];
    Page::new(Forum { posts, ..Forum::default() })
}

fn place<C: Component>(page: &Page<C>, id: &str) -> Address {
    page.document.place_of(id, EventKind::Click).unwrap_or_else(|| panic!("{id} takes clicks"))
}

/// The page shows what one would that begins now.
#[track_caller]
fn check(page: &Page<Forum>) {
    let forum = page.session.component().clone();
    assert_eq!(page.document.to_html(), MemoryDocument::canonical(&forum.render().to_html()));
    assert_eq!(page.closed, None);
}

/// The session gets a click that was made `behind` versions ago. Whether it had an effect: the page is told of
/// nothing, so that the next one may be as old.
fn late<C: Component>(page: &mut Page<C>, at: Address, behind: u64) -> bool {
    let (ack, seq) = (page.session.version(), page.session.seq_handled() + 1);
    let Address { instance, slot } = at;
    let click = ClientFrame::Event { ack, seq, behind, instance, slot, payload: Payload::None };
    page.session.handle_input(page.now, Input::Frame(click));
    assert_eq!(page.session.seq_handled(), seq, "the session has taken it");
    let mut is_refused = false;
    while let Some(output) = page.session.poll_output() {
        if let Output::Transmit(transmission) = output {
            let (_, frame) = ServerFrame::decode(&transmission.frame).unwrap();
            is_refused |= matches!(frame, ServerFrame::Refused { .. });
        }
    }
    !is_refused
}

#[test]
fn rows_in_an_updated_row_do_what_they_say_now() {
    let mut page = page();
    for (round, texts) in [["yes!", "no!", "perhaps"], ["a", "b", "c"]].iter().enumerate() {
        let text = format!("round {round}");
        page.message(Msg::Put(post(1, &text, texts)));
        check(&page);
        page.click("post1");
        assert_eq!(page.session.component().clicked.last(), Some(&text));
        for (number, text) in (1..).zip(texts) {
            page.click(&format!("answer1.{number}"));
            assert_eq!(page.session.component().clicked.last().unwrap(), text);
            page.click(&format!("more1.{number}"));
            assert_eq!(page.session.component().clicked.last(), Some(&format!("more {text}")));
        }
        page.click("answer2.1");
        assert_eq!(page.session.component().clicked.last().unwrap(), "why", "the row beside it has its own");
    }
    assert_eq!(page.refused, []);
    // With the row go those in it.
    let at = place(&page, "answer1.2");
    page.fire(at, Payload::None);
    page.session.handle_input(page.now, Input::Message(Msg::Delete(1)));
    page.pump();
    assert_eq!(page.refused.len(), 1);
    check(&page);
}

#[test]
fn rows_in_an_updated_row_are_others_than_before() {
    let mut page = page();
    let places = ["answer1.1", "more1.2", "post1", "answer2.1"].map(|id| place(&page, id));
    for at in places {
        page.fire(at, Payload::None);
    }
    // The clicks were made on a page that doesn't show this yet.
    page.session.handle_input(page.now, Input::Message(Msg::Put(post(1, "new", &["yes!", "no!"]))));
    page.pump();
    assert_eq!(page.refused, [1, 2], "what was clicked is no longer there");
    assert_eq!(page.session.component().clicked, ["one", "why"], "and the rest does what it said");
    // Nor do they come back, whatever version is named.
    assert!(!late(&mut page, places[0], 0));
    assert!(!late(&mut page, places[1], 0));
    assert_eq!(page.session.component().clicked, ["one", "why"]);
}

#[test]
fn a_stream_that_was_hidden_is_shown_as_it_is_then() {
    let mut page = page();
    page.message(Msg::Count);
    let beside = page.document.elements("li")[0];
    page.message(Msg::Hide);
    check(&page);
    page.message(Msg::Put(post(3, "three", &["who"])));
    page.message(Msg::Count);
    page.message(Msg::Delete(2));
    page.message(Msg::Hide);
    check(&page);
    assert_eq!(page.document.elements("li")[0], beside, "the rows beside it are the same nodes");
    page.message(Msg::Put(post(4, "four", &[])));
    page.message(Msg::Put(post(1, "one!", &["yes"])));
    page.message(Msg::Count);
    check(&page);
    for (id, text) in [("post1", "one!"), ("answer1.1", "yes"), ("post3", "three"), ("answer3.1", "who")] {
        page.click(id);
        assert_eq!(page.session.component().clicked.last().unwrap(), text);
    }
}

#[test]
fn nothing_waits_for_a_stream_that_nobody_shows() {
    let mut page = page();
    let of = |page: &Page<Forum>| format!("{:?}", page.session.component().rows);
    page.message(Msg::Hide);
    assert!(
        page.session.version_acked() < page.session.version(),
        "the client may name what it showed before"
    );
    page.message(Msg::Put(post(3, "three", &[])));
    assert_eq!(of(&page), "Stream { is_shown: false, waiting: 0 }");
    page.message(Msg::Hide);
    assert_eq!(of(&page), "Stream { is_shown: true, waiting: 0 }");
    // What was kept of the older version goes, which doesn't concern what is shown since.
    page.advance_ms(1_000);
    assert_eq!(page.session.version_acked(), page.session.version());
    assert_eq!(of(&page), "Stream { is_shown: true, waiting: 0 }");
    page.message(Msg::Put(post(1, "one!", &[])));
    check(&page);
}

#[test]
fn events_of_rows_that_were_hidden_reach_none_that_came_since() {
    let mut page = page();
    let places = ["post1", "answer1.1", "post2"].map(|id| place(&page, id));
    // What these did then is known as long as the client may name that version.
    page.message(Msg::Put(post(1, "one!", &["yes!"])));
    let seen = page.session.version() - 1;
    page.message(Msg::Hide);
    for at in places {
        let behind = page.session.version() - seen;
        assert!(!late(&mut page, at, behind), "while it is hidden");
    }
    page.session.handle_input(page.now, Input::Message(Msg::Hide));
    while page.session.poll_output().is_some() {}
    for version in seen..=page.session.version() {
        let behind = page.session.version() - version;
        assert!(places.iter().all(|at| !late(&mut page, *at, behind)), "since it is shown again");
    }
    assert_eq!(page.session.component().clicked, [""; 0]);
    assert!(!page.session.is_closed());
}

/// Rows that look the same whatever they do, and a number.
#[derive(Debug, Default)]
struct Blind {
    rows: Vec<(u64, &'static str)>,
    stream: Stream<(u64, &'static str)>,
    count: u64,
    clicked: Vec<&'static str>,
}

#[derive(Debug, Clone)]
enum Do {
    /// The first row does this from now on.
    Say(&'static str),
    Count,
    Clicked(&'static str),
}

impl Component for Blind {
    type Message = Do;
    type Effect = ();

    fn update(&mut self, message: Do, _: &mut Vec<()>) {
        match message {
            Do::Say(word) => {
                self.rows[0].1 = word;
                self.stream.update(self.rows[0]);
            }
            Do::Count => self.count += 1,
            Do::Clicked(word) => self.clicked.push(word),
        }
    }

    fn render(&self) -> Html<Do> {
        html! {
            p { (self.count) }
            ul { @stream (id, word) in self.stream.over(|| &self.rows) { li key=(id) onclick=(Do::Clicked(word)) { "do it" } } }
        }
    }
}

#[test]
fn a_row_whose_update_shows_nothing_does_what_it_did_in_the_version_that_was_seen() {
    let mut page = Page::new(Blind { rows: vec![(1, "a"), (2, "x")], ..Blind::default() });
    let row = page.document.elements("li")[0];
    let at = page.document.place_on(row, EventKind::Click).unwrap();
    page.message(Do::Count);
    assert_eq!(page.session.version(), 1);
    page.message(Do::Say("b"));
    page.message(Do::Say("c"));
    assert_eq!(page.session.version(), 1, "there is nothing to show");
    page.message(Do::Count);
    page.message(Do::Say("d"));
    assert_eq!(page.session.version(), 2);
    // Made on version 0, 1 and 2. What changed while a version was shown is what that version does.
    for behind in [2, 1, 0] {
        assert!(late(&mut page, at, behind));
    }
    assert_eq!(page.session.component().clicked, ["a", "c", "d"]);
}
