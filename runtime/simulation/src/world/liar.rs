//! A hostile client: frames that no honest one sends, and the tokens of others.

use lightspeed_protocol::Timestamp;
use lightspeed_protocol::frame::{ClientFrame, ServerFrame};
use lightspeed_protocol::msgpack::{Payload, Raw};

use super::World;
use crate::random::Random;
use crate::server::Wish;

/// The identity of somebody who has no page.
pub(super) const STRANGER: u64 = 77;

impl World {
    /// A client that does as it likes, on the page's own socket or with its token.
    pub(super) fn lie(&mut self, page: usize, random: &mut Random) {
        let token = self.pages[page].first.0.clone();
        let number = |random: &mut Random| match random.below(4) {
            0 => 0,
            1 => random.below(4),
            2 => random.below(1_000),
            _ => random.next(),
        };
        let seq = number(random);
        let frame = match random.below(9) {
            0 => ClientFrame::Ack { ack: seq, behind: 0 }.encode(1),
            1 => ClientFrame::Resync { ack: seq }.encode(1),
            2 => ClientFrame::Event {
                ack: number(random),
                seq,
                behind: number(random),
                instance: random.small(40),
                slot: random.small(12),
                payload: [Payload::None, Payload::Text("x"), Payload::Flag(true), Payload::Number(seq)]
                    [random.index(4)],
            }
            .encode(1),
            3 => ClientFrame::Join { token: "7.0.0.0", mode: 2, applied: 0, settled: 0 }.encode(2),
            4 => ClientFrame::Hello {
                protocol: lightspeed_protocol::PROTOCOL_VERSION,
                build: "",
                templates: Raw::new(&[0x90]),
            }
            .encode(0),
            5 => ClientFrame::Leave {}.encode(9),
            _ => (0..random.below(40)).flat_map(|_| random.next().to_le_bytes()).collect(),
        };
        // On a socket of its own, so that the page's session is only touched by what is allowed to.
        let socket = self.next_socket;
        self.next_socket += 1;
        let (Some(server), now) = (self.any_server(), self.now) else { return };
        let identity = if random.chance(50) { self.pages[page].identity } else { STRANGER };
        let Some(it) = self.machines[server].server.as_mut() else { return };
        if !it.open(now, socket, identity) {
            return self.wishes(server);
        }
        let hello = ClientFrame::Hello {
            protocol: lightspeed_protocol::PROTOCOL_VERSION,
            build: "liar",
            templates: Raw::new(&[0x90]),
        };
        it.message(now, socket, &hello.encode(0));
        if identity == STRANGER {
            // Somebody else with the page's token.
            let mode = random.small(3);
            it.message(
                now,
                socket,
                &ClientFrame::Join { token: &token, mode, applied: seq, settled: 0 }.encode(1),
            );
            let got = it.wishes.iter().any(|wish| match wish {
                Wish::Send(_, bytes) => {
                    matches!(ServerFrame::decode(bytes), Ok((_, ServerFrame::Joined { .. })))
                }
                _ => false,
            });
            if got {
                self.fail("C7", "a stranger has joined with somebody's token".to_owned());
                return;
            }
        } else {
            let session = self.next_session;
            self.next_session += 1;
            let token = it.mount(now, session, identity).map_or_else(|| token.clone(), |(token, _)| token);
            self.known.entry(session).or_default().is_liars = true;
            it.message(
                now,
                socket,
                &ClientFrame::Join { token: &token, mode: 0, applied: 0, settled: 0 }.encode(1),
            );
        }
        it_message(self, server, now, socket, &frame);
        if let Some(it) = self.machines[server].server.as_mut() {
            it.closed(now, socket);
        }
        self.wishes(server);
    }
}

fn it_message(world: &mut World, server: usize, now: Timestamp, socket: usize, frame: &[u8]) {
    if let Some(it) = world.machines[server].server.as_mut() {
        it.message(now, socket, frame);
    }
}
