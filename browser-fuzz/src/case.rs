//! A case: a component's markup, what its expressions stand for, and what a person does to it.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;

use lightspeed_templates::{Body, Site, compile};

/// A piece of markup. Each has a number of its own, by which a smaller case leaves it out.
#[derive(Debug, Clone)]
pub(crate) enum Node {
    Text {
        id: Site,
        text: String,
    },
    /// A splice of a text.
    Splice {
        id: Site,
    },
    /// A splice of markup by others.
    Raw {
        id: Site,
    },
    /// A splice of another component's HTML.
    Part {
        id: Site,
        children: Vec<Node>,
    },
    If {
        id: Site,
        then: Vec<Node>,
        otherwise: Option<Vec<Node>>,
    },
    Match {
        id: Site,
        arms: Vec<Vec<Node>>,
    },
    /// The item is an element.
    For {
        id: Site,
        item: Box<Node>,
    },
    Element(Element),
}

#[derive(Debug, Clone)]
pub(crate) struct Element {
    pub(crate) id: Site,
    pub(crate) tag: String,
    pub(crate) attributes: Vec<Attribute>,
    /// `None` for a void element.
    pub(crate) children: Option<Vec<Node>>,
}

#[derive(Debug, Clone)]
pub(crate) struct Attribute {
    pub(crate) id: Site,
    pub(crate) name: String,
    pub(crate) value: Written,
}

/// How an attribute is written.
#[derive(Debug, Clone)]
pub(crate) enum Written {
    /// `name="text"`
    Literal(String),
    /// `name=(site)`
    Dynamic,
    /// The same for the value of a field.
    Held,
    /// `name={ "text" (site) }`
    Behind(String),
    /// `name=[site]`
    Optional,
    /// `name[site]`
    Toggle,
    /// The same for what a field holds.
    HeldToggle,
    /// `.name[site]`
    Class,
    /// `data-event=(site)` and `onevent=(site)`: a handler, and beside it what it is known by.
    Handler,
}

/// What an expression stands for.
#[derive(Debug, Clone)]
pub(crate) enum Meaning {
    /// One of these at a time; for an option, or none.
    Texts(Vec<String>),
    Optional(Vec<String>),
    Raw(Vec<String>),
    Flag,
    Arm,
    Rows,
    /// What the field of this number holds: the server's value, or what it took from a person.
    Field(Site),
    /// The field of this number holds this: a radio button, an option, or `true` for a checkbox.
    IsField {
        field: Site,
        value: String,
    },
    Handler(Handler),
}

#[derive(Debug, Clone)]
pub(crate) struct Handler {
    /// It is always known by the same.
    pub(crate) is_static: bool,
    /// The state moves on.
    pub(crate) moves: bool,
    /// The field whose event it is, and what the server makes of what it hears.
    pub(crate) field: Option<(Site, Policy)>,
}

/// What a server makes of a person's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Policy {
    Echo,
    Refuse,
    /// Another value than the person's.
    Alter,
}

/// What somebody does to the page, as the driver reads it.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Act {
    /// Its number, by which a smaller case leaves it out.
    pub(crate) id: usize,
    /// When: before the client has started, while it starts, or in one of two rounds after that.
    pub(crate) phase: u8,
    /// What.
    #[serde(rename = "act")]
    pub(crate) name: &'static str,
    /// Which of the elements that it can be done to, counted around.
    pub(crate) pick: u32,
    /// What else it needs.
    pub(crate) value: String,
}

/// All of it.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    pub(crate) seed: u64,
    pub(crate) edits: Vec<String>,
    pub(crate) roots: Vec<Node>,
    pub(crate) meanings: BTreeMap<Site, Meaning>,
    pub(crate) fields: BTreeMap<Site, Vec<String>>,
    pub(crate) acts: Vec<Act>,
    /// What else is on the page: `extension`, `translator`, `shadow`, `composing`.
    pub(crate) knobs: Vec<&'static str>,
}

/// A case that the macro takes.
#[derive(Debug)]
pub(crate) struct Compiled {
    pub(crate) case: Case,
    pub(crate) root: Body,
    pub(crate) parts: BTreeMap<Site, Body>,
}

