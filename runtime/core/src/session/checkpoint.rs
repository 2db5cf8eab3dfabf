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
//! [format, version, version_acked, seq_handled, next_id, is_document_lost,
//!  [[version, state, digest, [id..]]..],                       oldest first; the last is the newest version
//!  state | nil,                                         the component's, when no version shows it yet
//!  [[version, is_snapshot, program, [fingerprint, needs_html..]]..],
//!  [seq, reason..],                                     events that had no effect
//!  [instance, slot, payload..]]                         what fields have told since the newest version
//! ```

use alloc::collections::{BTreeMap, VecDeque};
use alloc::vec::Vec;
use core::fmt;

use lightspeed_protocol::close::RefusalReason;
use lightspeed_protocol::frame::JoinMode;
use lightspeed_protocol::msgpack::{DecodeError, Expected, Payload, Reader, Writer};
use lightspeed_protocol::{Fingerprint, InstanceId, limits};

use super::hibernation::Newest;
use super::lifecycle::{Created, Phase};
use super::place::{self, Notes, Place};
use super::policy::Policy;
use super::versions::{Origin, Seen, State};
use super::window::Sent;
use super::{Component, Session};
use crate::ledger::TemplateUse;
use crate::tree::digest::digest;
use crate::tree::html::Fragment;
use crate::tree::ids::{each_instance, give_ids, ids_of};
use crate::tree::streams;
use crate::tree::template::{Kind, Template};

/// Of the array above; another one is not read.
const FORMAT: u64 = 1;

/// States of older versions that a checkpoint holds at most, in bytes. An event that was made on one
/// that is left out is refused as `stale`, should this very checkpoint be the one that is restored.
const OLD_STATES_BYTES_MAX: usize = 1024 * 1024;

/// Keeps of older versions the states that a checkpoint has room for: the others would only take memory.
pub(super) fn forget_large_states<M>(seen: &mut VecDeque<Seen<M>>) {
    let mut left = OLD_STATES_BYTES_MAX;
    for seen in seen.iter_mut().rev() {
        let Some(origin) = &seen.origin else { break };
        let rest = left.checked_sub(origin.state.len());
        if rest.is_none() {
            seen.origin = None;
        }
        left = rest.unwrap_or_default();
    }
}

/// How far a client may be ahead of a checkpoint, in versions and in events.
const AHEAD_MAX: u64 = 1 << 32;

/// A session as bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Counts the checkpoints of this session in this process.
    pub generation: u64,
    /// The last event that it holds.
    pub seq: u64,
    /// The session.
    pub bytes: Vec<u8>,
}

/// Bytes that are no state of the component.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LoadError;

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the bytes are no state of this component")
    }
}

impl core::error::Error for LoadError {}

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

impl<C: Component> Session<C> {
    /// The session as it is now.
    pub(super) fn checkpoint(&mut self) -> Checkpoint {
        let mut out = Writer::new();
        out.array(11);
        for number in [FORMAT, self.version, self.version_acked, self.seq_handled, u64::from(self.next_id)] {
            out.uint(number);
        }
        out.bool(self.is_document_lost || self.notes.is_too_long());
        self.write_versions(&mut out);
        match &self.state {
            Some(state) if self.origin.as_ref().is_none_or(|origin| origin.state != *state) => out.bin(state),
            _ => out.nil(),
        }
        out.array(self.window.len());
        for sent in self.window.iter() {
            out.array(4);
            out.uint(sent.version);
            out.bool(sent.is_snapshot);
            out.bin(&sent.program);
            out.array(2 * sent.templates.len());
            for template_use in &sent.templates {
                out.uint(u64::from(template_use.template.fingerprint));
                out.bool(template_use.needs_html);
            }
        }
        out.array(2 * self.refused.len());
        for (seq, reason) in &self.refused {
            out.uint(*seq);
            out.uint(u64::from(reason.code()));
        }
        self.notes.write(&mut out);
        Checkpoint { generation: self.saving.generation, seq: self.seq_handled, bytes: out.into_bytes() }
    }

    fn write_versions(&mut self, out: &mut Writer) {
        let mut left = OLD_STATES_BYTES_MAX;
        let old: Vec<_> = self
            .seen
            .iter_mut()
            .rev()
            .map_while(|seen| {
                let origin = seen.origin.as_mut()?;
                left = left.checked_sub(origin.state.len())?;
                let digest = origin.settle(|| digest(&seen.tree));
                Some((seen.version, ids_of(&seen.tree), digest, &origin.state))
            })
            .collect();
        let newest = self.origin.iter_mut().map(|origin| {
            let digest = origin.settle(|| self.newest.digest());
            (self.version, self.newest.ids(), digest, &origin.state)
        });
        out.array(old.len() + newest.len());
        for (version, ids, digest, state) in old.into_iter().rev().chain(newest) {
            out.array(4);
            out.uint(version);
            out.bin(state);
            out.uint(digest);
            out.array(ids.len());
            for id in ids {
                out.uint(u64::from(id));
            }
        }
    }

