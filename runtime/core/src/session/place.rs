//! From a place that a client names to the message that was rendered there.
//!
//! The decision and its reasons are `rfcs/0002-stale-events.md`: an event delivers what was
//! rendered at its place in the version that the person saw, if the place is still there and
//! its element can be acted on, then and now; otherwise it is refused. A place that was never rendered is a forgery and ends the session.

use alloc::vec::Vec;
use lightspeed_protocol::close::{CloseReason, RefusalReason};

use lightspeed_protocol::msgpack::{DecodeError, Expected, Payload, Reader, Writer};
use lightspeed_protocol::template::EventKind;
use lightspeed_protocol::{InstanceId, SlotIndex};

use super::exchange::Unfit;
use super::reach::{Around, text_of};
use super::{Component, Session};
use crate::tree::html::{Fragment, Value};
use crate::tree::packed::{Cell, Packed};
use crate::tree::part::{Body, Part};
use crate::tree::streams;
use crate::tree::template::{Kind, Slot, Template};

/// A slot of an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) instance: InstanceId,
    pub(super) slot: SlotIndex,
}

/// Why there is no message.
#[derive(Debug, Clone, Copy)]
pub(super) enum Unresolved {
    /// Nobody's fault: the page changed meanwhile, or nobody can act on the element.
    Refused(RefusalReason),
    /// The payload is none that the handler takes, which an honest client may send: its kind is that of the field
    /// that the event came from, and the handler may be at an element around fields of several kinds.
    Unfit(Unfit),
    /// The peer's fault.
    Fault(CloseReason),
}

const GONE: Unresolved = Unresolved::Refused(RefusalReason::Gone);
const DISABLED: Unresolved = Unresolved::Refused(RefusalReason::Disabled);
const FORGED: Unresolved = Unresolved::Fault(CloseReason::ForgedPlace);

/// The result of [`Session::resolve`].
#[derive(Debug)]
pub(super) struct Resolved<M> {
    pub(super) message: Result<M, Unresolved>,
    /// Whether the event tells anything of fields: whether [`note_fields`] would write into the tree.
    pub(super) tells_fields: bool,
}

impl<C: Component> Session<C> {
    /// The message of an event that was made on `version_seen`, and whether it tells anything of fields: both follow from
    /// one lookup of the place.
    pub(super) fn resolve(
        &self,
        place: Place,
        version_seen: u64,
        payload: &Payload<'_>,
    ) -> Resolved<C::Message> {
        let found = find_reached(self.newest.tree(), place);
        let tells_fields = found.as_ref().is_some_and(|(instance, _)| instance.tells_fields(place.slot));
        Resolved { message: self.message_at(found, place, version_seen, payload), tells_fields }
    }

