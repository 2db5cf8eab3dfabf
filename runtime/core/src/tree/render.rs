//! Writes an instance as HTML: the first page, and the reference that every patch is held against.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use compact_str::CompactString;
use lightspeed_protocol::{InstanceId, SlotIndex};

use crate::tree::html::{Fragment, Item, Value};
use crate::tree::markup::Around;
use crate::tree::packed::{Cell, Packed};
use crate::tree::template::{Guard, Kind, Slot, Template};

/// Appends the HTML of `fragment` to `out`.
pub(crate) fn write_fragment<M>(fragment: &Fragment<M>, out: &mut String) {
    write_root(fragment, &mut Out { html: out, page: None });
}

/// Raw HTML that a page leaves out, for its client to put in.
pub(crate) struct LeftOut {
    /// How many pieces of raw HTML stand before it.
    pub(crate) index: usize,
    /// The instance that it is in.
    pub(crate) at: InstanceId,
    /// The slot that it is for.
    pub(crate) slot: SlotIndex,
    pub(crate) html: Box<str>,
}

/// The HTML of `root` as a page carries it, and what it leaves out: raw HTML that a browser would repair or move there.
pub(crate) fn write_page<M>(root: &Fragment<M>) -> (String, Vec<LeftOut>) {
    let mut html = String::new();
    let mut page = Page::default();
    write_root(root, &mut Out { html: &mut html, page: Some(&mut page) });
    (html, page.left_out)
}

/// Where HTML is written to.
struct Out<'o> {
    html: &'o mut String,
    /// What is known of a page whose client puts in what is left out; nothing else leaves anything out.
    page: Option<&'o mut Page>,
}

#[derive(Default)]
struct Page {
    around: Around,
    raw_count: usize,
    left_out: Vec<LeftOut>,
}

impl Page {
    /// Whether raw HTML may stand behind `before`; otherwise it is left out.
    fn takes(&mut self, before: &str, html: &str, at: InstanceId, slot: SlotIndex) -> bool {
        let index = self.raw_count;
        self.raw_count += 1;
        self.around.read(before);
        let is_taken = self.around.takes(html);
        if !is_taken {
            self.left_out.push(LeftOut { index, at, slot, html: html.into() });
        }
        is_taken
    }
}

fn write_root<M>(fragment: &Fragment<M>, out: &mut Out<'_>) {
    write_instance(fragment.template, fragment.id, fragment.cells(), out);
}

fn write_instance<'a, M: 'a>(
    template: &Template,
    id: InstanceId,
    cells: impl Iterator<Item = Cell<'a, &'a Value<M>>>,
    out: &mut Out<'_>,
) {
    out.html.push_str(template.statics[0]);
    for (((index, slot), cell), tail) in (0..).zip(template.slots).zip(cells).zip(&template.statics[1..]) {
        let is_left_out = match (&cell, &mut out.page) {
            (Cell::Kept(Value::Raw(html)), Some(page)) => !page.takes(out.html, html, id, index),
            _ => false,
        };
        if !is_left_out {
            write_slot(slot, &cell, out);
        }
        out.html.push_str(tail);
    }
}

fn write_slot<M>(slot: &Slot, cell: &Cell<'_, &Value<M>>, out: &mut Out<'_>) {
    match (&slot.kind, cell) {
        (Kind::Splice, Cell::Text(text)) => escape_text(text, out.html),
        (Kind::Splice, Cell::Kept(Value::Raw(html))) => {
            // The marks tell an adopting client where markup of unknown length ends.
            out.html.push_str("<!--[-->");
            out.html.push_str(html);
            out.html.push_str("<!--]-->");
        }
        (Kind::Splice, Cell::Kept(Value::Html(html))) => write_root(html.root(), out),
        (Kind::Splice, Cell::Kept(Value::Memo(memo))) => {
            memo.0.read(|fragment| write_root(fragment, out));
        }
        (Kind::Attribute { name, guard }, Cell::Text(text)) => {
            write_attribute(name, guarded(*guard, text), out.html);
        }
        (Kind::Property { is_content: true, .. }, Cell::Text(text)) => {
            // A parser drops a newline that opens a textarea; the doubled one survives.
            if text.starts_with('\n') {
                out.html.push('\n');
            }
            escape_text(text, out.html);
        }
        (Kind::Property { name, .. }, Cell::Text(text)) => write_attribute(name, text, out.html),
        (Kind::Flag { name } | Kind::BoolProperty { name }, Cell::Flag(true)) => {
            write_attribute(name, "", out.html);
        }
        (Kind::Class { name }, Cell::Flag(true)) => {
            out.html.push(' ');
            escape_attribute(name, out.html);
        }
        (Kind::Branch { .. }, Cell::Kept(Value::Branch(Some((_, fragment))))) => {
            write_root(fragment, out);
        }
        (Kind::List { .. }, Cell::Kept(Value::List(items))) => write_list(items, out),
        (Kind::List { .. }, Cell::Kept(Value::Packed(items))) => write_packed(items, out),
        (Kind::List { .. }, Cell::Kept(Value::Stream(stream))) => write_list(stream.items(), out),
        _ => {}
    }
}

