//! What can stand in a splice or an attribute, and what it becomes there.
//!
//! `html!` doesn't know types, so it calls methods that resolve by type: live HTML
//! first, then text, then whatever renders itself as markup. The technique is
//! [autoref-based specialization](https://github.com/dtolnay/case-studies/tree/master/autoref-specialization).

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::rc::Rc;
use alloc::string::String;
use alloc::sync::Arc;
use core::fmt;

use compact_str::{CompactString, ToCompactString};

use crate::html::{Html, Value};
use crate::memo::Memoized;

/// What is text in a splice or an attribute: it is escaped where it lands.
pub trait IntoText {
    /// Whether every text of this type may stand in HTML as it is: it has no U+0000 and no CR.
    const IS_CLEAN: bool = false;

    /// The text, as a person reads it.
    fn to_text(&self) -> CompactString;
}

macro_rules! display_texts {
    ($($type:ty)*) => {
        $(impl IntoText for $type {
            const IS_CLEAN: bool = true;

            fn to_text(&self) -> CompactString {
                self.to_compact_string()
            }
        })*
    };
}
display_texts!(u8 u16 u32 u64 u128 usize i8 i16 i32 i64 i128 isize f32 f64 bool);

macro_rules! string_texts {
    ($($type:ty)*) => {
        $(impl IntoText for $type {
            fn to_text(&self) -> CompactString {
                CompactString::new(&**self)
            }
        })*
    };
}
string_texts!(String Cow<'_, str> CompactString);

impl IntoText for char {
    fn to_text(&self) -> CompactString {
        self.to_compact_string()
    }
}

impl IntoText for str {
    fn to_text(&self) -> CompactString {
        CompactString::new(self)
    }
}

impl IntoText for fmt::Arguments<'_> {
    fn to_text(&self) -> CompactString {
        self.to_compact_string()
    }
}

macro_rules! pointer_texts {
    ($($type:ty)*) => {
        $(impl<T: IntoText + ?Sized> IntoText for $type {
            const IS_CLEAN: bool = T::IS_CLEAN;

            fn to_text(&self) -> CompactString {
                T::to_text(self)
            }
        })*
    };
}
pointer_texts!(&T &mut T Box<T> Rc<T> Arc<T>);

/// Wraps an expression so that its type chooses what it becomes.
#[derive(Debug)]
pub struct Splice<'a, T: ?Sized>(pub &'a T);

impl<M> Splice<'_, Html<M>> {
    /// A fragment, with its handlers.
    pub fn splice(&self) -> Value<M> {
        Value::Html(self.0.clone())
    }
}

impl<M> Splice<'_, &Html<M>> {
    /// A fragment, with its handlers.
    pub fn splice(&self) -> Value<M> {
        Value::Html((*self.0).clone())
    }
}

impl<M> Splice<'_, &&Html<M>> {
    /// A fragment, with its handlers.
    pub fn splice(&self) -> Value<M> {
        Value::Html((**self.0).clone())
    }
}

impl<M> Splice<'_, Option<&Html<M>>> {
    /// A fragment with its handlers, or nothing.
    pub fn splice(&self) -> Value<M> {
        self.0.cloned().map_or(Value::Text(CompactString::const_new("")), Value::Html)
    }
}

impl<M> Splice<'_, Option<Html<M>>> {
    /// A fragment with its handlers, or nothing.
    pub fn splice(&self) -> Value<M> {
        self.0.clone().map_or(Value::Text(CompactString::const_new("")), Value::Html)
    }
}

impl<M> Splice<'_, Memoized<M>> {
    /// A fragment that trees share.
    pub fn splice(&self) -> Value<M> {
        self.0.0.clone()
    }
}

impl<M> Splice<'_, &Memoized<M>> {
    /// A fragment that trees share.
    pub fn splice(&self) -> Value<M> {
        self.0.0.clone()
    }
}

/// Text.
pub trait SpliceText {
    /// The value of a content slot.
    fn splice<M>(&self) -> Value<M>;
    /// The text of an attribute.
    fn attribute(&self) -> CompactString;
}

impl<T: IntoText + ?Sized> SpliceText for Splice<'_, T> {
    fn splice<M>(&self) -> Value<M> {
        Value::Text(self.attribute())
    }

    fn attribute(&self) -> CompactString {
        let text = self.0.to_text();
        if T::IS_CLEAN { text } else { clean(text) }
    }
}

/// Markup of others.
pub trait SpliceRender {
    /// The value of a content slot.
    fn splice<M>(&self) -> Value<M>;
    /// The text of an attribute.
    fn attribute(&self) -> CompactString;
}

impl<T: maud::Render + ?Sized> SpliceRender for &Splice<'_, T> {
    fn splice<M>(&self) -> Value<M> {
        Value::Raw(self.0.render().into_string().into_boxed_str())
    }

    /// Markup in an attribute is its text: what an HTML parser would make of it.
    fn attribute(&self) -> CompactString {
        crate::render::unescape(&self.0.render().into_string())
    }
}

/// Replaces what no HTML document can hold, so that first page and patch agree.
///
/// U+0000 becomes U+FFFD, and CR and CR LF become LF, as the
/// [input stream preprocessing](https://html.spec.whatwg.org/multipage/parsing.html#preprocessing-the-input-stream)
/// of an HTML parser has it.
fn clean(text: CompactString) -> CompactString {
    if memchr::memchr2(0, b'\r', text.as_bytes()).is_none() {
        return text;
    }
    let mut out = CompactString::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\0' => out.push('\u{FFFD}'),
            '\r' => {
                if characters.peek() != Some(&'\n') {
                    out.push('\n');
                }
            }
            other => out.push(other),
        }
    }
    out
}
