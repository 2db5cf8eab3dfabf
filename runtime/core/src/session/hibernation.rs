//! An idle session lets go of what it looks like and keeps what that follows from.
//!
//! `render` is a pure function of the state, so the tree of the newest version can be dropped as long as the
//! component stands as it was rendered: whatever needs the tree renders it again first, gives its instances the ids that
//! they had, and tells it again what events have told of fields. A digest tells when the tree has come out otherwise: a `render`
//! that is no such function, as one that reads the time or something that it shares with others. Then no difference to it
//! is sent, but the whole document, and no event is resolved in it: the way that a session comes back
//! from the store. Such a session doesn't hibernate again.
//!
//! Rows of streams are in no state, and what the tree keeps of them is little: it is put aside, and into the tree that is rendered again.
//!
//! Trees of older versions stay: the states that they were rendered from are gone, and the client may still name them.

use alloc::boxed::Box;
use alloc::vec::Vec;

use lightspeed_protocol::close::CloseReason;
use lightspeed_protocol::{InstanceId, Timestamp};

use super::lifecycle::Phase;
use super::recovery::Step;
use super::{Component, Output, Session};
use crate::tree::digest::digest;
use crate::tree::html::Fragment;
use crate::tree::ids::{give_ids, ids_of};
use crate::tree::memos as memo;
use crate::tree::stream::StreamValue;
use crate::tree::streams;

/// How long a session takes no input before it hibernates, in milliseconds.
pub const HIBERNATE_AFTER_MS: u64 = 10_000;

/// What the newest version looks like.
pub(super) enum Newest<M> {
    /// Its tree.
    Tree(Fragment<M>),
    /// What is needed to have it again.
    Asleep(Asleep<M>),
}

/// What is left of a tree.
pub(super) struct Asleep<M> {
    /// Of the tree as it was, with what fields have told.
    digest: u64,
    /// Its instances, parents before children.
    ids: Box<[InstanceId]>,
    /// What is kept of rows that are in no state (`stream`), in the tree's order.
    streams: Vec<StreamValue<M>>,
}

impl<M> Newest<M> {
    /// The tree.
    ///
    /// # Panics
    ///
    /// When the session hibernates.
    pub(super) fn tree(&self) -> &Fragment<M> {
        match self {
            Self::Tree(tree) => tree,
            Self::Asleep(_) => unreachable!("who looks at the tree has woken the session before"),
        }
    }

    /// The tree, to be written to.
    ///
    /// # Panics
    ///
    /// When the session hibernates.
    pub(super) fn tree_mut(&mut self) -> &mut Fragment<M> {
        match self {
            Self::Tree(tree) => tree,
            Self::Asleep(_) => unreachable!("who writes to the tree has woken the session before"),
        }
    }

    pub(super) const fn is_asleep(&self) -> bool {
        matches!(self, Self::Asleep(_))
    }

    /// The next render has all rows of streams.
    pub(super) fn lose_streams(&self) {
        match self {
            Self::Tree(tree) => streams::lose(tree),
            Self::Asleep(asleep) => asleep.streams.iter().for_each(StreamValue::lose),
        }
    }

    /// A client shows the rows of streams: they are let go of. Returns whether there are any streams.
    pub(super) fn settle_streams(&mut self) -> bool {
        match self {
            Self::Tree(tree) => streams::settle(tree),
            Self::Asleep(asleep) => {
                asleep.streams.iter_mut().for_each(StreamValue::settle);
                !asleep.streams.is_empty()
            }
        }
    }

    /// The next render renders memoized parts anew.
    pub(super) fn forget_memos(&self) {
        if let Self::Tree(tree) = self {
            memo::forget(tree);
        }
    }

    pub(super) fn digest(&self) -> u64 {
        match self {
            Self::Tree(tree) => digest(tree),
            Self::Asleep(asleep) => asleep.digest,
        }
    }

    /// The ids of the instances, parents before children.
    pub(super) fn ids(&self) -> Vec<InstanceId> {
        match self {
            Self::Tree(tree) => ids_of(tree),
            Self::Asleep(asleep) => asleep.ids.to_vec(),
        }
    }
}

impl<C: Component> Session<C> {
    /// Whether it hibernates.
    pub fn is_hibernating(&self) -> bool {
        self.newest.is_asleep()
    }

    /// When it has been idle for long enough.
    pub(super) fn hibernate_at(&self) -> Option<Timestamp> {
        if self.can_hibernate() { Some(self.busy_at?.after_ms(HIBERNATE_AFTER_MS)) } else { None }
    }

    /// Whether its tree can be had again.
    fn can_hibernate(&self) -> bool {
        let is_shown = match &self.phase {
            // Its socket will be there in a moment, and asks for the tree.
            Phase::Mounted(_) | Phase::Closed(_) => false,
            Phase::Attached(attached) => !attached.needs_snapshot,
            Phase::Parked(_) => true,
        };
        let is_as_rendered = !self.is_dirty && !self.is_document_lost && !self.notes.is_too_long();
        is_shown && is_as_rendered && !self.is_impure && !self.newest.is_asleep()
    }

    /// Lets go of the tree, and of room that nothing is in; does nothing when the tree couldn't be had again.
    pub(super) fn hibernate(&mut self) {
        if !self.can_hibernate() {
            return;
        }
        let Newest::Tree(tree) = &mut self.newest else { return };
        let streams = streams::take(tree);
        let asleep = Asleep { digest: digest(tree), ids: ids_of(tree).into_boxed_slice(), streams };
        self.seen.shrink_to_fit();
        self.window.shrink_to_fit();
        self.unrendered.shrink_to_fit();
        self.refused.shrink_to_fit();
        self.refusals.shrink_to_fit();
        self.notes.shrink_to_fit();
        for queue in [&mut self.made, &mut self.held, &mut self.released] {
            queue.shrink_to_fit();
        }
        // What memos keep of it goes with it, whoever else still shows some of it.
        self.newest.forget_memos();
        // Last, and in its place before the tree is dropped: that may panic.
        let tree = core::mem::replace(&mut self.newest, Newest::Asleep(asleep));
        drop(tree);
    }

    /// Lets go of the socket, and of all that is kept for a client that doesn't acknowledge.
    pub(super) fn relieve(&mut self) {
        // The next thing that is sent is the document, as it is then.
        self.is_dirty = false;
        self.hibernate();
        self.lose_document();
        self.detach();
        self.released.push_back(Output::Drop(CloseReason::Unavailable));
    }

    /// Has the tree again. `step` is what a panic of `render` counts as.
    ///
    /// When it has come out otherwise, the document is lost: the client gets another, and
    /// no event was made on what is here.
    pub(super) fn wake(&mut self, step: Step) {
        let Newest::Asleep(asleep) = &mut self.newest else { return };
        self.step = step;
        let mut tree = self.component.render().into_root();
        self.step = Step::Idle;
        let is_numbered = give_ids(&mut tree, &asleep.ids);
        if is_numbered {
            self.notes.tell_again(&mut tree);
        }
        let is_same = is_numbered && digest(&tree) == asleep.digest;
        let streams = core::mem::take(&mut asleep.streams);
        let is_same = streams::put(&mut tree, streams) && is_same;
        self.newest = Newest::Tree(tree);
        if !is_same {
            self.is_impure = true;
            self.lose_document();
            self.ask_snapshot();
        }
    }
}
