//! Replaces what people typed into password fields and other secret ones; `specs/recording.md`, clause 4.
//!
//! It follows the session's document, as only that tells which field an event belongs to.

use std::borrow::Cow;
use std::collections::BTreeSet;

use lightspeed_interpreter::memory::NodeId;
use lightspeed_interpreter::recording::Follower;
use lightspeed_interpreter::{Address, MemoryDocument};
use lightspeed_protocol::frame::{ClientFrame, ServerFrame};
use lightspeed_protocol::isa::{Op, ProgramReader, ProgramWriter};
use lightspeed_protocol::msgpack::{DecodeError, Payload, Raw, Text, Writer};
use lightspeed_protocol::template::EventKind;

use super::{FieldName, Recording};
use crate::limits;

/// Knows the secrets of one session and takes them out of what is written.
pub(super) struct Redactor {
    settings: Recording,
    component: &'static str,
    follower: Follower,
    /// The names of secret fields, those that were ones included.
    names: BTreeSet<String>,
    /// The secret fields that were seen, whatever their type is now.
    fields: BTreeSet<NodeId>,
    secrets: Secrets,
}

impl Redactor {
    pub(super) fn new(settings: &Recording, component: &'static str, html: &str) -> Self {
        let mut redactor = Self {
            settings: settings.clone(),
            component,
            follower: Follower::new(html),
            names: settings.redacted_fields.iter().cloned().collect(),
            fields: BTreeSet::new(),
            secrets: Secrets::default(),
        };
        redactor.look();
        redactor
    }

    /// Whether there are more secrets than are kept.
    pub(super) fn is_full(&self) -> bool {
        self.secrets.values.len() >= limits::RECORDER_SECRETS_MAX
    }

    /// The first page.
    pub(super) fn page(&self, html: &str) -> String {
        let html = self.secrets.mask_markup(html);
        self.secrets.mask(&html).into_owned()
    }

    /// A component's state, whose format isn't known here.
    pub(super) fn state(&self, state: &[u8]) -> Vec<u8> {
        let mut state = state.to_vec();
        for pattern in &self.secrets.patterns {
            let found: Vec<usize> = memchr::memmem::find_iter(&state, pattern.as_bytes()).collect();
            for at in found {
                state[at..at + pattern.len()].fill(b'*');
            }
        }
        state
    }

    /// A frame of the client; `None` for what isn't written.
    pub(super) fn client_frame(&mut self, bytes: &[u8]) -> Option<Vec<u8>> {
        let (session, frame) = ClientFrame::decode(bytes).ok()?;
        match frame {
            // A join has a token.
            ClientFrame::Hello { .. } | ClientFrame::Join { .. } => None,
            ClientFrame::Event { ack, seq, behind, instance, slot, payload: Payload::Text(text) } => {
                let text = self.payload(Address { instance, slot }, text);
                let payload = Payload::Text(&text);
                let frame = ClientFrame::Event { ack, seq, behind, instance, slot, payload };
                Some(frame.encode(session))
            }
            _ => Some(bytes.to_vec()),
        }
    }

    fn payload(&mut self, at: Address, text: &str) -> String {
        let document = self.follower.document();
        let place = document.node_at(at).zip(document.event_at(at));
        let Some((element, event)) = place else { return stars(text) };
        let is_secret = self.fields.contains(&element);
        let is_around = self.fields.iter().any(|field| document.is_within(*field, element));
        if event == EventKind::Keydown {
            let (modifiers, key) = text.split_at_checked(1).unwrap_or_default();
            let is_character = key.chars().count() == 1;
            if (is_secret || is_around) && is_character {
                return format!("{modifiers}{}", stars(key));
            }
        } else if document.is_element(element, "form") {
            return self.form(text);
        } else if is_secret || is_around {
            self.secrets.learn(text);
            return stars(text);
        }
        self.secrets.mask(text).into_owned()
    }

