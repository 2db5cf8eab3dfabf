//! A page's client as a machine: one link, many sessions.
//!
//! Inputs are `handle_*`, outputs come from [`Client::poll_output`], which is called until
//! it returns `None` after every input. [`Client::next_timeout`] says when
//! [`Client::handle_timeout`] is due. The rules are `specs/session.md`.

mod link;
mod session;

use alloc::string::String;
use alloc::vec::Vec;

use lightspeed_protocol::close::{CloseReason, RefusalReason};
use lightspeed_protocol::frame::{ClientFrame, ServerFrame};
use lightspeed_protocol::msgpack::{Payload, Raw, Writer};
use lightspeed_protocol::{InstanceId, PROTOCOL_VERSION, SlotIndex, Timestamp, limits};

use crate::document::Document;
use crate::interpret::interpret;
use crate::templates::Templates;
use link::{Link, LinkPhase};
use session::{Held, Session};

/// What a client asks its caller to do, or tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClientOutput {
    /// Open a socket, then call [`Client::handle_open`], or [`Client::handle_closed`] when that fails.
    Connect,
    /// Close the socket, whatever its state; [`Client::handle_closed`] is not called for it.
    Disconnect,
    /// Send a binary message.
    Transmit(Vec<u8>),
    /// Fetch the page again and call [`Client::handle_tokens`], or [`Client::handle_refresh_failed`].
    Refresh,
    /// A session's link has changed.
    State {
        /// The session.
        session: u32,
        /// How it is now.
        state: LinkState,
    },
    /// An event has had its effect, and the document shows what came of it.
    Settled {
        /// The session.
        session: u32,
        /// The event.
        seq: u64,
    },
    /// An event had no effect.
    Refused {
        /// The session.
        session: u32,
        /// The event; 0 when something failed that no event asked for.
        seq: u64,
        /// A code of [`lightspeed_protocol::close::RefusalReason`]; 0 when the server that would know is gone.
        reason: u32,
        /// The same for a person; empty when there is nothing to tell.
        message: String,
    },
    /// A session has ended and the page cannot mend it by itself.
    Failed {
        /// The session.
        session: u32,
        /// A code of [`CloseReason`]; 0 when it isn't the server's word.
        reason: u32,
        /// The same for a person.
        message: String,
    },
}

/// How a session's link is, as the page shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkState {
    /// Not yet attached for the first time.
    Connecting,
    /// Attached.
    Connected,
    /// The link is lost; the client tries to get it back.
    Disconnected,
    /// Ended for good.
    Failed,
}

/// What a person is told of an event that isn't taken.
const TOO_LARGE: &str = "Too much to send at once.";
/// After so many fetched tokens in a row that are refused, the session ends.
const RENEWALS_MAX: u32 = 3;

/// The client half of a page.
#[derive(Debug)]
pub struct Client {
    build: String,
    link: Link,
    sessions: Vec<Session>,
    templates: Templates,
    /// The largest payload that the server takes: what its `welcome` said, the default before.
    event_bytes_max: u64,
    /// Outputs that aren't polled yet, in order: a handful, so that a queue would only be more code to load.
    outputs: Vec<ClientOutput>,
}

impl Client {
    /// A client that has not connected. `build` names it in the hello; `seed` feeds the jitter of its backoff.
    pub fn new(build: &str, seed: u64) -> Self {
        Self {
            build: String::from(build),
            link: Link::new(seed),
            sessions: Vec::new(),
            templates: Templates::new(),
            event_bytes_max: limits::EVENT_BYTES_MAX as u64,
            outputs: Vec::new(),
        }
    }

    /// Adds a session whose HTML the page holds, and returns its number: 1, 2 and so on.
    pub fn add_session(&mut self, token: &str) -> u32 {
        self.sessions.push(Session::new(token));
        u32::try_from(self.sessions.len()).expect("a page has far fewer sessions")
    }

    /// The version that a session's document is at.
    pub fn version(&self, session: u32) -> Option<u64> {
        self.sessions.get((session as usize).checked_sub(1)?).map(|session| session.version)
    }

