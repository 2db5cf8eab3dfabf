//! A server's way to a store: a test holds it up, breaks it and looks into it.

use std::sync::Arc;
use std::time::Duration;

use lightspeed::store::{
    MemoryStore, Record, Saved, SessionId, SnapshotStore, Stamp, StoreError, StoreFuture,
};
use tokio::sync::watch;
use tokio::time::timeout;

/// How long a write is waited for that a test expects.
const WITHIN: Duration = Duration::from_secs(20);

/// What becomes of calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    /// They are done.
    Well,
    /// They wait until this changes: a server for which it never does might as well have been killed.
    Held,
    /// They fail and do nothing.
    Failing,
    /// Writes are done, and say that they failed.
    Mute,
    /// Writes are done, and say so when this changes.
    Late,
    /// Writes are told that something else stands there.
    Conflict,
}

/// One server's way to the records that all servers share.
#[derive(Clone)]
pub(crate) struct Faulty {
    records: MemoryStore,
    shared: Arc<Shared>,
}

struct Shared {
    answer: watch::Sender<Answer>,
    /// The writes that were asked for.
    begun: watch::Sender<Vec<(SessionId, Stamp)>>,
    /// How many have taken effect.
    stored: watch::Sender<usize>,
}

impl Faulty {
    pub(crate) fn new() -> Self {
        Self::over(&MemoryStore::default())
    }

    /// Another server's way to the same records.
    pub(crate) fn over(records: &MemoryStore) -> Self {
        let shared = Shared {
            answer: watch::Sender::new(Answer::Well),
            begun: watch::Sender::default(),
            stored: watch::Sender::default(),
        };
        Self { records: records.clone(), shared: Arc::new(shared) }
    }

    pub(crate) fn another(&self) -> Self {
        Self::over(&self.records)
    }

    pub(crate) fn answer(&self, answer: Answer) {
        self.shared.answer.send_replace(answer);
    }

    pub(crate) fn begun_count(&self) -> usize {
        self.shared.begun.borrow().len()
    }

    pub(crate) fn stored_count(&self) -> usize {
        *self.shared.stored.borrow()
    }

    /// Waits until so many writes were asked for.
    pub(crate) async fn begun(&self, count: usize) {
        let mut begun = self.shared.begun.subscribe();
        timeout(WITHIN, begun.wait_for(|begun| begun.len() >= count)).await.expect("a write begins").unwrap();
    }

    /// Waits until so many writes have taken effect.
    pub(crate) async fn stored(&self, count: usize) {
        let mut stored = self.shared.stored.subscribe();
        timeout(WITHIN, stored.wait_for(|stored| *stored >= count)).await.expect("a write ends").unwrap();
    }

    pub(crate) fn record_count(&self) -> usize {
        self.records.len()
    }

    /// The session that was written last.
    pub(crate) fn last_id(&self) -> SessionId {
        self.shared.begun.borrow().last().expect("a write").0
    }

    pub(crate) async fn record(&self, id: SessionId) -> Option<Record> {
        self.records.load(id).await.unwrap()
    }

    /// Puts another record where one stands, as somebody could who has the store and not the secret.
    pub(crate) async fn replace(&self, id: SessionId, change: impl FnOnce(&mut Record)) {
        let mut record = self.record(id).await.expect("a record");
        let stamp = record.stamp;
        change(&mut record);
        assert_eq!(self.records.save(id, Some(stamp), record).await.unwrap(), Saved::Stored);
    }

    /// Waits until calls are answered; how.
    async fn answered(&self) -> Answer {
        *self.shared.answer.subscribe().wait_for(|answer| *answer != Answer::Held).await.unwrap()
    }

    async fn call<T>(&self, call: StoreFuture<'_, T>) -> Result<T, StoreError> {
        match self.answered().await {
            Answer::Failing => Err(broken()),
            _ => call.await,
        }
    }
}

fn broken() -> StoreError {
    StoreError::new("reach the store", "it is broken on purpose")
}

impl SnapshotStore for Faulty {
    fn load(&self, id: SessionId) -> StoreFuture<'_, Option<Record>> {
        Box::pin(async move { self.call(Box::pin(async move { self.records.load(id).await })).await })
    }

    fn save(&self, id: SessionId, expected: Option<Stamp>, record: Record) -> StoreFuture<'_, Saved> {
        self.shared.begun.send_modify(|begun| begun.push((id, record.stamp)));
        Box::pin(async move {
            let answer = self.answered().await;
            match answer {
                Answer::Failing => return Err(broken()),
                Answer::Conflict => return Ok(Saved::Conflict { stored: None }),
                _ => {}
            }
            let saved = self.records.save(id, expected, record).await?;
            if saved == Saved::Stored {
                self.shared.stored.send_modify(|stored| *stored += 1);
            }
            self.shared.answer.subscribe().wait_for(|answer| *answer != Answer::Late).await.unwrap();
            if answer == Answer::Mute { Err(broken()) } else { Ok(saved) }
        })
    }

    fn remove(&self, id: SessionId, expected: Stamp) -> StoreFuture<'_, ()> {
        Box::pin(
            async move { self.call(Box::pin(async move { self.records.remove(id, expected).await })).await },
        )
    }

    fn purge(&self) -> StoreFuture<'_, u64> {
        self.records.purge()
    }
}
