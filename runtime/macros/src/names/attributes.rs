//! What a browser makes of attributes: URLs, flags, keywords.

/// What the value of an attribute must not be; mirrors `lightspeed_core::template::Guard`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Guard {
    /// It is text.
    Text,
    /// A URL that is followed: no `javascript:` one.
    Url,
    /// A URL whose content runs or is shown as a document: no `data:` one either.
    Code,
    /// URLs with spaces or commas between them.
    Tokens,
    /// Values of an animation with semicolons between them, each of which may become a URL.
    Values,
}

/// What the value of the attribute `name` of `tag` must not be. Both are in lower case.
///
/// The attributes are those that the [HTML](https://html.spec.whatwg.org/multipage/indices.html#attributes-3) and
/// [SVG](https://svgwg.org/svg2-draft/attindex.html) standards and their predecessors define as URLs. `style` isn't
/// among them: no browser of today runs a URL in CSS.
pub(crate) fn guard(tag: &str, name: &str) -> Guard {
    match name {
        "src" if matches!(tag, "embed" | "frame" | "iframe" | "script") => Guard::Code,
        "href" | "xlink:href" if matches!(tag, "script" | "use") => Guard::Code,
        "data" if tag == "object" => Guard::Code,
        "action" | "background" | "cite" | "classid" | "codebase" | "formaction" | "href" | "icon"
        | "longdesc" | "manifest" | "poster" | "profile" | "src" | "usemap" | "xlink:href" | "xml:base" => {
            Guard::Url
        }
        "archive" | "attributionsrc" | "imagesrcset" | "ping" | "srcset" => Guard::Tokens,
        // An animation can write a link's `href`.
        "by" | "from" | "to" | "values" if is_animation(tag) => Guard::Values,
        _ => Guard::Text,
    }
}

/// SVG elements that write an attribute of another element.
pub(crate) fn is_animation(tag: &str) -> bool {
    matches!(tag, "animate" | "animatecolor" | "animatetransform" | "set")
}

/// Whether a browser would run one of the URLs in `text`; the server looks at dynamic text the same way.
pub(crate) fn has_script_url(guard: Guard, text: &str) -> bool {
    match guard {
        Guard::Text => false,
        Guard::Url | Guard::Code => is_script_url(text),
        Guard::Tokens => text
            .split(|character: char| character == ',' || character.is_ascii_whitespace())
            .any(is_script_url),
        Guard::Values => text.split(';').any(is_script_url),
    }
}

/// `url` runs as script when a browser follows it.
///
/// Browsers drop controls and spaces before the scheme, and tabs and newlines within it
/// ([URL Standard, 4.4](https://url.spec.whatwg.org/#concept-basic-url-parser)).
pub(crate) fn is_script_url(url: &str) -> bool {
    let scheme = url.trim_start_matches(|character| character <= ' ');
    let scheme: String =
        scheme.chars().filter(|character| !matches!(character, '\t' | '\n' | '\r')).collect();
    scheme.get(.."javascript:".len()).is_some_and(|start| start.eq_ignore_ascii_case("javascript:"))
}

/// Attributes that are on whenever they are there, whatever their value.
pub(crate) fn is_boolean_attribute(name: &str) -> bool {
    matches!(
        name,
        "allowfullscreen"
            | "async"
            | "autofocus"
            | "autoplay"
            | "checked"
            | "controls"
            | "default"
            | "defer"
            | "disabled"
            | "formnovalidate"
            | "inert"
            | "ismap"
            | "itemscope"
            | "loop"
            | "multiple"
            | "muted"
            | "nomodule"
            | "novalidate"
            | "open"
            | "playsinline"
            | "readonly"
            | "required"
            | "reversed"
            | "selected"
    )
}

/// An attribute with keywords for its values, so that being there says nothing, or not the opposite of being absent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Keywords {
    /// The values, for messages.
    pub(crate) words: &'static [&'static str],
    /// The first two are `"true"` and `"false"`, which a `bool` becomes as text.
    pub(crate) is_bool: bool,
    /// Without a value it is what the first of the words says.
    pub(crate) means_first_when_empty: bool,
}

#[expect(clippy::unnecessary_wraps, reason = "each arm of the tables is an option")]
const fn keywords(words: &'static [&'static str]) -> Option<Keywords> {
    Some(Keywords { words, is_bool: false, means_first_when_empty: false })
}

const TRUE_FALSE: Keywords =
    Keywords { words: &["true", "false"], is_bool: true, means_first_when_empty: false };

