//! From a change of the component to a version that is sent.

use lightspeed_protocol::close::CloseReason;

use super::Session;
use super::component::Component;
use super::exchange::Output;
use super::recovery::Step;
use super::revisions::lose_rendered;
use super::window::Sent;
use crate::diff::Patch;
use crate::tree::html::Html;

impl<C: Component> Session<C> {
    /// Renders, if there is a reason to and the client keeps up.
    pub(super) fn render(&mut self) {
        if !self.is_attached() {
            return;
        }
        if self.delivery.needs_snapshot() {
            return self.snapshot();
        }
        if !self.revisions.is_dirty() || !self.delivery.has_room() {
            return;
        }
        // Asleep and dirty it is only after a panic, whose state of before is what the tree was rendered from.
        self.wake(Step::Render);
        if self.delivery.is_document_lost() {
            return self.snapshot();
        }
        self.revisions.let_go_of_rows();
        let mut html = self.render_component();
        let mut patch = self.revisions.diff(&mut html);
        if patch.numbering.is_misplaced {
            self.revisions.lose_streams(&html);
            html = self.render_component();
            patch = self.revisions.diff(&mut html);
            if patch.numbering.is_misplaced {
                return self.close(CloseReason::ComponentFailed);
            }
        }
        self.effects.write(self.revisions.version() + 1, false, &mut patch.program);
        if self.revisions.advance(html, &mut patch, self.component.state()) {
            self.send_version(false, patch);
        }
    }

    /// Replaces whatever the client holds.
    fn snapshot(&mut self) {
        self.revisions.forget_parts();
        let mut html = self.render_component();
        let mut patch = self.revisions.reset(&mut html);
        if patch.numbering.is_misplaced {
            // One that nobody has shown as far as this session knows.
            lose_rendered(&html);
            html = self.render_component();
            patch = self.revisions.reset(&mut html);
        }
        self.effects.write(self.revisions.version() + 1, true, &mut patch.program);
        self.revisions.replace(html, &patch, self.component.state());
        self.delivery.begin_document();
        self.send_version(true, patch);
    }

    fn render_component(&mut self) -> Html<C::Message> {
        let html = self.component.render();
        self.events.note_rendered();
        self.revisions.note_rendered();
        html
    }

    /// Sends the newest version, of which `patch` is the program, and keeps that until it is acknowledged.
    pub(super) fn send_version(&mut self, is_snapshot: bool, patch: Patch<C::Message>) {
        self.revisions.note_ids(patch.numbering.next_id);
        self.persistence.note_version();
        let sent = Sent {
            version: self.revisions.version(),
            seq_shown: self.events.seq_shown(),
            is_snapshot,
            program: patch.program.finish(),
            templates: patch.numbering.uses,
            at: self.now,
        };
        if let Err(reason) = self.delivery.keep(sent) {
            return self.close(reason);
        }
        let patch = self.delivery.send_newest(self.now);
        self.outbox.extend(patch.map(Output::Transmit));
    }

    /// Has the newest version's tree again. `step` is what a panic of `render` counts as.
    ///
    /// When it has come out otherwise, the document is lost: the client gets another, and
    /// no event was made on what is here.
    pub(super) fn wake(&mut self, step: Step) {
        if !self.is_hibernating() {
            return;
        }
        let html = self.component.render_again(step);
        if !self.revisions.wake(html) {
            self.lose_document();
            self.delivery.ask_snapshot();
        }
    }
}
