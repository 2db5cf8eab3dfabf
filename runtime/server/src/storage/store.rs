//! Where sessions are stored, so that they outlive their server.
//!
//! A store keeps one record for each session and replaces it only when the writer knows what
//! it replaces. That is all that servers need to agree on who has a session: whoever
//! replaces the record has it, and who fails to has lost it.
//!
//! [`MemoryStore`] is for tests and for sessions that only have to outlive their actor;
//! `SqliteStore` (feature `sqlite`) is a file that several processes on a machine share.
//! Others implement [`SnapshotStore`]:
//!
//! ```
//! use lightspeed::store::{MemoryStore, Record, Saved, SessionId, SnapshotStore, Stamp};
//! use std::time::{Duration, SystemTime};
//!
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let store = MemoryStore::default();
//! let id = SessionId::from_bytes([7; 16]);
//! let first = Stamp { epoch: 1, seq: 0, nonce: 1 };
//! let expires_at = SystemTime::now() + Duration::from_secs(60);
//! let record = Record { stamp: first, bytes: "state".into(), expires_at };
//! assert_eq!(store.save(id, None, record.clone()).await?, Saved::Stored);
//! // Who doesn't know of it can't replace it.
//! assert_eq!(store.save(id, None, record).await?, Saved::Conflict { stored: Some(first) });
//! # Ok::<(), lightspeed::store::StoreError>(())
//! # }).unwrap();
//! ```

mod memory;
#[cfg(feature = "sqlite")]
mod sqlite;

use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;

pub use crate::id::SessionId;
#[doc(inline)]
pub use lightspeed_core::host::claim::{Saved, Stamp};
pub use memory::MemoryStore;
#[cfg(feature = "sqlite")]
pub use sqlite::SqliteStore;

/// A stored session.
#[derive(Clone, PartialEq, Eq)]
pub struct Record {
    /// The write that stored it.
    pub stamp: Stamp,
    /// The session, sealed: at most [`STORED_BYTES_MAX`](crate::limits::STORED_BYTES_MAX) and a few hundred bytes.
    pub bytes: Bytes,
    /// When it expires: from then on, [`SnapshotStore::load`] gives nothing.
    pub expires_at: SystemTime,
}

impl fmt::Debug for Record {
    /// Without the session's state, of which it tells the size.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Record")
            .field("stamp", &self.stamp)
            .field("byte_count", &self.bytes.len())
            .field("expires_at", &self.expires_at)
            .finish()
    }
}

/// The answer of a store.
pub type StoreFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// Where sessions are stored.
///
/// A call that fails may have taken effect all the same; it is made again, and a conflict with
/// its own stamp then counts as success. A call may be abandoned.
pub trait SnapshotStore: Send + Sync + 'static {
    /// The record of a session. One that has expired is none.
    fn load(&self, id: SessionId) -> StoreFuture<'_, Option<Record>>;

    /// Stores `record` if the write that stands there is `expected`: `None` for nothing, or for what has
    /// expired. The comparison and the write are one step, for every process that shares the store.
    fn save(&self, id: SessionId, expected: Option<Stamp>, record: Record) -> StoreFuture<'_, Saved>;

    /// Removes the record if it is of the write `expected`.
    fn remove(&self, id: SessionId, expected: Stamp) -> StoreFuture<'_, ()>;

    /// Removes what has expired; returns how many records. Called once a minute.
    fn purge(&self) -> StoreFuture<'_, u64>;
}

/// A store that several runtimes share.
impl<S: SnapshotStore + ?Sized> SnapshotStore for Arc<S> {
    fn load(&self, id: SessionId) -> StoreFuture<'_, Option<Record>> {
        (**self).load(id)
    }

    fn save(&self, id: SessionId, expected: Option<Stamp>, record: Record) -> StoreFuture<'_, Saved> {
        (**self).save(id, expected, record)
    }

    fn remove(&self, id: SessionId, expected: Stamp) -> StoreFuture<'_, ()> {
        (**self).remove(id, expected)
    }

    fn purge(&self) -> StoreFuture<'_, u64> {
        (**self).purge()
    }
}

/// Why a store could not do something: what it was at, and what went wrong.
#[derive(Debug)]
pub struct StoreError {
    attempt: String,
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl StoreError {
    /// `attempt` completes "could not": `"read the session"`.
    pub fn new(attempt: impl Into<String>, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { attempt: attempt.into(), source: Some(source.into()) }
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "could not {}", self.attempt)?;
        self.source.iter().try_for_each(|source| write!(f, ": {source}"))
    }
}

impl Error for StoreError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_ref().map(|source| &**source as &(dyn Error + 'static))
    }
}

#[cfg(test)]
mod tests;
