//! Templates and steps to Rust: statics first, then one `let` per value, then the instance.
//!
//! Generated locals have the hygiene of `Span::mixed_site`, so that the author's
//! expressions cannot see them. The author's expressions keep their spans.

/// `quote!` with hygiene: the author's expressions don't see the locals in it.
macro_rules! code {
    ($($tokens:tt)*) => { ::quote::quote_spanned!(::proc_macro2::Span::mixed_site()=> $($tokens)*) };
}

mod text;

use proc_macro2::{Ident, Literal, Span, TokenStream};
use quote::{format_ident, quote_spanned};

use crate::ast::{Bracketed, Over};
use crate::names::Namespace;
use crate::nesting::{Placed, Within};
use crate::template::{Arm, Body, Kind, Reach, Slot, Step, Template, Templates, Value, generated};

/// The whole expansion.
pub(crate) fn emit(templates: &Templates, root: &Body) -> TokenStream {
    let statics =
        templates.templates.iter().enumerate().map(|(index, template)| template_static(index, template));
    let (steps, template, values) = instance(root);
    code! {{
        #[allow(unused_imports, reason = "a template without splices uses none")]
        use ::lightspeed::__private::{
            HeldReference as _, HeldValue as _, SpliceList as _, SpliceLive as _, SpliceOption as _, SpliceOther as _,
            SpliceRender as _, SpliceResult as _, SpliceText as _,
        };
        #(#statics)*
        let __messages = ::lightspeed::__private::Messages::new();
        // The first branch is looked at first: it tells the type of the messages to all that follows.
        if false {
            __messages.html()
        } else {
            #steps
            ::lightspeed::__private::Html::new(&#template, #values)
        }
    }}
}

fn template_name(index: usize) -> Ident {
    format_ident!("__LIGHTSPEED_TEMPLATE_{}", index, span = Span::mixed_site())
}

fn template_static(index: usize, template: &Template) -> TokenStream {
    let name = template_name(index);
    let Template { fingerprint, namespace, roots, statics, slots, reach, placed } = template;
    let placed = placed
        .iter()
        .map(|Placed { tag, not_in }| code!(::lightspeed::__private::Placed { tag: #tag, not_in: #not_in }));
    let roots = Literal::usize_unsuffixed(*roots);
    let namespace = match namespace {
        Namespace::Html => code!(Html),
        Namespace::Svg => code!(Svg),
        Namespace::MathMl => code!(MathMl),
    };
    let slots = slots.iter().map(slot);
    let reach = reach.iter().map(self::reach);
    code! {
        static #name: ::lightspeed::__private::Template = ::lightspeed::__private::Template {
            fingerprint: #fingerprint,
            namespace: ::lightspeed::__private::Namespace::#namespace,
            roots: #roots,
            statics: &[#(#statics),*],
            slots: &[#(#slots),*],
            reach: ::lightspeed::__private::Reaches::new(&[#(#reach),*]),
            placed: &[#(#placed),*],
            place: ::core::concat!(::core::file!(), ":", ::core::line!(), ":", ::core::column!()),
        };
    }
}

fn reach(reach: &Reach) -> TokenStream {
    let path = reach.path.iter().copied().map(Literal::usize_unsuffixed);
    let kind = Ident::new(reach.kind, Span::mixed_site());
    let slot = reach.slot.map(Literal::usize_unsuffixed);
    let slot = slot.map_or_else(
        || code!(::core::option::Option::None),
        |slot| code!(::core::option::Option::Some(#slot)),
    );
    code! {
        ::lightspeed::__private::Reach {
            path: &[#(#path),*],
            kind: ::lightspeed::__private::ReachKind::#kind,
            slot: #slot,
        }
    }
}

fn slot(slot: &Slot) -> TokenStream {
    let kind = match &slot.kind {
        Kind::Splice => code!(Splice),
        Kind::Attribute { name, guard } => {
            let guard = Ident::new(&format!("{guard:?}"), Span::mixed_site());
            code!(Attribute { name: #name, guard: ::lightspeed::__private::Guard::#guard })
        }
        Kind::Flag { name } => code!(Flag { name: #name }),
        Kind::Class { name } => code!(Class { name: #name }),
        Kind::Property { field, is_content } => {
            let none = || code!(::core::option::Option::None);
            let field = field.as_ref().map_or_else(none, |field| code!(::core::option::Option::Some(#field)));
            code!(Property { name: "value", field: #field, is_content: #is_content })
        }
        Kind::BoolProperty { name } => code!(BoolProperty { name: #name }),
        Kind::Handler { event } => {
            let event = Ident::new(event, Span::mixed_site());
            code!(Handler { event: ::lightspeed::__private::EventKind::#event })
        }
        Kind::Branch { arms } => {
            let arms = arms.iter().copied().map(template_name);
            code!(Branch { arms: &[#(&#arms),*] })
        }
        Kind::List { item } => {
            let item = template_name(*item);
            code!(List { item: &#item })
        }
    };
    // Unsuffixed: an index that is no `u16` is the compiler's to refuse.
    let path = slot.path.iter().copied().map(Literal::usize_unsuffixed);
    let within = if slot.within == Within::ROOT {
        code!(ROOT)
    } else {
        let Within { keeps, opens } = slot.within;
        code!(new(#keeps, #opens))
    };
    code! {
        ::lightspeed::__private::Slot {
            kind: ::lightspeed::__private::Kind::#kind,
            path: &[#(#path),*],
            within: ::lightspeed::__private::Within::#within,
        }
    }
}

/// The steps of an instance, its template, and its values in the order of the slots.
fn instance(body: &Body) -> (TokenStream, Ident, TokenStream) {
    let steps = body.steps.iter().map(step);
    let values = (0..body.fields.len()).map(value_name);
    let values = if body.fields.is_empty() {
        code!(::lightspeed::__private::Vec::new())
    } else {
        code!(::lightspeed::__private::Vec::from([#(#values),*]))
    };
    (code!(#(#steps)*), template_name(body.template), values)
}

fn value_name(slot: usize) -> Ident {
    format_ident!("__value_{}", slot, span = Span::mixed_site())
}

fn key_name() -> Ident {
    Ident::new("__key", Span::mixed_site())
}

fn step(step: &Step) -> TokenStream {
    match step {
        Step::Let(local) => code!(#local),
        Step::Scope(steps) => scope(step, steps),
        Step::Key(Bracketed { expr, span }) => {
            let key = key_name();
            let to_key =
                quote_spanned!(generated(*span)=> ::lightspeed::__private::IntoKey::to_key(&(#expr)));
            code!(let #key = #to_key;)
        }
        Step::Value(slot, value) => {
            let name = value_name(*slot);
            let value = self::value(value);
            code!(let #name = #value;)
        }
        Step::Flags(slots, Bracketed { expr, span }) => match slots.as_slice() {
            [slot] => {
                let name = value_name(*slot);
                let flag = quote_spanned!(generated(*span)=> ::lightspeed::__private::Value::Flag(#expr));
                code!(let #name = #flag;)
            }
            slots => {
                let names = slots.iter().copied().map(value_name);
                let flag = quote_spanned!(generated(*span)=> let __flag: ::core::primitive::bool = #expr;);
                code!(#flag #(let #names = ::lightspeed::__private::Value::Flag(__flag);)*)
            }
        },
        Step::ClassPart { slot, is_first, part } => text::class_part(*slot, *is_first, part),
        Step::ClassEnd { slot } => {
            let (name, class) = (value_name(*slot), text::class_name(*slot));
            code!(let #name = ::lightspeed::__private::Value::Text(#class);)
        }
    }
}

/// A block of the author's: what it computes is handed out, what it binds isn't.
fn scope(step: &Step, steps: &[Step]) -> TokenStream {
    let mut slots = Vec::new();
    let has_key = step.results(&mut slots);
    let mut names: Vec<Ident> = slots.into_iter().map(value_name).collect();
    names.extend(has_key.then(key_name));
    let steps = steps.iter().map(self::step);
    match names.as_slice() {
        [] => code!({ #(#steps)* }),
        [name] => code!(let #name = { #(#steps)* #name };),
        names => code!(let (#(#names),*) = { #(#steps)* (#(#names),*) };),
    }
}

fn value(value: &Value) -> TokenStream {
    match value {
        Value::Splice(Bracketed { expr, span }) => {
            quote_spanned!(generated(*span)=> __messages.value((&&&&::lightspeed::__private::Splice(&(#expr))).splice()))
        }
        Value::Text(markups) => {
            let text = text::text(markups);
            code!(::lightspeed::__private::Value::Text(#text))
        }
        Value::OptionalText(option) => {
            let text = text::optional(option);
            code!(::lightspeed::__private::Value::attribute(#text))
        }
        Value::Handler { payload, handler: Bracketed { expr, span }, is_optional } => {
            let event = Ident::new(payload, Span::mixed_site());
            let into_handler = quote_spanned! {generated(*span)=>
                __messages.handler::<::lightspeed::__private::event::#event, _, _>
            };
            if *is_optional {
                quote_spanned! {generated(*span)=>
                    match (#expr) {
                        ::core::option::Option::Some(__handler) => #into_handler(__handler),
                        ::core::option::Option::None => ::lightspeed::__private::Value::NoHandler,
                    }
                }
            } else {
                // With the place of the expression, so that what the closure borrows is reported there.
                quote_spanned!(generated(*span)=> #into_handler(#expr))
            }
        }
        Value::If { arms, otherwise } => {
            let arms = arms.iter().map(|(condition, body)| {
                let body = arm(body);
                code!(if #condition { #body } else)
            });
            let otherwise = otherwise.as_ref().map_or_else(|| code!(::core::option::Option::None), arm);
            code!(::lightspeed::__private::Value::Branch(#(#arms)* { #otherwise }))
        }
        Value::Match { expr, arms } => {
            let arms = arms.iter().map(|(pattern, guard, body)| {
                let body = arm(body);
                let guard = guard.map(|guard| code!(if #guard));
                code!(#pattern #guard => { #body })
            });
            code!(::lightspeed::__private::Value::Branch(match #expr { #(#arms)* }))
        }
        Value::For { over: Over::Stream, pattern, expr, body } => stream(pattern, expr, body),
        Value::For { over: Over::Memo, pattern, expr, body } => memo(pattern, expr, body),
        Value::For { over: Over::Items, pattern, expr, body } => list(&code!(for #pattern in #expr), body),
        Value::While { condition, body } => list(&code!(while #condition), body),
    }
}

/// An `Option<(u16, Box<Fragment<M>>)>`.
fn arm(arm: &Arm) -> TokenStream {
    match arm {
        Arm::Some(index, body) => {
            let index = Literal::usize_unsuffixed(*index);
            let (steps, template, values) = instance(body);
            code! {
                #steps
                ::core::option::Option::Some((
                    #index,
                    ::lightspeed::__private::Box::new(::lightspeed::__private::Fragment::new(&#template, #values)),
                ))
            }
        }
        Arm::None(steps) => {
            let steps = steps.iter().map(step);
            code!(#(#steps)* ::core::option::Option::None)
        }
    }
}

fn list(head: &TokenStream, body: &Body) -> TokenStream {
    let (steps, template, _) = instance(body);
    let values = body.fields.iter().enumerate().map(|(slot, is_field)| {
        let value = value_name(slot);
        if *is_field { code!(__items.keep(#value);) } else { code!(__items.put(#value);) }
    });
    let key = key_name();
    code! {{
        let mut __items = ::lightspeed::__private::Packed::new(&#template);
        #head {
            #steps
            __items.begin(&#key);
            #(#values)*
        }
        __items.into_value()
    }}
}

/// The body is a function of a row's data: the stream calls it for the rows that are to be rendered.
fn stream(pattern: &syn::Pat, expr: &syn::Expr, body: &Body) -> TokenStream {
    let (steps, template, values) = instance(body);
    let key = key_name();
    let span = generated(syn::spanned::Spanned::span(expr));
    let rows = quote_spanned!(span=> ::lightspeed::__private::IntoRows::render);
    code! {
        #rows(#expr, |#pattern| {
            #steps
            ::lightspeed::__private::Item::new(
                #key,
                ::lightspeed::__private::Fragment::new(&#template, #values),
            )
        })
    }
}

/// The body is a function of a row's data: what comes before its key is always done, the rest for the rows
/// that are to be rendered.
fn memo(pattern: &syn::Pat, expr: &syn::Expr, body: &Body) -> TokenStream {
    let (_, template, values) = instance(body);
    let is_before = |index: &usize| match &body.steps[*index] {
        Step::Let(_) => body.steps[*index..].iter().any(|step| step.results(&mut Vec::new())),
        step => step.results(&mut Vec::new()),
    };
    let (before, after): (Vec<usize>, Vec<usize>) = (0..body.steps.len()).partition(is_before);
    let steps = |indexes: Vec<usize>| -> Vec<_> {
        indexes.into_iter().map(|index| step(&body.steps[index])).collect()
    };
    let (before, after) = (steps(before), steps(after));
    let key = key_name();
    let span = generated(syn::spanned::Spanned::span(expr));
    let rows = quote_spanned!(span=> ::lightspeed::__private::IntoMemoRows::render);
    code! {
        __messages.value(#rows(#expr, |#pattern, __row| {
            #(#before)*
            match __row.kept(#key, &#template) {
                ::core::result::Result::Ok(__item) => __item,
                ::core::result::Result::Err((__row, #key)) => {
                    #(#after)*
                    __row.fresh(
                        #key,
                        ::lightspeed::__private::Fragment::new(&#template, #values),
                    )
                }
            }
        }))
    }
}
