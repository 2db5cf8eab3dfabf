//! How a socket ends.

use std::borrow::Cow;

use lightspeed_protocol::PROTOCOL_VERSION;
use lightspeed_protocol::close::CloseReason;
use lightspeed_protocol::frame::ServerFrame;
use lightspeed_protocol::msgpack::{DecodeError, Expected, Writer};

use crate::session::outbox::close_frame;

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
    /// For a person.
    pub(crate) message: Cow<'static, str>,
    /// The version of the protocol that the client speaks, and so has to be told in.
    pub(crate) protocol: u64,
}

impl From<CloseReason> for Fault {
    fn from(reason: CloseReason) -> Self {
        let message = Cow::Borrowed(reason.meaning().trim());
        Self { reason, offset: None, message, protocol: u64::from(PROTOCOL_VERSION) }
    }
}

impl From<DecodeError> for Fault {
    fn from(error: DecodeError) -> Self {
        let reason = match error.expected() {
            Expected::FrameKind => CloseReason::UnknownKind,
            _ => CloseReason::MalformedFrame,
        };
        Self { offset: Some(error.offset()), message: Cow::Owned(error.to_string()), ..reason.into() }
    }
}

impl Fault {
    /// A frame whose field at `offset` is none of its kind.
    pub(crate) fn malformed(offset: usize, message: &'static str) -> Self {
        let message = Cow::Borrowed(message);
        Self { offset: Some(offset), message, ..CloseReason::MalformedFrame.into() }
    }

    /// A hello of a version that this server doesn't speak.
    pub(crate) fn other_version(protocol: u64) -> Self {
        let message = Cow::Borrowed("This page is of another version than its server. Please load it again.");
        Self { offset: Some(3), message, protocol, ..CloseReason::ProtocolVersion.into() }
    }

    /// The close frame, in the client's version of the wire: version 1 has no `retry_ms`.
    pub(crate) fn close_frame(&self, retry_ms: u64) -> Vec<u8> {
        let frame = close_frame(self.reason, &self.message, retry_ms);
        match frame {
            ServerFrame::Close { reason, message, .. } if self.protocol < 2 => {
                let mut writer = Writer::new();
                writer.array(4);
                writer.uint(0);
                writer.uint(u64::from(frame.code()));
                writer.uint(u64::from(reason));
                writer.str(message);
                writer.into_bytes()
            }
            _ => frame.encode(0),
        }
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
        // It hasn't read for too long: `serve::connection`.
        Some(Error::Io(error)) if error.kind() == std::io::ErrorKind::TimedOut => CloseReason::TooSlow.into(),
        Some(Error::Utf8(_)) => Fault::malformed(0, "a text message, and not UTF-8").into(),
        Some(Error::Protocol(ProtocolError::ResetWithoutClosingHandshake)) => End::Gone,
        Some(Error::Protocol(_)) => Fault::malformed(0, "not WebSocket framing").into(),
        _ => End::Gone,
    }
}
