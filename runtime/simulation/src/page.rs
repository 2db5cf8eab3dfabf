//! A page: the client that ships, a document in memory, and a person who notes what they did.

use std::collections::BTreeMap;

use lightspeed_interpreter::{Address, Client, ClientOutput, LinkState, MemoryDocument};
use lightspeed_protocol::Timestamp;
use lightspeed_protocol::msgpack::Payload;
use lightspeed_protocol::template::EventKind;

/// What became of something that the person did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// Nobody has said yet.
    Waiting,
    /// It was handled.
    Handled,
    /// It had no effect, and the page was told.
    Refused,
}

/// Something that the person did.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deed {
    /// What it adds to the journal; nothing for a click.
    pub note: Option<u64>,
    /// It adds one to the count.
    pub is_count: bool,
    /// What became of it.
    pub fate: Fate,
}

/// A page.
pub(crate) struct Page {
    /// The client.
    pub client: Client,
    /// What it shows.
    pub document: MemoryDocument,
    /// Whom it belongs to.
    pub identity: u64,
    /// The session that it was given by the page that was fetched last.
    pub session: u64,
    /// The token of the page as it was fetched first, and its HTML.
    pub first: (String, String),
    /// How many effects were done in the sessions before this one.
    pub done_before: usize,
    /// What the person did in this session, by number.
    pub deeds: BTreeMap<u64, Deed>,
    /// The socket that it believes to have.
    pub socket: Option<usize>,
    /// It is not shown, and does nothing until then.
    pub frozen_until: Option<Timestamp>,
    /// How far its clock is ahead, in milliseconds.
    pub ahead_ms: u64,
    /// How its link is.
    pub state: LinkState,
    /// How often it has started over.
    pub renewals: u64,
    /// It was told that its session has ended for good.
    pub failed: Option<u32>,
    /// Its session is gone for good: it needs another.
    pub needs_session: bool,
}

impl Page {
    /// A page that was fetched with this token and HTML.
    pub(crate) fn new(identity: u64, session: u64, token: String, html: String, seed: u64) -> Self {
        let mut client = Client::new("simulation", seed);
        client.add_session(&token);
        Self {
            client,
            document: MemoryDocument::from_html(&html),
            identity,
            session,
            first: (token, html),
            done_before: 0,
            deeds: BTreeMap::new(),
            socket: None,
            frozen_until: None,
            ahead_ms: 0,
            state: LinkState::Connecting,
            renewals: 0,
            failed: None,
            needs_session: false,
        }
    }

    /// Its own clock.
    pub(crate) fn now(&self, now: Timestamp) -> Timestamp {
        now.after_ms(self.ahead_ms)
    }

    /// When it wants to be woken, by the world's clock.
    pub(crate) fn next_timeout(&self) -> Option<Timestamp> {
        if self.frozen_until.is_some() {
            return None;
        }
        self.client.next_timeout().map(|at| Timestamp(at.0.saturating_sub(self.ahead_ms)))
    }

    /// The person clicks something; false when it isn't there.
    pub(crate) fn click(&mut self, now: Timestamp, id: &str) -> bool {
        let Some(at) = self.document.place_of(id, EventKind::Click) else { return false };
        self.fire(now, at, Payload::None, None, id == "inc")
    }

    /// The person clicks one of the rows.
    pub(crate) fn click_row(&mut self, now: Timestamp, pick: usize) -> bool {
        let places = self.document.places(EventKind::Click);
        // The others come first.
        let rows = places.get(8..).unwrap_or_default();
        if rows.is_empty() {
            return false;
        }
        let at = rows[pick % rows.len()];
        self.fire(now, at, Payload::None, None, false)
    }

    /// The person writes a note.
    pub(crate) fn note(&mut self, now: Timestamp, note: u64) -> bool {
        // One of the fields: that of the page is there whenever the page is.
        let fields = self.document.places(EventKind::Input);
        let Some(at) = fields.get(usize::try_from(note).unwrap_or(0) % fields.len().max(1)).copied() else {
            return false;
        };
        let text = format!("#{note}");
        self.fire(now, at, Payload::Text(&text), Some(note), false)
    }

    fn fire(
        &mut self,
        now: Timestamp,
        at: Address,
        payload: Payload<'_>,
        note: Option<u64>,
        is_count: bool,
    ) -> bool {
        let now = self.now(now);
        let Some(seq) = self.client.handle_event(now, 1, at.instance, at.slot, payload) else { return false };
        self.document.enter(at, payload);
        self.deeds.insert(seq, Deed { note, is_count, fate: Fate::Waiting });
        true
    }

    /// Whether nothing is waited for.
    pub(crate) fn is_settled(&self) -> bool {
        self.deeds.values().all(|deed| deed.fate != Fate::Waiting)
    }

    /// The count that the page shows, without what tasks have brought: a million each.
    pub(crate) fn shown_count(&self) -> u64 {
        let text = self.document.text_of("inc");
        text.and_then(|text| text.parse::<u64>().ok()).unwrap_or(0) % 1_000_000
    }

    /// How many clicks that count are settled.
    pub(crate) fn settled_count(&self) -> u64 {
        self.deeds.values().filter(|deed| deed.is_count && deed.fate == Fate::Handled).count() as u64
    }

    /// The counts at which this session has asked the page for something that the page has done, in that order.
    pub(crate) fn done(&self) -> Vec<u64> {
        let effects = &self.document.effects()[self.done_before..];
        effects.iter().filter_map(|(_, name, _)| name.parse().ok()).collect()
    }

    /// The page has begun a new session.
    pub(crate) fn begin_session(&mut self, session: u64) {
        self.deeds.clear();
        self.done_before = self.document.effects().len();
        self.needs_session = false;
        self.session = session;
        self.renewals += 1;
    }

    /// Notes what the client tells of itself; other outputs are the world's.
    pub(crate) fn hear(&mut self, output: &ClientOutput) -> Result<(), String> {
        match output {
            ClientOutput::State { state, .. } => self.state = *state,
            ClientOutput::Settled { seq, .. } => self.settle(*seq, Fate::Handled)?,
            ClientOutput::Refused { seq, .. } if *seq > 0 => self.settle(*seq, Fate::Refused)?,
            ClientOutput::Failed { reason, .. } => self.failed = Some(*reason),
            _ => {}
        }
        Ok(())
    }

    fn settle(&mut self, seq: u64, fate: Fate) -> Result<(), String> {
        let deed = self.deeds.get_mut(&seq).ok_or_else(|| format!("event {seq} was never made"))?;
        if deed.fate != Fate::Waiting {
            return Err(format!("event {seq} is told twice: {:?} and {fate:?}", deed.fate));
        }
        deed.fate = fate;
        Ok(())
    }

    /// What it shows, without what is in fields: those are the person's.
    pub(crate) fn shown(&self) -> String {
        without_values(&self.document.to_html())
    }
}

/// HTML without `value` attributes.
pub(crate) fn without_values(html: &str) -> String {
    let mut out = String::with_capacity(html.len());
    let mut rest = html;
    while let Some((before, after)) = rest.split_once(" value=\"") {
        out.push_str(before);
        rest = after.split_once('"').map_or("", |(_, after)| after);
    }
    out.push_str(rest);
    out
}
