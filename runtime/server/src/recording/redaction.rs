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
use lightspeed_protocol::msgpack::{DecodeError, Expected, Payload, Raw, Reader, Text, Writer};
use lightspeed_protocol::template::{EventKind, SlotKind};
use lightspeed_protocol::{Fingerprint, InstanceId, SlotIndex};

use super::secrets::{Secrets, Source, part_of, stars};
use super::settings::{FieldName, Recording};

/// Knows the secrets of one session and takes them out of what is written.
pub(super) struct Redactor {
    settings: Recording,
    component: &'static str,
    follower: Follower,
    /// The names of secret fields, those that were ones included.
    names: BTreeSet<String>,
    /// The secret fields that were seen, whatever their type is now.
    fields: BTreeSet<NodeId>,
    /// Where handlers of secret fields stand in templates: so they are known again in another document.
    handlers: BTreeSet<Spot>,
    /// Where a value was shown that is too short to be looked for everywhere: whatever stands there is replaced.
    spots: BTreeSet<Spot>,
    secrets: Secrets,
}

/// A slot of a template: every instance of it has the same one.
type Spot = (Fingerprint, SlotIndex);

impl Redactor {
    pub(super) fn new(settings: &Recording, component: &'static str, html: &str) -> Self {
        let mut redactor = Self {
            settings: settings.clone(),
            component,
            follower: Follower::new(html),
            names: settings.redacted_fields.iter().cloned().collect(),
            fields: BTreeSet::new(),
            handlers: BTreeSet::new(),
            spots: BTreeSet::new(),
            secrets: Secrets::default(),
        };
        redactor.look();
        redactor
    }

    /// Whether there are more secrets than are kept.
    pub(super) fn is_full(&self) -> bool {
        self.secrets.is_full()
    }

    /// The first page.
    pub(super) fn page(&self, html: &str) -> String {
        let html = self.secrets.mask_markup(html);
        self.secrets.mask(&html).into_owned()
    }

    /// A component's state, whose format isn't known here.
    pub(super) fn state(&self, state: &[u8]) -> Vec<u8> {
        let mut state = state.to_vec();
        self.secrets.mask_bytes(&mut state);
        state
    }

