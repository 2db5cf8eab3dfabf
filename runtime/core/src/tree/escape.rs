//! Texts as HTML and back, and URLs that a browser would run as script.

use alloc::string::String;

use compact_str::CompactString;

use crate::tree::template::Guard;

pub(super) fn escape_text(text: &str, out: &mut String) {
    escape(text, out, |byte| match byte {
        b'&' => Some("&amp;"),
        b'<' => Some("&lt;"),
        b'>' => Some("&gt;"),
        _ => None,
    });
}

pub(super) fn escape_attribute(text: &str, out: &mut String) {
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