    /// Begins to connect.
    pub fn handle_start(&mut self, now: Timestamp) {
        for number in self.numbers() {
            self.set_state(number, LinkState::Connecting);
        }
        self.connect(now);
    }

    /// The socket is open.
    pub fn handle_open(&mut self, now: Timestamp) {
        self.link.phase = LinkPhase::Greeting;
        self.link.heard_at = now;
        let mut known = Writer::new();
        let templates: Vec<_> = self.templates.with_html().collect();
        known.array(templates.len());
        for fingerprint in templates {
            known.uint(u64::from(fingerprint));
        }
        let build = self.build.clone();
        let templates = Raw::new(known.as_bytes());
        self.transmit(now, 0, &ClientFrame::Hello { protocol: PROTOCOL_VERSION, build: &build, templates });
    }

    /// The socket has closed, or could not be opened.
    pub fn handle_closed(&mut self, now: Timestamp) {
        if matches!(self.link.phase, LinkPhase::Idle | LinkPhase::Ended) {
            return;
        }
        self.link.schedule_reconnect(now);
        for number in self.numbers() {
            self.sessions[number as usize - 1].detach();
            if self.sessions[number as usize - 1].state == LinkState::Connected {
                self.set_state(number, LinkState::Disconnected);
            }
        }
    }

    /// A message has come. Programs in it take effect on `document`.
    pub fn handle_message<D: Document>(&mut self, now: Timestamp, bytes: &[u8], document: &mut D) {
        self.link.hear(now);
        let Ok((session, frame)) = ServerFrame::decode(bytes) else {
            return self.drop_link(now);
        };
        if session == 0 {
            return self.handle_connection_frame(now, &frame, document);
        }
        let Some(index) = (session as usize).checked_sub(1).filter(|index| *index < self.sessions.len())
        else {
            return self.drop_link(now);
        };
        if self.sessions[index].state == LinkState::Failed {
            return;
        }
        match frame {
            ServerFrame::Joined { ack, token } => {
                self.link.reconnect_attempts = 0;
                self.settle(session, ack);
                let it = &mut self.sessions[index];
                it.renewals = 0;
                it.token = String::from(token);
                it.is_joined = true;
                if it.held == Held::Document {
                    self.set_state(session, LinkState::Connected);
                    self.resend(now, session);
                }
            }
            ServerFrame::Patch { ack, version, program } => {
                let it = &mut self.sessions[index];
                if !it.is_joined || it.is_resyncing {
                    return;
                }
                if version <= it.version {
                    // A duplicate is acknowledged again, in case the first acknowledgement was lost.
                    it.ack_due = Some(now);
                } else if version > it.version + 1 || it.held != Held::Document {
                    return self.resync(now, session);
                } else {
                    let result = interpret(program, session, ack, 1, &self.templates, &mut it.tree, document);
                    if result.is_err() {
                        return self.resync(now, session);
                    }
                    it.apply(now, version);
                }
                self.settle(session, ack);
                // Not by a timer: a browser holds those of a hidden page back.
                self.send_due_ack(now, session);
            }
            ServerFrame::Snapshot { ack, version, program } => {
                let it = &mut self.sessions[index];
                let fresh = version.saturating_sub(it.version);
                if interpret(program, session, ack, fresh, &self.templates, &mut it.tree, document).is_err() {
                    return self.fail(session, 0, "the server's document does not fit this page");
                }
                it.held = Held::Document;
                it.is_resyncing = false;
                it.apply(now, version);
                self.settle(session, ack);
                self.set_state(session, LinkState::Connected);
                self.resend(now, session);
            }
            ServerFrame::Ack { ack } => self.settle(session, ack),
            ServerFrame::Refused { seq, reason, message } => {
                // What no event of this page asked for may have failed as well.
                if self.sessions[index].refuse_event(seq).unwrap_or(!message.is_empty()) {
                    self.refuse(session, seq, reason, message);
                }
            }
            ServerFrame::Close { reason, message, retry_ms } => {
                self.handle_session_close(now, session, reason, message, retry_ms);
            }
            _ => self.drop_link(now),
        }
    }

