//! A document without a browser: for tests, native clients and replays.
//!
//! It keeps what a browser keeps: nodes with an identity, elements with attributes, text
//! and comments; and it adopts and builds the way `specs/isa.md`, clause 5 has it.

mod nodes;
mod parse;

use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

use lightspeed_protocol::msgpack::{Payload, Text};
use lightspeed_protocol::template::{EventKind, SlotKind};
use lightspeed_protocol::{Fingerprint, InstanceId, SlotIndex};

use crate::document::{Address, Change, Document};
use crate::templates::TemplateShape;
use nodes::{Nodes, ROOT};

pub use nodes::NodeId;

/// The document of one session.
#[derive(Debug, Default)]
pub struct MemoryDocument {
    nodes: Nodes,
    templates: BTreeMap<Fingerprint, TemplateShape>,
    instances: BTreeMap<InstanceId, Instance>,
    recorded: Vec<Recorded>,
    /// How many nodes were moved or removed; a test of least change reads it.
    moved_count: usize,
    /// What the page was asked for.
    effects: Vec<(u32, String, String)>,
}

#[derive(Debug, Clone)]
struct Instance {
    template: Fingerprint,
    /// The node of each slot: the element, or the anchor of a content slot.
    slots: Vec<NodeId>,
    first: NodeId,
    last: NodeId,
    /// The instances in each content slot, in order.
    children: BTreeMap<SlotIndex, Vec<InstanceId>>,
    parent: Option<Address>,
}

/// A [`Change`] that owns what it borrows.
#[derive(Debug)]
enum Recorded {
    Text(Address, String),
    Splice(Address, u32, u32, String),
    Attribute(Address, Option<String>),
    Flag(Address, bool),
    Html(Address, String),
    Empty(Address),
    Build(Address, InstanceId, u32),
    Root(bool),
    Instance(InstanceId, Fingerprint),
    ValueText(Option<String>),
    ValueFlag(bool),
    ValueHtml(String),
    Children(u32),
    AdoptedRaw,
    Move(InstanceId, InstanceId),
    Remove(InstanceId),
    Effect(u32, String, String),
}

type Changes = vec::IntoIter<Recorded>;

impl MemoryDocument {
    /// An empty document.
    pub fn new() -> Self {
        Self::default()
    }

    /// A document that holds what a browser makes of `html`, and has adopted nothing yet.
    pub fn from_html(html: &str) -> Self {
        let mut document = Self::default();
        parse::parse(html, &mut document.nodes, ROOT);
        document
    }

    /// The document as HTML, in a canonical form: attributes and classes in alphabetical order.
    pub fn to_html(&self) -> String {
        let mut out = String::new();
        self.nodes.write_children(ROOT, &mut out);
        out
    }

    /// `html` in the canonical form of [`MemoryDocument::to_html`].
    pub fn canonical(html: &str) -> String {
        Self::from_html(html).to_html()
    }

    /// What the page was asked for so far, in order: kind, name and data ([`lightspeed_protocol::isa::EffectKind`]).
    pub fn effects(&self) -> &[(u32, String, String)] {
        &self.effects
    }

    /// How many times a node was moved within the document.
    pub fn moved_count(&self) -> usize {
        self.moved_count
    }

    /// The place of the handler for `event` on the element with this `id` attribute.
    pub fn place_of(&self, id: &str, event: EventKind) -> Option<Address> {
        let element = self.nodes.find_by_attribute("id", id)?;
        self.place_on(element, event)
    }

    /// The places of all handlers for `event`, in no particular order but the same each time.
    pub fn places(&self, event: EventKind) -> Vec<Address> {
        let places = self.instances.iter().flat_map(|(id, instance)| {
            let slots = (0..).zip(&self.templates[&instance.template].slots);
            slots
                .filter(|(_, slot)| slot.event == Some(event))
                .map(|(slot, _)| Address { instance: *id, slot })
        });
        places.collect()
    }

