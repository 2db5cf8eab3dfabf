//! stub until the store branch is merged
use std::pin::Pin;
use std::time::SystemTime;

use bytes::Bytes;

pub use crate::token::SessionId;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    pub epoch: u64,
    pub seq: u64,
    pub nonce: u64,
}
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    pub stamp: Stamp,
    pub bytes: Bytes,
    pub expires_at: SystemTime,
}
#[derive(Debug)]
pub struct StoreError;
impl std::fmt::Display for StoreError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("x")
    }
}
pub type StoreFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;
#[derive(Debug)]
pub enum Saved {
    Stored,
    Conflict { stored: Option<Stamp> },
}
pub trait SnapshotStore: Send + Sync + 'static {
    fn load(&self, id: SessionId) -> StoreFuture<'_, Option<Record>>;
    fn save(&self, id: SessionId, expected: Option<Stamp>, record: Record) -> StoreFuture<'_, Saved>;
    fn remove(&self, id: SessionId, expected: Stamp) -> StoreFuture<'_, ()>;
    fn purge(&self) -> StoreFuture<'_, u64>;
}
