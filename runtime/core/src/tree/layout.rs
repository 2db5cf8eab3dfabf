//! A checksum of what the HTML of an instance looks like: a client compares the nodes that it adopts with it
//! (`specs/isa.md`, 5.5).
//!
//! The checksum covers the child lists that the paths of the slots go through, and so whatever the path of a
//! slot counts:
//!
//! ```text
//! <p>Count: <!><!><!> times</p>        <p<#textCount: <#comment#<#comment<#text times>
//! <button id="b">+<b>1</b></button>    <button b null null null null null null+1
//! ```
//!
//! The button has a handler and no slot within it.

use alloc::string::String;
use alloc::vec::Vec;

use lightspeed_protocol::template::{Namespace, SlotKind, SlotRef};

use crate::tree::escape::unescape;

/// The attributes that tell elements with handlers apart, beside their names and texts, in the order in which
/// they are summed up.
pub const MARKS: [&str; 7] = ["id", "name", "type", "value", "href", "title", "aria-label"];

const VOID: [&str; 13] =
    ["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"];

/// Elements of SVG and MathML in which HTML stands again.
const HOLDS_HTML: [&str; 8] = ["foreignobject", "desc", "title", "mi", "mo", "mn", "ms", "mtext"];

/// Elements of HTML that hold text alone, whatever it looks like.
const RAW_TEXT: [&str; 7] = ["iframe", "noembed", "noframes", "noscript", "script", "style", "xmp"];

/// The check of the template of `namespace` whose own HTML is `html`, with `<!>` where content slots stand,
/// and whose slots are `slots`.
pub fn check(html: &str, slots: &[SlotRef<'_>], namespace: Namespace) -> u32 {
    let root = Open { name: "", what: What::Followed, next: 0, is_foreign: namespace != Namespace::Html };
    let mut reader =
        LayoutReader { slots, at: 0, open: Vec::from([root]), path: Vec::new(), seen: String::new() };
    let mut rest = html;
    while !rest.is_empty() {
        rest = reader.next(rest);
    }
    sum(&reader.seen)
}

/// FNV-1a of 32 bits, over characters.
fn sum(text: &str) -> u32 {
    text.chars().fold(0x811c_9dc5, |sum: u32, letter| (sum ^ u32::from(letter)).wrapping_mul(0x0100_0193))
}

/// An element that is open.
#[derive(Debug)]
struct Open<'h> {
    name: &'h str,
    what: What,
    /// The index of its next child.
    next: u16,
    /// Its children are of SVG or MathML, where no element is void or holds text alone.
    is_foreign: bool,
}

/// What the children of an element are to the check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    /// Paths go through them.
    Followed,
    /// Their text is summed up.
    Text,
    /// Nothing.
    Nothing,
}

struct LayoutReader<'h, 's> {
    slots: &'s [SlotRef<'s>],
    /// The first slot that hasn't been passed.
    at: usize,
    /// The root, and the elements that are open.
    open: Vec<Open<'h>>,
    /// The path of the node that is being read, as far as it is followed.
    path: Vec<u16>,
    seen: String,
}

