//! A server: the decisions of `runtime/core/src/host`, which ship, with a shell that takes no time of its own.
//!
//! Everything that takes time is handed to the world as a [`Wish`].
//!
//! - `wish`: what a server wants of the world
//! - `actor`: a session in memory: what it is given, what it asks for, its end
//! - `restore`: a session comes back from the store
//! - here: sockets, and which session a frame is for

mod actor;
mod restore;
mod wish;

use std::collections::BTreeMap;
use std::net::IpAddr;

use lightspeed_core::host::admission::{self, Admissions};
use lightspeed_core::host::claim::Fenced;
use lightspeed_core::host::lease::Lease;
use lightspeed_core::host::registry::{self, Bounds, Decision, Evicted, Registry, Reservation};
use lightspeed_core::sent_templates::SentTemplates;
use lightspeed_core::{Input, Join, Policy, Session};
use lightspeed_protocol::close::CloseReason;
use lightspeed_protocol::frame::{ClientFrame, JoinMode, ServerFrame};
use lightspeed_protocol::{PROTOCOL_VERSION, Timestamp, limits};

use crate::app::{App, Msg};
use crate::store::{Saved, Stamp};
use actor::Actor;
use restore::Restoring;

pub(crate) use wish::{PendingJoin, Token, Wish};

/// What an operator decides, and where a server runs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Setup {
    pub(crate) policy: Policy,
    pub(crate) has_store: bool,
    /// How many sessions there may be, and how long they wait.
    pub(crate) bounds: Bounds,
    /// How many sockets there may be.
    pub(crate) sockets: admission::Bounds,
    /// Sessions that are handed over at a time when the server ends.
    pub(crate) drain_batch: usize,
}

/// The socket and number that a session is joined by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Link {
    socket: usize,
    number: u32,
    epoch: u64,
}

/// A session that has joined on a socket.
#[derive(Debug, Clone, Copy)]
struct Joined {
    actor: u64,
    id: u64,
    epoch: u64,
}

#[derive(Debug, Default)]
struct Socket {
    is_greeted: bool,
    /// When the client said something last.
    heard_at: Timestamp,
    identity: u64,
    sent_templates: SentTemplates,
    /// Its number among those that were let in.
    place: u64,
    /// Whether it has a session, as far as those who may have to make room are concerned.
    is_busy: bool,
    /// Sessions by their number, or nothing for one that was refused.
    joined: BTreeMap<u32, Option<Joined>>,
}

impl Socket {
    fn has_session(&self) -> bool {
        self.joined.values().any(Option::is_some)
    }
}

/// The address of everybody with this identity.
fn address(identity: u64) -> IpAddr {
    [10, 0, 0, u8::try_from(identity).unwrap_or(u8::MAX)].into()
}

/// A server.
pub(crate) struct Server {
    setup: Setup,
    /// Who has which session; it keeps the number of each actor.
    registry: Registry<u64, u64, u64>,
    /// Those that the registry finds, and those that are about to end.
    actors: BTreeMap<u64, Actor>,
    sockets: BTreeMap<usize, Socket>,
    /// Which sockets are let in, and which make room.
    admissions: Admissions<usize>,
    next_actor: u64,
    nonce: u64,
    /// Sessions that are being taken over, by the nonce of that write.
    claims: BTreeMap<u64, Restoring>,
    /// How far its clock is ahead, in milliseconds.
    pub ahead_ms: u64,
    /// What it wants; taken by the world after every call.
    pub wishes: Vec<Wish>,
}

impl Server {
    /// A server that has just been started; `nonce` tells its writes from all others'.
    pub(crate) fn new(setup: Setup, nonce: u64) -> Self {
        Self {
            setup,
            registry: Registry::new(setup.bounds),
            actors: BTreeMap::new(),
            sockets: BTreeMap::new(),
            admissions: Admissions::new(setup.sockets),
            next_actor: 1,
            nonce,
            claims: BTreeMap::new(),
            ahead_ms: 0,
            wishes: Vec::new(),
        }
    }

