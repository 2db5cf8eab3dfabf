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

/// What nothing above takes, so that the message of the compiler is about the value and not about this module.
///
/// The methods are found last of all: they take the splice itself, where the others take references to it.
#[doc(hidden)]
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
    note = "go over a list with `@for`, take an `Option` or a `Result` apart with `@if let` or `@match`, and show another value by a field of it or by `format!(..)`"
)]
pub trait InContent<M> {
    #[doc(hidden)]
    fn refused() -> Value<M>;
}

/// What can stand in an attribute's value. Nothing implements it: what can is taken before it is asked for.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot stand in an attribute",
    label = "this is no text",
    note = "an attribute's value is a string, a number, a `bool`, or what implements `maud::Render`",
    note = "for an `Option` write square brackets, `name=[option]`: the attribute is there if it is `Some`; for a flag `name[condition]`"
)]
pub trait InAttribute {
    #[doc(hidden)]
    fn refused() -> CompactString;
}

/// Messages about kinds of values that are often written, each with its own mend.
macro_rules! refused_values {
    ($(
        $(#[$doc:meta])* $in_content:ident, $in_attribute:ident for $([$($parameters:tt)*] $type:ty,)*
        $content:literal, $content_mend:literal, $attribute:literal, $attribute_mend:literal;
    )*) => {
        $(
            $(#[$doc])*
            #[diagnostic::on_unimplemented(
                message = $content,
                label = "this cannot stand in content",
                note = $content_mend
            )]
            pub trait $in_content<M> {
                #[doc(hidden)]
                fn refused() -> Value<M>;
            }

            $(#[$doc])*
            #[diagnostic::on_unimplemented(
                message = $attribute,
                label = "this cannot stand in an attribute",
                note = $attribute_mend
            )]
            pub trait $in_attribute {
                #[doc(hidden)]
                fn refused() -> CompactString;
            }

            $(impl<'s, $($parameters)*> Splice<'s, $type> {
                /// Never called: it doesn't compile.
                pub fn splice<M>(self) -> Value<M>
                where
                    $type: $in_content<M>,
                {
                    <$type as $in_content<M>>::refused()
                }

                /// Never called: it doesn't compile.
                pub fn attribute(self) -> CompactString
                where
                    $type: $in_attribute,
                {
                    <$type as $in_attribute>::refused()
                }
            })*
        )*
    };
}
refused_values! {
    /// What holds several things.
    ListInContent, ListInAttribute for
        [T] Vec<T>, ['a, T] &'a Vec<T>, [T] [T], ['a, T] &'a [T], [T, const N: usize] [T; N], ['a, T, const N: usize] &'a [T; N],
        "a list cannot stand in content as it is: `{Self}`",
        "go over it with `@for item in &items`, and give the element of an item a `key=(item.id)`",
        "a list cannot stand in an attribute as it is: `{Self}`",
        "join it to one text, `(items.join(\" \"))`, or go over it with `@for item in &items` in braces";
    /// What may be an error.
    ResultInContent, ResultInAttribute for
        [T, E] Result<T, E>, ['a, T, E] &'a Result<T, E>,
        "a `Result` cannot stand in content: `{Self}`",
        "take it apart with `@match`, an arm for `Ok(value)` and one for `Err(error)`",
        "a `Result` cannot stand in an attribute: `{Self}`",
        "make an option of it, `name=[result.ok()]`, or take it apart with `@match`";
}

/// What may be missing, in an attribute. In content some options are taken.
#[diagnostic::on_unimplemented(
    message = "an option cannot stand in the round brackets of an attribute: `{Self}`",
    label = "this cannot stand in an attribute",
    note = "write square ones, `name=[option]`: the attribute is there if the option is `Some`"
)]
pub trait OptionInAttribute {
    #[doc(hidden)]
    fn refused() -> CompactString;
}

impl<T> Splice<'_, Option<T>> {
    /// Never called: it doesn't compile.
    pub fn attribute(self) -> CompactString
    where
        Option<T>: OptionInAttribute,
    {
        <Option<T> as OptionInAttribute>::refused()
    }
}

impl<'a, T> Splice<'_, &'a Option<T>> {
    /// Never called: it doesn't compile.
    pub fn attribute(self) -> CompactString
    where
        &'a Option<T>: OptionInAttribute,
    {
        <&Option<T> as OptionInAttribute>::refused()
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
