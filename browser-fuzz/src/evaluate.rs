//! Templates of a source that is known at run time only, and instances of them.
//!
//! The source is what stands in `html! { .. }`. Its expressions are names of *sites*, `v0`, `v1` and so on;
//! [`Values`] says what each of them is. What is compiled stays in memory until the process ends.

use lightspeed_core::__private::{EventKind, Fragment, Html, Packed, Placed, Value, Within};
use lightspeed_core::key::IntoKey;
use lightspeed_core::splice::{Splice, SpliceText};
use lightspeed_core::template as made;
use lightspeed_protocol::template::Namespace as MadeNamespace;
use proc_macro2::TokenStream;
use quote::ToTokens;

use crate::ast::{Bracketed, Markup};
use crate::errors::Errors;
use crate::names::{Guard, Namespace};
use crate::template::{self, ClassPart, Kind, Templates};

/// The number of an expression.
pub type Site = u32;

/// What the expressions of a source stand for; `rows` are the keys of the items around the place.
pub trait Values<M> {
    /// A text, or none where the source has an option.
    fn text(&self, site: Site, rows: &[u32]) -> Option<String>;
    /// A condition.
    fn flag(&self, site: Site, rows: &[u32]) -> bool;
    /// What a splice holds.
    fn content(&self, site: Site, rows: &[u32]) -> Value<M>;
    /// A handler.
    fn handler(&self, site: Site, rows: &[u32]) -> Value<M>;
    /// Which of `count` arms of a `@match`.
    fn arm(&self, site: Site, rows: &[u32], count: usize) -> usize;
    /// The keys of a list's items.
    fn rows(&self, site: Site, rows: &[u32]) -> Vec<u32>;
}

/// A compiled piece of markup: its template, and how the values of its slots are computed.
#[derive(Debug)]
pub struct Body {
    template: &'static made::Template,
    /// Of each slot, whether it is a field's.
    fields: Vec<bool>,
    steps: Vec<Step>,
}

#[derive(Debug)]
enum Step {
    Value(usize, Source),
    Flags(Vec<usize>, Site),
    ClassPart(usize, Part),
}

#[derive(Debug)]
enum Source {
    Content(Site),
    Text(Vec<Piece>),
    Optional(Site),
    Handler(Site),
    If(Vec<(Site, Arm)>, Arm),
    Match(Site, Vec<Arm>),
    List(Site, Body),
}

/// The index of an arm's template, if it has one, and its body.
type Arm = Option<(u16, Body)>;

#[derive(Debug)]
enum Piece {
    Literal(String),
    Splice(Site),
}

#[derive(Debug)]
enum Part {
    Static(String),
    Text(Vec<Piece>, Option<Site>),
    Switched(String, Site),
    Optional(Site),
}

/// Compiles what stands in a `html!`.
///
/// # Errors
///
/// What the macro would say to its author, as the tokens of that.
pub fn compile(source: &str) -> Result<Body, String> {
    let tokens: TokenStream = source.parse().map_err(|error| format!("{error}: {source}"))?;
    let mut errors = Errors::default();
    let Some(markups) = crate::parse::parse(tokens, &mut errors) else {
        return Err(errors.into_tokens().to_string());
    };
    crate::check::check(&markups, &mut errors);
    if !errors.is_empty() {
        return Err(errors.into_tokens().to_string());
    }
    let mut templates = Templates::default();
    let body = templates.root(&markups);
    let made = leak(&templates);
    Ok(lower(&body, &made))
}

fn text(text: &str) -> &'static str {
    Box::leak(text.to_owned().into_boxed_str())
}

/// Each template of the macro's as one of the runtime's.
fn leak(templates: &Templates) -> Vec<&'static made::Template> {
    let mut all: Vec<&'static made::Template> = Vec::new();
    for template in &templates.templates {
        let slots = template.slots.iter().map(|slot| made::Slot {
            kind: kind(&slot.kind, &all),
            path: path(&slot.path),
            within: Within::new(slot.within.keeps, slot.within.opens),
        });
        let reach = template.reach.iter().map(|reach| made::Reach {
            path: path(&reach.path),
            kind: reach_kind(reach.kind),
            slot: reach.slot.map(|slot| u16::try_from(slot).expect("few slots")),
        });
        let placed =
            template.placed.iter().map(|placed| Placed { tag: text(&placed.tag), not_in: placed.not_in });
        let made = made::Template {
            fingerprint: template.fingerprint,
            namespace: match template.namespace {
                Namespace::Html => MadeNamespace::Html,
                Namespace::Svg => MadeNamespace::Svg,
                Namespace::MathMl => MadeNamespace::MathMl,
            },
            roots: u16::try_from(template.roots).expect("few roots"),
            statics: template.statics.iter().map(|html| text(html)).collect::<Vec<_>>().leak(),
            slots: slots.collect::<Vec<_>>().leak(),
            reach: made::Reaches::new(reach.collect::<Vec<_>>().leak()),
            placed: placed.collect::<Vec<_>>().leak(),
            place: "a case",
        };
        all.push(Box::leak(Box::new(made)));
    }
    all
}

