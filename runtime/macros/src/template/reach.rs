//! Which elements a person may be kept from: what the session holds events against.

use super::{Builder, Kind, Reach};
use crate::ast::{Attribute, Element};
use crate::names::Namespace;

/// Elements that `disabled` says something of.
const CONTROLS: &[&str] = &["button", "input", "select", "textarea", "option", "optgroup", "fieldset"];

/// Inputs that a label elsewhere activates although they are hidden.
const ACTIVATED: &[&str] = &["checkbox", "radio", "file", "color"];

impl Builder<'_> {
    /// Notes what an element says about who can act on it. Its attributes are written.
    pub(super) fn reach(&mut self, element: &Element, tag: &str, namespace: Namespace, path: &[usize]) {
        let is_html = namespace == Namespace::Html;
        let mut note = |kind, slot| self.reach.push(Reach { path: path.to_vec(), kind, slot });
        let kinds = [("hidden", "Hidden"), ("inert", "Inert")];
        for (name, kind) in kinds.into_iter().filter(|_| is_html) {
            for slot in says(&self.slots, element, name, path) {
                note(kind, slot);
            }
        }
        if is_html && CONTROLS.contains(&tag) {
            let kind = if tag == "fieldset" { "Fieldset" } else { "Disabled" };
            for slot in says(&self.slots, element, "disabled", path) {
                note(kind, slot);
            }
        }
        match tag {
            "legend" if is_html => note("Legend", None),
            "template" if is_html => note("Inert", None),
            _ => {}
        }
        let is_handled =
            self.slots.iter().any(|slot| matches!(slot.kind, Kind::Handler { .. }) && slot.path == path);
        if !is_html || !is_handled {
            return;
        }
        match tag {
            "button" | "select" | "textarea" => note("Control", None),
            "form" if has(element, "id") => note("Addressed", None),
            "input" => {
                // One that isn't known may be any.
                let kind = match element.literal_attribute("type") {
                    Some(kind) if kind.eq_ignore_ascii_case("hidden") => "Never",
                    Some(kind) if ACTIVATED.iter().any(|one| kind.eq_ignore_ascii_case(one)) => "Labelled",
                    None if has(element, "type") => "Labelled",
                    _ => "Control",
                };
                note(kind, None);
            }
            _ => {}
        }
    }
}

/// What says that an element has the attribute `name`: nothing more, or a slot. There is none when nothing does.
fn says(slots: &[super::Slot], element: &Element, name: &str, path: &[usize]) -> Vec<Option<usize>> {
    let is_literal =
        element.literal_attribute(name).is_some_and(|value| !value.eq_ignore_ascii_case("until-found"));
    if is_literal {
        return vec![None];
    }
    let is_it = |slot: &super::Slot| match &slot.kind {
        Kind::Attribute { name: other, .. } | Kind::Flag { name: other } => {
            other.eq_ignore_ascii_case(name) && slot.path == path
        }
        _ => false,
    };
    slots.iter().enumerate().filter(|(_, slot)| is_it(slot)).map(|(index, _)| Some(index)).collect()
}

fn has(element: &Element, name: &str) -> bool {
    element.attributes.iter().any(|attribute| match attribute {
        Attribute::Id { .. } => name == "id",
        Attribute::Named { name: found, .. } => found.text.eq_ignore_ascii_case(name),
        Attribute::Class { .. } => false,
    })
}
