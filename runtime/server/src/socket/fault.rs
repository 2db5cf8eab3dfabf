//! How a socket ends.

use std::borrow::Cow;

use lightspeed_protocol::close::CloseReason;
use lightspeed_protocol::msgpack::{DecodeError, Expected};

/// What ends a socket.
#[derive(Debug)]
pub(crate) enum End {
    /// The client closed it, or the connection is lost.
    Gone,
    /// The server closes it.
    Close(Fault),
}

/// Why the server closes a socket.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) reason: CloseReason,
    /// The first byte of the frame that is wrong.
    pub(crate) offset: Option<usize>,
    /// The client speaks version 1 of the protocol, in which it is to be told.
    pub(crate) is_version_1: bool,
    /// For a person.
    pub(crate) message: Cow<'static, str>,
}

impl From<CloseReason> for Fault {
    fn from(reason: CloseReason) -> Self {
        Self { reason, offset: None, is_version_1: false, message: Cow::Borrowed(reason.meaning().trim()) }
    }
}

impl From<DecodeError> for Fault {
    fn from(error: DecodeError) -> Self {
        let reason = match error.expected() {
            Expected::FrameKind => CloseReason::UnknownKind,
            _ => CloseReason::MalformedFrame,
        };
        let message = Cow::Owned(error.to_string());
        Self { reason, offset: Some(error.offset()), is_version_1: false, message }
    }
}

impl Fault {
    /// A frame whose field at `offset` is none of its kind.
    pub(crate) fn malformed(offset: usize, message: &'static str) -> Self {
        let reason = CloseReason::MalformedFrame;
        Self { reason, offset: Some(offset), is_version_1: false, message: Cow::Borrowed(message) }
    }
}

impl<F: Into<Fault>> From<F> for End {
    fn from(fault: F) -> Self {
        Self::Close(fault.into())
    }
}

/// What an error of the WebSocket means.
pub(crate) fn end_of(error: axum::Error) -> End {
    use tungstenite::Error;
    use tungstenite::error::ProtocolError;

    match error.into_inner().downcast_ref::<Error>() {
        Some(Error::Capacity(_)) => CloseReason::FrameTooLarge.into(),
        Some(Error::Utf8(_)) => Fault::malformed(0, "a text message, and not UTF-8").into(),
        Some(Error::Protocol(ProtocolError::ResetWithoutClosingHandshake)) => End::Gone,
        Some(Error::Protocol(_)) => Fault::malformed(0, "not WebSocket framing").into(),
        _ => End::Gone,
    }
}
