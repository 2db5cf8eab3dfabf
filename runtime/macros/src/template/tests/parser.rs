//! Templates against an HTML parser: what it reads is what was written, and paths lead where they should.

use std::fmt::Write as _;

use html5ever::driver::ParseOpts;
use html5ever::tendril::TendrilSink as _;
use html5ever::tree_builder::TreeBuilderOpts;
use html5ever::{QualName, local_name, ns, parse_fragment};
use markup5ever_rcdom::{Handle, NodeData, RcDom};

use super::super::{Kind, Template, escape};
use super::{lower, templates};
use crate::errors::Errors;
use crate::names::Namespace;

/// Checks the nodes that a client's parser makes of the template.
#[track_caller]
pub(super) fn check(template: &Template) {
    if let Err(difference) = compare(template) {
        panic!("{difference}");
    }
}

fn compare(template: &Template) -> Result<(), String> {
    let mut html = template.statics[0].clone();
    for (slot, rest) in template.slots.iter().zip(&template.statics[1..]) {
        html.push_str(if is_content(&slot.kind) { "<!>" } else { "" });
        html.push_str(rest);
    }
    let (_document, roots) = parse(template.namespace, &html);
    let found: String = roots.iter().map(serialize).collect();
    let expected = html.replace("<!>", "<!---->");
    if found != expected {
        return Err(format!("a parser reads another tree\nwritten: {expected}\nread:    {found}"));
    }
    if roots.len() != template.roots {
        return Err(format!("{} roots, not {}: {html}", roots.len(), template.roots));
    }
    for slot in &template.slots {
        let mut nodes = roots.clone();
        let mut node = None;
        for index in &slot.path {
            let next =
                nodes.get(*index).cloned().ok_or_else(|| format!("{:?} leads nowhere: {html}", slot.path))?;
            nodes = next.children.borrow().clone();
            node = Some(next);
        }
        let is_right = match node.map(|node| matches!(node.data, NodeData::Comment { .. })) {
            Some(is_comment) => is_comment == is_content(&slot.kind),
            None => false,
        };
        if !is_right {
            return Err(format!("{:?} leads to the wrong kind of node: {html}", slot.path));
        }
    }
    Ok(())
}

fn is_content(kind: &Kind) -> bool {
    matches!(kind, Kind::Splice | Kind::Branch { .. } | Kind::List { .. })
}

/// The nodes of `html`, parsed as the content of a `template` element, and the document that keeps them.
fn parse(namespace: Namespace, html: &str) -> (RcDom, Vec<Handle>) {
    let html = match namespace {
        Namespace::Html => html.to_owned(),
        Namespace::Svg => format!("<svg>{html}</svg>"),
        Namespace::MathMl => format!("<math>{html}</math>"),
    };
    let context = QualName::new(None, ns!(html), local_name!("template"));
    // The content of a `template` belongs to a document without scripting.
    let tree_builder = TreeBuilderOpts { scripting_enabled: false, ..TreeBuilderOpts::default() };
    let options = ParseOpts { tree_builder, ..ParseOpts::default() };
    let dom = parse_fragment(RcDom::default(), options, context, Vec::new(), false).one(html);
    // The fragment is in an `html` element.
    let nodes = dom.document.children.borrow()[0].children.borrow().clone();
    if namespace == Namespace::Html {
        return (dom, nodes);
    }
    if nodes.len() > 1 {
        // Something in it ended the namespace's element early.
        return (dom, nodes);
    }
    let nodes = nodes[0].children.borrow().clone();
    (dom, nodes)
}

fn serialize(node: &Handle) -> String {
    match &node.data {
        NodeData::Text { contents } => escape(&contents.borrow()),
        NodeData::Comment { contents } => format!("<!--{contents}-->"),
        NodeData::Element { name, attrs, template_contents, .. } => {
            let tag = &*name.local;
            let mut attributes = String::new();
            for attribute in attrs.borrow().iter() {
                let value = escape(&attribute.value).replace('"', "&quot;");
                let _ = write!(attributes, " {}=\"{value}\"", &*attribute.name.local);
            }
            let children = template_contents.borrow().as_ref().unwrap_or(node).children.borrow().clone();
            let mut inner: String = children.iter().map(serialize).collect();
            if name.ns == ns!(html) {
                if crate::names::is_void(tag) {
                    return format!("<{tag}{attributes}>");
                }
                if matches!(tag, "pre" | "listing" | "textarea") && inner.starts_with('\n') {
                    inner.insert(0, '\n');
                }
                if crate::names::is_raw_text(tag) {
                    inner = inner.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
                }
            }
            format!("<{tag}{attributes}>{inner}</{tag}>")
        }
        _ => "?".to_owned(),
    }
}

/// A generator that a number reproduces: [xorshift](https://www.jstatsoft.org/article/view/v008i14).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap_or_default() % bound
    }

    fn of<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        choices[self.below(choices.len())]
    }
}

