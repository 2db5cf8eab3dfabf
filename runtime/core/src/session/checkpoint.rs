//! A session as bytes, and back: what a server stores so that another can go on.
//!
//! Holds the state of every version that the client may still show, the ids of its
//! instances and the patches that it may lack. `render` is a pure function of the state, so
//! the trees themselves need not be kept: rendered again and given their ids, they are what
//! the client shows, and it goes on with its document as if nothing had happened. An event
//! that was made on an older version finds what was rendered then. A digest tells when a
//! tree has come out otherwise, as in another build: then only the state is kept.
//!
//! The bytes are one MessagePack array:
//!
//! ```text
//! [format, version, version_acked, seq_handled, seq_shown, next_id, is_document_lost,
//!  [[version, state, digest, [id..]]..],                       oldest first; the last is the newest version
//!  state | nil,                                         the component's, when no version shows it yet
//!  [[version, seq_shown, is_snapshot, program, [fingerprint, needs_html..]]..],
//!  [seq, reason..],                                     events that had no effect
//!  [instance, slot, payload..],                         what events have told of fields since the newest version
//!  [version, kind, name, data..]]                       what the page was asked for and hasn't said to have done
//! ```
//!
//! A checkpoint of format 1 has no `seq_shown`, as what was handled was told at once then, and nothing that pages were asked
//! for.

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::fmt;

use lightspeed_protocol::close::RefusalReason;
use lightspeed_protocol::msgpack::{DecodeError, Expected, Payload, Reader, Writer};
use lightspeed_protocol::{Fingerprint, InstanceId, limits};

use super::edits::PendingEdits;
use super::effects::Effects;
use super::events::Refusal;
use super::exchange::AHEAD_MAX;
use super::window::Window;
use crate::tree::slot_address::SlotAddress;

pub use super::component::LoadError;
pub use super::exchange::Checkpoint;

/// The version of the array above.
const FORMAT: u64 = 2;

/// The version of checkpoints that are read and no longer written.
const FORMAT_BEFORE: u64 = 1;

/// Why a checkpoint could not be restored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum RestoreError {
    /// The bytes are no checkpoint.
    Malformed(DecodeError),
    /// The component doesn't take the state.
    Load(LoadError),
}

impl fmt::Display for RestoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(error) => write!(f, "no checkpoint: {error}"),
            Self::Load(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for RestoreError {}

impl From<DecodeError> for RestoreError {
    fn from(error: DecodeError) -> Self {
        Self::Malformed(error)
    }
}

impl From<LoadError> for RestoreError {
    fn from(error: LoadError) -> Self {
        Self::Load(error)
    }
}

/// A session's values, to be written: borrowed from the parts that own them.
pub(super) struct Contents<'a> {
    pub(super) version: u64,
    pub(super) version_acked: u64,
    pub(super) seq_handled: u64,
    pub(super) seq_shown: u64,
    pub(super) next_id: InstanceId,
    pub(super) is_document_lost: bool,
    /// Oldest first; the last is the newest version.
    pub(super) versions: Vec<Version<'a>>,
    /// The component's, when no version shows it yet.
    pub(super) state: Option<&'a [u8]>,
    pub(super) window: &'a Window,
    pub(super) refused: &'a VecDeque<Refusal>,
    pub(super) edits: &'a PendingEdits,
    pub(super) effects: &'a Effects,
}

impl Contents<'_> {
    pub(super) fn write(&self) -> Vec<u8> {
        let mut out = Writer::new();
        out.array(13);
        for number in [FORMAT, self.version, self.version_acked, self.seq_handled, self.seq_shown] {
            out.uint(number);
        }
        out.uint(u64::from(self.next_id));
        out.bool(self.is_document_lost || self.edits.is_too_long());
        out.array(self.versions.len());
        for version in &self.versions {
            out.array(4);
            out.uint(version.version);
            out.bin(version.state);
            out.uint(version.digest);
            out.array(version.ids.len());
            for id in &version.ids {
                out.uint(u64::from(*id));
            }
        }
        match self.state {
            Some(state) => out.bin(state),
            None => out.nil(),
        }
        out.array(self.window.len());
        for sent in self.window.iter() {
            out.array(5);
            out.uint(sent.version);
            out.uint(sent.seq_shown);
            out.bool(sent.is_snapshot);
            out.bin(&sent.program);
            out.array(2 * sent.templates.len());
            for template_use in &sent.templates {
                out.uint(u64::from(template_use.template.fingerprint));
                out.bool(template_use.needs_html);
            }
        }
        out.array(2 * self.refused.len());
        for (seq, reason) in self.refused {
            out.uint(*seq);
            out.uint(u64::from(reason.code()));
        }
        self.edits.write(&mut out);
        self.effects.save(&mut out);
        out.into_bytes()
    }
}

/// A checkpoint's values, as they were read.
pub(super) struct Image<'a> {
    pub(super) version: u64,
    pub(super) version_acked: u64,
    pub(super) seq_handled: u64,
    pub(super) seq_shown: u64,
    pub(super) next_id: InstanceId,
    pub(super) is_document_lost: bool,
    pub(super) versions: Vec<Version<'a>>,
    pub(super) state: Option<&'a [u8]>,
    pub(super) window: Vec<Unacked<'a>>,
    pub(super) refused: VecDeque<Refusal>,
    pub(super) edits: Vec<(SlotAddress, Payload<'a>)>,
    pub(super) effects: Effects,
}

/// A version of a checkpoint.
#[expect(clippy::struct_field_names, reason = "as everywhere else, a version is a number")]
pub(super) struct Version<'a> {
    pub(super) version: u64,
    /// What it was rendered from.
    pub(super) state: &'a [u8],
    pub(super) digest: u64,
    /// The ids of its instances, parents before children.
    pub(super) ids: Vec<InstanceId>,
}

