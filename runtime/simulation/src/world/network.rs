//! The network: sockets between pages and servers, and what is under way on them.
//!
//! A way of a socket keeps its order, as TCP does. It may be cut, which each end learns when it does; it may
//! lose what is sent without a word; it may stall. Every frame that arrives is part of the trace.

use std::collections::VecDeque;

use lightspeed_protocol::frame::{ClientFrame, JoinMode, ServerFrame};

use super::World;
use super::state::{Happening, Socket};

impl World {
    pub(super) fn delay(&mut self) -> u64 {
        if self.random.chance(90) { self.random.between(1, 40) } else { self.random.between(40, 800) }
    }

    pub(super) fn send(&mut self, socket: usize, is_up: bool, bytes: Vec<u8>) {
        let delay = self.delay();
        let Some(it) = self.sockets.get_mut(&socket) else { return };
        if (is_up && (it.loses_up || !it.is_client_open)) || (!is_up && (it.loses_down || !it.is_server_open))
        {
            return;
        }
        let way = if is_up { &mut it.up } else { &mut it.down };
        // What was sent first arrives first.
        let at = way.back().map_or(self.now, |(at, _)| *at).max(self.now.after_ms(delay));
        way.push_back((at, bytes));
        let wait = at.0 - self.now.0;
        self.later(wait, if is_up { Happening::Up { socket } } else { Happening::Down { socket } });
    }

    pub(super) fn connected(&mut self, page: usize, socket: usize) {
        if self.pages[page].socket != Some(socket) {
            return;
        }
        let (now, identity) = (self.now, self.pages[page].identity);
        let server = self.any_server();
        let it = server.and_then(|server| self.machines[server].server.as_mut());
        let is_admitted = it.is_some_and(|it| it.open(now, socket, identity));
        if let Some(server) = server {
            self.wishes(server);
        }
        let Some(server) = server.filter(|_| is_admitted) else {
            self.pages[page].socket = None;
            let now = self.pages[page].now(now);
            self.pages[page].client.handle_closed(now);
            return self.outputs(page);
        };
        let life = self.machines[server].life;
        self.sockets.insert(
            socket,
            Socket {
                page,
                server,
                life,
                up: VecDeque::new(),
                down: VecDeque::new(),
                is_server_open: true,
                is_client_open: true,
                loses_up: false,
                loses_down: false,
                is_stalled: false,
            },
        );
        self.trace(|| format!("page {page} has socket {socket} to server {server}"));
        let now = self.pages[page].now(self.now);
        self.pages[page].client.handle_open(now);
        self.outputs(page);
    }

    pub(super) fn arrive(&mut self, socket: usize, is_up: bool) {
        loop {
            let now = self.now;
            let Some(it) = self.sockets.get_mut(&socket) else { return };
            if it.is_stalled {
                return;
            }
            let (page, server, life) = (it.page, it.server, it.life);
            if !is_up && self.pages[page].frozen_until.is_some() {
                return;
            }
            let way = if is_up { &mut it.up } else { &mut it.down };
            let Some((_, bytes)) = way.pop_front_if(|(at, _)| *at <= now) else { return };
            if is_up && it.is_server_open {
                self.note(1, socket, &bytes);
                if self.pages[page].socket != Some(socket)
                    && let Ok((_, ClientFrame::Join { mode, .. })) = ClientFrame::decode(&bytes)
                    && JoinMode::from_code(mode) != Some(JoinMode::Resume)
                {
                    self.known.entry(self.pages[page].session).or_default().is_joined_late = true;
                }
                if let Some(it) = self.alive(server, life) {
                    it.message(now, socket, &bytes);
                }
                self.wishes(server);
            } else if !is_up && it.is_client_open && self.pages[page].socket == Some(socket) {
                self.note(2, socket, &bytes);
                self.hear(page, &bytes);
            }
        }
    }

    /// Adds a frame to the trace.
    fn note(&mut self, direction: u8, socket: usize, bytes: &[u8]) {
        self.report.frames += 1;
        let head =
            self.now.0.to_le_bytes().into_iter().chain([direction]).chain((socket as u64).to_le_bytes());
        for byte in head.chain(bytes.iter().copied()) {
            self.report.trace = (self.report.trace ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        if self.is_traced {
            let shown = if direction == 1 {
                ClientFrame::decode(bytes)
                    .map_or_else(|error| error.to_string(), |(n, frame)| format!("{n}: {frame}"))
            } else {
                ServerFrame::decode(bytes)
                    .map_or_else(|error| error.to_string(), |(n, frame)| format!("{n}: {frame}"))
            };
            let shown: String = shown.chars().take(160).collect();
            self.trace(|| format!("  socket {socket} {} {shown}", if direction == 1 { '>' } else { '<' }));
        }
    }

    /// Both sides lose the socket, each when it learns so; what is under way may be lost.
    pub(super) fn cut(&mut self, socket: usize) {
        let (is_lossy, learns) = (self.random.chance(70), (self.random.below(300), self.random.below(300)));
        let Some(it) = self.sockets.get_mut(&socket) else { return };
        if is_lossy {
            it.loses_up = true;
            it.loses_down = true;
            it.up.clear();
            it.down.clear();
        }
        self.trace(|| format!("socket {socket} is cut"));
        self.later(learns.0, Happening::ServerLearns { socket });
        self.later(learns.1, Happening::ClientLearns { socket });
    }

    pub(super) fn server_closes(&mut self, socket: usize) {
        let Some(it) = self.sockets.get_mut(&socket) else { return };
        if !std::mem::replace(&mut it.is_server_open, false) {
            return;
        }
        // What it has sent before still arrives.
        let last = it.down.back().map_or(0, |(at, _)| at.0.saturating_sub(self.now.0));
        if !it.loses_down {
            self.later(last + 1, Happening::ClientLearns { socket });
        }
    }

    pub(super) fn client_closes(&mut self, socket: usize) {
        let Some(it) = self.sockets.get_mut(&socket) else { return };
        if std::mem::replace(&mut it.is_client_open, false) && !it.loses_up {
            let last = it.up.back().map_or(0, |(at, _)| at.0.saturating_sub(self.now.0));
            self.later(last + 1, Happening::ServerLearns { socket });
        }
    }

    pub(super) fn forget(&mut self, socket: usize) {
        if self.sockets.get(&socket).is_some_and(|it| !it.is_client_open && !it.is_server_open) {
            self.sockets.remove(&socket);
        }
    }

    pub(super) fn unstall(&mut self, socket: usize) {
        if let Some(it) = self.sockets.get_mut(&socket) {
            it.is_stalled = false;
        }
        self.arrive(socket, true);
        self.arrive(socket, false);
    }
}
