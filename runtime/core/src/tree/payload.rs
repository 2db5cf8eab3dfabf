//! Handlers as a tree holds them: functions from the payload of an event to a message.

use lightspeed_protocol::msgpack::Payload;

/// Makes a message from a payload, or says why the payload doesn't fit.
pub type PayloadHandler<M> = dyn Fn(&Payload<'_>) -> Result<M, PayloadError> + Send + Sync;

/// A payload that a handler can't use: the event is refused, and its author told.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the payload should be {expected}")]
pub struct PayloadError {
    /// What the handler takes.
    pub expected: &'static str,
}
