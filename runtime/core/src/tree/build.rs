//! Writes new instances, and the skeleton of those that a page holds already.
//!
//! Both number the instances as they go: in program order, parents before children, the
//! way the client does.

use alloc::vec::Vec;
use core::ops::Range;

use lightspeed_protocol::InstanceId;
use lightspeed_protocol::msgpack::{Text, Writer};

use crate::author::stream::{Content, StreamValue};
use crate::ledger::TemplateUse;
use crate::tree::html::{Fragment, Item, Value};
use crate::tree::packed::{Cell, Packed};
use crate::tree::part::Part;
use crate::tree::render::guarded;
use crate::tree::template::{Kind, Template};

/// What a program needs besides its instructions.
#[derive(Debug, Default)]
pub(crate) struct Numbering {
    /// The id of the next new instance.
    pub(crate) next_id: InstanceId,
    /// The templates that the program refers to.
    pub(crate) uses: Vec<TemplateUse>,
    /// How many pieces of raw HTML a skeleton has told of.
    pub(crate) raw_count: usize,
    /// Those of them that the page leaves out, in ascending order.
    pub(crate) left_out: Vec<usize>,
    /// There are streams in what was built.
    pub(crate) has_streams: bool,
    /// A stream was rendered as what has changed since another place showed it.
    pub(crate) is_misplaced: bool,
}

impl Numbering {
    pub(crate) fn new(next_id: InstanceId) -> Self {
        Self {
            next_id,
            uses: Vec::new(),
            raw_count: 0,
            left_out: Vec::new(),
            has_streams: false,
            is_misplaced: false,
        }
    }

    fn number(&mut self, template: &'static Template, needs_html: bool) -> InstanceId {
        self.note(template, needs_html);
        self.take_id()
    }

    /// The program refers to this template.
    fn note(&mut self, template: &'static Template, needs_html: bool) {
        match self.uses.iter_mut().rfind(|known| known.template.fingerprint == template.fingerprint) {
            Some(known) => known.needs_html |= needs_html,
            None => self.uses.push(TemplateUse { template, needs_html }),
        }
    }

    fn take_id(&mut self) -> InstanceId {
        let id = self.next_id;
        self.next_id = id.checked_add(1).expect("a session makes fewer than 2^32 instances");
        id
    }
}

/// How many MessagePack values the slots of an instance take.
pub(crate) fn value_count(template: &Template) -> usize {
    template.slots.iter().filter(|slot| !matches!(slot.kind, Kind::Handler { .. })).count()
}

/// How many MessagePack values the content slots of an instance take in a skeleton.
fn bone_count(template: &Template) -> usize {
    template.slots.iter().filter(|slot| slot.kind.slot_kind().is_content()).count()
}

/// Writes the values of an instance and numbers it and all within it.
pub(crate) fn write_values<M>(fragment: &mut Fragment<M>, numbering: &mut Numbering, out: &mut Writer) {
    fragment.id = numbering.number(fragment.template, true);
    for (slot, value) in fragment.template.slots.iter().zip(&mut fragment.values) {
        write_value(&slot.kind, value, numbering, out);
    }
}

fn write_value<M>(kind: &Kind, value: &mut Value<M>, numbering: &mut Numbering, out: &mut Writer) {
    match value {
        Value::Text(text) => write_text(kind, text, out),
        Value::Raw(html) => out.bin(html.as_bytes()),
        Value::Html(html) => write_splice(html.root_mut(), numbering, out),
        Value::Memo(memo) => Part::number(&mut memo.0, |root| write_splice(root, numbering, out)),
        Value::Absent | Value::Unknown | Value::Branch(None) => out.nil(),
        Value::Flag(on) => out.bool(*on),
        Value::Message { .. } | Value::Payload(_) | Value::NoHandler => {}
        Value::Branch(Some((arm, fragment))) => write_branch(*arm, fragment, numbering, out),
        Value::List(items) if items.is_empty() => out.array(0),
        Value::List(items) => write_items(items, numbering, out),
        Value::Packed(items) => write_packed(items, 0..items.len(), numbering, out),
        Value::Stream(stream) => write_stream(stream, numbering, out),
    }
}