    /// What a page is asked for: `[kind, name, data..]`.
    pub(super) fn asked(&self, effects: &[u8]) -> Result<Vec<u8>, DecodeError> {
        let (mut reader, mut out) = (Reader::new(effects), Writer::new());
        let count = reader.array()? as usize;
        out.array(count);
        for _ in 0..count / 3 {
            out.uint(reader.uint()?);
            out.str(&self.secrets.mask_shown(reader.str()?));
            out.str(&self.secrets.mask_shown(reader.str()?));
        }
        reader.end()?;
        Ok(out.into_bytes())
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
        let spot = self.follower.template_of(at.instance).map(|template| (template, at.slot));
        let mut is_secret = self.fields.contains(&element);
        if is_secret {
            self.handlers.extend(spot);
        }
        is_secret |= spot.is_some_and(|spot| self.handlers.contains(&spot));
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
            self.secrets.learn(&Source::Field(element), text);
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
        for (name, value) in secret.iter().flatten() {
            self.secrets.learn(&Source::Name((*name).to_owned()), value);
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
                held.push((field, held_by(document, field)));
            }
        }
        // What a person has typed since is known from the events alone.
        for (field, value) in held.iter().filter(|(_, value)| !value.is_empty()) {
            self.secrets.learn(&Source::Shown(*field), value);
        }
    }

    /// A frame of the server without secrets and without tokens.
    fn say(&mut self, bytes: &[u8]) -> Result<Vec<u8>, DecodeError> {
        let (session, frame) = ServerFrame::decode(bytes)?;
        if let ServerFrame::Patch { ack, version, program } = frame {
            let program = self.program(program)?;
            return Ok(ServerFrame::Patch { ack, version, program: Raw::new(&program) }.encode(session));
        }
        if let ServerFrame::Snapshot { ack, version, program } = frame {
            let program = self.program(program)?;
            return Ok(ServerFrame::Snapshot { ack, version, program: Raw::new(&program) }.encode(session));
        }
        let secrets = &self.secrets;
        let frame = match frame {
            // Every field is named, so that one that is a token is not overlooked: it is written empty.
            ServerFrame::Joined { ack, token: _ } => ServerFrame::Joined { ack, token: "" }.encode(session),
            ServerFrame::Refused { seq, reason, message } => {
                let message = secrets.mask(message);
                ServerFrame::Refused { seq, reason, message: &message }.encode(session)
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

    fn program(&mut self, program: Raw<'_>) -> Result<Vec<u8>, DecodeError> {
        if self.secrets.is_empty() {
            return Ok(program.bytes.to_vec());
        }
        let mut out = ProgramWriter::new();
        let mut reader = ProgramReader::new(program)?;
        while let Some((_, op)) = reader.next_op()? {
            self.op(&op, &mut out)?;
        }
        Ok(out.finish())
    }

    fn op(&mut self, op: &Op<'_>, out: &mut ProgramWriter) -> Result<(), DecodeError> {
        let spot = |at| self.follower.template_of(at);
        match *op {
            Op::Text { at, slot, text } => {
                let spot = spot(at).map(|template| (template, slot));
                let masked = self.shown(spot, &text_of(text));
                out.push(&Op::Text { at, slot, text: masked.as_deref().map_or(text, Text::Str) });
            }
            Op::Attribute { at, slot, text: Some(text) } => {
                let spot = spot(at).map(|template| (template, slot));
                let field = self.follower.document().node_at(Address { instance: at, slot });
                let masked = if field.is_some_and(|field| self.fields.contains(&field)) {
                    Some(stars(&text_of(text)))
                } else {
                    self.shown(spot, &text_of(text))
                };
                out.push(&Op::Attribute { at, slot, text: Some(masked.as_deref().map_or(text, Text::Str)) });
            }
            Op::Splice { at, slot, start, delete, insert } => {
                let spot = spot(at).map(|template| (template, slot));
                let node = self.follower.document().node_at(Address { instance: at, slot });
                let whole = node.map(|node| self.follower.document().text(node)).unwrap_or_default();
                let insert = match self.shown(spot, &whole) {
                    // All of it is replaced, or some: it is found out of which the part is.
                    Some(masked) => Cow::Owned(part_of(&whole, &masked, start, insert)),
                    None => Cow::Borrowed(insert),
                };
                out.push(&Op::Splice { at, slot, start, delete, insert: &insert });
            }
            Op::Html { at, slot, html } => {
                let spot = spot(at).map(|template| (template, slot));
                let masked = self.shown(spot, html);
                out.push(&Op::Html { at, slot, html: masked.as_deref().unwrap_or(html) });
            }
            Op::Content { at, slot, content: Some(content) } => {
                let content = self.filled(at, slot, content)?;
                out.push(&Op::Content { at, slot, content: Some(Raw::new(&content)) });
            }
            Op::Insert { at, slot, before, items } => {
                let items = self.filled(at, slot, items)?;
                out.push(&Op::Insert { at, slot, before, items: Raw::new(&items) });
            }
            Op::Effect { behind, kind, name, data } => {
                let (name, data) = (self.secrets.mask_shown(name), self.secrets.mask_shown(data));
                out.push(&Op::Effect { behind, kind, name: &name, data: &data });
            }
            Op::Reset { root, template, values } => {
                let values = self.written(values, |it, reader, out| {
                    out.array(reader.array()? as usize);
                    it.values(template, reader, out)
                })?;
                out.push(&Op::Reset { root, template, values: Raw::new(&values) });
            }
            _ => out.push(op),
        }
        Ok(())
    }

    /// What a slot is filled with.
    fn filled(&mut self, at: InstanceId, slot: SlotIndex, raw: Raw<'_>) -> Result<Vec<u8>, DecodeError> {
        match self.follower.template_of(at) {
            Some(template) => self.written(raw, |it, reader, out| it.content(template, slot, reader, out)),
            None => self.blank(raw),
        }
    }

    /// Values of which nobody knows what they are any more: a frame that is sent again, of an instance that
    /// is gone by now. No text of them is written, and no number that may stand for one.
    fn blank(&self, raw: Raw<'_>) -> Result<Vec<u8>, DecodeError> {
        let (mut reader, mut out) = (raw.reader(), Writer::new());
        while !reader.is_at_end() {
            if reader.is_array() {
                out.array(reader.array()? as usize);
            } else if reader.is_bin() {
                out.bin(&vec![b'*'; reader.bin()?.len()]);
            } else {
                match reader.payload()? {
                    Payload::Text(text) => out.str(&stars(text)),
                    Payload::Number(number) => {
                        let text = number.to_string();
                        match self.secrets.mask_shown(&text) {
                            Cow::Borrowed(_) => out.uint(number),
                            Cow::Owned(masked) => out.str(&masked),
                        }
                    }
                    other => out.payload(other),
                }
            }
        }
        Ok(out.into_bytes())
    }

    fn written(
        &mut self,
        raw: Raw<'_>,
        write: impl FnOnce(&mut Self, &mut Reader<'_>, &mut Writer) -> Result<(), DecodeError>,
    ) -> Result<Vec<u8>, DecodeError> {
        let (mut reader, mut out) = (raw.reader(), Writer::new());
        write(self, &mut reader, &mut out)?;
        reader.end()?;
        Ok(out.into_bytes())
    }

    /// A text, or raw HTML, as it may be written where a client is to show it; `None` as it is.
    fn shown(&mut self, spot: Option<Spot>, text: &str) -> Option<String> {
        if text.is_empty() {
            return None;
        }
        // A frame that is sent again, of an instance that is gone by now: what stood there isn't known any more.
        let Some(spot) = spot else { return Some(stars(text)) };
        if self.secrets.tells_short(text) {
            self.spots.insert(spot);
        }
        if self.spots.contains(&spot) {
            return Some(stars(text));
        }
        match self.secrets.mask_shown(text) {
            Cow::Borrowed(_) => None,
            Cow::Owned(masked) => Some(masked),
        }
    }

    /// The values of a new instance of `template`, in the order of its slots.
    fn values(
        &mut self,
        template: Fingerprint,
        reader: &mut Reader<'_>,
        out: &mut Writer,
    ) -> Result<(), DecodeError> {
        let unknown = reader.error(Expected::Code);
        let shape = self.follower.templates().get(template).ok_or(unknown)?;
        let kinds: Vec<SlotKind> = shape.slots.iter().map(|slot| slot.kind).collect();
        for (slot, kind) in (0..).zip(kinds) {
            match kind {
                SlotKind::Handler => {}
                SlotKind::Flag | SlotKind::Class | SlotKind::BoolProperty => out.bool(reader.bool()?),
                SlotKind::Attribute | SlotKind::Property => self.text(Some((template, slot)), reader, out)?,
                _ if reader.is_array() => {
                    self.content(template, slot, reader, out)?;
                }
                _ if reader.is_bin() => {
                    let html = String::from_utf8_lossy(reader.bin()?).into_owned();
                    let masked = self.shown(Some((template, slot)), &html);
                    out.bin(masked.unwrap_or(html).as_bytes());
                }
                _ => self.text(Some((template, slot)), reader, out)?,
            }
        }
        Ok(())
    }

    /// A text, a number that stands for one, or nothing.
    fn text(
        &mut self,
        spot: Option<Spot>,
        reader: &mut Reader<'_>,
        out: &mut Writer,
    ) -> Result<(), DecodeError> {
        let Some(text) = reader.text()? else {
            out.nil();
            return Ok(());
        };
        match self.shown(spot, &text_of(text)) {
            Some(masked) => out.str(&masked),
            None => out.text(text),
        }
        Ok(())
    }

    /// What a content slot is filled with: `[fingerprint, values..]`, `[arm, values..]` or
    /// `[count, values..]`, and `[]` for a list without items.
    fn content(
        &mut self,
        template: Fingerprint,
        slot: SlotIndex,
        reader: &mut Reader<'_>,
        out: &mut Writer,
    ) -> Result<(), DecodeError> {
        let unknown = reader.error(Expected::Code);
        let length = reader.array()? as usize;
        out.array(length);
        if length == 0 {
            return Ok(());
        }
        let head = reader.uint32()?;
        out.uint(u64::from(head));
        let shape = self.follower.templates().get(template);
        let shape = shape.and_then(|shape| shape.slots.get(slot as usize)).ok_or(unknown)?;
        let (kind, first) = (shape.kind, shape.templates.first().copied());
        let arm = shape.templates.get(head as usize).copied();
        match kind {
            SlotKind::List => {
                let item = first.ok_or(unknown)?;
                for _ in 0..head {
                    self.values(item, reader, out)?;
                }
                Ok(())
            }
            SlotKind::Branch => self.values(arm.ok_or(unknown)?, reader, out),
            _ => self.values(head, reader, out),
        }
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

fn text_of(text: Text<'_>) -> Cow<'_, str> {
    match text {
        Text::Str(text) => Cow::Borrowed(text),
        Text::Number(number) => Cow::Owned(number.to_string()),
    }
}
