//! Writes an instance as HTML: the first page, and the reference that every patch is held against.

pub(crate) mod out;

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::convert::Infallible;
use core::fmt;
use core::ops::ControlFlow;

use self::out::{LeftOut, Out, Page};
use crate::tree::escape::{escape_attribute, escape_text, guarded};
use crate::tree::html::{Fragment, Html, Mapped, Value};
use crate::tree::packed::Cell;
use crate::tree::part::{Keep, Part};
use crate::tree::stream::StreamValue;
use crate::tree::template::Kind;
use crate::tree::visit::{Instance, Visit};
use crate::tree::walks::Look;

impl<M> Html<M> {
    /// The HTML as a string, the way the first page carries it.
    pub fn to_html(&self) -> String {
        let mut out = String::new();
        write_fragment(self.root(), &mut out);
        out
    }
}

impl<M> fmt::Debug for Html<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Html").field(&self.to_html()).finish()
    }
}

impl<M> maud::Render for Html<M> {
    fn render_to(&self, buffer: &mut String) {
        write_fragment(self.root(), buffer);
    }
}

/// Appends the HTML of `fragment` to `out`.
pub(crate) fn write_fragment<M>(fragment: &Fragment<M>, out: &mut String) {
    write_root(fragment, &mut Out { html: out, page: None });
}

/// The HTML of `root` as a page carries it, and what it leaves out: raw HTML that a browser would repair or move there.
pub(crate) fn write_page<M>(root: &Fragment<M>) -> (String, Vec<LeftOut>) {
    let mut html = String::new();
    let mut page = Page::default();
    write_root(root, &mut Out { html: &mut html, page: Some(&mut page) });
    (html, page.left_out)
}

fn write_root<M>(root: &Fragment<M>, out: &mut Out<'_>) {
    let ControlFlow::Continue(()) = out.instance(Instance::Own(root));
}

impl<'a, M: 'a> Visit<'a, M> for Out<'_> {
    type Found = Infallible;

    fn instance(&mut self, instance: Instance<'a, M>) -> ControlFlow<Infallible> {
        let statics = instance.template().statics;
        self.html.push_str(statics[0]);
        instance.cells(|index, slot, cell| {
            let is_left_out = match (&cell, &mut self.page) {
                (Cell::Kept(Value::Raw(html)), Some(page)) => {
                    !page.takes(self.html, html, instance.id(), index)
                }
                _ => false,
            };
            if !is_left_out {
                self.slot(&slot.kind, cell);
            }
            self.html.push_str(statics[index as usize + 1]);
            ControlFlow::Continue(())
        })
    }

    fn part(&mut self, part: &'a Part<M>, _: Option<&'a Arc<dyn Keep>>) -> ControlFlow<Infallible> {
        part.read(|fragment| self.instance(Instance::Own(fragment)))
    }

    fn mapped(&mut self, mapped: &'a Mapped<M>) -> ControlFlow<Infallible> {
        let _is_done = mapped.child().look(Look::Render(self));
        ControlFlow::Continue(())
    }

    fn stream(&mut self, stream: &'a StreamValue<M>) -> ControlFlow<Infallible> {
        stream.visit_rows(self)
    }
}

impl Out<'_> {
    fn slot<'a, M: 'a>(&mut self, kind: &Kind, cell: Cell<'a, &'a Value<M>>) {
        match (kind, cell) {
            (Kind::Splice, Cell::Text(text)) => escape_text(text, self.html),
            (Kind::Attribute { name, guard }, Cell::Text(text)) => {
                write_attribute(name, guarded(*guard, text), self.html);
            }
            (Kind::Property { is_content: true, .. }, Cell::Text(text)) => {
                // A parser drops a newline that opens a textarea; the doubled one survives.
                if text.starts_with('\n') {
                    self.html.push('\n');
                }
                escape_text(text, self.html);
            }
            (Kind::Property { name, .. }, Cell::Text(text)) => write_attribute(name, text, self.html),
            (Kind::Flag { name } | Kind::BoolProperty { name }, Cell::Flag(true)) => {
                write_attribute(name, "", self.html);
            }
            (Kind::Class { name }, Cell::Flag(true)) => {
                self.html.push(' ');
                escape_attribute(name, self.html);
            }
            (_, Cell::Kept(Value::Raw(html))) => {
                // The marks tell an adopting client where markup of unknown length ends.
                self.html.push_str("<!--[-->");
                self.html.push_str(html);
                self.html.push_str("<!--]-->");
            }
            (_, Cell::Kept(value)) => {
                let ControlFlow::Continue(()) = value.visit(self);
            }
            _ => {}
        }
    }
}

fn write_attribute(name: &str, text: &str, out: &mut String) {
    out.push(' ');
    out.push_str(name);
    out.push_str("=\"");
    escape_attribute(text, out);
    out.push('"');
}