impl Case {
    /// Has the macro make its templates.
    pub(crate) fn compile(self) -> Result<Compiled, String> {
        let root = compile(&source(&self.roots, 0))?;
        let mut parts = BTreeMap::new();
        for (id, children) in self.parts() {
            parts.insert(id, compile(&source(children, 0))?);
        }
        Ok(Compiled { root, parts, case: self })
    }

    fn parts(&self) -> Vec<(Site, &Vec<Node>)> {
        let mut parts = Vec::new();
        each(&self.roots, &mut |node| {
            if let Node::Part { id, children } = node {
                parts.push((*id, children));
            }
        });
        parts
    }

    /// The same without some of it: `-12` leaves a node or an attribute out, `^12` puts what is in the node in its
    /// place, `!3` leaves an act out, `~name` a knob.
    pub(crate) fn edited(mut self, edits: &[String]) -> Self {
        for edit in edits {
            let number = edit.get(1..).unwrap_or_default();
            match edit.as_bytes().first() {
                Some(b'-') => self.roots = without(&self.roots, number.parse().unwrap_or(Site::MAX), false),
                Some(b'^') => self.roots = without(&self.roots, number.parse().unwrap_or(Site::MAX), true),
                Some(b'!') => self.acts.retain(|act| act.id.to_string() != number),
                Some(b'~') => self.knobs.retain(|knob| *knob != number),
                _ => {}
            }
        }
        self.edits = edits.to_vec();
        self
    }

    /// The edits that leave a little more out, larger parts first.
    pub(crate) fn smaller(&self) -> Vec<String> {
        let mut edits: Vec<String> = self.knobs.iter().map(|knob| format!("~{knob}")).collect();
        edits.extend(self.acts.iter().map(|act| format!("!{}", act.id)));
        let mut nodes = Vec::new();
        each(&self.roots, &mut |node| {
            let (id, size, is_parent) = node.shape();
            nodes.push((size, format!("-{id}")));
            if is_parent {
                nodes.push((1, format!("^{id}")));
            }
            if let Node::Element(element) = node {
                nodes.extend(element.attributes.iter().map(|attribute| (0, format!("-{}", attribute.id))));
            }
        });
        nodes.sort_by_key(|(size, _)| std::cmp::Reverse(*size));
        edits.extend(nodes.into_iter().map(|(_, edit)| edit));
        edits
    }

    /// For a person to read: what would stand in `html!`, components that are spliced behind it.
    pub(crate) fn to_source(&self) -> String {
        let mut out = format!("html! {{\n{}}}\n", source(&self.roots, 1));
        for (id, children) in self.parts() {
            let _ = write!(out, "v{id} = html! {{\n{}}}\n", source(children, 1));
        }
        out
    }

    /// The sites that its source has.
    pub(crate) fn sites(&self) -> Vec<Site> {
        let mut sites = Vec::new();
        each(&self.roots, &mut |node| {
            sites.push(node.shape().0);
            if let Node::Element(element) = node {
                sites.extend(element.attributes.iter().map(|attribute| attribute.id));
            }
        });
        sites
    }
}

impl Node {
    /// Its number, how many nodes it is, and whether others are in it.
    fn shape(&self) -> (Site, usize, bool) {
        let mut size = 0;
        each(std::slice::from_ref(self), &mut |_| size += 1);
        match self {
            Self::Text { id, .. } | Self::Splice { id } | Self::Raw { id } => (*id, size, false),
            Self::Part { id, .. } | Self::If { id, .. } | Self::Match { id, .. } | Self::For { id, .. } => {
                (*id, size, true)
            }
            Self::Element(element) => (element.id, size, element.children.is_some()),
        }
    }

    fn children(&self) -> Vec<&[Node]> {
        match self {
            Self::Text { .. } | Self::Splice { .. } | Self::Raw { .. } => Vec::new(),
            Self::Part { children, .. } => vec![children],
            Self::If { then, otherwise, .. } => {
                [Some(then), otherwise.as_ref()].into_iter().flatten().map(Vec::as_slice).collect()
            }
            Self::Match { arms, .. } => arms.iter().map(Vec::as_slice).collect(),
            Self::For { item, .. } => vec![std::slice::from_ref(item)],
            Self::Element(element) => element.children.iter().map(Vec::as_slice).collect(),
        }
    }
}

fn each<'a>(nodes: &'a [Node], visit: &mut impl FnMut(&'a Node)) {
    for node in nodes {
        visit(node);
        for children in node.children() {
            each(children, visit);
        }
    }
}

