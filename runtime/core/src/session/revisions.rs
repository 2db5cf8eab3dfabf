//! The versions of a document that a client may show: rendered, compared with the one before, kept as long as
//! an event may name them, forgotten.
//!
//! The newest version is a tree, or what is needed to have the tree again (`hibernation`). It looks as the
//! component did in the state `origin`, with the edits upon it that events have told of since. Older versions
//! are trees alone.

pub(super) mod resolution;

use alloc::collections::{BTreeMap, VecDeque};
use alloc::vec::Vec;

use lightspeed_protocol::isa::Op;
use lightspeed_protocol::msgpack::{Payload, Raw, Writer};
use lightspeed_protocol::{Fingerprint, InstanceId, Timestamp, limits};

use super::checkpoint::{Image, Version};
use super::component::State;
use super::edits::PendingEdits;
use super::exchange::AHEAD_MAX;
use super::hibernation::{HIBERNATE_AFTER_MS, Newest};
use super::queue;
use crate::diff::{self, Patch};
use crate::tree::build::write_hydration_layout;
use crate::tree::digest::digest;
use crate::tree::fields;
use crate::tree::held::Past;
use crate::tree::html::{Fragment, Html};
use crate::tree::ids::{each_instance, give_ids, ids_of};
use crate::tree::memos as memo;
use crate::tree::nesting::{self, Misplaced};
use crate::tree::numbering::Numbering;
use crate::tree::render::write_page;
use crate::tree::size;
use crate::tree::slot_address::SlotAddress;
use crate::tree::streams;
use crate::tree::template::{Kind, Template};

/// States of older versions that a checkpoint holds at most, in bytes. An event that was made on one
/// that is left out is refused as `stale`, should this very checkpoint be the one that is restored.
const OLD_STATES_BYTES_MAX: usize = 1024 * 1024;

/// See the [module](self).
pub(super) struct Revisions<M> {
    newest: Newest<M>,
    /// What the newest version was rendered from.
    origin: Option<Origin>,
    version: u64,
    /// What a person has changed since the newest version was rendered.
    edits: PendingEdits,
    /// Trees of older versions, oldest first.
    seen: VecDeque<Seen<M>>,
    /// The id of the next new instance.
    next_id: InstanceId,
    /// The component may look different from the newest version.
    is_dirty: bool,
    /// `render` has once given something else for the same state.
    is_impure: bool,
    /// Rows of streams are shown that are no longer in the newest tree.
    has_let_go: bool,
    /// When the session was last given something to do.
    busy_at: Option<Timestamp>,
}

/// What a tree was rendered from, when that can be stored.
#[derive(Debug, Clone)]
struct Origin {
    state: State,
    /// Of the tree as it was rendered: computed when it is first needed, which for most trees is never.
    digest: Option<u64>,
}

impl Origin {
    fn new(state: Option<&State>) -> Option<Self> {
        state.map(|state| Self { state: State::clone(state), digest: None })
    }

    /// Has to be called before the tree is stored, or is written to.
    fn digest_or(&mut self, digest: impl FnOnce() -> u64) -> u64 {
        *self.digest.get_or_insert_with(digest)
    }
}

/// A tree of an older version that the client may still show.
struct Seen<M> {
    version: u64,
    tree: Fragment<M>,
    origin: Option<Origin>,
    /// What handlers of streams' rows were then and are not in the version behind it.
    past: Vec<Past<M>>,
    /// The id of the first instance that was not there yet.
    next_id: InstanceId,
    /// About how much memory the tree takes.
    byte_count: usize,
}

impl<M> Revisions<M> {
    /// Version 0, whose instances have no ids yet; it was rendered from `state`.
    ///
    /// # Panics
    ///
    /// With debug assertions, when a parser would move, drop or close something of it.
    pub(super) fn new(html: Html<M>, state: Option<&State>) -> Self {
        let tree = html.into_root();
        nesting::refuse(&tree);
        Self {
            newest: Newest::Tree(tree),
            origin: Origin::new(state),
            version: 0,
            edits: PendingEdits::default(),
            seen: VecDeque::new(),
            next_id: 1,
            is_dirty: false,
            is_impure: false,
            has_let_go: false,
            busy_at: None,
        }
    }

    /// Gives the instances of the first page their ids, so that they are the same however often the page is adopted.
    pub(super) fn number_page(&mut self) {
        let mut numbering = Numbering::new(self.next_id);
        write_hydration_layout(self.newest.tree_mut(), &mut numbering, &mut Writer::new());
        self.next_id = numbering.next_id;
        streams::show(self.newest.tree_mut());
    }

