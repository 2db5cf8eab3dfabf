//! Recordings: what happened in a session, and when, as the blocks of a file.
//!
//! ```text
//! 89 4c 53 52 0d 0a 1a 0a         the magic
//! length, checksum, [kind, at, fields..]
//! length, checksum, [kind, at, fields..]
//! ..
//! ```
//!
//! `length` and `checksum` are four bytes each, big-endian; the array is MessagePack. The reader of
//! whole files is `lightspeed_interpreter::recording`. See `specs/recording.md`.

use alloc::vec::Vec;
use core::fmt;

use crate::close::CloseReason;
use crate::frame::{ClientFrame, ServerFrame};
use crate::msgpack::{DecodeError, Expected, Raw, Reader, Writer};
use crate::wire::wire_table;
use crate::{Timestamp, limits};

/// What a recording begins with. As in [PNG](https://www.w3.org/TR/png-3/#5PNG-file-signature), it is
/// no text, and a transfer that rewrites line ends breaks it.
pub const MAGIC: [u8; 8] = *b"\x89LSR\r\n\x1a\n";

/// The version of the format that this crate reads and writes.
pub const FORMAT_VERSION: u32 = 1;

/// How many bytes stand before a record: its length and its checksum.
pub const HEAD_BYTES: usize = 8;

wire_table! {
    /// One record of a recording.
    Record, unknown: Code {
        /// Tells what was recorded; the first record and only the first.
        Start = 0 "start" {
            /// The version of the format.
            format: u32,
            /// The version of the wire that the frames are of.
            protocol: u32,
            /// The build that was recorded.
            build: &'a str,
            /// The component's name.
            component: &'a str,
            /// What the session's randomness grew from; 0 when it has none.
            seed: u64,
            /// When it began by the wall clock, for people.
            started: &'a str,
            /// The HTML of the first page: version 0.
            html: &'a str,
            /// The component's state after its mount, when it can be saved.
            state: Option<&'a [u8]>,
            /// Whether the values of some fields are replaced.
            is_redacted: bool,
            /// Whether the session had a store, so that it was kept there as its component's policy says.
            is_stored: bool,
        }
        /// A socket attached; its token is never written.
        Join = 1 "join" {
            /// The number of the session on that socket.
            session: u32,
            /// What the client held, as in the frame.
            mode: u32,
            /// The version that its document was at.
            applied: u64,
            /// The last event that the client knew to be handled; 0 for none.
            settled: u64,
        }
        /// A frame came from the client.
        Client = 2 "client" {
            /// The frame.
            frame: &'a [u8],
        }
        /// A frame went to the client.
        Server = 3 "server" {
            /// The definitions of templates that the recording has not held before, as frames in binaries.
            templates: Raw<'a>,
            /// The frame.
            frame: &'a [u8],
        }
        /// A message of a task was handled.
        Message = 4 "message" {
            /// The component's state after it, when it can be saved.
            state: Option<&'a [u8]>,
        }
        /// The socket was lost.
        Detach = 5 "detach" {}
        /// The component was started again after a panic.
        Restart = 6 "restart" {
            /// The state that it was started from, when it can be saved.
            state: Option<&'a [u8]>,
        }
        /// The session's timeout was due.
        Timeout = 7 "timeout" {}
        /// The session ended; the last record.
        Closed = 8 "closed" {
            /// A code of the close reasons.
            reason: u32,
        }
        /// More happened than is recorded; the last record.
        Truncated = 9 "truncated" {}
        /// The store has a checkpoint.
        Stored = 10 "stored" {
            /// Which: they are counted.
            generation: u64,
        }
        /// What the page is asked for with the next version, now that the message of the next record is handled.
        Asked = 11 "asked" {
            /// `[kind, name, data..]`, as in an `effect`.
            effects: Raw<'a>,
        }
    }
}