/// `nodes` without what has this number, or with what is in it in its place.
fn without(nodes: &[Node], out: Site, is_hoisted: bool) -> Vec<Node> {
    let inner = |nodes: &[Node]| without(nodes, out, is_hoisted);
    let mut kept = Vec::new();
    for node in nodes {
        if node.shape().0 == out {
            if is_hoisted {
                kept.extend(node.children().concat());
            }
            continue;
        }
        kept.push(match node {
            Node::Part { id, children } => Node::Part { id: *id, children: inner(children) },
            Node::If { id, then, otherwise } => {
                Node::If { id: *id, then: inner(then), otherwise: otherwise.as_deref().map(inner) }
            }
            Node::Match { id, arms } => {
                Node::Match { id: *id, arms: arms.iter().map(|arm| inner(arm)).collect() }
            }
            Node::For { id, item } => match inner(std::slice::from_ref(item)).as_slice() {
                [Node::Element(element)] => {
                    Node::For { id: *id, item: Box::new(Node::Element(element.clone())) }
                }
                _ => continue,
            },
            Node::Element(element) => {
                let mut element = element.clone();
                element.attributes.retain(|attribute| attribute.id != out);
                element.children = element.children.as_deref().map(inner);
                Node::Element(element)
            }
            other => other.clone(),
        });
    }
    kept
}

fn source(nodes: &[Node], depth: usize) -> String {
    nodes.iter().map(|node| node_source(node, depth, "")).collect()
}

fn node_source(node: &Node, depth: usize, key: &str) -> String {
    let indent = "    ".repeat(depth);
    let block = |nodes: &[Node]| {
        if nodes.is_empty() { "{}".to_owned() } else { format!("{{\n{}{indent}}}", source(nodes, depth + 1)) }
    };
    match node {
        Node::Text { text, .. } => format!("{indent}{text:?}\n"),
        Node::Splice { id } | Node::Raw { id } | Node::Part { id, .. } => format!("{indent}(v{id})\n"),
        Node::If { id, then, otherwise } => {
            let otherwise =
                otherwise.as_deref().map_or(String::new(), |nodes| format!(" @else {}", block(nodes)));
            format!("{indent}@if v{id} {}{otherwise}\n", block(then))
        }
        Node::Match { id, arms } => {
            let arms = arms.iter().enumerate().fold(String::new(), |mut all, (index, arm)| {
                let pattern = if index + 1 == arms.len() { "_".to_owned() } else { index.to_string() };
                let _ = writeln!(all, "{indent}    {pattern} => {}", block(arm));
                all
            });
            format!("{indent}@match v{id} {{\n{arms}{indent}}}\n")
        }
        Node::For { id, item } => {
            format!(
                "{indent}@for row in v{id} {{\n{}{indent}}}\n",
                node_source(item, depth + 1, " key=(row)")
            )
        }
        Node::Element(Element { tag, attributes, children, .. }) => {
            let attributes: String = attributes.iter().map(attribute_source).collect();
            let is_held = tag == "textarea" && children.as_ref().is_some_and(|nodes| !nodes.is_empty());
            let held = if is_held { " data-held=\"\"" } else { "" };
            let children = children.as_deref().map_or(";".to_owned(), |nodes| format!(" {}", block(nodes)));
            format!("{indent}{tag}{key}{attributes}{held}{children}\n")
        }
    }
}

fn attribute_source(Attribute { id, name, value }: &Attribute) -> String {
    match value {
        Written::Literal(text) => format!(" {name}={text:?}"),
        Written::Dynamic => format!(" {name}=(v{id})"),
        // By `data-held` the person's side knows that the server says what is shown.
        Written::Held => format!(" data-held=\"\" {name}=(v{id})"),
        Written::HeldToggle => format!(" data-held=\"\" {name}[v{id}]"),
        Written::Behind(text) => format!(" {name}={{ {text:?} (v{id}) }}"),
        Written::Optional => format!(" {name}=[v{id}]"),
        Written::Toggle => format!(" {name}[v{id}]"),
        Written::Class => format!(".{name}[v{id}]"),
        // What the person's side of the fuzzer knows it by, and the handler.
        Written::Handler => format!(" data-{name}=(v{id}) on{name}=(v{id})"),
    }
}