    fn handle_connection_frame<D: Document>(
        &mut self,
        now: Timestamp,
        frame: &ServerFrame<'_>,
        document: &mut D,
    ) {
        match *frame {
            ServerFrame::Welcome { protocol: PROTOCOL_VERSION, heartbeat_ms, event_bytes_max, .. } => {
                self.link.welcome(heartbeat_ms);
                self.event_bytes_max = event_bytes_max;
                for number in self.numbers() {
                    if self.sessions[number as usize - 1].empty_larger(event_bytes_max) {
                        // Made when another server said that it takes more.
                        self.refuse(number, 0, RefusalReason::TooLarge.code(), TOO_LARGE);
                    }
                    self.join(now, number);
                }
            }
            ServerFrame::Template { fingerprint, namespace, roots, check, html, slots } => {
                match self.templates.define(fingerprint, namespace, roots, check, html, slots) {
                    Ok(template) => document.define(fingerprint, template),
                    Err(_) => self.drop_link(now),
                }
            }
            ServerFrame::Pong {} => {}
            ServerFrame::Close { reason, message, .. }
                if CloseReason::from_code(reason) == Some(CloseReason::ProtocolVersion) =>
            {
                let message = String::from(message);
                for number in self.numbers() {
                    self.fail(number, reason, &message);
                }
                self.link.phase = LinkPhase::Ended;
                self.outputs.push(ClientOutput::Disconnect);
            }
            ServerFrame::Close { retry_ms, .. } => self.stay_away(now, retry_ms),
            // Nothing of use: the client comes back after its backoff.
            _ => self.drop_link(now),
        }
    }

    fn handle_session_close(
        &mut self,
        now: Timestamp,
        session: u32,
        reason: u32,
        message: &str,
        retry_ms: u64,
    ) {
        let it = &mut self.sessions[session as usize - 1];
        it.detach();
        let reason_known = CloseReason::from_code(reason);
        if reason_known.is_some_and(CloseReason::is_recoverable_by_rejoin) {
            self.stay_away(now, retry_ms);
        } else if reason_known == Some(CloseReason::BadToken) && it.renewals >= RENEWALS_MAX {
            // The next one would be as bad: what is wrong takes a person to mend.
            self.fail(session, reason, message);
        } else if reason_known.is_some_and(CloseReason::is_recoverable_by_remount) {
            it.needs_token = true;
            self.link.calm(now);
            // Where pages and sockets lead to different servers, one of the next tries matches.
            self.link.schedule_refresh(now, 0, limits::RECONNECT_MS_MAX);
            self.set_state(session, LinkState::Disconnected);
            if self.sessions[session as usize - 1].held == Held::Nothing {
                // The page was fetched for this token: from another server than the socket leads to.
                self.drop_link(now);
            }
            if reason_known == Some(CloseReason::ComponentFailed) {
                self.refuse(session, 0, 0, message);
            }
        } else {
            self.fail(session, reason, message);
        }
    }

    /// Something happened at a place. Returns the event's number, or `None` when it isn't
    /// taken: the session has no document yet or has ended; or it is too large, or too many events wait,
    /// of which [`ClientOutput::Refused`] tells the person.
    pub fn handle_event(
        &mut self,
        now: Timestamp,
        session: u32,
        instance: InstanceId,
        slot: SlotIndex,
        payload: Payload<'_>,
    ) -> Option<u64> {
        let it = self.sessions.get_mut((session as usize).checked_sub(1)?)?;
        if !it.is_open() {
            return None;
        }
        let Some(seq) = it.push_event(instance, slot, payload, self.event_bytes_max) else {
            self.refuse(session, 0, RefusalReason::TooLarge.code(), TOO_LARGE);
            return None;
        };
        if it.is_joined && !it.is_resyncing {
            self.send_event(now, session, self.sessions[session as usize - 1].events.len() - 1);
        }
        Some(seq)
    }

