//! Reads the vectors of `specs/vectors`: programs as text, documents before and after.
//!
//! ```text
//! vector a splice gets another text
//! page <p>a</p>                            the HTML that the page holds; nothing without this line
//! template 7 html 1 <p><!></p>             fingerprint, namespace, number of roots, HTML
//! slot 7 splice 0/0                        template, kind, path, then name, event or templates
//! program                                  instructions follow, as a disassembly shows them
//! reset 1 7 ["a"]
//! document <p>a</p>                        what the document is then
//! program
//! text 2 0 "b"
//! invalid UnknownInstance(2)               why the program is refused
//! document <p>a</p>
//! ```

use lightspeed_core::layout;
use lightspeed_protocol::frame::ServerFrame;
use lightspeed_protocol::isa::Op;
use lightspeed_protocol::msgpack::{Raw, Writer};
use lightspeed_protocol::template::{EventKind, Namespace, SlotKind, SlotRef, write_slots};

/// A vector.
#[derive(Debug, Clone, Default)]
pub struct Vector {
    /// What it shows.
    pub name: String,
    /// The HTML that the page holds.
    pub page: String,
    /// Template frames.
    pub templates: Vec<Vec<u8>>,
    /// Programs, each with what comes of it.
    pub steps: Vec<Step>,
}

/// A program and what comes of it.
#[derive(Debug, Clone, Default)]
pub struct Step {
    /// The program's bytes.
    pub program: Vec<u8>,
    /// Why it is refused, if it is.
    pub invalid: Option<String>,
    /// The document then.
    pub document: String,
}

#[derive(Debug)]
struct Template {
    fingerprint: u32,
    namespace: Namespace,
    roots: u32,
    html: String,
    slots: Vec<OwnedSlot>,
}

#[derive(Debug)]
struct OwnedSlot {
    kind: SlotKind,
    path: Vec<u16>,
    name: String,
    event: Option<EventKind>,
    templates: Vec<u32>,
}

/// Reads a file of vectors.
///
/// # Panics
///
/// With the number of the line that isn't of the form above.
pub fn parse(text: &str) -> Vec<Vector> {
    let mut vectors: Vec<Vector> = Vec::new();
    let mut templates: Vec<Template> = Vec::new();
    let mut ops: Vec<String> = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        let fault = |what: &str| -> ! { panic!("line {number}: {what}: {line}") };
        match word {
            "" | "#" => {}
            "vector" => {
                finish(&mut vectors, &mut templates);
                vectors.push(Vector { name: rest.into(), ..Vector::default() });
            }
            "page" => vectors.last_mut().unwrap_or_else(|| fault("no vector")).page = rest.into(),
            "template" => templates.push(template(rest).unwrap_or_else(|| fault("not a template"))),
            "slot" => {
                let (fingerprint, rest) = rest.split_once(' ').unwrap_or_else(|| fault("not a slot"));
                let template =
                    templates.iter_mut().find(|template| template.fingerprint.to_string() == fingerprint);
                let template = template.unwrap_or_else(|| fault("no such template"));
                template.slots.push(slot(rest).unwrap_or_else(|| fault("not a slot")));
            }
            "program" => {
                let vector = vectors.last_mut().unwrap_or_else(|| fault("no vector"));
                vector.steps.push(Step::default());
                ops.clear();
            }
            "invalid" | "document" => {
                let step = vectors.last_mut().and_then(|vector| vector.steps.last_mut());
                let step = step.unwrap_or_else(|| fault("no program"));
                step.program = assemble(&ops);
                if word == "invalid" {
                    step.invalid = Some(rest.into());
                } else {
                    step.document = rest.into();
                }
            }
            _ => ops.push(line.into()),
        }
    }
    finish(&mut vectors, &mut templates);
    vectors
}

