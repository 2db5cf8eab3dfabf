//! What can go wrong for a visitor.

use std::io;
use std::time::Duration;

use lightspeed_interpreter::LinkState;
use tokio_tungstenite::tungstenite;

/// Why a page or its socket could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The URL is none of a page here.
    #[error("the URL names no page: it is like http://127.0.0.1:3000/counter")]
    Url,
    /// No connection, or it was lost.
    #[error("no connection: {0}")]
    Io(#[from] io::Error),
    /// The other side speaks no HTTP, or ended in the middle of it.
    #[error("no answer: {0}")]
    Http(hyper::Error),
    /// The answer is not a page.
    #[error("the server answered with status {status}")]
    Status {
        /// The status.
        status: u16,
    },
    /// The page has no live part.
    #[error("the page has no live part, or not the client's script")]
    NotLive,
    /// No WebSocket.
    #[error("no WebSocket: {0}")]
    WebSocket(#[from] Box<tungstenite::Error>),
}

/// Why an event went nowhere.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotTaken {
    /// No such element, or it doesn't listen.
    #[error("no element with id `{id}` listens to `{event}`")]
    NoHandler {
        /// The element's id.
        id: String,
        /// The event.
        event: &'static str,
    },
    /// The session has no document yet, has ended, or too many events wait.
    #[error("the client takes no event now: it has no document, has ended, or too many events wait")]
    Closed,
}

/// What was waited for did not happen in time.
#[derive(Debug, thiserror::Error)]
#[error(
    "it did not happen within {within:?}: the page is {state:?}, {unsettled_count} events are unsettled; \
     it shows {html}"
)]
#[non_exhaustive]
pub struct WaitError {
    /// How long was waited.
    pub within: Duration,
    /// How the page's link was then.
    pub state: LinkState,
    /// Events that were unsettled then.
    pub unsettled_count: usize,
    /// What the page showed then.
    pub html: String,
}
