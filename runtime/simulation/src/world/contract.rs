//! What must hold, whatever happens: the contract of `docs/guarantees.md`.
//!
//! Here are what is known of each session from outside, and the checks after every step and in the end. What
//! no message may bring about is checked where it comes by, in `pages`, `wishes` and `liar`; that time goes on,
//! in `schedule`; what a session has to be after each of its inputs, in `server/actor.rs`. All of it ends in the
//! world's `failure`.

use std::collections::BTreeSet;

use lightspeed_core::Policy;
use lightspeed_interpreter::{LinkState, MemoryDocument};

use super::state::PAGES_MAX;
use super::{Failure, World};
use crate::app;
use crate::page::{Fate, Page, without_values};
use crate::server::Server;

/// How long after the last fault everything has to be well again, in milliseconds.
const HEALED_WITHIN_MS: u64 = 60_000;

impl World {
    pub(super) fn check(&mut self) -> Result<(), Failure> {
        if self.sockets.len() > 400 || self.pages.len() > PAGES_MAX {
            self.fail("C4", format!("{} sockets are open", self.sockets.len()));
        }
        let mut servers = self.machines.iter().filter_map(|machine| machine.server.as_ref());
        if let Some(what) = servers.find_map(Server::inconsistency) {
            self.fail("C4", what.to_owned());
        }
        match self.failure.take() {
            Some((clause, what)) => Err(Failure { clause, what, step: self.step }),
            None => Ok(()),
        }
    }

    /// C8 and what it all came to.
    pub(super) fn finish(&mut self) -> Result<(), Failure> {
        self.converge();
        // Something to write: a server whose session another one has taken over finds out by it.
        for page in 0..self.pages.len() {
            let now = self.now;
            self.next_note += 1;
            let note = self.next_note;
            self.pages[page].note(now, note);
            self.outputs(page);
        }
        let until = self.now.after_ms(9_000);
        self.advance_to(until);
        self.converge();
        // Acknowledgements and parting servers need a moment, and sockets that nobody speaks on are given up.
        let until = self.now.after_ms(40_000);
        self.advance_to(until);
        self.check()?;
        for page in 0..self.pages.len() {
            self.judge(page);
        }
        self.check()
    }

    fn converge(&mut self) {
        let until = self.now.after_ms(HEALED_WITHIN_MS);
        while self.now < until && self.failure.is_none() {
            let next = self.now.after_ms(1_000);
            self.advance_to(next);
            let is_well = |page: &Page| page.state == LinkState::Connected && page.is_settled();
            if self.pages.iter().all(|page| page.failed.is_some() || is_well(page)) {
                return;
            }
        }
    }

    fn judge(&mut self, page: usize) {
        let it = &self.pages[page];
        if let Some(reason) = it.failed {
            return self.fail("C8", format!("page {page} has failed for reason {reason}"));
        }
        if it.state != LinkState::Connected || !it.is_settled() {
            let what = format!(
                "page {page} is {:?} and settled: {} after {HEALED_WITHIN_MS} ms",
                it.state,
                it.is_settled()
            );
            return self.fail("C8", what);
        }
        let id = it.session;
        let servers = self.machines.iter().filter_map(|machine| machine.server.as_ref());
        let holders: Vec<_> =
            servers.flat_map(|server| server.sessions(id)).filter(|it| it.is_attached()).collect();
        let [session] = holders[..] else {
            let what = format!("session {id} of page {page} is attached at {} servers", holders.len());
            return self.fail("C6", what);
        };
        if self.pages.iter().filter(|other| other.session == id && other.failed.is_none()).count() > 1 {
            return self.fail("C6", format!("two pages share session {id}"));
        }
        let app = session.component();
        if it.client.version(1) != Some(session.version()) || session.unacked().0 > 0 {
            let what = format!(
                "page {page} is at {:?}, the session at {} with {:?} unacknowledged",
                it.client.version(1),
                session.version(),
                session.unacked()
            );
            return self.fail("C8", what);
        }
        let expected = without_values(&MemoryDocument::canonical(&app::disarmed(|| session.whole_html())));
        if it.shown() != expected {
            return self.fail("C1", format!("page {page} shows {} and not {expected}", it.shown()));
        }
        // C3: at most once, and in order.
        if !app.journal.is_sorted_by(|a, b| a < b) {
            return self.fail("C3", format!("the journal of session {id} is {:?}", app.journal));
        }
        let handled = |fate| move |deed: &&crate::page::Deed| deed.fate == fate;
        let refused: BTreeSet<_> =
            it.deeds.values().filter(handled(Fate::Refused)).filter_map(|deed| deed.note).collect();
        if let Some(note) = app.journal.iter().find(|note| refused.contains(note)) {
            return self.fail("C3", format!("note {note} was refused and has taken effect"));
        }
        // Exactly once, where the state has survived.
        let known = &self.known[&id];
        let is_whole = !known.is_torn && !self.is_spoiled;
        if is_whole {
            let done: Vec<_> =
                it.deeds.values().filter(handled(Fate::Handled)).filter_map(|deed| deed.note).collect();
            if app.journal != done {
                return self
                    .fail("C3", format!("session {id} has {:?} in its journal, of {done:?}", app.journal));
            }
            let count =
                it.deeds.values().filter(handled(Fate::Handled)).filter(|deed| deed.is_count).count() as u64;
            if app.count % 1_000_000 != count {
                return self
                    .fail("C3", format!("session {id} has counted {} of {count}", app.count % 1_000_000));
            }
            let wanted: Vec<_> = (1..=count).filter(|count| app::asks_at(*count)).collect();
            let done = it.done();
            let is_kept = !known.has_copies && !matches!(self.setup.policy, Policy::Rehydrate(_));
            if is_kept && done != wanted {
                self.fail("C3", format!("page {page} has done {done:?} of {wanted:?} that it was asked for"));
            }
        }
    }
}
