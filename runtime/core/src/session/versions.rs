//! A version of the document: rendered, compared with the one before, kept as long as an event may name it, forgotten.
//!
//! The patches that lead from one to the next are `link`'s to send.

use alloc::sync::Arc;
use alloc::vec::Vec;

use lightspeed_protocol::close::CloseReason;
use lightspeed_protocol::{InstanceId, limits};

use super::hibernation::Newest;
use super::lifecycle::Attached;
use super::recovery::Step;
use super::{Component, Session, checkpoint, push};
use crate::diff::{diff, reset};
use crate::tree::held::Past;
use crate::tree::html::{Fragment, Html};
use crate::tree::memos as memo;
use crate::tree::nesting;
use crate::tree::size;
use crate::tree::streams;

/// A component's state as bytes.
pub(super) type State = Arc<[u8]>;

/// What a tree was rendered from, when that can be stored.
#[derive(Debug, Clone)]
pub(super) struct Origin {
    pub(super) state: State,
    /// Of the tree as it was rendered: computed when it is first needed, which for most trees is never.
    pub(super) digest: Option<u64>,
}

impl Origin {
    /// Before the tree is stored, or is written to.
    pub(super) fn settle(&mut self, digest: impl FnOnce() -> u64) -> u64 {
        *self.digest.get_or_insert_with(digest)
    }
}

/// A tree of an older version that the client may still show.
pub(super) struct Seen<M> {
    pub(super) version: u64,
    pub(super) tree: Fragment<M>,
    pub(super) origin: Option<Origin>,
    /// What handlers of streams' rows were then and are not in the version behind it.
    pub(super) past: Vec<Past<M>>,
    /// The id of the first instance that was not there yet.
    pub(super) next_id: InstanceId,
    /// About how much memory the tree takes.
    pub(super) byte_count: usize,
}

pub(super) fn origin(state: Option<&State>) -> Option<Origin> {
    state.map(|state| Origin { state: State::clone(state), digest: None })
}

impl<C: Component> Session<C> {
    /// Renders, if there is a reason to and the client keeps up.
    pub(super) fn render(&mut self) {
        let Some(Attached { needs_snapshot, .. }) = self.phase.attached() else { return };
        if *needs_snapshot {
            return self.snapshot();
        }
        if !self.is_dirty || !self.window.has_room() {
            return;
        }
        // Asleep and dirty it is only after a panic, whose state of before is what the tree was rendered from.
        self.wake(Step::Render);
        if self.is_document_lost {
            return self.snapshot();
        }
        self.let_go();
        let mut html = self.render_component();
        let mut patch = diff(self.newest.tree(), html.root_mut(), self.next_id);
        if patch.numbering.is_misplaced {
            // A stream is shown at another place than before: all rows are needed.
            streams::lose(self.newest.tree());
            streams::lose(html.root());
            memo::forget(html.root());
            html = self.render_component();
            patch = diff(self.newest.tree(), html.root_mut(), self.next_id);
            if patch.numbering.is_misplaced {
                return self.close(CloseReason::ComponentFailed);
            }
        }
        self.is_dirty = false;
        let past = core::mem::take(&mut patch.past);
        let (old, origin) = self.show(html, patch.numbering.has_streams);
        if patch.program.is_empty() {
            if let Some(seen) = self.seen.back_mut() {
                seen.past.extend(past);
            }
            return;
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
            push(&mut self.seen, Seen { version: self.version, tree, origin, past, next_id, byte_count });
            checkpoint::forget_large_states(&mut self.seen);
        }
        self.version += 1;
        self.push(false, patch);
    }

    fn render_component(&mut self) -> Html<C::Message> {
        self.step = Step::Render;
        let html = self.component.render();
        nesting::refuse(html.root());
        self.step = Step::Idle;
        self.unrendered.clear();
        self.notes.clear();
        html
    }

    /// Takes a render for the newest; returns the one before, and what that was rendered from.
    fn show(
        &mut self,
        html: Html<C::Message>,
        has_new_streams: bool,
    ) -> (Newest<C::Message>, Option<Origin>) {
        let mut tree = html.into_root();
        if has_new_streams {
            self.has_let_go |= streams::settle(&mut tree);
        }
        let origin = core::mem::replace(&mut self.origin, origin(self.state.as_ref()));
        (core::mem::replace(&mut self.newest, Newest::Tree(tree)), origin)
    }

    /// Lets go of the rows of streams that the page's HTML holds.
    pub(super) fn let_go(&mut self) {
        if self.version == 0 && !self.has_let_go {
            self.has_let_go = self.newest.settle_streams();
        }
    }

    /// Replaces whatever the client holds.
    fn snapshot(&mut self) {
        self.newest.lose_streams();
        // Every instance gets another id: what memos keep would be a second copy.
        self.newest.forget_memos();
        let mut html = self.render_component();
        let mut patch = reset(html.root_mut(), self.next_id);
        if patch.numbering.is_misplaced {
            // One that nobody has shown as far as this session knows.
            streams::lose(html.root());
            memo::forget(html.root());
            html = self.render_component();
            patch = reset(html.root_mut(), self.next_id);
        }
        self.is_dirty = false;
        self.is_document_lost = false;
        self.show(html, patch.numbering.has_streams);
        // Nothing that the client showed before is there any more.
        self.seen.clear();
        self.window.clear();
        self.version += 1;
        if let Some(attached) = self.phase.attached_mut() {
            attached.needs_snapshot = false;
        }
        self.push(true, patch);
    }

    /// No event that is yet to come was made on an older version: they are numbered in the order
    /// in which they were made.
    pub(super) fn forget_before(&mut self, version: u64) {
        while self.seen.pop_front_if(|seen| seen.version < version).is_some() {}
    }
}
