//! Which session a join gets: one that is here, or one that comes back from the store.

use std::sync::Arc;

use axum::http::request::Parts;
use lightspeed_core::host::registry::Decision;
use lightspeed_protocol::close::CloseReason;

use crate::http::identity::Identity;
use crate::operations::crew::{Label, Lane};
use crate::session::actors::Actors;
use crate::session::drain::Drain;
use crate::session::mailbox::{Handle, Mail};
use crate::session::registry::Registry;
use crate::session::restore::Restores;
use crate::session::retry::Retry;
use crate::session::token::{Signer, Token};

/// What sockets find their sessions by.
pub(crate) struct Joins {
    pub(crate) registry: Arc<Registry>,
    pub(crate) retry: Retry,
    pub(crate) drain: Arc<Drain>,
    pub(crate) signer: Signer,
    /// Held so that the sessions of an open socket go on.
    pub(crate) actors: Arc<Actors>,
    /// `None` where nothing is stored.
    pub(crate) restores: Option<Arc<Restores>>,
}

impl Joins {
    /// What a token says, if this server, or one with the same secret, gave it to the person with this identity.
    pub(crate) fn verify(&self, token: &str, identity: Identity) -> Option<Token> {
        self.signer.verify(token, identity)
    }

    /// The session that a token names, and the epoch of its new socket. A session that isn't here is brought back from
    /// the store, for the request whose head `head` makes: one that opened the socket.
    pub(crate) async fn find(
        &self,
        token: Token,
        head: impl FnOnce() -> Option<Parts>,
    ) -> Result<(Handle, u64), CloseReason> {
        match self.registry.join(token) {
            Decision::Attach { kept, epoch } => return Ok((kept, epoch)),
            Decision::Refuse(reason) => return Err(reason),
            Decision::Load { behind } => {
                behind.map(|handle| handle.mailbox.post(Mail::Moved));
            }
        }
        let (Some(restores), Some(head)) = (self.restores.clone(), head()) else {
            return Err(CloseReason::SessionGone);
        };
        let label = Label::new("restore").in_session(token.id);
        let restored = async move { restores.restore(&head, token).await };
        self.actors.crew().run(Lane::Session, label, restored).await?;
        self.registry.join(token).once_restored()
    }
}
