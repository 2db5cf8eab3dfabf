//! What an HTML parser knows of names.
//!
//! The lists follow the [HTML Standard's parsing chapter](https://html.spec.whatwg.org/multipage/parsing.html);
//! element names of HTML are compared in lower case.

use crate::ast::{Markup, first_element};

/// What a parser takes an element for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Namespace {
    Html,
    Svg,
    MathMl,
}

impl Namespace {
    /// The name of an element or an attribute as a parser spells it: only SVG has capitals.
    pub(crate) fn spelled(self, name: &str) -> String {
        if self == Self::Svg { name.to_owned() } else { name.to_ascii_lowercase() }
    }

    /// The namespace of the element `tag` that stands where content is of namespace `self`.
    fn of_element(self, tag: &str) -> Self {
        match (self, tag.to_ascii_lowercase().as_str()) {
            (Self::Html | Self::MathMl, "svg") => Self::Svg,
            (Self::Html, "math") => Self::MathMl,
            _ => self,
        }
    }

    /// The namespace of what stands in the element `tag`, which is itself of namespace `self`.
    fn of_content(self, tag: &str) -> Self {
        let tag = tag.to_ascii_lowercase();
        match self {
            Self::Svg if matches!(tag.as_str(), "foreignobject" | "desc" | "title") => Self::Html,
            Self::MathMl if matches!(tag.as_str(), "mi" | "mo" | "mn" | "ms" | "mtext") => Self::Html,
            _ => self,
        }
    }

    /// The namespace that the name of a template's first element stands for, when nothing is around it.
    fn of_root(tag: &str) -> Self {
        if SVG_ONLY.contains(&tag) {
            Self::Svg
        } else if MATHML_ONLY.contains(&tag) {
            Self::MathMl
        } else {
            Self::Html
        }
    }
}

/// What is around a piece of content, as far as the macro sees.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Around {
    pub(crate) namespace: Namespace,
    has_element: bool,
}

impl Around {
    /// Nothing is around a root.
    pub(crate) const NOTHING: Self = Self { namespace: Namespace::Html, has_element: false };

    /// What is around a template's content: without an element around it, its own first one tells.
    pub(crate) fn of_template(self, markups: &[Markup]) -> Self {
        match first_element(markups) {
            Some(element) if !self.has_element && self.namespace == Namespace::Html => {
                Self { namespace: Namespace::of_root(&element.name.text), ..self }
            }
            _ => self,
        }
    }

    /// The namespace of the element `tag` that stands here.
    pub(crate) fn element(self, tag: &str) -> Namespace {
        self.namespace.of_element(tag)
    }

    /// What is around the content of the element `tag` that stands here.
    pub(crate) fn inside(self, tag: &str) -> Self {
        Self { namespace: self.element(tag).of_content(tag), has_element: true }
    }
}

/// SVG elements whose names mean nothing in HTML.
const SVG_ONLY: &[&str] = &[
    "animate",
    "animateMotion",
    "animateTransform",
    "circle",
    "clipPath",
    "defs",
    "desc",
    "ellipse",
    "feBlend",
    "feColorMatrix",
    "feComponentTransfer",
    "feComposite",
    "feConvolveMatrix",
    "feDiffuseLighting",
    "feDisplacementMap",
    "feDistantLight",
    "feDropShadow",
    "feFlood",
    "feFuncA",
    "feFuncB",
    "feFuncG",
    "feFuncR",
    "feGaussianBlur",
    "feImage",
    "feMerge",
    "feMergeNode",
    "feMorphology",
    "feOffset",
    "fePointLight",
    "feSpecularLighting",
    "feSpotLight",
    "feTile",
    "feTurbulence",
    "filter",
    "foreignObject",
    "g",
    "image",
    "line",
    "linearGradient",
    "marker",
    "mask",
    "metadata",
    "mpath",
    "path",
    "pattern",
    "polygon",
    "polyline",
    "radialGradient",
    "rect",
    "set",
    "stop",
    "switch",
    "symbol",
    "text",
    "textPath",
    "tspan",
    "use",
    "view",
];

/// MathML elements whose names mean nothing in HTML.
const MATHML_ONLY: &[&str] = &[
    "annotation",
    "annotation-xml",
    "maction",
    "menclose",
    "merror",
    "mfenced",
    "mfrac",
    "mi",
    "mmultiscripts",
    "mn",
    "mo",
    "mover",
    "mpadded",
    "mphantom",
    "mprescripts",
    "mroot",
    "mrow",
    "ms",
    "mspace",
    "msqrt",
    "mstyle",
    "msub",
    "msubsup",
    "msup",
    "mtable",
    "mtd",
    "mtext",
    "mtr",
    "munder",
    "munderover",
    "semantics",
];

/// Elements without an end tag.
pub(crate) fn is_void(tag: &str) -> bool {
    matches!(
        tag,
        "area"
            | "base"
            | "basefont"
            | "bgsound"
            | "br"
            | "col"
            | "embed"
            | "frame"
            | "hr"
            | "image"
            | "img"
            | "input"
            | "link"
            | "meta"
            | "param"
            | "source"
            | "track"
            | "wbr"
    )
}

