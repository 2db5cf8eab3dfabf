//! Writes a session into the store, again and again as it changes.
//!
//! A write says what it replaces. When the store holds something else, another server has taken
//! the session over, and this one gives the session up: the store decides who has a session.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use lightspeed_core::host::claim::Fenced;
use lightspeed_core::host::lease::Lease;
use lightspeed_core::session::checkpoint::Checkpoint;
use tokio::time::{Instant, sleep, timeout};

use crate::id::SessionId;
use crate::limits;
use crate::operations::crew::{Crew, Errand, Label, Lane};
use crate::operations::telemetry::{self, one_line};
use crate::storage::envelope::{Envelope, Provenance};
use crate::storage::seal::Sealer;
use crate::storage::store::{Record, SnapshotStore, Stamp};

const RETRY_MIN: Duration = Duration::from_millis(50);
const RENEW_MIN: Duration = Duration::from_millis(100);

/// A write that is under way; abandoned when dropped.
pub(crate) struct Saving {
    written: Errand<Result<Stamp, Fenced>>,
    pub(crate) began: Instant,
}

impl Saving {
    pub(crate) fn start(
        crew: &Crew,
        label: Label,
        write: impl Future<Output = Result<Stamp, Fenced>> + Send + 'static,
    ) -> Self {
        Self { written: crew.spawn(Lane::Session, label, write), began: Instant::now() }
    }
}

/// Writes one session into the store.
#[derive(Clone)]
pub(crate) struct Persister {
    pub(super) store: Arc<dyn SnapshotStore>,
    pub(super) sealer: Sealer,
    pub(crate) id: SessionId,
    /// The component's type, for the log.
    pub(crate) component: &'static str,
    pub(super) provenance: Provenance,
    pub(super) ttl: Duration,
    /// A nonce that distinguishes this writer's records from those of another.
    pub(super) nonce: u64,
    /// The stamp of the record that is stored; `None` before the first write.
    pub(super) stamp: Option<Stamp>,
}

impl Persister {
    pub(crate) const fn with_stamp(mut self, stamp: Stamp) -> Self {
        self.stamp = Some(stamp);
        self
    }

    pub(crate) const fn set_stamp(&mut self, stamp: Stamp) {
        self.stamp = Some(stamp);
    }

    /// Writes a checkpoint, and tries again until the store has it or another server has the session.
    pub(crate) async fn save(self, lease: Lease, checkpoint: Checkpoint) -> Result<Stamp, Fenced> {
        let provenance = self.provenance.clone();
        let envelope = Envelope { provenance, lease, checkpoint: &checkpoint.bytes };
        let bytes = Bytes::from(envelope.seal(&self.sealer, self.id));
        let nonce = self.nonce.wrapping_add(checkpoint.generation);
        let stamp = Stamp::of(lease, checkpoint.seq, nonce);
        drop(checkpoint);
        let mut wait = RETRY_MIN;
        loop {
            let expires_at = SystemTime::now() + self.ttl;
            let record = Record { stamp, bytes: bytes.clone(), expires_at };
            match timeout(limits::STORE_ANSWER_WITHIN, self.store.save(self.id, self.stamp, record)).await {
                Ok(Ok(saved)) => return saved.outcome(stamp),
                Ok(Err(error)) => {
                    telemetry::store_failed(self.id, self.component, &error);
                }
                Err(_) => {
                    telemetry::store_failed(self.id, self.component, &"no answer in time");
                }
            }
            sleep(wait).await;
            wait = (wait * 2).min(limits::STORE_RETRY_MAX);
        }
    }

    /// When what is stored has to be written again, so that it doesn't expire under a session that is
    /// open and has nothing to store: three tries fit in.
    pub(crate) fn renew_within(&self) -> Option<Duration> {
        self.stamp.is_some().then(|| (self.ttl / 4).max(RENEW_MIN))
    }

    /// Has the stored record expire later, under the same stamp. Tries once.
    pub(crate) async fn renew(self) {
        let Some(stamp) = self.stamp else { return };
        let renewed = timeout(limits::STORE_ANSWER_WITHIN, async {
            match self.store.load(self.id).await? {
                Some(record) if record.stamp == stamp => {
                    let expires_at = SystemTime::now() + self.ttl;
                    self.store.save(self.id, Some(stamp), Record { expires_at, ..record }).await.map(drop)
                }
                // Another server may have the session: the next write finds out.
                _ => Ok(()),
            }
        });
        match renewed.await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => telemetry::store_failed(self.id, self.component, &error),
            Err(_) => {
                telemetry::store_failed(self.id, self.component, &"no answer in time");
            }
        }
    }

    /// Takes the session out of the store, when what is being written of it has been. Nothing depends on it:
    /// what is left expires.
    pub(crate) fn forget(mut self, crew: &Crew, saving: Option<Saving>) {
        let label = self.label();
        let forgotten = async move {
            if let Some(mut saving) = saving {
                match timeout(limits::SUSPEND_WITHIN, &mut saving.written).await {
                    Ok(Ok(stamp)) => self.set_stamp(stamp),
                    // Another server has it.
                    Ok(Err(Fenced)) => return,
                    // The write is abandoned, and may have had an effect.
                    Err(_) => {}
                }
            }
            let Some(stamp) = self.stamp else { return };
            if let Ok(Err(error)) =
                timeout(limits::STORE_ANSWER_WITHIN, self.store.remove(self.id, stamp)).await
            {
                tracing::debug!(error = %one_line(&error), "an ended session stays in the store until it expires");
            }
        };
        crew.spawn(Lane::Session, label, forgotten).detach();
    }

    /// Names the writes to the watch over the crew.
    pub(crate) fn label(&self) -> Label {
        Label { component: Some(self.component), session: Some(self.id), what: "store" }
    }
}

impl std::fmt::Debug for Persister {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Persister").field("id", &self.id).field("stamp", &self.stamp).finish_non_exhaustive()
    }
}