    /// The message of an event whose instance in the newest version is `found`; `None` when it isn't there.
    fn message_at(
        &self,
        found: Option<(Instance<'_, C::Message>, Around)>,
        place: Place,
        version_seen: u64,
        payload: &Payload<'_>,
    ) -> Result<C::Message, Unresolved> {
        let seen = if version_seen == self.version {
            None
        } else {
            let seen = self.seen.iter().find(|seen| seen.version == version_seen);
            Some(seen.ok_or(Unresolved::Refused(RefusalReason::Stale))?)
        };
        if place.instance == 0 || place.instance >= self.next_id {
            return Err(FORGED);
        }
        let Some((current, around)) = found else {
            return self.resolve_row(place, version_seen, payload);
        };
        let handler = current.handler(place.slot).ok_or(FORGED)?;
        let mut is_kept_from = current.keeps_from(place.slot, around);
        let seen = match seen {
            None => handler,
            Some(seen) => {
                // An instance that came later cannot have been seen then.
                let (instance, around) = find_reached(&seen.tree, place).ok_or(FORGED)?;
                is_kept_from |= instance.keeps_from(place.slot, around);
                instance.handler(place.slot).ok_or(FORGED)?
            }
        };
        if matches!(handler, Value::NoHandler) {
            return Err(GONE);
        }
        // Then nobody can have made it; now it does nothing any more.
        if is_kept_from {
            return Err(DISABLED);
        }
        message(seen, payload).map_err(|unresolved| unresolved.at(place, current.slots()))
    }
}

impl<C: Component> Session<C> {
    /// The message of an event in a row of a stream, of which handlers are kept and nothing else: where nobody could
    /// act on the row's element when it was rendered, none is kept.
    fn resolve_row(
        &self,
        place: Place,
        version_seen: u64,
        payload: &Payload<'_>,
    ) -> Result<C::Message, Unresolved> {
        let Place { instance, slot } = place;
        let mut versions = self.seen.iter().filter(|seen| seen.version >= version_seen).peekable();
        if versions.peek().is_some_and(|seen| instance >= seen.next_id) {
            return Err(FORGED);
        }
        // What it was when it was seen is what it was before it changed first since.
        let past = versions
            .flat_map(|seen| &seen.past)
            .find(|past| past.instance == instance && past.slot == slot)
            .map(|past| &past.handler);
        // Of what is around the stream; then it may have been otherwise, and is no longer known.
        if reach_row(self.newest.tree(), place).is_some_and(Around::keeps_from_most) {
            return Err(DISABLED);
        }
        let mut resolved = Err(GONE);
        streams::with_handler(self.newest.tree(), instance, slot, |current| {
            if !matches!(current, Value::NoHandler) {
                resolved = message(past.unwrap_or(current), payload);
            }
        });
        resolved.map_err(|unresolved| unresolved.at(place, &[]))
    }
}

impl Unresolved {
    /// With the place of the handler that it is about.
    fn at(self, place: Place, slots: &[Slot]) -> Self {
        match self {
            Self::Unfit(unfit) => {
                let kind = slots.get(place.slot as usize).map(|slot| &slot.kind);
                let event = match kind {
                    Some(Kind::Handler { event }) => Some(*event),
                    _ => None,
                };
                Self::Unfit(Unfit { instance: place.instance, slot: place.slot, event, ..unfit })
            }
            other => other,
        }
    }
}

/// The message that a handler makes of a payload, if there is a handler.
fn message<M>(handler: &Value<M>, payload: &Payload<'_>) -> Result<M, Unresolved> {
    let message = handler.message(payload).ok_or(GONE)?;
    message.map_err(|error| {
        // What it is and never what it says: that may be a password.
        let received = match payload {
            Payload::None => "nothing",
            Payload::Flag(_) => "true or false",
            Payload::Number(_) => "a number",
            Payload::Text(_) => "a text",
        };
        Unresolved::Unfit(Unfit { instance: 0, slot: 0, event: None, received, expected: error.expected })
    })
}

/// An instance of a tree.
enum Instance<'a, M> {
    Own(&'a Fragment<M>),
    Packed(&'a Packed<M>, usize),
}

impl<'a, M> Instance<'a, M> {
    const fn template(&self) -> &'static Template {
        match self {
            Self::Own(fragment) => fragment.template,
            Self::Packed(items, _) => items.template(),
        }
    }

    const fn slots(&self) -> &'static [Slot] {
        self.template().slots
    }

