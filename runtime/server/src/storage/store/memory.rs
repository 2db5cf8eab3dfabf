//! A store that is gone with its process.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use super::{Record, Saved, SessionId, SnapshotStore, Stamp, StoreFuture};

/// A store in memory: for tests, and for servers that only want to keep sessions longer than their actors.
///
/// Clones share it. Bounded in records and bytes: what expires first makes room.
#[derive(Clone)]
pub struct MemoryStore {
    state: Arc<Mutex<State>>,
}

struct State {
    records: HashMap<SessionId, Record>,
    by_expiry: BTreeSet<(SystemTime, SessionId)>,
    byte_count: usize,
    records_max: usize,
    bytes_max: usize,
}

impl Default for MemoryStore {
    /// At most 100,000 records and 256 MiB.
    fn default() -> Self {
        Self::new(100_000, 256 * 1024 * 1024)
    }
}

impl MemoryStore {
    /// A store of at most so many records, and so many bytes in them.
    pub fn new(records_max: usize, bytes_max: usize) -> Self {
        let state = State {
            records: HashMap::new(),
            by_expiry: BTreeSet::new(),
            byte_count: 0,
            records_max,
            bytes_max,
        };
        Self { state: Arc::new(Mutex::new(state)) }
    }

    /// How many records there are.
    pub fn len(&self) -> usize {
        self.lock().records.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// The record, unless it has expired.
    fn get(&self, id: SessionId) -> Option<&Record> {
        self.records.get(&id).filter(|record| record.expires_at > SystemTime::now())
    }

    fn remove(&mut self, id: SessionId) {
        if let Some(record) = self.records.remove(&id) {
            self.by_expiry.remove(&(record.expires_at, id));
            self.byte_count -= record.bytes.len();
        }
    }

    fn insert(&mut self, id: SessionId, record: Record) {
        self.remove(id);
        while !self.records.is_empty()
            && (self.records.len() >= self.records_max
                || self.byte_count + record.bytes.len() > self.bytes_max)
        {
            let Some((_, first)) = self.by_expiry.first().copied() else { break };
            self.remove(first);
        }
        self.byte_count += record.bytes.len();
        self.by_expiry.insert((record.expires_at, id));
        self.records.insert(id, record);
    }

    fn purge(&mut self) -> u64 {
        let now = SystemTime::now();
        let mut count = 0;
        while let Some((_, id)) = self.by_expiry.first().copied().filter(|(at, _)| *at <= now) {
            self.remove(id);
            count += 1;
        }
        count
    }
}

fn ready<'a, T: Send + 'a>(value: T) -> StoreFuture<'a, T> {
    Box::pin(std::future::ready(Ok(value)))
}

impl SnapshotStore for MemoryStore {
    fn load(&self, id: SessionId) -> StoreFuture<'_, Option<Record>> {
        ready(self.lock().get(id).cloned())
    }

    fn save(&self, id: SessionId, expected: Option<Stamp>, record: Record) -> StoreFuture<'_, Saved> {
        let mut state = self.lock();
        let stored = state.get(id).map(|record| record.stamp);
        if stored != expected {
            return ready(Saved::Conflict { stored });
        }
        state.insert(id, record);
        ready(Saved::Stored)
    }

    fn remove(&self, id: SessionId, expected: Stamp) -> StoreFuture<'_, ()> {
        let mut state = self.lock();
        if state.get(id).is_some_and(|record| record.stamp == expected) {
            state.remove(id);
        }
        ready(())
    }

    fn purge(&self) -> StoreFuture<'_, u64> {
        ready(self.lock().purge())
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore").field("records", &self.len()).finish_non_exhaustive()
    }
}
