//! Handlers that are closures take copies of the fields that they name.
#![allow(missing_docs, clippy::unwrap_used, reason = "a test")]

extern crate lightspeed_core as lightspeed;

use lightspeed_core::{Component, Html};
use lightspeed_macros::html;
use lightspeed_protocol::msgpack::Payload;
use lightspeed_protocol::template::EventKind;
use lightspeed_testing::Page;

#[derive(Debug, Clone, PartialEq)]
enum Msg {
    Flag(bool, u32),
    Rename(String, String),
    Text(String),
    Named { id: u32, text: String },
}

#[derive(Debug)]
struct Row {
    id: u32,
    name: String,
    tags: Vec<String>,
    pair: (u32, String),
}

#[derive(Debug)]
struct Table {
    rows: Vec<Row>,
    x: u32,
    chosen: Option<Row>,
    text: &'static str,
    is_on: bool,
    log: Vec<Msg>,
}

fn row() -> Row {
    Row { id: 7, name: "n".into(), tags: vec!["t".into()], pair: (40, "p".into()) }
}

impl Component for Table {
    type Message = Msg;
    type Effect = ();

    fn update(&mut self, message: Msg, _: &mut Vec<()>) {
        // What the fields show, as the person left them.
        match message {
            Msg::Flag(..) => self.is_on = true,
            _ => self.text = "x",
        }
        self.log.push(message);
    }

    fn render(&self) -> Html<Msg> {
        let title = "static";
        html! {
            @for r in &self.rows {
                ul key=(r.id) {
                    input #a type="checkbox" checked[self.is_on] onchange=(move |on: bool| Msg::Flag(on, r.id));
                    // Without `move` as well: a handler borrows nothing.
                    input #b value=(self.text) oninput=(|text: String| Msg::Rename(r.name, text));
                    input #c value=(self.text) oninput=(move |text: String| Msg::Rename(r.name.clone(), text));
                    input #d value=(self.text) oninput=(move |text| Msg::Rename(format!("{}-{}", r.id, r.pair.1), text));
                    input #e value=(self.text) oninput=(move |text: String| Msg::Named { id: r.id, text });
                    input #f value=(self.text) oninput=(move |text: String| { let r = text; Msg::Text(r) });
                    input #g type="checkbox" checked[self.is_on] onchange=(move |on: bool| Msg::Flag(on, self.x));
                    input #h type="checkbox" checked[self.is_on] onchange=(move |on: bool| Msg::Flag(!on && !r.name.is_empty(), r.pair.0 + 1));
                    input #i type="checkbox" checked[self.is_on] onchange=[Some(move |on: bool| Msg::Flag(on, r.id))];
                    @for tag in &r.tags {
                        b key=(tag) #j onclick=(move |()| Msg::Rename(tag.clone(), r.id.to_string())) {}
                    }
                }
            }
            @for (i, r) in self.rows.iter().enumerate() {
                b key=(i) #k onclick=(move |()| match i { 1 => Msg::Flag(true, r.id), _ => Msg::Text(r.name.to_uppercase()) }) {}
            }
            @for id in &[2_u32] { b key=(id) #l onclick=(move |()| Msg::Flag(*id == 2, *id)) {} }
            @for label in ["a"] { b key=(label) #m onclick=(move |()| Msg::Rename(label.to_owned(), title.to_owned())) {} }
            @if let Some(r) = &self.chosen { b #n onclick=(move |()| Msg::Flag(r.id == 3, r.id)) {} }
            @let first = &self.rows[0];
            b #p onclick=(move |()| Msg::Text(first.name.clone())) {}
        }
    }
}

#[test]
fn a_closure_says_what_was_rendered() {
    let table =
        Table { rows: vec![row()], x: 9, chosen: Some(row()), text: "", is_on: false, log: Vec::new() };
    let mut page = Page::new(table);
    let (flag, text, none) = (Payload::Flag(true), Payload::Text("x"), Payload::None);
    let rename = |name: &str, text: &str| Msg::Rename(name.into(), text.into());
    let expected = [
        ("a", EventKind::Change, &flag, Msg::Flag(true, 7)),
        ("b", EventKind::Input, &text, rename("n", "x")),
        ("b", EventKind::Input, &text, rename("n", "x")),
        ("c", EventKind::Input, &text, rename("n", "x")),
        ("d", EventKind::Input, &text, rename("7-p", "x")),
        ("e", EventKind::Input, &text, Msg::Named { id: 7, text: "x".into() }),
        ("f", EventKind::Input, &text, Msg::Text("x".into())),
        ("g", EventKind::Change, &flag, Msg::Flag(true, 9)),
        ("h", EventKind::Change, &flag, Msg::Flag(false, 41)),
        ("i", EventKind::Change, &flag, Msg::Flag(true, 7)),
        ("j", EventKind::Click, &none, rename("t", "7")),
        ("k", EventKind::Click, &none, Msg::Text("N".into())),
        ("l", EventKind::Click, &none, Msg::Flag(true, 2)),
        ("m", EventKind::Click, &none, rename("a", "static")),
        ("n", EventKind::Click, &none, Msg::Flag(false, 7)),
        ("p", EventKind::Click, &none, Msg::Text("n".into())),
    ];
    for (id, event, payload, message) in expected {
        let place = page.document.place_of(id, event).unwrap();
        page.event(place, (*payload).clone());
        assert_eq!(page.session.component().log.last(), Some(&message), "{id}");
    }
}
