//! What an attribute may be.

use std::collections::{HashMap, HashSet};

use proc_macro2::TokenStream;
use quote::ToTokens;

use super::{is_dynamic, place_of};
use crate::ast::{Attribute, AttributeValue, Element, Markup, Name};
use crate::errors::{Errors, at};
use crate::names::{self, Keywords, Namespace};

/// Adds what is wrong with the attributes of `element`, whose name is `tag`.
pub(super) fn check(errors: &mut Errors, element: &Element, tag: &str, namespace: Namespace, is_keyed: bool) {
    duplicates(errors, element, namespace);
    classes(errors, element);
    for attribute in &element.attributes {
        let Attribute::Named { name, value } = attribute else { continue };
        let lower = name.text.to_ascii_lowercase();
        if !is_sound(&name.text) {
            errors.add(
                name,
                &format!("`{}` is not the name of an attribute", name.text.escape_debug()),
                "leave out spaces, quotes, `<`, `>`, `/`, `=` and control characters",
            );
        } else if lower == "key" {
            check_key(errors, name, value, is_keyed);
        } else if names::is_handler(&lower) {
            handler(errors, name, &lower, value);
        } else {
            if namespace == Namespace::Html {
                state(errors, element, tag, name, &lower, value);
            }
            if namespace == Namespace::Html || lower.starts_with("aria-") {
                keywords(errors, tag, name, &lower, value);
            }
            url(errors, &tag.to_ascii_lowercase(), &lower, name, value);
            indirect(errors, element, &tag.to_ascii_lowercase(), &lower, name, value);
        }
    }
}

/// The expression of the element's `key`.
pub(crate) fn key(element: &Element) -> Option<&AttributeValue> {
    element.attributes.iter().find_map(|attribute| match attribute {
        Attribute::Named { name, value } if name.text.eq_ignore_ascii_case("key") => Some(value),
        _ => None,
    })
}

/// Tokens that show where the attribute is.
pub(super) fn place(attribute: &Attribute) -> TokenStream {
    match attribute {
        Attribute::Class { name, .. } => place_of(name),
        Attribute::Id { span, .. } => at(*span),
        Attribute::Named { name, .. } => name.to_token_stream(),
    }
}

/// Of two attributes of a name, a parser drops the second.
fn duplicates(errors: &mut Errors, element: &Element, namespace: Namespace) {
    let mut seen = HashSet::new();
    for attribute in &element.attributes {
        let name = match attribute {
            Attribute::Class { .. } => continue,
            Attribute::Id { .. } => "id".to_owned(),
            Attribute::Named { name, .. } if namespace == Namespace::Html => name.text.to_ascii_lowercase(),
            Attribute::Named { name, .. } => name.text.clone(),
        };
        let mend = match name.as_str() {
            "class" => "write the classes into one: `class=\"first second\"`, or as `.first.second`",
            _ => "remove one of the two",
        };
        let message = format!("the attribute `{name}` is there twice: a parser drops the second");
        if !seen.insert(name) {
            errors.add(place(attribute), &message, mend);
        }
    }
}

/// A class that is switched is there once: switching it off takes it off wherever it came from.
fn classes(errors: &mut Errors, element: &Element) {
    // The value says whether one of them so far is switched.
    let mut seen: HashMap<String, bool> = HashMap::new();
    for attribute in &element.attributes {
        let (text, is_switched) = match attribute {
            Attribute::Class { name, toggle } => (name.literal(), toggle.is_some()),
            Attribute::Named { name, value } if name.text.eq_ignore_ascii_case("class") => {
                if let AttributeValue::Toggle(toggle) = value {
                    let mend = "switch a class: `.name[condition]`";
                    errors.add(at(toggle.span), "the whole `class` cannot be switched", mend);
                }
                (value.literal(), false)
            }
            _ => continue,
        };
        for class in text.unwrap_or_default().split_ascii_whitespace() {
            let before = seen.insert(class.to_owned(), is_switched);
            if before.is_some_and(|before| before || is_switched) {
                errors.add(
                    place(attribute),
                    &format!("the class `{class}` is there twice, and switched"),
                    &format!("write it once: `.{class}[condition]`, with `||` between two conditions"),
                );
            }
        }
    }
}

