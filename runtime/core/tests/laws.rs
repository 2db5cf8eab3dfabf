//! The four laws of the diff, over random trees.
//!
//! 1. What a client shows after the patch from `a` to `b` is `b`.
//! 2. The patch from `a` to `a` is empty.
//! 3. A program decodes to what was encoded; every frame is MessagePack for others too.
//! 4. The page's HTML, adopted, is the same document as one that is built.
#![allow(missing_docs, clippy::unwrap_used, reason = "a test")]

extern crate lightspeed_core as lightspeed;

use lightspeed_core::{Component, Html};
use lightspeed_interpreter::MemoryDocument;
use lightspeed_macros::html;
use lightspeed_protocol::frame::{ClientFrame, ServerFrame};
use lightspeed_protocol::isa::{ProgramReader, ProgramWriter};
use lightspeed_testing::{Page, Passed};
use proptest::prelude::*;

#[derive(Debug, Clone, PartialEq)]
enum Node {
    Text(String),
    Number(u64),
    Box { is_open: bool, is_loud: bool, title: Option<String>, child: std::boxed::Box<Node> },
    Either(bool, std::boxed::Box<Node>, String),
    Cases(u8, String),
    List(Vec<(u8, Node)>),
    Table(Vec<(u16, String, Vec<String>)>),
    Drawing(Vec<(u8, u8)>, bool),
    Field { value: String, is_checked: bool, area: String },
    Raw(String),
    Pair(std::boxed::Box<Node>, String, std::boxed::Box<Node>),
}

fn view(node: &Node) -> Html<Change> {
    match node {
        Node::Text(text) => html! { "before " (text) " after" },
        Node::Number(number) => html! { (number) },
        Node::Box { is_open, is_loud, title, child } => html! {
            div.box.loud[*is_loud] hidden[!*is_open] title=[title] { (view(child)) }
        },
        Node::Either(is_left, child, text) => html! {
            @if *is_left { (view(child)) } @else { b { (text) } i { "else" } }
            @if text.len() % 2 == 0 { (text) "even" }
            "tail"
        },
        Node::Cases(which, text) => html! {
            p { @match which % 3 { 0 => "zero", 1 => { em { (text) } }, _ => {} } (text) }
        },
        Node::List(items) => html! {
            ul { @for (key, item) in items { li key=(key) { (view(item)) } } }
            "items: " (items.len())
        },
        Node::Table(rows) => html! {
            table { tbody {
                @for (id, name, cells) in rows {
                    tr key=(id) onclick=(Change(None)) {
                        td { (id) }
                        td { (name) @for (index, cell) in cells.iter().enumerate() { span key=(index) { (cell) } ", " } }
                    }
                }
            } }
        },
        Node::Drawing(points, is_filled) => html! {
            svg viewBox="0 0 10 10" {
                @for (x, y) in points { circle key=(x) cx=(x) cy=(y) r="1" {} }
                @if *is_filled { rect width="3" height="3" {} }
            }
        },
        Node::Field { value, is_checked, area } => html! {
            input name="a" value=(value); input type="checkbox" checked[*is_checked]; textarea { (area) }
        },
        // What isn't closed isn't in the page: the client puts it in.
        Node::Raw(text) if text.len() % 3 == 0 => {
            html! { (maud::PreEscaped(format!("<p>{}", text.len()))) (text) }
        }
        Node::Raw(text) => html! { (maud::PreEscaped(format!("<u>{}</u><!-- c -->", text.len()))) (text) },
        Node::Pair(left, text, right) => html! { (view(left)) (text) (view(right)) },
    }
}

struct Shown(Node);

impl Component for Shown {
    type Message = Change;
    type Effect = ();

    fn update(&mut self, change: Change, _: &mut Vec<()>) {
        if let Change(Some(node)) = change {
            self.0 = node;
        }
    }

    fn render(&self) -> Html<Change> {
        // The root is one template, so that trees of different shapes are compared and not replaced.
        html! { main { (view(&self.0)) } }
    }
}

#[derive(Debug, Clone)]
struct Change(Option<Node>);

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[a-c<>&\" ]{0,6}",
        2 => "[a-zé漢😀𝒳]{0,12}",
        1 => "[0-9]{1,11}",
        1 => Just(String::from("\nline\r\nnext\0end")),
        1 => proptest::collection::vec("[a-d😀]{1,5}", 20..60).prop_map(|words| words.join(" ")),
    ]
}

fn unique<K: Ord + Clone, V>(items: Vec<(K, V)>) -> Vec<(K, V)> {
    let mut seen = std::collections::BTreeSet::new();
    items.into_iter().filter(|(key, _)| seen.insert(key.clone())).collect()
}

