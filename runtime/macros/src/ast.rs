//! What the parser makes of the tokens: maud's grammar as a tree.
//!
//! Content and attribute values share [`Markup`]; the parser sees to it that no
//! [`Element`] stands in an attribute's value.

use proc_macro2::{Span, TokenStream};
use quote::ToTokens;
use syn::{Expr, LitStr, Local, Pat};

/// One piece of content, or of an attribute's value.
#[derive(Debug, Clone)]
pub(crate) enum Markup {
    /// `"text"`
    Literal(LitStr),
    /// `(expr)`
    Splice(Bracketed),
    /// `{ .. }`
    Block(Vec<Markup>),
    /// `name attributes { .. }`
    Element(Box<Element>),
    /// `@let pattern = expr;`
    Let(Box<Local>),
    /// `@if`
    If(If),
    /// `@match`
    Match(Match),
    /// `@for`, `@stream`, `@memo`
    For(Box<For>),
    /// `@while`
    While(While),
    /// `;`, which stands for nothing.
    Semi,
}

/// An expression in brackets of any kind; the span is that of the brackets with what is in them.
#[derive(Debug, Clone)]
pub(crate) struct Bracketed {
    pub(crate) expr: Expr,
    pub(crate) span: Span,
}

/// `@if` with its `@else if`s and its `@else`.
#[derive(Debug, Clone)]
pub(crate) struct If {
    /// Conditions with what they guard, in order.
    pub(crate) arms: Vec<(Expr, Vec<Markup>)>,
    /// `@else`
    pub(crate) otherwise: Option<Vec<Markup>>,
}

/// `@match`
#[derive(Debug, Clone)]
pub(crate) struct Match {
    pub(crate) expr: Expr,
    pub(crate) arms: Vec<MatchArm>,
}

/// `pattern if guard => body`
#[derive(Debug, Clone)]
pub(crate) struct MatchArm {
    pub(crate) pattern: Pat,
    pub(crate) guard: Option<Expr>,
    pub(crate) body: Vec<Markup>,
}

/// `@for pattern in expr { .. }`, and the same with `@stream` and `@memo`
#[derive(Debug, Clone)]
pub(crate) struct For {
    pub(crate) over: Over,
    pub(crate) span: Span,
    pub(crate) pattern: Pat,
    pub(crate) expr: Expr,
    pub(crate) body: Vec<Markup>,
}

/// What a loop goes over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Over {
    /// `@for`: an iterator.
    Items,
    /// `@stream`: the server doesn't keep the rows.
    Stream,
    /// `@memo`: rows that haven't changed aren't rendered.
    Memo,
}

/// `@while condition { .. }`
#[derive(Debug, Clone)]
pub(crate) struct While {
    pub(crate) span: Span,
    pub(crate) condition: Expr,
    pub(crate) body: Vec<Markup>,
}

/// The name of an element, an attribute, a class or an id, with the tokens that it was written with.
#[derive(Debug, Clone)]
pub(crate) struct Name {
    pub(crate) text: String,
    pub(crate) tokens: TokenStream,
}

impl ToTokens for Name {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        self.tokens.to_tokens(tokens);
    }
}

/// An element with all that is in it.
#[derive(Debug, Clone)]
pub(crate) struct Element {
    /// `div` when only a class or an id is written.
    pub(crate) name: Name,
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) body: Body,
}

/// How an element ends.
#[derive(Debug, Clone)]
pub(crate) enum Body {
    /// `;`
    Void,
    /// `{ .. }`
    Block { span: Span, children: Vec<Markup> },
}

/// An attribute of any of the three notations.
#[derive(Debug, Clone)]
pub(crate) enum Attribute {
    /// `.name`, `.name[condition]`
    Class { name: NameOrMarkup, toggle: Option<Bracketed> },
    /// `#name`; the span is that of the `#`.
    Id { span: Span, name: NameOrMarkup },
    /// `name`, `name=value`
    Named { name: Name, value: AttributeValue },
}

/// What follows a `.` or a `#`.
#[derive(Debug, Clone)]
pub(crate) enum NameOrMarkup {
    Name(Name),
    Markup(Markup),
}

/// What follows an attribute's name.
#[derive(Debug, Clone)]
pub(crate) enum AttributeValue {
    /// Nothing.
    Empty,
    /// `="text"`, `=(expr)`, `={ .. }`, `=@if ..`
    Markup(Markup),
    /// `=[option]`
    Optional(Bracketed),
    /// `[condition]`
    Toggle(Bracketed),
}

impl NameOrMarkup {
    /// What it stands for when nothing in it is dynamic.
    pub(crate) fn literal(&self) -> Option<String> {
        match self {
            Self::Name(name) => Some(name.text.clone()),
            Self::Markup(markup) => literal(std::slice::from_ref(markup)),
        }
    }
}

/// The text of `markups` when nothing in them is dynamic.
pub(crate) fn literal(markups: &[Markup]) -> Option<String> {
    let mut text = String::new();
    for markup in markups {
        match markup {
            Markup::Literal(string) => text.push_str(&string.value()),
            Markup::Block(inner) => text.push_str(&literal(inner)?),
            Markup::Semi => {}
            _ => return None,
        }
    }
    Some(text)
}

impl AttributeValue {
    /// The value when nothing in it is dynamic; `None` for toggles too.
    pub(crate) fn literal(&self) -> Option<String> {
        match self {
            Self::Empty => Some(String::new()),
            Self::Markup(markup) => literal(std::slice::from_ref(markup)),
            Self::Optional(_) | Self::Toggle(_) => None,
        }
    }
}

impl Element {
    /// The literal value of the attribute `name`.
    pub(crate) fn literal_attribute(&self, name: &str) -> Option<String> {
        self.attributes.iter().find_map(|attribute| match attribute {
            Attribute::Named { name: found, value } if found.text.eq_ignore_ascii_case(name) => {
                value.literal()
            }
            _ => None,
        })
    }
}

/// The first element among `markups`, looking into plain blocks.
pub(crate) fn first_element(markups: &[Markup]) -> Option<&Element> {
    markups.iter().find_map(|markup| match markup {
        Markup::Element(element) => Some(&**element),
        Markup::Block(inner) => first_element(inner),
        _ => None,
    })
}
