//! Lightspeed's browser client: the shell around [`lightspeed_interpreter::Client`].
//!
//! # Layout
//!
//! - here: the inputs, called by `client-js/src/core/index.js`
//! - [`document`]: records what a program changes, and has it done by one call
//! - [`page`]: the outputs, which JavaScript performs
//!
//! Architecture invariant: nothing is decided here. The machine decides what happens,
//! JavaScript knows the browser, and this crate carries values between the two.
//!
//! How calls cross is written by hand in `client-js/src/core/machine.js`: what is added here or in [`page`], or takes
//! other arguments, is to be changed there, and a new export named in `scripts/build-client.sh`.
//!
//! Architecture invariant: no value of JavaScript is held here. Sockets, timers and nodes
//! stay on their side, so that the glue for references is not part of what a page loads. Nor is
//! the one for strings: texts cross as their UTF-8.
#![no_std]

extern crate alloc;

mod document;
mod page;

use alloc::vec::Vec;

use lightspeed_interpreter::{Client, ClientOutput, LinkState};
use lightspeed_protocol::Timestamp;
use lightspeed_protocol::browser::{LinkCode, PayloadCode};
use lightspeed_protocol::msgpack::Payload;
use spin::Mutex;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::document::WebDocument;

/// A third of the size of the standard library's, and constant time: about 2 kB less for every page to load.
#[global_allocator]
static ALLOCATOR: rlsf::SmallGlobalTlsf = rlsf::SmallGlobalTlsf::new();

/// Without a message: those of a panic would be a tenth of the client.
#[cfg(target_arch = "wasm32")]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    core::arch::wasm32::unreachable()
}

/// A page has one thread, so the lock is only ever taken when the shell is at work already.
static SHELL: Mutex<Option<Shell>> = Mutex::new(None);

struct Shell {
    client: Client,
    document: WebDocument,
}

/// Begins: the first of `names`, which are lines, names the client's build in the hello, and each further one
/// is a session's token. `seed` feeds the jitter of reconnects.
#[wasm_bindgen]
pub fn start(seed: u32, names: &[u8]) {
    // One argument, for with a second slice comes glue that frees the first.
    let mut names = lines(names);
    let mut client = Client::new(names.next().unwrap_or_default(), u64::from(seed));
    for token in names {
        client.add_session(token);
    }
    // There is none to drop, which the compiler cannot know.
    core::mem::forget(SHELL.lock().replace(Shell { client, document: WebDocument::default() }));
    input(|shell, now| shell.client.handle_start(now));
}

/// The socket is open.
#[wasm_bindgen]
pub fn opened() {
    input(|shell, now| shell.client.handle_open(now));
}

/// The socket is closed, or could not be opened.
#[wasm_bindgen]
pub fn closed() {
    input(|shell, now| shell.client.handle_closed(now));
}

/// A message has come.
#[wasm_bindgen]
pub fn message(bytes: &[u8]) {
    input(|shell, now| shell.client.handle_message(now, bytes, &mut shell.document));
}

/// The timeout is due.
#[wasm_bindgen]
pub fn timeout() {
    input(|shell, now| shell.client.handle_timeout(now));
}

/// An event at a place, with a payload of a kind of [`PayloadCode`].
///
/// Returns its number, or 0 when it isn't taken.
#[wasm_bindgen]
#[expect(clippy::cast_precision_loss, reason = "a page sends far fewer than 2^53 events")]
pub fn event(session: u32, instance: u32, slot: u32, kind: u32, value: &[u8]) -> f64 {
    let payload = match PayloadCode::from_code(kind) {
        Some(PayloadCode::False) => Payload::Flag(false),
        Some(PayloadCode::True) => Payload::Flag(true),
        Some(PayloadCode::Text) => Payload::Text(text(value)),
        _ => Payload::None,
    };
    let mut seq = None;
    input(|shell, now| seq = shell.client.handle_event(now, session, instance, slot, payload));
    seq.unwrap_or(0) as f64
}

/// The page has been fetched again: its tokens as lines, an empty one where there is none.
#[wasm_bindgen]
pub fn tokens(tokens: &[u8]) {
    let tokens: Vec<_> = lines(tokens).map(|token| (!token.is_empty()).then_some(token)).collect();
    input(|shell, now| shell.client.handle_tokens(now, &tokens));
}

/// The page could not be fetched again, and isn't to be for so many milliseconds.
#[wasm_bindgen]
pub fn refresh_failed(wait: u32) {
    input(|shell, now| shell.client.handle_refresh_put_off(now, u64::from(wait)));
}

/// The page is shown again, or back online.
#[wasm_bindgen]
pub fn wake() {
    input(|shell, now| shell.client.handle_wake(now));
}

/// The lines of a text. `str::split` searches for more than a byte and is several times as large.
fn lines(bytes: &[u8]) -> impl Iterator<Item = &str> {
    bytes.split(|byte| *byte == b'\n').map(text)
}

/// A text of JavaScript's, whose encoder writes nothing but UTF-8.
fn text(bytes: &[u8]) -> &str {
    core::str::from_utf8(bytes).unwrap_or_default()
}

/// Gives the machine an input, then performs everything that it wants.
///
/// Does nothing when the machine is at work already: then the caller is code that an output
/// has called, and JavaScript puts such calls off.
fn input(give: impl FnOnce(&mut Shell, Timestamp)) {
    if let Some(mut shell) = SHELL.try_lock()
        && let Some(shell) = shell.as_mut()
    {
        give(shell, now());
        shell.drain();
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the clock gives small positive numbers"
)]
fn now() -> Timestamp {
    Timestamp(page::now() as u64)
}

impl Shell {
    #[inline(never)]
    fn drain(&mut self) {
        if let Some(session) = self.document.take_broken() {
            self.client.handle_broken_document(now(), session);
        }
        while let Some(output) = self.client.poll_output() {
            perform(&output);
        }
        if let Some(due) = self.client.next_timeout() {
            #[expect(clippy::cast_precision_loss, reason = "the clock gives small positive numbers")]
            page::schedule(due.0 as f64);
        }
    }
}

fn perform(output: &ClientOutput) {
    match output {
        ClientOutput::Connect => page::connect(),
        ClientOutput::Disconnect => page::disconnect(),
        ClientOutput::Transmit(bytes) => page::transmit(bytes),
        ClientOutput::Refresh => page::refresh(),
        ClientOutput::State { session, state } => {
            let code = match state {
                LinkState::Connecting => LinkCode::Connecting,
                LinkState::Connected => LinkCode::Connected,
                LinkState::Disconnected => LinkCode::Disconnected,
                LinkState::Failed => LinkCode::Failed,
            };
            page::state(*session, code.code());
        }
        ClientOutput::Refused { session, message, .. } => page::refused(*session, message.as_bytes()),
        ClientOutput::Failed { session, reason, message } => {
            page::failed(*session, *reason, message.as_bytes());
        }
        _ => {}
    }
}
