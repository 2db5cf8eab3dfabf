//! Who is at the browser, as far as the application knows.

use axum::http::request::Parts;
use sha2::{Digest, Sha256};

use crate::config::Config;

/// The person whom a request is from: a hash of the name that [`Config::with_identity`] gives, or nothing when
/// nobody has signed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(crate) struct Identity(pub(crate) Option<[u8; 32]>);

impl Identity {
    pub(crate) fn of(config: &Config, parts: &Parts) -> Self {
        let name = config.identity.as_ref().and_then(|identity| identity(parts));
        Self(name.map(|name| Sha256::digest(name).into()))
    }

    pub(crate) const fn as_bytes(&self) -> Option<&[u8; 32]> {
        self.0.as_ref()
    }
}