    /// The page has been fetched again: the token of each session, in order.
    pub fn handle_tokens(&mut self, now: Timestamp, tokens: &[Option<&str>]) {
        for number in self.numbers() {
            let index = number as usize - 1;
            if !self.sessions[index].needs_token {
                continue;
            }
            let Some(Some(token)) = tokens.get(index) else {
                self.fail(number, CloseReason::BadToken.code(), "the page no longer has this part");
                continue;
            };
            // Nobody will handle them.
            while let Some((seq, is_refused)) = self.sessions[index].take_event_up_to(u64::MAX) {
                if !is_refused {
                    self.refuse(number, seq, 0, "");
                }
            }
            self.sessions[index].renew(token);
            if self.link.phase == LinkPhase::Ready {
                self.join(now, number);
            }
        }
    }

    /// The page could not be fetched.
    pub fn handle_refresh_failed(&mut self, now: Timestamp) {
        self.handle_refresh_put_off(now, 0);
    }

    /// The page could not be fetched, and isn't to be asked for again before `wait_ms` have passed.
    pub fn handle_refresh_put_off(&mut self, now: Timestamp, wait_ms: u64) {
        self.link.schedule_refresh(now, wait_ms, limits::RETRY_MS_MAX);
    }

    /// A program did not fit the document it was for, because something else has changed
    /// that: asks for the whole document.
    pub fn handle_broken_document(&mut self, now: Timestamp, session: u32) {
        let Some(it) = (session as usize).checked_sub(1).and_then(|index| self.sessions.get_mut(index))
        else {
            return;
        };
        // Not even what another socket would go on from.
        it.held = Held::Nothing;
        if it.is_joined && !it.is_resyncing {
            self.resync(now, session);
        }
    }

    /// The page is shown again, or back online: there is no point in waiting any longer.
    pub fn handle_wake(&mut self, now: Timestamp) {
        match self.link.phase {
            LinkPhase::Waiting(_) => self.connect(now),
            LinkPhase::Ready => {
                self.link.probe(now);
                self.transmit(now, 0, &ClientFrame::Ping {});
            }
            _ => {}
        }
    }

    /// A timeout of [`Client::next_timeout`] is due.
    pub fn handle_timeout(&mut self, now: Timestamp) {
        match self.link.phase {
            LinkPhase::Waiting(at) if at <= now => return self.connect(now),
            LinkPhase::Waiting(_) | LinkPhase::Idle | LinkPhase::Ended => return,
            _ => {}
        }
        if self.link.dead_at() <= now {
            return self.drop_link(now);
        }
        if self.link.phase != LinkPhase::Ready {
            return;
        }
        if self.link.take_refresh(now) && self.sessions.iter().any(|session| session.needs_token) {
            self.outputs.push(ClientOutput::Refresh);
        }
        for number in self.numbers() {
            self.send_due_ack(now, number);
        }
        if self.link.ping_at() <= now {
            self.transmit(now, 0, &ClientFrame::Ping {});
        }
    }

    /// When [`Client::handle_timeout`] is due.
    pub fn next_timeout(&self) -> Option<Timestamp> {
        match self.link.phase {
            LinkPhase::Idle | LinkPhase::Ended => None,
            LinkPhase::Waiting(at) => Some(at),
            LinkPhase::Connecting | LinkPhase::Greeting => Some(self.link.dead_at()),
            LinkPhase::Ready => {
                // A loop: chained iterators are several times as much for a page to load.
                let mut next = self.link.dead_at().min(self.link.ping_at());
                if let Some(at) = self.link.refresh_at {
                    next = next.min(at);
                }
                for session in &self.sessions {
                    if let Some(due) = session.ack_due
                        && session.is_joined
                    {
                        next = next.min(due);
                    }
                }
                Some(next)
            }
        }
    }

    /// The next output; call until `None`.
    pub fn poll_output(&mut self) -> Option<ClientOutput> {
        if self.outputs.is_empty() { None } else { Some(self.outputs.remove(0)) }
    }

    /// The sessions' numbers: 1, 2 and so on.
    fn numbers(&self) -> core::ops::Range<u32> {
        // An inclusive range takes more code to go through.
        1..u32::try_from(self.sessions.len()).unwrap_or(u32::MAX).saturating_add(1)
    }