impl<'h> LayoutReader<'h, '_> {
    /// Reads a tag, a comment or a text off `html`, which a macro has written; returns the rest.
    fn next(&mut self, html: &'h str) -> &'h str {
        if let Some(rest) = html.strip_prefix("<!>") {
            if self.enter() {
                let slot = self.slots.get(self.at);
                let is_slot = slot.is_some_and(|slot| slot.kind.is_content() && slot.path == self.path);
                self.at += usize::from(is_slot);
                self.seen.push_str(if is_slot { "#" } else { "<#comment" });
                self.path.pop();
            }
            rest
        } else if let Some(rest) = html.strip_prefix("</") {
            self.close();
            rest.split_once('>').map_or("", |(_, rest)| rest)
        } else if let Some(rest) = html.strip_prefix('<') {
            self.element(rest)
        } else {
            let (text, rest) = html.split_at(html.find('<').unwrap_or(html.len()));
            self.text(text);
            rest
        }
    }

    /// Whether the element that is open is followed: its next child is then what is being read.
    fn enter(&mut self) -> bool {
        let Some(open) = self.open.last_mut().filter(|open| open.what == What::Followed) else {
            return false;
        };
        self.path.push(open.next);
        open.next += 1;
        true
    }

    fn text(&mut self, text: &str) {
        let Some(open) = self.open.last() else { return };
        // A parser drops a newline that opens these.
        let is_first = open.next == 0 && matches!(open.name, "pre" | "listing");
        let text = if is_first { text.strip_prefix('\n').unwrap_or(text) } else { text };
        match open.what {
            What::Followed if !text.is_empty() => {
                self.enter();
                self.path.pop();
                self.seen.push_str("<#text");
                self.seen.push_str(&unescape(text));
            }
            What::Text => self.seen.push_str(&unescape(text)),
            _ => {}
        }
    }

    fn element(&mut self, html: &'h str) -> &'h str {
        let (name, mut rest) = html.split_at(html.find([' ', '>']).unwrap_or(html.len()));
        let is_followed = self.enter();
        let before = self.at;
        while is_followed && self.slots.get(self.at).is_some_and(|slot| slot.path == self.path) {
            self.at += 1;
        }
        let here = &self.slots[before..self.at];
        let has_inner =
            is_followed && self.slots.get(self.at).is_some_and(|slot| slot.path.starts_with(&self.path));
        let is_heard = here.iter().any(|slot| slot.kind == SlotKind::Handler);
        let is_around = self.open.last().is_some_and(|open| open.is_foreign);
        let mut is_html = HOLDS_HTML.iter().any(|one| name.eq_ignore_ascii_case(one));
        let mut marks = ["null"; MARKS.len()];
        while let Some(after) = rest.strip_prefix(' ') {
            let attribute;
            (attribute, rest) = split_attribute(after);
            let (known, value) = attribute;
            if let Some(index) = MARKS.iter().position(|mark| *mark == known) {
                marks[index] = value;
            }
            is_html |= name == "annotation-xml" && known == "encoding" && holds_html(value);
        }
        rest = rest.strip_prefix('>').unwrap_or("");
        if is_followed {
            self.seen.push('<');
            self.seen.extend(name.chars().map(|letter| letter.to_ascii_lowercase()));
        }
        if is_heard {
            for (mark, value) in MARKS.into_iter().zip(marks) {
                if !self.slots.iter().any(|slot| slot.name == mark) {
                    self.seen.push(' ');
                    self.seen.push_str(&unescape(value));
                }
            }
        }
        // What a person types, and what a custom element puts into itself, aren't the template's.
        let has_text = is_heard && !has_inner && name != "textarea" && !name.contains('-');
        let is_text = has_text || self.open.last().is_some_and(|open| open.what == What::Text);
        let is_foreign = is_around || matches!(name, "svg" | "math");
        if !is_foreign && VOID.contains(&name) {
            if is_followed {
                self.path.pop();
            }
            return rest;
        }
        let what = if has_inner {
            What::Followed
        } else if is_text {
            What::Text
        } else {
            What::Nothing
        };
        if is_followed && !has_inner {
            self.path.pop();
        }
        self.open.push(Open { name, what, next: 0, is_foreign: is_foreign && !is_html });
        if !is_foreign && RAW_TEXT.contains(&name) { self.raw_text(name, rest) } else { rest }
    }

    /// The text of an element that holds no markup.
    fn raw_text(&mut self, name: &str, html: &'h str) -> &'h str {
        let ends = html.match_indices("</").find(|(at, _)| html[at + 2..].starts_with(name));
        let (text, rest) = html.split_at(ends.map_or(html.len(), |(at, _)| at));
        if self.open.last().is_some_and(|open| open.what == What::Text) {
            self.seen.push_str(text);
        }
        rest
    }

    fn close(&mut self) {
        if self.open.len() > 1 && self.open.pop().is_some_and(|open| open.what == What::Followed) {
            self.seen.push('>');
            self.path.pop();
        }
    }
}

/// Whether an `annotation-xml` of this `encoding` holds HTML.
fn holds_html(encoding: &str) -> bool {
    ["text/html", "application/xhtml+xml"].iter().any(|html| encoding.eq_ignore_ascii_case(html))
}

/// Splits ` name="value"` off, without the space: the pair and the rest.
fn split_attribute(html: &str) -> ((&str, &str), &str) {
    let (name, rest) = html.split_at(html.find(['=', ' ', '>']).unwrap_or(html.len()));
    match rest.strip_prefix("=\"") {
        Some(rest) => {
            let (value, rest) = rest.split_once('"').unwrap_or((rest, ""));
            ((name, value), rest)
        }
        None => ((name, ""), rest),
    }
}

#[cfg(test)]
mod tests;
