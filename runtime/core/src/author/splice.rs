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
use alloc::vec::Vec;
use core::fmt;

use compact_str::{CompactString, ToCompactString};

use crate::author::memo::Memoized;
use crate::tree::html::{Html, Value};

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

/// Live HTML, with its handlers.
pub trait Live {
    /// What its handlers produce.
    type Message;

    /// The value of a content slot.
    fn live(&self) -> Value<Self::Message>;
}

impl<M> Live for Html<M> {
    type Message = M;

    fn live(&self) -> Value<M> {
        self.content()
    }
}

impl<M> Live for Memoized<M> {
    type Message = M;

    fn live(&self) -> Value<M> {
        self.0.clone()
    }
}

impl<T: Live> Live for &T {
    type Message = T::Message;

    fn live(&self) -> Value<T::Message> {
        T::live(self)
    }
}

impl<T: Live> Live for Option<T> {
    type Message = T::Message;

    fn live(&self) -> Value<T::Message> {
        self.as_ref().map_or(Value::Text(CompactString::const_new("")), T::live)
    }
}

// What a value becomes is the first of these that its type has, each a reference less: of an expression whose type
// is unknown because of a mistake in it, the first is taken, and the mistake is all that a compiler reports.

/// Live HTML.
pub trait SpliceLive {
    /// What its handlers produce.
    type Message;

    /// The value of a content slot.
    fn splice(&self) -> Value<Self::Message>;
}

impl<T: Live + ?Sized> SpliceLive for &&&Splice<'_, T> {
    type Message = T::Message;

    fn splice(&self) -> Value<T::Message> {
        self.0.live()
    }
}

/// Text.
pub trait SpliceText {
    /// The value of a content slot.
    fn splice<M>(&self) -> Value<M>;
    /// The text of an attribute.
    fn attribute(&self) -> CompactString;
}

impl<T: IntoText + ?Sized> SpliceText for &&Splice<'_, T> {
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
        crate::tree::escape::unescape(&self.0.render().into_string())
    }
}

/// What nothing above takes: the message of the compiler is about the value.
pub trait SpliceOther: Sized {
    /// What stands in the brackets.
    type Value: ?Sized;

    /// Never called: a value that gets here doesn't compile.
    fn splice<M>(self) -> Value<M>
    where
        Self::Value: InContent<M>,
    {
        <Self::Value as InContent<M>>::refused()
    }

    /// The same for an attribute.
    fn attribute(self) -> CompactString
    where
        Self::Value: InAttribute,
    {
        <Self::Value as InAttribute>::refused()
    }
}

impl<T: ?Sized> SpliceOther for Splice<'_, T> {
    type Value = T;
}

/// What can stand in `(..)` as content. Nothing implements it: what can is taken before it is asked for.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot stand in content",
    label = "this is neither live HTML nor text nor markup",
    note = "content is an `Html<Msg>` or an option of one, a string, a number, a `bool`, or what implements `maud::Render`",
    note = "show another value by a field of it or by `format!(..)`; is there a `;` too many if it is `()`?"
)]
pub trait InContent<M> {
    #[doc(hidden)]
    fn refused() -> Value<M>;
}

/// What can stand in an attribute's value. Nothing implements it: what can is taken before it is asked for.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot stand in an attribute",
    label = "this is no text",
    note = "an attribute's value is a string, a number, a `bool`, or what implements `maud::Render`; a flag is `name[condition]`"
)]
pub trait InAttribute {
    #[doc(hidden)]
    fn refused() -> CompactString;
}

/// What holds several things.
pub trait List {}

impl<T> List for Vec<T> {}
impl<T> List for [T] {}
impl<T, const N: usize> List for [T; N] {}
impl<T: List + ?Sized> List for &T {}

/// What holds several things. It doesn't compile.
pub trait SpliceList {
    /// What stands in the brackets.
    type Value: ?Sized;

    /// Never called: it doesn't compile.
    fn splice<M>(&self) -> Value<M>
    where
        Self::Value: ListInContent<M>,
    {
        <Self::Value as ListInContent<M>>::refused()
    }

    /// Never called: it doesn't compile.
    fn attribute(&self) -> CompactString
    where
        Self::Value: ListInAttribute,
    {
        <Self::Value as ListInAttribute>::refused()
    }
}

