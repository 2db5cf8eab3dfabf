//! What is open around a piece of HTML, as bits: for what comes together when the server runs.
//!
//! `check` sees what is written in one `html!`. What a splice brings is seen when it is rendered: a slot says which of
//! these bits its elements open, an element which of them must not be around it, and `lightspeed_core::nesting` holds
//! one against the other. `tests` says that both find the same.

use crate::ast::{Attribute, AttributeValue, Body, Element};
use crate::check;
use crate::names::{self, Namespace};

/// An open `p`, which a block would end.
const P: u32 = 1;
const A: u32 = 1 << 1;
const NOBR: u32 = 1 << 2;
const BUTTON: u32 = 1 << 3;
const FORM: u32 = 1 << 4;
const LI: u32 = 1 << 5;
const DD: u32 = 1 << 6;
const DT: u32 = 1 << 7;
const SELECT: u32 = 1 << 8;
/// An element that hears `oninput`.
const HEARS_INPUT: u32 = 1 << 9;

// What the element directly around is.
const IN_HEADING: u32 = 1 << 10;
const IN_OPTION: u32 = 1 << 11;
const IN_OPTGROUP: u32 = 1 << 12;
const IN_TABLE: u32 = 1 << 13;
const IN_TBODY: u32 = 1 << 14;
const IN_TR: u32 = 1 << 15;
const IN_COLGROUP: u32 = 1 << 16;
/// SVG or MathML, and no place for HTML in it.
const IN_FOREIGN: u32 = 1 << 17;
/// HTML that is no part of a table.
const IN_CONTENT: u32 = 1 << 18;
/// MathML in which an `svg` would be read as MathML.
const IN_MATHML: u32 = 1 << 19;

const PARENTS: u32 =
    IN_HEADING | IN_OPTION | IN_OPTGROUP | IN_ANY_TABLE | IN_FOREIGN | IN_CONTENT | IN_MATHML;
const IN_ANY_TABLE: u32 = IN_TABLE | IN_TBODY | IN_TR | IN_COLGROUP;

/// What the elements between a template's root and a place in it do to what is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Within {
    /// The bits that stay as they are around the template.
    pub(crate) keeps: u32,
    /// The bits that the template sets.
    pub(crate) opens: u32,
}

/// An element, or a text, that must not stand in all places.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Placed {
    pub(crate) tag: String,
    /// The bits that must not be set around the template.
    pub(crate) not_in: u32,
}

impl Within {
    /// Directly among the roots.
    pub(crate) const ROOT: Self = Self { keeps: u32::MAX, opens: 0 };

    /// The content of `element`, which is called `tag` and of `namespace`, where content is of namespace `content`.
    pub(crate) fn inside(
        self,
        element: &Element,
        tag: &str,
        namespace: Namespace,
        content: Namespace,
    ) -> Self {
        let closed =
            PARENTS | if namespace == Namespace::Html { closed_by(tag) } else { closed_by_foreign() };
        let mut opened = match content {
            Namespace::Html => IN_CONTENT,
            Namespace::MathMl if tag != "annotation-xml" => IN_FOREIGN | IN_MATHML,
            Namespace::Svg | Namespace::MathMl => IN_FOREIGN,
        };
        if namespace == Namespace::Html {
            opened = opened_by(tag);
        }
        if check::hears_input(element) {
            opened |= HEARS_INPUT;
        }
        Self { keeps: self.keeps & !closed, opens: (self.opens & !closed) | opened }
    }
}

fn closed_by(tag: &str) -> u32 {
    let when = |closes: bool, bits: u32| if closes { bits } else { 0 };
    let is_scope = names::is_scope(tag);
    let cuts_formatting = names::cuts_formatting(tag);
    let is_list_boundary = names::is_list_boundary(tag);
    when(tag == "template", u32::MAX)
        | when(is_scope, P | BUTTON | SELECT)
        | when(tag == "button", P)
        | when(cuts_formatting, A | NOBR)
        | when(is_list_boundary && tag != "li", LI)
        | when(is_list_boundary && !matches!(tag, "dd" | "dt"), DD | DT)
}

/// HTML in SVG or MathML stands at a boundary of most searches. Links and forms are found across it.
const fn closed_by_foreign() -> u32 {
    P | NOBR | BUTTON | LI | DD | DT | SELECT
}

