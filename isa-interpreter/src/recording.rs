//! Reads recordings, and follows what a client showed in one.
//!
//! The format is `specs/recording.md`; the table of its records is [`lightspeed_protocol::recording`].
//!
//! A file whose end is missing, as a server that was killed leaves it, is read up to its last
//! whole record:
//!
//! ```
//! use lightspeed_interpreter::recording::Recording;
//! use lightspeed_protocol::Timestamp;
//! use lightspeed_protocol::recording::{MAGIC, Record};
//!
//! let start = Record::Start {
//!     format: 1, protocol: 1, build: "b1", component: "shop::Cart", seed: 0,
//!     started: "", html: "<p>0</p>", state: None, is_redacted: false, is_stored: false,
//! };
//! let detach = Record::Detach {};
//! let mut file = MAGIC.to_vec();
//! file.extend(start.encode(Timestamp(0)).unwrap());
//! file.extend(detach.encode(Timestamp(250)).unwrap());
//!
//! let recording = Recording::read(&file).unwrap();
//! assert_eq!(recording.start.component, "shop::Cart");
//! assert_eq!(recording.entries[0].record, detach);
//!
//! let cut = Recording::read(&file[..file.len() - 1]).unwrap();
//! assert!(cut.entries.is_empty() && cut.cut.is_some());
//! ```

mod follower;

use alloc::vec::Vec;
use core::fmt;

use lightspeed_protocol::msgpack::{DecodeError, Expected};
use lightspeed_protocol::recording::{FORMAT_VERSION, HEAD_BYTES, MAGIC, Record, checksum};
use lightspeed_protocol::{Timestamp, limits};

pub use follower::{FollowError, Follower};

/// A recording that is read: it borrows the file's bytes.
#[derive(Debug, Clone)]
pub struct Recording<'a> {
    /// What was recorded.
    pub start: Start<'a>,
    /// What happened, in order.
    pub entries: Vec<Entry<'a>>,
    /// Where the last whole record ends, when the file has more bytes that are none.
    pub cut: Option<usize>,
}

/// What [`Record::Start`] tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields of the record, which tells of them")]
pub struct Start<'a> {
    pub protocol: u32,
    pub build: &'a str,
    pub component: &'a str,
    pub seed: u64,
    pub started: &'a str,
    pub html: &'a str,
    pub state: Option<&'a [u8]>,
    pub is_redacted: bool,
    pub is_stored: bool,
}

/// A record and its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry<'a> {
    /// Where it begins in the file.
    pub offset: usize,
    /// How many bytes it takes, its head included.
    pub byte_count: usize,
    /// When it happened, from the recording's start.
    pub at: Timestamp,
    /// What happened.
    pub record: Record<'a>,
}

/// Why bytes are no recording, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordingError {
    /// The offset in the file.
    pub offset: usize,
    /// What is wrong there.
    pub fault: RecordingFault,
}

/// What is wrong with a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum RecordingFault {
    /// It doesn't begin with the magic.
    NoRecording,
    /// It is of a version of the format that this reader doesn't know.
    Format(u32),
    /// It ends before its first record does.
    NoStart,
    /// A record's length is 0 or more than a record may have.
    Length(u32),
    /// A record's bytes are not those that were written.
    Damaged,
    /// A record's bytes are not what they should be.
    Decode(Expected),
    /// The first record is no start, or another one is.
    MisplacedStart,
    /// A record stands behind the last one.
    AfterEnd,
    /// More records than a recording may have.
    TooManyRecords,
    /// More bytes than a recording may have.
    TooManyBytes,
}

impl fmt::Display for RecordingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = self.offset;
        match self.fault {
            RecordingFault::NoRecording => write!(f, "expected the magic of a recording at byte {at}"),
            RecordingFault::Format(format) => {
                write!(f, "expected version {FORMAT_VERSION} of the format and not {format} at byte {at}")
            }
            RecordingFault::NoStart => write!(f, "expected a whole first record at byte {at}"),
            RecordingFault::Length(length) => {
                let max = limits::RECORD_BYTES_MAX;
                write!(f, "expected a record's length from 1 to {max} and not {length} at byte {at}")
            }
            RecordingFault::Damaged => write!(f, "expected the checksum of the record at byte {at}"),
            RecordingFault::Decode(expected) => {
                // The place is within the record; its wording is the decoder's.
                let shown = DecodeError::new(0, expected);
                let text = alloc::string::ToString::to_string(&shown);
                write!(f, "{} at byte {at}", text.trim_end_matches(" at byte 0"))
            }
            RecordingFault::MisplacedStart => {
                write!(f, "expected one start, as the first record, at byte {at}")
            }
            RecordingFault::AfterEnd => write!(f, "expected the end after the last record at byte {at}"),
            RecordingFault::TooManyRecords => {
                write!(f, "expected at most {} records at byte {at}", limits::RECORDING_RECORDS_MAX)
            }
            RecordingFault::TooManyBytes => {
                write!(f, "expected at most {} bytes at byte {at}", limits::RECORDING_BYTES_MAX)
            }
        }
    }
}

