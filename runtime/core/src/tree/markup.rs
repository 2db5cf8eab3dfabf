//! Whether raw HTML stays where it is put when a browser parses the page around it.
//!
//! A parser repairs what it reads: an element that isn't closed swallows what follows, an end tag too many
//! closes what is around it, and a `<div>` ends the `<p>` that it stands in. What is taken here is repaired
//! nowhere: its elements are closed in the order in which they were opened, and none of them ends anything
//! around it or is moved out of it. The rules are those of [tree
//! construction](https://html.spec.whatwg.org/multipage/parsing.html#tree-construction), but simpler and
//! stricter: some of what is left out would be fine.

use alloc::string::String;
use alloc::vec::Vec;

/// An element that is open, or a `<!--[-->`.
#[derive(Debug)]
struct Open {
    name: String,
    /// What its children are.
    content: Content,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Content {
    Html,
    Svg,
    MathMl,
}

/// The elements that are open where HTML has been read to.
#[derive(Debug, Default)]
pub(crate) struct Around {
    open: Vec<Open>,
    /// How many bytes have been read.
    read: usize,
}

/// Nesting within raw HTML and around it; parsers flatten what is deeper than 512.
const DEPTH_MAX: usize = 256;

const VOID: &[&str] = &[
    "area", "base", "basefont", "bgsound", "br", "col", "embed", "hr", "img", "input", "keygen", "link",
    "meta", "param", "source", "track", "wbr",
];
/// Elements that hold text alone, up to their end tag.
const RAW_TEXT: &[&str] = &["iframe", "script", "style", "textarea", "title"];
/// Elements whose parsing hangs on more than what is around them, or that no place takes.
const NEVER: &[&str] = &[
    "annotation-xml",
    "body",
    "frame",
    "frameset",
    "head",
    "html",
    "image",
    "isindex",
    "malignmark",
    "mglyph",
    "noembed",
    "noframes",
    "noscript",
    "plaintext",
    "template",
    "xmp",
];
/// Elements whose start ends a `p`.
const ENDS_P: &[&str] = &[
    "address",
    "article",
    "aside",
    "blockquote",
    "center",
    "dd",
    "details",
    "dialog",
    "dir",
    "div",
    "dl",
    "dt",
    "fieldset",
    "figcaption",
    "figure",
    "footer",
    "form",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "header",
    "hgroup",
    "hr",
    "li",
    "listing",
    "main",
    "menu",
    "nav",
    "ol",
    "p",
    "pre",
    "search",
    "section",
    "summary",
    "table",
    "ul",
];
/// Elements beyond which a `p` isn't ended.
const SCOPE: &[&str] = &[
    "button",
    "caption",
    "desc",
    "foreignobject",
    "mi",
    "mn",
    "mo",
    "ms",
    "mtext",
    "object",
    "table",
    "td",
    "th",
    "title",
];
/// Elements beyond which an `li`, a `dd` or a `dt` isn't ended.
const LISTS: &[&str] = &["article", "blockquote", "dl", "menu", "ol", "section", "table", "td", "th", "ul"];
const TABLE: &[&str] = &["colgroup", "table", "tbody", "tfoot", "thead", "tr"];
/// Elements that end an `svg` or a `math` around them.
const ENDS_FOREIGN: &[&str] = &[
    "b",
    "big",
    "blockquote",
    "body",
    "br",
    "center",
    "code",
    "dd",
    "div",
    "dl",
    "dt",
    "em",
    "embed",
    "font",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "head",
    "hr",
    "i",
    "img",
    "li",
    "listing",
    "menu",
    "meta",
    "nobr",
    "ol",
    "p",
    "pre",
    "ruby",
    "s",
    "small",
    "span",
    "strike",
    "strong",
    "sub",
    "sup",
    "table",
    "tt",
    "u",
    "ul",
    "var",
];

impl Around {
    /// Reads on to the end of `html`, which this runtime has written.
    pub(crate) fn read(&mut self, html: &str) {
        let mut rest = html.get(self.read..).unwrap_or_default();
        self.read = html.len();
        while let Some((token, after)) = Token::next(rest) {
            rest = after;
            match token {
                Token::Start { name, is_closed } => {
                    let name = name.to_ascii_lowercase();
                    let content = self.content();
                    if is_leaf(&name, content, is_closed) {
                        continue;
                    }
                    if content == Content::Html && RAW_TEXT.contains(&name.as_str()) {
                        let Some(after) = skip_text(&name, rest) else { return };
                        rest = after;
                    } else {
                        self.push(name, content);
                    }
                }
                Token::End(_) => drop(self.open.pop()),
                Token::Text(_) | Token::Comment(_) => {}
            }
        }
    }

    /// Whether `raw`, put here, is what it is on its own.
    pub(crate) fn takes(&mut self, raw: &str) -> bool {
        let depth = self.open.len();
        let is_taken = self.try_take(raw, depth);
        self.open.truncate(depth);
        is_taken
    }

