//! A server: what `runtime/server` does around the session machine, without its threads.
//!
//! Everything that takes time is handed to the world as a [`Wish`].

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use lightspeed_core::lease::Lease;
use lightspeed_core::ledger::TemplateLedger;
use lightspeed_core::session::checkpoint::Checkpoint;
use lightspeed_core::session::recovery::Recovery;
use lightspeed_core::{Input, Join, Output, Policy, Session};
use lightspeed_protocol::close::CloseReason;
use lightspeed_protocol::frame::{ClientFrame, JoinMode, ServerFrame};
use lightspeed_protocol::{PROTOCOL_VERSION, Timestamp, limits};

use crate::app::{self, App, Msg, PANIC, Task};
use crate::store::{Record, Saved, Stamp};

/// How long a session waits for another socket, in milliseconds.
const PARKED_MS: u64 = 180_000;

/// What a server wants of the world.
#[derive(Debug)]
pub(crate) enum Wish {
    /// Send a message on a socket.
    Send(usize, Vec<u8>),
    /// Close a socket whose client is at fault.
    Close(usize, CloseReason),
    /// Write a record; answered by [`Server::stored`].
    Save { session: u64, serial: u64, expected: Option<Stamp>, record: Record, generation: u64 },
    /// Read a record; answered by [`Server::loaded`].
    Load { session: u64, pending: PendingJoin },
    /// Take a record away.
    Remove { session: u64, stamp: Stamp },
    /// Run a task; answered by [`Server::task_done`].
    Task { session: u64, serial: u64 },
    /// A session rendered another version.
    Rendered { session: u64, version: u64, html: String },
    /// A session has ended for good, with this.
    Ended { session: u64, reason: CloseReason },
    /// Something that must not be.
    Violation(&'static str, String),
}

/// A join that waits for the store.
#[derive(Debug, Clone)]
pub(crate) struct PendingJoin {
    socket: usize,
    number: u32,
    mode: JoinMode,
    applied: u64,
    settled: u64,
    token: Token,
}

/// What a token says. Only a server makes them: the world forges none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Token {
    session: u64,
    epoch: u64,
    identity: u64,
}

impl Token {
    fn text(self) -> String {
        format!("{}.{}.{}", self.session, self.epoch, self.identity)
    }

    fn read(text: &str) -> Option<Self> {
        let mut parts = text.split('.').map(|part| part.parse().ok());
        let token = Self { session: parts.next()??, epoch: parts.next()??, identity: parts.next()?? };
        parts.next().is_none().then_some(token)
    }
}

/// A session with what surrounds it: the actor and its entry in the registry.
struct Held {
    session: Session<App>,
    /// Tells it from another actor of the same session.
    serial: u64,
    lease: Lease,
    identity: u64,
    link: Option<Link>,
    stamp: Option<Stamp>,
    saving: bool,
    parked_at: Option<Timestamp>,
    suspended: Option<CloseReason>,
    version_told: Option<u64>,
    seq_before: u64,
    acked_before: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Link {
    socket: usize,
    number: u32,
    epoch: u64,
}

#[derive(Debug, Default)]
struct Socket {
    is_greeted: bool,
    /// When the client said something last.
    heard_at: Timestamp,
    identity: u64,
    ledger: TemplateLedger,
    /// Sessions by their number: id and epoch, or nothing for one that was refused.
    seats: BTreeMap<u32, Option<(u64, u64)>>,
}

/// A server.
pub(crate) struct Server {
    policy: Policy,
    has_store: bool,
    sessions: BTreeMap<u64, Held>,
    sockets: BTreeMap<usize, Socket>,
    next_serial: u64,
    nonce: u64,
    /// Sessions that are being taken over, by the nonce of that write.
    claims: BTreeMap<u64, (PendingJoin, Record)>,
    /// How far its clock is ahead, in milliseconds.
    pub ahead_ms: u64,
    /// It ends: nothing new is taken on.
    pub is_draining: bool,
    /// What it wants; taken by the world after every call.
    pub wishes: Vec<Wish>,
}

impl Server {
    /// A server that has just been started; `nonce` tells its writes from all others'.
    pub(crate) fn new(policy: Policy, has_store: bool, nonce: u64) -> Self {
        Self {
            policy,
            has_store,
            sessions: BTreeMap::new(),
            sockets: BTreeMap::new(),
            next_serial: 1,
            nonce,
            claims: BTreeMap::new(),
            ahead_ms: 0,
            is_draining: false,
            wishes: Vec::new(),
        }
    }

