//! Refuses what an HTML parser would move, drop or close behind the author's back.
//!
//! Content is looked at where it stands in the source: through `@if`, `@match`, `@for`,
//! `@while` and blocks. What a splice brings is not seen.

mod attributes;
mod structure;

use proc_macro2::{Span, TokenStream};
use quote::ToTokens;

use crate::ast::{
    Attribute, AttributeValue, Body, Element, If, Markup, Match, NameOrMarkup, first_element, literal,
};
use crate::errors::{Errors, at};
use crate::names::{self, Around, Namespace};

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
        let tag = namespace.spelled(&element.name.text);
        self.element_name(element);
        attributes::check(self.errors, element, &tag, namespace, is_keyed);
        if around.namespace == Namespace::Html {
            self.place(element, &tag);
        } else {
            self.foreign(element, around.namespace);
        }
        if namespace == Namespace::Html {
            self.body(element, &tag);
        }
        if let Body::Block { children, .. } = &element.body {
            let around = around.inside(&element.name.text);
            if tag == "template" {
                self.table_parts_among_roots(children);
            }
            self.ancestors.push(Ancestor { tag, namespace });
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
                "option" => self.only_text(children, "option"),
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