const BLOCKS: &[&str] = &[
    "p",
    "div",
    "span",
    "b",
    "i",
    "a",
    "nobr",
    "button",
    "form",
    "ul",
    "li",
    "dl",
    "dt",
    "dd",
    "h1",
    "h2",
    "pre",
    "table",
    "tbody",
    "thead",
    "tr",
    "td",
    "th",
    "caption",
    "colgroup",
    "select",
    "option",
    "optgroup",
    "textarea",
    "svg",
    "g",
    "foreignObject",
    "title",
    "math",
    "mi",
    "mrow",
    "object",
    "ruby",
    "rt",
    "rp",
    "details",
    "summary",
    "fieldset",
    "legend",
    "label",
    "video",
    "script",
    "style",
    "center",
    "font",
    "marquee",
    "applet",
    "template",
    "noscript",
    "iframe",
    "address",
    "section",
    "dialog",
    "search",
    "x-y",
    "circle",
    "desc",
    "body",
    "head",
    "html",
    "image",
    "plaintext",
    "main",
    "hgroup",
    "rb",
    "rtc",
    "menu",
    "canvas",
    "audio",
    "datalist",
    "output",
    "code",
];
const VOIDS: &[&str] = &["br", "img", "input", "hr", "col", "wbr", "meta", "link", "source"];

/// Content whose elements are close to what stands around them, so that much of it passes the check.
fn content(random: &mut Random, depth: usize, out: &mut String) {
    for _ in 0..=random.below(3) {
        match random.below(12) {
            0 => out.push_str(" \"text\" "),
            1 => out.push_str(" \"\\n\" "),
            2 | 3 => out.push_str(" (x) "),
            4 => {
                let void = random.of(VOIDS);
                let _ = write!(out, " {void}; ");
            }
            5 if depth > 0 => {
                out.push_str(" @if x { ");
                content(random, depth - 1, out);
                out.push_str(" } ");
            }
            6 if depth > 0 => out.push_str(random.of(&[
                " table { tbody { tr { td { (x) } th {} } @if x { tr {} } } } ",
                " table { caption { \"c\" } colgroup { col; } (x) tr {} } ",
                " select { (x) option { \"o\" (x) } optgroup { option {} } } ",
                " svg { g { circle; (x) } foreignObject { div { (x) } p {} } } ",
                " ul { li { \"a\" ul { li { (x) } } } } ",
                " dl { dt { \"a\" } dd { p { (x) } } } ",
                " ruby { \"r\" rp { \"(\" } rt { (x) } } ",
            ])),
            _ if depth > 0 => {
                let block = random.of(BLOCKS);
                let _ = write!(out, " {block} {{ ");
                content(random, depth - 1, out);
                out.push_str(" } ");
            }
            _ => out.push_str(" b {} "),
        }
    }
}

#[test]
fn what_passes_the_check_is_what_a_parser_reads() {
    let mut passed = 0;
    for seed in 1..=10_000_u64 {
        let mut source = String::new();
        content(&mut Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15)), 4, &mut source);
        let mut errors = Errors::default();
        let templates = lower(&source, &mut errors);
        if errors.is_empty() {
            passed += 1;
            for template in &templates {
                if let Err(difference) = compare(template) {
                    panic!("seed {seed}: {source}\n{difference}");
                }
            }
        }
    }
    assert!(passed > 1_000, "{passed} say too little");
}

#[test]
fn what_a_parser_leaves_in_its_place_passes_the_check() {
    let sources = [
        "p { button { div {} } object { p {} } svg { foreignObject { p {} } } }",
        "a { table { tbody { tr { td { a {} } } } } object { a {} } }",
        "button { table { tbody { tr { td { button {} } } } } }",
        "form { template { form {} } }",
        "ul { li { div { ul { li {} } } } } dl { dt {} dd { dl { dd {} } } }",
        "table { input type=\"hidden\"; script {} caption {} colgroup { col; } thead { tr { th {} } } (x) \" \" tbody { (x) } }",
        "select { option { \"a\" (x) } hr; optgroup { option {} } (x) }",
        "tr { td {} } @if x { tr {} } (x)",
        "svg { title { (x) } a { text { (x) } } desc { p {} } } math { mi { b {} } }",
        "h1 { span { b {} } } ruby { rb {} rt {} rp {} }",
        "select { button { selectedcontent {} } div { option { span { b {} } img; } } p {} optgroup { legend {} div { option { (x) } } } hr; }",
        "select { option { div { hr; } } textarea { (x) } a {} table { tbody { tr { td {} } } } } datalist { option { span {} } }",
        "noscript { p { \"a & b\" } img src=\"x\"; } p { noscript { b {} } }",
        "math { semantics { mi {} annotation-xml encoding=\"text/html\" { div { (x) } p {} } annotation-xml encoding=\"Application/XHTML+xml\" { b {} } annotation-xml { svg {} } } }",
        "svg { font {} font title=\"x\" {} foreignObject { font color=\"red\" {} } }",
    ];
    for source in sources {
        templates(source).iter().for_each(check);
    }
}

