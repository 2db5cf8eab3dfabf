//! A document as text: indented, and what is different between two.

use std::io::Write;

use console::Style;
use similar::{ChangeTag, TextDiff};

use crate::error::Error;
use crate::file::RecordingFile;
use crate::print::safe;

/// Lines around a change.
const CONTEXT_LINES: usize = 3;

/// Elements whose white space is content.
const VERBATIM: [&str; 4] = ["pre", "textarea", "script", "style"];
const VOID: [&str; 13] =
    ["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"];

/// Writes the lines that are different, with some around them.
pub(crate) fn diff(file: &RecordingFile<'_>, one: u64, other: u64, out: &mut dyn Write) -> Result<(), Error> {
    let texts = [one, other].map(|version| file.document_at(version).map(|it| indent(&it.to_html())));
    let [before, after] = texts;
    let (before, after) = (before?, after?);
    let diff = TextDiff::from_lines(&before, &after);
    if before == after {
        writeln!(out, "Versions {one} and {other} look the same.")?;
        return Ok(());
    }
    let (red, green, dim) = (Style::new().red(), Style::new().green(), Style::new().dim());
    writeln!(
        out,
        "{}\n{}",
        red.apply_to(format!("--- version {one}")),
        green.apply_to(format!("+++ version {other}"))
    )?;
    for group in diff.grouped_ops(CONTEXT_LINES) {
        let (Some(first), Some(last)) = (group.first(), group.last()) else { continue };
        let (old, new) =
            (first.old_range().start..last.old_range().end, first.new_range().start..last.new_range().end);
        let head = format!("@@ -{},{} +{},{} @@", old.start + 1, old.len(), new.start + 1, new.len());
        writeln!(out, "{}", dim.apply_to(head))?;
        for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
            let line = safe(change.value());
            let line = line.trim_end_matches('\n');
            match change.tag() {
                ChangeTag::Delete => writeln!(out, "{}", red.apply_to(format!("-{line}")))?,
                ChangeTag::Insert => writeln!(out, "{}", green.apply_to(format!("+{line}")))?,
                ChangeTag::Equal => writeln!(out, " {line}")?,
            }
        }
    }
    Ok(())
}

/// A part of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part<'a> {
    /// A start tag, and its element's name.
    Start(&'a str, &'a str),
    /// An end tag.
    End(&'a str),
    Text(&'a str),
    Comment(&'a str),
}

/// The HTML of a document with an element a line; those that hold only text stay on one.
pub(crate) fn indent(html: &str) -> String {
    let parts = split(html);
    let mut out = String::new();
    let mut depth = 0_usize;
    let mut line = |depth: usize, text: &str| {
        for text in text.split('\n') {
            out.push_str(&"  ".repeat(depth));
            out.push_str(text);
            out.push('\n');
        }
    };
    let mut index = 0;
    while let Some(part) = parts.get(index) {
        index += 1;
        match *part {
            Part::Start(tag, name) if VOID.contains(&name) => line(depth, tag),
            Part::Start(tag, name) => {
                if let Some(length) = end_of_short(&parts[index..], name) {
                    let rest = parts[index..index + length].iter().map(|part| text_of(*part));
                    let rest: String = rest.collect();
                    index += length;
                    line(depth, &format!("{tag}{rest}"));
                } else {
                    line(depth, tag);
                    depth += 1;
                }
            }
            Part::End(tag) => {
                depth = depth.saturating_sub(1);
                line(depth, tag);
            }
            Part::Text(text) | Part::Comment(text) => line(depth, text),
        }
    }
    out
}

/// How many parts an element takes that stays on one line; `None` for others.
fn end_of_short(parts: &[Part<'_>], name: &str) -> Option<usize> {
    if VERBATIM.contains(&name) {
        let end = format!("</{name}>");
        return parts.iter().position(|part| *part == Part::End(&end)).map(|at| at + 1);
    }
    match parts {
        [Part::End(_), ..] => Some(1),
        [Part::Text(_), Part::End(_), ..] => Some(2),
        _ => None,
    }
}

const fn text_of(part: Part<'_>) -> &str {
    match part {
        Part::Start(text, _) | Part::End(text) | Part::Text(text) | Part::Comment(text) => text,
    }
}

fn split(html: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let mut rest = html;
    while !rest.is_empty() {
        let is_comment = rest.starts_with("<!--");
        let length = if is_comment {
            rest.find("-->").map_or(rest.len(), |at| at + 3)
        } else if rest.starts_with('<') {
            tag_length(rest)
        } else {
            rest.find('<').unwrap_or(rest.len())
        };
        let (part, after) = rest.split_at(length);
        rest = after;
        parts.push(if is_comment || part.starts_with("<!") {
            Part::Comment(part)
        } else if part.starts_with("</") {
            Part::End(part)
        } else if let Some(tag) = part.strip_prefix('<') {
            Part::Start(part, tag.split([' ', '>', '/']).next().unwrap_or_default())
        } else {
            Part::Text(part)
        });
    }
    parts
}

/// How long a tag is: a `>` within quotes doesn't end it.
fn tag_length(html: &str) -> usize {
    let mut is_quoted = false;
    for (at, byte) in html.bytes().enumerate() {
        match byte {
            b'"' => is_quoted = !is_quoted,
            b'>' if !is_quoted => return at + 1,
            _ => {}
        }
    }
    html.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(html: &str, expected: &str) {
        assert_eq!(indent(html), expected);
    }

    #[test]
    fn an_element_is_a_line() {
        check("<p>1</p>", "<p>1</p>\n");
        check("<div><p></p><br>text<b>x</b></div>", "<div>\n  <p></p>\n  <br>\n  text\n  <b>x</b>\n</div>\n");
        check(
            "<a title=\"a > b\"><!--[--><i>x</i><!--]--></a>",
            "<a title=\"a > b\">\n  <!--[-->\n  <i>x</i>\n  <!--]-->\n</a>\n",
        );
        check("<pre>a\n <b>c</b></pre>", "<pre>a\n <b>c</b></pre>\n");
        check("", "");
    }

    #[test]
    fn what_is_no_html_is_text_as_well() {
        check("</p></p><", "</p>\n</p>\n<\n");
        check("<p", "<p\n");
    }
}
