//! The store: compare-and-swap on exact stamps, as `runtime/server` asks of every store, with faults.

use std::collections::BTreeMap;

use lightspeed_core::host::lease::Lease;

pub(crate) use lightspeed_core::host::claim::{Saved, Stamp};

/// A stored session.
#[derive(Debug, Clone)]
pub(crate) struct Record {
    /// The write.
    pub stamp: Stamp,
    /// Its epochs.
    pub lease: Lease,
    /// Who it is bound to.
    pub identity: u64,
    /// The checkpoint.
    pub checkpoint: Vec<u8>,
}

/// The store of all servers.
#[derive(Debug, Default)]
pub(crate) struct Store {
    records: BTreeMap<u64, Record>,
    /// Answers nothing until then.
    pub is_down: bool,
    /// How long an answer takes, in milliseconds, at most.
    pub delay_ms_max: u64,
    /// Of a hundred calls, so many fail before they take effect.
    pub failing_percent: u64,
    /// Of a hundred calls, so many take effect and say nothing.
    pub mute_percent: u64,
}

impl Store {
    /// One whose answers take so long at most.
    pub(crate) fn new(delay_ms_max: u64) -> Self {
        Self { delay_ms_max, ..Self::default() }
    }

    /// The record of a session.
    pub(crate) fn load(&self, id: u64) -> Option<&Record> {
        self.records.get(&id)
    }

    /// Stores `record` if `expected` stands there.
    pub(crate) fn save(&mut self, id: u64, expected: Option<Stamp>, record: Record) -> Saved {
        let stored = self.records.get(&id).map(|stored| stored.stamp);
        if stored != expected {
            return Saved::Conflict { stored };
        }
        self.records.insert(id, record);
        Saved::Stored
    }

    /// Removes what `expected` wrote.
    pub(crate) fn remove(&mut self, id: u64, expected: Stamp) {
        if self.records.get(&id).is_some_and(|record| record.stamp == expected) {
            self.records.remove(&id);
        }
    }
}