    pub(super) const fn version(&self) -> u64 {
        self.version
    }

    pub(super) const fn next_id(&self) -> InstanceId {
        self.next_id
    }

    pub(super) const fn newest(&self) -> &Newest<M> {
        &self.newest
    }

    /// The state that the newest version was rendered from.
    pub(super) fn shown_state(&self) -> Option<&State> {
        self.origin.as_ref().map(|origin| &origin.state)
    }

    /// The first thing in the newest version that a parser would move, drop or close because of what is around it.
    pub(super) fn misplaced(&self) -> Option<Misplaced> {
        match &self.newest {
            Newest::Tree(tree) => nesting::find(tree),
            Newest::Asleep(_) => None,
        }
    }

    /// Bytes of trees of older versions.
    pub(super) fn seen_byte_count(&self) -> usize {
        self.seen.iter().map(|seen| seen.byte_count).sum()
    }

    /// The component may look different from now on.
    pub(super) fn note_change(&mut self) {
        self.is_dirty = true;
    }

    /// Whether there is a reason to render.
    pub(super) const fn is_dirty(&self) -> bool {
        self.is_dirty
    }

    /// The session is given something to do.
    pub(super) fn note_busy(&mut self, now: Timestamp) {
        self.busy_at = Some(now);
    }

    /// When the session has been idle for long enough to hibernate, if it can.
    pub(super) fn hibernate_at(&self) -> Option<Timestamp> {
        if self.can_hibernate() { Some(self.busy_at?.after_ms(HIBERNATE_AFTER_MS)) } else { None }
    }

    /// Whether the newest version's tree can be had again.
    pub(super) fn can_hibernate(&self) -> bool {
        !self.is_dirty && !self.edits.is_too_long() && !self.is_impure && !self.newest.is_asleep()
    }

    /// Lets go of the newest version's tree, and of room that nothing is in. It is called when that tree can
    /// be had again.
    pub(super) fn hibernate(&mut self) {
        self.seen.shrink_to_fit();
        self.edits.shrink_to_fit();
        self.newest.fall_asleep();
    }

    /// The client is sent the whole document next, whatever has changed: the tree isn't needed for a difference.
    pub(super) fn forget_change(&mut self) {
        self.is_dirty = false;
    }

    /// Has the newest version's tree again, which is rendered in the state that it was rendered from.
    ///
    /// False when it has come out otherwise.
    pub(super) fn wake(&mut self, html: Html<M>) -> bool {
        let is_same = self.newest.wake(html, &self.edits);
        self.is_impure |= !is_same;
        is_same
    }

    /// The component has another state, of which streams and memos know nothing.
    pub(super) fn forget_undone(&self) {
        self.newest.lose_streams();
        self.newest.forget_memos();
        self.seen.iter().for_each(|seen| memo::forget(&seen.tree));
    }

    /// Notes in the tree, and for the next checkpoint, what an event tells of fields. Whoever calls this knows that the
    /// event tells anything.
    pub(super) fn note_edit(&mut self, address: SlotAddress, payload: &Payload<'_>) {
        if let Some(origin) = &mut self.origin {
            origin.digest_or(|| self.newest.digest());
        }
        self.edits.note(self.newest.tree_mut(), address, payload);
    }

    /// Whether a page with the HTML of version 0 shows the newest version.
    pub(super) const fn is_page(&self) -> bool {
        self.version == 0 && !self.has_let_go
    }

    /// The program that tells the client which instances the HTML of its page holds.
    pub(super) fn adopt(&mut self) -> Patch<M> {
        let tree = self.newest.tree_mut();
        let mut numbering = Numbering::new(tree.id);
        let mut skeleton = Writer::new();
        write_hydration_layout(tree, &mut numbering, &mut skeleton);
        let left_out = if numbering.raw_count > 0 { write_page(tree).1 } else { Vec::new() };
        if !left_out.is_empty() {
            numbering = Numbering::new(tree.id);
            numbering.left_out = left_out.iter().map(|raw| raw.index).collect();
            skeleton = Writer::new();
            write_hydration_layout(tree, &mut numbering, &mut skeleton);
        }
        let mut patch = Patch::new(numbering);
        let skeleton = Raw::new(skeleton.as_bytes());
        patch.program.push(&Op::Adopt { template: tree.template.fingerprint, skeleton });
        for raw in &left_out {
            patch.program.push(&Op::Html { at: raw.at, slot: raw.slot, html: &raw.html });
        }
        patch
    }

