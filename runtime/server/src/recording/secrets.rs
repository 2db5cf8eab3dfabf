//! The values that a recording must not hold, and their replacement.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use lightspeed_interpreter::memory::NodeId;

use crate::limits;

/// How a value became known.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Source {
    /// An event of this field, or of what is around it.
    Field(NodeId),
    /// A form's payload that names it.
    Name(String),
    /// The server has given it to this field.
    Shown(NodeId),
}

/// The values that must not be written.
#[derive(Default)]
pub(super) struct Secrets {
    values: BTreeSet<String>,
    /// Those that are looked for everywhere, in each of their forms; the longest first.
    patterns: Vec<String>,
    /// The values that fields hold and that are too short for a pattern: the first letters of what is being typed.
    beginnings: BTreeMap<Source, String>,
}

impl Secrets {
    pub(super) fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Whether there are more values than are kept.
    pub(super) fn is_full(&self) -> bool {
        self.values.len() >= limits::RECORDER_SECRETS_MAX
    }

    /// Replaces values in bytes whose format isn't known.
    pub(super) fn mask_bytes(&self, bytes: &mut [u8]) {
        for pattern in self.patterns.iter().chain(self.beginnings.values()) {
            let found: Vec<usize> = memchr::memmem::find_iter(bytes, pattern.as_bytes()).collect();
            for at in found {
                bytes[at..at + pattern.len()].fill(b'*');
            }
        }
    }

    pub(super) fn learn(&mut self, source: &Source, value: &str) {
        self.beginnings.remove(source);
        for value in [value, value.trim()] {
            let is_short = value.len() < limits::RECORDER_SECRET_BYTES_MIN;
            if is_short && !value.is_empty() {
                self.beginnings.insert(source.clone(), value.to_owned());
            }
            let is_nothing = value.bytes().all(|byte| byte == b'*');
            if is_nothing || !self.values.insert(value.to_owned()) {
                continue;
            }
            if is_short {
                continue;
            }
            let encoded = form_urlencoded::byte_serialize(value.as_bytes()).collect();
            let text = value.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
            let attribute = text.replace('"', "&quot;");
            // As it stands within a text of JSON, which a component may hand to its page.
            let json = serde_json::to_string(value).unwrap_or_default();
            let json = json.get(1..json.len().saturating_sub(1)).unwrap_or_default().to_owned();
            self.patterns.extend([value.to_owned(), encoded, text, attribute, json]);
            self.patterns.sort_by(|one, other| other.len().cmp(&one.len()).then_with(|| one.cmp(other)));
            self.patterns.dedup();
        }
    }

    /// Whether a text that is shown has a value in it that a field holds and that is too short for a pattern.
    pub(super) fn tells_short(&self, text: &str) -> bool {
        self.beginnings.values().any(|beginning| text.contains(beginning.as_str()))
    }

    /// Which bytes of a text belong to a value; `None` when none does.
    pub(super) fn covered(&self, text: &str, is_shown: bool) -> Option<Vec<bool>> {
        let mut covered = Vec::new();
        let mut cover = |at: usize, byte_count| {
            covered.resize(text.len(), false);
            covered[at..at + byte_count].fill(true);
        };
        if self.values.contains(text) {
            cover(0, text.len());
        } else {
            let patterns = self.patterns.iter().map(String::as_str);
            let beginnings = self.beginnings.values().filter(|_| is_shown).map(String::as_str);
            for pattern in patterns.chain(beginnings) {
                text.match_indices(pattern).for_each(|(at, found)| cover(at, found.len()));
            }
        }
        (!covered.is_empty()).then_some(covered)
    }

    pub(super) fn mask<'a>(&self, text: &'a str) -> Cow<'a, str> {
        self.covered(text, false).map_or(Cow::Borrowed(text), |covered| cover(text, &covered))
    }

    /// As [`Secrets::mask`], for what a client is to show from now on.
    pub(super) fn mask_shown<'a>(&self, text: &'a str) -> Cow<'a, str> {
        self.covered(text, true).map_or(Cow::Borrowed(text), |covered| cover(text, &covered))
    }

    /// Replaces values where a page's HTML has them as a field's, however short they are.
    pub(super) fn mask_markup(&self, html: &str) -> String {
        self.values.iter().fold(html.to_owned(), |html, value| {
            let text = value.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
            let attribute = text.replace('"', "&quot;");
            let stars = stars(value);
            html.replace(&format!(" value=\"{attribute}\""), &format!(" value=\"{stars}\""))
                .replace(&format!(">{text}</textarea>"), &format!(">{stars}</textarea>"))
        })
    }
}

/// What stands in the `masked` text in place of the `part` that begins at the code unit `start` of the
/// `whole` one: a text that is changed a little at a time tells a value a little at a time.
pub(super) fn part_of(whole: &str, masked: &str, start: u32, part: &str) -> String {
    let mut units = 0;
    let offset = whole.char_indices().find_map(|(at, character)| {
        let is_start = units >= start as usize;
        units += character.len_utf16();
        is_start.then_some(at)
    });
    let offset = offset.unwrap_or(whole.len());
    // Otherwise the text has changed once more, so that nobody knows what the part was of.
    let is_known = whole[offset..].starts_with(part);
    let found = masked.get(offset..offset + part.len()).filter(|_| is_known);
    found.map_or_else(|| stars(part), str::to_owned)
}

/// Replaces the bytes of a text that are covered, which are those of whole characters.
fn cover<'a>(text: &'a str, covered: &[bool]) -> Cow<'a, str> {
    let characters = text.char_indices().map(|(at, character)| {
        if covered[at] { stars(character.encode_utf8(&mut [0; 4])) } else { character.to_string() }
    });
    Cow::Owned(characters.collect())
}

/// As many asterisks as `text` has bytes.
pub(super) fn stars(text: &str) -> String {
    "*".repeat(text.len())
}
