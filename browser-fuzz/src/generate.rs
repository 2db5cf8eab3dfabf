//! Cases from a seed: markup that a parser leaves where it stands, mostly, and what a person does to it.

use std::collections::BTreeMap;

use crate::case::{Act, Attribute, Case, Element, Handler, Meaning, Node, Policy, Written};
use crate::pools;
use crate::random::Random;
use lightspeed_templates::Site;

/// How many nodes a case has at most, roughly.
const NODES_MAX: usize = 60;
const DEPTH_MAX: usize = 9;
/// Cases of one seed that the macro may refuse before another seed has to do.
const ATTEMPTS_MAX: u64 = 64;

/// What may stand somewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Flow,
    Phrasing,
    Svg,
    Math,
    Table,
    Section,
    Row,
    List,
    Select,
    Options,
}

/// What is around a place.
#[derive(Debug, Clone, Copy, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is about another element, and any may be around")]
struct Around {
    depth: usize,
    is_in_form: bool,
    is_in_link: bool,
    is_in_button: bool,
    is_in_loop: bool,
}

/// The case of a seed, whose names begin with `prefix`, and how many the macro has refused before it.
pub(crate) fn compiled(seed: u64, prefix: &str) -> (crate::case::Compiled, u64) {
    let mut why = String::new();
    for attempt in 0..ATTEMPTS_MAX {
        match generate(seed, attempt, prefix).compile() {
            Ok(compiled) => return (compiled, attempt),
            Err(error) => why = error,
        }
    }
    panic!("the macro refuses all cases of the seed {seed}; the last one for: {why}")
}

/// A case, which the macro may refuse.
fn generate(seed: u64, attempt: u64, prefix: &str) -> Case {
    let mut maker = Maker {
        random: Random::of(seed, 1 + attempt),
        meanings: BTreeMap::new(),
        fields: BTreeMap::new(),
        next: 0,
        nodes: 0,
        forms: 0,
        prefix: prefix.to_owned(),
    };
    let mut roots = maker.nodes(Place::Flow, Around::default());
    // Something that moves the state on is always there.
    let go = maker.element(
        "button",
        Place::Phrasing,
        Around { is_in_button: true, depth: DEPTH_MAX, ..Around::default() },
    );
    roots.push(maker.with_mover(go));
    let mut random = Random::of(seed, 2);
    let mut knobs = Vec::new();
    for (knob, percent) in [("extension", 30), ("translator", 25), ("shadow", 30), ("composing", 30)] {
        if random.chance(percent) {
            knobs.push(knob);
        }
    }
    // All cases of a page share its socket.
    if Random::of(seed / 20, 3).chance(25) {
        knobs.push("slow");
    }
    let acts = acts(&mut Random::of(seed, 4), &knobs);
    Case { seed, edits: Vec::new(), roots, meanings: maker.meanings, fields: maker.fields, acts, knobs }
}

/// What is done in each phase.
fn acts(random: &mut Random, knobs: &[&'static str]) -> Vec<Act> {
    const PERSON: &[(&str, u64)] = &[
        ("click", 30),
        ("press", 12),
        ("type", 18),
        ("toggle", 12),
        ("choose", 8),
        ("set", 8),
        ("submit", 6),
        ("reset", 2),
        ("key", 4),
        ("focus", 3),
        ("blur", 4),
        ("wait", 12),
    ];
    let mut acts = Vec::new();
    for (phase, most) in [(0, 4), (1, 3), (2, 9), (3, 9)] {
        for _ in 0..random.below(most) {
            let mut choices = PERSON.to_vec();
            if knobs.contains(&"extension") {
                choices.push(("insert", 25));
            }
            if knobs.contains(&"translator") && phase != 1 {
                choices.push(("translate", 25));
            }
            if knobs.contains(&"composing") {
                choices.push(("compose", 20));
            }
            let name = *weighted(random, &choices);
            let value = random.index(pools::TYPED.len());
            acts.push(Act {
                id: acts.len(),
                phase,
                name,
                pick: random.small(1 << 20),
                value: pools::TYPED[value].to_owned(),
            });
        }
    }
    acts
}

fn weighted<'a, T>(random: &mut Random, choices: &'a [(T, u64)]) -> &'a T {
    let mut at = random.below(choices.iter().map(|(_, weight)| weight).sum());
    for (choice, weight) in choices {
        if at < *weight {
            return choice;
        }
        at -= weight;
    }
    unreachable!("the sum is that of the weights")
}