    fn now(&self, now: Timestamp) -> Timestamp {
        now.after_ms(self.ahead_ms)
    }

    /// Sessions in memory.
    pub(crate) fn session_count(&self) -> usize {
        self.sessions.len()
    }

    /// The session, for the world to look at.
    pub(crate) fn session(&self, id: u64) -> Option<&Session<App>> {
        self.sessions.get(&id).map(|held| &held.session)
    }

    /// Answers the request for a page: its token and HTML.
    pub(crate) fn mount(&mut self, id: u64, identity: u64) -> (String, String) {
        let app = App::new(self.policy.is_stored());
        let session = Session::with_policy(app, self.policy);
        let html = session.page_html();
        self.insert(id, session, Lease::default(), identity, None);
        self.wishes.push(Wish::Rendered { session: id, version: 0, html: html.clone() });
        (Token { session: id, epoch: 0, identity }.text(), html)
    }

    fn insert(&mut self, id: u64, session: Session<App>, lease: Lease, identity: u64, stamp: Option<Stamp>) {
        let serial = self.next_serial;
        self.next_serial += 1;
        let held = Held {
            seq_before: session.seq_handled(),
            acked_before: session.version_acked(),
            session,
            serial,
            lease,
            identity,
            link: None,
            stamp,
            saving: false,
            parked_at: None,
            suspended: None,
            version_told: None,
        };
        self.sessions.insert(id, held);
    }

    /// A socket is open.
    pub(crate) fn open(&mut self, now: Timestamp, socket: usize, identity: u64) {
        self.sockets.insert(socket, Socket { identity, heard_at: now, ..Socket::default() });
    }

    /// A socket is gone: its sessions wait for another.
    pub(crate) fn closed(&mut self, now: Timestamp, socket: usize) {
        let Some(gone) = self.sockets.remove(&socket) else { return };
        for (id, epoch) in gone.seats.into_values().flatten() {
            self.detach(now, id, epoch);
        }
    }

    fn detach(&mut self, now: Timestamp, id: u64, epoch: u64) {
        let now = self.now(now);
        let Some(held) = self.sessions.get_mut(&id) else { return };
        if held.lease.epoch == epoch {
            held.parked_at = Some(now);
        }
        if held.link.is_some_and(|link| link.epoch == epoch) {
            held.link = None;
            self.give(now, id, Input::Detach);
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
                it.ledger = TemplateLedger::new(known);
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
            _ => match it.seats.get(&number).copied() {
                Some(Some((id, epoch))) => {
                    let is_leaving = matches!(frame, ClientFrame::Leave {});
                    self.frame(now, id, epoch, bytes);
                    if is_leaving && let Some(it) = self.sockets.get_mut(&socket) {
                        it.seats.remove(&number);
                    }
                }
                Some(None) => {}
                None => self.fail(now, socket, CloseReason::UnknownSession),
            },
        }
    }

    fn frame(&mut self, now: Timestamp, id: u64, epoch: u64, bytes: &[u8]) {
        let now = self.now(now);
        let Some(held) = self.sessions.get_mut(&id) else { return };
        if held.link.is_none_or(|link| link.epoch != epoch) {
            return;
        }
        held.lease.confirm(epoch);
        for _ in 0..10 {
            let Ok((_, frame)) = ClientFrame::decode(bytes) else { return };
            if !self.give(now, id, Input::Frame(frame)) {
                return;
            }
        }
        self.violation("C5", "an event is tried again for ever".to_owned());
    }