    /// A session that goes on from a checkpoint.
    ///
    /// `component` is a freshly mounted one, which takes on the states. When it renders what the
    /// client shows, the client keeps its document; otherwise it gets the whole of it.
    ///
    /// # Errors
    ///
    /// When the bytes are no checkpoint, or their newest state is one that the component doesn't take.
    pub fn restore(mut component: C, policy: Policy, checkpoint: &[u8]) -> Result<Self, RestoreError> {
        let image = Image::read(checkpoint)?;
        let Some((newest, old)) = image.versions.split_last() else {
            return Err(DecodeError::new(0, Expected::Length).into());
        };
        let mut trees = Vec::with_capacity(old.len());
        for version in old {
            // One that can't be migrated is only of use to events on it: the client gets its document anew.
            let is_loaded = component.load(version.state).is_ok();
            trees.push(if is_loaded {
                version.number(streams::render_whole(|| component.render()).into_root())
            } else {
                None
            });
        }
        component.load(newest.state)?;
        let mut session = Self::over(component, policy, Phase::Parked(Created::new().restore()));
        session.version = image.version;
        session.version_acked = image.version_acked;
        session.seq_handled = image.seq_handled;
        session.next_id = image.next_id;
        session.is_restored = true;
        session.refused.clone_from(&image.refused);
        let trees: Option<Vec<_>> = trees.into_iter().collect();
        let tree = newest.number(session.newest.tree().clone()).filter(|_| !image.is_document_lost);
        if let (Some(trees), Some(tree)) = (trees, tree) {
            session.newest = Newest::Tree(tree);
            session
                .seen
                .extend(old.iter().zip(trees).map(|(version, tree)| version.seen(tree, image.next_id)));
            session.restore_window(&image);
            // Which rows the client shows is not known, so it is given them anew.
            for seen in &mut session.seen {
                streams::forget(&mut seen.tree);
            }
            if streams::forget(session.newest.tree_mut()) {
                session.has_let_go = true;
                session.is_dirty = true;
            }
            for (place, payload) in &image.notes {
                if place::tells_fields(session.newest.tree(), *place) {
                    session.note_fields(*place, payload);
                }
            }
        } else {
            session.lose_document();
        }
        if let Some(state) = image.state {
            session.component.load(state)?;
            session.state = Some(State::from(state));
            session.is_dirty = true;
        }
        Ok(session)
    }

    /// Patches whose templates are all in the trees: the others would be of no use to the client.
    fn restore_window(&mut self, image: &Image<'_>) {
        let mut known: BTreeMap<Fingerprint, &'static Template> = BTreeMap::new();
        for tree in self.seen.iter().map(|seen| &seen.tree).chain([self.newest.tree()]) {
            each_instance(tree, &mut |template, _| know(template, &mut known));
        }
        for sent in &image.window {
            let templates: Option<Vec<_>> = sent
                .templates
                .iter()
                .map(|(fingerprint, needs_html)| {
                    let template = *known.get(fingerprint)?;
                    Some(TemplateUse { template, needs_html: *needs_html })
                })
                .collect();
            let Some(templates) = templates else { return self.window.clear() };
            self.window.push(Sent {
                version: sent.version,
                is_snapshot: sent.is_snapshot,
                program: Vec::from(sent.program),
                templates,
                at: self.now,
            });
        }
    }

    /// Whatever the client shows as the newest version, it is not `newest`; nor are its events about it.
    pub(super) fn lose_document(&mut self) {
        self.is_document_lost = true;
        self.seen.clear();
        self.window.clear();
        self.version += 1;
    }

    /// The client may have seen more than what was stored: the numbers go on from there.
    pub(super) fn catch_up(&mut self, mode: JoinMode, applied: &mut u64, settled: u64) {
        let is_ahead = mode == JoinMode::Resume && *applied > self.version;
        if is_ahead && *applied - self.version <= AHEAD_MAX {
            self.version = *applied;
            self.lose_document();
        }
        if settled > self.seq_handled && settled - self.seq_handled <= AHEAD_MAX {
            self.seq_handled = settled;
        }
    }
}

