//! Handlers that are closures take a copy of the fields that they name.
//!
//! A handler outlives the render that makes it, so its closure cannot borrow. In
//! `onchange=(move |on: bool| Msg::Flag(on, row.id))` the closure would capture the reference `row`, though all that it
//! wants is an id. So the macro reads `row.id` when the handler is made:
//!
//! ```text
//! { let row_id = captured(&row.id); move |on: bool| Msg::Flag(on, row_id) }
//! ```
//!
//! Copied are fields (`row.id`, `self.filter`, `pair.0.name`), what a reference leads to (`*id`), and, for variables of
//! a loop's or a branch's pattern, `name.clone()`, `name.to_owned()` and `name.to_string()`. A variable that
//! the closure uses in any other way is left to it, with all of its fields: then the compiler says at the closure what
//! it borrows.
//!
//! This goes by tokens, so that what stands in `format!(..)` is found as well.

use std::collections::HashSet;

use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::{Expr, Pat};

use crate::ast::{Attribute, AttributeValue, Body, Bracketed, If, Markup, Match};
use crate::names;

/// Rewrites the handlers in `markups`.
pub(crate) fn capture(markups: &mut [Markup]) {
    walk(markups, &HashSet::new());
}

/// The variables of the patterns around, as far as the template has them.
type Bound = HashSet<String>;

fn walk(markups: &mut [Markup], bound: &Bound) {
    let with = |patterns: &[TokenStream]| {
        let mut bound = bound.clone();
        for pattern in patterns {
            idents(pattern.clone(), &mut bound);
        }
        bound
    };
    for markup in markups {
        match markup {
            Markup::Literal(_) | Markup::Splice(_) | Markup::Let(_) | Markup::Semi => {}
            Markup::Block(inner) => walk(inner, bound),
            Markup::Element(element) => {
                for attribute in &mut element.attributes {
                    if let Attribute::Named { name, value } = attribute
                        && names::event(&name.text.to_ascii_lowercase()).is_some()
                    {
                        match value {
                            AttributeValue::Markup(Markup::Splice(handler))
                            | AttributeValue::Optional(handler) => self::handler(handler, bound),
                            _ => {}
                        }
                    }
                }
                if let Body::Block { children, .. } = &mut element.body {
                    walk(children, bound);
                }
            }
            Markup::If(If { arms, otherwise }) => {
                for (condition, body) in arms {
                    walk(body, &with(&patterns(condition)));
                }
                if let Some(body) = otherwise {
                    walk(body, bound);
                }
            }
            Markup::Match(Match { arms, .. }) => {
                for arm in arms {
                    walk(&mut arm.body, &with(&[arm.pattern.to_token_stream()]));
                }
            }
            Markup::For(looped) => {
                let bound = with(&[looped.pattern.to_token_stream()]);
                walk(&mut looped.body, &bound);
            }
            Markup::While(looped) => {
                let bound = with(&patterns(&looped.condition));
                walk(&mut looped.body, &bound);
            }
        }
    }
}

/// The patterns of `let`s in a condition.
fn patterns(condition: &Expr) -> Vec<TokenStream> {
    match condition {
        Expr::Let(binding) => vec![pattern(&binding.pat)],
        Expr::Binary(chain) => [patterns(&chain.left), patterns(&chain.right)].concat(),
        Expr::Paren(inner) => patterns(&inner.expr),
        _ => Vec::new(),
    }
}

fn pattern(pattern: &Pat) -> TokenStream {
    pattern.to_token_stream()
}

/// Adds the identifiers in `tokens` that may be variables.
fn idents(tokens: TokenStream, found: &mut Bound) {
    for token in tokens {
        match token {
            TokenTree::Ident(ident) => {
                found.insert(ident.to_string());
            }
            TokenTree::Group(group) => idents(group.stream(), found),
            _ => {}
        }
    }
}

