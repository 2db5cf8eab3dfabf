//! Attributes to statics and slots, in the order `class`, `id`, the others: as maud writes them.

use super::{Builder, ClassPart, Kind, Step, Value, clean, escape};
use crate::ast::{Attribute, AttributeValue, Bracketed, Element, Markup, NameOrMarkup, literal};
use crate::names::{self, Guard, Namespace};

/// Steps with the place of the attribute in the source, by which they are sorted.
type Placed<'a> = Vec<(usize, Step<'a>)>;

/// A part of the class attribute, wherever it was written.
#[derive(Clone, Copy)]
enum Class<'a> {
    Name(&'a NameOrMarkup, Option<&'a Bracketed>),
    Value(&'a AttributeValue),
}

impl Class<'_> {
    /// Its classes when they are known.
    fn literal(&self) -> Option<String> {
        match self {
            Self::Name(name, _) => name.literal(),
            Self::Value(value) => value.literal(),
        }
    }
}

impl Builder<'_> {
    pub(super) fn attributes<'a>(
        &mut self,
        element: &'a Element,
        tag: &str,
        namespace: Namespace,
        path: &[usize],
        steps: &mut Vec<Step<'a>>,
    ) {
        let mut placed = Placed::new();
        self.class(element, path, &mut placed);
        for (place, attribute) in element.attributes.iter().enumerate() {
            match attribute {
                Attribute::Id { name: NameOrMarkup::Name(name), .. } => self.literal("id", &name.text),
                Attribute::Id { name: NameOrMarkup::Markup(markup), .. } => {
                    self.text_attribute(element, tag, namespace, "id", markup, path, place, &mut placed);
                }
                _ => {}
            }
        }
        for (place, attribute) in element.attributes.iter().enumerate() {
            let Attribute::Named { name, value } = attribute else { continue };
            let name = namespace.attribute_name(&name.text);
            let name = name.as_str();
            match name.to_ascii_lowercase().as_str() {
                "class" => {}
                "key" => {
                    if let AttributeValue::Markup(Markup::Splice(key)) = value {
                        placed.push((place, Step::Key(key)));
                    }
                }
                lower => match (names::event(lower), value) {
                    (Some(event), AttributeValue::Markup(Markup::Splice(handler))) => {
                        let payload = payload(event, element, tag);
                        self.handler(event, payload, handler, false, path, place, &mut placed);
                    }
                    (Some(event), AttributeValue::Optional(handler)) => {
                        let payload = payload(event, element, tag);
                        self.handler(event, payload, handler, true, path, place, &mut placed);
                    }
                    (_, AttributeValue::Empty) => self.literal(name, ""),
                    (_, AttributeValue::Markup(markup)) => {
                        self.text_attribute(element, tag, namespace, name, markup, path, place, &mut placed);
                    }
                    (_, AttributeValue::Optional(option)) => {
                        let kind = attribute_kind(element, tag, namespace, name);
                        let slot = self.slot(kind, path.to_vec());
                        placed.push((place, Step::Value(slot, Value::OptionalText(option))));
                    }
                    (_, AttributeValue::Toggle(condition)) => {
                        let slot = self.slot(flag_kind(tag, namespace, name), path.to_vec());
                        placed.push((place, Step::Flags(vec![slot], condition)));
                    }
                },
            }
        }
        // Stable: what is of one attribute stays in order.
        placed.sort_by_key(|(place, _)| *place);
        steps.extend(placed.into_iter().map(|(_, step)| step));
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "the event, what it tells, and the place have nothing in common"
    )]
    fn handler<'a>(
        &mut self,
        event: &'static str,
        payload: &'static str,
        handler: &'a Bracketed,
        is_optional: bool,
        path: &[usize],
        place: usize,
        placed: &mut Placed<'a>,
    ) {
        let slot = self.slot(Kind::Handler { event }, path.to_vec());
        placed.push((place, Step::Value(slot, Value::Handler { payload, handler, is_optional })));
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "the element, the attribute and the place have nothing in common"
    )]
    fn text_attribute<'a>(
        &mut self,
        element: &Element,
        tag: &str,
        namespace: Namespace,
        name: &str,
        markup: &'a Markup,
        path: &[usize],
        place: usize,
        placed: &mut Placed<'a>,
    ) {
        let markups = std::slice::from_ref(markup);
        if let Some(text) = literal(markups) {
            self.literal(name, &text);
        } else {
            let slot = self.slot(attribute_kind(element, tag, namespace, name), path.to_vec());
            placed.push((place, Step::Value(slot, Value::Text(markups))));
        }
    }

    fn literal(&mut self, name: &str, text: &str) {
        self.write(" ");
        self.write(name);
        self.write("=\"");
        self.write(&escape_attribute(text));
        self.write("\"");
    }

    /// The class attribute: constant, constant with switches, or one text.
    fn class<'a>(&mut self, element: &'a Element, path: &[usize], placed: &mut Placed<'a>) {
        let mut parts = Vec::new();
        for (place, attribute) in element.attributes.iter().enumerate() {
            match attribute {
                Attribute::Class { name, toggle } => parts.push((place, Class::Name(name, toggle.as_ref()))),
                Attribute::Named { name, value } if name.text.eq_ignore_ascii_case("class") => {
                    parts.push((place, Class::Value(value)));
                }
                _ => {}
            }
        }
        if parts.is_empty() {
            return;
        }
        if parts.iter().any(|(_, part)| part.literal().is_none()) {
            self.class_text(&parts, path, placed);
            return;
        }
        let (switched, constant): (Vec<_>, Vec<_>) =
            parts.iter().partition(|(_, part)| matches!(part, Class::Name(_, Some(_))));
        let constant: Vec<String> = constant.iter().filter_map(|(_, part)| part.literal()).collect();
        self.write(" class=\"");
        self.write(&escape_attribute(constant.join(" ").trim_ascii()));
        for (place, part) in switched {
            let Class::Name(name, Some(condition)) = part else { continue };
            let text = name.literal().unwrap_or_default();
            // A token list takes one token at a time.
            let slots = text
                .split_ascii_whitespace()
                .map(|class| self.slot(Kind::Class { name: clean(class) }, path.to_vec()));
            let slots = slots.collect();
            placed.push((place, Step::Flags(slots, condition)));
        }
        self.write("\"");
    }

    fn class_text<'a>(&mut self, parts: &[(usize, Class<'a>)], path: &[usize], placed: &mut Placed<'a>) {
        let slot = self.slot(Kind::Attribute { name: "class".to_owned(), guard: Guard::Text }, path.to_vec());
        let mut last = 0;
        if let [(place, Class::Value(AttributeValue::Optional(option)))] = parts {
            // Alone, the option says whether the attribute is there.
            placed.push((*place, Step::Value(slot, Value::OptionalText(option))));
            return;
        }
        for (index, (place, part)) in parts.iter().enumerate() {
            let part = match (part, part.literal()) {
                (Class::Name(_, Some(condition)), Some(text)) => ClassPart::Switched(clean(&text), condition),
                (_, Some(text)) => ClassPart::Static(clean(&text)),
                (Class::Name(NameOrMarkup::Markup(markup), toggle), None) => ClassPart::Text(markup, *toggle),
                (Class::Value(AttributeValue::Markup(markup)), None) => ClassPart::Text(markup, None),
                (Class::Value(AttributeValue::Optional(option)), None) => ClassPart::Optional(option),
                (Class::Name(NameOrMarkup::Name(_), _) | Class::Value(_), None) => continue,
            };
            placed.push((*place, Step::ClassPart { slot, is_first: index == 0, part }));
            last = *place;
        }
        placed.push((last, Step::ClassEnd { slot }));
    }
}