    fn now(&self, now: Timestamp) -> Timestamp {
        now.after_ms(self.ahead_ms)
    }

    /// Whether it has been told to end: nothing new is taken on.
    pub(crate) fn is_draining(&self) -> bool {
        self.registry.is_closed()
    }

    /// Whether it was told to end, and nothing is left to wait for.
    pub(crate) fn is_drained(&self) -> bool {
        self.registry.is_drained()
    }

    /// What is at odds within it.
    pub(crate) fn inconsistency(&self) -> Option<&'static str> {
        if self.admissions.count() != self.sockets.len() {
            return Some("other sockets are let in than there are");
        }
        if self.sockets.len() > self.setup.sockets.all_max {
            return Some("there are more sockets than there may be");
        }
        if self.registry.actor_count() != self.actors.len() {
            return Some("the registry counts other actors than there are");
        }
        self.registry.inconsistency()
    }

    /// The actors of a session, for the world to look at: one that is about to end may be beside one that has begun.
    pub(crate) fn sessions(&self, id: u64) -> impl Iterator<Item = &Session<App>> {
        self.actors.values().filter(move |actor| actor.id == id).map(|actor| &actor.session)
    }

    /// Answers the request for a page: its token and HTML. `None` when there is no room.
    pub(crate) fn mount(&mut self, now: Timestamp, id: u64, identity: u64) -> Option<(String, String)> {
        let now = self.now(now);
        let reservation = self.reserve(now, identity).ok()?;
        let app = App::new(self.setup.policy.is_stored());
        let session = Session::with_policy(app, self.setup.policy);
        let html = session.page_html();
        if !self.enter(now, id, session, Lease::default(), reservation, None) {
            return None;
        }
        self.wishes.push(Wish::Rendered { session: id, version: 0, html: html.clone() });
        Some((Token { session: id, epoch: 0, identity }.text(), html))
    }

    /// Takes room for a session; another may have to make some.
    fn reserve(&mut self, now: Timestamp, identity: u64) -> Result<Reservation<u64>, registry::Full> {
        let owner = registry::Owner { address: Some(address(identity)), identity: Some(identity) };
        let (reservation, evicted) = self.registry.reserve(owner)?;
        self.evict(now, evicted);
        Ok(reservation)
    }

    /// Gives a session its actor; false when the session has one already.
    fn enter(
        &mut self,
        now: Timestamp,
        id: u64,
        session: Session<App>,
        lease: Lease,
        reservation: Reservation<u64>,
        stamp: Option<Stamp>,
    ) -> bool {
        let number = self.next_actor;
        self.next_actor += 1;
        let identity = reservation.owner().identity.unwrap_or_default();
        let Ok(entered) = self.registry.enter(now, id, lease, reservation, number) else {
            self.discard(session);
            return false;
        };
        self.actors.insert(number, Actor::new(id, identity, session, entered.serial, lease, stamp));
        self.evict(now, entered.evicted);
        true
    }

    fn evict(&mut self, now: Timestamp, evicted: Option<Evicted<u64>>) {
        let Some(Evicted { kept: number, bound }) = evicted else { return };
        if self.actors.get(&number).is_some_and(Actor::has_socket) {
            self.violation("C4", format!("a session that a socket holds makes room: {bound:?}"));
        }
        self.wishes.push(Wish::Evicted);
        self.suspend(now, number, CloseReason::SessionGone);
    }

    /// A socket is asked for; false when there is no room.
    pub(crate) fn open(&mut self, now: Timestamp, socket: usize, identity: u64) -> bool {
        let admission = self.admissions.admit(self.now(now), Some(address(identity)), socket);
        for evicted in admission.evicted {
            if self.sockets.get(&evicted).is_some_and(Socket::has_session) {
                self.violation("C4", "a socket that has a session makes room".to_owned());
            }
            self.wishes.push(Wish::Evicted);
            self.fail(now, evicted, CloseReason::Unavailable);
        }
        let Ok(place) = admission.admitted else { return false };
        self.sockets.insert(socket, Socket { identity, heard_at: now, place, ..Socket::default() });
        true
    }

    /// Whether the socket has a session may have changed.
    fn stand(&mut self, now: Timestamp, socket: usize) {
        let now = self.now(now);
        let Some(it) = self.sockets.get_mut(&socket) else { return };
        let is_busy = it.has_session();
        if is_busy == std::mem::replace(&mut it.is_busy, is_busy) {
            return;
        }
        if is_busy {
            self.admissions.set_busy(it.place);
        } else {
            self.admissions.set_idle(now, it.place);
        }
    }

    /// A socket is gone: its sessions wait for another.
    pub(crate) fn closed(&mut self, now: Timestamp, socket: usize) {
        let Some(gone) = self.sockets.remove(&socket) else { return };
        self.admissions.leave(gone.place);
        for joined in gone.joined.into_values().flatten() {
            self.detach(now, joined);
        }
    }

    fn detach(&mut self, now: Timestamp, joined: Joined) {
        let now = self.now(now);
        self.registry.detach(now, joined.id, joined.epoch);
        if let Some(actor) = self.actors.get_mut(&joined.actor)
            && actor.link.is_some_and(|link| link.epoch == joined.epoch)
        {
            actor.link = None;
            self.give(now, joined.actor, Input::Detach);
        }
    }

    /// A message has come.
    pub(crate) fn message(&mut self, now: Timestamp, socket: usize, bytes: &[u8]) {
        let Some(it) = self.sockets.get_mut(&socket) else { return };
        it.heard_at = now;
        let Ok((number, frame)) = ClientFrame::decode(bytes) else {
            return self.fail(now, socket, CloseReason::MalformedFrame);
        };
        match frame {
            ClientFrame::Hello { protocol, templates, .. } => {
                let mut known = templates.reader();
                let count = known.array().unwrap_or_default();
                let known: Option<Vec<_>> = (0..count).map(|_| known.uint32().ok()).collect();
                let (false, 0, PROTOCOL_VERSION, Some(known)) = (it.is_greeted, number, protocol, known)
                else {
                    return self.fail(now, socket, CloseReason::HelloExpected);
                };
                it.is_greeted = true;
                it.sent_templates = SentTemplates::new(known);
                let heartbeat_ms = limits::HEARTBEAT_MS;
                let welcome = ServerFrame::Welcome {
                    protocol,
                    build: "simulation",
                    heartbeat_ms,
                    event_bytes_max: limits::EVENT_BYTES_MAX as u64,
                };
                self.wishes.push(Wish::Send(socket, welcome.encode(0)));
            }
            _ if !it.is_greeted => self.fail(now, socket, CloseReason::HelloExpected),
            ClientFrame::Ping {} => self.wishes.push(Wish::Send(socket, ServerFrame::Pong {}.encode(0))),
            ClientFrame::Join { token, mode, applied, settled } => {
                let identity = it.identity;
                let (Some(mode), 1..) = (JoinMode::from_code(mode), number) else {
                    return self.fail(now, socket, CloseReason::MalformedFrame);
                };
                let token = Token::read(token).filter(|token| token.identity == identity);
                let Some(token) = token else {
                    return self.refuse(now, socket, number, CloseReason::BadToken);
                };
                let join = PendingJoin { socket, number, mode, applied, settled, token };
                self.join(now, join);
            }
            _ => match it.joined.get(&number).copied() {
                Some(Some(joined)) => {
                    let is_leaving = matches!(frame, ClientFrame::Leave {});
                    self.frame(now, joined, bytes);
                    if is_leaving && let Some(it) = self.sockets.get_mut(&socket) {
                        it.joined.remove(&number);
                        self.stand(now, socket);
                    }
                }
                Some(None) => {}
                None => self.fail(now, socket, CloseReason::UnknownSession),
            },
        }
    }

    fn frame(&mut self, now: Timestamp, joined: Joined, bytes: &[u8]) {
        let now = self.now(now);
        let Some(actor) = self.actors.get_mut(&joined.actor) else { return };
        if actor.link.is_none_or(|link| link.epoch != joined.epoch) {
            return;
        }
        actor.confirm(joined.epoch);
        self.registry.confirm(joined.id, joined.epoch);
        for _ in 0..10 {
            let Ok((_, frame)) = ClientFrame::decode(bytes) else { return };
            if !self.give(now, joined.actor, Input::Frame(frame)) {
                return;
            }
        }
        self.violation("C5", "an event is tried again for ever".to_owned());
    }

    fn join(&mut self, now: Timestamp, join: PendingJoin) {
        match self.registry.join(join.token.of_host()) {
            Decision::Attach { kept, epoch } => self.attach(now, &join, kept, epoch),
            Decision::Refuse(reason) => self.refuse(now, join.socket, join.number, reason),
            Decision::Load { behind } => {
                if let Some(behind) = behind {
                    self.end(self.now(now), behind, Fenced::REASON);
                }
                if self.setup.has_store && self.setup.policy.is_stored() {
                    self.wishes.push(Wish::Load { session: join.token.session, pending: join });
                } else {
                    self.loaded(now, &join, Ok(None));
                }
            }
        }
    }

    /// A write has ended.
    pub(crate) fn stored(
        &mut self,
        now: Timestamp,
        number: u64,
        generation: u64,
        stamp: Stamp,
        saved: Saved,
    ) {
        if let Some(restoring) = self.claims.remove(&stamp.nonce) {
            return self.claimed(now, restoring, saved.outcome(stamp));
        }
        let now = self.now(now);
        let Some(actor) = self.actors.get_mut(&number) else { return };
        actor.is_saving = false;
        match saved.outcome(stamp) {
            Err(Fenced) => self.end(now, number, Fenced::REASON),
            Ok(stamp) => {
                actor.stamp = Some(stamp);
                self.give(now, number, Input::Persisted { generation });
            }
        }
    }

    fn attach(&mut self, joined_at: Timestamp, join: &PendingJoin, number: u64, epoch: u64) {
        let now = self.now(joined_at);
        let token = join.token;
        let link = Link { socket: join.socket, number: join.number, epoch };
        let Some(it) = self.sockets.get_mut(&join.socket) else { return };
        let Some(actor) = self.actors.get_mut(&number) else { return };
        let is_outdated = !actor.shows(token.epoch);
        let old = actor.attach(link);
        let joined = Joined { actor: number, id: token.session, epoch };
        let before = it.joined.insert(join.number, Some(joined));
        self.stand(joined_at, join.socket);
        if is_outdated {
            self.violation(
                "C7",
                format!("session {} is joined with a token that was replaced", token.session),
            );
        }
        // Another session under the same number is let go of.
        if let Some(Some(other)) = before
            && other.id != token.session
        {
            self.detach(joined_at, other);
        }
        if let Some(old) = old
            && (old.socket, old.number) != (link.socket, link.number)
        {
            self.close_session(old, CloseReason::Replaced);
        }
        let join = Join {
            session: join.number,
            mode: join.mode,
            applied: join.applied,
            settled: join.settled,
            token: &Token { epoch, ..token }.text(),
            is_latest: epoch == token.epoch + 1,
        };
        self.give(now, number, Input::Join(join));
    }

    fn close_session(&mut self, link: Link, reason: CloseReason) {
        let retry_ms = if reason.is_recoverable_by_rejoin() { 100 + self.nonce % 400 } else { 0 };
        let close = ServerFrame::Close { reason: reason.code(), message: reason.name(), retry_ms };
        self.wishes.push(Wish::Send(link.socket, close.encode(link.number)));
    }

    fn refuse(&mut self, now: Timestamp, socket: usize, number: u32, reason: CloseReason) {
        let Some(it) = self.sockets.get_mut(&socket) else { return };
        if let Some(Some(joined)) = it.joined.insert(number, None) {
            self.detach(now, joined);
        }
        self.stand(now, socket);
        self.close_session(Link { socket, number, epoch: 0 }, reason);
    }

    /// Ends a socket whose client is at fault, or that has to make room.
    fn fail(&mut self, now: Timestamp, socket: usize, reason: CloseReason) {
        self.closed(now, socket);
        let close = ServerFrame::Close { reason: reason.code(), message: reason.name(), retry_ms: 0 };
        self.wishes.push(Wish::Send(socket, close.encode(0)));
        self.wishes.push(Wish::Close(socket, reason));
    }

    /// A task has ended with a message.
    pub(crate) fn task_done(&mut self, now: Timestamp, number: u64) {
        let now = self.now(now);
        self.give(now, number, Input::Message(Msg::Later));
    }

    /// The server is told to end: every session is stored and handed over.
    pub(crate) fn drain(&mut self, now: Timestamp) {
        self.registry.close();
        let now = self.now(now);
        self.hand_over(now);
    }

    /// Suspends the sessions that there is room for.
    fn hand_over(&mut self, now: Timestamp) {
        for number in self.registry.hand_over(self.setup.drain_batch) {
            self.suspend(now, number, CloseReason::ShuttingDown);
        }
        let under_way = self.actors.values().filter(|it| it.is_suspended_by(CloseReason::ShuttingDown));
        let under_way = under_way.count();
        if under_way > self.setup.drain_batch {
            self.violation("C4", format!("{under_way} sessions are handed over at a time"));
        }
    }

    /// Has every session hibernate that can; how many do that didn't before.
    pub(crate) fn hibernate(&mut self, now: Timestamp) -> u64 {
        let now = self.now(now);
        let awake = |server: &Self| server.actors.values().filter(|it| !it.session.is_hibernating()).count();
        let before = awake(self);
        for number in self.actors.keys().copied().collect::<Vec<_>>() {
            self.give(now, number, Input::Hibernate);
        }
        before.saturating_sub(awake(self)) as u64
    }

    /// When something is due, by the world's clock.
    pub(crate) fn next_timeout(&self) -> Option<Timestamp> {
        let timeouts = self.actors.values().filter_map(|actor| actor.session.next_timeout());
        let timeouts = timeouts.chain(self.registry.next_due());
        let timeouts = timeouts.chain(self.claims.values().map(|restoring| restoring.until));
        let timeouts = timeouts.map(|at| Timestamp(at.0.saturating_sub(self.ahead_ms)));
        let silent = self.sockets.values().map(|it| it.heard_at.after_ms(limits::SILENCE_MS_MAX));
        timeouts.chain(silent).min()
    }

    /// Something is due.
    pub(crate) fn timeout(&mut self, now: Timestamp) {
        let silent = |it: &&Socket| it.heard_at.after_ms(limits::SILENCE_MS_MAX) <= now;
        let silent: Vec<_> =
            self.sockets.iter().filter(|(_, it)| silent(it)).map(|(socket, _)| *socket).collect();
        for socket in silent {
            self.fail(now, socket, CloseReason::Silent);
        }
        self.give_up_claims(now);
        let now = self.now(now);
        for number in self.registry.expire(now, usize::MAX) {
            if self.actors.get(&number).is_some_and(Actor::has_socket) {
                self.violation("C4", "a session that a socket holds expires".to_owned());
            }
            self.wishes.push(Wish::Expired);
            self.suspend(now, number, CloseReason::SessionGone);
        }
        for number in self.actors.keys().copied().collect::<Vec<_>>() {
            let timeout = self.actors.get(&number).and_then(|actor| actor.session.next_timeout());
            if timeout.is_some_and(|at| at <= now) {
                self.give(now, number, Input::Timeout);
            }
        }
    }

    fn violation(&mut self, clause: &'static str, what: String) {
        self.wishes.push(Wish::Violation(clause, what));
    }
}
