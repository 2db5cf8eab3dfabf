//! Session tokens: proof that this server, or one with the same secret, made the session that
//! a socket asks for.
//!
//! A token is base64url of `id || epoch || MAC`, 70 characters: 16 bytes, 4 bytes, and
//! HMAC-SHA256 of `"lightspeed session v2" || id || epoch || identity`. The page has that of epoch 0;
//! every join is answered with the next one ([`Lease`](lightspeed_core::host::lease::Lease)).

use std::fmt;

use axum::http::request::Parts;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use crate::config::Config;

/// Names a session: 16 random bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionId([u8; ID_BYTES]);

const ID_BYTES: usize = 16;
const EPOCH_BYTES: usize = 4;
const MAC_BYTES: usize = 32;
const TOKEN_BYTES: usize = ID_BYTES + EPOCH_BYTES + MAC_BYTES;
const TOKEN_PURPOSE: &[u8] = b"lightspeed session v2";
const RECORD_PURPOSE: &[u8] = b"lightspeed record v1";

impl SessionId {
    /// The session with these bytes.
    pub const fn from_bytes(bytes: [u8; ID_BYTES]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    pub const fn as_bytes(&self) -> &[u8; ID_BYTES] {
        &self.0
    }
}

impl fmt::Display for SessionId {
    /// 32 hexadecimal digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SessionId({self})")
    }
}

/// Who is at the browser, as far as the application knows: a hash of what
/// [`Config::with_identity`] says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(crate) struct Identity(Option<[u8; 32]>);

impl Identity {
    pub(crate) fn of(config: &Config, parts: &Parts) -> Self {
        let name = config.identity.as_ref().and_then(|identity| identity(parts));
        Self(name.map(|name| Sha256::digest(name).into()))
    }

    pub(crate) const fn as_bytes(&self) -> Option<&[u8; 32]> {
        self.0.as_ref()
    }
}

/// What a token says.
pub(crate) type Token = lightspeed_core::host::registry::Token<SessionId>;

/// Signs tokens and stored sessions, and checks them.
#[derive(Clone)]
pub(crate) struct Signer {
    token: Hmac<Sha256>,
    record: Hmac<Sha256>,
}

impl Signer {
    pub(crate) fn new(key: &[u8; 32]) -> Self {
        let keyed = |purpose| {
            let mut mac = Hmac::new_from_slice(key).expect("HMAC takes a key of any length");
            mac.update(purpose);
            mac
        };
        Self { token: keyed(TOKEN_PURPOSE), record: keyed(RECORD_PURPOSE) }
    }

    pub(crate) fn sign(&self, id: SessionId, epoch: u64, identity: Identity) -> String {
        // A session that is joined four billion times stays at the last epoch, where tokens no longer rotate.
        let epoch = u32::try_from(epoch).unwrap_or(u32::MAX).to_be_bytes();
        let mut token = Vec::with_capacity(TOKEN_BYTES);
        token.extend(id.0);
        token.extend(epoch);
        token.extend(self.token_mac(&id.0, &epoch, identity).finalize().into_bytes());
        URL_SAFE_NO_PAD.encode(token)
    }

    /// What `token` says, if this signer signed it for this identity. Takes as long for any token.
    pub(crate) fn verify(&self, token: &str, identity: Identity) -> Option<Token> {
        let mut bytes = [0; TOKEN_BYTES];
        let length = URL_SAFE_NO_PAD.decode_slice(token, &mut bytes).ok()?;
        if length != TOKEN_BYTES {
            return None;
        }
        let (id, rest) = bytes.split_first_chunk::<ID_BYTES>()?;
        let (epoch, mac) = rest.split_first_chunk::<EPOCH_BYTES>()?;
        self.token_mac(id, epoch, identity).verify_slice(mac).ok()?;
        Some(Token { id: SessionId(*id), epoch: u64::from(u32::from_be_bytes(*epoch)) })
    }

    fn token_mac(&self, id: &[u8], epoch: &[u8], identity: Identity) -> Hmac<Sha256> {
        let mut mac = self.token.clone();
        mac.update(id);
        mac.update(epoch);
        if let Some(identity) = identity.as_bytes() {
            mac.update(identity);
        }
        mac
    }

    /// The MAC of a stored session.
    pub(crate) fn seal(&self, id: SessionId, record: &[u8]) -> [u8; MAC_BYTES] {
        self.record_mac(id, record).finalize().into_bytes().into()
    }

    /// Whether [`Signer::seal`] gave `mac` for it.
    pub(crate) fn is_sealed(&self, id: SessionId, record: &[u8], mac: &[u8]) -> bool {
        self.record_mac(id, record).verify_slice(mac).is_ok()
    }

    fn record_mac(&self, id: SessionId, record: &[u8]) -> Hmac<Sha256> {
        let mut mac = self.record.clone();
        mac.update(&id.0);
        mac.update(record);
        mac
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: SessionId = SessionId([3; ID_BYTES]);
    const NOBODY: Identity = Identity(None);

    #[test]
    fn a_token_is_taken_only_whole_and_only_by_its_signer() {
        let signer = Signer::new(&[7; 32]);
        let token = signer.sign(ID, 5, NOBODY);
        assert_eq!(token.len(), 70);
        assert_eq!(signer.verify(&token, NOBODY), Some(Token { id: ID, epoch: 5 }));
        assert_eq!(Signer::new(&[8; 32]).verify(&token, NOBODY), None, "another key");
        for index in 0..token.len() - 1 {
            let mut forged = token.clone().into_bytes();
            forged[index] = if forged[index] == b'A' { b'B' } else { b'A' };
            let forged = String::from_utf8(forged).expect("base64 is ASCII");
            assert_eq!(signer.verify(&forged, NOBODY), None, "character {index} changed");
        }
        for length in 0..token.len() {
            assert_eq!(signer.verify(&token[..length], NOBODY), None, "cut to {length}");
        }
        assert_eq!(signer.verify(&format!("{token}A"), NOBODY), None, "longer");
        assert_eq!(signer.verify("no token at all!", NOBODY), None);
    }

    #[test]
    fn a_token_is_taken_only_from_whom_it_was_given_to() {
        let signer = Signer::new(&[7; 32]);
        let (ada, grace) = (Identity(Some([1; 32])), Identity(Some([2; 32])));
        let token = signer.sign(ID, 0, ada);
        assert!(signer.verify(&token, ada).is_some());
        assert_eq!(signer.verify(&token, grace), None);
        assert_eq!(signer.verify(&token, NOBODY), None);
        assert_eq!(signer.verify(&signer.sign(ID, 0, NOBODY), ada), None);
    }

    #[test]
    fn a_stored_session_is_taken_only_as_it_was_stored() {
        let signer = Signer::new(&[7; 32]);
        let seal = signer.seal(ID, b"state");
        assert!(signer.is_sealed(ID, b"state", &seal));
        assert!(!signer.is_sealed(ID, b"State", &seal));
        assert!(!signer.is_sealed(SessionId([4; ID_BYTES]), b"state", &seal), "of another session");
        assert!(!signer.is_sealed(ID, b"state", &seal[1..]));
    }

    #[test]
    fn an_id_is_shown_in_hexadecimal() {
        assert_eq!(SessionId([0x0a; ID_BYTES]).to_string(), "0a".repeat(16));
    }
}