    /// A form's fields: the values of secret ones are replaced, the rest stays as it was written.
    fn form(&mut self, payload: &str) -> String {
        let decode = |text: &str| {
            let pairs = form_urlencoded::parse(text.as_bytes());
            pairs.map(|(name, _)| name.into_owned()).next().unwrap_or_default()
        };
        let pairs = payload.split('&').map(|pair| {
            let (name, value) = pair.split_once('=')?;
            // Without its name, a value is decoded as one.
            self.names.contains(&decode(name)).then(|| (name, decode(value)))
        });
        let secret: Vec<_> = pairs.collect();
        for (_, value) in secret.iter().flatten() {
            self.secrets.learn(value);
        }
        let pairs = payload.split('&').zip(&secret).map(|(pair, secret)| match secret {
            Some((name, value)) => format!("{name}={}", stars(value)),
            None => self.secrets.mask(pair).into_owned(),
        });
        pairs.collect::<Vec<_>>().join("&")
    }

    /// A frame of the server and the definitions before it; `None` when it can't be followed, so that
    /// nobody knows any more which fields are secret.
    pub(super) fn server_frame(
        &mut self,
        definitions: &[Vec<u8>],
        frame: &[u8],
    ) -> Option<(Vec<Vec<u8>>, Vec<u8>)> {
        for definition in definitions {
            self.follower.handle_frame(definition).ok()?;
        }
        if self.follower.handle_frame(frame).ok()? {
            self.look();
        }
        let definitions: Result<_, _> = definitions.iter().map(|frame| self.say(frame)).collect();
        Some((definitions.ok()?, self.say(frame).ok()?))
    }

    /// Looks for secret fields and for what they hold.
    fn look(&mut self) {
        let document = self.follower.document();
        let mut held = Vec::new();
        for tag in ["input", "textarea", "select"] {
            for field in document.elements(tag) {
                let name = document.attribute(field, "name").unwrap_or_default();
                let kind = if tag == "input" { document.attribute(field, "type") } else { Some(tag) };
                let kind = kind.unwrap_or("text");
                let shown = FieldName { component: self.component, name, kind };
                let is_secret = kind.eq_ignore_ascii_case("password")
                    || self.fields.contains(&field)
                    || self.names.contains(name)
                    || (self.settings.is_redacted)(&shown);
                if !is_secret {
                    continue;
                }
                if !name.is_empty() {
                    self.names.insert(name.to_owned());
                }
                self.fields.insert(field);
                held.push(held_by(document, field));
            }
        }
        // What a person has typed since is known from the events alone.
        for value in held.iter().filter(|value| !value.is_empty()) {
            self.secrets.learn(value);
        }
    }

    /// A frame of the server without secrets and without tokens.
    fn say(&self, bytes: &[u8]) -> Result<Vec<u8>, DecodeError> {
        let (session, frame) = ServerFrame::decode(bytes)?;
        let secrets = &self.secrets;
        let frame = match frame {
            // Every field is named, so that one that is a token is not overlooked: it is written empty.
            ServerFrame::Joined { ack, token: _ } => ServerFrame::Joined { ack, token: "" }.encode(session),
            ServerFrame::Refused { seq, reason, message } => {
                let message = secrets.mask(message);
                ServerFrame::Refused { seq, reason, message: &message }.encode(session)
            }
            ServerFrame::Patch { ack, version, program } => {
                let program = self.program(program)?;
                ServerFrame::Patch { ack, version, program: Raw::new(&program) }.encode(session)
            }
            ServerFrame::Snapshot { ack, version, program } => {
                let program = self.program(program)?;
                ServerFrame::Snapshot { ack, version, program: Raw::new(&program) }.encode(session)
            }
            ServerFrame::Template { fingerprint, namespace, roots, check, html, slots } => {
                let html = html.map(|html| secrets.mask(html));
                let html = html.as_deref();
                ServerFrame::Template { fingerprint, namespace, roots, check, html, slots }.encode(session)
            }
            ServerFrame::Close { reason, message, retry_ms } => {
                let message = secrets.mask(message);
                ServerFrame::Close { reason, message: &message, retry_ms }.encode(session)
            }
            _ => bytes.to_vec(),
        };
        Ok(frame)
    }

    fn program(&self, program: Raw<'_>) -> Result<Vec<u8>, DecodeError> {
        if self.secrets.values.is_empty() {
            return Ok(program.bytes.to_vec());
        }
        let mut out = ProgramWriter::new();
        let mut reader = ProgramReader::new(program)?;
        while let Some((_, op)) = reader.next_op()? {
            self.op(&op, &mut out)?;
        }
        Ok(out.finish())
    }

