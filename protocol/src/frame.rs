//! Frames: one MessagePack array each, `[session, kind, fields..]`. Session 0 is the connection itself.
//!
//! Named by their sender. See `specs/protocol.md`, clauses 2 to 4.

use alloc::vec::Vec;
use core::fmt;

use crate::limits;
use crate::msgpack::{DecodeError, Expected, Payload, Raw, Reader, Writer};
use crate::wire::wire_table;

wire_table! {
    /// What a client says.
    ClientFrame, unknown: FrameKind {
        /// Opens a socket; on session 0.
        Hello = 0 "hello" {
            /// The protocol version that the client speaks.
            protocol: u32,
            /// The client's build.
            build: &'a str,
            /// Fingerprints of the templates whose HTML the page holds already.
            templates: Raw<'a>,
        }
        /// Attaches to a session.
        Join = 1 "join" {
            /// The signed token of the page, or of the last `joined`.
            token: &'a str,
            /// What the client holds: 0 the page's HTML, 1 the document at `applied`, 2 nothing.
            mode: u32,
            /// The version that the client's document is at.
            applied: u64,
            /// The last event that the client knows to be handled.
            settled: u64,
        }
        /// Something happened at a place.
        Event = 2 "event" {
            /// The version that the client's document is at.
            ack: u64,
            /// The event's number: 1 for a session's first.
            seq: u64,
            /// How many versions before `ack` the event was made.
            behind: u64,
            /// The place: an instance.
            instance: u32,
            /// The place: a handler's slot.
            slot: u32,
            /// What the event carries.
            payload: Payload<'a>,
        }
        /// Acknowledges: every version up to `ack` is applied.
        Ack = 3 "ack" {
            /// The version that the client's document is at.
            ack: u64,
            /// How many versions before `ack` the oldest event was made that isn't acknowledged.
            behind: u64,
        }
        /// Leaves a session for good.
        Leave = 4 "leave" {}
        /// Asks for the whole document: a gap, or a program that doesn't fit.
        Resync = 5 "resync" {
            /// The version that the client's document is at.
            ack: u64,
        }
        /// Asks for a pong; on session 0.
        Ping = 6 "ping" {}
    }
}

wire_table! {
    /// What a server says.
    ServerFrame, unknown: FrameKind {
        /// Answers a hello; on session 0.
        Welcome = 0 "welcome" {
            /// The protocol version that the server speaks.
            protocol: u32,
            /// The server's build.
            build: &'a str,
            /// How often an idle client pings, in milliseconds.
            heartbeat_ms: u64,
            /// The largest payload of an event that the server takes, in bytes.
            event_bytes_max: u64,
        }
        /// Answers a join.
        Joined = 1 "joined" {
            /// The last event that was handled.
            ack: u64,
            /// What the next join has to show; older ones count no more as soon as the client says anything.
            token: &'a str,
        }
        /// Takes the document from `version - 1` to `version`.
        Patch = 2 "patch" {
            /// The last event that was handled.
            ack: u64,
            /// The version that the document is then at.
            version: u64,
            /// The program.
            program: Raw<'a>,
        }
        /// Takes the document to `version` from wherever it is: the program begins with `adopt` or `reset`.
        Snapshot = 3 "snapshot" {
            /// The last event that was handled.
            ack: u64,
            /// The version that the document is then at.
            version: u64,
            /// The program.
            program: Raw<'a>,
        }
        /// Acknowledges: every event up to `ack` is handled.
        Ack = 4 "ack" {
            /// The last event that was handled.
            ack: u64,
        }
        /// Tells that an event had no effect.
        Refused = 5 "refused" {
            /// The event's number; 0 when something failed that no event asked for.
            seq: u64,
            /// A code of the refusals.
            reason: u32,
            /// The same for a person; empty when there is nothing to tell.
            message: &'a str,
        }
        /// Answers a ping; on session 0.
        Pong = 6 "pong" {}
        /// Ends a session, or on session 0 the socket.
        Close = 7 "close" {
            /// A code of the close reasons.
            reason: u32,
            /// The same for a person.
            message: &'a str,
            /// How long to stay away, in milliseconds; 0 leaves it to the client.
            retry_ms: u64,
        }
        /// Defines a template; on session 0.
        Template = 8 "template" {
            /// The template.
            fingerprint: u32,
            /// What its roots are parsed as.
            namespace: u32,
            /// How many root nodes it has; a content slot is one.
            roots: u32,
            /// Its HTML; nil as long as the page only adopts instances of it.
            html: Option<&'a str>,
            /// Its slots.
            slots: Raw<'a>,
        }
    }
}

macro_rules! frame_codec {
    ($name:ident, $max:expr) => {
        impl<'a> $name<'a> {
            /// Reads a whole frame: its session and what it says.
            ///
            /// # Errors
            ///
            /// When the bytes are too many, not MessagePack, cut short, trailed by others, of
            /// an unknown kind, or when a field is of another type.
            pub fn decode(bytes: &'a [u8]) -> Result<(u32, Self), DecodeError> {
                if bytes.len() > $max {
                    return Err(DecodeError::new($max, Expected::End));
                }
                let mut reader = Reader::new(bytes);
                let length = reader.array()? as usize;
                let error = DecodeError::new(0, Expected::Length);
                if length < 2 {
                    return Err(error);
                }
                let session = reader.uint32()?;
                let offset = reader.offset();
                let code = reader.uint32()?;
                let frame = Self::read_fields(code, offset, &mut reader)?;
                if Self::field_count(code) != Some(length - 2) {
                    return Err(error);
                }
                reader.end().map(|()| (session, frame))
            }

            /// The frame's bytes.
            pub fn encode(&self, session: u32) -> Vec<u8> {
                let mut writer = Writer::new();
                writer.array(2 + Self::field_count(self.code()).unwrap_or(0));
                writer.uint(u64::from(session));
                writer.uint(u64::from(self.code()));
                self.write_fields(&mut writer);
                writer.into_bytes()
            }
        }

        impl fmt::Display for $name<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.show(f)
            }
        }
    };
}
frame_codec!(ClientFrame, limits::EVENT_BYTES_CEILING + limits::FRAME_HEAD_BYTES_MAX);
frame_codec!(ServerFrame, limits::OUTBOUND_FRAME_BYTES_MAX);

/// What a joining client holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JoinMode {
    /// The HTML that the page came with.
    Adopt,
    /// The document at the version it names.
    Resume,
    /// Nothing.
    Rebuild,
}

impl JoinMode {
    /// The code on the wire.
    pub const fn code(self) -> u32 {
        match self {
            Self::Adopt => 0,
            Self::Resume => 1,
            Self::Rebuild => 2,
        }
    }

    /// The mode with this code.
    pub const fn from_code(code: u32) -> Option<Self> {
        match code {
            0 => Some(Self::Adopt),
            1 => Some(Self::Resume),
            2 => Some(Self::Rebuild),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
