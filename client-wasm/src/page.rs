//! What JavaScript does for the client. Texts cross as their UTF-8 (`client-js/src/core/text.js`).
//!
//! Architecture invariant: the parameters and results of the imports are `i32` and `f64` alone. WebAssembly
//! passes those as they are, so wasm-bindgen imports such a function directly, by its own name and without
//! glue.

/// The imports: bytes cross as where they lie and how many they are (`client-js/src/core/machine.js`).
mod imports {
    use wasm_bindgen::prelude::wasm_bindgen;

    #[wasm_bindgen(raw_module = "lightspeed-dom")]
    extern "C" {
        pub(super) fn define(
            fingerprint: i32,
            check: i32,
            roots: i32,
            html: i32,
            html_length: i32,
            slots: i32,
            slots_length: i32,
            names: i32,
            names_length: i32,
        );
        pub(super) fn apply(
            session: i32,
            ack: f64,
            codes: i32,
            codes_length: i32,
            text: i32,
            text_length: i32,
        ) -> i32;
        pub(super) fn transmit(bytes: i32, bytes_length: i32);
        pub(super) fn state(session: i32, state: i32);
        pub(super) fn refused(session: i32, message: i32, message_length: i32);
        pub(super) fn failed(session: i32, reason: i32, message: i32, message_length: i32);
    }

    #[wasm_bindgen(raw_module = "lightspeed-dom")]
    extern "C" {
        pub(in super::super) fn connect();
        pub(in super::super) fn disconnect();
        pub(in super::super) fn schedule(due: f64);
        pub(in super::super) fn refresh();
        pub(in super::super) fn now() -> f64;
    }
}

/// `connect` opens a socket, and `opened` or `closed` is called later. `disconnect` lets the socket go:
/// nothing is heard of it any more. `schedule` calls `timeout` at `due` or before. `refresh` fetches the page
/// again, for new tokens. `now` is the milliseconds since the page began, by a clock that never goes back.
pub(crate) use imports::{connect, disconnect, now, refresh, schedule};

/// Where a slice lies, and how many items it has.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    reason = "addresses have 32 bits here, and JavaScript reads them without a sign"
)]
fn parts<T>(slice: &[T]) -> (i32, i32) {
    (slice.as_ptr().expose_provenance() as i32, slice.len() as i32)
}

/// Defines a template; see `client-js/src/core/templates.js`.
pub(crate) fn define(
    fingerprint: u32,
    check: u32,
    roots: u32,
    html: Option<&[u8]>,
    slots: &[u32],
    names: &[u8],
) {
    let (html, html_length) = html.map_or((0, 0), parts);
    let ((slots, slots_length), (names, names_length)) = (parts(slots), parts(names));
    imports::define(
        fingerprint.cast_signed(),
        check.cast_signed(),
        roots.cast_signed(),
        html,
        html_length,
        slots,
        slots_length,
        names,
        names_length,
    );
}

/// Runs a program; false when the document isn't what it is about.
pub(crate) fn apply(session: u32, ack: f64, codes: &[u32], text: &[u8]) -> bool {
    let ((codes, codes_length), (text, text_length)) = (parts(codes), parts(text));
    imports::apply(session.cast_signed(), ack, codes, codes_length, text, text_length) != 0
}

/// Sends a message. What a closing socket doesn't take is sent again on the next.
pub(crate) fn transmit(bytes: &[u8]) {
    let (bytes, length) = parts(bytes);
    imports::transmit(bytes, length);
}

/// A session's link has changed.
pub(crate) fn state(session: u32, state: u32) {
    imports::state(session.cast_signed(), state.cast_signed());
}

/// Something that the person did had no effect; `message` tells why, if that is worth telling.
pub(crate) fn refused(session: u32, message: &[u8]) {
    let (message, length) = parts(message);
    imports::refused(session.cast_signed(), message, length);
}

/// A session has ended for good.
pub(crate) fn failed(session: u32, reason: u32, message: &[u8]) {
    let (message, length) = parts(message);
    imports::failed(session.cast_signed(), reason.cast_signed(), message, length);
}
