//! What a visitor's page shows, and what has become of what the visitor did.

use std::borrow::Cow;
use std::collections::VecDeque;

use lightspeed_interpreter::{Client, ClientOutput, LinkState, MemoryDocument};
use lightspeed_protocol::Timestamp;
use lightspeed_protocol::close::RefusalReason;
use lightspeed_protocol::msgpack::Payload;
use lightspeed_protocol::template::EventKind;

use super::documents::Documents;
use super::errors::NotTaken;
use super::http::FetchedPage;
use super::inflate::InflateError;
use crate::Passed;

/// A page as its visitor sees it.
#[derive(Debug)]
pub struct Shown {
    client: Client,
    documents: Documents,
    sessions: Vec<SessionShown>,
    connected_count: u64,
    refused: Vec<u64>,
    failures: Vec<String>,
    inflate_errors: Vec<InflateError>,
    compressed_count: usize,
    received_bytes: usize,
    /// `None` when they aren't kept.
    frames: Option<Vec<(Timestamp, Passed)>>,
    /// What the client wants of the socket and of the network, in order.
    pub(super) wanted: VecDeque<ClientOutput>,
    /// The visitor wants the socket cut.
    pub(super) is_cut_wanted: bool,
    /// The visitor leaves.
    pub(super) is_close_wanted: bool,
}

#[derive(Debug)]
struct SessionShown {
    state: LinkState,
    unsettled_count: usize,
}

/// What the whole page is: the first of these that any of its sessions is, as in `client-js/src/core/page.js`.
const PRECEDENCE: [LinkState; 3] = [LinkState::Failed, LinkState::Disconnected, LinkState::Connecting];

impl Shown {
    pub(super) fn new(page: &FetchedPage, seed: u64, has_frames: bool) -> Self {
        let mut client = Client::new(&page.build, seed);
        let mut documents = Vec::new();
        let mut sessions = Vec::new();
        for view in &page.views {
            client.add_session(&view.token);
            documents.push(MemoryDocument::from_html(&view.html));
            sessions.push(SessionShown { state: LinkState::Connecting, unsettled_count: 0 });
        }
        Self {
            client,
            documents: Documents::new(documents),
            sessions,
            connected_count: 0,
            refused: Vec::new(),
            failures: Vec::new(),
            inflate_errors: Vec::new(),
            compressed_count: 0,
            received_bytes: 0,
            frames: has_frames.then(Vec::new),
            wanted: VecDeque::new(),
            is_cut_wanted: false,
            is_close_wanted: false,
        }
    }

    /// How the page's link is: the worst of its sessions'.
    pub fn state(&self) -> LinkState {
        let is_any = |state: &LinkState| self.sessions.iter().any(|session| session.state == *state);
        PRECEDENCE.into_iter().find(is_any).unwrap_or(LinkState::Connected)
    }

    /// How often the page has become connected: at first, and each time it came back.
    pub fn connected_count(&self) -> u64 {
        self.connected_count
    }

    /// The live parts as HTML, in the canonical form of [`MemoryDocument::to_html`].
    pub fn html(&self) -> String {
        self.documents.numbered().map(|(_, document)| document.to_html()).collect()
    }

    /// The text within the element with this `id`.
    pub fn text_of(&self, id: &str) -> Option<String> {
        self.documents.numbered().find_map(|(_, document)| document.text_of(id))
    }

    /// Whether the element with this `id` is there and its text is `text`.
    pub fn has_text(&self, id: &str, text: &str) -> bool {
        self.text_of(id).as_deref() == Some(text)
    }

    /// Events of which it isn't known yet whether they are handled.
    pub fn unsettled_count(&self) -> usize {
        self.sessions.iter().map(|session| session.unsettled_count).sum()
    }

    /// The numbers of the events that had no effect.
    pub fn refused(&self) -> &[u64] {
        &self.refused
    }

    /// Why sessions have ended, for a person.
    pub fn failures(&self) -> &[String] {
        &self.failures
    }

    /// How many messages came compressed.
    pub fn compressed_count(&self) -> usize {
        self.compressed_count
    }

