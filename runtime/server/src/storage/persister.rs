//! Keeps a session in the store: what is written around its checkpoint, and the writing.
//!
//! A record is `body || MAC`, the body one MessagePack array:
//!
//! ```text
//! [format, component, route, uri, identity | nil, epoch, confirmed, checkpoint]
//! ```
//!
//! A write says what it replaces. When something else stands there, another server has taken
//! the session over, and this one lets it go: two that believe to own a session is what the
//! store decides.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use lightspeed_core::host::claim::Fenced;
use lightspeed_core::host::lease::Lease;
use lightspeed_core::session::checkpoint::Checkpoint;
use lightspeed_protocol::msgpack::{DecodeError, Reader, Writer};
use tokio::time::{Instant, sleep, timeout};

use crate::limits;
use crate::operations::crew::{Crew, Errand, Label, Lane};
use crate::operations::entropy::Entropy;
use crate::operations::telemetry::one_line;
use crate::session::token::{SessionId, Signer};
use crate::storage::store::{Record, SnapshotStore, Stamp};

const FORMAT: u64 = 1;
const MAC_BYTES: usize = 32;
const RETRY_MIN: Duration = Duration::from_millis(50);
const RENEW_MIN: Duration = Duration::from_millis(100);

/// Where a session comes from: enough to mount its component again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Provenance {
    /// [`Snapshot::NAME`](crate::Snapshot::NAME).
    pub(crate) component: String,
    /// The path that serves it, in axum's syntax; empty when the application mounts it by itself.
    pub(crate) route: String,
    /// The address of its page.
    pub(crate) uri: String,
    pub(crate) identity: Option<[u8; 32]>,
}

/// What is stored of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Envelope<'a> {
    pub(crate) provenance: Provenance,
    pub(crate) lease: Lease,
    pub(crate) checkpoint: &'a [u8],
}

/// Why a record is none of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EnvelopeError {
    /// Another secret has sealed it, or somebody has changed it.
    Seal,
    /// This build doesn't read it.
    Format(DecodeError),
}

impl std::fmt::Display for EnvelopeError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Seal => f.write_str("the record was stored under another secret, or changed since"),
            Self::Format(error) => write!(f, "the record is of another format: {error}"),
        }
    }
}

impl<'a> Envelope<'a> {
    pub(crate) fn seal(&self, signer: &Signer, id: SessionId) -> Vec<u8> {
        let mut out = Writer::new();
        out.array(8);
        out.uint(FORMAT);
        out.str(&self.provenance.component);
        out.str(&self.provenance.route);
        out.str(&self.provenance.uri);
        match &self.provenance.identity {
            Some(identity) => out.bin(identity),
            None => out.nil(),
        }
        out.uint(self.lease.epoch);
        out.uint(self.lease.confirmed);
        out.bin(self.checkpoint);
        let mut record = out.into_bytes();
        let mac = signer.seal(id, &record);
        record.extend(mac);
        record
    }

    pub(crate) fn open(signer: &Signer, id: SessionId, record: &'a [u8]) -> Result<Self, EnvelopeError> {
        let (body, mac) = record.split_last_chunk::<MAC_BYTES>().ok_or(EnvelopeError::Seal)?;
        if !signer.is_sealed(id, body, mac) {
            return Err(EnvelopeError::Seal);
        }
        Self::read(body).map_err(EnvelopeError::Format)
    }

    fn read(body: &'a [u8]) -> Result<Self, DecodeError> {
        use lightspeed_protocol::msgpack::Expected;
        let mut reader = Reader::new(body);
        let length = reader.error(Expected::Length);
        if reader.array()? != 8 {
            return Err(length);
        }
        let code = reader.error(Expected::Code);
        if reader.uint()? != FORMAT {
            return Err(code);
        }
        let (component, route, uri) = (reader.str()?, reader.str()?, reader.str()?);
        let identity = if reader.nil() {
            None
        } else {
            let length = reader.error(Expected::Length);
            Some(reader.bin()?.try_into().map_err(|_| length)?)
        };
        let lease = Lease { epoch: reader.uint()?, confirmed: reader.uint()? };
        let checkpoint = reader.bin()?;
        reader.end()?;
        let provenance =
            Provenance { component: component.into(), route: route.into(), uri: uri.into(), identity };
        Ok(Self { provenance, lease, checkpoint })
    }
}

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

