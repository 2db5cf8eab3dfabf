//! Refuses what an HTML parser would move, drop or close behind the author's back.
//!
//! Content is looked at where it stands in the source: through `@if`, `@match`, `@for`,
//! `@while` and blocks. What a splice brings is not seen here: `nesting` has the server look at it.

mod attributes;
mod structure;

use proc_macro2::{Span, TokenStream};
use quote::ToTokens;

use crate::ast::{
    Attribute, AttributeValue, Body, Element, If, Markup, Match, NameOrMarkup, first_element, literal,
};
use crate::errors::{Errors, at};
use crate::names::{self, Around, Namespace};
use crate::nesting;

/// Adds what is wrong with `markups`, the content of a `html!`.
pub(crate) fn check(markups: &[Markup], errors: &mut Errors) {
    Checker { errors, ancestors: Vec::new() }.template(markups, Around::NOTHING);
}

struct Checker<'a> {
    errors: &'a mut Errors,
    /// The elements around the place that is looked at, outermost first.
    ancestors: Vec<Ancestor>,
}

struct Ancestor {
    /// As a parser spells it.
    tag: String,
    namespace: Namespace,
    /// It has an `oninput`.
    hears_input: bool,
}

impl Ancestor {
    fn is_html(&self, tag: &str) -> bool {
        self.namespace == Namespace::Html && self.tag == tag
    }
}