    /// The bytes of all messages, as they came.
    pub fn received_bytes(&self) -> usize {
        self.received_bytes
    }

    /// What was wrong with compressed messages, each of which has cost a socket.
    pub fn inflate_errors(&self) -> &[InflateError] {
        &self.inflate_errors
    }

    /// The frames that passed and when, in milliseconds since the page was opened; empty unless
    /// [`VisitorConfig::with_frames`](super::VisitorConfig::with_frames) asked for them.
    pub fn frames(&self) -> &[(Timestamp, Passed)] {
        self.frames.as_deref().unwrap_or_default()
    }

    /// Something happens at the element with this `id`; returns the event's number.
    pub(super) fn fire(
        &mut self,
        now: Timestamp,
        id: &str,
        event: EventKind,
        payload: Payload<'_>,
    ) -> Result<u64, NotTaken> {
        let place =
            self.documents.numbered().find_map(|(number, it)| Some((number, it.place_of(id, event)?)));
        let (session, at) =
            place.ok_or_else(|| NotTaken::NoHandler { id: id.to_owned(), event: event.name() })?;
        self.documents.get_mut(session).enter(at, payload);
        let seq = self.client.handle_event(now, session, at.instance, at.slot, payload);
        if seq.is_some() {
            self.sessions[session as usize - 1].unsettled_count += 1;
        }
        self.drain();
        seq.ok_or(NotTaken::Closed)
    }

    /// Gives the machine an input, and notes what comes of it.
    pub(super) fn input(&mut self, give: impl FnOnce(&mut Client)) {
        give(&mut self.client);
        self.drain();
    }

    pub(super) fn note_sent(&mut self, now: Timestamp, frame: &[u8]) {
        self.frames.iter_mut().for_each(|frames| frames.push((now, Passed::Up(frame.to_vec()))));
    }

    pub(super) fn note_message(&mut self, byte_count: usize, frame: &Result<Cow<'_, [u8]>, InflateError>) {
        self.received_bytes += byte_count;
        match frame {
            Ok(frame) => self.compressed_count += usize::from(matches!(frame, Cow::Owned(_))),
            Err(error) => self.inflate_errors.push(*error),
        }
    }

    pub(super) fn handle_message(&mut self, now: Timestamp, bytes: &[u8]) {
        self.frames.iter_mut().for_each(|frames| frames.push((now, Passed::Down(bytes.to_vec()))));
        self.client.handle_message(now, bytes, &mut self.documents);
        self.drain();
    }

    pub(super) fn break_documents(&mut self, now: Timestamp) {
        for session in (1..).take(self.sessions.len()) {
            self.client.handle_broken_document(now, session);
        }
        self.drain();
    }

    pub(super) fn next_timeout(&self) -> Option<Timestamp> {
        self.client.next_timeout()
    }

    fn drain(&mut self) {
        let was_connected = self.state() == LinkState::Connected;
        while let Some(output) = self.client.poll_output() {
            match output {
                ClientOutput::State { session, state } => self.session(session).state = state,
                ClientOutput::Settled { session, .. } => self.session(session).unsettled_count -= 1,
                // It wasn't taken, of which whoever made it has heard at once.
                ClientOutput::Refused { reason, .. } if reason == RefusalReason::TooLarge.code() => {}
                // What failed without an event, or after it was acknowledged, has the number 0 or is settled.
                ClientOutput::Refused { session, seq, .. } => {
                    let count = &mut self.session(session).unsettled_count;
                    *count = count.saturating_sub(usize::from(seq > 0));
                    self.refused.push(seq);
                }
                ClientOutput::Failed { session, reason, message } => {
                    // The client has forgotten the session's events.
                    self.session(session).unsettled_count = 0;
                    self.failures.push(format!("session {session} has ended: {message} ({reason})"));
                }
                output => self.wanted.push_back(output),
            }
        }
        if !was_connected && self.state() == LinkState::Connected {
            self.connected_count += 1;
        }
    }

    fn session(&mut self, number: u32) -> &mut SessionShown {
        &mut self.sessions[number as usize - 1]
    }
}