fn is_sound(name: &str) -> bool {
    !name.is_empty()
        && !name.contains(|character: char| {
            character.is_whitespace() || character.is_control() || "\"'<>/=".contains(character)
        })
}

fn check_key(errors: &mut Errors, name: &Name, value: &AttributeValue, is_keyed: bool) {
    if !is_keyed {
        errors.add(
            name,
            "`key` belongs on the first element of the body of a `@for` or a `@while`",
            "move it there, or remove it",
        );
    } else if !matches!(value, AttributeValue::Markup(Markup::Splice(_))) {
        errors.add(
            name,
            "a `key` is an expression in parentheses",
            "name the item by its id: `key=(item.id)`",
        );
    }
}

fn handler(errors: &mut Errors, name: &Name, lower: &str, value: &AttributeValue) {
    if names::event(lower).is_none() {
        errors.add(
            name,
            &format!("`{}` is not an event that Lightspeed handles", name.text),
            "it handles `onclick`, `oninput`, `onchange`, `onsubmit` and `onkeydown`",
        );
        return;
    }
    let text = &name.text;
    match value {
        AttributeValue::Markup(Markup::Splice(_)) | AttributeValue::Optional(_) => {}
        AttributeValue::Markup(Markup::Literal(literal)) => errors.add(
            literal,
            "a handler is not JavaScript: a Content-Security-Policy forbids that in attributes",
            &format!("pass a message in parentheses: `{text}=(Msg::Save)`"),
        ),
        AttributeValue::Toggle(toggle) => errors.add(
            at(toggle.span),
            &format!("`{text}` needs a message"),
            &format!("pass an option of one: `{text}=[condition.then_some(Msg::Save)]`"),
        ),
        AttributeValue::Markup(_) | AttributeValue::Empty => {
            let mend = format!("pass it in parentheses: `{text}=(Msg::Save)`");
            errors.add(name, &format!("`{text}` needs a message"), &mend);
        }
    }
}

/// Attributes that a browser copies into the element's state.
fn state(
    errors: &mut Errors,
    element: &Element,
    tag: &str,
    name: &Name,
    lower: &str,
    value: &AttributeValue,
) {
    let is_known = !tag.contains('-');
    match (tag, lower) {
        ("textarea", "value") => {
            errors.add(
                name,
                "a `textarea` has no `value` attribute",
                "put the text into it: `textarea { (text) }`",
            );
        }
        ("select", "value") => {
            let mend = "mark the chosen option: `option selected[is_chosen] { .. }`";
            errors.add(name, "a `select` has no `value` attribute", mend);
        }
        ("input", "value")
            if is_dynamic(value)
                && element
                    .literal_attribute("type")
                    .is_some_and(|kind| kind.eq_ignore_ascii_case("file")) =>
        {
            errors.add(name, "only the person at the browser chooses a file", "remove the `value`");
        }
        ("iframe", "srcdoc") if is_dynamic(value) => {
            errors.add(
                name,
                "`srcdoc` is a whole document: it cannot be escaped as text",
                "serve the document at a URL and set `src=(url)`",
            );
        }
        _ if is_known && names::is_boolean_attribute(lower) => {
            let is_state = matches!(lower, "checked" | "selected");
            let is_value = matches!(value, AttributeValue::Markup(_)) && is_dynamic(value);
            if is_value || (is_state && matches!(value, AttributeValue::Optional(_))) {
                let message = format!("`{lower}` is on whenever it is there, whatever its value");
                errors.add(name, &message, &format!("switch it: `{lower}[condition]`"));
            }
        }
        _ => {}
    }
}

