//! What JavaScript does for the client. Texts cross as their UTF-8 (`client-js/src/core/text.js`).

use wasm_bindgen::prelude::wasm_bindgen;

#[wasm_bindgen(raw_module = "lightspeed-dom")]
extern "C" {
    /// Defines a template; see `client-js/src/core/templates.js`.
    pub(crate) fn define(
        fingerprint: u32,
        check: u32,
        roots: u32,
        html: Option<&[u8]>,
        slots: &[u32],
        names: &[u8],
    );

    /// Runs a program; false when the document isn't what it is about.
    pub(crate) fn apply(session: u32, ack: f64, codes: &[u32], text: &[u8]) -> bool;

    /// Opens a socket; `opened` or `closed` is called later.
    pub(crate) fn connect();

    /// Lets the socket go; nothing is heard of it any more.
    pub(crate) fn disconnect();

    /// Sends a message. What a closing socket doesn't take is sent again on the next.
    pub(crate) fn transmit(bytes: &[u8]);

    /// Calls `timeout` at `due` or before.
    pub(crate) fn schedule(due: f64);

    /// Fetches the page again, for new tokens.
    pub(crate) fn refresh();

    /// A session's link has changed.
    pub(crate) fn state(session: u32, state: u32);

    /// Something that the person did had no effect; `message` tells why, if that is worth telling.
    pub(crate) fn refused(session: u32, message: &[u8]);

    /// A session has ended for good.
    pub(crate) fn failed(session: u32, reason: u32, message: &[u8]);
}

#[wasm_bindgen]
extern "C" {
    /// Milliseconds since the page began, by a clock that never goes back.
    #[wasm_bindgen(js_namespace = performance)]
    pub(crate) fn now() -> f64;
}

/// Kinds of payloads, as `client-js/src/core/codes.js` has them; anything else is no payload.
pub(crate) mod payloads {
    pub(crate) const FALSE: u32 = 1;
    pub(crate) const TRUE: u32 = 2;
    pub(crate) const TEXT: u32 = 3;
}