    fn join(&mut self, now: Timestamp, join: PendingJoin) {
        let (id, token_epoch) = (join.token.session, join.token.epoch);
        if self.is_draining {
            return self.refuse(now, join.socket, join.number, CloseReason::ShuttingDown);
        }
        if let Some(held) = self.sessions.get_mut(&id) {
            if !held.lease.admits(token_epoch) {
                return self.refuse(now, join.socket, join.number, CloseReason::BadToken);
            }
            if !held.lease.is_behind(token_epoch) {
                return self.attach(now, &join);
            }
            self.end(id, CloseReason::Moved);
        }
        if self.has_store && self.policy.is_stored() {
            self.wishes.push(Wish::Load { session: id, pending: join });
        } else {
            self.refuse(now, join.socket, join.number, CloseReason::SessionGone);
        }
    }

    /// The store has been read for a join.
    pub(crate) fn loaded(
        &mut self,
        now: Timestamp,
        pending: &PendingJoin,
        record: Result<Option<Record>, ()>,
    ) {
        if !self.sockets.contains_key(&pending.socket) {
            return;
        }
        let (socket, number, id) = (pending.socket, pending.number, pending.token.session);
        if self.sessions.contains_key(&id) || self.is_draining {
            return self.join(now, pending.clone());
        }
        let record = match record {
            Ok(Some(record)) => record,
            Ok(None) => return self.refuse(now, socket, number, CloseReason::SessionGone),
            Err(()) => return self.refuse(now, socket, number, CloseReason::Unavailable),
        };
        let is_admitted = record.lease.admits(pending.token.epoch);
        if !is_admitted || record.identity != pending.token.identity {
            return self.refuse(now, socket, number, CloseReason::BadToken);
        }
        let mut lease = record.lease;
        lease.show(pending.token.epoch);
        let claimed = Lease { epoch: lease.epoch + 1, ..lease };
        self.nonce += 1;
        let stamp = Stamp { epoch: claimed.epoch, seq: record.stamp.seq, nonce: self.nonce };
        let claim = Record { stamp, lease: claimed, ..record.clone() };
        let expected = Some(record.stamp);
        self.claims.insert(self.nonce, (pending.clone(), Record { stamp, lease, ..record }));
        self.wishes.push(Wish::Save { session: id, serial: 0, expected, record: claim, generation: 0 });
    }

    /// A write has ended.
    pub(crate) fn stored(
        &mut self,
        now: Timestamp,
        id: u64,
        serial: u64,
        generation: u64,
        stamp: Stamp,
        saved: Saved,
    ) {
        if let Some((pending, record)) = self.claims.remove(&stamp.nonce) {
            return self.claimed(now, &pending, &record, saved);
        }
        let now = self.now(now);
        let Some(held) = self.sessions.get_mut(&id).filter(|held| held.serial == serial) else { return };
        held.saving = false;
        if saved == Saved::Conflict {
            return self.end(id, CloseReason::Moved);
        }
        held.stamp = Some(stamp);
        self.give(now, id, Input::Persisted { generation });
    }

