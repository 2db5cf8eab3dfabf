//! Seals stored sessions, so that a store that somebody else can write to can't make one up.

use hmac::{Hmac, Mac};
use sha2::Sha256;

use crate::id::SessionId;

pub(crate) const MAC_BYTES: usize = 32;

/// What is signed begins with this, so that a MAC of another purpose is never taken for one of a record.
const PURPOSE: &[u8] = b"lightspeed record v1";

/// Seals stored sessions with the server's secret, and checks the seals.
#[derive(Clone)]
pub(crate) struct Sealer(Hmac<Sha256>);

impl Sealer {
    pub(crate) fn new(key: &[u8; 32]) -> Self {
        let mut mac = Hmac::new_from_slice(key).expect("HMAC takes a key of any length");
        mac.update(PURPOSE);
        Self(mac)
    }

    /// The MAC of a stored session.
    pub(crate) fn seal(&self, id: SessionId, record: &[u8]) -> [u8; MAC_BYTES] {
        self.mac(id, record).finalize().into_bytes().into()
    }

    /// Whether [`Sealer::seal`] gave `mac` for this record of this session.
    pub(crate) fn is_sealed(&self, id: SessionId, record: &[u8], mac: &[u8]) -> bool {
        self.mac(id, record).verify_slice(mac).is_ok()
    }

    fn mac(&self, id: SessionId, record: &[u8]) -> Hmac<Sha256> {
        let mut mac = self.0.clone();
        mac.update(id.as_bytes());
        mac.update(record);
        mac
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stored_session_is_taken_only_as_it_was_stored() {
        let sealer = Sealer::new(&[7; 32]);
        let id = SessionId::from_bytes([3; 16]);
        let seal = sealer.seal(id, b"state");
        assert!(sealer.is_sealed(id, b"state", &seal));
        assert!(!sealer.is_sealed(id, b"State", &seal));
        assert!(!sealer.is_sealed(SessionId::from_bytes([4; 16]), b"state", &seal), "of another session");
        assert!(!sealer.is_sealed(id, b"state", &seal[1..]));
        assert!(!Sealer::new(&[8; 32]).is_sealed(id, b"state", &seal), "another key");
    }
}