/// Puts the templates read so far into the vector that they belong to.
fn finish(vectors: &mut [Vector], templates: &mut Vec<Template>) {
    let Some(vector) = vectors.last_mut() else { return };
    for template in templates.drain(..) {
        let mut slots = Writer::new();
        let refs = template.slots.iter().map(|slot| SlotRef {
            path: &slot.path,
            kind: slot.kind,
            name: &slot.name,
            event: slot.event,
            templates: slot.templates.clone(),
        });
        let refs: Vec<SlotRef<'_>> = refs.collect();
        let check = layout::check(&template.html, &refs, template.namespace);
        write_slots(refs.into_iter(), &mut slots);
        let frame = ServerFrame::Template {
            fingerprint: template.fingerprint,
            namespace: template.namespace.code(),
            roots: template.roots,
            check,
            html: Some(&template.html),
            slots: Raw::new(slots.as_bytes()),
        };
        vector.templates.push(frame.encode(0));
    }
}

fn template(text: &str) -> Option<Template> {
    let mut parts = text.splitn(4, ' ');
    let fingerprint = parts.next()?.parse().ok()?;
    let namespace = parts.next()?;
    let namespace = Namespace::ALL.iter().copied().find(|known| known.name() == namespace)?;
    let roots = parts.next()?.parse().ok()?;
    Some(Template { fingerprint, namespace, roots, html: parts.next()?.into(), slots: Vec::new() })
}

fn slot(text: &str) -> Option<OwnedSlot> {
    let mut parts = text.split(' ');
    let kind = parts.next()?;
    let kind = SlotKind::ALL.iter().copied().find(|known| known.name() == kind)?;
    let path = parts.next()?.split('/').map(str::parse).collect::<Result<_, _>>().ok()?;
    let mut slot = OwnedSlot { kind, path, name: String::new(), event: None, templates: Vec::new() };
    for part in parts {
        match kind {
            SlotKind::Handler => {
                slot.event = EventKind::ALL.iter().copied().find(|event| event.name() == part);
            }
            SlotKind::Branch | SlotKind::List => slot.templates.push(part.parse().ok()?),
            _ => slot.name = part.into(),
        }
    }
    Some(slot)
}

/// The bytes of a program whose instructions are given as text.
///
/// # Panics
///
/// When an instruction's name is unknown or a value isn't one.
pub fn assemble(ops: &[String]) -> Vec<u8> {
    let mut body = Writer::new();
    let mut values = 0;
    for op in ops {
        let (name, mut rest) = op.split_once(' ').unwrap_or((op, ""));
        let row = Op::TABLE.iter().find(|row| row.name == name);
        // `opcode 99` stands for an instruction that there isn't.
        if let Some(row) = row {
            body.uint(u64::from(row.code));
            values += 1;
        } else {
            assert_eq!(name, "opcode", "no such instruction: {op}");
        }
        while !rest.is_empty() {
            rest = value(rest, &mut body).trim_start();
            values += 1;
        }
    }
    let mut program = Writer::new();
    program.array(values);
    program.raw(body.as_bytes());
    program.into_bytes()
}

/// Reads a value off `text`, writes it, and returns the rest.
fn value<'t>(text: &'t str, out: &mut Writer) -> &'t str {
    if let Some(mut rest) = text.strip_prefix('[') {
        let mut inner = Writer::new();
        let mut count = 0;
        loop {
            rest = rest.trim_start_matches([' ', ',']);
            if let Some(rest) = rest.strip_prefix(']') {
                out.array(count);
                out.raw(inner.as_bytes());
                return rest;
            }
            rest = value(rest, &mut inner);
            count += 1;
        }
    }
    if let Some(rest) = text.strip_prefix("html\"") {
        let (html, rest) = quoted(rest);
        out.bin(html.as_bytes());
        return rest;
    }
    if let Some(rest) = text.strip_prefix('"') {
        let (string, rest) = quoted(rest);
        out.str(&string);
        return rest;
    }
    let end = text.find([' ', ',', ']']).unwrap_or(text.len());
    match &text[..end] {
        "nil" => out.nil(),
        "true" => out.bool(true),
        "false" => out.bool(false),
        number => out.uint(number.parse().unwrap_or_else(|_| panic!("not a value: {number}"))),
    }
    &text[end..]
}

/// Reads until the closing quote; `\n`, `\"` and `\\` are escapes.
fn quoted(text: &str) -> (String, &str) {
    let mut out = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return (out, &text[at + 1..]),
            '\\' => match characters.next() {
                Some((_, 'n')) => out.push('\n'),
                Some((_, other)) => out.push(other),
                None => {}
            },
            other => out.push(other),
        }
    }
    panic!("a quote is not closed: {text}");
}
