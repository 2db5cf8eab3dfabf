//! A document that holds an interpreter to the grammar of its changes.

use std::collections::BTreeMap;

use lightspeed_interpreter::document::{Change, Document};
use lightspeed_interpreter::{Address, TemplateShape, Templates, Tree};
use lightspeed_protocol::template::SlotKind;
use lightspeed_protocol::{Fingerprint, InstanceId, limits};

/// A document that keeps nothing but what the grammar of [`Change`] needs, and panics where
/// an interpreter leaves it. It stands any template: it has no nodes that a path could miss.
#[derive(Debug, Default)]
pub struct Checked {
    templates: BTreeMap<Fingerprint, TemplateShape>,
    root: Option<InstanceId>,
    /// The root that the program under way brings.
    root_next: Option<InstanceId>,
    is_adopting: bool,
    is_root_due: bool,
    /// What the build under way still lacks, the innermost last.
    open: Vec<Open>,
    built_count: usize,
}

#[derive(Debug)]
enum Open {
    /// So many instances.
    Instances(u32),
    /// The slots of an instance, from this one on.
    Slots(Fingerprint, usize),
}

impl Checked {
    /// The root instance of what was committed.
    pub fn root(&self) -> Option<InstanceId> {
        self.root
    }

    /// How many instances the last program has made.
    pub fn built_count(&self) -> usize {
        self.built_count
    }

    /// Leaves what is complete.
    fn settle(&mut self) {
        loop {
            match self.open.last_mut() {
                Some(Open::Instances(0)) => {}
                Some(Open::Slots(template, at)) => {
                    let slots = &self.templates[template].slots;
                    let is_silent = |kind: SlotKind| {
                        kind == SlotKind::Handler || (self.is_adopting && !kind.is_content())
                    };
                    while slots.get(*at).is_some_and(|slot| is_silent(slot.kind)) {
                        *at += 1;
                    }
                    if *at < slots.len() {
                        return;
                    }
                }
                _ => return,
            }
            self.open.pop();
        }
    }

    /// The kind of the slot that comes next; it is passed.
    fn slot(&mut self, change: &Change<'_>) -> SlotKind {
        let Some(Open::Slots(template, at)) = self.open.last_mut() else {
            panic!("{change:?} where no slot is open")
        };
        let kind = self.templates[template].slots[*at].kind;
        *at += 1;
        kind
    }
}

impl Document for Checked {
    fn define(&mut self, fingerprint: Fingerprint, template: &TemplateShape) {
        assert!(template.slots.len() <= limits::TEMPLATE_SLOTS_MAX as usize);
        self.templates.insert(fingerprint, template.clone());
        assert!(self.templates.len() <= limits::TEMPLATES_PER_PAGE_MAX);
    }

    fn begin(&mut self, _: u32, _: u64) {
        self.discard();
        self.built_count = 0;
    }

    fn change(&mut self, change: Change<'_>) {
        self.settle();
        match change {
            Change::Instance { id, template } => {
                let Some(Open::Instances(count)) = self.open.last_mut() else {
                    panic!("{change:?} is not due")
                };
                *count -= 1;
                self.open.push(Open::Slots(template, 0));
                self.built_count += 1;
                if std::mem::take(&mut self.is_root_due) {
                    self.root_next = Some(id);
                }
            }
            Change::ValueText(_) => {
                let kind = self.slot(&change);
                assert!(
                    matches!(kind, SlotKind::Splice | SlotKind::Attribute | SlotKind::Property),
                    "{kind:?}"
                );
            }
            Change::ValueFlag(_) => {
                let kind = self.slot(&change);
                assert!(
                    matches!(kind, SlotKind::Flag | SlotKind::Class | SlotKind::BoolProperty),
                    "{kind:?}"
                );
            }
            Change::ValueHtml(_) => assert_eq!(self.slot(&change), SlotKind::Splice),
            Change::AdoptedRaw => {
                assert!(self.is_adopting);
                assert_eq!(self.slot(&change), SlotKind::Splice);
            }
            Change::Children(count) => {
                let kind = self.slot(&change);
                assert!(kind.is_content() && (kind == SlotKind::List || count <= 1), "{kind:?}: {count}");
                self.open.push(Open::Instances(count));
            }
            _ => {
                assert!(self.open.is_empty(), "{change:?} within a build: {:?}", self.open);
                self.is_adopting = matches!(change, Change::Root { is_adopted: true });
                match change {
                    Change::Root { .. } => {
                        self.is_root_due = true;
                        self.open.push(Open::Instances(1));
                    }
                    Change::Build { count, .. } => self.open.push(Open::Instances(count)),
                    _ => {}
                }
            }
        }
    }

    fn commit(&mut self) {
        self.settle();
        assert!(self.open.is_empty(), "a program is committed within a build: {:?}", self.open);
        self.root = self.root_next.take().or(self.root);
    }

    fn discard(&mut self) {
        self.open.clear();
        (self.root_next, self.is_root_due, self.is_adopting) = (None, false, false);
    }
}

/// Every instance of a tree, parents before children, each with the slot that it is in.
///
/// Panics when one is there twice, is unknown, or when the tree counts others.
pub fn instances(
    root: Option<InstanceId>,
    templates: &Templates,
    tree: &Tree,
) -> Vec<(InstanceId, Option<Address>)> {
    let mut found = Vec::new();
    let mut open: Vec<(InstanceId, Option<Address>)> = root.map(|root| (root, None)).into_iter().collect();
    let mut seen = std::collections::BTreeSet::new();
    while let Some((id, parent)) = open.pop() {
        assert!(seen.insert(id), "instance {id} is in the tree twice");
        assert!(id < tree.next_id(), "instance {id} is not made yet");
        let template = tree.template(id).expect("an instance in a slot is alive");
        let shape = templates.get(template).expect("an instance is of a template");
        found.push((id, parent));
        for (index, slot) in (0..).zip(&shape.slots) {
            let at = Address { instance: id, slot: index };
            // Raw HTML stands for itself: it is no instance.
            let children = tree.children(at).iter().filter(|child| **child != 0);
            let before = open.len();
            open.extend(children.map(|child| (*child, Some(at))));
            let count = open.len() - before;
            assert!(slot.kind.is_content() || count == 0, "{:?} holds instances", slot.kind);
            assert!(slot.kind == SlotKind::List || count <= 1, "{:?} holds {count} instances", slot.kind);
        }
    }
    assert_eq!(found.len(), tree.len(), "every instance is somewhere");
    assert!(tree.len() <= limits::INSTANCES_MAX);
    found
}