    /// What a handler's slot holds, which may be none at the moment; `None` when it isn't a slot for one.
    fn handler(&self, slot: SlotIndex) -> Option<&'a Value<M>> {
        let slot = slot as usize;
        let value = match self {
            Self::Own(fragment) => fragment.values.get(slot),
            Self::Packed(items, index) => match items.places(*index).nth(slot) {
                Some(Cell::Kept(value)) => Some(value),
                _ => None,
            },
        };
        value.filter(|value| value.is_handler())
    }

    /// What an attribute or a flag says; `None` when it isn't there.
    fn text(&self, slot: usize) -> Option<&'a str> {
        match self {
            Self::Own(fragment) => text_of(&fragment.values.get(slot)?.cell()),
            Self::Packed(items, index) => text_of(&items.cells(*index).nth(slot)?),
        }
    }

    /// Looks at the elements around a slot.
    fn look(&self, slot: usize, around: &mut Around) {
        around.look(self.template(), slot, |slot| self.text(slot));
    }

    /// Whether nobody can have made an event there.
    fn keeps_from(&self, slot: SlotIndex, around: Around) -> bool {
        around.keeps_from(self.template(), slot as usize, |slot| self.text(slot))
    }

    /// Whether an event of this slot tells anything of fields.
    fn tells_fields(&self, slot: SlotIndex) -> bool {
        match event_of(self.slots(), slot) {
            Some(EventKind::Click) => self.has_choices_at(self.slots()[slot as usize].path),
            event => event.is_some_and(is_of_fields),
        }
    }

    /// Whether an element is something to choose, or has such in it.
    fn has_choices_at(&self, path: &[u16]) -> bool {
        // The path last: it takes longest to compare, and most values are neither.
        let is_choice = |slot: &Slot| slot.kind.is_choice() && slot.path.starts_with(path);
        let has_choices = |slot: &Slot, value: &Value<M>| {
            value.holds_instances() && slot.path.starts_with(path) && has_told_within(value, Told::Choices)
        };
        let slots = self.slots();
        slots.iter().any(is_choice)
            || match self {
                Self::Own(fragment) => {
                    fragment.depth() > 0
                        && slots.iter().zip(&fragment.values).any(|(slot, value)| has_choices(slot, value))
                }
                Self::Packed(items, index) => {
                    !items.has_handlers_only()
                        && slots
                            .iter()
                            .zip(items.places(*index))
                            .any(|(slot, cell)| matches!(cell, Cell::Kept(value) if has_choices(slot, value)))
                }
            }
    }
}

/// The instance with this id.
fn find<M>(fragment: &Fragment<M>, id: InstanceId) -> Option<Instance<'_, M>> {
    find_in_fragment(fragment, id, &mut |_, _| {})
}

/// The instance of a place, and what the elements around the place do to it.
fn find_reached<M>(fragment: &Fragment<M>, place: Place) -> Option<(Instance<'_, M>, Around)> {
    let mut around = Around::default();
    let instance = find_in_fragment(fragment, place.instance, &mut |instance, slot| {
        instance.look(slot.unwrap_or(place.slot as usize), &mut around);
    })?;
    Some((instance, around))
}

/// The instance with this id. `leave` is given that one, and then those around it with the slots that it is in, from the inside
/// out.
fn find_in_fragment<'a, M>(
    fragment: &'a Fragment<M>,
    id: InstanceId,
    leave: &mut impl FnMut(&Instance<'a, M>, Option<usize>),
) -> Option<Instance<'a, M>> {
    let instance = Instance::Own(fragment);
    if fragment.id == id {
        leave(&instance, None);
        return Some(instance);
    }
    fragment.values.iter().enumerate().find_map(|(slot, value)| {
        let found = find_within(value, id, leave)?;
        leave(&instance, Some(slot));
        Some(found)
    })
}

/// What the elements around a stream do to its row that has such a place; `None` when there is none.
fn reach_row<M>(fragment: &Fragment<M>, place: Place) -> Option<Around> {
    reach_row_among(&fragment.values, place, &|slot, around| Instance::Own(fragment).look(slot, around))
}

fn reach_row_among<M>(
    values: &[Value<M>],
    place: Place,
    look: &dyn Fn(usize, &mut Around),
) -> Option<Around> {
    values.iter().enumerate().find_map(|(slot, value)| {
        let mut around = match value {
            Value::Stream(stream) => stream.has_handler(place.instance, place.slot).then(Around::default),
            Value::Html(html) => reach_row(html.root(), place),
            Value::Branch(Some((_, fragment))) => reach_row(fragment, place),
            Value::List(items) => {
                items.iter().filter_map(|item| item.body.own()).find_map(|own| reach_row(own, place))
            }
            Value::Packed(items) if !items.has_handlers_only() => {
                reach_row_among(items.kept(), place, &|kept, around| {
                    let (index, slot) = items.place_of_kept(kept);
                    Instance::Packed(items, index).look(slot, around);
                })
            }
            _ => None,
        }?;
        look(slot, &mut around);
        Some(around)
    })
}

