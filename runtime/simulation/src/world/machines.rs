//! The machines that servers run on: they are started, told to end, killed, and out of reach.

use lightspeed_core::Policy;

use super::World;
use super::state::Happening;
use crate::app;
use crate::random::Random;
use crate::server::Server;

impl World {
    pub(super) fn start(&mut self, server: usize) {
        let machine = &mut self.machines[server];
        machine.life += 1;
        let nonce = (machine.life << 40) | ((server as u64) << 32);
        machine.server = Some(Server::new(self.setup, nonce));
        self.trace(|| format!("server {server} is started"));
    }

    fn is_up(&self, server: usize) -> bool {
        let machine = &self.machines[server];
        machine.server.as_ref().is_some_and(|it| !it.is_draining()) && !machine.is_unreachable
    }

    pub(super) fn any_server(&mut self) -> Option<usize> {
        let up: Vec<_> = (0..self.machines.len()).filter(|server| self.is_up(*server)).collect();
        if up.is_empty() { None } else { Some(up[self.random.index(up.len())]) }
    }

    pub(super) fn alive(&mut self, server: usize, life: u64) -> Option<&mut Server> {
        let machine = &mut self.machines[server];
        if machine.life == life { machine.server.as_mut() } else { None }
    }

    pub(super) fn mount(&mut self, identity: u64) -> Option<(u64, String, String)> {
        let server = self.any_server()?;
        let session = self.next_session;
        self.next_session += 1;
        let now = self.now;
        let mounted = self.machines[server].server.as_mut()?.mount(now, session, identity);
        self.wishes(server);
        self.report.refused += u64::from(mounted.is_none());
        mounted.map(|(token, html)| (session, token, html))
    }

    /// SIGTERM; the process ends when it is done, or at the deadline.
    pub(super) fn drain(&mut self, server: usize, random: &mut Random) {
        let now = self.now;
        let Some(it) = self.machines[server].server.as_mut() else { return };
        if it.is_draining() {
            return;
        }
        it.drain(now);
        self.trace(|| format!("server {server} is told to end"));
        self.wishes(server);
        // With a store that answers it is done long before; otherwise it is as if it were killed.
        let life = self.machines[server].life;
        let is_done = self.machines[server].server.as_ref().is_some_and(Server::is_drained);
        let after_ms = if is_done { 500 } else { 8_000 };
        self.later(after_ms + random.below(500), Happening::Leave { server, life });
    }

    pub(super) fn kill(&mut self, server: usize) {
        let machine = &mut self.machines[server];
        let Some(dead) = machine.server.take() else { return };
        self.trace(|| format!("server {server} is killed"));
        self.report.kills += 1;
        for (id, known) in &mut self.known {
            if dead.sessions(*id).next().is_some() && self.setup.policy != Policy::Durable {
                known.is_torn = true;
            }
        }
        // A message in a tree may panic when it is dropped.
        app::disarm();
        drop(dead);
        let gone: Vec<_> =
            self.sockets.iter().filter(|(_, it)| it.server == server).map(|(socket, _)| *socket).collect();
        for socket in gone {
            self.server_closes(socket);
        }
        let after_ms = self.random.between(10, 3_000);
        self.later(after_ms, Happening::Restart { server });
    }
}
