//! Writes new instances, and the hydration layout of those that a page holds already.
//!
//! Both number the instances as they go: in program order, parents before children, the
//! way the client does. They differ in what is written of a slot: [`Form`].

use core::ops::Range;

use lightspeed_protocol::msgpack::{Text, Writer};

use crate::tree::escape::guarded;
use crate::tree::html::{Fragment, Item, Value};
use crate::tree::numbering::Numbering;
use crate::tree::packed::{Cell, Packed};
use crate::tree::part::Part;
use crate::tree::stream::Content;
use crate::tree::template::{Kind, Template};
use crate::tree::walks::Write;

/// What is written of an instance's slots.
trait Form {
    /// The client builds the instances, and needs the HTML of their templates.
    const IS_BUILT: bool;

    /// The same to be done with HTML of other messages.
    fn within<'v>(kind: &'v Kind, numbering: &'v mut Numbering, out: &'v mut Writer) -> Write<'v, 'v>;

    /// Whether something is written of a slot of this kind.
    fn has(kind: &Kind) -> bool;

    fn text(kind: &Kind, text: &str, out: &mut Writer);

    fn raw(html: &str, numbering: &mut Numbering, out: &mut Writer);

    /// How many MessagePack values the slots of an instance take.
    fn count(template: &Template) -> usize {
        template.slots.iter().filter(|slot| Self::has(&slot.kind)).count()
    }
}

/// All values, for a client that builds the instances.
struct Built;

impl Form for Built {
    const IS_BUILT: bool = true;

    fn within<'v>(kind: &'v Kind, numbering: &'v mut Numbering, out: &'v mut Writer) -> Write<'v, 'v> {
        Write::Build(kind, numbering, out)
    }

    fn has(kind: &Kind) -> bool {
        !matches!(kind, Kind::Handler { .. })
    }

    #[inline]
    fn text(kind: &Kind, text: &str, out: &mut Writer) {
        if text.is_empty() && kind.slot_kind().is_content() {
            out.nil();
        } else {
            out.text(Text::new(attribute_text(kind, text)));
        }
    }

    fn raw(html: &str, _: &mut Numbering, out: &mut Writer) {
        out.bin(html.as_bytes());
    }
}

/// The hydration layout: which instances and pieces of raw HTML are in the content slots, for a client that
/// holds the page's HTML.
struct Hydrated;

impl Form for Hydrated {
    const IS_BUILT: bool = false;

    fn within<'v>(kind: &'v Kind, numbering: &'v mut Numbering, out: &'v mut Writer) -> Write<'v, 'v> {
        Write::Hydrate(kind, numbering, out)
    }

    fn has(kind: &Kind) -> bool {
        kind.slot_kind().is_content()
    }

    fn text(_: &Kind, _: &str, out: &mut Writer) {
        out.nil();
    }

    fn raw(_: &str, numbering: &mut Numbering, out: &mut Writer) {
        let is_left_out = numbering.left_out.binary_search(&numbering.raw_count).is_ok();
        numbering.raw_count += 1;
        if is_left_out { out.nil() } else { out.bool(true) }
    }
}

/// How many MessagePack values the slots of an instance take.
pub(crate) fn value_count(template: &Template) -> usize {
    Built::count(template)
}

/// Writes the values of an instance and numbers it and all within it.
pub(crate) fn write_values<M>(fragment: &mut Fragment<M>, numbering: &mut Numbering, out: &mut Writer) {
    instance::<Built, M>(fragment, numbering, out);
}

/// Writes `[fingerprint, values..]`.
pub(crate) fn write_splice<M>(fragment: &mut Fragment<M>, numbering: &mut Numbering, out: &mut Writer) {
    splice::<Built, M>(fragment, numbering, out);
}

/// Writes what a content slot of this kind holds.
pub(crate) fn write_value<M>(
    kind: &Kind,
    content: &mut Value<M>,
    numbering: &mut Numbering,
    out: &mut Writer,
) {
    value::<Built, M>(kind, content, numbering, out);
}

/// Writes the hydration layout of what a content slot of this kind holds.
pub(crate) fn write_value_layout<M>(
    kind: &Kind,
    content: &mut Value<M>,
    numbering: &mut Numbering,
    out: &mut Writer,
) {
    value::<Hydrated, M>(kind, content, numbering, out);
}

/// Writes `[arm, values..]`.
pub(crate) fn write_branch<M>(
    arm: u16,
    fragment: &mut Fragment<M>,
    numbering: &mut Numbering,
    out: &mut Writer,
) {
    branch::<Built, M>(arm, fragment, numbering, out);
}

/// Writes `[count, values..]`. There is at least one item.
pub(crate) fn write_items<M>(items: &mut [Item<M>], numbering: &mut Numbering, out: &mut Writer) {
    list::<Built, M>(items, numbering, out);
}

/// The same for some of the items of a packed list.
pub(crate) fn write_packed<M>(
    items: &mut Packed<Value<M>>,
    range: Range<usize>,
    numbering: &mut Numbering,
    out: &mut Writer,
) {
    packed::<Built, M>(items, range, numbering, out);
}

/// Writes the values of a root as one array.
pub(crate) fn write_root<M>(root: &mut Fragment<M>, numbering: &mut Numbering, out: &mut Writer) {
    out.array(Built::count(root.template));
    instance::<Built, M>(root, numbering, out);
}

/// Writes the hydration layout of a root as one array, and numbers the root and all within it.
pub(crate) fn write_hydration_layout<M>(root: &mut Fragment<M>, numbering: &mut Numbering, out: &mut Writer) {
    out.array(Hydrated::count(root.template));
    instance::<Hydrated, M>(root, numbering, out);
}