/// A checkpoint's values.
struct Image<'a> {
    version: u64,
    version_acked: u64,
    seq_handled: u64,
    next_id: InstanceId,
    is_document_lost: bool,
    versions: Vec<Version<'a>>,
    state: Option<&'a [u8]>,
    window: Vec<Unacked<'a>>,
    refused: VecDeque<(u64, RefusalReason)>,
    notes: Vec<(Place, Payload<'a>)>,
}

#[expect(clippy::struct_field_names, reason = "as everywhere else, a version is a number")]
struct Version<'a> {
    version: u64,
    state: &'a [u8],
    digest: u64,
    ids: Vec<InstanceId>,
}

struct Unacked<'a> {
    version: u64,
    is_snapshot: bool,
    program: &'a [u8],
    templates: Vec<(Fingerprint, bool)>,
}

impl<'a> Image<'a> {
    fn read(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        expect_array(&mut reader, 11)?;
        let code = reader.error(Expected::Code);
        if reader.uint()? != FORMAT {
            return Err(code);
        }
        let bound = reader.error(Expected::WithinBound);
        let (version, version_acked, seq_handled) = (reader.uint()?, reader.uint()?, reader.uint()?);
        let next_id = reader.uint32()?;
        if version_acked > version || version.max(seq_handled) >= u64::MAX - 2 * AHEAD_MAX || next_id == 0 {
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
        let window: Vec<_> = (0..count).map(|_| Unacked::read(&mut reader)).collect::<Result<_, _>>()?;
        // Each takes the document from the version before it, up to the newest.
        let is_whole =
            window.iter().rev().zip(0..).all(|(sent, back)| sent.version.checked_add(back) == Some(version));
        if !is_whole {
            return Err(reader.error(Expected::WithinBound));
        }
        let length = reader.error(Expected::Length);
        let count = reader.array_at_most(bound(2 * limits::EVENTS_UNACKED_MAX))?;
        if count % 2 != 0 {
            return Err(length);
        }
        let refused = (0..count / 2).map(|_| read_refusal(&mut reader)).collect::<Result<_, _>>()?;
        let notes = Notes::read(&mut reader)?;
        reader.end()?;
        Ok(Self {
            version,
            version_acked,
            seq_handled,
            next_id,
            is_document_lost,
            versions,
            state,
            window,
            refused,
            notes,
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

    /// The tree with its instances' ids, if it is the one that they were given in.
    fn number<M>(&self, mut tree: Fragment<M>) -> Option<Fragment<M>> {
        (digest(&tree) == self.digest && give_ids(&mut tree, &self.ids)).then_some(tree)
    }

    fn seen<M>(&self, tree: Fragment<M>, next_id: InstanceId) -> Seen<M> {
        let origin = Origin { state: State::from(self.state), digest: Some(self.digest) };
        let byte_count = crate::tree::size::of(&tree);
        Seen { version: self.version, tree, origin: Some(origin), past: Vec::new(), next_id, byte_count }
    }
}

impl<'a> Unacked<'a> {
    fn read(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        expect_array(reader, 4)?;
        let (version, is_snapshot, program) = (reader.uint()?, reader.bool()?, reader.bin()?);
        let length = reader.error(Expected::Length);
        let count =
            reader.array_at_most(2 * u32::try_from(limits::TEMPLATES_PER_PAGE_MAX).unwrap_or(u32::MAX))?;
        if count % 2 != 0 {
            return Err(length);
        }
        let templates = (0..count / 2)
            .map(|_| Ok((reader.uint32()?, reader.bool()?)))
            .collect::<Result<_, DecodeError>>()?;
        Ok(Self { version, is_snapshot, program, templates })
    }
}

fn read_refusal(reader: &mut Reader<'_>) -> Result<(u64, RefusalReason), DecodeError> {
    let seq = reader.uint()?;
    let code = reader.error(Expected::Code);
    Ok((seq, RefusalReason::from_code(reader.uint32()?).ok_or(code)?))
}

fn expect_array(reader: &mut Reader<'_>, length: u32) -> Result<(), DecodeError> {
    let error = reader.error(Expected::Length);
    if reader.array()? == length { Ok(()) } else { Err(error) }
}

/// Notes a template and those that it names: rows of streams are in no tree.
fn know(template: &'static Template, known: &mut BTreeMap<Fingerprint, &'static Template>) {
    if known.insert(template.fingerprint, template).is_some() {
        return;
    }
    for slot in template.slots {
        match &slot.kind {
            Kind::List { item } => know(item, known),
            Kind::Branch { arms } => arms.iter().for_each(|arm| know(arm, known)),
            _ => {}
        }
    }
}
