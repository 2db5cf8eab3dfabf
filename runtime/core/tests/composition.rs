//! Components in components: a child's messages are its own, and its parent maps them.
#![allow(missing_docs, clippy::unwrap_used, reason = "a test")]

extern crate lightspeed_core as lightspeed;

use std::panic::{AssertUnwindSafe, catch_unwind};

use lightspeed_core::session::checkpoint::LoadError;
use lightspeed_core::{Component, Html, Input, Memo, MemoList, Policy, Session, Stream};
use lightspeed_interpreter::{Address, MemoryDocument};
use lightspeed_macros::html;
use lightspeed_protocol::frame::ClientFrame;
use lightspeed_protocol::msgpack::Payload;
use lightspeed_protocol::template::EventKind;
use lightspeed_testing::Page;

/// What an author writes first.
mod counters {
    use lightspeed_core::{Component, Html};
    use lightspeed_macros::html;
    use lightspeed_testing::Page;

    #[derive(Debug, Default)]
    struct Counter {
        count: i64,
    }

    #[derive(Debug, Clone)]
    enum CounterMsg {
        Add(i64),
    }

    impl Counter {
        fn update(&mut self, CounterMsg::Add(by): CounterMsg) {
            self.count += by;
        }

        fn render(&self, name: &str) -> Html<CounterMsg> {
            html! { button id=(name) onclick=(CounterMsg::Add(1)) { (format!("{name}: {}", self.count)) } }
        }
    }

    #[derive(Debug, Default)]
    struct Parent {
        left: Counter,
        others: Vec<Counter>,
    }

    #[derive(Debug, Clone)]
    enum Msg {
        Left(CounterMsg),
        Other(usize, CounterMsg),
    }

    impl Component for Parent {
        type Message = Msg;
        type Effect = ();

        fn update(&mut self, message: Msg, _: &mut Vec<()>) {
            match message {
                Msg::Left(message) => self.left.update(message),
                Msg::Other(index, message) => self.others[index].update(message),
            }
        }

