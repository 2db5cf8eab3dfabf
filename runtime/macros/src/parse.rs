//! Tokens to tree: the grammar of [maud 0.27](https://maud.lambda.xyz), and `key=(..)`.
//!
//! ```text
//! markup    = literal | "(" expr ")" | block | element | control | ";"
//! block     = "{" (markup | "@let" ..)* "}"
//! element   = name? attribute* (";" | block)          name may be left out before "." or "#"
//! attribute = "." part ("[" condition "]")?  |  "#" part
//!           | name ("[" condition "]" | "=" markup | "=" "[" option "]")?
//! part      = name | markup
//! name      = fragment (("-" | ":") fragment?)*       fragment = identifier | integer | string
//! control   = "@if" .. | "@match" .. | "@for" .. | "@stream" .. | "@memo" .. | "@while" ..
//! ```
//!
//! Mistakes that don't hide what follows are collected, so that one build shows several.

use proc_macro2::{Span, TokenStream};
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};
use syn::{Error, Expr, Ident, Lit, LitBool, LitInt, LitStr, Pat, Result, Stmt, Token, token};

use crate::ast::{
    Attribute, AttributeValue, Body, Bracketed, Element, For, If, Markup, Match, MatchArm, Name,
    NameOrMarkup, Over, While,
};
use crate::errors::Errors;

mod keyword {
    syn::custom_keyword!(memo);
    syn::custom_keyword!(stream);
}

/// Parses what stands in `html! { .. }`.
pub(crate) fn parse(input: TokenStream, errors: &mut Errors) -> Option<Vec<Markup>> {
    let parser = |input: ParseStream| Grammar { errors: &mut *errors }.markups(input, Place::Content);
    match parser.parse2(input) {
        Ok(markups) => Some(markups),
        Err(error) => {
            errors.push(error);
            None
        }
    }
}

/// Where markup stands: elements are for content only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Content,
    Attribute,
}

struct Grammar<'a> {
    errors: &'a mut Errors,
}