fn handler(handler: &mut Bracketed, bound: &Bound) {
    if let Expr::Closure(closure) = &mut handler.expr {
        // It may not borrow anyway.
        closure.capture.get_or_insert_with(|| syn::token::Move(closure.inputs_begin.span));
    }
    let (tokens, is_changed) = closures(handler.expr.to_token_stream(), bound);
    if is_changed {
        handler.expr = Expr::Verbatim(tokens);
    }
}

/// Rewrites each `move |..| ..` in `tokens` that isn't within another.
fn closures(tokens: TokenStream, bound: &Bound) -> (TokenStream, bool) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let mut out = TokenStream::new();
    let mut is_changed = false;
    let mut at = 0;
    while at < tokens.len() {
        if is_ident(tokens.get(at), "move") && is_punct(tokens.get(at + 1), '|') {
            let body = tokens[at + 2..].iter().position(|token| is_punct(Some(token), '|'));
            let body = body.map_or(tokens.len(), |parameters| at + 2 + parameters + 1);
            let end = tokens[body..]
                .iter()
                .position(|token| is_punct(Some(token), ',') || is_punct(Some(token), ';'))
                .map_or(tokens.len(), |length| body + length);
            let closure = &tokens[at..end];
            match Closure::new(closure, body - at, bound).rewritten() {
                Some(rewritten) => {
                    is_changed = true;
                    out.extend(rewritten);
                }
                None => out.extend(closure.iter().cloned()),
            }
            at = end;
            continue;
        }
        match &tokens[at] {
            TokenTree::Group(group) => {
                let (inner, is_inner_changed) = closures(group.stream(), bound);
                is_changed |= is_inner_changed;
                out.extend([regroup(group, inner)]);
            }
            token => out.extend([token.clone()]),
        }
        at += 1;
    }
    (out, is_changed)
}

fn is_ident(token: Option<&TokenTree>, name: &str) -> bool {
    matches!(token, Some(TokenTree::Ident(ident)) if ident == name)
}

fn is_punct(token: Option<&TokenTree>, character: char) -> bool {
    matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == character)
}

/// `group` with other content.
fn regroup(group: &Group, content: TokenStream) -> TokenTree {
    let mut regrouped = Group::new(group.delimiter(), content);
    regrouped.set_span(group.span());
    TokenTree::Group(regrouped)
}

/// What is copied: the expression, and the variable that holds the copy.
struct Copied {
    text: String,
    expr: TokenStream,
    variable: Ident,
}

struct Closure<'a> {
    /// `move |..|`
    head: &'a [TokenTree],
    body: &'a [TokenTree],
    bound: &'a Bound,
    /// Variables that the closure binds, or uses as a whole.
    whole: HashSet<String>,
    /// Variables of the surroundings that it uses as a whole: they must not be references.
    held: Vec<Ident>,
    copied: Vec<Copied>,
}

/// A place in a closure's body that may be copied.
struct Place {
    /// How many tokens it is.
    length: usize,
    /// The variable that it begins with.
    root: Ident,
    /// The tokens of it that are copied; without them the variable is used as a whole.
    expr: Option<TokenStream>,
}

impl<'a> Closure<'a> {
    fn new(tokens: &'a [TokenTree], body: usize, bound: &'a Bound) -> Self {
        let (head, body) = tokens.split_at(body);
        let mut whole = HashSet::new();
        idents(head.iter().cloned().collect(), &mut whole);
        let mut closure = Self { head, body, bound, whole, held: Vec::new(), copied: Vec::new() };
        closure.note_whole(body, binds(body), false);
        closure
    }

