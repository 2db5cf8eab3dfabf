//! A store that takes its time, before it writes and before it says so.

use std::time::Duration;

use lightspeed::store::{MemoryStore, Record, Saved, SessionId, SnapshotStore, Stamp, StoreFuture};
use tokio::time::sleep;

/// Outlives the server. A server that is killed is so before or after the write as well as in between.
#[derive(Clone, Default)]
pub(crate) struct SlowStore(MemoryStore);

const HALF: Duration = Duration::from_millis(20);

impl SnapshotStore for SlowStore {
    fn load(&self, id: SessionId) -> StoreFuture<'_, Option<Record>> {
        Box::pin(async move {
            sleep(2 * HALF).await;
            self.0.load(id).await
        })
    }

    fn save(&self, id: SessionId, expected: Option<Stamp>, record: Record) -> StoreFuture<'_, Saved> {
        Box::pin(async move {
            sleep(HALF).await;
            let saved = self.0.save(id, expected, record).await;
            sleep(HALF).await;
            saved
        })
    }

    fn remove(&self, id: SessionId, expected: Stamp) -> StoreFuture<'_, ()> {
        self.0.remove(id, expected)
    }

    fn purge(&self) -> StoreFuture<'_, u64> {
        self.0.purge()
    }
}