fn find_within<'a, M>(
    value: &'a Value<M>,
    id: InstanceId,
    leave: &mut impl FnMut(&Instance<'a, M>, Option<usize>),
) -> Option<Instance<'a, M>> {
    match value {
        Value::Html(html) => find_in_fragment(html.root(), id, leave),
        Value::Branch(Some((_, fragment))) => find_in_fragment(fragment, id, leave),
        Value::Memo(memo) => find_in_fragment(memo.0.around(id)?, id, leave),
        Value::List(items) => items.iter().find_map(|item| match &item.body {
            Body::Own(fragment) => find_in_fragment(fragment, id, leave),
            Body::Part(part, _) => find_in_fragment(part.around(id)?, id, leave),
        }),
        // Until the client has acknowledged the page's HTML: then they are let go of.
        Value::Stream(stream) => {
            stream.items().iter().find_map(|item| find_in_fragment(item.body.own()?, id, leave))
        }
        Value::Packed(items) => match items.position(id) {
            Some(index) => {
                let instance = Instance::Packed(items, index);
                leave(&instance, None);
                Some(instance)
            }
            None if items.has_handlers_only() => None,
            None => items.kept().iter().enumerate().find_map(|(kept, value)| {
                let found = find_within(value, id, leave)?;
                let (index, slot) = items.place_of_kept(kept);
                leave(&Instance::Packed(items, index), Some(slot));
                Some(found)
            }),
        },
        _ => None,
    }
}

/// The instance with this id in a part that is passed by when the id isn't among those in it.
fn find_in<M>(part: &Part<M>, id: InstanceId) -> Option<Instance<'_, M>> {
    part.around(id).and_then(|fragment| find(fragment, id))
}

/// An instance of a tree, to be written to.
enum InstanceMut<'a, M> {
    Own(&'a mut Fragment<M>),
    Packed(&'a mut Packed<M>, usize),
}

impl<M> InstanceMut<'_, M> {
    const fn slots(&self) -> &'static [Slot] {
        match self {
            Self::Own(fragment) => fragment.template.slots,
            Self::Packed(items, _) => items.template().slots,
        }
    }

    const fn template(&self) -> &'static Template {
        match self {
            Self::Own(fragment) => fragment.template,
            Self::Packed(items, _) => items.template(),
        }
    }

    /// Visits its fields and what may have fields in it.
    fn each(self, mut visit: impl FnMut(&'static Slot, &mut Value<M>)) {
        let slots = self.slots().iter();
        match self {
            Self::Own(fragment) => {
                slots.zip(&mut fragment.values).for_each(|(slot, value)| visit(slot, value));
            }
            Self::Packed(items, index) => slots.zip(items.places_mut(index)).for_each(|(slot, cell)| {
                if let Cell::Kept(value) = cell {
                    visit(slot, value);
                }
            }),
        }
    }
}

/// The instance with this id, to be written to. The parts around it are no longer what was rendered.
fn find_mut<M>(fragment: &mut Fragment<M>, id: InstanceId) -> Option<InstanceMut<'_, M>> {
    if fragment.id == id {
        return Some(InstanceMut::Own(fragment));
    }
    fragment.values.iter_mut().find_map(|value| find_mut_within(value, id))
}

fn find_mut_within<M>(value: &mut Value<M>, id: InstanceId) -> Option<InstanceMut<'_, M>> {
    match value {
        Value::Html(html) if find(html.root(), id).is_some() => find_mut(html.root_mut(), id),
        Value::Branch(Some((_, fragment))) => find_mut(fragment, id),
        Value::Memo(memo) if find_in(&memo.0, id).is_some() => find_mut(Part::detached(&mut memo.0), id),
        Value::List(items) => items.iter_mut().find_map(|item| match &mut item.body {
            Body::Own(fragment) => find_mut(fragment, id),
            Body::Part(part, _) => {
                find_in(part, id)?;
                find_mut(Part::detached(part), id)
            }
        }),
        Value::Packed(items) => match items.position(id) {
            Some(index) => Some(InstanceMut::Packed(items, index)),
            None => items.kept_mut().iter_mut().find_map(|value| find_mut_within(value, id)),
        },
        _ => None,
    }
}

