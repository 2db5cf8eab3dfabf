//! What Dioxus's liveview does on a server for one event, without its socket.
//!
//! The steps are those of `dioxus_liveview::run` (0.7.10, `src/pool.rs`), in its order and with its
//! libraries: the event is read as JSON, handed to the runtime, the virtual DOM is rendered into the
//! `MutationState` whose bytes the browser interprets, and those are taken out.
//!
//! Reads lines `FORM OPERATION ROWS COUNT` and answers each by COUNT lines `DECODE UPDATE RENDER ENCODE
//! DOWN UP` (nanoseconds and bytes) and an empty one. FORM is how the rows are written: `inline` in the loop, or
//! as a `component` each, whose properties are compared.

use std::any::Any;
use std::io::{self, BufRead as _, Write as _};
use std::rc::Rc;
use std::time::Instant;

use dioxus::prelude::*;
use dioxus_core::{AttributeValue, ElementId, Template, VirtualDom, WriteMutations};
use dioxus_html::HtmlEvent;
use dioxus_interpreter_js::MutationState;

/// A row of the table.
#[derive(Debug, Clone, PartialEq)]
struct RowData {
    id: u32,
    label: String,
}

/// The same rows with the same labels as Lightspeed's example has.
#[derive(Debug)]
struct Table {
    list: Vec<RowData>,
    next_id: u32,
    generator: u64,
}

impl Table {
    fn create(&mut self, count: u32) {
        self.list.clear();
        self.append(count);
    }

    fn append(&mut self, count: u32) {
        for id in self.next_id..self.next_id + count {
            let label = format!("{} {} {}", self.pick(&ADJECTIVES), self.pick(&COLOURS), self.pick(&NOUNS));
            self.list.push(RowData { id, label });
        }
        self.next_id += count;
    }