    fn op(&self, op: &Op<'_>, out: &mut ProgramWriter) -> Result<(), DecodeError> {
        let secrets = &self.secrets;
        let mut masked = String::new();
        match *op {
            Op::Text { at, slot, text } => {
                let text = secrets.mask_text(text, &mut masked);
                out.push(&Op::Text { at, slot, text });
            }
            Op::Attribute { at, slot, text: Some(text) } => {
                let field = self.follower.document().node_at(Address { instance: at, slot });
                let text = if field.is_some_and(|field| self.fields.contains(&field)) {
                    masked = stars(&text_of(text));
                    Text::Str(&masked)
                } else {
                    secrets.mask_text(text, &mut masked)
                };
                out.push(&Op::Attribute { at, slot, text: Some(text) });
            }
            Op::Splice { at, slot, start, delete, insert } => {
                let node = self.follower.document().node_at(Address { instance: at, slot });
                let whole = node.map(|node| self.follower.document().text(node)).unwrap_or_default();
                let insert = secrets.mask_part(&whole, start, insert);
                out.push(&Op::Splice { at, slot, start, delete, insert: &insert });
            }
            Op::Html { at, slot, html } => {
                out.push(&Op::Html { at, slot, html: &secrets.mask_shown(html) });
            }
            Op::Content { at, slot, content: Some(content) } => {
                let content = secrets.mask_values(content, true)?;
                out.push(&Op::Content { at, slot, content: Some(Raw::new(&content)) });
            }
            Op::Insert { at, slot, before, items } => {
                let items = secrets.mask_values(items, true)?;
                out.push(&Op::Insert { at, slot, before, items: Raw::new(&items) });
            }
            Op::Reset { root, template, values } => {
                let values = secrets.mask_values(values, false)?;
                out.push(&Op::Reset { root, template, values: Raw::new(&values) });
            }
            _ => out.push(op),
        }
        Ok(())
    }
}

/// What a field holds as the server has it.
fn held_by(document: &MemoryDocument, field: NodeId) -> String {
    if document.is_element(field, "textarea") {
        document.text(field)
    } else {
        document.attribute(field, "value").unwrap_or_default().to_owned()
    }
}

/// The values that must not be written.
#[derive(Default)]
struct Secrets {
    values: BTreeSet<String>,
    /// Those that are looked for everywhere, in each of their forms; the longest first.
    patterns: Vec<String>,
    /// A value that is too short for a pattern, until the next one comes: the first letters of what is being typed.
    beginning: String,
}

impl Secrets {
    fn learn(&mut self, value: &str) {
        self.beginning.clear();
        for value in [value, value.trim()] {
            let is_short = value.len() < limits::RECORDER_SECRET_BYTES_MIN;
            if is_short && !value.is_empty() {
                value.clone_into(&mut self.beginning);
            }
            let is_nothing = value.bytes().all(|byte| byte == b'*');
            if is_nothing || !self.values.insert(value.to_owned()) {
                continue;
            }
            if is_short {
                continue;
            }
            let encoded = form_urlencoded::byte_serialize(value.as_bytes()).collect();
            let text = value.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
            let attribute = text.replace('"', "&quot;");
            self.patterns.extend([value.to_owned(), encoded, text, attribute]);
            self.patterns.sort_by(|one, other| other.len().cmp(&one.len()).then_with(|| one.cmp(other)));
            self.patterns.dedup();
        }
    }

    /// Which bytes of a text belong to a value; `None` when none does.
    fn covered(&self, text: &str, beginning: &str) -> Option<Vec<bool>> {
        let mut covered = Vec::new();
        let mut cover = |at: usize, byte_count| {
            covered.resize(text.len(), false);
            covered[at..at + byte_count].fill(true);
        };
        if self.values.contains(text) {
            cover(0, text.len());
        } else {
            let patterns = self.patterns.iter().map(String::as_str);
            for pattern in patterns.chain([beginning]).filter(|pattern| !pattern.is_empty()) {
                text.match_indices(pattern).for_each(|(at, found)| cover(at, found.len()));
            }
        }
        (!covered.is_empty()).then_some(covered)
    }

