//! Which instances a document has and where they are: what a program is validated against.

use alloc::vec::Vec;

use lightspeed_protocol::{Fingerprint, InstanceId, SlotIndex, limits};

use crate::document::Address;

/// Stands in a slot's list of children for raw HTML, which has no instances.
pub(crate) const RAW: InstanceId = 0;

#[derive(Debug)]
struct Record {
    id: InstanceId,
    template: Fingerprint,
    parent: Address,
    is_alive: bool,
    /// The content slots that hold something, and what.
    children: Vec<(SlotIndex, Vec<InstanceId>)>,
}

/// The instances of a session's document.
///
/// Changes are undone together when a program turns out to be invalid.
#[derive(Debug)]
pub struct Tree {
    /// Sorted by id: ids only ever grow, so new ones go to the end.
    records: Vec<Record>,
    next_id: InstanceId,
    dead_count: usize,
    undo: Undo,
}

#[derive(Debug, Default)]
struct Undo {
    records_len: usize,
    next_id: InstanceId,
    dead_count: usize,
    /// How many instances the program has made, those that it has taken away again among them.
    made_count: usize,
    killed: Vec<usize>,
    /// The children of slots as they were before the first change to each.
    slots: Vec<(Address, Vec<InstanceId>)>,
    /// All records, when a reset replaced them.
    records: Option<Vec<Record>>,
}

impl Default for Tree {
    fn default() -> Self {
        Self::new()
    }
}

impl Tree {
    /// No instances; the first one will be 1.
    pub fn new() -> Self {
        Self { records: Vec::new(), next_id: 1, dead_count: 0, undo: Undo { next_id: 1, ..Undo::default() } }
    }

    /// How many instances there are.
    pub fn len(&self) -> usize {
        self.records.len() - self.dead_count
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The id that the next new instance gets.
    pub fn next_id(&self) -> InstanceId {
        self.next_id
    }

    /// The template of an instance, if there is such an instance.
    pub fn template(&self, id: InstanceId) -> Option<Fingerprint> {
        self.find(id).map(|record| record.template)
    }

    /// The slot that an instance is in.
    pub(crate) fn parent(&self, id: InstanceId) -> Option<Address> {
        self.find(id).map(|record| record.parent)
    }

    /// The instances that a content slot holds, in order.
    pub fn children(&self, at: Address) -> &[InstanceId] {
        let children = self.find(at.instance).map_or(&[][..], |record| &record.children);
        children.iter().find(|(slot, _)| *slot == at.slot).map_or(&[], |(_, ids)| ids)
    }

    fn index(&self, id: InstanceId) -> Option<usize> {
        let index = self.records.binary_search_by_key(&id, |record| record.id).ok()?;
        self.records[index].is_alive.then_some(index)
    }

    fn find(&self, id: InstanceId) -> Option<&Record> {
        self.index(id).map(|index| &self.records[index])
    }

    /// Makes an instance and returns its id; `None` when there are too many.
    pub(crate) fn create(&mut self, template: Fingerprint, parent: Address) -> Option<InstanceId> {
        if self.len().max(self.undo.made_count) >= limits::INSTANCES_MAX {
            return None;
        }
        let id = self.next_id;
        self.next_id = id.checked_add(1)?;
        self.undo.made_count += 1;
        self.records.push(Record { id, template, parent, is_alive: true, children: Vec::new() });
        Some(id)
    }

    /// What a slot holds, to be written; remembered as it was.
    pub(crate) fn children_mut(&mut self, at: Address) -> Option<&mut Vec<InstanceId>> {
        let index = self.index(at.instance)?;
        // What this program made needs no memory of its own: it goes as a whole.
        let is_new = self.undo.records.is_some() || index >= self.undo.records_len;
        if !is_new && !self.undo.slots.iter().any(|(known, _)| *known == at) {
            let children = self.children(at).to_vec();
            self.undo.slots.push((at, children));
        }
        let slots = &mut self.records[index].children;
        let position = slots.iter().position(|(slot, _)| *slot == at.slot).unwrap_or_else(|| {
            slots.push((at.slot, Vec::new()));
            slots.len() - 1
        });
        Some(&mut slots[position].1)
    }

    /// Forgets an instance and all within it. Its parent's list is the caller's matter.
    pub(crate) fn kill(&mut self, id: InstanceId) {
        let mut ids = Vec::from([id]);
        while let Some(id) = ids.pop() {
            if let Some(index) = self.index(id) {
                self.records[index].is_alive = false;
                self.dead_count += 1;
                if self.undo.records.is_none() {
                    self.undo.killed.push(index);
                }
                ids.extend(self.records[index].children.iter().flat_map(|(_, ids)| ids));
            }
        }
    }

    /// Forgets every instance; the next one gets the id `root`, which is not 0.
    ///
    /// It may have been used before: a server that goes on from a checkpoint doesn't know what
    /// the one before has given out since. An event names the version that it was made on.
    pub(crate) fn reset(&mut self, root: InstanceId) -> bool {
        if root == 0 {
            return false;
        }
        self.next_id = root;
        self.dead_count = 0;
        self.undo.records = Some(core::mem::take(&mut self.records));
        true
    }

    /// Keeps the changes.
    pub(crate) fn commit(&mut self) {
        if self.dead_count > self.records.len() / 2 {
            self.records.retain(|record| record.is_alive);
            self.dead_count = 0;
        }
        self.undo = Undo {
            records_len: self.records.len(),
            next_id: self.next_id,
            dead_count: self.dead_count,
            ..Undo::default()
        };
    }

    /// Undoes the changes since the last commit.
    pub(crate) fn rollback(&mut self) {
        let undo = core::mem::take(&mut self.undo);
        if let Some(records) = undo.records {
            self.records = records;
        }
        self.records.truncate(undo.records_len);
        for index in undo.killed.into_iter().filter(|index| *index < undo.records_len) {
            self.records[index].is_alive = true;
        }
        for (at, ids) in undo.slots {
            if let Some(children) = self.children_mut(at) {
                *children = ids;
            }
        }
        self.next_id = undo.next_id;
        self.dead_count = undo.dead_count;
        self.commit();
    }
}

#[cfg(test)]
mod tests;
