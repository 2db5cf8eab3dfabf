//! What is stored of a session: its checkpoint, and what its component is mounted again with.
//!
//! A record is `body || MAC`, the body one MessagePack array:
//!
//! ```text
//! [format, component, route, uri, identity | nil, epoch, confirmed, checkpoint]
//! ```

use lightspeed_core::host::lease::Lease;
use lightspeed_protocol::msgpack::{DecodeError, Reader, Writer};

use crate::id::SessionId;
use crate::storage::seal::{MAC_BYTES, Sealer};

const FORMAT: u64 = 1;

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
    /// This build reads no such format.
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
    pub(crate) fn seal(&self, sealer: &Sealer, id: SessionId) -> Vec<u8> {
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
        let mac = sealer.seal(id, &record);
        record.extend(mac);
        record
    }

    pub(crate) fn open(sealer: &Sealer, id: SessionId, record: &'a [u8]) -> Result<Self, EnvelopeError> {
        let (body, mac) = record.split_last_chunk::<MAC_BYTES>().ok_or(EnvelopeError::Seal)?;
        if !sealer.is_sealed(id, body, mac) {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_envelope_is_read_as_it_was_sealed_and_not_otherwise() {
        let sealer = Sealer::new(&[7; 32]);
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
        let sealed = envelope.seal(&sealer, id);
        assert_eq!(Envelope::open(&sealer, id, &sealed), Ok(envelope));
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert_eq!(Envelope::open(&sealer, id, &changed), Err(EnvelopeError::Seal), "byte {at}");
            assert!(Envelope::open(&sealer, id, &sealed[..at]).is_err(), "cut to {at}");
        }
        let foreign = [&[0x91, 0x01][..], &sealer.seal(id, &[0x91, 0x01])].concat();
        assert!(matches!(Envelope::open(&sealer, id, &foreign), Err(EnvelopeError::Format(_))));
    }
}