impl Grammar<'_> {
    fn markups(&mut self, input: ParseStream, place: Place) -> Result<Vec<Markup>> {
        let mut markups = Vec::new();
        while !input.is_empty() {
            markups.push(self.markup(input, place)?);
        }
        Ok(markups)
    }

    fn block(&mut self, input: ParseStream, place: Place) -> Result<(Span, Vec<Markup>)> {
        let content;
        let brace = syn::braced!(content in input);
        Ok((brace.span.join(), self.markups(&content, place)?))
    }

    fn markup(&mut self, input: ParseStream, place: Place) -> Result<Markup> {
        if is_control_keyword(input) {
            // Read on as if the `@` were there: the rest is checked too.
            let keyword = input.fork().call(Ident::parse_any)?;
            if keyword != "else" {
                let mend = format!("should this be `@{keyword}`?");
                self.errors.add(&keyword, &format!("found keyword `{keyword}`"), &mend);
            }
            return self.control(input, place);
        }
        let lookahead = input.lookahead1();
        if lookahead.peek(token::Brace) {
            Ok(Markup::Block(self.block(input, place)?.1))
        } else if lookahead.peek(Lit) {
            self.literal(input).map(Markup::Literal)
        } else if lookahead.peek(token::Paren) {
            let content;
            let paren = syn::parenthesized!(content in input);
            Ok(Markup::Splice(whole(&content, paren.span.join())?))
        } else if lookahead.peek(Token![@]) {
            input.parse::<Token![@]>()?;
            self.control(input, place)
        } else if lookahead.peek(Token![;]) {
            input.parse::<Token![;]>()?;
            Ok(Markup::Semi)
        } else if lookahead.peek(Ident::peek_any) || lookahead.peek(Token![.]) || lookahead.peek(Token![#]) {
            if place == Place::Attribute {
                return Err(crate::errors::error(
                    input.parse::<proc_macro2::TokenTree>()?,
                    "an element cannot stand in an attribute",
                    "write text in quotes and expressions in parentheses: `{ \"user-\" (id) }`",
                ));
            }
            self.element(input).map(|element| Markup::Element(Box::new(element)))
        } else {
            Err(lookahead.error())
        }
    }

    fn literal(&mut self, input: ParseStream) -> Result<LitStr> {
        let literal: Lit = input.parse()?;
        let text = match &literal {
            Lit::Str(string) => return Ok(string.clone()),
            Lit::Char(character) => Some(character.value().to_string()),
            Lit::Int(_) | Lit::Float(_) | Lit::Bool(_) => Some(literal.to_token_stream().to_string()),
            _ => None,
        };
        match text {
            Some(text) => self.errors.add(
                &literal,
                "a literal is a string",
                &format!(
                    "put it in double quotes, `\"{text}\"`, or in parentheses, `({})`",
                    literal.to_token_stream()
                ),
            ),
            None => self.errors.add(&literal, "expected a string", "put text in double quotes"),
        }
        Ok(LitStr::new("", literal.span()))
    }

    fn element(&mut self, input: ParseStream) -> Result<Element> {
        let name = if input.peek(Ident::peek_any) {
            Self::name(input)?
        } else {
            // A class or an id alone is a `div`, with the span of its `.` or `#`.
            let tokens = input.fork().parse::<proc_macro2::TokenTree>()?.into_token_stream();
            Name { text: "div".to_owned(), tokens }
        };
        let mut attributes = Vec::new();
        while input.peek(Ident::peek_any) || input.peek(Lit) || input.peek(Token![.]) || input.peek(Token![#])
        {
            attributes.push(self.attribute(input)?);
        }
        let body = if input.peek(token::Brace) {
            let (span, children) = self.block(input, Place::Content)?;
            Body::Block { span, children }
        } else if input.peek(Token![;]) {
            input.parse::<Token![;]>()?;
            Body::Void
        } else if input.peek(Token![/]) {
            let slash = input.parse::<Token![/]>()?;
            self.errors.add(slash, "an element doesn't end with `/`", "end a void element with `;`");
            Body::Void
        } else {
            let message = format!("the element `{}` has no end", name.text);
            let mend = "after its attributes comes `{ .. }`, or `;` for a void element";
            return Err(if input.is_empty() {
                crate::errors::error(&name, &message, mend)
            } else {
                crate::errors::error(input.parse::<proc_macro2::TokenTree>()?, &message, mend)
            });
        };
        Ok(Element { name, attributes, body })
    }

    fn attribute(&mut self, input: ParseStream) -> Result<Attribute> {
        if input.peek(Token![.]) {
            input.parse::<Token![.]>()?;
            let name = self.name_or_markup(input)?;
            let toggle = if input.peek(token::Bracket) { Some(bracketed(input)?) } else { None };
            return Ok(Attribute::Class { name, toggle });
        }
        if input.peek(Token![#]) {
            let span = input.parse::<Token![#]>()?.span;
            return Ok(Attribute::Id { span, name: self.name_or_markup(input)? });
        }
        let name = Self::name(input)?;
        if input.peek(Token![?]) {
            // An older notation of maud's for empty attributes.
            input.parse::<Token![?]>()?;
        }
        let value = if input.peek(token::Bracket) {
            AttributeValue::Toggle(bracketed(input)?)
        } else if input.peek(Token![=]) {
            input.parse::<Token![=]>()?;
            if input.peek(token::Bracket) {
                AttributeValue::Optional(bracketed(input)?)
            } else if input.peek(LitBool) {
                let literal: LitBool = input.parse()?;
                let mend = format!(
                    "for an attribute without a value write `{0}`, to switch it `{0}[condition]`",
                    name.text
                );
                self.errors.add(&literal, "an attribute's value is a string", &mend);
                AttributeValue::Empty
            } else if input.is_empty() || input.peek(Token![;]) {
                let message = format!("the attribute `{}` has no value after the `=`", name.text);
                let mend =
                    format!("write `{0}=\"..\"` or `{0}=(..)`, or `{0}` alone for an empty one", name.text);
                self.errors.add(&name, &message, &mend);
                AttributeValue::Empty
            } else {
                let value = self.markup(input, Place::Attribute)?;
                if let Markup::Let(local) = &value {
                    self.errors.add(local, "`@let` stands in a block", "put braces around it: `{ @let .. }`");
                }
                AttributeValue::Markup(value)
            }
        } else {
            AttributeValue::Empty
        };
        Ok(Attribute::Named { name, value })
    }

    fn name_or_markup(&mut self, input: ParseStream) -> Result<NameOrMarkup> {
        if input.peek(Lit) && !input.peek(LitStr) && !input.peek(LitInt) && !input.peek(LitBool) {
            return self.literal(input).map(|literal| NameOrMarkup::Markup(Markup::Literal(literal)));
        }
        if input.peek(Ident::peek_any) || input.peek(Lit) {
            return Self::name(input).map(NameOrMarkup::Name);
        }
        self.markup(input, Place::Attribute).map(NameOrMarkup::Markup)
    }

    fn name(input: ParseStream) -> Result<Name> {
        let mut name = Name { text: String::new(), tokens: TokenStream::new() };
        loop {
            let lookahead = input.lookahead1();
            if lookahead.peek(Ident::peek_any) {
                let ident = input.call(Ident::parse_any)?;
                name.text.push_str(&ident.unraw().to_string());
                name.tokens.extend(ident.into_token_stream());
            } else if lookahead.peek(LitInt) {
                let number: LitInt = input.parse()?;
                name.text.push_str(&number.to_string());
                name.tokens.extend(number.into_token_stream());
            } else if lookahead.peek(LitStr) {
                let string: LitStr = input.parse()?;
                name.text.push_str(&string.value());
                name.tokens.extend(string.into_token_stream());
            } else if !(lookahead.peek(Token![-]) || lookahead.peek(Token![:])) {
                return Err(lookahead.error());
            }
            if !(input.peek(Token![-]) || input.peek(Token![:])) {
                return Ok(name);
            }
            let punctuation: proc_macro2::Punct = input.parse()?;
            name.text.push(punctuation.as_char());
            name.tokens.extend(punctuation.into_token_stream());
        }
    }

    fn control(&mut self, input: ParseStream, place: Place) -> Result<Markup> {
        let lookahead = input.lookahead1();
        if lookahead.peek(Token![if]) {
            self.control_if(input, place)
        } else if lookahead.peek(Token![for]) {
            let keyword = input.parse::<Token![for]>()?;
            self.control_for(input, place, keyword.span, Over::Items)
        } else if input.peek(keyword::stream) {
            let keyword = input.parse::<keyword::stream>()?;
            if place == Place::Attribute {
                self.errors.add(
                    keyword,
                    "a stream cannot stand in an attribute",
                    "an attribute is one text: go over its parts with `@for`",
                );
            }
            self.control_for(input, place, keyword.span, Over::Stream)
        } else if input.peek(keyword::memo) {
            let keyword = input.parse::<keyword::memo>()?;
            if place == Place::Attribute {
                self.errors.add(
                    keyword,
                    "a memoized list cannot stand in an attribute",
                    "an attribute is one text: go over its parts with `@for`",
                );
            }
            self.control_for(input, place, keyword.span, Over::Memo)
        } else if lookahead.peek(Token![while]) {
            let keyword = input.parse::<Token![while]>()?;
            let condition = input.call(Expr::parse_without_eager_brace)?;
            let (_, body) = self.block(input, place)?;
            Ok(Markup::While(While { span: keyword.span, condition, body }))
        } else if lookahead.peek(Token![match]) {
            self.control_match(input, place)
        } else if lookahead.peek(Token![let]) {
            match input.parse()? {
                Stmt::Local(local) => Ok(Markup::Let(Box::new(local))),
                other => Err(Error::new_spanned(other, "expected a `let` statement")),
            }
        } else if input.peek(Token![else]) {
            let keyword = input.parse::<Token![else]>()?;
            self.errors.add(
                keyword,
                "`@else` without an `@if`",
                "it follows the closing brace of an `@if`'s block",
            );
            if input.peek(Token![if]) { self.control_if(input, place) } else { self.markup(input, place) }
        } else {
            Err(lookahead.error())
        }
    }

    fn control_for(&mut self, input: ParseStream, place: Place, span: Span, over: Over) -> Result<Markup> {
        let pattern = input.call(Pat::parse_multi_with_leading_vert)?;
        input.parse::<Token![in]>()?;
        let expr = input.call(Expr::parse_without_eager_brace)?;
        let (_, body) = self.block(input, place)?;
        Ok(Markup::For(Box::new(For { over, span, pattern, expr, body })))
    }

    fn control_if(&mut self, input: ParseStream, place: Place) -> Result<Markup> {
        let mut arms = Vec::new();
        loop {
            input.parse::<Token![if]>()?;
            let condition = input.call(Expr::parse_without_eager_brace)?;
            arms.push((condition, self.block(input, place)?.1));
            let is_plain = input.peek(Token![else]);
            if input.peek(Token![@]) && input.peek2(Token![else]) {
                input.parse::<Token![@]>()?;
            } else if !is_plain {
                return Ok(Markup::If(If { arms, otherwise: None }));
            }
            let keyword = input.parse::<Token![else]>()?;
            if is_plain {
                self.errors.add(keyword, "found keyword `else`", "should this be `@else`?");
            }
            if !input.peek(Token![if]) {
                let otherwise = Some(self.block(input, place)?.1);
                return Ok(Markup::If(If { arms, otherwise }));
            }
        }
    }

    fn control_match(&mut self, input: ParseStream, place: Place) -> Result<Markup> {
        input.parse::<Token![match]>()?;
        let expr = input.call(Expr::parse_without_eager_brace)?;
        let content;
        syn::braced!(content in input);
        let mut arms = Vec::new();
        while !content.is_empty() {
            let pattern = content.call(Pat::parse_multi_with_leading_vert)?;
            let guard = if content.peek(Token![if]) {
                content.parse::<Token![if]>()?;
                Some(content.parse()?)
            } else {
                None
            };
            content.parse::<Token![=>]>()?;
            let body = vec![self.markup(&content, place)?];
            if content.peek(Token![,]) {
                content.parse::<Token![,]>()?;
            }
            arms.push(MatchArm { pattern, guard, body });
        }
        Ok(Markup::Match(Match { expr, arms }))
    }
}

fn is_control_keyword(input: ParseStream) -> bool {
    input.peek(Token![if])
        || input.peek(Token![else])
        || input.peek(Token![for])
        || input.peek(Token![while])
        || input.peek(Token![match])
        || input.peek(Token![let])
}

fn bracketed(input: ParseStream) -> Result<Bracketed> {
    let content;
    let bracket = syn::bracketed!(content in input);
    whole(&content, bracket.span.join())
}

/// One expression that fills its brackets.
fn whole(content: ParseStream, span: Span) -> Result<Bracketed> {
    if content.is_empty() {
        let mend = "write the value that goes here";
        return Err(crate::errors::error(crate::errors::at(span), "the brackets are empty", mend));
    }
    let expr = content.parse()?;
    if content.is_empty() {
        return Ok(Bracketed { expr, span });
    }
    let mend = "give each expression brackets of its own";
    Err(crate::errors::error(content.parse::<TokenStream>()?, "one expression stands in brackets", mend))
}
