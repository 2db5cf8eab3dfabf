//! Lightspeed's [`html!`] macro: live HTML whose static half is made at compile time.
//!
//! # Layout
//!
//! The modules are the way of the tokens:
//!
//! - `parse`: tokens to the tree of `ast`
//! - `capture`: closures that are handlers take a copy of the fields that they name
//! - `check`: refuses what an HTML parser would move, drop or close; `names` knows the elements and attributes
//! - `nesting`: the same for what a splice brings, as bits that the server compares
//! - `template`: the tree to statics, slots with paths, a fingerprint, and steps that compute the values
//! - `emit`: templates to `static`s and steps to statements
//! - `errors`: the mistakes, each with its place and its mend
//!
//! What comes out names `::lightspeed::__private` only.

mod ast;
mod capture;
mod check;
mod emit;
mod errors;
mod names;
mod nesting;
mod parse;
mod template;

#[doc = include_str!("../docs/html.md")]
#[proc_macro]
pub fn html(input: proc_macro::TokenStream) -> proc_macro::TokenStream {
    expand(input.into()).into()
}

fn expand(input: proc_macro2::TokenStream) -> proc_macro2::TokenStream {
    let mut errors = errors::Errors::default();
    let Some(mut markups) = parse::parse(input, &mut errors) else {
        return errors.into_tokens();
    };
    check::check(&markups, &mut errors);
    if !errors.is_empty() {
        return errors.into_tokens();
    }
    capture::capture(&mut markups);
    let mut templates = template::Templates::default();
    let root = templates.root(&markups);
    emit::emit(&templates, &root)
}
