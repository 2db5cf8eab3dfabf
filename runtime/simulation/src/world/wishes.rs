//! What a server wants of the world: frames sent, the store read and written, tasks run.

use lightspeed_core::Policy;
use lightspeed_protocol::close::CloseReason;
use lightspeed_protocol::frame::ServerFrame;

use super::World;
use super::state::{Happening, Writing};
use crate::server::{PendingJoin, Wish};

impl World {
    /// Does what a server wants.
    pub(super) fn wishes(&mut self, server: usize) {
        let life = self.machines[server].life;
        while let Some(it) = self.alive(server, life) {
            let wishes = std::mem::take(&mut it.wishes);
            if wishes.is_empty() {
                return;
            }
            for wish in wishes {
                self.grant(server, life, wish);
            }
        }
    }

    fn grant(&mut self, server: usize, life: u64, wish: Wish) {
        match wish {
            Wish::Send(socket, bytes) => {
                if let (Some(it), Ok((1, ServerFrame::Refused { seq, .. }))) =
                    (self.sockets.get(&socket), ServerFrame::decode(&bytes))
                {
                    let session = self.pages[it.page].session;
                    self.known.entry(session).or_default().refused.insert(seq);
                }
                self.send(socket, false, bytes);
            }
            Wish::Close(socket, reason) => {
                // Liars have sockets of their own.
                let is_at_fault = !matches!(reason, CloseReason::Silent | CloseReason::Unavailable);
                if is_at_fault && self.sockets.contains_key(&socket) {
                    self.fail("C2", format!("an honest client is told that it is at fault: {reason}"));
                }
                self.server_closes(socket);
            }
            Wish::Save { session, actor, expected, record, generation } => {
                let wait_ms = 50;
                let writing = Writing { server, life, session, actor, expected, record, generation, wait_ms };
                let delay = self.random.between(1, self.store.delay_ms_max);
                self.later(delay, Happening::Write(Box::new(writing)));
            }
            Wish::Load { session, pending } => {
                let delay = self.random.between(1, self.store.delay_ms_max);
                let pending = Box::new(pending);
                self.later(delay, Happening::Read { server, life, session, pending });
            }
            Wish::Remove { session, stamp } => self.store.remove(session, stamp),
            Wish::Task { actor } => {
                let delay = self.random.between(1, 2_000);
                self.later(delay, Happening::Task { server, life, actor });
            }
            Wish::Rendered { session, version, html } => {
                let versions = &mut self.known.entry(session).or_default().versions;
                // What nobody can show any more takes only time to compare with.
                versions.retain(|other, _| *other + 200 > version);
                let htmls = versions.entry(version).or_default();
                if !htmls.contains(&html) {
                    htmls.push(html);
                }
            }
            Wish::Evicted => self.report.evicted += 1,
            Wish::Expired => self.report.expired += 1,
            Wish::Ended { session, reason } => {
                self.trace(|| format!("server {server}: session {session} has ended: {reason}"));
                let known = self.known.entry(session).or_default();
                match reason {
                    // It goes on elsewhere, with what is stored.
                    CloseReason::Moved => known.is_torn |= self.setup.policy != Policy::Durable,
                    CloseReason::ShuttingDown | CloseReason::SessionGone if self.setup.policy.is_stored() => {
                    }
                    CloseReason::SessionGone | CloseReason::ShuttingDown | CloseReason::ComponentFailed => {}
                    // Two tabs of one page may know different things of it.
                    _ if known.is_liars || known.has_copies => {}
                    _ => {
                        let what = format!("session {session} of an honest client ends: {reason}");
                        self.fail("C3", what);
                    }
                }
            }
            Wish::Violation(clause, what) => self.fail(clause, what),
        }
    }

    pub(super) fn write(&mut self, mut writing: Writing) {
        let (is_failing, is_mute) =
            (self.random.chance(self.store.failing_percent), self.random.chance(self.store.mute_percent));
        // A server that was killed may have sent it before.
        if self.store.is_down || is_failing {
            writing.wait_ms = (writing.wait_ms * 2).min(5_000);
            let wait = writing.wait_ms;
            if self.alive(writing.server, writing.life).is_some() {
                self.later(wait, Happening::Write(Box::new(writing)));
            }
            return;
        }
        let Writing { server, life, session, actor, expected, ref record, generation, .. } = writing;
        let stamp = record.stamp;
        let saved = self.store.save(session, expected, record.clone());
        self.trace(|| format!("store: session {session} {stamp:?} by server {server}: {saved:?}"));
        if is_mute {
            if self.alive(server, life).is_some() {
                self.later(5_000, Happening::Write(Box::new(writing)));
            }
            return;
        }
        let now = self.now;
        if let Some(it) = self.alive(server, life) {
            it.stored(now, actor, generation, stamp, saved);
        }
        self.wishes(server);
    }

    pub(super) fn read(&mut self, server: usize, life: u64, session: u64, pending: &PendingJoin) {
        let is_failing = self.random.chance(self.store.failing_percent);
        let record =
            if self.store.is_down || is_failing { Err(()) } else { Ok(self.store.load(session).cloned()) };
        if matches!(record, Ok(Some(_))) {
            self.report.restored += 1;
        }
        let now = self.now;
        if let Some(it) = self.alive(server, life) {
            it.loaded(now, pending, record);
        }
        self.wishes(server);
    }
}
