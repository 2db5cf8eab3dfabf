//! Tree to templates: what is known at compile time goes into statics and slots, the rest
//! becomes steps that compute the slots' values in the order of the source.

mod attributes;
mod fingerprint;
mod reach;

use proc_macro2::Span;
use syn::{Expr, Local, Pat};

use crate::ast::{self, Body as ElementBody, Bracketed, Element, If, Markup, Match, Over, literal};
use crate::names::{self, Around, Guard, Namespace};
use crate::nesting::{self, Placed, Within};

/// The templates of one `html!`, each after those that it refers to.
#[derive(Debug, Default)]
pub(crate) struct Templates {
    pub(crate) templates: Vec<Template>,
}

/// Mirrors `lightspeed_core::template::Template`.
#[derive(Debug)]
pub(crate) struct Template {
    pub(crate) fingerprint: u32,
    pub(crate) namespace: Namespace,
    pub(crate) roots: usize,
    pub(crate) statics: Vec<String>,
    pub(crate) slots: Vec<Slot>,
    /// What mustn't stand in all places.
    pub(crate) placed: Vec<Placed>,
    pub(crate) reach: Vec<Reach>,
}

/// Mirrors `lightspeed_core::template::Reach`.
#[derive(Debug)]
pub(crate) struct Reach {
    pub(crate) path: Vec<usize>,
    pub(crate) kind: &'static str,
    pub(crate) slot: Option<usize>,
}

/// Mirrors `lightspeed_core::template::Slot`.
#[derive(Debug)]
pub(crate) struct Slot {
    pub(crate) kind: Kind,
    pub(crate) path: Vec<usize>,
    /// What is around content.
    pub(crate) within: Within,
}

/// Mirrors `lightspeed_core::template::Kind`, with indexes of templates.
#[derive(Debug)]
pub(crate) enum Kind {
    Splice,
    Attribute { name: String, guard: Guard },
    Flag { name: String },
    Class { name: String },
    Property { field: Option<String>, is_content: bool },
    BoolProperty { name: String },
    Handler { event: &'static str },
    Branch { arms: Vec<usize> },
    List { item: usize },
}

/// An instance to be: a template, and how its values are computed.
#[derive(Debug)]
pub(crate) struct Body<'a> {
    pub(crate) template: usize,
    /// Of each slot, whether it is a field's: what a person may change.
    pub(crate) fields: Vec<bool>,
    pub(crate) steps: Vec<Step<'a>>,
}