    /// The session is ours, or somebody else was faster.
    fn claimed(&mut self, now: Timestamp, pending: &PendingJoin, record: &Record, saved: Saved) {
        let (socket, number, id) = (pending.socket, pending.number, pending.token.session);
        if saved == Saved::Conflict {
            return self.refuse(now, socket, number, CloseReason::Moved);
        }
        if self.sessions.contains_key(&id) {
            self.end(id, CloseReason::Moved);
        }
        let app = App::new(true);
        let restored =
            catch_unwind(AssertUnwindSafe(|| Session::restore(app, self.policy, &record.checkpoint)));
        match restored {
            Ok(Ok(session)) => {
                self.insert(id, session, record.lease, record.identity, Some(record.stamp));
                if let Some(held) = self.sessions.get_mut(&id) {
                    held.parked_at = Some(now);
                }
                if self.sockets.contains_key(&socket) {
                    self.join(now, pending.clone());
                }
            }
            Ok(Err(error)) => self.violation("C9", format!("what was stored can't be restored: {error}")),
            Err(panic) => {
                self.judge(&*panic);
                self.refuse(now, socket, number, CloseReason::SessionGone);
            }
        }
    }

    fn attach(&mut self, now: Timestamp, join: &PendingJoin) {
        let now = self.now(now);
        let PendingJoin { socket, number, mode, applied, settled, token } = *join;
        let id = token.session;
        let Some(it) = self.sockets.get_mut(&socket) else { return };
        let Some(held) = self.sessions.get_mut(&id) else { return };
        held.parked_at = None;
        let is_outdated = token.epoch < held.lease.confirmed;
        let epoch = held.lease.attach(token.epoch);
        if is_outdated {
            let what = format!("session {id} is joined with a token that was replaced");
            self.wishes.push(Wish::Violation("C7", what));
        }
        let before = it.seats.insert(number, Some((id, epoch)));
        let next = Token { epoch, ..token }.text();
        let link = Link { socket, number, epoch };
        let old = held.link.replace(link);
        // Another session under the same number is let go of.
        if let Some(Some((other, other_epoch))) = before
            && other != id
        {
            self.detach(now, other, other_epoch);
        }
        if let Some(old) = old
            && (old.socket, old.number) != (socket, number)
        {
            self.close_session(old, CloseReason::Replaced);
        }
        self.give(
            now,
            id,
            Input::Join(Join {
                session: number,
                mode,
                applied,
                settled,
                token: &next,
                is_latest: epoch == token.epoch + 1,
            }),
        );
    }

    fn close_session(&mut self, link: Link, reason: CloseReason) {
        let retry_ms = if reason.is_recoverable_by_rejoin() { 100 + self.nonce % 400 } else { 0 };
        let close = ServerFrame::Close { reason: reason.code(), message: reason.name(), retry_ms };
        self.wishes.push(Wish::Send(link.socket, close.encode(link.number)));
    }

    fn refuse(&mut self, now: Timestamp, socket: usize, number: u32, reason: CloseReason) {
        let Some(it) = self.sockets.get_mut(&socket) else { return };
        if let Some(Some((id, epoch))) = it.seats.insert(number, None) {
            self.detach(now, id, epoch);
        }
        self.close_session(Link { socket, number, epoch: 0 }, reason);
    }

    /// Ends a socket whose client is at fault.
    fn fail(&mut self, now: Timestamp, socket: usize, reason: CloseReason) {
        self.closed(now, socket);
        let close = ServerFrame::Close { reason: reason.code(), message: reason.name(), retry_ms: 0 };
        self.wishes.push(Wish::Send(socket, close.encode(0)));
        self.wishes.push(Wish::Close(socket, reason));
    }

    /// A task has ended with a message.
    pub(crate) fn task_done(&mut self, now: Timestamp, id: u64, serial: u64) {
        if self.sessions.get(&id).is_some_and(|held| held.serial == serial) {
            let now = self.now(now);
            self.give(now, id, Input::Message(Msg::Later));
        }
    }

    /// The server is told to end: every session is stored and handed over.
    pub(crate) fn drain(&mut self, now: Timestamp) {
        self.is_draining = true;
        let now = self.now(now);
        for id in self.sessions.keys().copied().collect::<Vec<_>>() {
            self.suspend(now, id, CloseReason::ShuttingDown);
        }
    }

