//! Handlers: how an event becomes a typed message. They never leave the server.

use alloc::string::String;
use alloc::sync::Arc;

use lightspeed_protocol::msgpack::Payload;
use lightspeed_protocol::template::EventKind;

use crate::tree::html::{Html, Value};
pub use crate::tree::payload::{PayloadError, PayloadHandler};

/// An event as a type, so that a handler with the wrong argument doesn't compile.
pub trait Event {
    /// The event as it travels.
    const KIND: EventKind;
}

/// The events as types; `html!` names them.
pub mod event {
    use super::{Event, EventKind};

    macro_rules! events {
        ($($(#[$doc:meta])* $name:ident = $kind:ident)*) => {
            $(
                $(#[$doc])*
                #[derive(Debug)]
                pub enum $name {}
                impl Event for $name {
                    const KIND: EventKind = EventKind::$kind;
                }
            )*
        };
    }

    events! {
        /// `click`
        Click = Click
        /// `input`, of a field at the handler's element or within it
        Input = Input
        /// `change`, of a field at the handler's element or within it
        Change = Change
        /// `input` at a `form` or a `select multiple`, which tells names and values
        FormInput = Input
        /// `change` at a `form` or a `select multiple`, which tells names and values
        FormChange = Change
        /// `submit`
        Submit = Submit
        /// `keydown`
        Keydown = Keydown
    }
}

/// What a handler of the event `E` can take as its argument.
#[diagnostic::on_unimplemented(
    message = "a handler of this event cannot take `{Self}`",
    label = "this handler's argument doesn't fit the event",
    note = "`oninput` and `onchange` give what one field says: a `String`, or a `bool` of a checkbox. At a `form` or a `select multiple` they give a `Form<T>`, so put the handler on the `form` to hear of its fields together, and on a field to hear of that alone",
    note = "`onsubmit` gives a `Form<T>`; `onkeydown` a `Key`; `onclick` nothing: pass a message"
)]
pub trait FromPayload<E: Event>: Sized {
    /// Makes the argument.
    ///
    /// # Errors
    ///
    /// When the payload isn't of the shape that the event sends.
    fn from_payload(payload: &Payload<'_>) -> Result<Self, PayloadError>;
}

macro_rules! payloads {
    ($($event:ident => $argument:ty = $variant:ident, $expected:literal;)*) => {
        $(impl FromPayload<event::$event> for $argument {
            fn from_payload(payload: &Payload<'_>) -> Result<Self, PayloadError> {
                match payload {
                    Payload::$variant(value) => Ok((*value).into()),
                    _ => Err(PayloadError { expected: $expected }),
                }
            }
        })*
    };
}
payloads! {
    Input => String = Text, "a text";
    Change => String = Text, "a text";
    Input => bool = Flag, "true or false";
    Change => bool = Flag, "true or false";
}

/// A key press, as [`keydown`](https://www.w3.org/TR/uievents-key/) names it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "four modifiers, each held or not")]
pub struct Key {
    /// The key's name: `"a"`, `"Enter"`, `"ArrowDown"`.
    pub name: String,
    /// Shift was held.
    pub is_shift: bool,
    /// Control was held.
    pub is_control: bool,
    /// Alt was held.
    pub is_alt: bool,
    /// Meta (the Windows or Command key) was held.
    pub is_meta: bool,
}

impl FromPayload<event::Keydown> for Key {
    /// The payload is a text: a digit with the sum of shift 1, control 2, alt 4 and meta 8
    /// as a hexadecimal digit, then the key's name.
    fn from_payload(payload: &Payload<'_>) -> Result<Self, PayloadError> {
        const EXPECTED: PayloadError = PayloadError { expected: "a hexadecimal digit and a key's name" };
        let Payload::Text(text) = payload else { return Err(EXPECTED) };
        let mut characters = text.chars();
        let modifiers = characters.next().and_then(|digit| digit.to_digit(16)).ok_or(EXPECTED)?;
        Ok(Self {
            name: characters.as_str().into(),
            is_shift: modifiers & 1 != 0,
            is_control: modifiers & 2 != 0,
            is_alt: modifiers & 4 != 0,
            is_meta: modifiers & 8 != 0,
        })
    }
}

/// A handler that ignores what the event carries: `fn(()) -> M`.
impl<E: Event> FromPayload<E> for () {
    fn from_payload(_: &Payload<'_>) -> Result<Self, PayloadError> {
        Ok(())
    }
}

/// What can stand in `onclick=(..)`: a message, or a function of the payload.
///
/// `K` tells the two apart and is always inferred.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a handler here",
    label = "expected a message of the component, or a function from the event's payload to one",
    note = "a plain message must be the component's `Msg` and `Clone`; a function takes what the event carries (`String`, `bool`, `Form<T>`, `Key`)"
)]
pub trait IntoHandler<E, M, K> {
    /// The handler.
    fn into_handler(self) -> Value<M>;
}