/// Whether [`note_fields`] would write into the tree.
pub(super) fn tells_fields<M>(tree: &Fragment<M>, place: Place) -> bool {
    find(tree, place.instance).is_some_and(|instance| instance.tells_fields(place.slot))
}

fn event_of(slots: &[Slot], slot: SlotIndex) -> Option<EventKind> {
    match slots.get(slot as usize)?.kind {
        Kind::Handler { event } => Some(event),
        _ => None,
    }
}

const fn is_of_fields(event: EventKind) -> bool {
    matches!(event, EventKind::Input | EventKind::Change | EventKind::Submit)
}

/// Which fields an event tells of.
#[derive(Debug, Clone, Copy)]
enum Told {
    /// All of those around which it happened.
    Fields,
    /// What a click changes: checkboxes, radio buttons and options.
    Choices,
    /// Those that name their form, wherever they are.
    Addressed,
}

impl Told {
    fn is_meant(self, template: &Template, slot: &Slot) -> bool {
        match self {
            Self::Fields => slot.kind.is_field(),
            Self::Choices => slot.kind.is_choice(),
            // In a template that has the attribute, of whichever element if it is static: one value too many does no harm.
            Self::Addressed => {
                let is_form = |other: &Slot| {
                    other.path == slot.path && matches!(other.kind, Kind::Attribute { name: "form", .. })
                };
                slot.kind.is_field()
                    && (template.slots.iter().any(is_form)
                        || template.statics.iter().any(|html| html.contains(" form=\"")))
            }
        }
    }
}

/// Notes in the tree what an event tells of the fields that the person changed, so that the
/// next diff compares with what the page shows and not with what was sent last.
///
/// A field's own event tells its value. An event of a form or another parent of fields tells
/// that any of them may have changed: all of them are sent again if the render has a value for them. So are,
/// when a form is submitted, those elsewhere that name a form; and after a click what a click changes.
pub(super) fn note_fields<M>(tree: &mut Fragment<M>, place: Place, payload: &Payload<'_>) {
    let Some(instance) = find_mut(tree, place.instance) else { return };
    let Some(event) = event_of(instance.slots(), place.slot) else { return };
    let slot = &instance.slots()[place.slot as usize];
    if event == EventKind::Click {
        let template = instance.template();
        return instance.each(|other, value| {
            if other.path.starts_with(slot.path) {
                forget_told(value, template, other, Told::Choices);
            }
        });
    }
    if !is_of_fields(event) {
        return;
    }
    let template = instance.template();
    instance.each(|other, value| match (&other.kind, payload) {
        (Kind::Property { .. }, Payload::Text(text)) if other.path == slot.path => {
            *value = Value::Text((*text).into());
        }
        (Kind::BoolProperty { .. }, Payload::Flag(on)) if other.path == slot.path => {
            *value = Value::Flag(*on);
        }
        // A radio button: its value says that it is chosen, and the page that another one isn't any more.
        (Kind::BoolProperty { .. }, Payload::Text(_)) if other.path == slot.path => *value = Value::Unknown,
        _ if other.path.starts_with(slot.path) && other.path != slot.path => {
            forget_told(value, template, other, Told::Fields);
        }
        _ => {}
    });
    if event == EventKind::Submit && has_told(tree, Told::Addressed) {
        forget_told_in(tree, Told::Addressed);
    }
}

/// What events have told of fields, oldest first: enough to have [`note_fields`] do it again.
#[derive(Debug, Default)]
pub(super) struct Notes {
    notes: Vec<(Place, Vec<u8>)>,
    /// They took too much memory, and some are missing.
    is_incomplete: bool,
}

/// Places that are remembered; a page on which more are written to at once is sent as a whole.
pub(super) const NOTES_MAX: usize = 64;

/// Bytes of what they have told: the same.
const NOTES_BYTES_MAX: usize = 256 * 1024;

impl Notes {
    pub(super) fn push(&mut self, place: Place, payload: &Payload<'_>) {
        // What a place has told last is all that counts of it.
        self.notes.retain(|(other, _)| *other != place);
        let mut out = Writer::new();
        out.payload(*payload);
        self.notes.push((place, out.into_bytes()));
        // One more than may be stored says that not all of them are.
        self.notes.truncate(NOTES_MAX + 1);
        if self.notes.iter().map(|(_, payload)| payload.len()).sum::<usize>() > NOTES_BYTES_MAX {
            self.notes = Vec::new();
            self.is_incomplete = true;
        }
    }