    fn suspend(&mut self, now: Timestamp, id: u64, reason: CloseReason) {
        if let Some(held) = self.sessions.get_mut(&id) {
            held.suspended = Some(reason);
            self.give(now, id, Input::Suspend);
        }
    }

    /// Has every session hibernate that can; how many do that didn't before.
    pub(crate) fn hibernate(&mut self, now: Timestamp) -> u64 {
        let now = self.now(now);
        let awake =
            |server: &Self| server.sessions.values().filter(|it| !it.session.is_hibernating()).count();
        let before = awake(self);
        for id in self.sessions.keys().copied().collect::<Vec<_>>() {
            self.give(now, id, Input::Hibernate);
        }
        before.saturating_sub(awake(self)) as u64
    }

    /// When something is due, by the world's clock.
    pub(crate) fn next_timeout(&self) -> Option<Timestamp> {
        let timeouts = self.sessions.values().flat_map(|held| {
            let parked = held.parked_at.filter(|_| held.suspended.is_none());
            [held.session.next_timeout(), parked.map(|at| at.after_ms(PARKED_MS))]
        });
        let timeouts = timeouts.flatten().map(|at| Timestamp(at.0.saturating_sub(self.ahead_ms)));
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
        let now = self.now(now);
        for id in self.sessions.keys().copied().collect::<Vec<_>>() {
            let Some(held) = self.sessions.get(&id) else { continue };
            let is_expired = held.parked_at.is_some_and(|at| at.after_ms(PARKED_MS) <= now);
            if is_expired && held.suspended.is_none() && held.lease.epoch == 0 {
                self.end(id, CloseReason::SessionGone);
            } else if is_expired && held.suspended.is_none() {
                self.suspend(now, id, CloseReason::SessionGone);
            } else if held.session.next_timeout().is_some_and(|at| at <= now) {
                self.give(now, id, Input::Timeout);
            }
        }
    }

    /// Gives the machine an input and does what it asks for. True when the input is to be given again.
    fn give(&mut self, now: Timestamp, id: u64, input: Input<'_, Msg>) -> bool {
        let Some(held) = self.sessions.get_mut(&id) else { return false };
        let result = catch_unwind(AssertUnwindSafe(|| held.session.handle_input(now, input)));
        if let Err(panic) = result {
            self.judge(&*panic);
            match self.recover(id) {
                Recovery::Retry => return true,
                Recovery::Undone { .. } => {}
                Recovery::Ended => {
                    self.end(id, CloseReason::ComponentFailed);
                    return false;
                }
            }
        }
        self.drive(id);
        false
    }

    fn recover(&mut self, id: u64) -> Recovery {
        let Some(held) = self.sessions.get_mut(&id) else { return Recovery::Ended };
        catch_unwind(AssertUnwindSafe(|| held.session.recover())).unwrap_or(Recovery::Ended)
    }

    /// A panic must be the component's.
    fn judge(&mut self, panic: &(dyn std::any::Any + Send)) {
        let text = panic.downcast_ref::<&str>().copied().map(str::to_owned);
        let text = text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
        if !text.starts_with(PANIC) {
            self.violation("C5", format!("the machine has panicked: {text}"));
        }
    }

    fn violation(&mut self, clause: &'static str, what: String) {
        self.wishes.push(Wish::Violation(clause, what));
    }