fn instance<F: Form, M>(fragment: &mut Fragment<M>, numbering: &mut Numbering, out: &mut Writer) {
    fragment.id = numbering.number(fragment.template, F::IS_BUILT);
    for (slot, slot_value) in fragment.template.slots.iter().zip(&mut fragment.values) {
        if F::IS_BUILT || F::has(&slot.kind) {
            value::<F, M>(&slot.kind, slot_value, numbering, out);
        }
    }
}

/// By hand and not by a visitor, for each kind of value has a head of its own on the wire.
fn value<F: Form, M>(kind: &Kind, value: &mut Value<M>, numbering: &mut Numbering, out: &mut Writer) {
    match value {
        Value::Text(text) => F::text(kind, text, out),
        Value::Raw(html) => F::raw(html, numbering, out),
        Value::Html(html) => splice::<F, M>(html.root_mut(), numbering, out),
        Value::Memo(memo) => Part::number(&mut memo.0, |root| splice::<F, M>(root, numbering, out)),
        Value::Mapped(mapped) => {
            let _is_done = mapped.child_mut().write(F::within(kind, numbering, out));
        }
        Value::Absent | Value::Unknown | Value::Branch(None) => out.nil(),
        Value::Flag(on) => out.bool(*on),
        Value::Message { .. } | Value::Payload(_) | Value::NoHandler => {}
        Value::Branch(Some((arm, fragment))) => branch::<F, M>(*arm, fragment, numbering, out),
        Value::List(items) => list::<F, M>(items, numbering, out),
        Value::Packed(items) => packed::<F, M>(items, 0..items.len(), numbering, out),
        Value::Stream(stream) => {
            numbering.has_streams = true;
            let is_fresh = matches!(stream.0, Content::Fresh { .. });
            numbering.is_misplaced |= F::IS_BUILT && !is_fresh;
            list::<F, M>(stream.items_mut().map_or(&mut [], |items| &mut **items), numbering, out);
        }
    }
}

fn splice<F: Form, M>(root: &mut Fragment<M>, numbering: &mut Numbering, out: &mut Writer) {
    out.array(1 + F::count(root.template));
    out.uint(u64::from(root.template.fingerprint));
    instance::<F, M>(root, numbering, out);
}

fn branch<F: Form, M>(arm: u16, fragment: &mut Fragment<M>, numbering: &mut Numbering, out: &mut Writer) {
    out.array(1 + F::count(fragment.template));
    out.uint(u64::from(arm));
    instance::<F, M>(fragment, numbering, out);
}

fn list<F: Form, M>(items: &mut [Item<M>], numbering: &mut Numbering, out: &mut Writer) {
    let Some(first) = items.first() else { return out.array(0) };
    let template = first.body.read(|fragment| fragment.template);
    let is_plain = !F::IS_BUILT && items.iter().all(|item| item.body.read(is_plain));
    let mut unwritten = Writer::new();
    let out = list_head::<F>(items.len(), template, is_plain, out, &mut unwritten);
    for item in items {
        item.body.number(|fragment| instance::<F, M>(fragment, numbering, out));
    }
}

fn packed<F: Form, M>(
    items: &mut Packed<Value<M>>,
    range: Range<usize>,
    numbering: &mut Numbering,
    out: &mut Writer,
) {
    let template = items.template();
    let is_plain = !F::IS_BUILT && items.kept().iter().all(is_plain_value);
    numbering.note(template, F::IS_BUILT);
    let mut unwritten = Writer::new();
    let out = list_head::<F>(range.len(), template, is_plain, out, &mut unwritten);
    for index in range {
        items.set_id(index, numbering.take_id());
        for (slot, cell) in template.slots.iter().zip(items.places_mut(index)) {
            match cell {
                // Of what is built only handlers aren't written, which are kept.
                _ if !F::IS_BUILT && !F::has(&slot.kind) => {}
                Cell::Text(text) => F::text(&slot.kind, text, out),
                Cell::Absent => out.nil(),
                Cell::Flag(on) => out.bool(on),
                Cell::Kept(value) if value.is_handler() => {}
                Cell::Kept(kept) => value::<F, M>(&slot.kind, kept, numbering, out),
            }
        }
    }
}

/// Writes the array's length and the count of items; returns where their values are to be written.
///
/// The count says it all when no item holds an instance or raw HTML: the items are numbered, and what is
/// written goes nowhere.
fn list_head<'o, F: Form>(
    count: usize,
    template: &Template,
    is_plain: bool,
    out: &'o mut Writer,
    unwritten: &'o mut Writer,
) -> &'o mut Writer {
    out.array(1 + if is_plain { 0 } else { count * F::count(template) });
    out.uint(count as u64);
    if is_plain { unwritten } else { out }
}

/// Whether no content slot holds an instance or raw HTML.
fn is_plain<M>(fragment: &Fragment<M>) -> bool {
    fragment.values.iter().all(is_plain_value)
}

fn is_plain_value<M>(value: &Value<M>) -> bool {
    match value {
        Value::Raw(_)
        | Value::Html(_)
        | Value::Memo(..)
        | Value::Mapped(_)
        | Value::Branch(Some(_))
        | Value::Packed(_) => false,
        Value::List(items) => items.is_empty(),
        Value::Stream(stream) => stream.items().is_empty(),
        _ => true,
    }
}

/// The text of an attribute as a document may have it.
pub(crate) fn attribute_text<'t>(kind: &Kind, text: &'t str) -> &'t str {
    if let Kind::Attribute { guard, .. } = kind { guarded(*guard, text) } else { text }
}