    fn mask<'a>(&self, text: &'a str) -> Cow<'a, str> {
        self.covered(text, "").map_or(Cow::Borrowed(text), |covered| cover(text, &covered))
    }

    /// As [`Secrets::mask`], for what a client is to show from now on.
    fn mask_shown<'a>(&self, text: &'a str) -> Cow<'a, str> {
        self.covered(text, &self.beginning).map_or(Cow::Borrowed(text), |covered| cover(text, &covered))
    }

    /// Replaces what `part` has of a value that stands in the `whole` text, where the part begins at the
    /// code unit `start`: a text that is changed a little at a time tells a value a little at a time.
    fn mask_part<'a>(&self, whole: &str, start: u32, part: &'a str) -> Cow<'a, str> {
        if self.values.is_empty() {
            return Cow::Borrowed(part);
        }
        let mut units = 0;
        let offset = whole.char_indices().find_map(|(at, character)| {
            let is_start = units >= start as usize;
            units += character.len_utf16();
            is_start.then_some(at)
        });
        let offset = offset.unwrap_or(whole.len());
        if !whole[offset..].starts_with(part) {
            // The text has changed once more, so that nobody knows what the part was of.
            return Cow::Owned(stars(part));
        }
        match self.covered(whole, &self.beginning) {
            Some(covered) => cover(part, &covered[offset..offset + part.len()]),
            None => Cow::Borrowed(part),
        }
    }

    /// As [`Secrets::mask_shown`]; a number that tells a secret becomes a text.
    fn mask_text<'a>(&self, text: Text<'a>, masked: &'a mut String) -> Text<'a> {
        let shown = text_of(text);
        match self.mask_shown(&shown) {
            Cow::Borrowed(_) => text,
            Cow::Owned(owned) => {
                *masked = owned;
                Text::Str(masked)
            }
        }
    }

    /// The values of new instances. `has_head` when a number stands first that is no value of theirs.
    fn mask_values(&self, values: Raw<'_>, has_head: bool) -> Result<Vec<u8>, DecodeError> {
        let mut reader = values.reader();
        let mut out = Writer::new();
        let mut index = 0;
        while !reader.is_at_end() {
            if reader.is_array() {
                out.array(reader.array()? as usize);
            } else if reader.is_bin() {
                let html = String::from_utf8_lossy(reader.bin()?).into_owned();
                out.bin(self.mask_shown(&html).as_bytes());
            } else {
                match reader.payload()? {
                    Payload::Text(text) => out.str(&self.mask_shown(text)),
                    Payload::Number(number) if !(has_head && index == 1) && self.is_long_value(number) => {
                        out.str(&stars(&number.to_string()));
                    }
                    other => out.payload(other),
                }
            }
            index += 1;
        }
        Ok(out.into_bytes())
    }

    /// Whether a number tells a value; short ones may just as well be counts.
    fn is_long_value(&self, number: u64) -> bool {
        let text = number.to_string();
        text.len() >= limits::RECORDER_SECRET_BYTES_MIN && self.values.contains(&text)
    }

    /// Replaces values where a page's HTML has them as a field's, however short they are.
    fn mask_markup(&self, html: &str) -> String {
        self.values.iter().fold(html.to_owned(), |html, value| {
            let text = value.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
            let attribute = text.replace('"', "&quot;");
            let stars = stars(value);
            html.replace(&format!(" value=\"{attribute}\""), &format!(" value=\"{stars}\""))
                .replace(&format!(">{text}</textarea>"), &format!(">{stars}</textarea>"))
        })
    }
}

fn text_of(text: Text<'_>) -> Cow<'_, str> {
    match text {
        Text::Str(text) => Cow::Borrowed(text),
        Text::Number(number) => Cow::Owned(number.to_string()),
    }
}

/// Replaces the bytes of a text that are covered, which are those of whole characters.
fn cover<'a>(text: &'a str, covered: &[bool]) -> Cow<'a, str> {
    let characters = text.char_indices().map(|(at, character)| {
        if covered[at] { stars(character.encode_utf8(&mut [0; 4])) } else { character.to_string() }
    });
    Cow::Owned(characters.collect())
}

/// As many asterisks as `text` has bytes.
fn stars(text: &str) -> String {
    "*".repeat(text.len())
}