impl<'a> Record<'a> {
    /// Reads what stands behind a head: when it happened and what.
    ///
    /// # Errors
    ///
    /// When the bytes are too many, not MessagePack, cut short, trailed by others, of an unknown kind,
    /// or when a field is of another type.
    pub fn decode(bytes: &'a [u8]) -> Result<(Timestamp, Self), DecodeError> {
        if bytes.len() > limits::RECORD_BYTES_MAX {
            return Err(DecodeError::new(limits::RECORD_BYTES_MAX, Expected::End));
        }
        let mut reader = Reader::new(bytes);
        let length = reader.array()? as usize;
        let offset = reader.offset();
        let code = reader.uint32()?;
        let at = Timestamp(reader.uint()?);
        let record = Self::read_fields(code, offset, &mut reader)?;
        if Self::field_count(code).map(|count| count + 2) != Some(length) {
            return Err(DecodeError::new(0, Expected::Length));
        }
        reader.end().map(|()| (at, record))
    }

    /// The record's bytes with their head; `None` when they are more than a record may have.
    pub fn encode(&self, at: Timestamp) -> Option<Vec<u8>> {
        let mut writer = Writer::new();
        writer.array(2 + Self::field_count(self.code()).unwrap_or(0));
        writer.uint(u64::from(self.code()));
        writer.uint(at.0);
        self.write_fields(&mut writer);
        let body = writer.into_bytes();
        let length = u32::try_from(body.len()).ok().filter(|_| body.len() <= limits::RECORD_BYTES_MAX)?;
        let mut bytes = Vec::with_capacity(HEAD_BYTES + body.len());
        bytes.extend(length.to_be_bytes());
        bytes.extend(checksum(&body).to_be_bytes());
        bytes.extend(body);
        Some(bytes)
    }

    /// The frames of the definitions in a [`Record::Server`]'s `templates`.
    ///
    /// # Errors
    ///
    /// At the first that is no binary, of which there is then no further.
    pub fn template_frames(templates: Raw<'a>) -> impl Iterator<Item = Result<&'a [u8], DecodeError>> {
        let mut reader = templates.reader();
        let mut left = reader.array();
        core::iter::from_fn(move || match left {
            Ok(0) => None,
            Ok(count) => {
                let frame = reader.bin();
                left = Ok(if frame.is_ok() { count - 1 } else { 0 });
                Some(frame)
            }
            Err(error) => {
                left = Ok(0);
                Some(Err(error))
            }
        })
    }
}

/// The CRC-32 of a record's bytes, as in [PNG](https://www.w3.org/TR/png-3/#5CRC-algorithm).
pub fn checksum(bytes: &[u8]) -> u32 {
    crc32fast::hash(bytes)
}

/// The definitions of a [`Record::Server`], as a value.
pub fn write_templates(frames: &[Vec<u8>], writer: &mut Writer) {
    writer.array(frames.len());
    for frame in frames {
        writer.bin(frame);
    }
}

/// As a disassembly shows it: frames by what they say, states and pages by their size.
impl fmt::Display for Record<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let show_state = |state: Option<&[u8]>, f: &mut fmt::Formatter<'_>| match state {
            Some(state) => write!(f, " state of {} bytes", state.len()),
            None => f.write_str(" without a state"),
        };
        let is_shown_by_fields = matches!(
            self,
            Self::Join { .. } | Self::Stored { .. } | Self::Detach {} | Self::Timeout {} | Self::Truncated {}
        );
        if is_shown_by_fields {
            return self.show(f);
        }
        f.write_str(self.name())?;
        match *self {
            Self::Start { component, html, state, .. } => {
                write!(f, " {component:?} page of {} bytes", html.len())?;
                show_state(state, f)
            }
            Self::Client { frame } => match ClientFrame::decode(frame) {
                Ok((_, frame)) => write!(f, " {frame}"),
                Err(error) => write!(f, " ; {error}"),
            },
            Self::Server { frame, .. } => match ServerFrame::decode(frame) {
                Ok((_, frame)) => write!(f, " {frame}"),
                Err(error) => write!(f, " ; {error}"),
            },
            Self::Message { state } | Self::Restart { state } => show_state(state, f),
            Self::Closed { reason } => match CloseReason::from_code(reason) {
                Some(reason) => write!(f, " {reason}"),
                None => write!(f, " {reason}"),
            },
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