    fn connect(&mut self, now: Timestamp) {
        self.link.phase = LinkPhase::Connecting;
        self.link.heard_at = now;
        self.outputs.push(ClientOutput::Connect);
    }

    /// Gives the socket up and comes back later.
    fn drop_link(&mut self, now: Timestamp) {
        self.outputs.push(ClientOutput::Disconnect);
        self.handle_closed(now);
    }

    /// The server closes the socket and says when to come back.
    fn stay_away(&mut self, now: Timestamp, retry_ms: u64) {
        self.drop_link(now);
        if retry_ms > 0 {
            self.link.phase = LinkPhase::Waiting(now.after_ms(retry_ms.min(limits::RETRY_MS_MAX)));
        }
    }

    fn refuse(&mut self, session: u32, seq: u64, reason: u32, message: &str) {
        self.outputs.push(ClientOutput::Refused { session, seq, reason, message: String::from(message) });
    }

    fn transmit(&mut self, now: Timestamp, session: u32, frame: &ClientFrame<'_>) {
        self.link.sent_at = now;
        self.outputs.push(ClientOutput::Transmit(frame.encode(session)));
    }

    fn join(&mut self, now: Timestamp, session: u32) {
        let it = &self.sessions[session as usize - 1];
        if it.needs_token {
            // A page fetched before the link was lost is as good as one fetched now, but there was none.
            return self.link.schedule_refresh(now, 0, limits::RECONNECT_MS_MAX);
        }
        if it.state == LinkState::Failed {
            return;
        }
        let (token, mode) = (it.token.clone(), it.held.join_mode().code());
        let (applied, settled) = (it.version, it.settled);
        self.transmit(now, session, &ClientFrame::Join { token: &token, mode, applied, settled });
    }

    /// Acknowledges, if that is due and no event has done so.
    fn send_due_ack(&mut self, now: Timestamp, session: u32) {
        let it = &mut self.sessions[session as usize - 1];
        if it.is_joined && it.ack_due.is_some_and(|due| due <= now) {
            let (ack, behind) = (it.take_ack(), it.behind());
            self.transmit(now, session, &ClientFrame::Ack { ack, behind });
        }
    }

    fn send_event(&mut self, now: Timestamp, session: u32, index: usize) {
        let it = &mut self.sessions[session as usize - 1];
        let ack = it.take_ack();
        let frame = it.event_frame(index, ack);
        self.link.sent_at = now;
        self.outputs.push(ClientOutput::Transmit(frame.encode(session)));
    }

    fn resend(&mut self, now: Timestamp, session: u32) {
        for index in 0..self.sessions[session as usize - 1].events.len() {
            self.send_event(now, session, index);
        }
    }

    fn resync(&mut self, now: Timestamp, session: u32) {
        let it = &mut self.sessions[session as usize - 1];
        it.is_resyncing = true;
        let ack = it.take_ack();
        self.transmit(now, session, &ClientFrame::Resync { ack });
    }

    /// The document shows what came of every event up to `ack`.
    fn settle(&mut self, session: u32, ack: u64) {
        while let Some((seq, is_refused)) = self.sessions[session as usize - 1].take_event_up_to(ack) {
            if !is_refused {
                self.outputs.push(ClientOutput::Settled { session, seq });
            }
        }
    }

    fn set_state(&mut self, session: u32, state: LinkState) {
        let it = &mut self.sessions[session as usize - 1];
        if it.state != state || state == LinkState::Connecting {
            it.state = state;
            self.outputs.push(ClientOutput::State { session, state });
        }
    }

    fn fail(&mut self, session: u32, reason: u32, message: &str) {
        let it = &mut self.sessions[session as usize - 1];
        it.detach();
        it.needs_token = false;
        it.events.clear();
        self.set_state(session, LinkState::Failed);
        self.outputs.push(ClientOutput::Failed { session, reason, message: String::from(message) });
    }
}

#[cfg(test)]
mod tests;