    pub(super) fn clear(&mut self) {
        self.notes.clear();
        self.is_incomplete = false;
    }

    pub(super) const fn is_too_long(&self) -> bool {
        self.is_incomplete || self.notes.len() > NOTES_MAX
    }

    /// Has [`note_fields`] do it again, to a tree that was rendered anew.
    pub(super) fn tell_again<M>(&self, tree: &mut Fragment<M>) {
        for (place, payload) in &self.notes {
            let payload = Reader::new(payload).payload().expect("it was written by `push`");
            note_fields(tree, *place, &payload);
        }
    }

    pub(super) fn shrink_to_fit(&mut self) {
        self.notes.shrink_to_fit();
    }

    pub(super) fn write(&self, out: &mut Writer) {
        let notes = if self.is_too_long() { &[] } else { self.notes.as_slice() };
        out.array(3 * notes.len());
        for (place, payload) in notes {
            out.uint(u64::from(place.instance));
            out.uint(u64::from(place.slot));
            out.raw(payload);
        }
    }

    /// Reads what [`Notes::write`] wrote.
    pub(super) fn read<'a>(reader: &mut Reader<'a>) -> Result<Vec<(Place, Payload<'a>)>, DecodeError> {
        let length = reader.error(Expected::Length);
        let count = reader.array_at_most(u32::try_from(3 * NOTES_MAX).unwrap_or(u32::MAX))?;
        if count % 3 != 0 {
            return Err(length);
        }
        (0..count / 3)
            .map(|_| Ok((Place { instance: reader.uint32()?, slot: reader.uint32()? }, reader.payload()?)))
            .collect()
    }
}

/// Whether [`forget_told`] has anything to do in it.
fn has_told<M>(fragment: &Fragment<M>, told: Told) -> bool {
    fragment.template.slots.iter().any(|slot| told.is_meant(fragment.template, slot))
        || fragment.values.iter().any(|value| has_told_within(value, told))
}

fn has_told_within<M>(value: &Value<M>, told: Told) -> bool {
    match value {
        Value::Html(html) => has_told(html.root(), told),
        Value::Memo(memo) => memo.0.read(|fragment| has_told(fragment, told)),
        Value::Branch(Some((_, fragment))) => has_told(fragment, told),
        Value::List(items) => items.iter().any(|item| item.body.read(|fragment| has_told(fragment, told))),
        Value::Packed(items) => {
            let template = items.template();
            template.slots.iter().any(|slot| told.is_meant(template, slot))
                || items.kept().iter().any(|value| has_told_within(value, told))
        }
        _ => false,
    }
}

fn forget_told_in<M>(fragment: &mut Fragment<M>, told: Told) {
    let template = fragment.template;
    for (slot, value) in template.slots.iter().zip(&mut fragment.values) {
        forget_told(value, template, slot, told);
    }
}

fn forget_told<M>(value: &mut Value<M>, template: &Template, slot: &Slot, told: Told) {
    let has = |fragment: &Fragment<M>| has_told(fragment, told);
    match value {
        _ if told.is_meant(template, slot) => *value = Value::Unknown,
        Value::Html(html) => forget_told_in(html.root_mut(), told),
        Value::Branch(Some((_, fragment))) => forget_told_in(fragment, told),
        Value::Memo(memo) if memo.0.read(has) => forget_told_in(Part::detached(&mut memo.0), told),
        Value::List(items) => {
            for item in items {
                match &mut item.body {
                    Body::Own(fragment) => forget_told_in(fragment, told),
                    Body::Part(part, _) if part.read(has) => forget_told_in(Part::detached(part), told),
                    Body::Part(..) => {}
                }
            }
        }
        Value::Packed(items) => {
            let template = items.template();
            for index in 0..items.len() {
                InstanceMut::Packed(items, index)
                    .each(|slot, value| forget_told(value, template, slot, told));
            }
        }
        _ => {}
    }
}
