//! From a place that a client names to the message that was rendered there.
//!
//! The decision and its reasons are `rfcs/0002-stale-events.md`: an event delivers what was
//! rendered at its place in the version that the person saw, if the place is still there and
//! its element can be acted on, then and now; otherwise it is refused. A place that was never rendered is a forgery and ends the session.

use alloc::vec::Vec;

use lightspeed_protocol::close::{CloseReason, RefusalReason};
use lightspeed_protocol::msgpack::{DecodeError, Expected, Payload, Reader, Writer};

use super::exchange::Unfit;
use super::{Component, Session};

pub(super) use crate::tree::fields::{note_fields, tells_fields};
use crate::tree::html::{Fragment, Value};
use crate::tree::reach::Around;
pub(super) use crate::tree::slot_address::SlotAddress as Place;
use crate::tree::slot_address::{find_reached, reach_row};
use crate::tree::streams;
use crate::tree::template::{Kind, Slot};
use crate::tree::visit::Instance;

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
