//! About how much memory a tree takes: what is looked at is the pieces that it is made of, not every item of a list.

use core::mem::size_of;

use crate::html::{Fragment, Value};
use crate::memo::part::Body;

/// Deeper parts are not looked at: what is that deep is little.
const DEPTH_MAX: usize = 128;

/// The bytes of a tree. Parts that a memo keeps count as a pointer, for trees share them.
pub(crate) fn of<M>(tree: &Fragment<M>) -> usize {
    of_fragment(tree, DEPTH_MAX)
}

fn of_fragment<M>(fragment: &Fragment<M>, depth: usize) -> usize {
    let depth = depth.saturating_sub(1);
    if depth == 0 {
        return 0;
    }
    size_of::<Fragment<M>>() + of_values(&fragment.values, depth)
}

fn of_values<M>(values: &[Value<M>], depth: usize) -> usize {
    values.iter().map(|value| size_of::<Value<M>>() + beside(value, depth)).sum()
}

/// What a value takes outside of itself.
fn beside<M>(value: &Value<M>, depth: usize) -> usize {
    match value {
        Value::Text(text) if text.is_heap_allocated() => text.capacity(),
        Value::Raw(text) => text.len(),
        Value::Html(html) => of_fragment(html.root(), depth),
        Value::Branch(Some((_, fragment))) => of_fragment(fragment, depth),
        Value::List(items) => items
            .iter()
            .map(|item| match &item.body {
                Body::Own(fragment) => size_of_val(item) + of_fragment(fragment, depth),
                Body::Part(..) => size_of_val(item),
            })
            .sum(),
        Value::Packed(packed) => packed.byte_count() + of_values(packed.parts(), depth),
        _ => 0,
    }
}