/// The keywords of the attribute `name` of `tag`, both in lower case.
///
/// From the [HTML Standard](https://html.spec.whatwg.org/multipage/indices.html#attributes-3) and
/// [WAI-ARIA](https://www.w3.org/TR/wai-aria/#state_prop_def). Left out are attributes with keywords of which
/// the empty one says "on" and whose absence says "off", for they are flags as well: `crossorigin`, `hidden`,
/// `popover`, `preload`, and those whose value is text that may be empty: `download`, `sandbox`.
pub(crate) fn keywords_of(tag: &str, name: &str) -> Option<Keywords> {
    const FIRST_WHEN_EMPTY: Keywords = Keywords { means_first_when_empty: true, ..TRUE_FALSE };
    if let Some(property) = name.strip_prefix("aria-") {
        return aria(property);
    }
    match (tag, name) {
        (_, "draggable") => Some(TRUE_FALSE),
        (_, "spellcheck" | "writingsuggestions") => Some(FIRST_WHEN_EMPTY),
        (_, "contenteditable") => {
            Some(Keywords { words: &["true", "false", "plaintext-only"], ..FIRST_WHEN_EMPTY })
        }
        (_, "translate") => Some(Keywords { words: &["yes", "no"], is_bool: false, ..FIRST_WHEN_EMPTY }),
        (_, "autocorrect") => Some(Keywords { words: &["on", "off"], is_bool: false, ..FIRST_WHEN_EMPTY }),
        (_, "autocapitalize") => keywords(&["on", "off", "sentences", "words", "characters", "none"]),
        (_, "dir") => keywords(&["ltr", "rtl", "auto"]),
        (_, "enterkeyhint") => keywords(&["enter", "done", "go", "next", "previous", "search", "send"]),
        (_, "inputmode") => {
            keywords(&["none", "text", "tel", "url", "email", "numeric", "decimal", "search"])
        }
        ("form" | "input" | "select" | "textarea", "autocomplete") => keywords(&["on", "off"]),
        ("img" | "iframe", "loading") => keywords(&["lazy", "eager"]),
        ("img", "decoding") => keywords(&["sync", "async", "auto"]),
        ("img" | "link" | "script", "fetchpriority") => keywords(&["high", "low", "auto"]),
        ("form", "method") | ("button" | "input", "formmethod") => keywords(&["get", "post", "dialog"]),
        ("form", "enctype") | ("button" | "input", "formenctype") => {
            keywords(&["application/x-www-form-urlencoded", "multipart/form-data", "text/plain"])
        }
        ("button", "type") => keywords(&["submit", "reset", "button"]),
        ("input", "type") => keywords(&["text", "checkbox", "radio", "number", "search", "submit"]),
        ("textarea", "wrap") => keywords(&["soft", "hard"]),
        ("track", "kind") => keywords(&["subtitles", "captions", "descriptions", "chapters", "metadata"]),
        ("th", "scope") => keywords(&["row", "col", "rowgroup", "colgroup"]),
        ("area", "shape") => keywords(&["circle", "default", "poly", "rect"]),
        ("dialog", "closedby") => keywords(&["any", "closerequest", "none"]),
        ("button" | "input", "popovertargetaction") => keywords(&["toggle", "show", "hide"]),
        ("meta", "http-equiv") => keywords(&["content-type", "default-style", "refresh"]),
        _ => None,
    }
}

/// The states and properties of WAI-ARIA: none is a flag.
fn aria(property: &str) -> Option<Keywords> {
    match property {
        "atomic" | "busy" | "disabled" | "expanded" | "grabbed" | "hidden" | "modal" | "multiline"
        | "multiselectable" | "readonly" | "required" | "selected" => Some(TRUE_FALSE),
        "checked" | "pressed" => Some(Keywords { words: &["true", "false", "mixed"], ..TRUE_FALSE }),
        "current" => Some(Keywords {
            words: &["true", "false", "page", "step", "location", "date", "time"],
            ..TRUE_FALSE
        }),
        "haspopup" => Some(Keywords {
            words: &["true", "false", "menu", "listbox", "tree", "grid", "dialog"],
            ..TRUE_FALSE
        }),
        "invalid" => Some(Keywords { words: &["true", "false", "grammar", "spelling"], ..TRUE_FALSE }),
        "autocomplete" => keywords(&["inline", "list", "both", "none"]),
        "dropeffect" => keywords(&["copy", "execute", "link", "move", "none", "popup"]),
        "live" => keywords(&["polite", "assertive", "off"]),
        "orientation" => keywords(&["horizontal", "vertical"]),
        "relevant" => keywords(&["additions", "removals", "text", "all"]),
        "sort" => keywords(&["ascending", "descending", "none", "other"]),
        // Texts, numbers and references.
        _ => keywords(&[".."]),
    }
}