    fn drive(&mut self, id: u64) {
        loop {
            let Some(held) = self.sessions.get_mut(&id) else { return };
            let polled = catch_unwind(AssertUnwindSafe(|| held.session.poll_output()));
            // After each, so that no version is passed over.
            self.look(id);
            let Some(held) = self.sessions.get_mut(&id) else { return };
            let output = match polled {
                Ok(Some(output)) => output,
                Ok(None) => return,
                Err(panic) => {
                    self.judge(&*panic);
                    if self.recover(id) == Recovery::Ended {
                        return self.end(id, CloseReason::ComponentFailed);
                    }
                    continue;
                }
            };
            match output {
                Output::Transmit(transmission) => {
                    if let Some(link) = held.link
                        && let Some(socket) = self.sockets.get_mut(&link.socket)
                    {
                        let frames = socket.ledger.announce(&transmission.templates);
                        let frames = frames.into_iter().chain([transmission.frame]);
                        self.wishes.extend(frames.map(|frame| Wish::Send(link.socket, frame)));
                    }
                }
                Output::Effect(Task) => self.wishes.push(Wish::Task { session: id, serial: held.serial }),
                Output::Persist(checkpoint) => self.persist(id, checkpoint),
                Output::Drop(reason) => {
                    if let Some(link) = held.link.take() {
                        self.close_session(link, reason);
                    }
                }
                Output::Close(reason) => {
                    let reason = match (reason, held.suspended) {
                        (CloseReason::ShuttingDown, Some(reason)) => reason,
                        _ => reason,
                    };
                    return self.end(id, reason);
                }
                _ => {}
            }
        }
    }

    /// What must hold of a session at any time.
    fn look(&mut self, id: u64) {
        let Some(held) = self.sessions.get_mut(&id) else { return };
        let session = &held.session;
        let (patches, _) = session.unacked();
        let (seq, acked) = (session.seq_handled(), session.version_acked());
        let mut wrong = None;
        if patches > limits::PATCHES_UNACKED_MAX {
            wrong = Some(("C4", format!("{patches} patches are unacknowledged")));
        }
        if seq < held.seq_before || acked < held.acked_before || acked > session.version() {
            wrong = Some(("C3", "what was handled or acknowledged goes back".to_owned()));
        }
        if session.is_attached() != held.link.is_some() && !session.is_closed() && wrong.is_none() {
            // Only between an output and its performance.
            let is_dropping = held.link.is_some();
            if !is_dropping {
                wrong = Some(("C6", "a session believes to have a socket and has none".to_owned()));
            }
        }
        (held.seq_before, held.acked_before) = (seq, acked);
        if held.version_told != Some(session.version()) {
            held.version_told = Some(session.version());
            // A version of which nothing is rendered yet may be of a state that can't be.
            let html =
                app::disarmed(|| catch_unwind(AssertUnwindSafe(|| session.page_html())).unwrap_or_default());
            self.wishes.push(Wish::Rendered { session: id, version: session.version(), html });
        }
        if let Some((clause, what)) = wrong {
            self.violation(clause, what);
        }
    }

    fn persist(&mut self, id: u64, checkpoint: Checkpoint) {
        let Some(held) = self.sessions.get_mut(&id) else { return };
        let Checkpoint { generation, seq, bytes } = checkpoint;
        if !self.has_store {
            return self.violation("C9", "something is to be stored where there is no store".to_owned());
        }
        if std::mem::replace(&mut held.saving, true) {
            return self.violation("C4", "two writes of a session are under way".to_owned());
        }
        self.nonce += 1;
        let stamp = Stamp { epoch: held.lease.epoch, seq, nonce: self.nonce };
        let record = Record { stamp, lease: held.lease, identity: held.identity, checkpoint: bytes };
        let (serial, expected) = (held.serial, held.stamp);
        self.wishes.push(Wish::Save { session: id, serial, expected, record, generation });
    }

    fn end(&mut self, id: u64, reason: CloseReason) {
        let Some(held) = self.sessions.remove(&id) else { return };
        if let Some(link) = held.link
            && reason != CloseReason::Left
        {
            self.close_session(link, reason);
        }
        let is_over = held.suspended.is_none() && reason != CloseReason::Moved;
        if is_over && let Some(stamp) = held.stamp {
            self.wishes.push(Wish::Remove { session: id, stamp });
        }
        self.wishes.push(Wish::Ended { session: id, reason });
        // A message in a tree may panic when it is dropped.
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| drop(held))) {
            self.judge(&*panic);
        }
    }
}
