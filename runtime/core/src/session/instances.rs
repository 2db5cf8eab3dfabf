//! The ids of a tree's instances in one order: parents before children, as they are given.

use alloc::vec::Vec;

use lightspeed_protocol::InstanceId;

use crate::html::{Fragment, Value};
use crate::memo::part::Part;
use crate::template::Template;

/// The ids of a tree's instances.
pub(super) fn ids_of<M>(tree: &Fragment<M>) -> Vec<InstanceId> {
    let mut ids = Vec::new();
    each_instance(tree, &mut |_, id| ids.push(id));
    ids
}

/// Every instance but those in streams, parents before children.
pub(super) fn each_instance<M>(
    fragment: &Fragment<M>,
    visit: &mut impl FnMut(&'static Template, InstanceId),
) {
    visit(fragment.template, fragment.id);
    fragment.values.iter().for_each(|value| each_within(value, visit));
}

fn each_within<M>(value: &Value<M>, visit: &mut impl FnMut(&'static Template, InstanceId)) {
    match value {
        Value::Html(html) => each_instance(html.root(), visit),
        Value::Branch(Some((_, fragment))) => each_instance(fragment, visit),
        Value::Memo(memo) => memo.0.read(|fragment| each_instance(fragment, visit)),
        Value::List(items) => {
            for item in items {
                item.body.read(|fragment| each_instance(fragment, visit));
            }
        }
        Value::Packed(items) => {
            for index in 0..items.len() {
                visit(items.template(), items.id(index));
                items.kept_of(index).iter().for_each(|value| each_within(value, visit));
            }
        }
        _ => {}
    }
}

/// Gives the instances these ids, in the same order; false when there are not as many.
pub(super) fn give_ids<M>(tree: &mut Fragment<M>, ids: &[InstanceId]) -> bool {
    let mut left = ids.iter();
    number(tree, &mut left) && left.next().is_none()
}

fn number<M>(fragment: &mut Fragment<M>, ids: &mut core::slice::Iter<'_, InstanceId>) -> bool {
    let Some(id) = ids.next() else { return false };
    fragment.id = *id;
    fragment.values.iter_mut().all(|value| number_within(value, ids))
}

fn number_within<M>(value: &mut Value<M>, ids: &mut core::slice::Iter<'_, InstanceId>) -> bool {
    match value {
        Value::Html(html) => number(html.root_mut(), ids),
        Value::Branch(Some((_, fragment))) => number(fragment, ids),
        Value::Memo(memo) => Part::number(&mut memo.0, |fragment| number(fragment, ids)),
        Value::List(items) => items.iter_mut().all(|item| item.body.number(|fragment| number(fragment, ids))),
        Value::Packed(items) => (0..items.len()).all(|index| {
            let Some(id) = ids.next() else { return false };
            items.set_id(index, *id);
            items.kept_of_mut(index).iter_mut().all(|value| number_within(value, ids))
        }),
        _ => true,
    }
}