/// Elements whose start tag ends an open `p`.
pub(crate) fn ends_paragraph(tag: &str) -> bool {
    matches!(
        tag,
        "address"
            | "article"
            | "aside"
            | "blockquote"
            | "center"
            | "dd"
            | "details"
            | "dialog"
            | "dir"
            | "div"
            | "dl"
            | "dt"
            | "fieldset"
            | "figcaption"
            | "figure"
            | "footer"
            | "form"
            | "h1"
            | "h2"
            | "h3"
            | "h4"
            | "h5"
            | "h6"
            | "header"
            | "hgroup"
            | "hr"
            | "li"
            | "listing"
            | "main"
            | "menu"
            | "nav"
            | "ol"
            | "p"
            | "plaintext"
            | "pre"
            | "search"
            | "section"
            | "summary"
            | "table"
            | "ul"
            | "xmp"
    )
}

/// Elements that a parser's search for an open element doesn't leave.
pub(crate) fn is_scope(tag: &str) -> bool {
    matches!(
        tag,
        "applet" | "caption" | "html" | "marquee" | "object" | "select" | "table" | "td" | "template" | "th"
    )
}

/// Elements that stop the search for an open `li`, `dd` or `dt`: the special ones but `address`, `div` and `p`; older parsers don't know `search`.
pub(crate) fn is_list_boundary(tag: &str) -> bool {
    is_scope(tag)
        || (ends_paragraph(tag) && !matches!(tag, "address" | "dialog" | "div" | "p" | "search"))
        || matches!(
            tag,
            "button" | "colgroup" | "iframe" | "noscript" | "tbody" | "textarea" | "tfoot" | "thead" | "tr"
        )
}

/// Whether the ruby part `tag` ends an open `parent`.
pub(crate) fn ends_in_ruby(parent: &str, tag: &str) -> bool {
    match parent {
        "dd" | "dt" | "li" | "optgroup" | "option" | "p" | "rb" | "rp" | "rt" => true,
        "rtc" => matches!(tag, "rb" | "rtc"),
        _ => false,
    }
}

/// `h1` to `h6`.
pub(crate) fn is_heading(tag: &str) -> bool {
    matches!(tag, "h1" | "h2" | "h3" | "h4" | "h5" | "h6")
}

/// The groups of elements that only a table takes; each has its own place in one.
pub(crate) fn table_group(tag: &str) -> Option<&'static str> {
    match tag {
        "caption" | "colgroup" | "tbody" | "tfoot" | "thead" => Some("table"),
        "col" => Some("colgroup"),
        "tr" => Some("tbody"),
        "td" | "th" => Some("tr"),
        _ => None,
    }
}

/// Elements that a parser takes anywhere without looking at its place.
pub(crate) fn is_everywhere(tag: &str) -> bool {
    matches!(tag, "script" | "style" | "template")
}

/// Elements in which `<` begins no tag; the content is text as it stands.
pub(crate) fn is_raw_text(tag: &str) -> bool {
    matches!(tag, "iframe" | "noembed" | "noframes" | "noscript" | "script" | "style" | "xmp")
}

/// HTML elements that end an `svg` or a `math` around them.
pub(crate) fn ends_foreign(tag: &str) -> bool {
    matches!(
        tag,
        "b" | "big"
            | "blockquote"
            | "body"
            | "br"
            | "center"
            | "code"
            | "dd"
            | "div"
            | "dl"
            | "dt"
            | "em"
            | "embed"
            | "h1"
            | "h2"
            | "h3"
            | "h4"
            | "h5"
            | "h6"
            | "head"
            | "hr"
            | "i"
            | "img"
            | "li"
            | "listing"
            | "menu"
            | "meta"
            | "nobr"
            | "ol"
            | "p"
            | "pre"
            | "ruby"
            | "s"
            | "small"
            | "span"
            | "strong"
            | "strike"
            | "sub"
            | "sup"
            | "table"
            | "tt"
            | "u"
            | "ul"
            | "var"
    )
}

/// Whether the attribute `name` of `tag` is a URL, so that a `javascript:` one would run.
pub(crate) fn is_url_attribute(tag: &str, name: &str) -> bool {
    match name {
        "action" | "archive" | "background" | "cite" | "classid" | "codebase" | "formaction" | "href"
        | "icon" | "longdesc" | "manifest" | "ping" | "poster" | "profile" | "src" | "usemap"
        | "xlink:href" => true,
        "data" => tag == "object",
        // An SVG animation can write a link's `href`.
        "by" | "from" | "to" | "values" => matches!(tag, "animate" | "set"),
        _ => false,
    }
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

/// The event of the handler attribute `name`, as a variant of `EventKind`.
pub(crate) fn event(name: &str) -> Option<&'static str> {
    Some(match name {
        "onclick" => "Click",
        "oninput" => "Input",
        "onchange" => "Change",
        "onsubmit" => "Submit",
        "onkeydown" => "Keydown",
        _ => return None,
    })
}

/// Whether a browser may take the attribute for a handler: `on` and letters.
pub(crate) fn is_handler(name: &str) -> bool {
    let is_word = |event: &str| event.len() > 1 && event.bytes().all(|byte| byte.is_ascii_lowercase());
    name.strip_prefix("on").is_some_and(is_word) && !matches!(name, "once" | "online" | "only")
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
