//! Session tokens: proof that this server made the session that a socket asks for.
//!
//! A token is base64url of `id || HMAC-SHA256(key, "lightspeed session v1" || id)`: 64 characters.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// Names a session; random, so that it cannot be guessed either.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct SessionId([u8; ID_BYTES]);

const ID_BYTES: usize = 16;
const MAC_BYTES: usize = 32;
const TOKEN_BYTES: usize = ID_BYTES + MAC_BYTES;
const PURPOSE: &[u8] = b"lightspeed session v1";

impl SessionId {
    pub(crate) fn random() -> Result<Self, getrandom::Error> {
        let mut id = [0; ID_BYTES];
        getrandom::fill(&mut id).map(|()| Self(id))
    }
}

/// Signs tokens and checks them.
#[derive(Clone)]
pub(crate) struct Signer {
    mac: Hmac<Sha256>,
}

impl Signer {
    pub(crate) fn new(key: &[u8; 32]) -> Self {
        let mut mac = Hmac::new_from_slice(key).expect("HMAC takes a key of any length");
        mac.update(PURPOSE);
        Self { mac }
    }

    pub(crate) fn sign(&self, id: SessionId) -> String {
        let mut token = [0; TOKEN_BYTES];
        token[..ID_BYTES].copy_from_slice(&id.0);
        token[ID_BYTES..].copy_from_slice(&self.mac_of(id).finalize().into_bytes());
        URL_SAFE_NO_PAD.encode(token)
    }

    /// The session that `token` names, if this signer signed it. Takes as long for any token.
    pub(crate) fn verify(&self, token: &str) -> Option<SessionId> {
        let mut bytes = [0; TOKEN_BYTES];
        let length = URL_SAFE_NO_PAD.decode_slice(token, &mut bytes).ok()?;
        if length != TOKEN_BYTES {
            return None;
        }
        let (id, mac) = bytes.split_at(ID_BYTES);
        let id = SessionId(id.try_into().ok()?);
        self.mac_of(id).verify_slice(mac).ok().map(|()| id)
    }

    fn mac_of(&self, id: SessionId) -> Hmac<Sha256> {
        let mut mac = self.mac.clone();
        mac.update(&id.0);
        mac
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_taken_only_whole_and_only_by_its_signer() {
        let signer = Signer::new(&[7; 32]);
        let id = SessionId([3; ID_BYTES]);
        let token = signer.sign(id);
        assert_eq!(token.len(), 64);
        assert_eq!(signer.verify(&token), Some(id));
        assert_eq!(Signer::new(&[8; 32]).verify(&token), None, "another key");
        for index in 0..token.len() {
            let mut forged = token.clone().into_bytes();
            forged[index] = if forged[index] == b'A' { b'B' } else { b'A' };
            let forged = String::from_utf8(forged).expect("base64 is ASCII");
            assert_eq!(signer.verify(&forged), None, "character {index} changed");
        }
        for length in 0..token.len() {
            assert_eq!(signer.verify(&token[..length]), None, "cut to {length}");
        }
        assert_eq!(signer.verify(&format!("{token}A")), None, "longer");
        assert_eq!(signer.verify("no token at all!"), None);
    }

    #[test]
    fn ids_differ() {
        assert_ne!(SessionId::random().expect("randomness"), SessionId::random().expect("randomness"));
    }
}