    /// The place of the handler for `event` on an element.
    pub fn place_on(&self, element: NodeId, event: EventKind) -> Option<Address> {
        self.places(event)
            .into_iter()
            .find(|at| self.instances[&at.instance].slots[at.slot as usize] == element)
    }

    /// A person enters a value into the field that has its `input` or `change` handler at a place;
    /// other elements stay as they are.
    pub fn enter(&mut self, at: Address, payload: Payload<'_>) {
        let Some(instance) = self.instances.get(&at.instance) else { return };
        let Some(element) = instance.slots.get(at.slot as usize).copied() else { return };
        match payload {
            Payload::Text(text) if self.nodes.is_element(element, "textarea") => {
                self.nodes.clear_children(element);
                self.nodes.append_text(element, text.into());
            }
            Payload::Text(text) if self.nodes.is_element(element, "input") => {
                self.nodes.set_attribute(element, "value", Some(text.into()));
            }
            Payload::Flag(on) => self.nodes.set_attribute(element, "checked", on.then(String::new)),
            _ => {}
        }
    }

    /// The elements with this name, in document order.
    pub fn elements(&self, name: &str) -> Vec<NodeId> {
        self.nodes.find_all(name)
    }

    /// Where the node of a slot stands: child indexes from the document.
    pub fn path(&self, at: Address) -> Option<Vec<usize>> {
        let instance = self.instances.get(&at.instance)?;
        Some(self.nodes.path(*instance.slots.get(at.slot as usize)?))
    }

    /// The list that an instance is in, and where in it.
    pub fn position(&self, instance: InstanceId) -> Option<(Address, usize)> {
        let at = self.instances.get(&instance)?.parent?;
        let siblings = self.instances.get(&at.instance)?.children.get(&at.slot)?;
        Some((at, siblings.iter().position(|sibling| *sibling == instance)?))
    }

    /// The node of a slot: the element, or the anchor of a content slot.
    pub fn node_at(&self, at: Address) -> Option<NodeId> {
        self.instances.get(&at.instance)?.slots.get(at.slot as usize).copied()
    }

    /// The event that the handler at a place listens to.
    pub fn event_at(&self, at: Address) -> Option<EventKind> {
        let instance = self.instances.get(&at.instance)?;
        self.templates.get(&instance.template)?.slots.get(at.slot as usize)?.event
    }

    /// Whether `node` is an element with this name.
    pub fn is_element(&self, node: NodeId, name: &str) -> bool {
        self.nodes.is_element(node, name)
    }

    /// Whether `node` stands within `outer`, at any depth.
    pub fn is_within(&self, node: NodeId, outer: NodeId) -> bool {
        self.nodes.is_within(node, outer)
    }

    /// The text within a node.
    pub fn text(&self, node: NodeId) -> String {
        self.nodes.text(node)
    }

    /// The text within the element with this `id` attribute.
    pub fn text_of(&self, id: &str) -> Option<String> {
        Some(self.nodes.text(self.nodes.find_by_attribute("id", id)?))
    }

    /// The value of an attribute of an element.
    pub fn attribute(&self, element: NodeId, name: &str) -> Option<&str> {
        self.nodes.attribute(element, name)
    }

