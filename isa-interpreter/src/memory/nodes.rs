//! Nodes with an identity, in an arena.

use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

/// The identity of a node: it stays the same however often the node is moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct NodeId(usize);

/// The document itself.
pub(super) const ROOT: NodeId = NodeId(0);

#[derive(Debug, Clone)]
enum Kind {
    /// The document, or a template's content.
    Holder,
    Element {
        name: String,
        attributes: Vec<(String, String)>,
    },
    Text(String),
    Comment(String),
    /// HTML that nobody looks into.
    Raw(String),
}

#[derive(Debug)]
struct Node {
    kind: Kind,
    parent: Option<NodeId>,
    children: Vec<NodeId>,
}

#[derive(Debug)]
pub(super) struct Nodes {
    nodes: Vec<Node>,
}

impl Default for Nodes {
    fn default() -> Self {
        Self { nodes: vec![Node { kind: Kind::Holder, parent: None, children: Vec::new() }] }
    }
}

/// What stands before and after raw HTML.
const RAW_START: &str = "[";
const RAW_END: &str = "]";

impl Nodes {
    fn create(&mut self, kind: Kind) -> NodeId {
        self.nodes.push(Node { kind, parent: None, children: Vec::new() });
        NodeId(self.nodes.len() - 1)
    }

    fn append(&mut self, parent: NodeId, kind: Kind) -> NodeId {
        let node = self.create(kind);
        self.nodes[node.0].parent = Some(parent);
        self.nodes[parent.0].children.push(node);
        node
    }

    pub(super) fn create_holder(&mut self) -> NodeId {
        self.create(Kind::Holder)
    }

    pub(super) fn append_element(
        &mut self,
        parent: NodeId,
        name: &str,
        attributes: Vec<(String, String)>,
    ) -> NodeId {
        self.append(parent, Kind::Element { name: name.into(), attributes })
    }

    /// Appends text, to the text that stands last where there is one: the way a parser does.
    pub(super) fn append_parsed_text(&mut self, parent: NodeId, text: &str) {
        let last = self.nodes[parent.0].children.last().copied();
        if let Some(Kind::Text(before)) = last.map(|last| &mut self.nodes[last.0].kind) {
            before.push_str(text);
        } else if !text.is_empty() {
            self.append_text(parent, text.into());
        }
    }

    pub(super) fn append_text(&mut self, parent: NodeId, text: String) -> NodeId {
        self.append(parent, Kind::Text(text))
    }

    pub(super) fn append_comment(&mut self, parent: NodeId, text: &str) {
        self.append(parent, Kind::Comment(text.into()));
    }

    pub(super) fn append_raw(&mut self, parent: NodeId, html: &str) {
        self.append(parent, Kind::Raw(html.into()));
    }

    pub(super) fn children(&self, node: NodeId) -> &[NodeId] {
        &self.nodes[node.0].children
    }

    pub(super) fn walk(&self, from: NodeId, path: &[u32]) -> NodeId {
        path.iter().fold(from, |node, step| self.nodes[node.0].children[*step as usize])
    }

    fn position(&self, node: NodeId) -> Option<(NodeId, usize)> {
        let parent = self.nodes[node.0].parent?;
        let position = self.nodes[parent.0].children.iter().position(|child| *child == node)?;
        Some((parent, position))
    }

    pub(super) fn is_within(&self, node: NodeId, outer: NodeId) -> bool {
        let mut parents = core::iter::successors(self.nodes[node.0].parent, |node| self.nodes[node.0].parent);
        parents.any(|parent| parent == outer)
    }

    /// Child indexes from the outermost node.
    pub(super) fn path(&self, node: NodeId) -> Vec<usize> {
        let mut path = Vec::new();
        let mut node = node;
        while let Some((parent, position)) = self.position(node) {
            path.push(position);
            node = parent;
        }
        path.reverse();
        path
    }

    pub(super) fn detach(&mut self, node: NodeId) {
        if let Some((parent, position)) = self.position(node) {
            self.nodes[parent.0].children.remove(position);
            self.nodes[node.0].parent = None;
        }
    }

    pub(super) fn insert_before(&mut self, node: NodeId, next: NodeId) {
        self.detach(node);
        if let Some((parent, position)) = self.position(next) {
            self.nodes[parent.0].children.insert(position, node);
            self.nodes[node.0].parent = Some(parent);
        }
    }

    pub(super) fn insert_text_at(&mut self, parent: NodeId, position: usize) -> NodeId {
        let node = self.create(Kind::Text(String::new()));
        self.nodes[node.0].parent = Some(parent);
        self.nodes[parent.0].children.insert(position, node);
        node
    }

    pub(super) fn replace_by_text(&mut self, node: NodeId) -> NodeId {
        let text = self.create(Kind::Text(String::new()));
        self.insert_before(text, node);
        self.detach(node);
        text
    }

    pub(super) fn clear_children(&mut self, node: NodeId) {
        for child in core::mem::take(&mut self.nodes[node.0].children) {
            self.nodes[child.0].parent = None;
        }
    }

    /// The siblings from `first` to `last`.
    pub(super) fn range(&self, first: NodeId, last: NodeId) -> Vec<NodeId> {
        let Some((parent, start)) = self.position(first) else { return Vec::new() };
        let siblings = &self.nodes[parent.0].children[start..];
        let length = siblings.iter().position(|node| *node == last).map_or(1, |position| position + 1);
        siblings[..length].to_vec()
    }