/// One thing to do, in the order of the source.
#[derive(Debug)]
pub(crate) enum Step<'a> {
    /// `@let`
    Let(&'a Local),
    /// A block with a `@let` in it.
    Scope(Vec<Step<'a>>),
    /// The key of the loop's item.
    Key(&'a Bracketed),
    /// The value of a slot.
    Value(usize, Value<'a>),
    /// A condition that several slots share: the tokens of a switched class.
    Flags(Vec<usize>, &'a Bracketed),
    /// A text of the slot's class attribute; the first of them opens it.
    ClassPart { slot: usize, is_first: bool, part: ClassPart<'a> },
    /// The class attribute is complete.
    ClassEnd { slot: usize },
}

/// A part of a class attribute that is one text.
#[derive(Debug)]
pub(crate) enum ClassPart<'a> {
    /// Classes that are always there.
    Static(String),
    /// Classes from a text, if the condition says so.
    Text(&'a Markup, Option<&'a Bracketed>),
    /// Literal classes, if the condition says so.
    Switched(String, &'a Bracketed),
    /// Classes from an option of a text.
    Optional(&'a Bracketed),
}

/// What computes a slot's value.
#[derive(Debug)]
pub(crate) enum Value<'a> {
    Splice(&'a Bracketed),
    Text(&'a [Markup]),
    OptionalText(&'a Bracketed),
    /// `payload` is the event as `lightspeed::handler::event` names it, which decides what the handler can take.
    Handler {
        payload: &'static str,
        handler: &'a Bracketed,
        is_optional: bool,
    },
    If {
        arms: Vec<(&'a Expr, Arm<'a>)>,
        otherwise: Option<Arm<'a>>,
    },
    Match {
        expr: &'a Expr,
        arms: Vec<(&'a Pat, Option<&'a Expr>, Arm<'a>)>,
    },
    For {
        over: Over,
        pattern: &'a Pat,
        expr: &'a Expr,
        body: Body<'a>,
    },
    While {
        condition: &'a Expr,
        body: Body<'a>,
    },
}

/// An arm of a branch.
#[derive(Debug)]
pub(crate) enum Arm<'a> {
    /// Its index among the arms that have a template.
    Some(usize, Body<'a>),
    /// It renders nothing, but may have `@let`s.
    None(Vec<Step<'a>>),
}

impl Templates {
    /// Lowers a root.
    pub(crate) fn root<'a>(&mut self, markups: &'a [Markup]) -> Body<'a> {
        self.template(markups, Around::NOTHING)
    }

    /// Lowers a root, an arm or the body of a loop.
    fn template<'a>(&mut self, markups: &'a [Markup], around: Around) -> Body<'a> {
        let around = around.of_template(markups);
        let mut builder = Builder::new(self);
        let mut children = Children::of_root();
        let mut steps = Vec::new();
        builder.markups(markups, around, &mut children, &mut steps);
        if children.next == 0 {
            // Every instance has a first node.
            builder.separator(&mut children);
        }
        let Builder { statics, slots, reach, placed, .. } = builder;
        let is_field = |slot: &Slot| matches!(slot.kind, Kind::Property { .. } | Kind::BoolProperty { .. });
        let fields = slots.iter().map(is_field).collect();
        let fingerprint = fingerprint::fingerprint(around.namespace, &statics, &slots, &self.templates);
        self.templates.push(Template {
            fingerprint,
            namespace: around.namespace,
            roots: children.next,
            statics,
            slots,
            reach,
            placed,
        });
        Body { template: self.templates.len() - 1, fields, steps }
    }
}

/// The template under construction.
#[derive(Debug)]
struct Builder<'t> {
    templates: &'t mut Templates,
    /// The last one is still written to.
    statics: Vec<String>,
    slots: Vec<Slot>,
    reach: Vec<Reach>,
    placed: Vec<Placed>,
}

/// A list of child nodes under construction.
#[derive(Debug)]
struct Children {
    /// The path of the node that they are in.
    path: Vec<usize>,
    /// The index of the next one.
    next: usize,
    last: Last,
    /// Whether a text may be the first one.
    begins_with_text: bool,
    /// Whether a parser drops a newline at the start.
    drops_newline: bool,
    /// The elements around, up to the template's root.
    within: Within,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Last {
    Nothing,
    Text,
    Slot,
    /// An element or a `<!>`.
    Other,
}

impl Children {
    fn of_root() -> Self {
        Self {
            path: Vec::new(),
            next: 0,
            last: Last::Nothing,
            begins_with_text: false,
            drops_newline: false,
            within: Within::ROOT,
        }
    }

    fn add(&mut self, last: Last) -> Vec<usize> {
        let mut path = self.path.clone();
        path.push(self.next);
        self.next += 1;
        self.last = last;
        path
    }
}

impl Builder<'_> {
    fn new(templates: &mut Templates) -> Builder<'_> {
        Builder {
            templates,
            statics: vec![String::new()],
            slots: Vec::new(),
            reach: Vec::new(),
            placed: Vec::new(),
        }
    }

    fn write(&mut self, html: &str) {
        self.statics.last_mut().expect("there is always one").push_str(html);
    }

    fn slot(&mut self, kind: Kind, path: Vec<usize>) -> usize {
        self.slots.push(Slot { kind, path, within: Within::ROOT });
        self.statics.push(String::new());
        self.slots.len() - 1
    }

    /// Notes what `tag` must not stand in, if that may be around the template.
    fn place(&mut self, tag: &str, not_in: u32) {
        // A root minds what is directly around it; the runtime tells by that what is a root.
        let is_same = |placed: &&mut Placed| {
            placed.tag == tag && nesting::is_root(placed.not_in) == nesting::is_root(not_in)
        };
        match self.placed.iter_mut().find(is_same) {
            Some(placed) => placed.not_in |= not_in,
            None if not_in != 0 => self.placed.push(Placed { tag: tag.to_owned(), not_in }),
            None => {}
        }
    }

    /// A comment that keeps two neighbours from becoming one text node.
    fn separator(&mut self, children: &mut Children) {
        self.write("<!>");
        children.add(Last::Other);
    }

    fn content_slot(&mut self, kind: Kind, children: &mut Children) -> usize {
        let is_start =
            children.last == Last::Nothing && (!children.begins_with_text || children.drops_newline);
        if is_start || matches!(children.last, Last::Text | Last::Slot) {
            self.separator(children);
        }
        let path = children.add(Last::Slot);
        let slot = self.slot(kind, path);
        self.slots[slot].within = children.within;
        slot
    }

    fn text(&mut self, text: &str, children: &mut Children) {
        let text = clean(text);
        if text.is_empty() {
            return;
        }
        let is_start = children.last == Last::Nothing;
        if children.last == Last::Slot || (is_start && !children.begins_with_text) {
            self.separator(children);
        } else if is_start && children.drops_newline && text.starts_with('\n') {
            self.write("\n");
        }
        if children.last != Last::Text {
            children.add(Last::Text);
        }
        if !text.trim_ascii().is_empty() {
            self.place("text", nesting::TEXT & children.within.keeps);
        }
        let escaped = escape(&text);
        self.write(&escaped);
    }

    fn markups<'a>(
        &mut self,
        markups: &'a [Markup],
        around: Around,
        children: &mut Children,
        steps: &mut Vec<Step<'a>>,
    ) {
        for markup in markups {
            match markup {
                Markup::Semi => {}
                Markup::Literal(text) => self.text(&text.value(), children),
                Markup::Let(local) => steps.push(Step::Let(local)),
                Markup::Block(inner) => {
                    if inner.iter().any(|markup| matches!(markup, Markup::Let(_))) {
                        let mut scope = Vec::new();
                        self.markups(inner, around, children, &mut scope);
                        steps.push(Step::Scope(scope));
                    } else {
                        self.markups(inner, around, children, steps);
                    }
                }
                Markup::Splice(splice) => {
                    let slot = self.content_slot(Kind::Splice, children);
                    steps.push(Step::Value(slot, Value::Splice(splice)));
                }
                Markup::Element(element) => self.element(element, around, children, steps),
                Markup::If(body) => self.branch_if(body, around, children, steps),
                Markup::Match(body) => self.branch_match(body, around, children, steps),
                Markup::For(looped) => {
                    let ast::For { over, pattern, expr, body, .. } = &**looped;
                    let body = self.templates.template(body, around);
                    let slot = self.content_slot(Kind::List { item: body.template }, children);
                    steps.push(Step::Value(slot, Value::For { over: *over, pattern, expr, body }));
                }
                Markup::While(ast::While { condition, body, .. }) => {
                    let body = self.templates.template(body, around);
                    let slot = self.content_slot(Kind::List { item: body.template }, children);
                    steps.push(Step::Value(slot, Value::While { condition, body }));
                }
            }
        }
    }

    fn branch_if<'a>(
        &mut self,
        body: &'a If,
        around: Around,
        children: &mut Children,
        steps: &mut Vec<Step<'a>>,
    ) {
        let mut templates = Vec::new();
        let mut arms = Vec::new();
        for (condition, body) in &body.arms {
            arms.push((condition, self.arm(body, around, &mut templates)));
        }
        let otherwise = body.otherwise.as_ref().map(|body| self.arm(body, around, &mut templates));
        let slot = self.content_slot(Kind::Branch { arms: templates }, children);
        steps.push(Step::Value(slot, Value::If { arms, otherwise }));
    }

    fn branch_match<'a>(
        &mut self,
        body: &'a Match,
        around: Around,
        children: &mut Children,
        steps: &mut Vec<Step<'a>>,
    ) {
        let mut templates = Vec::new();
        let mut arms = Vec::new();
        for arm in &body.arms {
            arms.push((&arm.pattern, arm.guard.as_ref(), self.arm(&arm.body, around, &mut templates)));
        }
        let slot = self.content_slot(Kind::Branch { arms: templates }, children);
        steps.push(Step::Value(slot, Value::Match { expr: &body.expr, arms }));
    }

    /// An arm; one that renders nothing gets no template.
    fn arm<'a>(&mut self, body: &'a [Markup], around: Around, arms: &mut Vec<usize>) -> Arm<'a> {
        if let Some(steps) = lets(body) {
            return Arm::None(steps);
        }
        // The arm's body is a scope of its own, so braces around all of it need no second one.
        let body = match body {
            [Markup::Block(inner)] => inner,
            _ => body,
        };
        let body = self.templates.template(body, around);
        arms.push(body.template);
        Arm::Some(arms.len() - 1, body)
    }

    fn element<'a>(
        &mut self,
        element: &'a Element,
        around: Around,
        children: &mut Children,
        steps: &mut Vec<Step<'a>>,
    ) {
        let path = children.add(Last::Other);
        let within = children.within;
        let name = &element.name.text;
        let namespace = around.element(name);
        let tag = namespace.element_name(name);
        self.place(&tag, nesting::not_in(element, &tag, around.namespace) & children.within.keeps);
        self.write("<");
        self.write(&tag);
        self.attributes(element, &tag, namespace, &path, steps);
        self.reach(element, &tag, namespace, &path);
        self.write(">");
        let is_html = namespace == Namespace::Html;
        match &element.body {
            ElementBody::Void if is_html => return,
            // A parser of foreign elements would need the slash; an end tag says the same.
            ElementBody::Void => {}
            ElementBody::Block { children, .. } if is_html && tag == "textarea" => {
                self.textarea(element, children, path, steps);
            }
            ElementBody::Block { children, .. } if is_html && names::is_raw_text(&tag) => {
                let text = literal(children).unwrap_or_default();
                self.write(&clean(&text));
            }
            ElementBody::Block { children, .. } => {
                let drops_newline = is_html && matches!(tag.as_str(), "pre" | "listing");
                let inside = around.inside(element);
                let within = within.inside(element, &tag, namespace, inside.namespace);
                let last = Last::Nothing;
                let mut inner =
                    Children { path, next: 0, last, begins_with_text: true, drops_newline, within };
                self.markups(children, inside, &mut inner, steps);
            }
        }
        self.write("</");
        self.write(&tag);
        self.write(">");
    }

    /// A textarea's content is its first value, so it is one text and a property.
    fn textarea<'a>(
        &mut self,
        element: &Element,
        children: &'a [Markup],
        path: Vec<usize>,
        steps: &mut Vec<Step<'a>>,
    ) {
        if let Some(text) = literal(children) {
            let text = clean(&text);
            if text.starts_with('\n') {
                self.write("\n");
            }
            self.write(&escape(&text));
        } else {
            let kind = Kind::Property { field: element.literal_attribute("name"), is_content: true };
            let slot = self.slot(kind, path);
            steps.push(Step::Value(slot, Value::Text(children)));
        }
    }
}