fn write_text(kind: &Kind, text: &str, out: &mut Writer) {
    if text.is_empty() && kind.slot_kind().is_content() {
        out.nil();
    } else {
        out.text(Text::new(attribute_text(kind, text)));
    }
}

/// Writes `[fingerprint, values..]`.
pub(crate) fn write_splice<M>(fragment: &mut Fragment<M>, numbering: &mut Numbering, out: &mut Writer) {
    out.array(1 + value_count(fragment.template));
    out.uint(u64::from(fragment.template.fingerprint));
    write_values(fragment, numbering, out);
}

/// Writes `[arm, values..]`.
pub(crate) fn write_branch<M>(
    arm: u16,
    fragment: &mut Fragment<M>,
    numbering: &mut Numbering,
    out: &mut Writer,
) {
    out.array(1 + value_count(fragment.template));
    out.uint(u64::from(arm));
    write_values(fragment, numbering, out);
}

/// Writes `[count, values..]`. There is at least one item.
pub(crate) fn write_items<M>(items: &mut [Item<M>], numbering: &mut Numbering, out: &mut Writer) {
    let template = items[0].body.read(|fragment| fragment.template);
    out.array(1 + items.len() * value_count(template));
    out.uint(items.len() as u64);
    for item in items {
        item.body.number(|fragment| write_values(fragment, numbering, out));
    }
}

/// The same for some of the items of a packed list.
pub(crate) fn write_packed<M>(
    items: &mut Packed<M>,
    range: Range<usize>,
    numbering: &mut Numbering,
    out: &mut Writer,
) {
    let template = items.template();
    out.array(1 + range.len() * value_count(template));
    out.uint(range.len() as u64);
    numbering.note(template, true);
    for index in range {
        items.set_id(index, numbering.take_id());
        for (slot, cell) in template.slots.iter().zip(items.places_mut(index)) {
            match cell {
                Cell::Text(text) => write_text(&slot.kind, text, out),
                Cell::Absent => out.nil(),
                Cell::Flag(on) => out.bool(on),
                // Most of what is kept, and nothing to be written.
                Cell::Kept(value) if value.is_handler() => {}
                Cell::Kept(value) => write_value(&slot.kind, value, numbering, out),
            }
        }
    }
}

fn write_stream<M>(stream: &mut StreamValue<M>, numbering: &mut Numbering, out: &mut Writer) {
    numbering.has_streams = true;
    match &mut stream.0 {
        Content::Fresh { items, .. } if items.is_empty() => out.array(0),
        Content::Fresh { items, .. } => write_items(items, numbering, out),
        _ => {
            numbering.is_misplaced = true;
            out.array(0);
        }
    }
}

/// Writes the values of a root as one array.
pub(crate) fn write_root<M>(root: &mut Fragment<M>, numbering: &mut Numbering, out: &mut Writer) {
    out.array(value_count(root.template));
    write_values(root, numbering, out);
}

/// Writes the skeleton of a root as one array, and numbers the root and all within it.
pub(crate) fn write_skeleton<M>(root: &mut Fragment<M>, numbering: &mut Numbering, out: &mut Writer) {
    out.array(bone_count(root.template));
    write_bones(root, numbering, out);
}

fn write_bones<M>(fragment: &mut Fragment<M>, numbering: &mut Numbering, out: &mut Writer) {
    fragment.id = numbering.number(fragment.template, false);
    for (slot, value) in fragment.template.slots.iter().zip(&mut fragment.values) {
        if slot.kind.slot_kind().is_content() {
            write_bone(value, numbering, out);
        }
    }
}