    pub(super) fn set_text(&mut self, node: NodeId, text: String) {
        if let Kind::Text(current) = &mut self.nodes[node.0].kind {
            *current = text;
        }
    }

    pub(super) fn is_text_at(&self, parent: NodeId, position: usize) -> bool {
        let node = self.nodes[parent.0].children.get(position);
        node.is_some_and(|node| matches!(self.nodes[node.0].kind, Kind::Text(_)))
    }

    pub(super) fn is_element(&self, node: NodeId, expected: &str) -> bool {
        matches!(&self.nodes[node.0].kind, Kind::Element { name, .. } if name == expected)
    }

    fn is_comment(&self, node: NodeId, expected: &str) -> bool {
        matches!(&self.nodes[node.0].kind, Kind::Comment(text) if text == expected)
    }

    pub(super) fn insert_raw_before(&mut self, anchor: NodeId, html: &str) {
        for kind in [Kind::Comment(RAW_START.into()), Kind::Raw(html.into()), Kind::Comment(RAW_END.into())] {
            let node = self.create(kind);
            self.insert_before(node, anchor);
        }
    }

    /// Takes away raw HTML that ends right before `anchor`.
    pub(super) fn remove_raw_before(&mut self, anchor: NodeId) {
        let Some((parent, position)) = self.position(anchor) else { return };
        let before = &self.nodes[parent.0].children[..position];
        if !before.last().is_some_and(|last| self.is_comment(*last, RAW_END)) {
            return;
        }
        let start = before.iter().rposition(|node| self.is_comment(*node, RAW_START));
        for node in start.map_or(Vec::new(), |start| before[start..].to_vec()) {
            self.detach(node);
        }
    }

    /// How many nodes the raw HTML at `position` takes, marks included.
    pub(super) fn raw_len(&self, parent: NodeId, position: usize) -> usize {
        let siblings = &self.nodes[parent.0].children[position..];
        siblings.iter().position(|node| self.is_comment(*node, RAW_END)).map_or(0, |end| end + 1)
    }

    pub(super) fn attribute(&self, node: NodeId, name: &str) -> Option<&str> {
        let Kind::Element { attributes, .. } = &self.nodes[node.0].kind else { return None };
        attributes.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub(super) fn set_attribute(&mut self, node: NodeId, name: &str, value: Option<String>) {
        let Kind::Element { attributes, .. } = &mut self.nodes[node.0].kind else { return };
        attributes.retain(|(known, _)| known != name);
        attributes.extend(value.map(|value| (name.into(), value)));
    }

    pub(super) fn toggle_class(&mut self, node: NodeId, class: &str, on: bool) {
        let current = self.attribute(node, "class").unwrap_or_default();
        let mut classes: Vec<&str> =
            current.split_ascii_whitespace().filter(|known| *known != class).collect();
        if on {
            classes.push(class);
        }
        let classes = classes.join(" ");
        self.set_attribute(node, "class", Some(classes));
    }

    fn descendants(&self, node: NodeId) -> Vec<NodeId> {
        let mut found = Vec::new();
        let mut open: Vec<NodeId> = self.nodes[node.0].children.iter().rev().copied().collect();
        while let Some(node) = open.pop() {
            found.push(node);
            open.extend(self.nodes[node.0].children.iter().rev());
        }
        found
    }

    pub(super) fn find_all(&self, name: &str) -> Vec<NodeId> {
        self.descendants(ROOT).into_iter().filter(|node| self.is_element(*node, name)).collect()
    }

    pub(super) fn find_by_attribute(&self, name: &str, value: &str) -> Option<NodeId> {
        self.descendants(ROOT).into_iter().find(|node| self.attribute(*node, name) == Some(value))
    }

    pub(super) fn text(&self, node: NodeId) -> String {
        let mut text = String::new();
        for node in core::iter::once(node).chain(self.descendants(node)) {
            if let Kind::Text(part) = &self.nodes[node.0].kind {
                text.push_str(part);
            }
        }
        text
    }

    pub(super) fn write_children(&self, node: NodeId, out: &mut String) {
        for child in &self.nodes[node.0].children {
            self.write(*child, out);
        }
    }

    fn write(&self, node: NodeId, out: &mut String) {
        match &self.nodes[node.0].kind {
            Kind::Holder => {}
            Kind::Text(text) => {
                out.push_str(&text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;"));
            }
            Kind::Comment(text) if text.is_empty() => out.push_str("<!>"),
            Kind::Comment(text) => {
                out.push_str("<!--");
                out.push_str(text);
                out.push_str("-->");
            }
            Kind::Raw(html) => out.push_str(html),
            Kind::Element { name, attributes } => {
                let mut attributes = attributes.clone();
                attributes.sort();
                out.push('<');
                out.push_str(name);
                for (name, value) in &attributes {
                    let mut classes: Vec<&str> = value.split_ascii_whitespace().collect();
                    classes.sort_unstable();
                    let value = if name == "class" { &classes.join(" ") } else { value };
                    out.push(' ');
                    out.push_str(name);
                    out.push_str("=\"");
                    out.push_str(
                        &value
                            .replace('&', "&amp;")
                            .replace('<', "&lt;")
                            .replace('>', "&gt;")
                            .replace('"', "&quot;"),
                    );
                    out.push('"');
                }
                out.push('>');
                if !super::parse::is_void(name) {
                    self.write_children(node, out);
                    out.push_str("</");
                    out.push_str(name);
                    out.push('>');
                }
            }
        }
    }
}