    /// A word, by [SplitMix64](https://prng.di.unimi.it/splitmix64.c).
    fn pick(&mut self, words: &[&'static str]) -> &'static str {
        self.generator = self.generator.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.generator;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^= bits >> 31;
        words[(bits % words.len() as u64) as usize]
    }
}

fn table_of_signal() -> (Signal<Table>, Signal<Option<u32>>) {
    let table = use_signal(|| Table { list: Vec::new(), next_id: 1, generator: 0 });
    let selected = use_signal(|| None);
    (table, selected)
}

/// The toolbar is the same in both forms; its listeners are the first six of the page.
#[component]
fn Toolbar(table: Signal<Table>, selected: Signal<Option<u32>>) -> Element {
    let mut table = table;
    let mut selected = selected;
    let mut create = move |count| {
        table.write().create(count);
        selected.set(None);
    };
    rsx! {
        div { class: "toolbar",
            button { id: "run", class: "btn btn-primary", r#type: "button", onclick: move |_| create(1_000), "Create 1,000 rows" }
            button { id: "runlots", class: "btn btn-primary", r#type: "button", onclick: move |_| create(10_000), "Create 10,000 rows" }
            button { id: "add", class: "btn btn-primary", r#type: "button", onclick: move |_| table.write().append(1_000), "Append 1,000 rows" }
            button {
                id: "update", class: "btn btn-primary", r#type: "button",
                onclick: move |_| table.write().list.iter_mut().step_by(10).for_each(|row| row.label.push_str(" !!!")),
                "Update every 10th row"
            }
            button { id: "clear", class: "btn btn-primary", r#type: "button", onclick: move |_| create(0), "Clear" }
            button {
                id: "swaprows", class: "btn btn-primary", r#type: "button",
                onclick: move |_| {
                    let mut table = table.write();
                    if table.list.len() > 998 {
                        table.list.swap(1, 998);
                    }
                },
                "Swap rows"
            }
        }
    }
}

fn inline() -> Element {
    let (mut table, mut selected) = table_of_signal();
    rsx! {
        Toolbar { table, selected }
        table { class: "table table-hover table-striped test-data",
            tbody { id: "tbody",
                for row in table.read().list.iter() {
                    tr { key: "{row.id}", class: if selected() == Some(row.id) { "danger" },
                        td { class: "col-md-1", "{row.id}" }
                        td { class: "col-md-4",
                            a {
                                onclick: { let id = row.id; move |_| selected.set(Some(id)) },
                                "{row.label}"
                            }
                        }
                        td { class: "col-md-1",
                            a {
                                onclick: { let id = row.id; move |_| table.write().list.retain(|row| row.id != id) },
                                span { class: "glyphicon glyphicon-remove", aria_hidden: "true" }
                            }
                        }
                        td { class: "col-md-6" }
                    }
                }
            }
        }
    }
}

fn component() -> Element {
    let (table, selected) = table_of_signal();
    rsx! {
        Toolbar { table, selected }
        table { class: "table table-hover table-striped test-data",
            tbody { id: "tbody",
                for row in table.read().list.iter() {
                    Row {
                        key: "{row.id}", id: row.id, label: row.label.clone(),
                        is_selected: selected() == Some(row.id), table, selected,
                    }
                }
            }
        }
    }
}

#[component]
fn Row(id: u32, label: String, is_selected: bool, table: Signal<Table>, selected: Signal<Option<u32>>) -> Element {
    let mut table = table;
    let mut selected = selected;
    rsx! {
        tr { class: if is_selected { "danger" },
            td { class: "col-md-1", "{id}" }
            td { class: "col-md-4", a { onclick: move |_| selected.set(Some(id)), "{label}" } }
            td { class: "col-md-1",
                a {
                    onclick: move |_| table.write().list.retain(|row| row.id != id),
                    span { class: "glyphicon glyphicon-remove", aria_hidden: "true" }
                }
            }
            td { class: "col-md-6" }
        }
    }
}

fn counter() -> Element {
    let mut count = use_signal(|| 0_i64);
    rsx! {
        div { class: "counter",
            button { id: "dec", r#type: "button", aria_label: "Decrease", onclick: move |_| count -= 1, "−" }
            output { id: "count", "for": "dec inc", "{count}" }
            button { id: "inc", r#type: "button", aria_label: "Increase", onclick: move |_| count += 1, "+" }
        }
    }
}

/// What the browser would know: which elements listen. Used while a page is prepared, never while it is measured.
#[derive(Default)]
struct Noting {
    state: MutationState,
    listeners: Vec<ElementId>,
}

impl WriteMutations for Noting {
    fn append_children(&mut self, id: ElementId, m: usize) {
        self.state.append_children(id, m);
    }
    fn assign_node_id(&mut self, path: &'static [u8], id: ElementId) {
        self.state.assign_node_id(path, id);
    }
    fn create_placeholder(&mut self, id: ElementId) {
        self.state.create_placeholder(id);
    }
    fn create_text_node(&mut self, value: &str, id: ElementId) {
        self.state.create_text_node(value, id);
    }
    fn load_template(&mut self, template: Template, index: usize, id: ElementId) {
        self.state.load_template(template, index, id);
    }
    fn replace_node_with(&mut self, id: ElementId, m: usize) {
        self.state.replace_node_with(id, m);
    }
    fn replace_placeholder_with_nodes(&mut self, path: &'static [u8], m: usize) {
        self.state.replace_placeholder_with_nodes(path, m);
    }
    fn insert_nodes_after(&mut self, id: ElementId, m: usize) {
        self.state.insert_nodes_after(id, m);
    }
    fn insert_nodes_before(&mut self, id: ElementId, m: usize) {
        self.state.insert_nodes_before(id, m);
    }
    fn set_attribute(&mut self, name: &'static str, ns: Option<&'static str>, value: &AttributeValue, id: ElementId) {
        self.state.set_attribute(name, ns, value, id);
    }
    fn set_node_text(&mut self, value: &str, id: ElementId) {
        self.state.set_node_text(value, id);
    }
    fn create_event_listener(&mut self, name: &'static str, id: ElementId) {
        self.listeners.push(id);
        self.state.create_event_listener(name, id);
    }
    fn remove_event_listener(&mut self, name: &'static str, id: ElementId) {
        self.state.remove_event_listener(name, id);
    }
    fn remove_node(&mut self, id: ElementId) {
        self.state.remove_node(id);
    }
    fn push_root(&mut self, id: ElementId) {
        self.state.push_root(id);
    }
}

/// As `dioxus_liveview::run` has it.
#[derive(serde::Deserialize, Debug)]
#[serde(tag = "method", content = "params")]
enum IpcMessage {
    #[serde(rename = "user_event")]
    Event(Box<HtmlEvent>),
    #[serde(rename = "query")]
    Query(serde::de::IgnoredAny),
}

/// A page whose socket is open.
struct Page {
    dom: VirtualDom,
    noting: Noting,
}

/// Nanoseconds for each stage, and bytes.
struct Sample {
    stages: [u128; 4],
    down: usize,
    up: usize,
}

impl Page {
    fn new(app: fn() -> Element) -> Self {
        let mut page = Self { dom: VirtualDom::new(app), noting: Noting::default() };
        page.dom.rebuild(&mut page.noting);
        let _ = take_edits(&mut page.noting.state);
        page
    }

    /// The frame that a browser sends for a click: what `dioxus-interpreter-js` makes of a `MouseEvent`.
    fn click(&self, listener: usize) -> String {
        let element = self.noting.listeners[listener].0;
        format!(
            "{{\"method\":\"user_event\",\"params\":{{\"name\":\"click\",\"data\":{{\"alt_key\":false,\"button\":0,\
             \"buttons\":0,\"client_x\":512,\"client_y\":180,\"ctrl_key\":false,\"meta_key\":false,\"offset_x\":12,\
             \"offset_y\":9,\"page_x\":512,\"page_y\":180,\"screen_x\":612,\"screen_y\":310,\"shift_key\":false}},\
             \"element\":{element},\"bubbles\":true}}}}"
        )
    }

    /// A click before the measurement.
    fn prepare(&mut self, listener: usize) {
        let frame = self.click(listener);
        self.handle(&frame);
        self.dom.render_immediate(&mut self.noting);
        let _ = take_edits(&mut self.noting.state);
    }

    fn handle(&self, frame: &str) {
        let Ok(IpcMessage::Event(event)) = serde_json::from_str::<IpcMessage>(frame) else {
            panic!("the frame is an event")
        };
        let data = Event::new(event.data.into_any(), event.bubbles);
        self.dom.runtime().handle_event(&event.name, data, event.element);
    }

    fn measure(&mut self, listener: usize) -> Sample {
        let frame = self.click(listener).into_bytes();
        let began = Instant::now();
        let message = serde_json::from_str::<IpcMessage>(&String::from_utf8_lossy(&frame));
        let Ok(IpcMessage::Event(event)) = message else { panic!("the frame is an event") };
        let data = Event::new(event.data.into_any() as Rc<dyn Any>, event.bubbles);
        let decoded = Instant::now();
        self.dom.runtime().handle_event(&event.name, data, event.element);
        let updated = Instant::now();
        self.dom.render_immediate(&mut self.noting.state);
        let rendered = Instant::now();
        let edits = take_edits(&mut self.noting.state).expect("the page has changed");
        let encoded = Instant::now();
        Sample {
            stages: [decoded - began, updated - decoded, rendered - updated, encoded - rendered]
                .map(|time| time.as_nanos()),
            down: edits.len(),
            up: frame.len(),
        }
    }
}

/// As `dioxus_liveview` has it.
fn take_edits(mutations: &mut MutationState) -> Option<Vec<u8>> {
    let mut bytes = vec![1];
    mutations.write_memory_into(&mut bytes);
    (bytes.len() > 1).then_some(bytes)
}

/// The listeners of the toolbar, in its order.
const RUN: usize = 0;
const RUNLOTS: usize = 1;
const ADD: usize = 2;
const UPDATE: usize = 3;
const CLEAR: usize = 4;
const SWAP: usize = 5;
const TOOLBAR_LEN: usize = 6;

/// A page in the state before an operation, and the listener that is clicked.
fn prepare(form: &str, operation: &str, rows: u32) -> (Page, usize) {
    if operation == "counter" {
        let mut page = Page::new(counter);
        page.prepare(1);
        return (page, 1);
    }
    let create = if rows == 10_000 { RUNLOTS } else { RUN };
    let mut page = Page::new(if form == "inline" { inline } else { component });
    if operation == "create" {
        return (page, create);
    }
    page.prepare(create);
    let row = |number: usize, link: usize| TOOLBAR_LEN + 2 * (number - 1) + link;
    let listener = match operation {
        "replace" => create,
        "append" => ADD,
        "update" => UPDATE,
        "select" => row(5, 0),
        "swap" => SWAP,
        "remove" => row(5, 1),
        "clear" => CLEAR,
        other => panic!("no operation is named {other}"),
    };
    (page, listener)
}

fn main() {
    // It sets what makes an event of a deserialized one.
    let _pool = dioxus_liveview::LiveViewPool::new();
    let mut out = io::stdout().lock();
    for line in io::stdin().lock().lines() {
        let line = line.expect("a line of text");
        let fields: Vec<&str> = line.split_whitespace().collect();
        let &[form, operation, rows, count] = fields.as_slice() else { panic!("not a request: {line}") };
        let (rows, count) = (rows.parse().expect("a number"), count.parse::<u32>().expect("a number"));
        for _ in 0..count {
            let (mut page, listener) = prepare(form, operation, rows);
            let Sample { stages: [decode, update, render, encode], down, up } = page.measure(listener);
            writeln!(out, "{decode} {update} {render} {encode} {down} {up}").expect("the reader is there");
        }
        writeln!(out).and_then(|()| out.flush()).expect("the reader is there");
    }
}

// The benchmark's own words.
const ADJECTIVES: [&str; 25] = [
    "pretty", "large", "big", "small", "tall", "short", "long", "handsome", "plain", "quaint", "clean", "elegant",
    "easy", "angry", "crazy", "helpful", "mushy", "odd", "unsightly", "adorable", "important", "inexpensive", "cheap",
    "expensive", "fancy",
];
const COLOURS: [&str; 11] =
    ["red", "yellow", "blue", "green", "pink", "brown", "purple", "brown", "white", "black", "orange"];
const NOUNS: [&str; 13] = [
    "table", "chair", "house", "bbq", "desk", "car", "pony", "cookie", "sandwich", "burger", "pizza", "mouse",
    "keyboard",
];
