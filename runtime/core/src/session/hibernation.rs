//! An idle session drops the tree of its newest version and keeps the state that the tree was rendered from.
//!
//! `render` is a pure function of the state, so the tree can be dropped as long as the component stands in
//! the state that was rendered. Whatever needs the tree renders it again first, gives its instances the ids
//! that they had, and notes in it again what events have told of fields.
//!
//! A digest shows whether the new tree equals the dropped one. It doesn't when `render` is no pure function,
//! for example because it reads the time. The client is then sent the whole document instead of a difference,
//! and no event is resolved in the new tree, as after a restore from the store. Such a session doesn't
//! hibernate again.
//!
//! Rows of streams are in no state. What the tree keeps of them is little: it is put aside and moved into the
//! tree that is rendered again.
//!
//! Trees of older versions stay: the states that they were rendered from are gone, and the client may still name them.

use alloc::boxed::Box;
use alloc::vec::Vec;

use lightspeed_protocol::InstanceId;

use super::edits::PendingEdits;
use crate::tree::digest::digest;
use crate::tree::html::{Fragment, Html};
use crate::tree::ids::{give_ids, ids_of};
use crate::tree::memos as memo;
use crate::tree::streams::{self, Taken};

/// How long a session takes no input before it hibernates, in milliseconds.
pub const HIBERNATE_AFTER_MS: u64 = 10_000;

/// What the newest version looks like.
pub(super) enum Newest<M> {
    /// Its tree.
    Tree(Fragment<M>),
    /// What is kept of the tree that was dropped.
    Asleep(Asleep<M>),
}

/// What is kept of a tree that was dropped: enough to recognize it when it is rendered again.
pub(super) struct Asleep<M> {
    /// The digest of the tree, with what events have told of fields.
    digest: u64,
    /// The ids of the tree's instances, parents before children.
    ids: Box<[InstanceId]>,
    /// What the tree kept of the rows of its streams, in the tree's order.
    streams: Vec<Taken<M>>,
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
            Self::Asleep(asleep) => asleep.streams.iter().for_each(Taken::lose),
        }
    }

    /// A client shows the rows of streams: they are let go of. Returns whether there are any streams.
    pub(super) fn let_go_of_rows(&mut self) -> bool {
        match self {
            Self::Tree(tree) => streams::settle(tree),
            Self::Asleep(asleep) => {
                asleep.streams.iter_mut().for_each(Taken::settle);
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

    /// Lets go of the tree. Does nothing when that is gone.
    pub(super) fn fall_asleep(&mut self) {
        let Self::Tree(tree) = self else { return };
        let streams = streams::take(tree);
        let asleep = Asleep { digest: digest(tree), ids: ids_of(tree).into_boxed_slice(), streams };
        // What memos keep of it goes with it, whoever else still shows some of it.
        self.forget_memos();
        // Last, and in its place before the tree is dropped: that may panic.
        let tree = core::mem::replace(self, Self::Asleep(asleep));
        drop(tree);
    }

    /// Has the tree again: `html` is what the component looks like in the state that the tree was rendered from, and
    /// `edits` is what events have told since. False when it has come out otherwise.
    pub(super) fn wake(&mut self, html: Html<M>, edits: &PendingEdits) -> bool {
        let Self::Asleep(asleep) = self else { return true };
        let mut tree = html.into_root();
        let is_numbered = give_ids(&mut tree, &asleep.ids);
        if is_numbered {
            edits.tell_again(&mut tree);
        }
        let is_same = is_numbered && digest(&tree) == asleep.digest;
        let streams = core::mem::take(&mut asleep.streams);
        let is_same = streams::put(&mut tree, streams) && is_same;
        *self = Self::Tree(tree);
        is_same
    }
}