struct Maker {
    random: Random,
    meanings: BTreeMap<Site, Meaning>,
    fields: BTreeMap<Site, Vec<String>>,
    next: Site,
    nodes: usize,
    /// How many forms have an `id`.
    forms: usize,
    /// Makes names unique among the components of a page.
    prefix: String,
}

impl Maker {
    fn id(&mut self) -> Site {
        self.next += 1;
        self.next - 1
    }

    fn site(&mut self, meaning: Meaning) -> Site {
        let id = self.id();
        self.meanings.insert(id, meaning);
        id
    }

    fn pick<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.random.index(all.len())]
    }

    /// Some of a pool, with repetitions.
    fn some(&mut self, pool: &[&str]) -> Vec<String> {
        (0..self.random.between(2, 4)).map(|_| self.pick(pool).to_owned()).collect()
    }

    fn chance(&mut self, percent: u64) -> bool {
        self.random.chance(percent)
    }

    fn nodes(&mut self, place: Place, around: Around) -> Vec<Node> {
        let most = if around.depth == 0 { 6 } else { 4 };
        let count =
            if self.nodes > NODES_MAX || around.depth > DEPTH_MAX { 0 } else { self.random.below(most) };
        (0..count).filter_map(|_| self.node(place, around)).collect()
    }

    fn node(&mut self, place: Place, around: Around) -> Option<Node> {
        self.nodes += 1;
        let has_text = !matches!(
            place,
            Place::Table
                | Place::Section
                | Place::Row
                | Place::List
                | Place::Select
                | Place::Options
                | Place::Svg
                | Place::Math
        );
        let has_raw = has_text || place == Place::Svg;
        let deeper = Around { depth: around.depth + 1, ..around };
        let kind = *weighted(
            &mut self.random,
            &[
                ("text", if has_text { 12 } else { 0 }),
                ("splice", if has_text { 16 } else { 0 }),
                ("raw", if has_raw { 7 } else { 0 }),
                ("if", 10),
                ("match", 4),
                ("for", if around.is_in_loop && around.depth > 4 { 0 } else { 9 }),
                ("part", 7),
                ("element", 45),
            ],
        );
        Some(match kind {
            "text" => Node::Text { id: self.id(), text: self.pick(pools::TEXTS).to_owned() },
            "splice" => {
                let texts = self.some(pools::TEXTS);
                Node::Splice { id: self.site(Meaning::Texts(texts)) }
            }
            "raw" => {
                let pool = match place {
                    Place::Svg => pools::RAW_SVG,
                    Place::Flow => pools::RAW_FLOW,
                    _ => pools::RAW_PHRASING,
                };
                let texts = self.some(pool);
                Node::Raw { id: self.site(Meaning::Raw(texts)) }
            }
            "if" => {
                let id = self.site(Meaning::Flag);
                let then = self.nodes(place, deeper);
                let otherwise = self.chance(50).then(|| self.nodes(place, deeper));
                Node::If { id, then, otherwise }
            }
            "match" => {
                let id = self.site(Meaning::Arm);
                let arms = (0..self.random.between(2, 3)).map(|_| self.nodes(place, deeper)).collect();
                Node::Match { id, arms }
            }
            "for" => {
                let id = self.site(Meaning::Rows);
                let item = self.any_element(place, Around { is_in_loop: true, ..deeper });
                Node::For { id, item: Box::new(Node::Element(item?)) }
            }
            "part" => {
                let id = self.id();
                let children = self.nodes(place, deeper);
                Node::Part { id, children }
            }
            _ => Node::Element(self.any_element(place, around)?),
        })
    }

    fn any_element(&mut self, place: Place, around: Around) -> Option<Element> {
        let tag = match place {
            Place::Flow if around.depth < 3 && self.chance(60) => self.pick(pools::FLOW),
            Place::Flow | Place::Phrasing => self.pick(pools::PHRASING),
            // What SVG and HTML have in common is told apart by what is around it.
            Place::Svg => self.pick(pools::SVG),
            Place::Math => self.pick(pools::MATH),
            Place::Table => self.pick(&["tbody", "tbody", "thead", "caption", "colgroup"]),
            Place::Section => "tr",
            Place::Row => self.pick(&["td", "td", "th"]),
            Place::List => "li",
            Place::Select => self.pick(&["option", "option", "option", "optgroup", "hr"]),
            Place::Options => "option",
        };
        match tag {
            "form" if around.is_in_form || around.is_in_loop => return None,
            "a" if around.is_in_link => return None,
            "button" | "label" | "details" | "input" | "select" | "textarea" if around.is_in_button => {
                return None;
            }
            // A select tells its value by its options: one that stands in a list has them too.
            "radios" if around.is_in_loop => return None,
            _ => {}
        }
        Some(self.element(tag, place, around))
    }

    fn element(&mut self, tag: &str, place: Place, around: Around) -> Element {
        let inner = Around { depth: around.depth + 1, ..around };
        let is_foreign = matches!(place, Place::Svg | Place::Math);
        let mut element =
            Element { id: self.id(), tag: tag.to_owned(), attributes: Vec::new(), children: None };
        match tag {
            _ if is_foreign => {
                self.foreign(
                    &mut element,
                    place,
                    Around { is_in_link: inner.is_in_link || tag == "a", ..inner },
                );
            }
            "input" => self.input(&mut element, around),
            "textarea" => self.textarea(&mut element),
            "select" => self.select(&mut element, around),
            "radios" => self.radios(&mut element),
            "area" => {
                self.attribute(&mut element, "href", pools::LINKS);
                self.handle(&mut element, "click", None);
            }
            "br" | "hr" | "wbr" | "img" | "col" => {}
            "option" => element.children = Some(self.option_text()),
            _ => {
                let place = match tag {
                    "table" | "colgroup" => Place::Table,
                    "tbody" | "thead" => Place::Section,
                    "tr" => Place::Row,
                    "ul" | "ol" => Place::List,
                    "p" | "h2" | "pre" | "caption" | "summary" => Place::Phrasing,
                    "svg" => Place::Svg,
                    "math" => Place::Math,
                    "optgroup" => Place::Options,
                    _ if pools::PHRASING.contains(&tag) => Place::Phrasing,
                    _ => Place::Flow,
                };
                let inner = Around {
                    is_in_form: inner.is_in_form || tag == "form",
                    is_in_link: inner.is_in_link || tag == "a",
                    is_in_button: inner.is_in_button || matches!(tag, "button" | "label" | "summary"),
                    ..inner
                };
                element.children = Some(match tag {
                    "colgroup" => vec![Node::Element(self.element("col", Place::Table, inner))],
                    "details" => {
                        let summary = self.element("summary", Place::Phrasing, inner);
                        let mut children = vec![Node::Element(summary)];
                        children.extend(self.nodes(place, inner));
                        children
                    }
                    _ => self.nodes(place, inner),
                });
                if tag == "form" {
                    self.form(&mut element);
                }
                if tag == "fieldset" && self.chance(25) {
                    let event = self.pick(&["input", "change"]);
                    self.handle(&mut element, event, None);
                }
                if tag == "a" && self.chance(70) {
                    self.attribute(&mut element, "href", pools::LINKS);
                }
                if tag == "button" && self.chance(60) {
                    let kind = self.pick(&["button", "submit", "reset", "button"]);
                    self.literal(&mut element, "type", kind);
                }
                if matches!(tag, "div" | "section" | "span" | "p") && self.chance(4) {
                    self.literal(&mut element, "contenteditable", "true");
                }
                if matches!(tag, "details" | "dialog") && self.chance(50) {
                    self.toggle(&mut element, "open");
                }
            }
        }
        self.common(&mut element, is_foreign);
        if !matches!(tag, "input" | "select" | "radios") {
            self.shuffle(&mut element);
        }
        element
    }

    /// Attributes that any element may have.
    fn common(&mut self, element: &mut Element, is_foreign: bool) {
        while self.chance(35) && element.attributes.len() < 7 {
            match self.random.below(9) {
                0 => self.attribute(element, "title", pools::TEXTS),
                1 => self.attribute(element, "data-x", pools::TEXTS),
                2 => self.attribute(element, "aria-label", pools::TEXTS),
                3 => {
                    let name = self.pick(&["on", "off", "ä"]);
                    if !element
                        .attributes
                        .iter()
                        .any(|attribute| attribute.name == name || attribute.name == "class")
                    {
                        let id = self.site(Meaning::Flag);
                        element.attributes.push(Attribute {
                            id,
                            name: name.to_owned(),
                            value: Written::Class,
                        });
                    }
                }
                4 if !element
                    .attributes
                    .iter()
                    .any(|attribute| matches!(attribute.value, Written::Class)) =>
                {
                    self.attribute(element, "class", pools::CLASSES);
                }
                5 if !is_foreign => self.attribute(element, "style", pools::STYLES),
                6 if !is_foreign => self.toggle(element, "inert"),
                7 if !is_foreign => self.attribute(element, "lang", &["en", "de", ""]),
                8 if !is_foreign && element.tag != "form" => {
                    let name = self.pick(pools::NAMES);
                    let name = format!("{}-{name}", self.prefix);
                    self.literal(element, "id", &name);
                }
                _ => {}
            }
        }
        if self.chance(25) || (element.tag == "button" && self.chance(70)) {
            self.handle(element, "click", None);
        }
        if self.chance(5) {
            self.handle(element, "keydown", None);
        }
    }

    fn shuffle(&mut self, element: &mut Element) {
        for index in (1..element.attributes.len()).rev() {
            let other = self.random.index(index + 1);
            element.attributes.swap(index, other);
        }
    }

    fn has(element: &Element, name: &str) -> bool {
        element.attributes.iter().any(|attribute| {
            attribute.name == name && !matches!(attribute.value, Written::Handler | Written::Class)
        })
    }

    fn literal(&mut self, element: &mut Element, name: &str, text: &str) {
        if !Self::has(element, name) {
            let value = Written::Literal(text.to_owned());
            element.attributes.push(Attribute { id: self.id(), name: name.to_owned(), value });
        }
    }

    fn toggle(&mut self, element: &mut Element, name: &str) {
        if !Self::has(element, name) {
            let id = self.site(Meaning::Flag);
            element.attributes.push(Attribute { id, name: name.to_owned(), value: Written::Toggle });
        }
    }

    /// An attribute written in any way.
    fn attribute(&mut self, element: &mut Element, name: &str, pool: &[&str]) {
        if Self::has(element, name) {
            return;
        }
        let texts = self.some(pool);
        let (meaning, value) = match self.random.below(4) {
            0 => {
                self.literal(element, name, &texts[0]);
                return;
            }
            1 => (Meaning::Optional(texts), Written::Optional),
            2 if !matches!(name, "href" | "type" | "min" | "max" | "step") => {
                (Meaning::Texts(texts), Written::Behind("x ".to_owned()))
            }
            _ => (Meaning::Texts(texts), Written::Dynamic),
        };
        let id = self.site(meaning);
        element.attributes.push(Attribute { id, name: name.to_owned(), value });
    }

    fn handle(&mut self, element: &mut Element, event: &str, field: Option<Site>) {
        let is_there = |one: &Attribute| matches!(one.value, Written::Handler) && one.name == event;
        if element.attributes.iter().any(is_there) {
            return;
        }
        let policy = self.pick(&[Policy::Echo, Policy::Echo, Policy::Echo, Policy::Refuse, Policy::Alter]);
        let is_static = self.chance(40);
        let moves = self.chance(if field.is_some() { 40 } else { 75 });
        let handler = Handler { is_static, moves, field: field.map(|field| (field, policy)) };
        let id = self.site(Meaning::Handler(handler));
        element.attributes.push(Attribute { id, name: event.to_owned(), value: Written::Handler });
    }

    fn with_mover(&mut self, mut element: Element) -> Node {
        element.attributes.retain(|attribute| attribute.name.starts_with("data-"));
        element.children = Some(vec![Node::Text { id: self.id(), text: "go".to_owned() }]);
        let handler = Handler { is_static: false, moves: true, field: None };
        let id = self.site(Meaning::Handler(handler));
        element.attributes.push(Attribute { id, name: "click".to_owned(), value: Written::Handler });
        Node::Element(element)
    }

    fn foreign(&mut self, element: &mut Element, place: Place, inner: Around) {
        let (place, is_text) = match (place, element.tag.as_str()) {
            (Place::Svg, "foreignObject") => (Place::Flow, false),
            (Place::Svg, "desc" | "title" | "text") | (Place::Math, "mi" | "mo" | "mn" | "mtext") => {
                (place, true)
            }
            _ => (place, false),
        };
        element.children = Some(if is_text {
            let texts = self.some(pools::TEXTS);
            let mut children = vec![Node::Splice { id: self.site(Meaning::Texts(texts)) }];
            if element.tag == "mtext" && self.chance(50) {
                children.push(Node::Element(self.element("b", Place::Phrasing, inner)));
            }
            children
        } else {
            self.nodes(place, inner)
        });
        if element.tag == "a" && place == Place::Svg {
            let name = self.pick(&["href", "xlink:href"]);
            self.attribute(element, name, pools::LINKS);
            self.handle(element, "click", None);
        }
        if place == Place::Svg {
            match self.random.below(5) {
                0 => self.attribute(element, "viewBox", &["0 0 9 9", "0 0 1 1"]),
                1 => self.attribute(element, "fill", &["red", "none", "#123"]),
                2 => self.attribute(element, "transform", &["scale(2)", "rotate(1)"]),
                3 => self.attribute(element, "xlink:href", &["#a", "#b", ""]),
                _ => {}
            }
        }
    }

    /// What a form has by itself.
    fn form(&mut self, element: &mut Element) {
        if self.chance(70) {
            self.handle(element, "submit", None);
        }
        if self.chance(20) {
            let event = self.pick(&["input", "change"]);
            self.handle(element, event, None);
        }
        self.toggle(element, "novalidate");
        // Fields elsewhere may be of the form.
        if self.chance(40) {
            let name = format!("{}-form-{}", self.prefix, self.forms);
            self.forms += 1;
            self.literal(element, "id", &name);
        }
        // Names that hide a form's own properties.
        let children = element.children.get_or_insert_default();
        for _ in 0..self.random.below(3) {
            let mut field =
                Element { id: self.id(), tag: "input".to_owned(), attributes: Vec::new(), children: None };
            let pool = if self.chance(50) { pools::ASKED } else { pools::NAMES };
            let name = self.pick(pool);
            self.literal(&mut field, "name", name);
            self.field(&mut field, "text", pools::TEXTS, false);
            children.push(Node::Element(field));
        }
    }

    /// A field's value and its handlers.
    fn field(&mut self, element: &mut Element, kind: &str, pool: &[&str], is_content: bool) {
        let is_checkbox = kind == "checkbox";
        let field = self.id();
        let mut bound = None;
        if self.chance(75) {
            bound = Some(field);
            let values =
                if is_checkbox { vec!["true".to_owned(), "false".to_owned()] } else { self.some(pool) };
            self.fields.insert(field, values);
            if is_checkbox {
                let id = self.site(Meaning::IsField { field, value: "true".to_owned() });
                element.attributes.push(Attribute {
                    id,
                    name: "checked".to_owned(),
                    value: Written::HeldToggle,
                });
            } else {
                let id = self.site(Meaning::Field(field));
                if is_content {
                    element.children = Some(vec![Node::Splice { id }]);
                } else {
                    element.attributes.push(Attribute { id, name: "value".to_owned(), value: Written::Held });
                }
            }
        }
        match self.random.below(5) {
            0 => self.handle(element, "change", bound),
            1 | 2 => self.handle(element, "input", bound),
            3 => {
                self.handle(element, "change", bound);
                self.handle(element, "input", bound);
            }
            _ => {}
        }
    }

    fn input(&mut self, element: &mut Element, around: Around) {
        let (kind, pool) = *weighted(&mut self.random, pools::INPUTS);
        if kind == "checkbox" && self.chance(50) {
            let text = self.pick(&["on", "", "é"]).to_owned();
            self.literal(element, "value", &text);
        }
        if matches!(kind, "submit" | "button" | "reset" | "file" | "image") {
            if matches!(kind, "submit" | "button" | "reset") {
                self.attribute(element, "value", pools::TEXTS);
            }
        } else {
            self.field(element, kind, pool, false);
        }
        if kind != "text" || self.chance(50) {
            // A type that changes makes another field of it.
            if kind == "text" && self.chance(10) {
                self.attribute(element, "type", &["text", "search", "number", "date"]);
            } else {
                self.literal(element, "type", kind);
            }
        }
        if matches!(kind, "range" | "number") {
            for (name, pool) in [
                ("min", &["0", "10", "-5", "x"][..]),
                ("max", &["100", "200", "20", ""]),
                ("step", &["1", "0.5", "any", "7"]),
            ] {
                if self.chance(50) {
                    self.attribute(element, name, pool);
                }
            }
        }
        if matches!(kind, "text" | "search") && self.chance(15) {
            self.attribute(element, "maxlength", &["3", "10", "0"]);
        }
        if kind == "email" && self.chance(40) {
            self.toggle(element, "multiple");
        }
        if self.chance(15) {
            self.toggle(element, "disabled");
        }
        if self.forms > 0 && !around.is_in_form && self.chance(30) {
            let name = format!("{}-form-{}", self.prefix, self.random.index(self.forms));
            self.literal(element, "form", &name);
        }
        if self.chance(10) {
            self.toggle(element, "readonly");
        }
        if !around.is_in_loop && self.chance(60) {
            let name = self.pick(pools::NAMES).to_owned();
            self.literal(element, "name", &name);
        }
        self.shuffle(element);
    }

    fn textarea(&mut self, element: &mut Element) {
        element.children = Some(Vec::new());
        self.field(element, "textarea", pools::TEXTS, true);
        if self.chance(50) {
            let name = self.pick(pools::NAMES).to_owned();
            self.literal(element, "name", &name);
        }
    }

    fn option_text(&mut self) -> Vec<Node> {
        if self.chance(50) {
            vec![Node::Text { id: self.id(), text: self.pick(&["a", "b", " c  d ", "Ada & Bob"]).to_owned() }]
        } else {
            let texts = self.some(&["a", "b", " c  d ", "Ada & Bob", ""]);
            vec![Node::Splice { id: self.site(Meaning::Texts(texts)) }]
        }
    }

    /// A select: with options of its own, whose values are what it can hold, or with any.
    fn select(&mut self, element: &mut Element, around: Around) {
        if self.chance(30) {
            element.children = Some(self.nodes(Place::Select, Around { depth: around.depth + 1, ..around }));
            self.common(element, false);
            return;
        }
        let field = self.id();
        let values: Vec<String> =
            ["a", "b", "c", "ü&="][..=self.random.index(4)].iter().map(|value| (*value).to_owned()).collect();
        let is_bound = self.chance(80);
        let is_multiple = self.chance(20);
        let mut options = Vec::new();
        for (index, value) in values.iter().enumerate() {
            let mut option = Element {
                id: self.id(),
                tag: "option".to_owned(),
                attributes: Vec::new(),
                children: Some(self.option_text()),
            };
            self.literal(&mut option, "value", value);
            if index == 0 && self.chance(25) {
                self.literal(&mut option, "disabled", "");
            }
            if is_bound {
                let id = self.site(Meaning::IsField { field, value: value.clone() });
                let selected = Attribute { id, name: "selected".to_owned(), value: Written::HeldToggle };
                option.attributes.push(selected);
                self.shuffle(&mut option);
            }
            options.push(Node::Element(option));
        }
        let mut held = values;
        held.push("none".to_owned());
        self.fields.insert(field, held);
        element.children = Some(options);
        if is_multiple {
            self.literal(element, "multiple", "");
            self.literal(element, "name", "many");
        }
        let event = self.pick(&["change", "input"]);
        if self.chance(80) {
            self.handle(element, event, is_bound.then_some(field));
        }
        self.shuffle(element);
    }

    /// A group of radio buttons in a fieldset.
    fn radios(&mut self, element: &mut Element) {
        "fieldset".clone_into(&mut element.tag);
        let field = self.id();
        let name = format!("{}-radios-{field}", self.prefix);
        let values = ["a", "b", "c"];
        let is_bound = self.chance(80);
        let mut buttons = Vec::new();
        for value in &values[..=self.random.index(3)] {
            let mut button =
                Element { id: self.id(), tag: "input".to_owned(), attributes: Vec::new(), children: None };
            self.literal(&mut button, "type", "radio");
            self.literal(&mut button, "name", &name);
            self.literal(&mut button, "value", value);
            if is_bound {
                let id = self.site(Meaning::IsField { field, value: (*value).to_owned() });
                let checked = Attribute { id, name: "checked".to_owned(), value: Written::HeldToggle };
                button.attributes.push(checked);
            }
            let event = self.pick(&["change", "input"]);
            if self.chance(80) {
                self.handle(&mut button, event, is_bound.then_some(field));
            }
            self.shuffle(&mut button);
            buttons.push(Node::Element(button));
        }
        self.fields.insert(field, ["a", "b", "c", "none"].map(str::to_owned).to_vec());
        element.children = Some(buttons);
    }
}