    fn try_take(&mut self, raw: &str, depth: usize) -> bool {
        let mut rest = raw;
        while !rest.is_empty() {
            let Some((token, after)) = Token::next(rest) else { return false };
            rest = after;
            match token {
                Token::Text(text) => {
                    let is_space = |letter| matches!(letter, ' ' | '\t' | '\n' | '\r' | '\u{c}');
                    let is_bare = text.contains('\0') || TABLE.contains(&self.parent());
                    if is_bare && !text.chars().all(is_space) {
                        return false;
                    }
                }
                Token::Comment("[") => self.push("[".into(), self.content()),
                Token::Comment("]") => {
                    if !self.close("[", depth) {
                        return false;
                    }
                }
                Token::Comment(_) => {}
                Token::Start { name, is_closed } => {
                    let name = name.to_ascii_lowercase();
                    let content = self.content();
                    if self.open.len() > DEPTH_MAX || !self.may_start(&name, content, depth) {
                        return false;
                    }
                    if is_leaf(&name, content, is_closed) {
                        continue;
                    }
                    if content == Content::Html && RAW_TEXT.contains(&name.as_str()) {
                        let Some(after) = skip_text(&name, rest) else { return false };
                        // Within a comment the end of a script may be none.
                        if name == "script" && rest[..rest.len() - after.len()].contains("<!--") {
                            return false;
                        }
                        rest = after;
                    } else {
                        self.push(name, content);
                    }
                }
                Token::End(name) => {
                    if !self.close(&name.to_ascii_lowercase(), depth) {
                        return false;
                    }
                }
            }
        }
        self.open.len() == depth
    }

    fn push(&mut self, name: String, content: Content) {
        let content = match (content, name.as_str()) {
            (Content::Html, "svg") => Content::Svg,
            (Content::Html, "math") => Content::MathMl,
            (Content::Svg, "foreignobject" | "desc" | "title")
            | (Content::MathMl, "mi" | "mo" | "mn" | "ms" | "mtext") => Content::Html,
            (content, _) => content,
        };
        self.open.push(Open { name, content });
    }

    /// Closes the innermost element, if it is called so and isn't one of the `depth` around.
    fn close(&mut self, name: &str, depth: usize) -> bool {
        let is_last = self.open.len() > depth && self.open.last().is_some_and(|open| open.name == name);
        if is_last {
            self.open.pop();
        }
        is_last
    }

    fn content(&self) -> Content {
        self.open.last().map_or(Content::Html, |open| open.content)
    }

    /// The innermost element.
    fn parent(&self) -> &str {
        self.open.iter().rev().map(|open| open.name.as_str()).find(|name| *name != "[").unwrap_or_default()
    }

    fn is_within(&self, name: &str) -> bool {
        self.open.iter().any(|open| open.name == name)
    }

    /// Whether one of `names` is open, with none of `bounds` within it.
    fn reaches(&self, names: &[&str], bounds: &[&str]) -> bool {
        let mut open = self.open.iter().rev().map(|open| open.name.as_str());
        open.find(|name| names.contains(name) || bounds.contains(name))
            .is_some_and(|name| names.contains(&name))
    }

    /// Whether an element may start here without ending another or being moved.
    fn may_start(&self, name: &str, content: Content, depth: usize) -> bool {
        if NEVER.contains(&name) {
            return false;
        }
        if content != Content::Html {
            return !ENDS_FOREIGN.contains(&name);
        }
        let parent = self.parent();
        // What a parser adds within a table of the raw HTML itself is added everywhere.
        let has_own_parent = self.open.len() > depth && self.open.last().is_some_and(|open| open.name != "[");
        let is_placed = match name {
            "tr" => matches!(parent, "tbody" | "thead" | "tfoot") || (has_own_parent && parent == "table"),
            "td" | "th" => {
                parent == "tr" || (has_own_parent && matches!(parent, "tbody" | "thead" | "tfoot" | "table"))
            }
            "tbody" | "thead" | "tfoot" | "caption" | "colgroup" => parent == "table",
            "col" => parent == "colgroup" || (has_own_parent && parent == "table"),
            "script" | "style" => parent != "colgroup",
            "rb" | "rt" | "rtc" | "rp" => parent == "ruby",
            "option" => parent != "option",
            "optgroup" => !matches!(parent, "option" | "optgroup"),
            "form" | "button" | "a" | "nobr" | "select" => !TABLE.contains(&parent) && !self.is_within(name),
            "li" => !TABLE.contains(&parent) && !self.reaches(&["li"], LISTS),
            "dd" | "dt" => !TABLE.contains(&parent) && !self.reaches(&["dd", "dt"], LISTS),
            "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => {
                !TABLE.contains(&parent) && !matches!(parent, "h1" | "h2" | "h3" | "h4" | "h5" | "h6")
            }
            _ => !TABLE.contains(&parent),
        };
        let is_in_select = self.is_within("select");
        is_placed
            && (!is_in_select || matches!(name, "option" | "optgroup"))
            && !(ENDS_P.contains(&name) && self.reaches(&["p"], SCOPE))
            && !RAW_TEXT.contains(&parent)
    }
}

