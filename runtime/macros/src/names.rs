//! What an HTML parser knows of names.
//!
//! The lists follow the [HTML Standard's parsing chapter](https://html.spec.whatwg.org/multipage/parsing.html);
//! element names of HTML are compared in lower case.

mod attributes;
mod spelling;

pub(crate) use attributes::{
    Guard, Keywords, guard, has_script_url, is_animation, is_boolean_attribute, keywords_of,
};

use crate::ast::{Element, Markup, first_element};

/// What a parser takes an element for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Namespace {
    Html,
    Svg,
    MathMl,
}

impl Namespace {
    /// The name of an element as a parser spells it: only SVG has capitals.
    pub(crate) fn element_name(self, name: &str) -> String {
        let lower = name.to_ascii_lowercase();
        match (self, spelling::svg_element(&lower)) {
            (Self::Svg, Some(name)) => name.to_owned(),
            _ => lower,
        }
    }

    /// The name of an attribute as a parser spells it: only SVG and MathML have capitals.
    pub(crate) fn attribute_name(self, name: &str) -> String {
        let lower = name.to_ascii_lowercase();
        match (self, spelling::svg_attribute(&lower)) {
            (Self::Svg, Some(name)) => name.to_owned(),
            (Self::MathMl, _) if lower == "definitionurl" => "definitionURL".to_owned(),
            _ => lower,
        }
    }

    /// The name by which a client sets the attribute: nothing adjusts it then.
    ///
    /// In a template without an `svg` around it, an element may be of SVG once it is spliced. HTML has no attribute
    /// of a name with capitals, and its elements take them in any case.
    pub(crate) fn live_attribute_name(self, name: &str) -> String {
        match self {
            Self::Html => Self::Svg.attribute_name(name),
            _ => self.attribute_name(name),
        }
    }

    /// The namespace of the element `tag` that stands where content is of namespace `self`.
    fn of_element(self, tag: &str) -> Self {
        match (self, tag.to_ascii_lowercase().as_str()) {
            (Self::Html | Self::MathMl, "svg") => Self::Svg,
            (Self::Html, "math") => Self::MathMl,
            _ => self,
        }
    }

    /// The namespace of what stands in `element`, which is itself of namespace `self`.
    fn of_content(self, element: &Element) -> Self {
        let tag = element.name.text.to_ascii_lowercase();
        match self {
            Self::Svg if matches!(tag.as_str(), "foreignobject" | "desc" | "title") => Self::Html,
            Self::MathMl if matches!(tag.as_str(), "mi" | "mo" | "mn" | "ms" | "mtext") => Self::Html,
            Self::MathMl if tag == "annotation-xml" && holds_html(element) => Self::Html,
            _ => self,
        }
    }

    /// The namespace that the name of a template's first element stands for, when nothing is around it.
    fn of_root(tag: &str) -> Self {
        let is_tag = |name: &&str| name.eq_ignore_ascii_case(tag);
        if SVG_ONLY.iter().any(is_tag) {
            Self::Svg
        } else if MATHML_ONLY.iter().any(is_tag) {
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

    /// What is around the content of `element`, which stands here.
    pub(crate) fn inside(self, element: &Element) -> Self {
        Self { namespace: self.element(&element.name.text).of_content(element), has_element: true }
    }
}

/// Whether the `annotation-xml` is a place for HTML, as its `encoding` says.
fn holds_html(element: &Element) -> bool {
    let encoding = element.literal_attribute("encoding").unwrap_or_default();
    ["text/html", "application/xhtml+xml"].iter().any(|html| encoding.eq_ignore_ascii_case(html))
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

/// Elements that a parser's search for an open `a` doesn't leave: where they open, its list of formatting
/// elements is cut.
pub(crate) fn cuts_formatting(tag: &str) -> bool {
    matches!(tag, "applet" | "caption" | "marquee" | "object" | "td" | "template" | "th")
}

/// Elements that stop the search for an open `li`, `dd` or `dt`: the special ones but `address`, `div` and
/// `p`; older parsers don't know `search`.
pub(crate) fn is_list_boundary(tag: &str) -> bool {
    is_scope(tag)
        || (ends_paragraph(tag) && !matches!(tag, "address" | "dialog" | "div" | "p" | "search"))
        || matches!(
            tag,
            "button" | "colgroup" | "iframe" | "noscript" | "tbody" | "textarea" | "tfoot" | "thead" | "tr"
        )
}

/// Elements whose end tag a parser adds before an `option`, an `optgroup` or an `hr` in a `select`.
pub(crate) fn ends_in_select(parent: &str, tag: &str) -> bool {
    match parent {
        "dd" | "dt" | "li" | "option" | "p" | "rb" | "rp" | "rt" | "rtc" => true,
        "optgroup" => tag != "option",
        _ => false,
    }
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
///
/// `noscript` is none of them: it is read by those who run no script, and as elements.
pub(crate) fn is_raw_text(tag: &str) -> bool {
    matches!(tag, "iframe" | "noembed" | "noframes" | "script" | "style" | "xmp")
}

/// Attributes with which `font` is one of the elements that end an `svg` or a `math` around them.
pub(crate) fn makes_font_html(attribute: &str) -> bool {
    ["color", "face", "size"].iter().any(|name| attribute.eq_ignore_ascii_case(name))
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