fn node() -> impl Strategy<Value = Node> {
    let row = (0u16..40, text(), proptest::collection::vec(text(), 0..3));
    let leaf = prop_oneof![
        text().prop_map(Node::Text),
        any::<u32>().prop_map(|number| Node::Number(u64::from(number) * 3)),
        (0u8..4, text()).prop_map(|(which, text)| Node::Cases(which, text)),
        proptest::collection::vec(row, 0..12).prop_map(|rows| {
            let rows = rows.into_iter().map(|(id, name, cells)| (id, (name, cells))).collect();
            Node::Table(unique(rows).into_iter().map(|(id, (name, cells))| (id, name, cells)).collect())
        }),
        (proptest::collection::vec((0u8..9, 0u8..9), 0..6), any::<bool>())
            .prop_map(|(points, is_filled)| Node::Drawing(unique(points), is_filled)),
        (text(), any::<bool>(), text()).prop_map(|(value, is_checked, area)| Node::Field {
            value,
            is_checked,
            area
        }),
        text().prop_map(Node::Raw),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        let boxed = inner.clone().prop_map(std::boxed::Box::new);
        prop_oneof![
            (any::<bool>(), any::<bool>(), proptest::option::of(text()), boxed.clone())
                .prop_map(|(is_open, is_loud, title, child)| Node::Box { is_open, is_loud, title, child }),
            (any::<bool>(), boxed.clone(), text())
                .prop_map(|(is_left, child, text)| Node::Either(is_left, child, text)),
            proptest::collection::vec((0u8..12, inner), 0..6).prop_map(|items| Node::List(unique(items))),
            (boxed.clone(), text(), boxed).prop_map(|(left, text, right)| Node::Pair(left, text, right)),
        ]
    })
}

/// A tree and one that came of it: mostly alike, the way two renders of one component are.
fn pair() -> impl Strategy<Value = (Node, Node)> {
    let reordered = |node: &Node, seed: usize| {
        let mut node = node.clone();
        match &mut node {
            Node::List(items) => rotate(items, seed),
            Node::Table(rows) => rotate(rows, seed),
            Node::Drawing(points, _) => rotate(points, seed),
            _ => {}
        }
        node
    };
    prop_oneof![
        (node(), node()),
        (node(), any::<usize>()).prop_map(move |(node, seed)| (node.clone(), reordered(&node, seed))),
    ]
}

/// Reorders some, drops some.
fn rotate<T>(items: &mut Vec<T>, seed: usize) {
    let length = items.len().max(1);
    if !items.is_empty() {
        items.rotate_left(seed % length);
        items.swap(0, (seed / 7) % length);
        if seed.is_multiple_of(3) {
            items.remove((seed / 11) % length);
        }
    }
}

fn check_frames(page: &Page<Shown>) {
    for frame in &page.frames {
        let mut rest = frame.bytes();
        let value = rmpv::decode::read_value(&mut rest).unwrap();
        assert!(rest.is_empty(), "an independent reader reads the frame to its end");
        let mut again = Vec::new();
        rmpv::encode::write_value(&mut again, &value).unwrap();
        assert_eq!(again, frame.bytes(), "and writes the same bytes: each value is in its shortest form");
        match frame {
            Passed::Up(bytes) => {
                let (session, frame) = ClientFrame::decode(bytes).unwrap();
                assert_eq!(&frame.encode(session), bytes);
            }
            Passed::Down(bytes) => {
                let (session, frame) = ServerFrame::decode(bytes).unwrap();
                assert_eq!(&frame.encode(session), bytes);
                if let ServerFrame::Patch { program, .. } | ServerFrame::Snapshot { program, .. } = frame {
                    let (mut reader, mut writer) =
                        (ProgramReader::new(program).unwrap(), ProgramWriter::new());
                    while let Some((_, op)) = reader.next_op().unwrap() {
                        writer.push(&op);
                    }
                    assert_eq!(writer.finish(), program.bytes);
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_four_laws((first, second) in pair()) {
        // Adopting is compared with the render by the page itself; here with a document that is built.
        let mut page = Page::new(Shown(first.clone()));
        let built = Page::rebuilt(Shown(first.clone()));
        prop_assert_eq!(page.document.to_html(), built.document.to_html());

        let before = page.frames.len();
        page.message(Change(Some(first)));
        prop_assert_eq!(page.frames.len(), before, "the patch from a tree to itself is empty");

        page.message(Change(Some(second.clone())));
        let expected = MemoryDocument::canonical(&Shown(second.clone()).render().to_html());
        prop_assert_eq!(page.document.to_html(), expected);
        prop_assert_eq!(page.client.version(1), Some(page.session.version()));
        check_frames(&page);

        // And from a document that was built.
        let mut page = built;
        page.message(Change(Some(second.clone())));
        let expected = MemoryDocument::canonical(&Shown(second).render().to_html());
        prop_assert_eq!(page.document.to_html(), expected);
    }
}