/// The `@let`s of a body without content; `None` when there is content.
fn lets(body: &[Markup]) -> Option<Vec<Step<'_>>> {
    let mut steps = Vec::new();
    for markup in body {
        match markup {
            Markup::Semi => {}
            Markup::Literal(text) if text.value().is_empty() => {}
            Markup::Let(local) => steps.push(Step::Let(local)),
            Markup::Block(inner) => steps.push(Step::Scope(lets(inner)?)),
            _ => return None,
        }
    }
    Some(steps)
}

impl Step<'_> {
    /// Adds the slots that it computes to `slots`, and says whether it computes the key.
    pub(crate) fn results(&self, slots: &mut Vec<usize>) -> bool {
        match self {
            Self::Let(_) | Self::ClassPart { .. } => false,
            Self::Scope(steps) => {
                let keys: Vec<bool> = steps.iter().map(|step| step.results(slots)).collect();
                keys.contains(&true)
            }
            Self::Key(_) => true,
            Self::Value(slot, _) | Self::ClassEnd { slot, .. } => {
                slots.push(*slot);
                false
            }
            Self::Flags(flags, _) => {
                slots.extend(flags);
                false
            }
        }
    }
}

/// Where a generated piece of code that stands for `bracketed` is.
pub(crate) fn generated(span: Span) -> Span {
    Span::mixed_site().located_at(span)
}

/// What an HTML parser makes of the characters that no document can hold.
///
/// The same as `lightspeed_core::splice` does to dynamic text: U+0000 becomes U+FFFD, CR and CR LF become LF.
pub(crate) fn clean(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n").replace('\0', "\u{FFFD}")
}

/// Text as HTML, for content.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests;
