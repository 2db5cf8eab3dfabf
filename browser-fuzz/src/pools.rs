//! What cases are made of.

/// Texts: those that a parser, a browser or an encoder could take for something else among them.
pub(crate) const TEXTS: &[&str] = &[
    "",
    "",
    " ",
    "a",
    "b",
    "Ada & Bob",
    "<b>",
    "</lightspeed-view>",
    "<!--",
    "-->",
    "]]>",
    "&amp;",
    "&#0;",
    "\n",
    "\nx",
    "\n\n y",
    "x\r\ny",
    "\r",
    "\0",
    "𝒳é̈",
    "\u{202e}abc",
    "\u{a0}",
    "\u{feff}",
    "0",
    "10",
    "4294967296",
    "007",
    "[",
    "]",
    "\"'`",
    "\t",
    "The quick brown fox jumps over the lazy dog. The quick brown fox jumps over the lazy dog.",
];

pub(crate) const RAW_PHRASING: &[&str] = &[
    "",
    "x",
    "<b>x</b>",
    "a<i>b</i>c",
    "x &amp; y",
    "<!-- a comment -->",
    "<!--[-->inner<!--]-->",
    "<span title=\"q\">z</span> ",
    "<svg><circle r=\"1\"/><title>t</title></svg>",
    "<br>",
];

pub(crate) const RAW_FLOW: &[&str] = &[
    "<div>d</div>",
    "<p>p</p>",
    "<ul><li>1<li>2</ul>",
    "<table><tr><td>1</table>",
    "<b>x</b>",
    "x",
    "<!-- -->",
];

pub(crate) const RAW_SVG: &[&str] =
    &["<circle r=\"2\"/>", "<g><title>t</title></g>", "", "<a><circle r=\"3\"></circle></a>"];

pub(crate) const FLOW: &[&str] = &[
    "div", "section", "p", "ul", "ol", "table", "form", "form", "fieldset", "details", "dialog", "h2", "pre",
    "x-card", "radios", "radios",
];

pub(crate) const PHRASING: &[&str] = &[
    "span", "b", "i", "em", "a", "a", "label", "button", "button", "button", "input", "input", "input",
    "input", "input", "select", "select", "textarea", "textarea", "output", "svg", "svg", "math", "x-tag",
    "br", "code", "img", "wbr", "area",
];

pub(crate) const SVG: &[&str] = &[
    "g",
    "circle",
    "path",
    "text",
    "foreignObject",
    "desc",
    "title",
    "a",
    "linearGradient",
    "use",
    "g",
    "style",
];

pub(crate) const MATH: &[&str] = &["mrow", "mi", "mo", "mn", "mtext", "mfrac"];

/// Names of fields: those of properties among them, which a form's fields hide.
pub(crate) const NAMES: &[&str] = &[
    "a",
    "b",
    "elements",
    "matches",
    "parentNode",
    "closest",
    "type",
    "localName",
    "children",
    "firstChild",
    "attributes",
    "isConnected",
    "getRootNode",
    "hasAttribute",
    "querySelectorAll",
    "nodeType",
    "id",
    "name",
    "value",
    "form",
    "method",
    "submit",
    "requestSubmit",
    "reset",
    "length",
    "style",
    "contains",
    "host",
    "nextSibling",
    "insertBefore",
    "childNodes",
    "classList",
    "setAttribute",
    "multiple",
    "files",
    "options",
];

/// Names of properties that the client asks of forms.
pub(crate) const ASKED: &[&str] = &[
    "parentNode",
    "closest",
    "matches",
    "isConnected",
    "firstChild",
    "nextSibling",
    "childNodes",
    "localName",
    "insertBefore",
    "classList",
    "toggleAttribute",
    "setAttribute",
    "removeAttribute",
    "method",
    "elements",
    "querySelectorAll",
    "getRootNode",
    "remove",
    "requestSubmit",
];

pub(crate) const LINKS: &[&str] = &["#a", "#", "", "about:blank#x"];
pub(crate) const CLASSES: &[&str] = &["", "x", "x y", " x ", "x\ny", "ü"];
pub(crate) const STYLES: &[&str] = &["", "color: red", "x: y", "color: red; top: 1px"];

/// Types of inputs with values that some of them take and others don't.
pub(crate) const INPUTS: &[((&str, &[&str]), u64)] = &[
    (("text", TEXTS), 30),
    (("search", TEXTS), 4),
    (("TeXt", TEXTS), 2),
    (("nonsense", TEXTS), 2),
    (("password", TEXTS), 3),
    (("tel", TEXTS), 2),
    (("hidden", TEXTS), 3),
    (("email", &["a@b", " a@b ", "x", "a@b, c@d", ""]), 4),
    (("url", &["http://x", " http://x ", "x", ""]), 3),
    (("number", &["1", "1,5", "1e3", "abc", "", " 7 ", "-0", "+1", ".5", "12"]), 8),
    (("range", &["150", "10", "abc", "-5", "1e9", "", "50"]), 8),
    (("color", &["#ff0000", "red", "#FFF", "", "#ABCDEF", "x"]), 5),
    (("date", &["2024-01-02", "2024-13-01", "x", "", "0000-00-00"]), 5),
    (("time", &["10:00", "10:00:00", "25:00", "10:00:00.000", ""]), 4),
    (("datetime-local", &["2024-01-02T10:00:00", "2024-01-02T10:00", "2024-01-02 10:00", "x", ""]), 5),
    (("month", &["2024-01", "2024-1", ""]), 2),
    (("week", &["2024-W01", "2024-W99", ""]), 2),
    (("checkbox", &[]), 14),
    (("submit", &[]), 3),
    (("button", &[]), 2),
    (("reset", &[]), 2),
];

/// What a person types, and what a field of another type is set to.
pub(crate) const TYPED: &[&str] = &["x", "hello", "é", "1", "", "a b", "<", "&", "日本", "7", "00"];