/// A session's place in the store.
#[derive(Clone)]
pub(crate) struct Keeper {
    store: Arc<dyn SnapshotStore>,
    signer: Signer,
    id: SessionId,
    /// The component's type, for the log.
    component: &'static str,
    provenance: Provenance,
    ttl: Duration,
    /// What this owner's records are told from another's by.
    nonce: u64,
    /// Of the record that is stored; `None` before the first.
    stamp: Option<Stamp>,
}

impl Keeper {
    pub(crate) fn new(
        store: Arc<dyn SnapshotStore>,
        signer: Signer,
        id: SessionId,
        component: &'static str,
        provenance: Provenance,
        ttl: Duration,
        entropy: &Entropy,
    ) -> Self {
        let nonce = entropy.below(u64::MAX);
        let ttl = ttl.min(limits::TTL_MAX);
        Self { store, signer, id, component, provenance, ttl, nonce, stamp: None }
    }

    pub(crate) const fn with_stamp(mut self, stamp: Stamp) -> Self {
        self.stamp = Some(stamp);
        self
    }

    pub(crate) const fn set_stamp(&mut self, stamp: Stamp) {
        self.stamp = Some(stamp);
    }

    /// Writes a checkpoint, however often that has to be tried.
    pub(crate) async fn save(self, lease: Lease, checkpoint: Checkpoint) -> Result<Stamp, Fenced> {
        let provenance = self.provenance.clone();
        let envelope = Envelope { provenance, lease, checkpoint: &checkpoint.bytes };
        let bytes = Bytes::from(envelope.seal(&self.signer, self.id));
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
                    crate::operations::telemetry::store_failed(self.id, self.component, &error);
                }
                Err(_) => {
                    crate::operations::telemetry::store_failed(self.id, self.component, &"no answer in time");
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

    /// Has what is stored expire later; the write stays the one that it is. One try.
    pub(crate) async fn renew(self) {
        let Some(stamp) = self.stamp else { return };
        let renewed = timeout(limits::STORE_ANSWER_WITHIN, async {
            match self.store.load(self.id).await? {
                Some(record) if record.stamp == stamp => {
                    let expires_at = SystemTime::now() + self.ttl;
                    self.store.save(self.id, Some(stamp), Record { expires_at, ..record }).await.map(drop)
                }
                // The next write finds out whose it is.
                _ => Ok(()),
            }
        });
        match renewed.await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => crate::operations::telemetry::store_failed(self.id, self.component, &error),
            Err(_) => {
                crate::operations::telemetry::store_failed(self.id, self.component, &"no answer in time");
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
                    // Abandoned, it may have taken effect or not.
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

    /// What asks the store, for who watches over it.
    pub(crate) fn label(&self) -> Label {
        Label { component: Some(self.component), session: Some(self.id), what: "store" }
    }
}

impl std::fmt::Debug for Keeper {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keeper").field("id", &self.id).field("stamp", &self.stamp).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_envelope_is_read_as_it_was_sealed_and_not_otherwise() {
        let signer = Signer::new(&[7; 32]);
        let id = SessionId::from_bytes([1; 16]);
        let envelope = Envelope {
            provenance: Provenance {
                component: "counter".into(),
                route: "/counter/{id}".into(),
                uri: "/counter/7?x=1".into(),
                identity: Some([9; 32]),
            },
            lease: Lease { epoch: 3, confirmed: 2 },
            checkpoint: b"checkpoint",
        };
        let sealed = envelope.seal(&signer, id);
        assert_eq!(Envelope::open(&signer, id, &sealed), Ok(envelope));
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert_eq!(Envelope::open(&signer, id, &changed), Err(EnvelopeError::Seal), "byte {at}");
            assert!(Envelope::open(&signer, id, &sealed[..at]).is_err(), "cut to {at}");
        }
        let foreign = [&[0x91, 0x01][..], &signer.seal(id, &[0x91, 0x01])].concat();
        assert!(matches!(Envelope::open(&signer, id, &foreign), Err(EnvelopeError::Format(_))));
    }
}