fn opened_by(tag: &str) -> u32 {
    match tag {
        "template" => 0,
        "table" => IN_TABLE,
        "tbody" | "thead" | "tfoot" => IN_TBODY,
        "tr" => IN_TR,
        "colgroup" => IN_COLGROUP,
        "p" => P | IN_CONTENT,
        "a" => A | IN_CONTENT,
        "nobr" => NOBR | IN_CONTENT,
        "button" => BUTTON | IN_CONTENT,
        "form" => FORM | IN_CONTENT,
        "li" => LI | IN_CONTENT,
        "dd" => DD | IN_CONTENT,
        "dt" => DT | IN_CONTENT,
        "select" => SELECT | IN_CONTENT,
        "option" => IN_OPTION | IN_CONTENT,
        "optgroup" => IN_OPTGROUP | IN_CONTENT,
        _ if names::is_heading(tag) => IN_HEADING | IN_CONTENT,
        _ => IN_CONTENT,
    }
}

/// Text that isn't blank stands in no part of a table.
pub(crate) const TEXT: u32 = IN_ANY_TABLE;

/// The bits that must not be set where `element` stands. `namespace` is that of the place, `tag` how a parser
/// spells it.
pub(crate) fn not_in(element: &Element, tag: &str, namespace: Namespace) -> u32 {
    let when = |is_refused: bool, bits: u32| if is_refused { bits } else { 0 };
    let echoes = when(namespace == Namespace::Html && check::may_echo(element), HEARS_INPUT);
    if namespace != Namespace::Html {
        return 0;
    }
    let is_hidden_input = tag == "input"
        && element.literal_attribute("type").is_some_and(|kind| kind.eq_ignore_ascii_case("hidden"));
    let in_table = match names::table_group(tag) {
        Some("table") => IN_TBODY | IN_TR | IN_COLGROUP | IN_CONTENT,
        Some("tbody") => IN_TABLE | IN_TR | IN_COLGROUP | IN_CONTENT,
        Some("tr") => IN_TABLE | IN_TBODY | IN_COLGROUP | IN_CONTENT,
        Some(_) => IN_TABLE | IN_TBODY | IN_TR | IN_CONTENT,
        None if tag == "template" => 0,
        None if names::is_everywhere(tag) => IN_COLGROUP,
        None if is_hidden_input => IN_ANY_TABLE & !IN_TABLE,
        None => IN_ANY_TABLE,
    };
    let nested = match tag {
        "a" => A,
        "nobr" => NOBR,
        "button" => BUTTON,
        "form" => FORM,
        "li" => LI,
        "dd" | "dt" => DD | DT,
        "select" | "input" => SELECT,
        "option" => IN_OPTION,
        "optgroup" | "hr" => IN_OPTION | IN_OPTGROUP,
        "svg" => IN_MATHML,
        _ if names::is_heading(tag) => IN_HEADING,
        _ => 0,
    };
    echoes
        | in_table
        | nested
        | when(names::ends_paragraph(tag), P)
        | when(names::ends_foreign(tag) || is_html_font(element), IN_FOREIGN)
}

/// Whether the element of these bits stands directly in what is around the template.
pub(crate) const fn is_root(not_in: u32) -> bool {
    not_in & PARENTS != 0
}

/// A `font` that a parser takes for HTML wherever it stands.
pub(crate) fn is_html_font(element: &Element) -> bool {
    element.name.text.eq_ignore_ascii_case("font")
        && element.attributes.iter().any(|attribute| match attribute {
            Attribute::Named { name, .. } => names::makes_font_html(&name.text),
            _ => false,
        })
}

/// Whether a person may edit the content of `element`, as far as its own attributes say.
pub(crate) fn is_editable(element: &Element) -> bool {
    element.attributes.iter().any(|attribute| match attribute {
        Attribute::Named { name, value } if name.text.eq_ignore_ascii_case("contenteditable") => {
            !matches!(value, AttributeValue::Toggle(_))
                && value.literal().is_none_or(|text| !text.eq_ignore_ascii_case("false"))
        }
        _ => false,
    })
}

/// The content of `element`.
pub(crate) fn content(element: &Element) -> &[crate::ast::Markup] {
    match &element.body {
        Body::Block { children, .. } => children,
        Body::Void => &[],
    }
}
