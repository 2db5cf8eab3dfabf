//! Code that builds one text: the value of an attribute, or the content of a `textarea`.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote_spanned};

use crate::ast::{self, Bracketed, If, Markup, Match};
use crate::template::{ClassPart, clean, generated};

/// A `CompactString` of what `markups` say.
pub(super) fn text(markups: &[Markup]) -> TokenStream {
    let is_let = |markup: &Markup| matches!(markup, Markup::Let(_));
    match markups {
        [Markup::Splice(splice)] => attribute(splice),
        [Markup::Block(inner)] if !inner.iter().any(is_let) => text(inner),
        _ => {
            let appends = markups.iter().map(append);
            code!({ let mut __text = ::lightspeed::__private::CompactString::default(); #(#appends)* __text })
        }
    }
}

/// An `Option<CompactString>` of an option of the author's.
pub(super) fn optional(Bracketed { expr, span }: &Bracketed) -> TokenStream {
    quote_spanned! {generated(*span)=>
        match (#expr) {
            ::core::option::Option::Some(__text) => {
                ::core::option::Option::Some((&&&&::lightspeed::__private::Splice(&__text)).attribute())
            }
            ::core::option::Option::None => ::core::option::Option::None,
        }
    }
}

fn attribute(Bracketed { expr, span }: &Bracketed) -> TokenStream {
    quote_spanned!(generated(*span)=> (&&&&::lightspeed::__private::Splice(&(#expr))).attribute())
}

/// Statements that append to `__text`.
fn append(markup: &Markup) -> TokenStream {
    let all = |markups: &[Markup]| markups.iter().map(append).collect::<TokenStream>();
    match markup {
        Markup::Semi | Markup::Element(_) => TokenStream::new(),
        Markup::Literal(text) => {
            let text = clean(&text.value());
            code!(__text.push_str(#text);)
        }
        Markup::Splice(splice) => {
            let attribute = attribute(splice);
            code!(__text.push_str(&#attribute);)
        }
        Markup::Let(local) => code!(#local),
        Markup::Block(inner) => {
            let inner = all(inner);
            code!({ #inner })
        }
        Markup::If(If { arms, otherwise }) => {
            let arms = arms.iter().map(|(condition, body)| {
                let body = all(body);
                code!(if #condition { #body } else)
            });
            let otherwise = all(otherwise.as_deref().unwrap_or_default());
            code!(#(#arms)* { #otherwise })
        }
        Markup::Match(Match { expr, arms }) => {
            let arms = arms.iter().map(|ast::MatchArm { pattern, guard, body }| {
                let body = all(body);
                let guard = guard.as_ref().map(|guard| code!(if #guard));
                code!(#pattern #guard => { #body })
            });
            code!(match #expr { #(#arms)* })
        }
        Markup::For(looped) => {
            let ast::For { pattern, expr, body, .. } = &**looped;
            let body = all(body);
            code!(for #pattern in #expr { #body })
        }
        Markup::While(ast::While { condition, body, .. }) => {
            let body = all(body);
            code!(while #condition { #body })
        }
    }
}

/// The local in which a class attribute grows.
pub(super) fn class_name(slot: usize) -> Ident {
    format_ident!("__class_{}", slot, span = Span::mixed_site())
}

/// Appends classes to the class attribute of `slot`.
pub(super) fn class_part(slot: usize, is_first: bool, part: &ClassPart) -> TokenStream {
    let class = class_name(slot);
    let open = is_first.then(|| code!(let mut #class = ::lightspeed::__private::CompactString::default();));
    let push = |text: &TokenStream| {
        // Between two classes is one space, whatever is missing before.
        let space =
            (!is_first).then(|| code!(if !#class.is_empty() && !__part.is_empty() { #class.push(' '); }));
        code!({ let __part = #text; #space #class.push_str(&__part); })
    };
    let switched = |condition: &Bracketed, then: TokenStream| {
        let Bracketed { expr, span } = condition;
        quote_spanned!(generated(*span)=> if (#expr) { #then })
    };
    let append = match part {
        ClassPart::Static(text) => push(&code!(#text)),
        ClassPart::Switched(text, condition) => switched(condition, push(&code!(#text))),
        ClassPart::Text(markup, condition) => {
            let push = push(&text(std::slice::from_ref(*markup)));
            match condition {
                Some(condition) => switched(condition, push),
                None => push,
            }
        }
        ClassPart::Optional(option) => {
            let option = optional(option);
            let push = push(&code!(__classes));
            code!(if let ::core::option::Option::Some(__classes) = #option { #push })
        }
    };
    code!(#open #append)
}