fn write_list<M>(items: &[Item<M>], out: &mut Out<'_>) {
    for item in items {
        item.body.read(|fragment| write_root(fragment, out));
    }
}

fn write_packed<M>(items: &Packed<M>, out: &mut Out<'_>) {
    for index in 0..items.len() {
        write_instance(items.template(), items.id(index), items.cells(index), out);
    }
}

fn write_attribute(name: &str, text: &str, out: &mut String) {
    out.push(' ');
    out.push_str(name);
    out.push_str("=\"");
    escape_attribute(text, out);
    out.push('"');
}

fn escape_text(text: &str, out: &mut String) {
    escape(text, out, |byte| match byte {
        b'&' => Some("&amp;"),
        b'<' => Some("&lt;"),
        b'>' => Some("&gt;"),
        _ => None,
    });
}

fn escape_attribute(text: &str, out: &mut String) {
    escape(text, out, |byte| match byte {
        b'&' => Some("&amp;"),
        b'<' => Some("&lt;"),
        b'>' => Some("&gt;"),
        b'"' => Some("&quot;"),
        _ => None,
    });
}

/// Copies `text` in runs, each ended by a character that has a replacement.
fn escape(text: &str, out: &mut String, replacement: impl Fn(u8) -> Option<&'static str>) {
    let mut copied = 0;
    for (index, byte) in text.bytes().enumerate() {
        if let Some(entity) = replacement(byte) {
            out.push_str(&text[copied..index]);
            out.push_str(entity);
            copied = index + 1;
        }
    }
    out.push_str(&text[copied..]);
}

/// The text of an attribute whose value was written as markup: the entities of [`maud::Escaper`] undone.
pub(crate) fn unescape(markup: &str) -> CompactString {
    let mut out = CompactString::with_capacity(markup.len());
    let mut rest = markup;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let found = [("&amp;", '&'), ("&lt;", '<'), ("&gt;", '>'), ("&quot;", '"')]
            .into_iter()
            .find(|(entity, _)| rest.starts_with(entity));
        let (length, character) = found.map_or((1, '&'), |(entity, character)| (entity.len(), character));
        out.push(character);
        rest = &rest[length..];
    }
    out.push_str(rest);
    out
}

/// What a URL attribute gets in place of a URL that would run as script.
pub(crate) const REFUSED_URL: &str = "about:invalid";

/// `text`, or [`REFUSED_URL`] when a browser would run it, or a part of it, as script.
pub(crate) fn guarded(guard: Guard, text: &str) -> &str {
    let is_script = |url: &str| has_scheme(url, "javascript:");
    let is_code = |url: &str| is_script(url) || has_scheme(url, "data:");
    let is_refused = match guard {
        Guard::Text => false,
        Guard::Url => is_script(text),
        Guard::Code => is_code(text),
        // Here a space ends a URL, so that none is within its scheme.
        Guard::Tokens => {
            text.split(|character: char| character == ',' || character.is_ascii_whitespace()).any(is_script)
        }
        Guard::Values => text.split(';').any(is_code),
    };
    if is_refused { REFUSED_URL } else { text }
}

/// Whether a browser finds this scheme, which is in lower case and ends with its colon, in `url`.
///
/// Browsers drop control characters and spaces before the scheme and tabs and newlines
/// within it ([URL Standard, 4.4](https://url.spec.whatwg.org/#concept-basic-url-parser)),
/// so the scheme is compared without them.
fn has_scheme(url: &str, scheme: &str) -> bool {
    let mut characters = url
        .chars()
        .skip_while(|character| *character <= ' ')
        .filter(|character| !matches!(character, '\t' | '\n' | '\r'))
        .map(|character| character.to_ascii_lowercase());
    scheme.chars().all(|character| characters.next() == Some(character))
}

#[cfg(test)]
mod tests;