/// Whether an element has no children and no end tag.
fn is_leaf(name: &str, content: Content, is_closed: bool) -> bool {
    if content == Content::Html { VOID.contains(&name) } else { is_closed }
}

/// What follows the text and the end tag of the element `name`.
fn skip_text<'h>(name: &str, html: &'h str) -> Option<&'h str> {
    let mut ends = html.match_indices("</").map(|(at, _)| &html[at + 2..]);
    let after = ends.find_map(|end| {
        let (found, after) = end.split_at_checked(name.len())?;
        let is_end =
            found.eq_ignore_ascii_case(name) && after.starts_with(['>', ' ', '\t', '\n', '\u{c}', '\r', '/']);
        is_end.then_some(after)
    })?;
    after.trim_start_matches(SPACES).strip_prefix('>')
}

const SPACES: [char; 5] = [' ', '\t', '\n', '\u{c}', '\r'];

/// A token of which there is one reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token<'h> {
    Text(&'h str),
    Comment(&'h str),
    Start { name: &'h str, is_closed: bool },
    End(&'h str),
}

impl<'h> Token<'h> {
    /// The first token of `html` and the rest; `None` at the end and where a parser would have to repair it.
    fn next(html: &'h str) -> Option<(Self, &'h str)> {
        if let Some(rest) = html.strip_prefix("<!>") {
            return Some((Self::Comment(""), rest));
        }
        if let Some(rest) = html.strip_prefix("<!--") {
            let (text, rest) = rest.split_once("-->")?;
            let is_odd = text.starts_with('>')
                || text.starts_with("->")
                || text.contains("--!>")
                || text.contains("<!--");
            return (!is_odd).then_some((Self::Comment(text), rest));
        }
        let is_tag = |rest: &str| rest.starts_with(|letter: char| letter.is_ascii_alphabetic());
        if let Some(rest) = html.strip_prefix("</") {
            let (name, rest) = split_name(rest).filter(|_| is_tag(rest))?;
            return Some((Self::End(name), rest.trim_start_matches(SPACES).strip_prefix('>')?));
        }
        if html.starts_with("<!") || html.starts_with("<?") {
            return None;
        }
        if let Some(rest) = html.strip_prefix('<').filter(|rest| is_tag(rest)) {
            let (name, rest) = split_name(rest)?;
            let (is_closed, rest) = skip_attributes(rest)?;
            return Some((Self::Start { name, is_closed }, rest));
        }
        // A `<` before anything else is text.
        let first = html.chars().next()?.len_utf8();
        let length = html[first..].find('<').map_or(html.len(), |at| at + first);
        let (text, rest) = html.split_at(length);
        Some((Self::Text(text), rest))
    }
}

fn split_name(html: &str) -> Option<(&str, &str)> {
    let (name, rest) =
        html.split_at(html.find(|letter| SPACES.contains(&letter) || matches!(letter, '/' | '>'))?);
    name.bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b':' | b'_'))
        .then_some((name, rest))
}

/// Skips attributes and the end of the tag; returns whether it closes itself.
fn skip_attributes(html: &str) -> Option<(bool, &str)> {
    let mut rest = html;
    loop {
        rest = rest.trim_start_matches(SPACES);
        if let Some(after) = rest.strip_prefix("/>") {
            return Some((true, after));
        }
        if let Some(after) = rest.strip_prefix('>') {
            return Some((false, after));
        }
        let ends_name = |letter: char| SPACES.contains(&letter) || matches!(letter, '/' | '>' | '=');
        let (name, after) = rest.split_at(rest.find(ends_name)?);
        if name.is_empty() || name.contains(['"', '\'', '<', '\0']) {
            return None;
        }
        rest = after.trim_start_matches(SPACES);
        let Some(value) = rest.strip_prefix('=') else { continue };
        let value = value.trim_start_matches(SPACES);
        rest = if let quote @ ('"' | '\'') = value.chars().next()? {
            value[1..].split_once(quote)?.1
        } else {
            let end = value.find(|letter| SPACES.contains(&letter) || letter == '>')?;
            if end == 0 || value[..end].contains(['"', '\'', '<', '=', '`']) {
                return None;
            }
            &value[end..]
        };
        // Between attributes there is a space.
        if !rest.starts_with(SPACES) && !rest.starts_with('>') && !rest.starts_with("/>") {
            return None;
        }
    }
}

#[cfg(test)]
mod tests;