/// Marks handlers that are a plain message.
#[derive(Debug)]
pub enum IsMessage {}

/// Marks handlers that are a function of the payload `P`.
#[derive(Debug)]
pub struct IsFunction<P>(core::marker::PhantomData<P>);

impl<E: Event, M: Clone> IntoHandler<E, M, IsMessage> for M {
    fn into_handler(self) -> Value<M> {
        Value::Message { message: self, clone: M::clone }
    }
}

impl<E, M, P, F> IntoHandler<E, M, IsFunction<P>> for F
where
    E: Event,
    P: FromPayload<E>,
    F: Fn(P) -> M + Send + Sync + 'static,
{
    fn into_handler(self) -> Value<M> {
        Value::Payload(Arc::new(move |payload| P::from_payload(payload).map(&self)))
    }
}

/// What a closure that is a handler can take a copy of.
///
/// `html!` has it copy the fields that it names, for it outlives what they are fields of.
#[diagnostic::on_unimplemented(
    message = "a handler's closure takes a copy of this, and `{Self}` isn't `Clone`",
    label = "the closure outlives what this is a part of, so it cannot borrow it",
    note = "bind what the closure needs first, for example `@let id = row.id;`, or derive `Clone`"
)]
pub trait Captured {
    /// The copy.
    fn captured(&self) -> Self;
}

#[diagnostic::do_not_recommend]
impl<T: Clone> Captured for T {
    fn captured(&self) -> Self {
        self.clone()
    }
}

/// The copy of what a handler's closure names.
pub fn captured<T: Captured>(value: &T) -> T {
    value.captured()
}

/// A variable that a handler's closure uses as a whole.
#[derive(Debug)]
pub struct Held<'a, T: ?Sized>(pub &'a T);

impl<T: ?Sized> Clone for Held<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: ?Sized> Copy for Held<'_, T> {}

/// A reference, which a closure that outlives the render cannot hold.
pub trait HeldReference {
    /// The reference.
    type Reference;

    /// Never called: it doesn't compile.
    fn held(&self)
    where
        Self::Reference: OutlivesRender,
    {
    }
}

impl<'a, T> HeldReference for Held<'_, &'a T> {
    type Reference = &'a T;
}

impl<'a, T> HeldReference for Held<'_, &'a mut T> {
    type Reference = &'a mut T;
}

/// Anything else, which the closure takes.
pub trait HeldValue: Sized {
    /// Nothing is wrong with it.
    fn held(self) {}
}

impl<T: ?Sized> HeldValue for Held<'_, T> {}

/// What a handler's closure can hold. No reference implements it.
#[diagnostic::on_unimplemented(
    message = "a handler's closure cannot borrow: this is a `{Self}`",
    label = "the closure outlives the render, and what this refers to may not",
    note = "name the fields that it needs, `row.id`, of which it takes copies, or bind first what it needs: `@let title = row.title();`"
)]
pub trait OutlivesRender {}

/// The messages of a part and `M`, those of its surroundings, are the same.
#[diagnostic::on_unimplemented(
    message = "this live HTML has messages of another type than the HTML around it, whose messages are `{M}`",
    label = "its messages are not `{M}`",
    note = "map its messages: `(part.map(Msg::Part))`, with a function from its messages to `{M}`; or have the function that makes it return `Html<{M}>`"
)]
pub trait SameMessages<M> {
    /// The value as it is.
    fn same(self) -> Value<M>;
}

#[diagnostic::do_not_recommend]
impl<M> SameMessages<M> for Value<M> {
    fn same(self) -> Self {
        self
    }
}

/// The message type of one `html!`, before anything in it is looked at.
///
/// `html!` begins with it, so that a handler or a splice that doesn't fit what its surroundings
/// expect is the mistake that a compiler reports, at its place, and not a consequence of it.
#[derive(Debug)]
pub struct Messages<M>(core::marker::PhantomData<fn() -> M>);

impl<M> Messages<M> {
    /// Messages of the type that the rest will tell.
    #[expect(clippy::new_without_default, reason = "only `html!` makes one")]
    pub const fn new() -> Self {
        Self(core::marker::PhantomData)
    }

    /// Never called: it stands in the branch that tells the type.
    ///
    /// # Panics
    ///
    /// Always.
    pub fn html(&self) -> Html<M> {
        unreachable!("`html!` doesn't take this branch")
    }

    /// The handler of an event.
    pub fn handler<E, K, H: IntoHandler<E, M, K>>(&self, handler: H) -> Value<M> {
        handler.into_handler()
    }

    /// A value with messages of this type.
    pub fn value<V: SameMessages<M>>(&self, value: V) -> Value<M> {
        value.same()
    }
}