    /// The client has the page's HTML, so it is not told of it again: lets go of the rows of streams that it holds.
    pub(super) fn let_go_of_rows(&mut self) {
        if self.is_page() {
            self.has_let_go = self.newest.let_go_of_rows();
        }
    }

    /// The component was rendered, which shows all that has changed.
    pub(super) fn note_rendered(&mut self) {
        self.edits.clear();
    }

    /// The program that leads from the newest version to `html`.
    pub(super) fn diff(&self, html: &mut Html<M>) -> Patch<M> {
        diff::diff(self.newest.tree(), html.root_mut(), self.next_id)
    }

    /// The program that leads from nothing to `html`.
    pub(super) fn reset(&self, html: &mut Html<M>) -> Patch<M> {
        diff::reset(html.root_mut(), self.next_id)
    }

    /// A stream is shown at another place than before, so that all rows are needed: the next render has them.
    pub(super) fn lose_streams(&self, html: &Html<M>) {
        streams::lose(self.newest.tree());
        lose_rendered(html);
    }

    /// The next render is a document as a whole.
    pub(super) fn forget_parts(&self) {
        self.newest.lose_streams();
        // Every instance gets another id: what memos keep would be a second copy.
        self.newest.forget_memos();
    }

    /// Takes a render, to which `patch` leads from the newest version, for the next one. False when it shows
    /// nothing new: then it makes no version.
    pub(super) fn advance(&mut self, html: Html<M>, patch: &mut Patch<M>, state: Option<&State>) -> bool {
        self.is_dirty = false;
        let past = core::mem::take(&mut patch.past);
        let (old, origin) = self.show(html, patch.numbering.has_streams, state);
        if patch.program.is_empty() {
            if let Some(seen) = self.seen.back_mut() {
                seen.past.extend(past);
            }
            return false;
        }
        if let Newest::Tree(mut tree) = old {
            // What is hidden now is shown by nobody, and the newest tree has all else.
            if self.has_let_go {
                streams::forget(&mut tree);
            }
            if self.seen.len() == limits::VERSIONS_SEEN_MAX {
                self.seen.pop_front();
            }
            let (next_id, byte_count) = (self.next_id, size::of(&tree));
            queue::push(
                &mut self.seen,
                Seen { version: self.version, tree, origin, past, next_id, byte_count },
            );
            self.forget_large_states();
        }
        self.version += 1;
        true
    }

    /// Takes a render for the next version, which replaces whatever the client shows.
    pub(super) fn replace(&mut self, html: Html<M>, patch: &Patch<M>, state: Option<&State>) {
        self.is_dirty = false;
        drop(self.show(html, patch.numbering.has_streams, state));
        // Nothing that the client showed before is there any more.
        self.seen.clear();
        self.version += 1;
    }

    /// Takes a render for the newest; returns the one before, and what that was rendered from.
    fn show(
        &mut self,
        html: Html<M>,
        has_new_streams: bool,
        state: Option<&State>,
    ) -> (Newest<M>, Option<Origin>) {
        let mut tree = html.into_root();
        if has_new_streams {
            self.has_let_go |= streams::settle(&mut tree);
        }
        let origin = core::mem::replace(&mut self.origin, Origin::new(state));
        (core::mem::replace(&mut self.newest, Newest::Tree(tree)), origin)
    }

    /// The program of the newest version has given new instances the ids below `next_id`.
    pub(super) fn note_ids(&mut self, next_id: InstanceId) {
        self.next_id = self.next_id.max(next_id);
    }

    /// No event that is yet to come was made on an older version: they are numbered in the order
    /// in which they were made.
    pub(super) fn forget_before(&mut self, version: u64) {
        while self.seen.pop_front_if(|seen| seen.version < version).is_some() {}
    }

    /// Whatever the client shows as the newest version, it is not that; nor are its events about it.
    pub(super) fn lose_document(&mut self) {
        self.seen.clear();
        self.version += 1;
    }

    /// The client has seen more than this session, which is restored, knows of: the number of the newest version is the
    /// client's. False when it hasn't.
    pub(super) fn catch_up(&mut self, applied: u64) -> bool {
        let is_ahead = applied > self.version && applied - self.version <= AHEAD_MAX;
        if is_ahead {
            self.version = applied;
        }
        is_ahead
    }

