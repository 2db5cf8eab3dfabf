//! Parses the HTML that this runtime writes: end tags are there, attributes are quoted.
//!
//! Not an HTML parser for anything else; raw HTML between its marks is kept as it is.

use alloc::string::String;
use alloc::vec::Vec;

use super::nodes::{NodeId, Nodes};

const VOID: [&str; 13] =
    ["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"];

pub(super) fn is_void(name: &str) -> bool {
    VOID.contains(&name)
}

/// Appends what `html` stands for to `parent`.
pub(super) fn parse(html: &str, nodes: &mut Nodes, parent: NodeId) {
    let mut open: Vec<(String, NodeId)> = Vec::new();
    let mut rest = html;
    while !rest.is_empty() {
        let current = open.last().map_or(parent, |(_, node)| *node);
        if let Some(after) = rest.strip_prefix("<!>") {
            nodes.append_comment(current, "");
            rest = after;
        } else if let Some(after) = rest.strip_prefix("<!--[-->") {
            let (raw, after) = split_raw(after);
            nodes.append_comment(current, "[");
            nodes.append_raw(current, raw);
            nodes.append_comment(current, "]");
            rest = after;
        } else if let Some(after) = rest.strip_prefix("<!--") {
            let (comment, after) = after.split_once("-->").unwrap_or((after, ""));
            nodes.append_comment(current, comment);
            rest = after;
        } else if let Some(after) = rest.strip_prefix("<!") {
            // A doctype is no node that anyone addresses.
            rest = after.split_once('>').map_or("", |(_, after)| after);
        } else if let Some(after) = rest.strip_prefix("</") {
            rest = after.split_once('>').map_or("", |(_, after)| after);
            open.pop();
        } else if let Some(after) = rest.strip_prefix('<') {
            let name_len = after.find([' ', '>']).unwrap_or(after.len());
            let name = &after[..name_len];
            let (attributes, after) = attributes(&after[name_len..]);
            let element = nodes.append_element(current, name, attributes);
            rest = after;
            if matches!(name, "textarea" | "pre" | "listing") {
                rest = rest.strip_prefix('\n').unwrap_or(rest);
            }
            if !is_void(name) {
                open.push((name.into(), element));
            }
        } else {
            let length = rest.find('<').unwrap_or(rest.len());
            nodes.append_parsed_text(current, &unescape(&rest[..length]));
            rest = &rest[length..];
        }
    }
}

/// Splits raw HTML off at the mark that ends it; marks nest.
fn split_raw(html: &str) -> (&str, &str) {
    let mut depth = 1;
    let mut at = 0;
    while let Some(found) = html[at..].find("<!--") {
        at += found;
        if html[at..].starts_with("<!--[-->") {
            depth += 1;
        } else if html[at..].starts_with("<!--]-->") {
            depth -= 1;
            if depth == 0 {
                return (&html[..at], &html[at + "<!--]-->".len()..]);
            }
        }
        at += "<!--".len();
    }
    (html, "")
}

/// Reads ` name="value"` until `>`.
fn attributes(mut rest: &str) -> (Vec<(String, String)>, &str) {
    let mut attributes = Vec::new();
    loop {
        rest = rest.trim_start();
        if let Some(after) = rest.strip_prefix('>') {
            return (attributes, after);
        }
        let name_len = rest.find(['=', '>', ' ']).unwrap_or(rest.len());
        let (name, after) = rest.split_at(name_len);
        if name.is_empty() {
            return (attributes, "");
        }
        let (value, after) = match after.strip_prefix("=\"") {
            Some(after) => after.split_once('"').unwrap_or((after, "")),
            None => ("", after),
        };
        attributes.push((name.into(), unescape(value)));
        rest = after;
    }
}

fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let known = [("&amp;", "&"), ("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\"")];
        let (entity, text) =
            known.into_iter().find(|(entity, _)| rest.starts_with(entity)).unwrap_or(("&", "&"));
        out.push_str(text);
        rest = &rest[entity.len()..];
    }
    out.push_str(rest);
    out
}
