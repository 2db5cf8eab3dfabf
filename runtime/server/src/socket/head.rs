//! The head of the request that opened a socket, in as little room as it takes.
//!
//! The values of a request's headers are slices of what the connection has read, 8 kB that they would
//! keep for as long as the socket is open.

use axum::http::request::Parts;
use axum::http::{Extensions, HeaderName, HeaderValue, Method, Request};

/// What of a head is asked for later: its headers and extensions. Method and URL are those of the socket,
/// which is nobody's page.
pub(crate) struct Head {
    /// Each header as `[name length, value length, is_sensitive, name, value]`, the lengths of four bytes.
    headers: Box<[u8]>,
    extensions: Extensions,
}

impl Head {
    pub(crate) fn new(parts: Parts) -> Self {
        let mut headers = Vec::new();
        for (name, value) in &parts.headers {
            let (name, text) = (name.as_str().as_bytes(), value.as_bytes());
            for length in [name.len(), text.len()] {
                let length = u32::try_from(length).expect("a head is far smaller than 4 GiB");
                headers.extend(length.to_le_bytes());
            }
            headers.push(u8::from(value.is_sensitive()));
            headers.extend(name);
            headers.extend(text);
        }
        Self { headers: headers.into_boxed_slice(), extensions: parts.extensions }
    }

    /// What is kept of it, but for its extensions.
    pub(crate) fn byte_count(&self) -> usize {
        self.headers.len()
    }

    /// A head with these headers and extensions, for a `GET` of nothing yet.
    pub(crate) fn parts(&self) -> Parts {
        let (mut parts, ()) = Request::new(()).into_parts();
        parts.method = Method::GET;
        parts.extensions = self.extensions.clone();
        let mut left = &*self.headers;
        while let Some((name, value, rest)) = next_header(left) {
            parts.headers.append(name, value);
            left = rest;
        }
        parts
    }
}

fn next_header(bytes: &[u8]) -> Option<(HeaderName, HeaderValue, &[u8])> {
    let (name_len, bytes) = bytes.split_first_chunk()?;
    let (value_len, bytes) = bytes.split_first_chunk()?;
    let (is_sensitive, bytes) = bytes.split_first()?;
    let (name, bytes) = bytes.split_at_checked(u32::from_le_bytes(*name_len) as usize)?;
    let (value, rest) = bytes.split_at_checked(u32::from_le_bytes(*value_len) as usize)?;
    let mut value = HeaderValue::from_bytes(value).ok()?;
    value.set_sensitive(*is_sensitive == 1);
    Some((HeaderName::from_bytes(name).ok()?, value, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_has_its_headers_and_extensions_again() {
        let mut request =
            Request::builder().header("cookie", "a=1").header("cookie", "b=2").header("x-empty", "");
        let mut secret = HeaderValue::from_static("secret");
        secret.set_sensitive(true);
        request = request.header("authorization", secret).extension(7u64);
        let (parts, ()) = request.body(()).expect("it is a request").into_parts();
        let again = Head::new(parts.clone()).parts();
        assert_eq!(again.headers, parts.headers);
        assert!(again.headers["authorization"].is_sensitive() && !again.headers["cookie"].is_sensitive());
        assert_eq!(again.extensions.get::<u64>(), Some(&7));
    }
}