/// The event as a type of `lightspeed::handler::event`: a form, and a `select` of several, tell names and values of what is in them.
fn payload(event: &'static str, element: &Element, tag: &str) -> &'static str {
    let has_multiple = || {
        element.attributes.iter().any(
            |attribute| matches!(attribute, Attribute::Named { name, .. } if name.text.eq_ignore_ascii_case("multiple")),
        )
    };
    match (event, tag) {
        ("Input", "form") => "FormInput",
        ("Change", "form") => "FormChange",
        ("Input", "select") if has_multiple() => "FormInput",
        ("Change", "select") if has_multiple() => "FormChange",
        _ => event,
    }
}

fn attribute_kind(element: &Element, tag: &str, namespace: Namespace, name: &str) -> Kind {
    let lower = name.to_ascii_lowercase();
    if namespace == Namespace::Html && tag == "input" && lower == "value" {
        return Kind::Property { field: element.literal_attribute("name"), is_content: false };
    }
    let guard = names::guard(&tag.to_ascii_lowercase(), &lower);
    Kind::Attribute { name: namespace.live_attribute_name(name), guard }
}

fn flag_kind(tag: &str, namespace: Namespace, name: &str) -> Kind {
    let lower = name.to_ascii_lowercase();
    match (namespace, tag, lower.as_str()) {
        (Namespace::Html, "input", "checked") | (Namespace::Html, "option", "selected") => {
            Kind::BoolProperty { name: lower }
        }
        _ => Kind::Flag { name: namespace.live_attribute_name(name) },
    }
}

/// Text as HTML, between double quotes.
fn escape_attribute(text: &str) -> String {
    escape(&clean(text)).replace('"', "&quot;")
}