/// An attribute with keywords is no flag: being there without a value says nothing.
fn keywords(errors: &mut Errors, tag: &str, name: &Name, lower: &str, value: &AttributeValue) {
    let Some(Keywords { words, is_bool, means_first_when_empty }) = names::keywords_of(tag, lower) else {
        return;
    };
    let text = &name.text;
    let (first, second) = (words[0], words.get(1).copied().unwrap_or(".."));
    match value {
        AttributeValue::Toggle(toggle) => {
            let mend = if is_bool {
                format!("write it out, and a `bool` is `\"true\"` or `\"false\"`: `{text}=(condition)`")
            } else if means_first_when_empty || words == ["on", "off"] {
                format!("say both: `{text}=(if condition {{ \"{first}\" }} else {{ \"{second}\" }})`")
            } else {
                format!("say which value: `{text}=[condition.then_some(\"{first}\")]`")
            };
            errors.add(at(toggle.span), &format!("`{text}` is no flag: it has values"), &mend);
        }
        AttributeValue::Empty if !means_first_when_empty && words != [".."] => errors.add(
            name,
            &format!("`{text}` without a value says nothing"),
            &format!("give it one: `{text}=\"{first}\"`"),
        ),
        _ => {}
    }
}

fn url(errors: &mut Errors, tag: &str, lower: &str, name: &Name, value: &AttributeValue) {
    let AttributeValue::Markup(markup) = value else { return };
    // Up to the first dynamic part the text is known, and the server looks at the whole.
    if names::has_script_url(names::guard(tag, lower), &literal_start(markup)) {
        errors.add(
            markup.place(),
            &format!("a `javascript:` URL in `{}`: a Content-Security-Policy forbids it", name.text),
            "handle the event: `onclick=(Msg::Open)` on a `button`",
        );
    }
}

/// Attributes that write another attribute, or that lead away from the page.
fn indirect(
    errors: &mut Errors,
    element: &Element,
    tag: &str,
    lower: &str,
    name: &Name,
    value: &AttributeValue,
) {
    let literal = value.literal().map(|text| text.trim().to_ascii_lowercase());
    match (tag, lower) {
        (_, "attributename") if names::is_animation(tag) => match literal.as_deref() {
            None => errors.add(
                name,
                "which attribute an animation writes must be known: its values may become URLs or code",
                "choose among constant ones: `@if condition { animate attributeName=\"x\" ..; }`",
            ),
            Some(target) if names::is_handler(target) => errors.add(
                name,
                &format!("an animation cannot write the handler `{target}`"),
                "handle the event on the element: `onclick=(Msg::Open)`",
            ),
            Some(_) => {}
        },
        ("meta", "http-equiv") if literal.is_none() => errors.add(
            name,
            "`http-equiv` must be known: some of its values make a URL or a policy of `content`",
            "write it as text: `http-equiv=\"..\"`",
        ),
        ("meta", "content")
            if element
                .literal_attribute("http-equiv")
                .is_some_and(|kind| kind.trim().eq_ignore_ascii_case("refresh")) =>
        {
            let leads_to_script = |text: &str| {
                text.split([';', '=', ',', '\'', '"'])
                    .any(|part| names::has_script_url(names::Guard::Url, part))
            };
            if literal.as_deref().is_none_or(leads_to_script) {
                errors.add(
                    name,
                    "where `refresh` leads to must be known, and be no `javascript:` URL",
                    "leave it constant, or put a link with `href=(url)` in its place",
                );
            }
        }
        ("template", _) if lower.starts_with("shadowroot") => errors.add(
            name,
            &format!("`{}`: a parser makes a shadow root of the `template` and takes it away", name.text),
            "call `attachShadow` in the script of a custom element, and leave its content to the script",
        ),
        _ => {}
    }
}

/// The text that a value begins with, up to the first dynamic part.
fn literal_start(markup: &Markup) -> String {
    match markup {
        Markup::Literal(text) => text.value(),
        Markup::Block(inner) => {
            let mut start = String::new();
            for markup in inner {
                start.push_str(&literal_start(markup));
                if !matches!(markup, Markup::Literal(_) | Markup::Block(_) | Markup::Semi) {
                    break;
                }
            }
            start
        }
        _ => String::new(),
    }
}