impl Checker<'_> {
    /// A root, an arm or the body of a loop.
    fn template(&mut self, markups: &[Markup], around: Around) {
        let around = around.of_template(markups);
        if self.ancestors.is_empty() {
            self.table_parts_among_roots(markups);
        }
        self.markups(markups, around, None);
    }

    /// The body of a loop, whose first element has the key.
    fn item(&mut self, keyword: Span, markups: &[Markup], around: Around) {
        let around = around.of_template(markups);
        if self.ancestors.is_empty() {
            self.table_parts_among_roots(markups);
        }
        let first = first_element(markups);
        // The content of a textarea is one text, in which nothing has a place of its own.
        let is_text = self.ancestors.last().is_some_and(|parent| parent.is_html("textarea"));
        match first {
            None if is_text => {}
            None => self.errors.add(
                at(keyword),
                "the body of a loop begins with an element that has a `key`",
                "wrap the body in an element with `key=(id)`; to leave items out, filter what the loop goes over",
            ),
            Some(element) if attributes::key(element).is_none() => self.errors.add(
                &element.name,
                "the body of a loop needs a `key`, by which an item is the same item in the next render",
                &format!("name it by its id: `{} key=(item.id)`", element.name.text),
            ),
            Some(_) => {}
        }
        self.markups(markups, around, first);
    }

    fn markups(&mut self, markups: &[Markup], around: Around, keyed: Option<&Element>) {
        for markup in markups {
            match markup {
                Markup::Literal(text) => self.text(text, &text.value()),
                Markup::Splice(_) | Markup::Let(_) | Markup::Semi => {}
                Markup::Block(inner) => self.markups(inner, around, keyed),
                Markup::Element(element) => {
                    let is_keyed = keyed.is_some_and(|keyed| std::ptr::eq(keyed, &raw const **element));
                    self.element(element, around, is_keyed);
                }
                Markup::If(If { arms, otherwise }) => {
                    arms.iter()
                        .map(|(_, body)| body)
                        .chain(otherwise)
                        .for_each(|body| self.template(body, around));
                }
                Markup::Match(Match { arms, .. }) => {
                    for arm in arms {
                        self.template(&arm.body, around);
                    }
                }
                Markup::For(body) => self.item(body.span, &body.body, around),
                Markup::While(body) => self.item(body.span, &body.body, around),
            }
        }
    }

    fn element(&mut self, element: &Element, around: Around, is_keyed: bool) {
        let namespace = around.element(&element.name.text);
        let tag = namespace.element_name(&element.name.text);
        self.element_name(element);
        attributes::check(self.errors, element, &tag, namespace, is_keyed);
        if around.namespace == Namespace::Html {
            self.place(element, &tag);
        } else {
            self.foreign(element, around.namespace);
        }
        if namespace == Namespace::Html {
            self.body(element, &tag);
            self.echo(element, &tag);
        }
        if let Body::Block { children, .. } = &element.body {
            let around = around.inside(element);
            if tag == "template" {
                self.table_parts_among_roots(children);
            }
            self.ancestors.push(Ancestor { tag, namespace, hears_input: hears_input(element) });
            self.markups(children, around, None);
            self.ancestors.pop();
        }
    }

    /// A tag begins with a letter; the rest must not end it.
    fn element_name(&mut self, element: &Element) {
        let text = &element.name.text;
        let is_sound = text.starts_with(|first: char| first.is_ascii_alphabetic())
            && !text.contains(|character: char| character.is_whitespace() || "/><\"'=&".contains(character));
        if !is_sound {
            self.errors.add(
                &element.name,
                &format!("`{text}` is not the name of an element"),
                "begin it with a letter from a to z, and go on with letters, digits and `-`",
            );
        }
    }

    /// How the element ends, and content that a parser reads as text.
    fn body(&mut self, element: &Element, tag: &str) {
        let name = &element.name;
        let text = &name.text;
        match &element.body {
            Body::Block { span, .. } if names::is_void(tag) => self.errors.add(
                at(*span),
                &format!("`{text}` is a void element: nothing stands in it"),
                &format!("end it with `;` instead of the braces: `{text};`"),
            ),
            Body::Void if !names::is_void(tag) => self.errors.add(
                name,
                &format!("`{text}` is not a void element: a parser would put what follows into it"),
                &format!("give it braces: `{text} {{}}`"),
            ),
            Body::Block { children, .. } => match tag {
                "textarea" => self.only_text(children, "textarea"),
                "selectedcontent" => self.empty(children),
                "noscript" => self.only_static(
                    children,
                    "the content of `noscript` is not live: it is for browsers that run no script",
                    "leave it constant",
                ),
                "title" => {
                    self.only_text(children, "title");
                    self.only_static(
                        children,
                        "`title` of the page is not live",
                        "render it in the page around the live view",
                    );
                }
                "template" => self.only_static(
                    children,
                    "the content of `template` is inert: it stands in no document",
                    "leave it constant, or use another element with `hidden`",
                ),
                _ if names::is_raw_text(tag) => self.raw_text(children, tag),
                _ => {}
            },
            Body::Void => {}
        }
    }

    /// What the browser fills.
    fn empty(&mut self, children: &[Markup]) {
        let mut first = None;
        for_each_child(children, &mut |child| first = first.take().or(Some(child)));
        if let Some(child) = first {
            self.errors.add(
                child.place(),
                "nothing can stand in `selectedcontent`: the browser copies the chosen `option` into it",
                "leave it empty: `selectedcontent {}`",
            );
        }
    }

    /// Content that a person edits and of which the server hears, so that it would write it a second time.
    fn echo(&mut self, element: &Element, tag: &str) {
        let name = &element.name.text;
        let children = nesting::content(element);
        let is_heard = hears_input(element) || self.ancestors.iter().any(|ancestor| ancestor.hears_input);
        if is_heard && may_echo(element) {
            self.errors.add(
                first_dynamic_content(children).unwrap_or_default(),
                &format!(
                    "nothing dynamic can stand in this `{name}`, which a person edits and `oninput` hears: the text would be there twice"
                ),
                "use a `textarea { (text) }`, whose text is a property; or leave the content constant and have a script fill it",
            );
        } else if tag.contains('-')
            && hears_input(element)
            && !nesting::is_editable(element)
            && !has_field(children)
            && let Some(place) = first_text_outside_of_lists(children)
        {
            self.errors.add(
                place,
                &format!(
                    "nothing dynamic can stand in `{name}`, which has an `oninput` and no field: what its script shows of a person's input would be there twice"
                ),
                &format!("pass the text in an attribute, `{name} value=(text) oninput=(..) {{}}`, or put the field into it"),
            );
        }
    }

    /// Content in which an element would be dropped or read as text.
    fn only_text(&mut self, children: &[Markup], tag: &str) {
        for_each_child(children, &mut |child| {
            if let Markup::Element(element) = child {
                self.errors.add(
                    &element.name,
                    &format!("`{}` cannot stand in `{tag}`: it holds text only", element.name.text),
                    &format!("put its text into the `{tag}` without the element"),
                );
            }
        });
    }

    fn only_static(&mut self, children: &[Markup], message: &str, mend: &str) {
        if let Some(place) = first_dynamic(children) {
            self.errors.add(place, message, mend);
        }
    }

    /// `script`, `style` and the like: the text goes to the page as it is.
    fn raw_text(&mut self, children: &[Markup], tag: &str) {
        let mend = match tag {
            "script" => {
                "pass the value in a `data-` attribute and read it there, or write the script with `maud::PreEscaped` in the page around the live view"
            }
            "style" => {
                "set a class or a `style` attribute, or write the rules with `maud::PreEscaped` in the page around the live view"
            }
            _ => "leave its content constant",
        };
        if let Some(place) = first_dynamic(children) {
            let message = format!(
                "nothing dynamic can stand in `{tag}`: its content isn't HTML, so it cannot be escaped"
            );
            self.errors.add(place, &message, mend);
        }
        self.only_text(children, tag);
        let end = format!("</{tag}");
        if literal(children)
            .is_some_and(|text| text.to_ascii_lowercase().contains(&end) || text.contains("<!--"))
        {
            let message = format!("`{end}` and `<!--` in a `{tag}` end it early or hide its end");
            self.errors.add(
                children[0].place(),
                &message,
                "split the string, for example with an escape of the language inside",
            );
        }
    }
}