impl core::error::Error for RecordingError {}

impl<'a> Recording<'a> {
    /// Reads a whole file. Frames and states in it are not looked into.
    ///
    /// # Errors
    ///
    /// When the bytes are no recording, at the first that is wrong. A cut is none; see [`Recording::cut`].
    pub fn read(bytes: &'a [u8]) -> Result<Self, RecordingError> {
        let error = |offset, fault| RecordingError { offset, fault };
        if bytes.len() > limits::RECORDING_BYTES_MAX {
            return Err(error(limits::RECORDING_BYTES_MAX, RecordingFault::TooManyBytes));
        }
        let common = bytes.iter().zip(&MAGIC).take_while(|(byte, expected)| byte == expected).count();
        if common < MAGIC.len() {
            let fault = if common == bytes.len() && common > 0 {
                RecordingFault::NoStart
            } else {
                RecordingFault::NoRecording
            };
            return Err(error(common, fault));
        }
        let mut offset = MAGIC.len();
        let Some(first) = read_record(bytes, offset)? else {
            return Err(error(offset, RecordingFault::NoStart));
        };
        let start = read_start(&first)?;
        offset += first.byte_count;
        let mut recording = Self { start, entries: Vec::new(), cut: None };
        while offset < bytes.len() {
            let Some(entry) = read_record(bytes, offset)? else {
                recording.cut = Some(offset);
                break;
            };
            if matches!(entry.record, Record::Start { .. }) {
                return Err(error(offset, RecordingFault::MisplacedStart));
            }
            if recording.is_ended() {
                return Err(error(offset, RecordingFault::AfterEnd));
            }
            if recording.entries.len() == limits::RECORDING_RECORDS_MAX {
                return Err(error(offset, RecordingFault::TooManyRecords));
            }
            recording.entries.push(entry);
            offset += entry.byte_count;
        }
        Ok(recording)
    }

    /// Whether the last record is one that nothing follows.
    fn is_ended(&self) -> bool {
        let last = self.entries.last();
        last.is_some_and(|last| matches!(last.record, Record::Closed { .. } | Record::Truncated {}))
    }
}

/// Reads the record at `offset`; `None` when the file ends within it.
fn read_record(bytes: &[u8], offset: usize) -> Result<Option<Entry<'_>>, RecordingError> {
    let error = |offset, fault| RecordingError { offset, fault };
    let rest = &bytes[offset..];
    let Some((length, after)) = rest.split_first_chunk() else { return Ok(None) };
    let length = u32::from_be_bytes(*length);
    let byte_count = length as usize;
    if byte_count == 0 || byte_count > limits::RECORD_BYTES_MAX {
        return Err(error(offset, RecordingFault::Length(length)));
    }
    let Some((expected, after)) = after.split_first_chunk() else { return Ok(None) };
    let Some(body) = after.get(..byte_count) else { return Ok(None) };
    if u32::from_be_bytes(*expected) != checksum(body) {
        return Err(error(offset, RecordingFault::Damaged));
    }
    match Record::decode(body) {
        Ok((at, record)) => Ok(Some(Entry { offset, byte_count: HEAD_BYTES + byte_count, at, record })),
        Err(fault) => {
            // A newer format may have other fields: its version is what is told of.
            let format = format_of(body).filter(|format| *format != FORMAT_VERSION && offset == MAGIC.len());
            Err(match format {
                Some(format) => error(offset, RecordingFault::Format(format)),
                None => error(offset + HEAD_BYTES + fault.offset(), RecordingFault::Decode(fault.expected())),
            })
        }
    }
}

/// The version of the format that a start tells, whatever else stands in it.
fn format_of(body: &[u8]) -> Option<u32> {
    let mut reader = lightspeed_protocol::msgpack::Reader::new(body);
    reader.array().ok()?;
    let is_start = reader.uint32().ok()? == 0;
    reader.uint().ok()?;
    reader.uint32().ok().filter(|_| is_start)
}

fn read_start<'a>(first: &Entry<'a>) -> Result<Start<'a>, RecordingError> {
    let error = |fault| RecordingError { offset: first.offset, fault };
    match first.record {
        Record::Start { format, .. } if format != FORMAT_VERSION => {
            Err(error(RecordingFault::Format(format)))
        }
        Record::Start {
            protocol,
            build,
            component,
            seed,
            started,
            html,
            state,
            is_redacted,
            is_stored,
            ..
        } => Ok(Start { protocol, build, component, seed, started, html, state, is_redacted, is_stored }),
        _ => Err(error(RecordingFault::MisplacedStart)),
    }
}

#[cfg(test)]
mod tests;
