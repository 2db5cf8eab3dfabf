//! What happens, and when: time, and the queue that it goes through.
//!
//! What takes a while, an answer or a frame on its way, is put off with [`World::later`]. Only
//! [`World::advance_to`] lets time pass: it takes what is due in the order in which it is, with the timeouts of
//! pages and servers.

use std::cmp::Reverse;

use lightspeed_protocol::Timestamp;

use super::World;
use super::state::Happening;

impl World {
    pub(super) fn later(&mut self, after_ms: u64, happening: Happening) {
        let order = self.next_order;
        self.next_order += 1;
        self.queue.push(Reverse((self.now.after_ms(after_ms), order)));
        self.happenings.insert(order, happening);
    }

    /// Lets everything happen that is due until then.
    pub(super) fn advance_to(&mut self, until: Timestamp) {
        for _ in 0..100_000 {
            let queued = self.queue.peek().map(|Reverse((at, _))| *at);
            let page = (0..self.pages.len())
                .filter_map(|page| self.pages[page].next_timeout().map(|at| (at, page)))
                .min();
            let server = (0..self.machines.len())
                .filter_map(|server| Some((self.machines[server].server.as_ref()?.next_timeout()?, server)))
                .min();
            let next = [queued, page.map(|(at, _)| at), server.map(|(at, _)| at)].into_iter().flatten().min();
            let Some(at) = next.filter(|at| *at <= until) else {
                self.now = self.now.max(until);
                return;
            };
            self.now = self.now.max(at);
            if queued == Some(at) {
                if let Some(Reverse((_, order))) = self.queue.pop()
                    && let Some(happening) = self.happenings.remove(&order)
                {
                    self.happen(happening);
                }
            } else if let Some((due, page)) = page
                && due == at
            {
                let now = self.pages[page].now(self.now);
                self.pages[page].client.handle_timeout(now);
                self.outputs(page);
            } else if let Some((_, server)) = server {
                let now = self.now;
                if let Some(it) = self.machines[server].server.as_mut() {
                    it.timeout(now);
                }
                self.wishes(server);
            }
            self.hibernate_if_due();
            if self.failure.is_some() {
                return;
            }
        }
        self.fail("C4", "100,000 things happen in no time: something goes round in circles".to_owned());
    }

    /// Every session on every server hibernates, which nobody may notice.
    fn hibernate_if_due(&mut self) {
        self.happened += 1;
        if self.hibernates_every == 0 || !self.happened.is_multiple_of(self.hibernates_every) {
            return;
        }
        for server in 0..self.machines.len() {
            let now = self.now;
            if let Some(it) = self.machines[server].server.as_mut() {
                self.report.hibernations += it.hibernate(now);
            }
            self.wishes(server);
        }
    }

    pub(super) fn settle(&mut self) {
        let until = self.now.after_ms(500);
        self.advance_to(until);
    }

    pub(super) fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Connected { page, socket } => self.connected(page, socket),
            Happening::Up { socket } => self.arrive(socket, true),
            Happening::Down { socket } => self.arrive(socket, false),
            Happening::ServerLearns { socket } => {
                let Some(it) = self.sockets.get_mut(&socket) else { return };
                it.is_server_open = false;
                let (server, life) = (it.server, it.life);
                let now = self.now;
                if let Some(server) = self.alive(server, life) {
                    server.closed(now, socket);
                }
                self.wishes(server);
                self.forget(socket);
            }
            Happening::ClientLearns { socket } => {
                let Some(it) = self.sockets.get_mut(&socket) else { return };
                it.is_client_open = false;
                let page = it.page;
                if self.pages[page].socket == Some(socket) && self.pages[page].frozen_until.is_none() {
                    self.pages[page].socket = None;
                    let now = self.pages[page].now(self.now);
                    self.pages[page].client.handle_closed(now);
                    self.outputs(page);
                }
                self.forget(socket);
            }
            Happening::Write(writing) => self.write(*writing),
            Happening::Read { server, life, session, pending } => {
                self.read(server, life, session, &pending);
            }
            Happening::Task { server, life, actor } => {
                let now = self.now;
                if let Some(it) = self.alive(server, life) {
                    it.task_done(now, actor);
                }
                self.wishes(server);
            }
            Happening::Fetch { page } => self.fetch(page),
            Happening::Restart { server } => {
                if self.machines[server].server.is_none() {
                    self.start(server);
                }
            }
            Happening::StoreHeals => {
                self.store.is_down = false;
                self.store.failing_percent = 0;
                self.store.mute_percent = 0;
                self.store.delay_ms_max = 20;
            }
            Happening::Thaw { page } => self.thaw(page),
            Happening::Leave { server, life } => {
                if self.alive(server, life).is_some() {
                    self.kill(server);
                }
            }
            Happening::Unstall { socket } => self.unstall(socket),
        }
    }
}
