//! A session as a checkpoint, and a session that goes on from one.

use alloc::vec::Vec;

use lightspeed_protocol::msgpack::{DecodeError, Expected};

use super::Session;
use super::checkpoint::{Contents, Image, RestoreError};
use super::component::{Component, State};
use super::events::Events;
use super::exchange::Checkpoint;
use super::lifecycle::{Created, Phase};
use super::policy::Policy;
use super::revisions;
use super::window::Sent;
use crate::sent_templates::TemplateUse;
use crate::tree::streams;

impl<C: Component> Session<C> {
    /// The session as it is now.
    pub(super) fn checkpoint(&mut self, generation: u64) -> Checkpoint {
        let seq_handled = self.events.seq_handled();
        let (version, next_id) = (self.revisions.version(), self.revisions.next_id());
        let unshown = |state: &&State| self.revisions.shown_state() != Some(*state);
        let state = self.component.state().filter(unshown);
        let (versions, edits) = self.revisions.stored();
        let contents = Contents {
            version,
            version_acked: self.delivery.version_acked(),
            seq_handled,
            seq_shown: self.events.seq_shown(),
            next_id,
            is_document_lost: self.delivery.is_document_lost(),
            versions,
            state: state.map(|state| &**state),
            window: self.delivery.window(),
            refused: self.events.refused(),
            edits,
            effects: &self.effects,
        };
        Checkpoint { generation, seq: seq_handled, bytes: contents.write() }
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
        let mut image = Image::read(checkpoint)?;
        let Some((newest, old)) = image.versions.split_last() else {
            return Err(DecodeError::new(0, Expected::Length).into());
        };
        let mut trees = Vec::with_capacity(old.len());
        for version in old {
            // One that can't be migrated is only of use to events on it: the client gets its document anew.
            let is_loaded = component.load(version.state).is_ok();
            trees.push(if is_loaded {
                revisions::number(version, streams::render_whole(|| component.render()).into_root())
            } else {
                None
            });
        }
        component.load(newest.state)?;
        let mut session = Self::over(component, policy, Phase::Parked(Created::new().restore()));
        session.revisions.restore_numbers(&image);
        session.delivery.note_restored(image.version_acked);
        session.effects = core::mem::take(&mut image.effects);
        session.events = Events::restore(image.seq_handled, image.seq_shown, image.refused.clone());
        if session.revisions.restore(&image, trees) {
            session.restore_window(&image);
        } else {
            session.lose_document();
        }
        if let Some(state) = image.state {
            session.component.load(state)?;
            session.component.set_state(Some(State::from(state)));
            session.revisions.note_change();
        }
        if session.effects.has_asked() {
            session.revisions.note_change();
        }
        Ok(session)
    }

    /// Patches whose templates are all in the trees: the others would be of no use to the client.
    fn restore_window(&mut self, image: &Image<'_>) {
        let known = self.revisions.known_templates();
        let window: Option<Vec<_>> = image
            .window
            .iter()
            .map(|sent| {
                let templates = sent.templates.iter().map(|(fingerprint, needs_html)| {
                    let template = *known.get(fingerprint)?;
                    Some(TemplateUse { template, needs_html: *needs_html })
                });
                Some(Sent {
                    version: sent.version,
                    seq_shown: sent.seq_shown,
                    is_snapshot: sent.is_snapshot,
                    program: Vec::from(sent.program),
                    templates: templates.collect::<Option<_>>()?,
                    at: self.now,
                })
            })
            .collect();
        self.delivery.restore_window(window.unwrap_or_default());
    }
}
