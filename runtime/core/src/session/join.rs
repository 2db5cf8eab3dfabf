//! A socket joins: what its client holds decides what it is sent.

use lightspeed_protocol::close::CloseReason;
use lightspeed_protocol::frame::JoinMode;

use super::Session;
use super::component::Component;
use super::exchange::{Join, Output};
use super::recovery::Step;

impl<C: Component> Session<C> {
    pub(super) fn join(&mut self, join: &Join<'_>) {
        let Join { session, mode, applied, settled, token, is_latest } = *join;
        if self.persistence.is_suspended() {
            return;
        }
        self.outbox.forget_frames();
        if self.delivery.is_restored() {
            self.catch_up(join);
            // What it saw before a crash may have the numbers of what another tab has seen since.
            if !is_latest && !self.persistence.is_durable() {
                self.lose_document();
            }
        } else if settled > self.events.seq_handled()
            || (mode == JoinMode::Resume && applied > self.revisions.version())
        {
            let is_unclaimed = self.persistence.is_unclaimed();
            return self.close(if is_unclaimed { CloseReason::Moved } else { CloseReason::BadAck });
        }
        let is_first = self.delivery.is_unjoined();
        if !self.delivery.attach(session) {
            return;
        }
        self.persistence.note_join(is_first);
        // Before the acknowledgement, which would tell that they had an effect.
        let unheard = self.events.refused().iter().filter(|(seq, _)| *seq > settled).copied();
        self.delivery.owe_refusals(unheard);
        let end = self.outbox.mark();
        self.outbox.push_at(end, self.delivery.take_refusals());
        // What the versions show that the client lacks is told by those.
        let is_current = mode == JoinMode::Resume
            && applied == self.revisions.version()
            && !self.delivery.is_document_lost();
        let seq_seen = if is_current { self.events.seq_shown() } else { settled };
        if let Some(joined) = self.delivery.joined(seq_seen, token) {
            self.outbox.push(Output::Transmit(joined));
        }
        match mode {
            _ if self.delivery.is_document_lost() => self.delivery.ask_snapshot(),
            JoinMode::Adopt if self.revisions.is_page() => {
                // What it gets when there is no tree to be had.
                self.delivery.ask_snapshot();
                self.wake(Step::Render);
                if !self.delivery.is_document_lost() {
                    self.adopt();
                }
            }
            JoinMode::Adopt | JoinMode::Rebuild => self.delivery.ask_snapshot(),
            // Another tab of the same page: it has seen less than the one that acknowledged.
            JoinMode::Resume if applied < self.delivery.version_acked() => self.delivery.ask_snapshot(),
            JoinMode::Resume => self.resume(applied),
        }
    }

    /// The client may have seen more than what was stored: the numbers go on from there.
    fn catch_up(&mut self, join: &Join<'_>) {
        if join.mode == JoinMode::Resume && self.revisions.catch_up(join.applied) {
            self.lose_document();
        }
        self.events.catch_up(join.settled);
    }

    /// Tells the client which instances the HTML of its page holds.
    fn adopt(&mut self) {
        let patch = self.revisions.adopt();
        self.delivery.begin_document();
        self.send_version(true, patch);
    }

    /// Sends again what a client that has applied the version `applied` lacks.
    fn resume(&mut self, applied: u64) {
        self.acknowledge(applied);
        if self.is_closed() {
            return;
        }
        if !self.delivery.leads_on_from(applied, self.revisions.version()) {
            return self.delivery.ask_snapshot();
        }
        for index in 0..self.delivery.window().len() {
            let patch = self.delivery.send(index, self.now);
            self.outbox.extend(patch.map(Output::Transmit));
        }
    }
}