/// What the check refuses because of what is around it, in elements that may be around.
const AROUND: &[&str] = &[
    "p { @ }",
    "p { button { @ } }",
    "p { object { @ } }",
    "p { span { @ } }",
    "a { @ }",
    "a { svg { foreignObject { @ } } }",
    "a { table { tbody { tr { td { @ } } } } }",
    "a { div { @ } }",
    "nobr { @ }",
    "button { @ }",
    "button { select { @ } }",
    "form { @ }",
    "form { div { ul { li { @ } } } }",
    "form { svg { foreignObject { @ } } }",
    "form { table { tbody { tr { td { @ } } } } }",
    "li { @ }",
    "li { ul { @ } }",
    "li { div { @ } }",
    "dl { dd { @ } }",
    "dl { dt { span { @ } } }",
    "dl { dd { dl { @ } } }",
    "h1 { @ }",
    "h1 { span { @ } }",
    "table { @ }",
    "table { tbody { @ } }",
    "table { thead { tr { @ } } }",
    "table { tbody { tr { td { @ } } } }",
    "table { caption { @ } }",
    "table { colgroup { @ } }",
    "div { @ }",
    "select { @ }",
    "select { div { @ } }",
    "select { optgroup { @ } }",
    "select { option { @ } }",
    "select { option { div { @ } } }",
    "svg { @ }",
    "svg { g { @ } }",
    "svg { title { @ } }",
    "math { mrow { @ } }",
    "math { mtext { @ } }",
    "math { annotation-xml encoding=\"text/html\" { @ } }",
];
const INSIDE: &[&str] = &[
    "p {}",
    "div {}",
    "span {}",
    "b {}",
    "a {}",
    "nobr {}",
    "button {}",
    "form {}",
    "ul {}",
    "li {}",
    "dd {}",
    "dt {}",
    "h1 {}",
    "h2 {}",
    "table {}",
    "caption {}",
    "colgroup {}",
    "col;",
    "tbody {}",
    "tr {}",
    "td {}",
    "th {}",
    "select {}",
    "option {}",
    "optgroup {}",
    "hr;",
    "input;",
    "input type=\"hidden\";",
    "textarea {}",
    "script {}",
    "style {}",
    "template {}",
    "img;",
    "br;",
    "font color=\"red\" {}",
    "font {}",
    "section {}",
    "pre {}",
    "dialog {}",
    "x-y {}",
    "\"text\"",
    "\" \"",
    "svg {}",
    "math {}",
    "label {}",
    "fieldset {}",
    "object {}",
];

/// The first thing in the template `root` of `inner` that its surroundings refuse, when the slot is in `outer`.
fn is_refused_when_spliced(outer: &str, inner: &str) -> bool {
    let outer = templates(&outer.replace('@', "(x)"));
    let inner = templates(inner);
    let slot = outer.last().and_then(|root| root.slots.first()).expect("there is one");
    let open = slot.within.opens;
    inner.last().is_some_and(|root| root.placed.iter().any(|placed| placed.not_in & open != 0))
}

#[test]
fn a_splice_is_refused_where_the_same_content_would_be() {
    for outer in AROUND {
        for inner in INSIDE {
            let mut errors = Errors::default();
            lower(&outer.replace('@', inner), &mut errors);
            assert_eq!(
                is_refused_when_spliced(outer, inner),
                !errors.is_empty(),
                "`{inner}` in `{outer}`: {}",
                errors.into_tokens()
            );
        }
    }
}

#[test]
fn a_splice_two_templates_deep_is_refused_as_well() {
    for outer in AROUND {
        for inner in INSIDE {
            // An `ins` changes nothing in HTML. Written in SVG or MathML it would be theirs.
            if outer.starts_with("svg") || outer.starts_with("math") {
                continue;
            }
            let middle = templates("ins { (x) }").pop().expect("there is a root");
            let within = middle.slots[0].within;
            let outer_templates = templates(&outer.replace('@', "(x)"));
            let opens = outer_templates.last().expect("there is a root").slots[0].within.opens;
            let open = (opens & within.keeps) | within.opens;
            let inner_templates = templates(inner);
            let is_refused = inner_templates
                .last()
                .is_some_and(|root| root.placed.iter().any(|placed| placed.not_in & open != 0));
            let mut errors = Errors::default();
            lower(&outer.replace('@', &format!("ins {{ {inner} }}")), &mut errors);
            // The `ins` itself may be what is refused.
            let is_middle_refused = is_refused_when_spliced(outer, "ins {}");
            assert_eq!(
                is_refused || is_middle_refused,
                !errors.is_empty(),
                "`{inner}` in `ins` in `{outer}`: {}",
                errors.into_tokens()
            );
        }
    }
}

#[test]
fn the_parser_finds_what_the_check_is_for() {
    // The comparison itself can fail: a template that skips the check.
    let mut template = templates("table { tbody { tr {} } }").remove(0);
    template.statics = vec!["<table><tr></tr></table>".to_owned()];
    assert!(compare(&template).is_err());
    let mut template = templates("p { (x) b {} }").remove(0);
    template.slots[0].path = vec![0, 1];
    assert!(compare(&template).is_err());
}