        fn render(&self) -> Html<Msg> {
            html! {
                (self.left.render("left").map(Msg::Left))
                ul {
                    @for (index, counter) in self.others.iter().enumerate() {
                        li key=(index) {
                            (counter.render(&format!("other{index}")).map(move |message| Msg::Other(index, message)))
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn fields_and_items_of_a_list_are_children() {
        let mut page =
            Page::new(Parent { others: vec![Counter::default(), Counter::default()], ..Parent::default() });
        for id in ["left", "other1", "other1", "left", "other0", "left"] {
            page.click(id);
        }
        page.check();
        let html = page.document.to_html();
        assert!(
            html.contains("left: 3") && html.contains("other0: 1") && html.contains("other1: 2"),
            "{html}"
        );
    }
}

/// A child with everything that a tree has, in which each message says what it was when it was rendered.
#[derive(Debug, Clone, Default)]
struct Desk {
    name: &'static str,
    revision: u64,
    draft: String,
    is_on: bool,
    is_closed: bool,
    lamps: Vec<u64>,
    log: Vec<u64>,
    part: Memo<u64, DeskMsg>,
    rows: MemoList<u64, DeskMsg>,
    stream: Stream<u64>,
}

#[derive(Debug, Clone, PartialEq)]
enum DeskMsg {
    Said(String),
    Typed(String),
    Switched(bool),
    Pressed(String),
    Lamp(u64, LampMsg),
}

#[derive(Debug, Clone, PartialEq)]
struct LampMsg(u64);

fn lamp(id: &str, number: u64) -> Html<LampMsg> {
    html! { button id=(id) onclick=(LampMsg(number)) { "lamp " (number) } }
}

impl Desk {
    fn render(&self) -> Html<DeskMsg> {
        let (name, revision) = (self.name, self.revision);
        let said = |what: &str| DeskMsg::Said(format!("{what} {revision}"));
        html! {
            fieldset disabled[self.is_closed] {
                button id={ (name) "button" } onclick=(said("button")) { (revision) }
                input id={ (name) "draft" } value=(self.draft) oninput=(DeskMsg::Typed);
                input id={ (name) "switch" } type="checkbox" checked[self.is_on] onchange=(DeskMsg::Switched);
                p id={ (name) "keys" } onkeydown=(|key: lightspeed::handler::Key| DeskMsg::Pressed(key.name)) { "keys" }
                (self.part.of(self.log.len() as u64, || html! { b id={ (name) "memo" } onclick=(DeskMsg::Said("memo".into())) { "memo" } }))
                ol {
                    @memo lamp in self.rows.over(&self.lamps, |lamp| **lamp) {
                        li key=(lamp) { button id={ (name) "row" (lamp) } onclick=(DeskMsg::Said(format!("row {lamp}"))) { (lamp) } }
                    }
                }
                ul { @stream number in self.stream.over(|| &self.log) {
                    li key=(number) {
                        button id={ (name) "stream" (number) } onclick=(DeskMsg::Said(format!("stream {number}"))) { (number) }
                        (lamp(&format!("{name}inner{number}"), *number).map({ let number = *number; move |message| DeskMsg::Lamp(number, message) }))
                    }
                } }
                @if self.is_on {
                    @for number in &self.lamps {
                        p key=(number) { (lamp(&format!("{name}lamp{number}"), *number).map({ let number = *number; move |message| DeskMsg::Lamp(number, message) })) }
                    }
                }
            }
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
enum Msg {
    Put(Vec<Change>),
    Left(u64, DeskMsg),
    Right(DeskMsg),
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Change {
    /// Maps otherwise from now on.
    Map,
    Revise,
    Lamp(u64),
    Log(u64),
    Close,
    Swap,
    Panic,
}

#[derive(Debug, Clone, Default)]
struct Office {
    left: Desk,
    right: Desk,
    generation: u64,
    is_swapped: bool,
    heard: Vec<Msg>,
}

impl Component for Office {
    type Message = Msg;
    type Effect = ();

    fn update(&mut self, message: Msg, _: &mut Vec<()>) {
        let Msg::Put(changes) = message else {
            match &message {
                Msg::Left(_, DeskMsg::Switched(on)) => self.left.is_on = *on,
                Msg::Left(_, DeskMsg::Typed(text)) => self.left.draft = text.chars().take(2).collect(),
                _ => {}
            }
            return self.heard.push(message);
        };
        for change in changes {
            match change {
                Change::Map => self.generation += 1,
                Change::Revise => self.left.revision += 1,
                Change::Lamp(lamp) => self.left.lamps.push(lamp),
                Change::Log(number) => {
                    self.left.log.push(number);
                    self.left.stream.append(number);
                }
                Change::Close => self.left.is_closed = !self.left.is_closed,
                Change::Swap => self.is_swapped = !self.is_swapped,
                Change::Panic => std::panic::resume_unwind(Box::new("in update")),
            }
        }
    }

    fn render(&self) -> Html<Msg> {
        let generation = self.generation;
        let left = self.left.render().map(move |message| Msg::Left(generation, message));
        let right = self.right.render().map(Msg::Right);
        html! {
            i { (generation) }
            @if self.is_swapped { (right) (left) } @else { (left) (right) }
        }
    }

    fn save(&self) -> Option<Vec<u8>> {
        let Desk { revision, draft, is_on, lamps, log, .. } = &self.left;
        let numbers = |numbers: &[u64]| numbers.iter().map(u64::to_string).collect::<Vec<_>>().join(" ");
        let (generation, lamps, log) = (self.generation, numbers(lamps), numbers(log));
        Some(format!("{revision}\n{draft}\n{is_on}\n{lamps}\n{log}\n{generation}").into_bytes())
    }

    fn load(&mut self, state: &[u8]) -> Result<(), LoadError> {
        let text = std::str::from_utf8(state).map_err(|_| LoadError)?;
        let lines: Vec<_> = text.split('\n').collect();
        let [revision, draft, is_on, lamps, log, generation] = lines[..] else { return Err(LoadError) };
        let numbers = |text: &str| text.split_whitespace().map(|number| number.parse().unwrap()).collect();
        self.left.revision = revision.parse().map_err(|_| LoadError)?;
        draft.clone_into(&mut self.left.draft);
        self.left.is_on = is_on == "true";
        self.left.lamps = numbers(lamps);
        self.left.log = numbers(log);
        self.generation = generation.parse().map_err(|_| LoadError)?;
        Ok(())
    }
}

fn office() -> Office {
    let left = Desk { name: "left", lamps: vec![1, 2], log: vec![1, 2], is_on: true, ..Desk::default() };
    let right = Desk { name: "right", lamps: vec![1], log: vec![1], ..Desk::default() };
    Office { left, right, ..Office::default() }
}

fn page() -> Page<Office> {
    let mut page = Page::over(Session::with_policy(office(), Policy::Durable));
    page.client.handle_start(page.now);
    page.pump();
    page.advance_ms(1_000);
    page
}

fn at(page: &Page<Office>, id: &str, event: EventKind) -> Address {
    page.document.place_of(id, event).unwrap_or_else(|| panic!("{id} hears nothing"))
}

fn heard(page: &Page<Office>) -> &Msg {
    page.session.component().heard.last().unwrap()
}

fn left(generation: u64, what: &str) -> Msg {
    Msg::Left(generation, DeskMsg::Said(what.to_owned()))
}

/// The page shows what one would that begins now, and each place of it says what it is.
#[track_caller]
fn check(page: &mut Page<Office>) {
    let office = page.session.component();
    let (generation, revision, lamps, log) =
        (office.generation, office.left.revision, office.left.lamps.clone(), office.left.log.clone());
    let fresh = Office {
        left: Desk { part: Memo::new(), rows: MemoList::new(), ..office.left.clone() },
        ..office.clone()
    };
    assert_eq!(page.document.to_html(), MemoryDocument::canonical(&fresh.render().to_html()));
    page.click("leftbutton");
    assert_eq!(*heard(page), left(generation, &format!("button {revision}")));
    page.click("leftmemo");
    assert_eq!(*heard(page), left(generation, "memo"));
    for lamp in lamps {
        page.click(&format!("leftrow{lamp}"));
        assert_eq!(*heard(page), left(generation, &format!("row {lamp}")));
        page.click(&format!("leftlamp{lamp}"));
        assert_eq!(*heard(page), Msg::Left(generation, DeskMsg::Lamp(lamp, LampMsg(lamp))));
    }
    for number in log {
        page.click(&format!("leftstream{number}"));
        assert_eq!(*heard(page), left(generation, &format!("stream {number}")));
        page.click(&format!("leftinner{number}"));
        assert_eq!(*heard(page), Msg::Left(generation, DeskMsg::Lamp(number, LampMsg(number))));
    }
    for (id, what) in [("rightbutton", "button 0"), ("rightmemo", "memo"), ("rightrow1", "row 1")] {
        page.click(id);
        assert_eq!(*heard(page), Msg::Right(DeskMsg::Said(what.to_owned())));
    }
    assert_eq!((page.closed, &*page.refused), (None, &[][..]));
}

fn put(page: &mut Page<Office>, changes: &[Change]) {
    page.message(Msg::Put(changes.to_vec()));
}

#[test]
fn a_child_is_what_it_is_whatever_happens_to_its_page() {
    let mut page = page();
    check(&mut page);
    for changes in [
        &[Change::Revise][..],
        &[Change::Lamp(3)],
        &[Change::Log(3), Change::Lamp(4)],
        &[Change::Map],
        &[Change::Swap],
        &[Change::Swap, Change::Map, Change::Log(4)],
    ] {
        put(&mut page, changes);
        check(&mut page);
        page.advance_ms(1_000);
        page.session.handle_input(page.now, Input::Hibernate);
        assert!(page.session.is_hibernating());
        check(&mut page);
        page.cut();
        page.advance_ms(10_000);
        check(&mut page);
        let ack = page.session.version_acked();
        page.session.handle_input(page.now, Input::Frame(ClientFrame::Resync { ack }));
        page.pump();
        check(&mut page);
    }
    page.advance_ms(10_000);
    page.restart(office(), Policy::Durable);
    page.advance_ms(10_000);
    page.pump();
    check(&mut page);
}

#[test]
fn rows_of_a_childs_stream_are_kept_while_the_session_hibernates() {
    let mut page = page();
    put(&mut page, &[Change::Log(3)]);
    page.advance_ms(1_000);
    let row = page.document.elements("li")[2];
    page.session.handle_input(page.now, Input::Hibernate);
    assert!(page.session.is_hibernating());
    put(&mut page, &[Change::Log(4)]);
    assert_eq!(page.document.elements("li")[2], row, "the rows are the same nodes");
    check(&mut page);
}

#[test]
fn what_an_event_carries_reaches_the_child() {
    let mut page = page();
    let said = |message| Msg::Left(0, message);
    let draft = at(&page, "leftdraft", EventKind::Input);
    page.event(draft, Payload::Text("abc"));
    assert_eq!(*heard(&page), said(DeskMsg::Typed("abc".into())));
    assert!(
        page.document.to_html().contains("\"ab\""),
        "what was typed is what the next render is compared with"
    );
    let switch = at(&page, "leftswitch", EventKind::Change);
    page.event(switch, Payload::Flag(false));
    assert_eq!(*heard(&page), said(DeskMsg::Switched(false)));
    let keys = at(&page, "leftkeys", EventKind::Keydown);
    page.event(keys, Payload::Text("0a"));
    assert_eq!(*heard(&page), said(DeskMsg::Pressed("a".into())));
    page.event(keys, Payload::Text("no key"));
    assert_eq!(page.refused.len(), 1, "a payload that doesn't fit is refused, as anywhere");
}

#[test]
fn what_is_around_a_child_keeps_a_person_from_it() {
    let mut page = page();
    let button = at(&page, "leftbutton", EventKind::Click);
    put(&mut page, &[Change::Close]);
    page.event(button, Payload::None);
    let row = at(&page, "leftstream1", EventKind::Click);
    page.event(row, Payload::None);
    assert_eq!(page.refused.len(), 2);
    assert_eq!(page.session.component().heard, []);
}

/// [elm/virtual-dom 73](https://github.com/elm/virtual-dom/issues/73): the newest map is taken for an event that an older one
/// belongs to, or the other way round.
#[test]
fn an_event_is_mapped_as_the_version_maps_that_it_was_made_on() {
    for id in ["leftbutton", "leftmemo", "leftrow2", "leftstream1"] {
        let mut page = page();
        let place = at(&page, id, EventKind::Click);
        page.fire(place, Payload::None);
        page.session.handle_input(page.now, Input::Message(Msg::Put(vec![Change::Map])));
        page.pump();
        assert!(matches!(heard(&page), Msg::Left(0, _)), "{id} on the version before: {:?}", heard(&page));
        page.click(id);
        assert!(matches!(heard(&page), Msg::Left(1, _)), "{id} on the newest version: {:?}", heard(&page));
    }
}

/// [elm/virtual-dom 105](https://github.com/elm/virtual-dom/issues/105): a lazy node in a map is taken for that of another map.
#[test]
fn a_memo_that_two_children_show_is_each_ones_own() {
    #[derive(Debug, Default)]
    struct Twice {
        part: Memo<u64, u64>,
        heard: Vec<(u64, u64)>,
        round: u64,
    }
    impl Component for Twice {
        type Message = (u64, u64);
        type Effect = ();

        fn update(&mut self, message: (u64, u64), _: &mut Vec<()>) {
            if message.0 == 0 { self.round += 1 } else { self.heard.push(message) }
        }

        fn render(&self) -> Html<(u64, u64)> {
            let part = || self.part.of(0, || html! { button .b onclick=(7_u64) { "b" } });
            let round = self.round;
            let (first, second) = (1 + round % 2, 2 - round % 2);
            html! {
                p id="one" { (part().map(move |message| (first, message))) }
                p id="two" { (part().map(move |message| (second, message))) }
            }
        }
    }
    let mut page = Page::new(Twice::default());
    let click = |page: &mut Page<Twice>, nth: usize| {
        let id = page.document.elements("button")[nth];
        let place = page.document.place_on(id, EventKind::Click);
        page.event(place.unwrap(), Payload::None);
        *page.session.component().heard.last().unwrap()
    };
    for round in 0..4 {
        let expected = if round % 2 == 0 { [(1, 7), (2, 7)] } else { [(2, 7), (1, 7)] };
        assert_eq!([click(&mut page, 0), click(&mut page, 1)], expected);
        page.message((0, 0));
    }
}

#[test]
fn what_a_panic_undoes_is_undone_in_a_child() {
    let mut page = page();
    put(&mut page, &[Change::Revise]);
    let panics = Msg::Put(vec![Change::Map, Change::Log(9), Change::Lamp(9), Change::Panic]);
    let taken =
        catch_unwind(AssertUnwindSafe(|| page.session.handle_input(page.now, Input::Message(panics))));
    assert!(taken.is_err());
    page.session.recover();
    page.pump();
    // It has been told so.
    page.refused.clear();
    check(&mut page);
    put(&mut page, &[Change::Log(3), Change::Lamp(3)]);
    check(&mut page);
}

#[test]
fn a_map_is_no_html() {
    let plain = html! { p { (lamp("a", 1)) } };
    let mapped: Html<u64> = html! { p { (lamp("a", 1).map(|LampMsg(number)| number)) } };
    let twice: Html<String> =
        html! { p { (lamp("a", 1).map(|LampMsg(number)| number).map(|number| number.to_string())) } };
    assert_eq!([mapped.to_html(), twice.to_html()], [plain.to_html(), plain.to_html()]);
    let alone: Html<u64> = lamp("a", 1).map(|LampMsg(number)| number);
    let spliced = html! { (lamp("a", 1)) };
    assert_eq!(alone.to_html(), spliced.to_html());
}

#[test]
fn a_component_may_be_nothing_but_a_mapped_child() {
    #[derive(Debug, Default)]
    struct Shell {
        count: u64,
        is_spliced: bool,
    }
    impl Component for Shell {
        type Message = Option<LampMsg>;
        type Effect = ();

        fn update(&mut self, message: Option<LampMsg>, _: &mut Vec<()>) {
            self.count += message.map_or(0, |LampMsg(number)| number + 1);
        }

        fn render(&self) -> Html<Option<LampMsg>> {
            let lamp = lamp("it", self.count).map(Some);
            if self.is_spliced {
                html! { (lamp) }
            } else {
                lamp
            }
        }
    }
    let pages = [false, true].map(|is_spliced| {
        let mut page = Page::new(Shell { count: 0, is_spliced });
        page.click("it");
        page.click("it");
        page.cut();
        page.check();
        assert_eq!(page.session.component().count, 3);
        page
    });
    assert_eq!(pages[0].frames, pages[1].frames, "it is what `html!` makes of it");
}

#[test]
fn maps_of_maps_end_where_a_tree_does() {
    let map = |count: u32| (0..count).fold(lamp("a", 1), |html, _| html.map(|message| message));
    assert_eq!(map(50).to_html(), map(1).to_html());
    assert!(catch_unwind(|| map(1_000)).is_err(), "who maps in a loop is told, before a stack ends");
}
