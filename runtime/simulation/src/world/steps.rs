//! What a step does to the world: people's deeds and faults of everything; and how every fault ends.

use super::World;
use super::liar::STRANGER;
use super::state::{Happening, PAGES_MAX};
use crate::app;
use crate::random::Random;
use crate::server::Server;

impl World {
    pub(super) fn act(&mut self, mut random: Random) {
        let page = random.index(self.pages.len());
        let server = random.index(self.machines.len());
        let now = self.now;
        let is_awake = self.pages[page].frozen_until.is_none();
        let socket = self.pages[page].socket;
        match random.below(100) {
            0..20 if is_awake => {
                self.deed(page, &mut random);
            }
            20..30 if is_awake => {
                for _ in 0..random.between(2, 40) {
                    self.deed(page, &mut random);
                }
            }
            30..38 => {
                if let Some(socket) = socket {
                    self.cut(socket);
                }
            }
            38..43 => {
                if let Some(it) = socket.and_then(|socket| self.sockets.get_mut(&socket)) {
                    match random.below(3) {
                        0 => it.loses_up = true,
                        1 => it.loses_down = true,
                        _ => (it.loses_up, it.loses_down) = (true, true),
                    }
                    self.trace(|| format!("socket {socket:?} of page {page} loses what is sent"));
                }
            }
            43..47 => {
                if let Some(socket) = socket
                    && let Some(it) = self.sockets.get_mut(&socket)
                {
                    it.is_stalled = true;
                    self.trace(|| format!("socket {socket} stalls"));
                    self.later(random.between(100, 40_000), Happening::Unstall { socket });
                }
            }
            47..53 => {
                self.kill(server);
            }
            53..57 => {
                if random.chance(50) && is_awake {
                    // It is told in the midst of something.
                    for _ in 0..random.between(2, 20) {
                        self.deed(page, &mut random);
                    }
                    let until = self.now.after_ms(random.between(0, 40));
                    self.advance_to(until);
                }
                self.drain(server, &mut random);
            }
            57..61 if self.setup.has_store => {
                match random.below(4) {
                    0 => self.store.is_down = true,
                    1 => self.store.failing_percent = random.between(10, 80),
                    2 => self.store.mute_percent = random.between(10, 60),
                    _ => self.store.delay_ms_max = random.between(100, 3_000),
                }
                self.trace(|| "the store has a fault".to_owned());
                self.later(random.between(100, 20_000), Happening::StoreHeals);
            }
            61..66 if is_awake => {
                // The laptop sleeps: the page does nothing, and its clock may stand or run.
                let asleep_ms = random.between(100, 400_000);
                self.pages[page].frozen_until = Some(now.after_ms(asleep_ms));
                self.trace(|| format!("page {page} sleeps for {asleep_ms} ms"));
                self.later(asleep_ms, Happening::Thaw { page });
            }
            66..68 => self.pages[page].ahead_ms += random.between(1_000, 600_000),
            68..70 => {
                if let Some(it) = self.machines[server].server.as_mut() {
                    it.ahead_ms += random.between(1_000, 200_000);
                }
            }
            70..74 if is_awake => {
                // Into the back/forward cache: the page closes its socket itself.
                if let Some(socket) = self.pages[page].socket.take() {
                    self.client_closes(socket);
                }
                let now_page = self.pages[page].now(now);
                self.pages[page].client.handle_closed(now_page);
                self.outputs(page);
                if let Some(socket) = self.pages[page].socket.take() {
                    self.client_closes(socket);
                }
                self.pages[page].frozen_until = Some(now.after_ms(1));
                self.later(random.between(10, 100_000), Happening::Thaw { page });
                self.trace(|| format!("page {page} goes into the back/forward cache"));
            }
            74..76 if self.pages.len() < PAGES_MAX => self.duplicate(page),
            76..82 => self.lie(page, &mut random),
            82..86 if self.has_panics && is_awake => {
                let id = ["poison", "poison", "bomb", "flaky", "flaky", "spoil"][random.index(6)];
                match id {
                    "bomb" => app::arm(true),
                    "flaky" => app::arm(false),
                    _ => {}
                }
                self.is_spoiled |= id == "spoil";
                if id == "flaky" {
                    self.next_note += 1;
                    let note = self.next_note;
                    self.pages[page].note(now, note);
                } else {
                    self.pages[page].click(now, id);
                }
                self.outputs(page);
            }
            86..88 if self.machines.len() > 1 => {
                self.machines[server].is_unreachable ^= true;
                self.trace(|| format!("server {server} is (un)reachable"));
            }
            88..90 if is_awake => {
                // Two clicks on what is being changed.
                for _ in 0..2 {
                    self.pages[page].click_row(now, random.index(100));
                    self.pages[page].click(now, "reverse");
                }
                self.outputs(page);
            }
            90..93 => {
                // A crawler, or somebody with a script, asks for pages that nobody joins.
                let identity = if random.chance(50) { self.pages[page].identity } else { STRANGER };
                let count = random.between(1, 12);
                self.trace(|| format!("{count} pages are asked for as {identity}, and not joined"));
                for _ in 0..count {
                    self.mount(identity);
                }
            }
            _ => {}
        }
        let pause = match random.below(10) {
            0..5 => random.between(0, 30),
            5..8 => random.between(30, 500),
            8 => random.between(500, 5_000),
            _ => random.between(5_000, 40_000),
        };
        let until = self.now.after_ms(pause);
        self.advance_to(until);
    }

    fn deed(&mut self, page: usize, random: &mut Random) {
        let now = self.now;
        let it = &mut self.pages[page];
        let is_taken = match random.below(10) {
            0..3 => it.click(now, "inc"),
            3..6 => {
                self.next_note += 1;
                it.note(now, self.next_note)
            }
            6 => it.click(now, "add"),
            7 => it.click_row(now, random.index(100)),
            8 => it.click(now, ["reverse", "toggle"][random.index(2)]),
            _ => it.click(now, "ask"),
        };
        self.report.deeds += u64::from(is_taken);
        self.outputs(page);
    }

    /// Every fault ends.
    pub(super) fn heal(&mut self) {
        self.trace(|| "the world heals".to_owned());
        self.is_healed = true;
        app::disarm();
        for machine in &mut self.machines {
            machine.is_unreachable = false;
        }
        self.happen(Happening::StoreHeals);
        for server in 0..self.machines.len() {
            let is_leaving = self.machines[server].server.as_ref().is_some_and(Server::is_draining);
            if is_leaving {
                let until = self.now.after_ms(9_000);
                self.advance_to(until);
            }
            if self.machines[server].server.is_none() {
                self.start(server);
            }
        }
        for socket in self.sockets.keys().copied().collect::<Vec<_>>() {
            // One that loses what is sent goes on doing so: its client has to notice by itself.
            self.unstall(socket);
        }
        for page in 0..self.pages.len() {
            self.thaw(page);
        }
    }
}