impl<T: List + ?Sized> SpliceList for Splice<'_, T> {
    type Value = T;
}

/// What holds several things. Nothing implements it.
#[diagnostic::on_unimplemented(
    message = "a list cannot stand in content as it is: `{Self}`",
    label = "this cannot stand in content",
    note = "go over it with `@for item in &items`, and give the element of an item a `key=(item.id)`"
)]
pub trait ListInContent<M> {
    #[doc(hidden)]
    fn refused() -> Value<M>;
}

/// What holds several things. Nothing implements it.
#[diagnostic::on_unimplemented(
    message = "a list cannot stand in an attribute as it is: `{Self}`",
    label = "this cannot stand in an attribute",
    note = "join it to one text, `(items.join(\" \"))`, or go over it with `@for item in &items` in braces"
)]
pub trait ListInAttribute {
    #[doc(hidden)]
    fn refused() -> CompactString;
}

/// What may be an error.
pub trait Fallible {}

impl<T, E> Fallible for Result<T, E> {}
impl<T: Fallible> Fallible for &T {}

/// What may be an error. It doesn't compile.
pub trait SpliceResult {
    /// What stands in the brackets.
    type Value: ?Sized;

    /// Never called: it doesn't compile.
    fn splice<M>(&self) -> Value<M>
    where
        Self::Value: ResultInContent<M>,
    {
        <Self::Value as ResultInContent<M>>::refused()
    }

    /// Never called: it doesn't compile.
    fn attribute(&self) -> CompactString
    where
        Self::Value: ResultInAttribute,
    {
        <Self::Value as ResultInAttribute>::refused()
    }
}

impl<T: Fallible + ?Sized> SpliceResult for Splice<'_, T> {
    type Value = T;
}

/// What may be an error. Nothing implements it.
#[diagnostic::on_unimplemented(
    message = "a `Result` cannot stand in content: `{Self}`",
    label = "this cannot stand in content",
    note = "take it apart with `@match`, an arm for `Ok(value)` and one for `Err(error)`"
)]
pub trait ResultInContent<M> {
    #[doc(hidden)]
    fn refused() -> Value<M>;
}

/// What may be an error. Nothing implements it.
#[diagnostic::on_unimplemented(
    message = "a `Result` cannot stand in an attribute: `{Self}`",
    label = "this cannot stand in an attribute",
    note = "make an option of it, `name=[result.ok()]`, or take it apart with `@match`"
)]
pub trait ResultInAttribute {
    #[doc(hidden)]
    fn refused() -> CompactString;
}

/// What may be missing.
pub trait Missable {}

impl<T> Missable for Option<T> {}
impl<T: Missable> Missable for &T {}

/// What may be missing. It doesn't compile.
pub trait SpliceOption {
    /// What stands in the brackets.
    type Value: ?Sized;

    /// Never called: it doesn't compile.
    fn splice<M>(&self) -> Value<M>
    where
        Self::Value: OptionInContent<M>,
    {
        <Self::Value as OptionInContent<M>>::refused()
    }

    /// Never called: it doesn't compile.
    fn attribute(&self) -> CompactString
    where
        Self::Value: OptionInAttribute,
    {
        <Self::Value as OptionInAttribute>::refused()
    }
}

impl<T: Missable + ?Sized> SpliceOption for Splice<'_, T> {
    type Value = T;
}

/// What may be missing. Nothing implements it.
#[diagnostic::on_unimplemented(
    message = "this option cannot stand in content: `{Self}`",
    label = "this cannot stand in content",
    note = "take it apart with `@if let Some(value) = option`; an `Option<Html<Msg>>` can stand here as it is"
)]
pub trait OptionInContent<M> {
    #[doc(hidden)]
    fn refused() -> Value<M>;
}

/// What may be missing. Nothing implements it.
#[diagnostic::on_unimplemented(
    message = "an option cannot stand in the round brackets of an attribute: `{Self}`",
    label = "this cannot stand in an attribute",
    note = "write square ones, `name=[option]`: the attribute is there if the option is `Some`"
)]
pub trait OptionInAttribute {
    #[doc(hidden)]
    fn refused() -> CompactString;
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