    /// Keeps of older versions the states that a checkpoint has room for: the others would only take memory.
    fn forget_large_states(&mut self) {
        let mut left = OLD_STATES_BYTES_MAX;
        for seen in self.seen.iter_mut().rev() {
            let Some(origin) = &seen.origin else { break };
            let rest = left.checked_sub(origin.state.len());
            if rest.is_none() {
                seen.origin = None;
            }
            left = rest.unwrap_or_default();
        }
    }

    /// The versions as a checkpoint holds them, oldest first, and the edits upon the newest.
    pub(super) fn stored(&mut self) -> (Vec<Version<'_>>, &PendingEdits) {
        let mut left = OLD_STATES_BYTES_MAX;
        let mut versions: Vec<_> = self
            .seen
            .iter_mut()
            .rev()
            .map_while(|seen| {
                let origin = seen.origin.as_mut()?;
                left = left.checked_sub(origin.state.len())?;
                let digest = origin.digest_or(|| digest(&seen.tree));
                Some(Version { version: seen.version, state: &origin.state, digest, ids: ids_of(&seen.tree) })
            })
            .collect();
        versions.reverse();
        if let Some(origin) = &mut self.origin {
            let digest = origin.digest_or(|| self.newest.digest());
            let ids = self.newest.ids();
            versions.push(Version { version: self.version, state: &origin.state, digest, ids });
        }
        (versions, &self.edits)
    }

    /// Goes on from the numbers of a checkpoint.
    pub(super) fn restore_numbers(&mut self, image: &Image<'_>) {
        self.version = image.version;
        self.next_id = image.next_id;
    }

    /// Goes on from the versions of a checkpoint: `trees` are the older ones, rendered again, and the newest
    /// version has been rendered again as well. False when one of them has come out otherwise.
    pub(super) fn restore(&mut self, image: &Image<'_>, trees: Vec<Option<Fragment<M>>>) -> bool {
        let Some((newest, old)) = image.versions.split_last() else { return false };
        let trees: Option<Vec<_>> = trees.into_iter().collect();
        let tree = number(newest, self.newest.tree().clone()).filter(|_| !image.is_document_lost);
        let (Some(trees), Some(tree)) = (trees, tree) else { return false };
        self.newest = Newest::Tree(tree);
        let next_id = image.next_id;
        self.seen.extend(old.iter().zip(trees).map(|(version, tree)| Seen {
            version: version.version,
            origin: Some(Origin { state: State::from(version.state), digest: Some(version.digest) }),
            past: Vec::new(),
            next_id,
            byte_count: size::of(&tree),
            tree,
        }));
        // Which rows the client shows is not known, so it is given them anew.
        for seen in &mut self.seen {
            streams::forget(&mut seen.tree);
        }
        if streams::forget(self.newest.tree_mut()) {
            self.has_let_go = true;
            self.is_dirty = true;
        }
        for (address, payload) in &image.edits {
            if fields::tells_fields(self.newest.tree(), *address) {
                self.note_edit(*address, payload);
            }
        }
        true
    }

    /// The templates of all trees, and those that they name: rows of streams are in no tree.
    pub(super) fn known_templates(&self) -> BTreeMap<Fingerprint, &'static Template> {
        let mut known = BTreeMap::new();
        for tree in self.seen.iter().map(|seen| &seen.tree).chain([self.newest.tree()]) {
            each_instance(tree, &mut |template, _| note_template(template, &mut known));
        }
        known
    }
}

/// The next render has all rows of the streams in `html`, which was rendered and isn't taken.
pub(super) fn lose_rendered<M>(html: &Html<M>) {
    streams::lose(html.root());
    memo::forget(html.root());
}

/// A tree with the ids that its instances have in a version of a checkpoint, if it is the one that they were given in.
pub(super) fn number<M>(version: &Version<'_>, mut tree: Fragment<M>) -> Option<Fragment<M>> {
    (digest(&tree) == version.digest && give_ids(&mut tree, &version.ids)).then_some(tree)
}

fn note_template(template: &'static Template, known: &mut BTreeMap<Fingerprint, &'static Template>) {
    if known.insert(template.fingerprint, template).is_some() {
        return;
    }
    for slot in template.slots {
        match &slot.kind {
            Kind::List { item } => note_template(item, known),
            Kind::Branch { arms } => arms.iter().for_each(|arm| note_template(arm, known)),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests;