    /// The closure as a block that takes the copies; `None` when there is nothing to copy.
    fn rewritten(mut self) -> Option<TokenStream> {
        let body = self.rewrite(self.body);
        if self.copied.is_empty() && self.held.is_empty() {
            return None;
        }
        let head = self.head;
        let held = self.held.iter().map(|variable| {
            // At the place of the variable, where the compiler refuses it.
            let span = Span::mixed_site().located_at(variable.span());
            quote_spanned!(span=> (&::lightspeed::__private::Held(&#variable)).held();)
        });
        let copies = self.copied.iter().map(|Copied { expr, variable, .. }| {
            let span = variable.span();
            quote_spanned!(span=> let #variable = ::lightspeed::__private::captured(&(#expr));)
        });
        Some(quote!({ #(#held)* #(#copies)* #(#head)* #body }))
    }

    /// Notes the variables that are used in another way than by their fields.
    ///
    /// `binds` says that the closure has variables of its own besides its arguments, `is_macro` that these
    /// are the tokens of a macro, which may be anything.
    fn note_whole(&mut self, tokens: &[TokenTree], binds: bool, is_macro: bool) {
        let mut at = 0;
        while at < tokens.len() {
            if let Some(place) = self.place(tokens, at) {
                if place.expr.is_none() {
                    let name = place.root.to_string();
                    let is_known = name == "self" || (self.bound.contains(&name) && !binds);
                    let is_variable = is_known || (!binds && !is_macro && is_plain(tokens, at, place.length));
                    if self.whole.insert(name) && is_variable {
                        self.held.push(place.root);
                    }
                }
                at += place.length;
                continue;
            }
            if let TokenTree::Group(group) = &tokens[at] {
                let is_macro =
                    is_macro || at > 0 && is_punct(tokens.get(at - 1), '!') && !is_prefix(tokens, at - 1);
                self.note_whole(&group.stream().into_iter().collect::<Vec<_>>(), binds, is_macro);
            }
            at += 1;
        }
    }

    fn rewrite(&mut self, tokens: &[TokenTree]) -> TokenStream {
        let mut out = TokenStream::new();
        let mut at = 0;
        while at < tokens.len() {
            match self.place(tokens, at) {
                Some(Place { length, root, expr: Some(expr) }) if !self.whole.contains(&root.to_string()) => {
                    let variable = self.copy(&root, expr);
                    // A value that is given away is given away each time that the event comes.
                    let is_given = is_start(tokens, at) && is_end(tokens, at + length);
                    if is_given {
                        let span = variable.span();
                        out.extend(quote_spanned!(span=> ::core::clone::Clone::clone(&#variable)));
                    } else {
                        out.extend([TokenTree::Ident(variable)]);
                    }
                    at += length;
                }
                Some(Place { length, .. }) => {
                    out.extend(tokens[at..at + length].iter().cloned());
                    at += length;
                }
                None => {
                    match &tokens[at] {
                        TokenTree::Group(group) => {
                            let inner = self.rewrite(&group.stream().into_iter().collect::<Vec<_>>());
                            out.extend([regroup(group, inner)]);
                        }
                        token => out.extend([token.clone()]),
                    }
                    at += 1;
                }
            }
        }
        out
    }

    /// The variable that holds a copy of `expr`.
    fn copy(&mut self, root: &Ident, expr: TokenStream) -> Ident {
        let text = expr.to_string();
        if let Some(copied) = self.copied.iter().find(|copied| copied.text == text) {
            return copied.variable.clone();
        }
        let name: String =
            text.chars().map(|c| if c.is_alphanumeric() || c == '_' { c } else { ' ' }).collect();
        let name = name.split_whitespace().collect::<Vec<_>>().join("_");
        // A number keeps two apart that are called alike.
        let variable = match self.copied.len() {
            0 => format_ident!("{name}"),
            number => format_ident!("{name}_{number}"),
        };
        let variable = match name.as_str() {
            "" | "_" | "self" => format_ident!("captured_{}", self.copied.len()),
            _ if *root == name => format_ident!("{name}_{}", self.copied.len()),
            _ => variable,
        };
        let mut variable = variable;
        variable.set_span(Span::mixed_site().located_at(root.span()));
        self.copied.push(Copied { text, expr, variable: variable.clone() });
        variable
    }

    /// What begins at `tokens[at]`, if that is a variable or the `*` before one.
    fn place(&self, tokens: &[TokenTree], at: usize) -> Option<Place> {
        if is_punct(tokens.get(at), '*') {
            let root = variable(tokens.get(at + 1))?;
            let is_whole = is_punct(tokens.get(at + 2), '.')
                || matches!(tokens.get(at + 2), Some(TokenTree::Group(_)))
                || is_assigned(tokens, at + 2)
                || is_punct(tokens.get(at + 2), '?');
            if !is_prefix(tokens, at) || is_whole {
                return None;
            }
            let expr = tokens[at..at + 2].iter().cloned().collect();
            return Some(Place { length: 2, root: root.clone(), expr: Some(expr) });
        }
        let root = variable(tokens.get(at))?.clone();
        let is_part = at > 0
            && (is_punct(tokens.get(at - 1), '.')
                || is_path(tokens, at - 1)
                || is_punct(tokens.get(at - 1), '\''));
        if is_part || is_path(tokens, at + 2) && is_punct(tokens.get(at + 1), ':') || is_macro(tokens, at) {
            return None;
        }
        let mut end = at + 1;
        while is_punct(tokens.get(end), '.') && is_field(tokens, end + 1) {
            end += 2;
        }
        let is_given_away = is_punct(tokens.get(end), '.') && is_copying_call(tokens, end + 1);
        if end == at + 1 && is_given_away && self.bound.contains(&root.to_string()) {
            end += 3;
        }
        let is_mutable = is_ident(tokens.get(at.wrapping_sub(1)), "mut");
        let is_whole = end == at + 1 || is_mutable || is_index(tokens.get(end)) || is_assigned(tokens, end);
        let expr = (!is_whole).then(|| tokens[at..end].iter().cloned().collect());
        Some(Place { length: end - at, root, expr })
    }
}

/// Whether the tokens bind names: which of them are of the surroundings, is then not known.
fn binds(tokens: &[TokenTree]) -> bool {
    let mut tokens = tokens.iter().peekable();
    while let Some(token) = tokens.next() {
        let is_binding = match token {
            TokenTree::Ident(ident) => {
                ["let", "for", "fn", "use", "const", "static"].iter().any(|word| ident == word)
            }
            TokenTree::Punct(punct) => {
                let is_arrow = punct.as_char() == '=' && is_punct(tokens.peek().copied(), '>');
                is_arrow || matches!(punct.as_char(), '|' | '#')
            }
            TokenTree::Group(group) => binds(&group.stream().into_iter().collect::<Vec<_>>()),
            TokenTree::Literal(_) => false,
        };
        if is_binding {
            return true;
        }
    }
    false
}

/// Whether a name stands for a value, and isn't that of a field, a type or an argument of a macro.
fn is_plain(tokens: &[TokenTree], at: usize, length: usize) -> bool {
    const TYPES: &[&str] = &[
        "bool", "char", "f32", "f64", "i8", "i16", "i32", "i64", "i128", "isize", "str", "u8", "u16", "u32",
        "u64", "u128", "usize",
    ];
    let is_type = TYPES.iter().any(|name| is_ident(tokens.get(at), name));
    let is_label = is_punct(tokens.get(at + length), ':');
    !is_type
        && !is_label
        && !is_ident(tokens.get(at.wrapping_sub(1)), "as")
        && !is_assigned(tokens, at + length)
}

/// A name that may be a variable's.
fn variable(token: Option<&TokenTree>) -> Option<&Ident> {
    let Some(TokenTree::Ident(ident)) = token else { return None };
    let text = ident.to_string();
    let is_lower = text.starts_with(|first: char| first.is_lowercase() || first == '_') || text == "self";
    let is_keyword = matches!(
        text.as_str(),
        "as" | "async"
            | "await"
            | "break"
            | "const"
            | "continue"
            | "crate"
            | "dyn"
            | "else"
            | "false"
            | "fn"
            | "for"
            | "if"
            | "impl"
            | "in"
            | "let"
            | "loop"
            | "match"
            | "move"
            | "mut"
            | "ref"
            | "return"
            | "static"
            | "super"
            | "true"
            | "unsafe"
            | "where"
            | "while"
            | "_"
    );
    (is_lower && !is_keyword).then_some(ident)
}

/// Whether `tokens[at]` is the second half of `::`.
fn is_path(tokens: &[TokenTree], at: usize) -> bool {
    at > 0 && is_punct(tokens.get(at), ':') && is_punct(tokens.get(at - 1), ':')
}

/// `name!(..)`, `name(..)`, `name::..`: no variable.
fn is_macro(tokens: &[TokenTree], at: usize) -> bool {
    let is_call = matches!(tokens.get(at + 1), Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Parenthesis);
    let is_macro =
        is_punct(tokens.get(at + 1), '!') && matches!(tokens.get(at + 2), Some(TokenTree::Group(_)));
    is_call || is_macro
}

/// `field`, `0`, but no `method(..)`, `method::<..>(..)` or `await`.
fn is_field(tokens: &[TokenTree], at: usize) -> bool {
    let is_call = matches!(tokens.get(at + 1), Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Parenthesis)
        || is_punct(tokens.get(at + 1), ':');
    match tokens.get(at) {
        Some(TokenTree::Ident(ident)) => !is_call && ident != "await",
        Some(TokenTree::Literal(_)) => true,
        _ => false,
    }
}

/// `clone()` and the like.
fn is_copying_call(tokens: &[TokenTree], at: usize) -> bool {
    let is_name = ["clone", "to_owned", "to_string"].iter().any(|name| is_ident(tokens.get(at), name));
    is_name
        && matches!(
            tokens.get(at + 1),
            Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Parenthesis && group.stream().is_empty()
        )
}

fn is_index(token: Option<&TokenTree>) -> bool {
    matches!(token, Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Bracket)
}

/// `= ..`, `+= ..`, but not `== ..`, `=> ..`, `<= ..`.
fn is_assigned(tokens: &[TokenTree], at: usize) -> bool {
    let is = |offset: usize, character| is_punct(tokens.get(at + offset), character);
    let is_plain = is(0, '=') && !is(1, '=') && !is(1, '>');
    let is_operator = ['+', '-', '*', '/', '%', '^', '&', '|'].iter().any(|operator| is(0, *operator))
        && is(1, '=')
        && !is(2, '=');
    is_plain || is_operator
}

/// Whether the `*` at `at` stands before what it is applied to, and not between two factors.
fn is_prefix(tokens: &[TokenTree], at: usize) -> bool {
    match at.checked_sub(1).and_then(|before| tokens.get(before)) {
        None => true,
        Some(TokenTree::Punct(punct)) => !matches!(punct.as_char(), '?' | '*'),
        Some(TokenTree::Ident(ident)) => {
            let text = ident.to_string();
            matches!(text.as_str(), "return" | "in" | "if" | "match" | "else" | "while" | "mut")
        }
        Some(TokenTree::Literal(_) | TokenTree::Group(_)) => false,
    }
}

/// Whether a value begins at `at`: first in its brackets, after a comma, or after a field's name.
fn is_start(tokens: &[TokenTree], at: usize) -> bool {
    match at.checked_sub(1).and_then(|before| tokens.get(before)) {
        None => true,
        Some(TokenTree::Punct(punct)) => matches!(punct.as_char(), ',' | ':'),
        _ => false,
    }
}

/// Whether a value ends before `at`.
fn is_end(tokens: &[TokenTree], at: usize) -> bool {
    tokens.get(at).is_none() || is_punct(tokens.get(at), ',')
}