    fn apply(&mut self, change: Recorded, rest: &mut Changes) {
        match change {
            Recorded::Text(at, text) => self.set_text(at, text),
            Recorded::Splice(at, start, delete, insert) => {
                let anchor = self.node(at);
                let text: Vec<u16> = self.nodes.text(anchor).encode_utf16().collect();
                let start = text.len().min(start as usize);
                let end = text.len().min(start.saturating_add(delete as usize));
                let units: Vec<u16> = text[..start]
                    .iter()
                    .copied()
                    .chain(insert.encode_utf16())
                    .chain(text[end..].iter().copied())
                    .collect();
                self.nodes.set_text(anchor, String::from_utf16_lossy(&units));
            }
            Recorded::Attribute(at, text) => self.set_attribute(at, text),
            Recorded::Flag(at, on) => self.set_flag(at, on),
            Recorded::Html(at, html) => {
                self.empty(at);
                self.put_html(at, &html);
            }
            Recorded::Empty(at) => self.empty(at),
            Recorded::Build(at, before, count) => {
                let anchor = self.node(at);
                let next = if before == 0 { anchor } else { self.instances[&before].first };
                let mut ids = Vec::new();
                for _ in 0..count {
                    ids.push(self.build(Some(at), next, rest));
                }
                let siblings = self.siblings(at);
                let position = siblings.iter().position(|id| *id == before).unwrap_or(siblings.len());
                siblings.splice(position..position, ids);
            }
            Recorded::Root(true) => {
                self.adopt(None, ROOT, 0, rest);
            }
            Recorded::Root(false) => {
                self.nodes.clear_children(ROOT);
                self.instances.clear();
                let end = self.nodes.append_text(ROOT, String::new());
                self.build(None, end, rest);
                self.nodes.detach(end);
            }
            Recorded::Move(instance, before) => self.move_before(instance, before),
            Recorded::Remove(instance) => {
                if let Some(at) = self.instances[&instance].parent {
                    self.siblings(at).retain(|id| *id != instance);
                }
                self.remove(instance);
            }
            Recorded::Effect(kind, name, data) => self.effects.push((kind, name, data)),
            Recorded::Instance(..)
            | Recorded::ValueText(_)
            | Recorded::ValueFlag(_)
            | Recorded::ValueHtml(_)
            | Recorded::Children(_)
            | Recorded::AdoptedRaw => unreachable!("an interpreter sends parts of a build only within one"),
        }
    }

    fn node(&self, at: Address) -> NodeId {
        self.instances[&at.instance].slots[at.slot as usize]
    }

    fn slot_name(&self, at: Address) -> (SlotKind, String) {
        let template = self.instances[&at.instance].template;
        let slot = &self.templates[&template].slots[at.slot as usize];
        (slot.kind, slot.name.clone())
    }

    fn siblings(&mut self, at: Address) -> &mut Vec<InstanceId> {
        self.instances
            .get_mut(&at.instance)
            .expect("the interpreter knows the instance")
            .children
            .entry(at.slot)
            .or_default()
    }

    fn set_text(&mut self, at: Address, text: String) {
        let anchor = self.node(at);
        // Raw HTML leaves no instance that would have told its end.
        self.nodes.remove_raw_before(anchor);
        self.nodes.set_text(anchor, text);
    }

    fn set_attribute(&mut self, at: Address, text: Option<String>) {
        let (kind, name) = self.slot_name(at);
        let element = self.node(at);
        if kind == SlotKind::Property && self.nodes.is_element(element, "textarea") {
            self.nodes.clear_children(element);
            self.nodes.append_text(element, text.unwrap_or_default());
        } else {
            self.nodes.set_attribute(element, &name, text);
        }
    }

    fn set_flag(&mut self, at: Address, on: bool) {
        let (kind, name) = self.slot_name(at);
        let element = self.node(at);
        if kind == SlotKind::Class {
            self.nodes.toggle_class(element, &name, on);
        } else {
            self.nodes.set_attribute(element, &name, on.then(String::new));
        }
    }

    fn put_html(&mut self, at: Address, html: &str) {
        let anchor = self.node(at);
        self.nodes.insert_raw_before(anchor, html);
    }

    /// Takes away what a content slot holds.
    fn empty(&mut self, at: Address) {
        for child in core::mem::take(self.siblings(at)) {
            self.remove(child);
        }
        self.set_text(at, String::new());
    }

    /// Takes an instance's nodes away and forgets it and all within it.
    fn remove(&mut self, id: InstanceId) {
        let Some(instance) = self.instances.get(&id).cloned() else { return };
        for node in self.nodes.range(instance.first, instance.last) {
            self.nodes.detach(node);
        }
        let mut ids = vec![id];
        while let Some(id) = ids.pop() {
            if let Some(instance) = self.instances.remove(&id) {
                ids.extend(instance.children.into_values().flatten());
            }
        }
    }

