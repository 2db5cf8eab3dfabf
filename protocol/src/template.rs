//! The shape of a template as it travels.
//!
//! Slot kinds, namespaces and events are tables: wire code, name, meaning. See
//! `specs/protocol.md`, clause 5.

use alloc::string::String;
use alloc::vec::Vec;

use crate::codes::codes;
use crate::msgpack::{DecodeError, Expected, Reader, Writer};
use crate::{Fingerprint, limits};

codes! {
    /// What a slot holds and how a client writes it.
    SlotKind {
        /// Content: text, a fragment of any template, or raw HTML.
        Splice = 0 "splice",
        /// An attribute with a value, or absent.
        Attribute = 1 "attribute",
        /// An attribute that is there or not.
        Flag = 2 "flag",
        /// A token of the class attribute that is there or not.
        Class = 3 "class",
        /// A string property of an element: `value`.
        Property = 4 "property",
        /// A boolean property of an element: `checked`, `selected`.
        BoolProperty = 5 "bool-property",
        /// A handler; its message stays on the server.
        Handler = 6 "handler",
        /// Content: one of a fixed set of templates, or nothing.
        Branch = 7 "branch",
        /// Content: any number of instances of one template, keyed on the server.
        List = 8 "list",
    }
}

impl SlotKind {
    /// Whether it holds child nodes.
    pub const fn is_content(self) -> bool {
        matches!(self, Self::Splice | Self::Branch | Self::List)
    }
}

codes! {
    /// What the roots of a template are parsed as.
    Namespace {
        /// HTML elements.
        Html = 0 "html",
        /// Children of an `svg` element.
        Svg = 1 "svg",
        /// Children of a `math` element.
        MathMl = 2 "mathml",
    }
}

codes! {
    /// The events that a handler can listen to.
    EventKind {
        /// `click`; no payload.
        Click = 1 "click",
        /// `input`; the field's value, or whether a checkbox is checked; on a form, its fields URL-encoded.
        Input = 2 "input",
        /// `change`; as `input`.
        Change = 3 "change",
        /// `submit`; the form's fields and the submitter, URL-encoded.
        Submit = 4 "submit",
        /// `keydown`; the key's name and the modifiers held.
        Keydown = 5 "keydown",
    }
}

/// A slot of a template as a client knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlotShape {
    /// Child indexes from the instance's root nodes to the slot's node.
    pub path: Vec<u32>,
    /// What the slot holds.
    pub kind: SlotKind,
    /// The attribute's, class's or property's name; empty for others.
    pub name: String,
    /// The event that a handler listens to.
    pub event: Option<EventKind>,
    /// The templates of a branch's arms or of a list's items.
    pub templates: Vec<Fingerprint>,
}

/// Reads the slots of a template: `[[kind, [path..], more..]..]`.
///
/// # Errors
///
/// When the bytes are not of that form, or a bound of [`limits`] is passed.
pub fn read_slots(reader: &mut Reader<'_>) -> Result<Vec<SlotShape>, DecodeError> {
    let count = reader.array_at_most(limits::TEMPLATE_SLOTS_MAX)?;
    let mut slots = Vec::with_capacity(count as usize);
    for _ in 0..count {
        slots.push(read_slot(reader)?);
    }
    Ok(slots)
}

fn read_slot(reader: &mut Reader<'_>) -> Result<SlotShape, DecodeError> {
    let parts = reader.array_at_most(limits::TEMPLATE_SLOTS_MAX)?;
    let offset = reader.offset();
    let kind = SlotKind::from_code(reader.uint32()?).ok_or(DecodeError::new(offset, Expected::SlotKind))?;
    let depth = reader.array_at_most(limits::TEMPLATE_DEPTH_MAX)?;
    let mut path = Vec::with_capacity(depth as usize);
    for _ in 0..depth {
        path.push(reader.uint32()?);
    }
    let mut shape = SlotShape { path, kind, name: String::new(), event: None, templates: Vec::new() };
    let mut rest = parts.saturating_sub(2);
    match kind {
        SlotKind::Splice => {}
        SlotKind::Handler => {
            let offset = reader.offset();
            let event = EventKind::from_code(reader.uint32()?);
            shape.event = Some(event.ok_or(DecodeError::new(offset, Expected::EventKind))?);
            rest = rest.wrapping_sub(1);
        }
        SlotKind::Branch | SlotKind::List => {
            for _ in 0..rest {
                shape.templates.push(reader.uint32()?);
            }
            let is_odd = kind == SlotKind::List && shape.templates.len() != 1;
            rest = u32::from(is_odd);
        }
        SlotKind::Attribute
        | SlotKind::Flag
        | SlotKind::Class
        | SlotKind::Property
        | SlotKind::BoolProperty => {
            shape.name = String::from(reader.str()?);
            rest = rest.wrapping_sub(1);
        }
    }
    if parts < 2 || rest != 0 {
        return Err(DecodeError::new(offset, Expected::Length));
    }
    Ok(shape)
}

/// Writes slots as [`read_slots`] reads them.
pub fn write_slots<'a>(slots: impl ExactSizeIterator<Item = SlotRef<'a>>, writer: &mut Writer) {
    writer.array(slots.len());
    for slot in slots {
        let more = match slot.kind {
            SlotKind::Splice => 0,
            SlotKind::Branch | SlotKind::List => slot.templates.len(),
            _ => 1,
        };
        writer.array(2 + more);
        writer.uint(u64::from(slot.kind.code()));
        writer.array(slot.path.len());
        for step in slot.path {
            writer.uint(u64::from(*step));
        }
        match slot.kind {
            SlotKind::Splice => {}
            SlotKind::Handler => writer.uint(slot.event.map_or(0, |event| u64::from(event.code()))),
            SlotKind::Branch | SlotKind::List => {
                for template in &slot.templates {
                    writer.uint(u64::from(*template));
                }
            }
            _ => writer.str(slot.name),
        }
    }
}

/// A slot of a template as its server knows it, to be written.
#[derive(Debug)]
pub struct SlotRef<'a> {
    /// As in [`SlotShape`].
    pub path: &'a [u16],
    /// As in [`SlotShape`].
    pub kind: SlotKind,
    /// As in [`SlotShape`].
    pub name: &'a str,
    /// As in [`SlotShape`].
    pub event: Option<EventKind>,
    /// As in [`SlotShape`].
    pub templates: Vec<Fingerprint>,
}
