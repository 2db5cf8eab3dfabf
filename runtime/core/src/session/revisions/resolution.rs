//! From a slot address that a client names to the message that was rendered there.
//!
//! The decision and its reasons are `rfcs/0002-stale-events.md`: an event delivers what was rendered at its
//! address in the version that the person saw, if the address is still there and its element can be acted on,
//! then and now; otherwise it is refused. An address that was never rendered is a forgery and ends the
//! session.

use lightspeed_protocol::close::{CloseReason, RefusalReason};
use lightspeed_protocol::msgpack::Payload;

use super::Revisions;
use crate::session::exchange::Unfit;
use crate::tree::html::Row;
use crate::tree::payload::PayloadError;
use crate::tree::reach::Around;
use crate::tree::slot_address::{Reached, SlotAddress, find_reached, reach_row};
use crate::tree::streams;
use crate::tree::template::{Kind, Template};
use crate::tree::walks::RowEvent;

/// Why there is no message.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Unresolved {
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

/// The result of [`Revisions::resolve`].
#[derive(Debug)]
pub(crate) struct Resolved<M> {
    pub(crate) message: Result<M, Unresolved>,
    /// Whether the event tells anything of fields, so that [`Revisions::note_edit`] is to be told of it.
    pub(crate) tells_fields: bool,
}

impl<M> Revisions<M> {
    /// The message of an event that was made on `version_seen`, and whether it tells anything of fields: both
    /// follow from one lookup of the address.
    pub(crate) fn resolve(
        &self,
        address: SlotAddress,
        version_seen: u64,
        payload: &Payload<'_>,
    ) -> Resolved<M> {
        let found = find_reached(self.newest.tree(), address);
        let tells_fields = found.as_ref().is_some_and(|(instance, _)| instance.tells_fields(address.slot));
        Resolved { message: self.message_at(found, address, version_seen, payload), tells_fields }
    }

    /// The message of an event whose instance in the newest version is `found`; `None` when it isn't there.
    fn message_at(
        &self,
        found: Option<(Reached<'_, M>, Around)>,
        address: SlotAddress,
        version_seen: u64,
        payload: &Payload<'_>,
    ) -> Result<M, Unresolved> {
        let seen = if version_seen == self.version {
            None
        } else {
            let seen = self.seen.iter().find(|seen| seen.version == version_seen);
            Some(seen.ok_or(Unresolved::Refused(RefusalReason::Stale))?)
        };
        if address.instance == 0 || address.instance >= self.next_id {
            return Err(FORGED);
        }
        let Some((current, around)) = found else {
            return self.row_message(address, version_seen, payload);
        };
        let handler = current.handler(address.slot).ok_or(FORGED)?;
        let mut is_kept_from = current.keeps_from(address.slot, around);
        let instance_then;
        let seen = match seen {
            None => &handler,
            Some(seen) => {
                // An instance that came later cannot have been seen then.
                let (instance, around) = find_reached(&seen.tree, address).ok_or(FORGED)?;
                is_kept_from |= instance.keeps_from(address.slot, around);
                instance_then = instance;
                &instance_then.handler(address.slot).ok_or(FORGED)?
            }
        };
        if handler.is_none() {
            return Err(GONE);
        }
        // Then nobody can have made it; now it does nothing any more.
        if is_kept_from {
            return Err(DISABLED);
        }
        resolved(seen.message(payload), payload)
            .map_err(|unresolved| unresolved.at(address, Some(current.template())))
    }

    /// The message of an event in a row of a stream, of which handlers are kept and nothing else: where nobody could
    /// act on the row's element when it was rendered, none is kept.
    fn row_message(
        &self,
        address: SlotAddress,
        version_seen: u64,
        payload: &Payload<'_>,
    ) -> Result<M, Unresolved> {
        let SlotAddress { instance, slot } = address;
        let mut versions = self.seen.iter().filter(|seen| seen.version >= version_seen).peekable();
        if versions.peek().is_some_and(|seen| instance >= seen.next_id) {
            return Err(FORGED);
        }
        // What the handler was when it was seen is what it was before it changed first since.
        let past = versions
            .flat_map(|seen| &seen.past)
            .find(|past| past.instance == instance && past.slot == slot)
            .map(|past| &past.handler);
        // Of the elements around the stream as they are now: what they were then is no longer known.
        if reach_row(self.newest.tree(), address).is_some_and(Around::keeps_from_most) {
            return Err(DISABLED);
        }
        let event = RowEvent { address, payload: past.is_none().then_some(payload) };
        let seen = self.seen.iter().find(|seen| seen.version == version_seen).map(|seen| &seen.tree);
        let message = match streams::row_of_event(self.newest.tree(), seen, &event) {
            None | Some(Row::NoHandler) => None,
            Some(Row::Held) => past.and_then(|past| past.message(payload)),
            Some(Row::Message(message)) => Some(message),
        };
        resolved(message, payload).map_err(|unresolved| unresolved.at(address, None))
    }
}

impl Unresolved {
    /// With the address of the handler that it is about.
    fn at(self, address: SlotAddress, template: Option<&'static Template>) -> Self {
        match self {
            Self::Unfit(unfit) => {
                let slot = template.and_then(|template| template.slots.get(address.slot as usize));
                let event = match slot.map(|slot| &slot.kind) {
                    Some(Kind::Handler { event }) => Some(*event),
                    _ => None,
                };
                let place = template.map(|template| template.place);
                Self::Unfit(Unfit { instance: address.instance, slot: address.slot, place, event, ..unfit })
            }
            other => other,
        }
    }
}

/// The message that a handler has made of a payload, if there is a handler.
fn resolved<M>(message: Option<Result<M, PayloadError>>, payload: &Payload<'_>) -> Result<M, Unresolved> {
    message.ok_or(GONE)?.map_err(|error| {
        // What it is and never what it says: that may be a password.
        let received = match payload {
            Payload::None => "nothing",
            Payload::Flag(_) => "true or false",
            Payload::Number(_) => "a number",
            Payload::Text(_) => "a text",
        };
        let expected = error.expected;
        Unresolved::Unfit(Unfit { instance: 0, slot: 0, place: None, event: None, received, expected })
    })
}