    fn move_before(&mut self, id: InstanceId, before: InstanceId) {
        let Some(at) = self.instances[&id].parent else { return };
        let next = if before == 0 { self.node(at) } else { self.instances[&before].first };
        let Instance { first, last, .. } = self.instances[&id];
        for node in self.nodes.range(first, last) {
            self.nodes.insert_before(node, next);
            self.moved_count += 1;
        }
        let siblings = self.siblings(at);
        siblings.retain(|sibling| *sibling != id);
        let position = siblings.iter().position(|sibling| *sibling == before).unwrap_or(siblings.len());
        siblings.insert(position, id);
    }

    /// Makes an instance before `next`, with all that follows for it.
    fn build(&mut self, parent: Option<Address>, next: NodeId, changes: &mut Changes) -> InstanceId {
        let Some(Recorded::Instance(id, template)) = changes.next() else {
            unreachable!("a build has instances")
        };
        let shape = self.templates[&template].clone();
        let html = shape.html.as_deref().expect("the interpreter builds only what has HTML");
        let holder = self.nodes.create_holder();
        parse::parse(html, &mut self.nodes, holder);
        let slots: Vec<NodeId> = shape.slots.iter().map(|slot| self.nodes.walk(holder, &slot.path)).collect();
        // The placeholders become anchors only when every path is walked: both are one node.
        let anchors = slots.iter().zip(&shape.slots).map(|(node, slot)| {
            if slot.kind.is_content() { self.nodes.replace_by_text(*node) } else { *node }
        });
        let slots: Vec<NodeId> = anchors.collect();
        let roots = self.nodes.children(holder).to_vec();
        let (first, last) = (roots[0], roots[roots.len() - 1]);
        for root in roots {
            self.nodes.insert_before(root, next);
        }
        let instance =
            Instance { template, slots: slots.clone(), first, last, children: BTreeMap::new(), parent };
        self.instances.insert(id, instance);
        for (index, slot) in (0..).zip(&shape.slots) {
            let at = Address { instance: id, slot: index };
            if slot.kind == SlotKind::Handler {
                continue;
            }
            match changes.next() {
                Some(Recorded::ValueText(text)) if slot.kind == SlotKind::Splice => {
                    self.nodes.set_text(slots[index as usize], text.unwrap_or_default());
                }
                Some(Recorded::ValueText(text)) => self.set_attribute(at, text),
                Some(Recorded::ValueFlag(on)) => {
                    if on {
                        self.set_flag(at, true);
                    }
                }
                Some(Recorded::ValueHtml(html)) => self.put_html(at, &html),
                Some(Recorded::Children(count)) => {
                    for _ in 0..count {
                        let child = self.build(Some(at), slots[index as usize], changes);
                        self.siblings(at).push(child);
                    }
                }
                _ => unreachable!("a build has a value for each slot"),
            }
        }
        id
    }

