//! Messages to the author: what is wrong, where, and the mend.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::Error;

/// The mistakes found so far.
#[derive(Debug, Default)]
pub(crate) struct Errors {
    errors: Vec<Error>,
}

impl Errors {
    /// Adds a mistake at `place`.
    pub(crate) fn add(&mut self, place: impl ToTokens, message: &str, mend: &str) {
        self.push(error(place, message, mend));
    }

    pub(crate) fn push(&mut self, error: Error) {
        self.errors.push(error);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.errors.is_empty()
    }

    /// An expression of any type that shows all of them.
    pub(crate) fn into_tokens(self) -> TokenStream {
        let errors = self.errors.iter().map(Error::to_compile_error);
        quote!({ #(#errors)* })
    }
}

/// A mistake at `place`.
pub(crate) fn error(place: impl ToTokens, message: &str, mend: &str) -> Error {
    Error::new_spanned(place, format!("{message}\nhelp: {mend}"))
}

/// Tokens that carry a span and nothing else, as a `place`.
pub(crate) fn at(span: proc_macro2::Span) -> TokenStream {
    proc_macro2::Ident::new("_here", span).into_token_stream()
}