impl Markup {
    /// Tokens that show where it is.
    fn place(&self) -> TokenStream {
        match self {
            Self::Literal(text) => text.to_token_stream(),
            Self::Splice(splice) => at(splice.span),
            Self::Element(element) => element.name.to_token_stream(),
            Self::Let(local) => local.to_token_stream(),
            Self::If(body) => body.arms[0].0.to_token_stream(),
            Self::Match(body) => body.expr.to_token_stream(),
            Self::For(body) => at(body.span),
            Self::While(body) => at(body.span),
            Self::Block(inner) => inner.first().map_or_else(TokenStream::new, Self::place),
            Self::Semi => TokenStream::new(),
        }
    }
}

/// Visits the literals, splices and elements that stand directly in an element with this content.
fn for_each_child<'a>(markups: &'a [Markup], visit: &mut impl FnMut(&'a Markup)) {
    for markup in markups {
        match markup {
            Markup::Literal(_) | Markup::Splice(_) | Markup::Element(_) => visit(markup),
            Markup::Let(_) | Markup::Semi => {}
            Markup::Block(inner) => for_each_child(inner, visit),
            Markup::If(If { arms, otherwise }) => {
                for body in arms.iter().map(|(_, body)| body).chain(otherwise) {
                    for_each_child(body, visit);
                }
            }
            Markup::Match(body) => {
                for arm in &body.arms {
                    for_each_child(&arm.body, visit);
                }
            }
            Markup::For(body) => for_each_child(&body.body, visit),
            Markup::While(body) => for_each_child(&body.body, visit),
        }
    }
}

/// Whether the element has an `oninput`.
pub(crate) fn hears_input(element: &Element) -> bool {
    element.attributes.iter().any(|attribute| match attribute {
        Attribute::Named { name, .. } => name.text.eq_ignore_ascii_case("oninput"),
        _ => false,
    })
}

/// Whether a person edits the element's content and the server writes it as well.
pub(crate) fn may_echo(element: &Element) -> bool {
    nesting::is_editable(element) && first_dynamic_content(nesting::content(element)).is_some()
}

/// Where the first content stands that isn't known at compile time and that a person could edit.
fn first_dynamic_content(markups: &[Markup]) -> Option<TokenStream> {
    markups.iter().find_map(|markup| match markup {
        Markup::Literal(_) | Markup::Semi | Markup::Let(_) => None,
        Markup::Block(inner) => first_dynamic_content(inner),
        Markup::Element(element) if is_island(element) => None,
        Markup::Element(element) => first_dynamic_content(nesting::content(element)),
        _ => Some(markup.place()),
    })
}

/// Where the first content stands that a custom element could show as what a person has typed. Rows of a list
/// are not: an element whose script asks for rows by `oninput` shows what it is given.
fn first_text_outside_of_lists(markups: &[Markup]) -> Option<TokenStream> {
    markups.iter().find_map(|markup| match markup {
        Markup::For(_) | Markup::While(_) => None,
        Markup::Block(inner) => first_text_outside_of_lists(inner),
        Markup::Element(element) if !is_island(element) => {
            first_text_outside_of_lists(nesting::content(element))
        }
        other => first_dynamic_content(std::slice::from_ref(other)),
    })
}

/// What a person can't edit within what they edit, or what has a state of its own.
fn is_island(element: &Element) -> bool {
    let is_off = |value: String| value.eq_ignore_ascii_case("false");
    element.literal_attribute("contenteditable").is_some_and(is_off) || is_field(element)
}

fn is_field(element: &Element) -> bool {
    let tag = element.name.text.to_ascii_lowercase();
    matches!(tag.as_str(), "input" | "select" | "textarea")
}

/// Whether a field is written anywhere in `markups`.
fn has_field(markups: &[Markup]) -> bool {
    let mut found = false;
    for_each_child(markups, &mut |child| {
        if let Markup::Element(element) = child {
            found |= is_field(element) || has_field(nesting::content(element));
        }
    });
    found
}

/// Where the first thing stands that isn't known at compile time.
fn first_dynamic(markups: &[Markup]) -> Option<TokenStream> {
    markups.iter().find_map(|markup| match markup {
        Markup::Literal(_) | Markup::Semi => None,
        Markup::Block(inner) => first_dynamic(inner),
        Markup::Element(element) => {
            let in_attributes = element.attributes.iter().find(|attribute| match attribute {
                Attribute::Class { name, toggle } => toggle.is_some() || name.literal().is_none(),
                Attribute::Id { name, .. } => name.literal().is_none(),
                Attribute::Named { value, .. } => value.literal().is_none(),
            });
            if let Some(attribute) = in_attributes {
                return Some(attributes::place(attribute));
            }
            match &element.body {
                Body::Block { children, .. } => first_dynamic(children),
                Body::Void => None,
            }
        }
        _ => Some(markup.place()),
    })
}

/// What the value of an attribute is, for messages about it.
fn is_dynamic(value: &AttributeValue) -> bool {
    value.literal().is_none()
}

/// Tokens that show where the name is.
fn place_of(name: &NameOrMarkup) -> TokenStream {
    match name {
        NameOrMarkup::Name(name) => name.to_token_stream(),
        NameOrMarkup::Markup(markup) => markup.place(),
    }
}
