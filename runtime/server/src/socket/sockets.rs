//! What the sockets of a server share.

use std::sync::Arc;

use super::deflate::Deflaters;
use crate::config::Config;
use crate::http::admission::Admissions;
use crate::http::admission::bytes::Accounts;
use crate::http::serve::door::Terms;
use crate::operations::shutdown::Shutdown;
use crate::session::join::Joins;

/// The sockets of a server.
pub(crate) struct Sockets {
    pub(super) config: Arc<Config>,
    /// How many sockets there may be, in all and of an address.
    pub(super) admissions: Arc<Admissions>,
    /// Where the bytes are counted that are kept for a client.
    pub(super) accounts: Arc<Accounts>,
    /// What finds sessions, for the readers.
    pub(crate) joins: Arc<Joins>,
    /// What connections are told of this server's settings.
    pub(super) terms: Terms,
    /// The client's build, which a socket is welcomed with.
    pub(super) build: String,
    pub(super) deflaters: Deflaters,
    pub(super) shutdown: Shutdown,
}

impl Sockets {
    pub(crate) fn new(
        config: &Arc<Config>,
        accounts: &Arc<Accounts>,
        build: &str,
        terms: Terms,
        joins: Arc<Joins>,
    ) -> Self {
        let per_address_max = config.sockets_of_an_address_max();
        Self {
            config: Arc::clone(config),
            admissions: Arc::new(Admissions::new(config.sockets_max, per_address_max)),
            accounts: Arc::clone(accounts),
            joins,
            terms,
            build: build.to_owned(),
            deflaters: Deflaters::new(config.compressed_bytes_min),
            shutdown: Shutdown::new(),
        }
    }

    /// Closes all sockets whose sessions are handed over; returns when none is left.
    pub(crate) async fn close_all(&self) {
        self.shutdown.tell();
        self.shutdown.all_gone().await;
    }
}
