//! Where an element may stand.

use syn::LitStr;

use super::{Ancestor, Checker, for_each_child};
use crate::ast::{Element, Markup};
use crate::names::{self, Namespace};
use crate::nesting;

impl Checker<'_> {
    /// Whether a parser leaves the HTML element where the author put it.
    pub(super) fn place(&mut self, element: &Element, tag: &str) {
        let found = Self::page(tag).or_else(|| self.table(tag, element)).or_else(|| self.select(tag));
        let found = found.or_else(|| self.paragraph(element, tag)).or_else(|| self.nested(tag));
        if let Some((message, mend)) = found {
            self.errors.add(&element.name, &message, &mend);
        }
    }

    /// Elements that are the page's, or that no parser takes.
    fn page(tag: &str) -> Option<(String, String)> {
        match tag {
            "html" | "head" | "body" | "frameset" | "frame" => Some((
                format!("`{tag}` is the page's: a parser drops it inside of one"),
                "live HTML stands in a page's `body`; write the page around it with `maud::html!`".to_owned(),
            )),
            "image" => Some(("a parser turns `image` into `img`".to_owned(), "write `img`".to_owned())),
            "plaintext" => Some((
                "`plaintext` never ends: a parser takes all that follows as its text".to_owned(),
                "write `pre`".to_owned(),
            )),
            _ => None,
        }
    }

    fn table(&self, tag: &str, element: &Element) -> Option<(String, String)> {
        let parent = self.html_parent();
        let group = names::table_group(tag);
        let moved = |tag: &str, parent: &str| {
            let message =
                format!("`{tag}` cannot stand directly in `{parent}`: a parser moves it out of the table");
            let mend = format!("put it into a cell: `td {{ {tag} .. }}`");
            Some((message, mend))
        };
        match parent {
            "table" | "tbody" | "thead" | "tfoot" | "tr" if names::is_everywhere(tag) => None,
            "colgroup" if tag == "template" => None,
            "table" => match group {
                Some("table") => None,
                Some("tbody") => Some((
                    "`tr` cannot stand directly in `table`: a parser puts a `tbody` around it".to_owned(),
                    "write it: `table { tbody { tr { .. } } }` (or `thead`, `tfoot`)".to_owned(),
                )),
                Some("tr") => Some((
                    format!(
                        "`{tag}` cannot stand directly in `table`: a parser puts a `tbody` and a `tr` around it"
                    ),
                    format!("write them: `table {{ tbody {{ tr {{ {tag} {{ .. }} }} }} }}`"),
                )),
                Some(_) => Some((
                    "`col` cannot stand directly in `table`: a parser puts a `colgroup` around it".to_owned(),
                    "write it: `table { colgroup { col; } }`".to_owned(),
                )),
                None if tag == "input" && element.literal_attribute("type").as_deref() == Some("hidden") => {
                    None
                }
                None => moved(tag, parent),
            },
            "tbody" | "thead" | "tfoot" => match group {
                Some("tbody") => None,
                Some("tr") => Some((
                    format!("`{tag}` cannot stand directly in `{parent}`: a parser puts a `tr` around it"),
                    format!("write it: `{parent} {{ tr {{ {tag} {{ .. }} }} }}`"),
                )),
                Some(_) => Some((
                    format!("`{tag}` cannot stand in `{parent}`: a parser ends the `{parent}` before it"),
                    format!("put it beside the `{parent}`"),
                )),
                None => moved(tag, parent),
            },
            "tr" => match group {
                Some("tr") => None,
                Some(_) => Some((
                    format!("`{tag}` cannot stand in `tr`: a parser ends the row before it"),
                    "put it after the `tr`".to_owned(),
                )),
                None => moved(tag, parent),
            },
            "colgroup" => (group != Some("colgroup")).then(|| {
                let message =
                    format!("`{tag}` cannot stand in `colgroup`: a parser ends the `colgroup` before it");
                (message, "only `col` stands in a `colgroup`; put this after it".to_owned())
            }),
            // A root is parsed as part of whatever it is put into; a `template` takes all.
            "" if self.ancestors.is_empty() => None,
            "template" => None,
            _ => group.map(|group| {
                let around = if group == "tbody" {
                    "`tbody`, `thead` or `tfoot`".to_owned()
                } else {
                    format!("`{group}`")
                };
                let message = format!("`{tag}` stands in a {around} only: elsewhere a parser drops it");
                (message, "put the whole table around it, or use another element".to_owned())
            }),
        }
    }

    /// What ends a `select`, or an `option` in it. All else stands in them as it is written.
    fn select(&self, tag: &str) -> Option<(String, String)> {
        let parent = self.html_parent();
        let select = self.open("select", |ancestor| names::is_scope(&ancestor.tag));
        if matches!(tag, "input" | "select") && select.is_some() {
            let message = format!("`{tag}` cannot stand in `select`: a parser ends the `select` before it");
            return Some((message, format!("put the `{tag}` beside the `select`")));
        }
        let ends_parent = match tag {
            "option" | "optgroup" => {
                parent == "option" || (select.is_some() && names::ends_in_select(parent, tag))
            }
            "hr" => select.is_some() && names::ends_in_select(parent, tag),
            _ => false,
        };
        ends_parent.then(|| {
            let message =
                format!("`{tag}` cannot stand in `{parent}`: a parser ends the `{parent}` before it");
            (message, format!("put the `{tag}` after the `{parent}`"))
        })
    }

    /// A `p` ends where a block begins.
    fn paragraph(&self, element: &Element, tag: &str) -> Option<(String, String)> {
        if !names::ends_paragraph(tag) {
            return None;
        }
        self.open("p", |ancestor| names::is_scope(&ancestor.tag) || ancestor.tag == "button")?;
        let message = format!("`{tag}` cannot stand in `p`: a parser ends the paragraph before it");
        let is_implied = matches!(element.name.tokens.to_string().as_str(), "." | "#");
        let mend = if is_implied {
            "without a name it is a `div`: write `span.class`, or make the `p` a `div`".to_owned()
        } else {
            format!("make the `p` a `div`, or put the `{tag}` after it")
        };
        Some((message, mend))
    }

    /// Elements that end an open one of their own kind.
    fn nested(&self, tag: &str) -> Option<(String, String)> {
        let open = match tag {
            // The list of formatting elements is cut where one of these opens.
            "a" | "nobr" => self.open(tag, |ancestor| names::cuts_formatting(&ancestor.tag)),
            "button" => self.open(tag, |ancestor| names::is_scope(&ancestor.tag)),
            "form" => self.open(tag, |ancestor| ancestor.tag == "template"),
            "li" => self.open(tag, |ancestor| names::is_list_boundary(&ancestor.tag) && ancestor.tag != "li"),
            "dd" | "dt" => {
                let other = if tag == "dd" { "dt" } else { "dd" };
                let is_boundary = |ancestor: &Ancestor| {
                    names::is_list_boundary(&ancestor.tag) && !matches!(ancestor.tag.as_str(), "dd" | "dt")
                };
                self.open(tag, is_boundary).or_else(|| self.open(other, is_boundary))
            }
            "rb" | "rp" | "rt" | "rtc" => {
                let parent = self.ancestors.last().filter(|parent| names::ends_in_ruby(&parent.tag, tag));
                parent.filter(|_| self.open("ruby", |ancestor| names::is_scope(&ancestor.tag)).is_some())
            }
            _ if names::is_heading(tag) => {
                self.ancestors.last().filter(|parent| names::is_heading(&parent.tag))
            }
            _ => None,
        }?;
        let mend = match tag {
            "a" | "nobr" => format!("put the second `{tag}` after the first"),
            "button" => "put the second `button` after the first".to_owned(),
            "form" => {
                "put the second `form` after the first; its fields can stand anywhere with `form=\"id\"`"
                    .to_owned()
            }
            "li" => "put a list around it: `li { ul { li { .. } } }`".to_owned(),
            "dd" | "dt" | "rb" | "rp" | "rt" | "rtc" => format!("put the `{tag}` after the `{}`", open.tag),
            _ => "end the first heading before the second".to_owned(),
        };
        let verb = if tag == "form" { "drops the inner one" } else { "ends the outer one before it" };
        Some((format!("`{tag}` cannot stand in `{}`: a parser {verb}", open.tag), mend))
    }

    /// The nearest `tag` around that a parser would find before a boundary.
    fn open(&self, tag: &str, is_boundary: impl Fn(&Ancestor) -> bool) -> Option<&Ancestor> {
        for ancestor in self.ancestors.iter().rev() {
            if ancestor.is_html(tag) {
                return Some(ancestor);
            }
            // HTML in SVG or MathML stands at an integration point, which is a boundary of most searches. The parser's
            // lists of open links and forms don't know it.
            let is_boundary = match ancestor.namespace {
                Namespace::Html => is_boundary(ancestor),
                _ => !matches!(tag, "a" | "form"),
            };
            if is_boundary {
                return None;
            }
        }
        None
    }

    /// The name of the HTML element around; empty when there is none.
    fn html_parent(&self) -> &str {
        match self.ancestors.last() {
            Some(parent) if parent.namespace == Namespace::Html => &parent.tag,
            _ => "",
        }
    }

    /// HTML that would end the SVG or the MathML around it, and SVG that would be read as MathML.
    pub(super) fn foreign(&mut self, element: &Element, around: Namespace) {
        let tag = &element.name.text;
        if around == Namespace::MathMl && tag == "svg" {
            let is_annotation = self.ancestors.last().is_some_and(|parent| parent.tag == "annotation-xml");
            if !is_annotation {
                let message = "`svg` cannot stand directly in `math`: a parser reads it as MathML";
                self.errors.add(&element.name, message, "put it into an `mtext`");
            }
            return;
        }
        let is_font = nesting::is_html_font(element);
        if !names::ends_foreign(&tag.to_ascii_lowercase()) && !is_font {
            return;
        }
        let (language, mend) = match around {
            Namespace::MathMl => ("math", "an `mtext`"),
            _ => ("svg", "a `foreignObject`"),
        };
        self.errors.add(
            &element.name,
            &format!("`{tag}` cannot stand in `{language}`: a parser ends the `{language}` before it"),
            &if is_font {
                format!("leave out its `color`, `face` and `size`, or put it into {mend}")
            } else {
                format!("put it into {mend}, or after the `{language}`")
            },
        );
    }

    /// Text that a parser would move out of a table.
    pub(super) fn text(&mut self, place: &LitStr, text: &str) {
        let parent = self.html_parent();
        let is_table = matches!(parent, "table" | "tbody" | "thead" | "tfoot" | "tr" | "colgroup");
        if !is_table || text.trim_ascii().is_empty() {
            return;
        }
        let message = format!("text cannot stand directly in `{parent}`: a parser moves it out of the table");
        self.errors.add(place, &message, "put it into a cell, `td { .. }`, or into the table's `caption`");
    }

    /// Parts of a table beside other things, where no table is around: the first one decides how a parser goes on.
    pub(super) fn table_parts_among_roots(&mut self, markups: &[Markup]) {
        let mut children = Vec::new();
        for_each_child(markups, &mut |child| children.push(child));
        let name = |child: &Markup| match child {
            Markup::Element(element) => Some(element.name.text.to_ascii_lowercase()),
            _ => None,
        };
        let first = children.iter().find_map(|child| {
            let tag = name(child)?;
            Some((names::table_group(&tag)?, tag))
        });
        let Some((group, part)) = first else { return };
        for child in children {
            match child {
                Markup::Element(element) => {
                    let tag = element.name.text.to_ascii_lowercase();
                    if !names::is_everywhere(&tag) && names::table_group(&tag) != Some(group) {
                        self.errors.add(
                            &element.name,
                            &format!("`{tag}` cannot stand beside `{part}`: a parser drops one of the two"),
                            "put the table around both, or take them apart into two `html!`",
                        );
                    }
                }
                Markup::Literal(text) if !text.value().trim_ascii().is_empty() => {
                    let message =
                        format!("text cannot stand beside `{part}`: a parser moves it out of the table");
                    self.errors.add(text, &message, "put it into a cell: `td { .. }`");
                }
                _ => {}
            }
        }
    }
}
