//! Where a server's sessions are stored, and for how long.

use std::sync::Arc;
use std::time::Duration;

use crate::id::SessionId;
use crate::limits;
use crate::operations::crew::{Crew, Label, Lane};
use crate::operations::entropy::Entropy;
use crate::operations::telemetry::one_line;
use crate::storage::envelope::{Envelope, EnvelopeError, Provenance};
use crate::storage::persister::Persister;
use crate::storage::seal::Sealer;
use crate::storage::store::{Record, SnapshotStore, StoreError};

/// How often expired sessions are removed from the store.
const PURGE_EVERY: Duration = Duration::from_mins(1);

/// The store of a server's sessions.
#[derive(Clone)]
pub(crate) struct StoredSessions {
    store: Arc<dyn SnapshotStore>,
    sealer: Sealer,
    ttl: Duration,
    entropy: Entropy,
}

impl StoredSessions {
    /// Keeps sessions in `store` for `ttl` after each write, sealed with `secret`.
    pub(crate) fn new(
        store: Arc<dyn SnapshotStore>,
        secret: &[u8; 32],
        ttl: Duration,
        entropy: Entropy,
    ) -> Self {
        Self { store, sealer: Sealer::new(secret), ttl: ttl.min(limits::TTL_MAX), entropy }
    }

    /// What is stored of a session.
    pub(crate) async fn load(&self, id: SessionId) -> Result<Option<Record>, StoreError> {
        self.store.load(id).await
    }

    /// Reads a record that [`StoredSessions::load`] gave.
    pub(crate) fn open<'a>(&self, id: SessionId, record: &'a [u8]) -> Result<Envelope<'a>, EnvelopeError> {
        Envelope::open(&self.sealer, id, record)
    }

    /// Writes a session of a `component`, of which nothing is stored yet.
    pub(crate) fn persister(
        &self,
        id: SessionId,
        component: &'static str,
        provenance: Provenance,
    ) -> Persister {
        Persister {
            store: Arc::clone(&self.store),
            sealer: self.sealer.clone(),
            id,
            component,
            provenance,
            ttl: self.ttl,
            nonce: self.entropy.below(u64::MAX),
            stamp: None,
        }
    }

    /// Removes what has expired, now and then, as long as anybody uses the store.
    pub(crate) fn keep_purged(&self, crew: Crew) {
        let store = Arc::downgrade(&self.store);
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(PURGE_EVERY).await;
                let Some(store) = store.upgrade() else { return };
                let purged =
                    crew.run(Lane::Page, Label::new("store"), async move { store.purge().await }).await;
                match purged {
                    Ok(0) => {}
                    Ok(count) => tracing::debug!(count, "stored sessions have expired"),
                    Err(error) => {
                        tracing::warn!(error = %one_line(&error), "the store could not be purged");
                    }
                }
            }
        });
    }
}