fn write_bone<M>(value: &mut Value<M>, numbering: &mut Numbering, out: &mut Writer) {
    match value {
        Value::Text(_) | Value::Branch(None) => out.nil(),
        Value::Raw(_) => {
            let is_left_out = numbering.left_out.binary_search(&numbering.raw_count).is_ok();
            numbering.raw_count += 1;
            if is_left_out { out.nil() } else { out.bool(true) }
        }
        Value::Html(html) => write_splice_bones(html.root_mut(), numbering, out),
        Value::Memo(memo) => Part::number(&mut memo.0, |root| write_splice_bones(root, numbering, out)),
        Value::Branch(Some((arm, fragment))) => {
            out.array(1 + bone_count(fragment.template));
            out.uint(u64::from(*arm));
            write_bones(fragment, numbering, out);
        }
        Value::List(items) => write_list_bones(items, numbering, out),
        Value::Packed(items) => write_packed_bones(items, numbering, out),
        Value::Stream(stream) => {
            numbering.has_streams = true;
            let mut none = Vec::new();
            write_list_bones(stream.items_mut().unwrap_or(&mut none), numbering, out);
        }
        // Of slots that aren't content.
        Value::Absent
        | Value::Unknown
        | Value::Flag(_)
        | Value::Message { .. }
        | Value::Payload(_)
        | Value::NoHandler => {}
    }
}

fn write_splice_bones<M>(root: &mut Fragment<M>, numbering: &mut Numbering, out: &mut Writer) {
    out.array(1 + bone_count(root.template));
    out.uint(u64::from(root.template.fingerprint));
    write_bones(root, numbering, out);
}

fn write_list_bones<M>(items: &mut [Item<M>], numbering: &mut Numbering, out: &mut Writer) {
    if items.is_empty() {
        return out.array(0);
    }
    let is_plain = items.iter().all(|item| item.body.read(is_plain));
    let bones =
        if is_plain { 0 } else { items.len() * items[0].body.read(|fragment| bone_count(fragment.template)) };
    out.array(1 + bones);
    out.uint(items.len() as u64);
    // The count says it all when no item holds an instance; they are numbered all the same.
    let mut unwritten = Writer::new();
    let out = if is_plain { &mut unwritten } else { &mut *out };
    for item in items {
        item.body.number(|fragment| write_bones(fragment, numbering, out));
    }
}

fn write_packed_bones<M>(items: &mut Packed<M>, numbering: &mut Numbering, out: &mut Writer) {
    let template = items.template();
    let is_plain = items.kept().iter().all(is_plain_value);
    out.array(1 + if is_plain { 0 } else { items.len() * bone_count(template) });
    out.uint(items.len() as u64);
    numbering.note(template, false);
    // Streams and lists without items are plain, and are noted all the same.
    let mut unwritten = Writer::new();
    let out = if is_plain { &mut unwritten } else { out };
    for index in 0..items.len() {
        items.set_id(index, numbering.take_id());
        for (slot, cell) in template.slots.iter().zip(items.places_mut(index)) {
            match cell {
                _ if !slot.kind.slot_kind().is_content() => {}
                Cell::Kept(value) => write_bone(value, numbering, out),
                _ => out.nil(),
            }
        }
    }
}

/// Whether no content slot holds an instance or raw HTML.
fn is_plain<M>(fragment: &Fragment<M>) -> bool {
    fragment.values.iter().all(is_plain_value)
}

fn is_plain_value<M>(value: &Value<M>) -> bool {
    match value {
        Value::Raw(_) | Value::Html(_) | Value::Memo(..) | Value::Branch(Some(_)) | Value::Packed(_) => false,
        Value::List(items) => items.is_empty(),
        Value::Stream(stream) => stream.items().is_empty(),
        _ => true,
    }
}

/// The text of an attribute as a document may have it.
pub(crate) fn attribute_text<'t>(kind: &Kind, text: &'t str) -> &'t str {
    if let Kind::Attribute { guard, .. } = kind { guarded(*guard, text) } else { text }
}
