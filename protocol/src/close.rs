//! Why a session or a socket ends, and why an event is refused.

use crate::codes::codes;

codes! {
    /// Why a session (or, on session 0, the whole socket) ends.
    ///
    /// The WebSocket close code is 4000 plus the wire code.
    CloseReason {
        /// The hello speaks a protocol version that this server does not.
        ProtocolVersion = 1 "protocol-version",
        /// The frame is not MessagePack, is cut short, or has trailing bytes.
        MalformedFrame = 2 "malformed-frame",
        /// The frame's kind is none that a client sends.
        UnknownKind = 3 "unknown-kind",
        /// The message is larger than the server takes.
        FrameTooLarge = 4 "frame-too-large",
        /// The first frame on a socket must be a hello, and only the first.
        HelloExpected = 5 "hello-expected",
        /// The frame names a session that has not joined on this socket.
        UnknownSession = 6 "unknown-session",
        /// The session token is not one that this server signed.
        BadToken = 7 "bad-token",
        /// The session is gone: expired, evicted, or of a server that has ended.
        SessionGone = 8 "session-gone",
        /// The event names a place that was never rendered, or that takes no events.
        ForgedPlace = 9 "forged-place",
        /// The event's payload is not what its handler takes; since version 3 of the wire such an event is refused.
        BadPayload = 10 "bad-payload",
        /// The acknowledgement is of a version that was never sent, or goes back.
        BadAck = 11 "bad-ack",
        /// An event's sequence number leaves a gap.
        SequenceGap = 12 "sequence-gap",
        /// More sessions on one socket than the server takes.
        TooManySessions = 13 "too-many-sessions",
        /// A newer socket has taken the session over.
        Replaced = 14 "replaced",
        /// The component panicked.
        ComponentFailed = 15 "component-failed",
        /// The server is shutting down; come back.
        ShuttingDown = 16 "shutting-down",
        /// The client reads too slowly.
        TooSlow = 17 "too-slow",
        /// Nothing was heard for too long.
        Silent = 18 "silent",
        /// The page was left.
        Left = 19 "left",
        /// A patch would be larger than a frame may be.
        PatchTooLarge = 20 "patch-too-large",
        /// Another server has the session; come back.
        Moved = 21 "moved",
        /// The client has not acknowledged for too long; come back.
        Unacknowledged = 22 "unacknowledged",
        /// The session cannot be reached at the moment; come back.
        Unavailable = 23 "unavailable",
    }
}

impl CloseReason {
    /// The WebSocket close code, in the range that RFC 6455, 7.4.2 leaves to applications.
    #[expect(clippy::cast_possible_truncation, reason = "the codes above are far below 61,535")]
    pub const fn websocket_code(self) -> u16 {
        4000 + self.code() as u16
    }

    /// Whether the page should fetch itself again for a new session.
    pub const fn is_recoverable_by_remount(self) -> bool {
        matches!(
            self,
            Self::UnknownSession
                | Self::BadToken
                | Self::SessionGone
                | Self::ComponentFailed
                | Self::SequenceGap
                | Self::BadAck
                | Self::Replaced
        )
    }

    /// Whether the page should join again, on another socket, with what it holds.
    pub const fn is_recoverable_by_rejoin(self) -> bool {
        matches!(self, Self::Moved | Self::Unacknowledged | Self::ShuttingDown | Self::Unavailable)
    }
}

impl core::fmt::Display for CloseReason {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.name())
    }
}

codes! {
    /// Why an event had no effect although it was well-formed.
    RefusalReason {
        /// The place it was made at is no longer there.
        Gone = 1 "gone",
        /// What was rendered at the version it was made on is no longer known.
        Stale = 2 "stale",
        /// Something went wrong on the server; what it was about is undone.
        Failed = 3 "failed",
        /// What was entered is not what this part of the page takes.
        Unfit = 4 "unfit",
        /// The element it was made at is disabled, hidden or inert.
        Disabled = 5 "disabled",
        /// It is larger than the server takes, or too much waits to be sent.
        TooLarge = 6 "too-large",
    }
}
