//! What a session's actor is given of the server around it.

use std::sync::Arc;

use crate::config::Config;
use crate::http::admission::bytes::Accounts;
use crate::operations::clock::Clock;
use crate::operations::crew::Crew;
use crate::session::registry::Registry;
use crate::session::retry::Retry;

/// What all actors of a server share. Nothing in it ends the actors when it is dropped, so that an actor may hold it.
pub(crate) struct Surroundings {
    /// Where sockets find the session.
    pub(crate) registry: Arc<Registry>,
    /// How long its client stays away when the session can't go on.
    pub(crate) retry: Retry,
    /// Where the bytes are counted that are kept for its client.
    pub(crate) accounts: Arc<Accounts>,
    /// The threads that run the component.
    pub(crate) crew: Crew,
    pub(crate) clock: Clock,
    /// How many events a session takes.
    pub(crate) config: Arc<Config>,
}