    /// Takes over the nodes of an instance that stand in `parent` from `start`; returns its id and how many they are.
    fn adopt(
        &mut self,
        at: Option<Address>,
        parent: NodeId,
        start: usize,
        changes: &mut Changes,
    ) -> (InstanceId, usize) {
        let Some(Recorded::Instance(id, template)) = changes.next() else {
            unreachable!("a root has an instance")
        };
        let shape = self.templates[&template].clone();
        let placeholder = Instance {
            template,
            slots: Vec::new(),
            first: ROOT,
            last: ROOT,
            children: BTreeMap::new(),
            parent: at,
        };
        self.instances.insert(id, placeholder);
        // By how much the nodes of each parent are further along than in the template.
        let mut offsets: BTreeMap<Vec<u32>, usize> = BTreeMap::new();
        let mut slots = Vec::new();
        for (index, slot) in (0..).zip(&shape.slots) {
            let (mut node, mut depth) = (parent, 0);
            let mut position = 0;
            for (level, step) in slot.path.iter().enumerate() {
                let offset = offsets.get(&slot.path[..level]).copied().unwrap_or(0);
                position = *step as usize + offset + if level == 0 { start } else { 0 };
                depth = level;
                if level + 1 < slot.path.len() || !slot.kind.is_content() {
                    node = self.nodes.children(node)[position];
                }
            }
            if !slot.kind.is_content() {
                slots.push(node);
                continue;
            }
            let address = Address { instance: id, slot: index };
            let mut taken = 0;
            match changes.next() {
                Some(Recorded::Children(count)) => {
                    for _ in 0..count {
                        let (child, nodes) = self.adopt(Some(address), node, position + taken, changes);
                        self.siblings(address).push(child);
                        taken += nodes;
                    }
                }
                Some(Recorded::AdoptedRaw) => taken = self.nodes.raw_len(node, position),
                _ => unreachable!("a skeleton has a value for each content slot"),
            }
            // Text that was not empty is a node already; any other anchor is missing.
            let is_text =
                taken == 0 && slot.kind == SlotKind::Splice && self.nodes.is_text_at(node, position);
            let anchor = if is_text {
                self.nodes.children(node)[position]
            } else {
                self.nodes.insert_text_at(node, position + taken)
            };
            *offsets.entry(slot.path[..depth].to_vec()).or_default() += taken;
            slots.push(anchor);
        }
        let nodes = shape.roots as usize + offsets.get(&[][..]).copied().unwrap_or(0);
        let children = self.nodes.children(parent);
        let (first, last) = (children[start], children[start + nodes - 1]);
        let instance = self.instances.get_mut(&id).expect("it was put in above");
        (instance.slots, instance.first, instance.last) = (slots, first, last);
        (id, nodes)
    }
}

impl Document for MemoryDocument {
    fn define(&mut self, fingerprint: Fingerprint, template: &TemplateShape) {
        self.templates.insert(fingerprint, template.clone());
    }

    fn begin(&mut self, _session: u32, _ack: u64) {
        self.recorded.clear();
    }

    fn change(&mut self, change: Change<'_>) {
        let text = |text: Text<'_>| match text {
            Text::Str(text) => String::from(text),
            Text::Number(number) => number.to_string(),
        };
        self.recorded.push(match change {
            Change::Text { at, text: value } => Recorded::Text(at, text(value)),
            Change::Splice { at, start, delete, insert } => {
                Recorded::Splice(at, start, delete, insert.into())
            }
            Change::Attribute { at, text: value } => Recorded::Attribute(at, value.map(text)),
            Change::Flag { at, on } => Recorded::Flag(at, on),
            Change::Html { at, html } => Recorded::Html(at, html.into()),
            Change::Empty { at } => Recorded::Empty(at),
            Change::Build { at, before, count } => Recorded::Build(at, before, count),
            Change::Root { is_adopted } => Recorded::Root(is_adopted),
            Change::Instance { id, template } => Recorded::Instance(id, template),
            Change::ValueText(value) => Recorded::ValueText(value.map(text)),
            Change::ValueFlag(on) => Recorded::ValueFlag(on),
            Change::ValueHtml(html) => Recorded::ValueHtml(html.into()),
            Change::Children(count) => Recorded::Children(count),
            Change::AdoptedRaw => Recorded::AdoptedRaw,
            Change::Move { instance, before } => Recorded::Move(instance, before),
            Change::Remove { instance } => Recorded::Remove(instance),
            Change::Effect { kind, name, data } => Recorded::Effect(kind, name.into(), data.into()),
        });
    }

    fn commit(&mut self) {
        let mut changes = core::mem::take(&mut self.recorded).into_iter();
        while let Some(change) = changes.next() {
            self.apply(change, &mut changes);
        }
    }

    fn discard(&mut self) {
        self.recorded.clear();
    }
}

#[cfg(test)]
mod tests;
