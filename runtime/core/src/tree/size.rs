//! About how much memory a tree takes: what is looked at is the pieces that it is made of, not every item of a list.

use core::mem::{size_of, size_of_val};

use crate::tree::html::{Fragment, Value};
use crate::tree::part::Body;

/// The bytes of a tree. Parts that a memo keeps count as a pointer, for trees share them.
///
/// It recurses no deeper than `limits::INSTANCE_DEPTH_MAX`: no fragment is made that is deeper.
pub(crate) fn of<M>(tree: &Fragment<M>) -> usize {
    size_of::<Fragment<M>>() + of_values(&tree.values)
}

fn of_values<M>(values: &[Value<M>]) -> usize {
    size_of_val(values) + values.iter().map(beside).sum::<usize>()
}

/// What a value takes outside of itself.
#[inline]
fn beside<M>(value: &Value<M>) -> usize {
    match value {
        Value::Text(text) if text.is_heap_allocated() => text.capacity(),
        Value::Raw(text) => text.len(),
        value if value.holds_instances() => of_instances(value),
        _ => 0,
    }
}

/// What the instances in a value take.
fn of_instances<M>(value: &Value<M>) -> usize {
    match value {
        Value::Html(html) => of(html.root()),
        Value::Branch(Some((_, fragment))) => of(fragment),
        Value::List(items) => items
            .iter()
            .map(|item| match &item.body {
                Body::Own(fragment) => size_of_val(item) + of(fragment),
                Body::Part(..) => size_of_val(item),
            })
            .sum(),
        Value::Packed(packed) => packed.byte_count() + of_values(packed.parts()),
        _ => 0,
    }
}
