//! A form's fields as a type, with an error beside each field that doesn't fit.

use std::borrow::Cow;
use std::fmt;

use lightspeed_core::handler::{FromPayload, PayloadError, event};
use lightspeed_protocol::msgpack::Payload;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// What `onsubmit` gives a handler, and `oninput` and `onchange` of a `form` or of a `select multiple`: its fields, decoded into a `T`.
///
/// At any other element, `oninput` and `onchange` tell what one field says. A handler there that takes a `Form` doesn't compile:
///
/// ```compile_fail,E0277
/// use lightspeed::{Form, Html, html};
///
/// #[derive(Clone)]
/// enum Msg { Draft(Form<Vec<(String, String)>>) }
///
/// let html: Html<Msg> = html! { fieldset oninput=(Msg::Draft) { input name="title"; } };
/// ```
///
/// Put it on the `form` around the fields:
///
/// ```
/// use lightspeed::{Form, Html, html};
///
/// # #[derive(Clone)]
/// # enum Msg { Draft(Form<Vec<(String, String)>>) }
/// let html: Html<Msg> = html! { form oninput=(Msg::Draft) { fieldset { input name="title"; } } };
/// ```
///
/// A custom element whose `value` is URL-encoded gives a `String`, of which [`Form::decode`] makes a form.
///
/// Fields are decoded by name with serde, as `application/x-www-form-urlencoded`. A field
/// that may be missing, as a checkbox that isn't checked, needs `#[serde(default)]`; several
/// values of one name go into a `Vec`.
///
/// ```
/// use lightspeed::Form;
///
/// #[derive(Debug, serde::Deserialize)]
/// struct Order { item: String, count: u32 }
///
/// let form: Form<Order> = Form::decode("item=tea&count=lots");
/// let errors = form.value.unwrap_err();
/// assert_eq!(errors.get("count"), Some("invalid digit found in string"));
/// // What the person typed is still there, to be shown again.
/// let form: Form<Order> = Form::decode("item=tea&count=lots");
/// assert_eq!(form.field("count"), Some("lots"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Form<T> {
    /// The fields as a `T`, or what is wrong with them.
    pub value: Result<T, FieldErrors>,
    /// The fields as they were typed: name and value, in the form's order.
    pub fields: Vec<(String, String)>,
}

impl<T> Form<T> {
    /// What was typed into the field `name`; the first, if there are several.
    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(field, _)| field == name).map(|(_, value)| value.as_str())
    }
}

impl<T: DeserializeOwned> Form<T> {
    /// Decodes URL-encoded fields.
    pub fn decode(encoded: &str) -> Self {
        let bytes = encoded.as_bytes();
        let value = serde_path_to_error::deserialize(serde_html_form::Deserializer::from_bytes(bytes))
            .map_err(|error| FieldErrors::from_decoding(&error));
        // Every form is a list of pairs of strings, so this decoding does not fail.
        let fields = serde_html_form::from_bytes(bytes).unwrap_or_default();
        Self { value, fields }
    }
}

#[cfg(feature = "garde")]
impl<T: garde::Validate<Context: Default>> Form<T> {
    /// The value, checked by its [`garde`] rules too.
    ///
    /// # Errors
    ///
    /// When a field doesn't decode, or breaks a rule.
    pub fn validated(self) -> Result<T, FieldErrors> {
        let value = self.value?;
        value.validate()?;
        Ok(value)
    }
}

impl<T: DeserializeOwned> Form<T> {
    fn from_text(payload: &Payload<'_>) -> Result<Self, PayloadError> {
        match payload {
            // A browser writes a `=` for each field: a text without any comes from a `select` that has ceased to be `multiple`.
            Payload::Text(encoded) if encoded.is_empty() || encoded.contains('=') => {
                Ok(Self::decode(encoded))
            }
            _ => Err(PayloadError { expected: "a form's fields, URL-encoded" }),
        }
    }
}

macro_rules! payloads {
    ($($event:ident)*) => {
        $(impl<T: DeserializeOwned> FromPayload<event::$event> for Form<T> {
            fn from_payload(payload: &Payload<'_>) -> Result<Self, PayloadError> {
                Self::from_text(payload)
            }
        })*
    };
}
payloads!(Submit FormInput FormChange);

/// What is wrong with a form: a message per field, in the order in which they were found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldErrors {
    errors: Vec<(String, Cow<'static, str>)>,
}

impl FieldErrors {
    /// No errors.
    pub const fn new() -> Self {
        Self { errors: Vec::new() }
    }

    /// The message for `field`.
    pub fn get(&self, field: &str) -> Option<&str> {
        self.errors.iter().find(|(name, _)| name == field).map(|(_, message)| &**message)
    }

    /// Adds a message for `field`, unless it has one: the first that was found is the one to mend first.
    pub fn insert(&mut self, field: impl Into<String>, message: impl Into<Cow<'static, str>>) {
        let field = field.into();
        if self.get(&field).is_none() {
            self.errors.push((field, message.into()));
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.errors.is_empty()
    }

    /// How many fields have one.
    pub fn len(&self) -> usize {
        self.errors.len()
    }

    /// Fields and messages.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.errors.iter().map(|(field, message)| (field.as_str(), &**message))
    }

    fn from_decoding(error: &serde_path_to_error::Error<serde_html_form::de::Error>) -> Self {
        let message = error.inner().to_string();
        // serde reports a missing field at the struct that lacks it, and names it only in the text.
        let missing = message.strip_prefix("missing field `").and_then(|rest| rest.strip_suffix('`'));
        let mut errors = Self::new();
        match missing {
            Some(field) => errors.insert(field, "is missing"),
            None => errors.insert(error.path().to_string(), message),
        }
        errors
    }
}

impl fmt::Display for FieldErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (field, message)) in self.iter().enumerate() {
            let separator = if index == 0 { "" } else { "; " };
            write!(f, "{separator}{field}: {message}")?;
        }
        Ok(())
    }
}

impl std::error::Error for FieldErrors {}

#[cfg(feature = "garde")]
impl From<garde::Report> for FieldErrors {
    fn from(report: garde::Report) -> Self {
        let mut errors = Self::new();
        for (path, error) in report.iter() {
            errors.insert(path.to_string(), error.message().to_owned());
        }
        errors
    }
}

#[cfg(test)]
mod tests;