fn path(path: &[usize]) -> &'static [u16] {
    path.iter().map(|index| u16::try_from(*index).expect("few children")).collect::<Vec<_>>().leak()
}

fn reach_kind(kind: &str) -> made::ReachKind {
    match kind {
        "Disabled" => made::ReachKind::Disabled,
        "Fieldset" => made::ReachKind::Fieldset,
        "Legend" => made::ReachKind::Legend,
        "Hidden" => made::ReachKind::Hidden,
        "Inert" => made::ReachKind::Inert,
        "Never" => made::ReachKind::Never,
        "Control" => made::ReachKind::Control,
        "Labelled" => made::ReachKind::Labelled,
        "Addressed" => made::ReachKind::Addressed,
        other => unreachable!("the runtime knows no reach {other}"),
    }
}

fn guard(guard: Guard) -> made::Guard {
    match guard {
        Guard::Text => made::Guard::Text,
        Guard::Url => made::Guard::Url,
        Guard::Code => made::Guard::Code,
        Guard::Tokens => made::Guard::Tokens,
        Guard::Values => made::Guard::Values,
    }
}

fn kind(kind: &Kind, all: &[&'static made::Template]) -> made::Kind {
    match kind {
        Kind::Splice => made::Kind::Splice,
        Kind::Attribute { name, guard: found } => {
            made::Kind::Attribute { name: text(name), guard: guard(*found) }
        }
        Kind::Flag { name } => made::Kind::Flag { name: text(name) },
        Kind::Class { name } => made::Kind::Class { name: text(name) },
        Kind::Property { field, is_content } => {
            made::Kind::Property { name: "value", field: field.as_deref().map(text), is_content: *is_content }
        }
        Kind::BoolProperty { name } => made::Kind::BoolProperty { name: text(name) },
        Kind::Handler { event } => made::Kind::Handler {
            event: match *event {
                "Click" => EventKind::Click,
                "Input" => EventKind::Input,
                "Change" => EventKind::Change,
                "Submit" => EventKind::Submit,
                "Keydown" => EventKind::Keydown,
                other => unreachable!("the macro knows no event {other}"),
            },
        },
        Kind::Branch { arms } => {
            made::Kind::Branch { arms: arms.iter().map(|arm| all[*arm]).collect::<Vec<_>>().leak() }
        }
        Kind::List { item } => made::Kind::List { item: all[*item] },
    }
}

/// The site that an expression names.
fn site(tokens: &impl ToTokens) -> Site {
    let name = tokens.to_token_stream().to_string();
    name.trim_start_matches('v')
        .parse()
        .unwrap_or_else(|_| panic!("an expression is the name of a site: {name}"))
}

fn of(bracketed: &Bracketed) -> Site {
    site(&bracketed.expr)
}

fn lower(body: &template::Body<'_>, all: &[&'static made::Template]) -> Body {
    Body {
        template: all[body.template],
        fields: body.fields.clone(),
        steps: body.steps.iter().filter_map(|each| step(each, all)).collect(),
    }
}

fn step(step: &template::Step<'_>, all: &[&'static made::Template]) -> Option<Step> {
    Some(match step {
        template::Step::Value(slot, value) => Step::Value(*slot, source(value, all)),
        template::Step::Flags(slots, condition) => Step::Flags(slots.clone(), of(condition)),
        template::Step::ClassPart { slot, part, .. } => Step::ClassPart(
            *slot,
            match part {
                ClassPart::Static(text) => Part::Static(text.clone()),
                ClassPart::Text(markup, condition) => {
                    Part::Text(pieces(std::slice::from_ref(*markup)), condition.map(of))
                }
                ClassPart::Switched(text, condition) => Part::Switched(text.clone(), of(condition)),
                ClassPart::Optional(option) => Part::Optional(of(option)),
            },
        ),
        // The key of an item is its row; a class attribute ends with the steps.
        template::Step::Key(_) | template::Step::ClassEnd { .. } => return None,
        template::Step::Let(_) | template::Step::Scope(_) => unreachable!("a source has no `@let`"),
    })
}

fn source(value: &template::Value<'_>, all: &[&'static made::Template]) -> Source {
    let arm = |arm: &template::Arm<'_>| match arm {
        template::Arm::Some(index, body) => {
            Some((u16::try_from(*index).expect("few arms"), lower(body, all)))
        }
        template::Arm::None(_) => None,
    };
    match value {
        template::Value::Splice(splice) => Source::Content(of(splice)),
        template::Value::Text(markups) => Source::Text(pieces(markups)),
        template::Value::OptionalText(option) => Source::Optional(of(option)),
        template::Value::Handler { handler, .. } => Source::Handler(of(handler)),
        template::Value::If { arms, otherwise } => Source::If(
            arms.iter().map(|(condition, body)| (site(condition), arm(body))).collect(),
            otherwise.as_ref().and_then(arm),
        ),
        template::Value::Match { expr, arms } => {
            Source::Match(site(expr), arms.iter().map(|(_, _, body)| arm(body)).collect())
        }
        template::Value::For { expr, body, .. } => Source::List(site(expr), lower(body, all)),
        template::Value::While { .. } => unreachable!("a source has no `@while`"),
    }
}

