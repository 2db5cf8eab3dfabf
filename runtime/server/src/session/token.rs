//! Session tokens: proof that this server, or one with the same secret, made the session that
//! a socket asks for.
//!
//! A token is base64url of `id || epoch || MAC`, 70 characters: 16 bytes, 4 bytes, and
//! HMAC-SHA256 of `"lightspeed session v2" || id || epoch || identity`. The page has that of epoch 0;
//! every join is answered with the next one ([`Lease`](lightspeed_core::host::lease::Lease)).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac};
use sha2::Sha256;

use crate::http::identity::Identity;
use crate::id::SessionId;

const ID_BYTES: usize = 16;
const EPOCH_BYTES: usize = 4;
const MAC_BYTES: usize = 32;
const TOKEN_BYTES: usize = ID_BYTES + EPOCH_BYTES + MAC_BYTES;
const PURPOSE: &[u8] = b"lightspeed session v2";

/// What a token says.
pub(crate) type Token = lightspeed_core::host::registry::Token<SessionId>;

/// Signs tokens with the server's secret, and checks them.
#[derive(Clone)]
pub(crate) struct Signer(Hmac<Sha256>);

impl Signer {
    pub(crate) fn new(key: &[u8; 32]) -> Self {
        let mut mac = Hmac::new_from_slice(key).expect("HMAC takes a key of any length");
        mac.update(PURPOSE);
        Self(mac)
    }

    pub(crate) fn sign(&self, id: SessionId, epoch: u64, identity: Identity) -> String {
        // A session that is joined four billion times stays at the last epoch, where tokens no longer rotate.
        let epoch = u32::try_from(epoch).unwrap_or(u32::MAX).to_be_bytes();
        let mut token = Vec::with_capacity(TOKEN_BYTES);
        token.extend(id.as_bytes());
        token.extend(epoch);
        token.extend(self.mac(id.as_bytes(), &epoch, identity).finalize().into_bytes());
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
        self.mac(id, epoch, identity).verify_slice(mac).ok()?;
        Some(Token { id: SessionId::from_bytes(*id), epoch: u64::from(u32::from_be_bytes(*epoch)) })
    }

    fn mac(&self, id: &[u8], epoch: &[u8], identity: Identity) -> Hmac<Sha256> {
        let mut mac = self.0.clone();
        mac.update(id);
        mac.update(epoch);
        if let Some(identity) = identity.as_bytes() {
            mac.update(identity);
        }
        mac
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: SessionId = SessionId::from_bytes([3; ID_BYTES]);
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
}