/// A patch of the window.
pub(super) struct Unacked<'a> {
    pub(super) version: u64,
    pub(super) seq_shown: u64,
    pub(super) is_snapshot: bool,
    pub(super) program: &'a [u8],
    /// The templates that it refers to, and whether their HTML is needed.
    pub(super) templates: Vec<(Fingerprint, bool)>,
}

impl<'a> Image<'a> {
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let length = reader.error(Expected::Length);
        let count = reader.array()?;
        let code = reader.error(Expected::Code);
        let format = reader.uint()?;
        let expected = match format {
            FORMAT => 13,
            FORMAT_BEFORE => 11,
            _ => return Err(code),
        };
        if count != expected {
            return Err(length);
        }
        let bound = reader.error(Expected::WithinBound);
        let (version, version_acked, seq_handled) = (reader.uint()?, reader.uint()?, reader.uint()?);
        let seq_shown = if format == FORMAT { reader.uint()? } else { seq_handled };
        let next_id = reader.uint32()?;
        let is_too_far = version_acked > version || seq_shown > seq_handled;
        if is_too_far || version.max(seq_handled) >= u64::MAX - 2 * AHEAD_MAX || next_id == 0 {
            return Err(bound);
        }
        let is_document_lost = reader.bool()?;
        let bound = |max: usize| u32::try_from(max).unwrap_or(u32::MAX);
        let count = reader.array_at_most(bound(limits::VERSIONS_SEEN_MAX + 1))?;
        let versions: Vec<_> =
            (0..count).map(|_| Version::read(&mut reader, next_id)).collect::<Result<_, _>>()?;
        let order = reader.error(Expected::WithinBound);
        let is_ordered = versions.is_sorted_by(|a, b| a.version < b.version);
        if !is_ordered || versions.last().is_none_or(|newest| newest.version != version) {
            return Err(order);
        }
        let state = if reader.nil() { None } else { Some(reader.bin()?) };
        let count = reader.array_at_most(bound(limits::PATCHES_UNACKED_MAX))?;
        let shown = (format == FORMAT_BEFORE).then_some(seq_handled);
        let window: Vec<_> =
            (0..count).map(|_| Unacked::read(&mut reader, shown)).collect::<Result<_, _>>()?;
        // Each takes the document from the version before it, up to the newest.
        let is_whole =
            window.iter().rev().zip(0..).all(|(sent, back)| sent.version.checked_add(back) == Some(version));
        let is_shown = window.is_sorted_by(|a, b| a.seq_shown <= b.seq_shown)
            && window.iter().all(|sent| sent.seq_shown <= seq_shown);
        if !is_whole || !is_shown {
            return Err(reader.error(Expected::WithinBound));
        }
        let length = reader.error(Expected::Length);
        let count = reader.array_at_most(bound(2 * limits::EVENTS_UNACKED_MAX))?;
        if count % 2 != 0 {
            return Err(length);
        }
        let refused = (0..count / 2).map(|_| read_refusal(&mut reader)).collect::<Result<_, _>>()?;
        let edits = PendingEdits::read(&mut reader)?;
        let effects =
            if format == FORMAT { Effects::load(&mut reader, version)? } else { Effects::default() };
        reader.end()?;
        Ok(Self {
            version,
            version_acked,
            seq_handled,
            seq_shown,
            next_id,
            is_document_lost,
            versions,
            state,
            window,
            refused,
            edits,
            effects,
        })
    }
}

impl<'a> Version<'a> {
    fn read(reader: &mut Reader<'a>, next_id: InstanceId) -> Result<Self, DecodeError> {
        expect_array(reader, 4)?;
        let (version, state, digest) = (reader.uint()?, reader.bin()?, reader.uint()?);
        let count = reader.array_at_most(u32::try_from(limits::INSTANCES_MAX).unwrap_or(u32::MAX))?;
        let mut ids = Vec::with_capacity(count as usize);
        for _ in 0..count {
            let error = reader.error(Expected::WithinBound);
            ids.push(reader.uint32().and_then(|id| if id < next_id { Ok(id) } else { Err(error) })?);
        }
        Ok(Self { version, state, digest, ids })
    }
}

impl<'a> Unacked<'a> {
    /// `shown` is what a checkpoint says for all patches that says nothing of each.
    fn read(reader: &mut Reader<'a>, shown: Option<u64>) -> Result<Self, DecodeError> {
        expect_array(reader, if shown.is_some() { 4 } else { 5 })?;
        let version = reader.uint()?;
        let seq_shown = shown.map_or_else(|| reader.uint(), Ok)?;
        let (is_snapshot, program) = (reader.bool()?, reader.bin()?);
        let length = reader.error(Expected::Length);
        let count =
            reader.array_at_most(2 * u32::try_from(limits::TEMPLATES_PER_PAGE_MAX).unwrap_or(u32::MAX))?;
        if count % 2 != 0 {
            return Err(length);
        }
        let templates = (0..count / 2)
            .map(|_| Ok((reader.uint32()?, reader.bool()?)))
            .collect::<Result<_, DecodeError>>()?;
        Ok(Self { version, seq_shown, is_snapshot, program, templates })
    }
}

fn read_refusal(reader: &mut Reader<'_>) -> Result<Refusal, DecodeError> {
    let seq = reader.uint()?;
    let code = reader.error(Expected::Code);
    Ok((seq, RefusalReason::from_code(reader.uint32()?).ok_or(code)?))
}

fn expect_array(reader: &mut Reader<'_>, length: u32) -> Result<(), DecodeError> {
    let error = reader.error(Expected::Length);
    if reader.array()? == length { Ok(()) } else { Err(error) }
}