fn pieces(markups: &[Markup]) -> Vec<Piece> {
    markups
        .iter()
        .flat_map(|markup| match markup {
            Markup::Literal(text) => vec![Piece::Literal(template::clean(&text.value()))],
            Markup::Splice(splice) => vec![Piece::Splice(of(splice))],
            Markup::Block(inner) => pieces(inner),
            Markup::Semi => Vec::new(),
            other => unreachable!("a text of a source has no control structures: {other:?}"),
        })
        .collect()
}

/// A text as the macro's expansion takes it.
fn taken(text: &str) -> String {
    SpliceText::attribute(&&&Splice(text)).into()
}

impl Body {
    /// An instance, whose values are `values` at the moment.
    pub fn html<M>(&self, values: &impl Values<M>) -> Html<M> {
        Html::new(self.template, self.values(values, &[]))
    }

    fn fragment<M>(&self, values: &impl Values<M>, rows: &[u32]) -> Fragment<M> {
        Fragment::new(self.template, self.values(values, rows))
    }

    fn values<M>(&self, values: &impl Values<M>, rows: &[u32]) -> Vec<Value<M>> {
        let mut slots: Vec<Option<Value<M>>> = self.template.slots.iter().map(|_| None).collect();
        for step in &self.steps {
            match step {
                Step::Value(slot, source) => slots[*slot] = Some(source.value(values, rows)),
                Step::Flags(flags, condition) => {
                    let flag = values.flag(*condition, rows);
                    for slot in flags {
                        slots[*slot] = Some(Value::Flag(flag));
                    }
                }
                Step::ClassPart(slot, part) => {
                    let value = slots[*slot].get_or_insert_with(|| Value::Text(String::new().into()));
                    let Value::Text(class) = value else { unreachable!("classes are one text") };
                    if let Some(part) = part.text(values, rows) {
                        if !class.is_empty() && !part.is_empty() {
                            class.push(' ');
                        }
                        class.push_str(&part);
                    }
                }
            }
        }
        slots.into_iter().map(|slot| slot.expect("a step for each slot")).collect()
    }
}

impl Source {
    fn value<M>(&self, values: &impl Values<M>, rows: &[u32]) -> Value<M> {
        let instance = |arm: &Arm| {
            Value::Branch(arm.as_ref().map(|(index, body)| (*index, Box::new(body.fragment(values, rows)))))
        };
        match self {
            Self::Content(site) => values.content(*site, rows),
            Self::Text(pieces) => Value::Text(joined(pieces, values, rows).into()),
            Self::Optional(site) => {
                Value::attribute(values.text(*site, rows).map(|text| taken(&text).into()))
            }
            Self::Handler(site) => values.handler(*site, rows),
            Self::If(arms, otherwise) => {
                match arms.iter().find(|(condition, _)| values.flag(*condition, rows)) {
                    Some((_, arm)) => instance(arm),
                    None => instance(otherwise),
                }
            }
            Self::Match(site, arms) => instance(&arms[values.arm(*site, rows, arms.len())]),
            Self::List(site, body) => {
                let mut items = Packed::new(body.template);
                for row in values.rows(*site, rows) {
                    let rows = [rows, &[row]].concat();
                    let made = body.values(values, &rows);
                    items.begin(&row.to_key());
                    for (value, is_field) in made.into_iter().zip(&body.fields) {
                        if *is_field { items.keep(value) } else { items.put(value) }
                    }
                }
                items.into_value()
            }
        }
    }
}

impl Part {
    fn text<M>(&self, values: &impl Values<M>, rows: &[u32]) -> Option<String> {
        match self {
            Self::Static(text) => Some(text.clone()),
            Self::Text(pieces, condition) => {
                condition.is_none_or(|site| values.flag(site, rows)).then(|| joined(pieces, values, rows))
            }
            Self::Switched(text, condition) => values.flag(*condition, rows).then(|| text.clone()),
            Self::Optional(site) => values.text(*site, rows).map(|text| taken(&text)),
        }
    }
}

fn joined<M>(pieces: &[Piece], values: &impl Values<M>, rows: &[u32]) -> String {
    pieces.iter().fold(String::new(), |text, piece| match piece {
        Piece::Literal(literal) => text + literal,
        Piece::Splice(site) => text + &taken(&values.text(*site, rows).unwrap_or_default()),
    })
}
