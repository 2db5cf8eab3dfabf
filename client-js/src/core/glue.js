// How calls cross between JavaScript and the WebAssembly half, by the ABI of the wasm-bindgen that Cargo.lock names: numbers as they
// are, bytes as where they lie and how many they are. What wasm-bindgen writes for that by itself is several times as large.
// The exports are those of client-wasm/src/lib.rs, `imports` what client-wasm/src/page.rs calls.

import { apply, connect, define, disconnect, failed, refresh, refused, schedule, state, transmit } from "./dom.js";

let wasm;
export let closed, opened, timeout, wake, refresh_failed;

/** Before anything else here is called. */
export const begin = (exports) => ({ closed, opened, timeout, wake, refresh_failed } = wasm = exports);

// The memory has another buffer whenever it has grown.
const bytes = (at, length) => new Uint8Array(wasm.memory.buffer, at >>> 0, length);
const words = (at, length) => new Uint32Array(wasm.memory.buffer, at >>> 0, length);

/** Copies bytes to the other side, whose they are from then on. */
function pass(data) {
  const { length } = data;
  const at = wasm.__wbindgen_malloc(length, 1);
  bytes(at, length).set(data);
  return [at, length];
}

export const message = (data) => wasm.message(...pass(data));
export const tokens = (data) => wasm.tokens(...pass(data));
export const start = (seed, names) => wasm.start(seed, ...pass(names));
export const event = (session, instance, slot, kind, value) => wasm.event(session, instance, slot, kind, ...pass(value));

export const imports = {
  connect,
  disconnect,
  refresh,
  schedule,
  state,
  now: () => performance.now(),
  apply: (session, ack, codes, count, ...text) => apply(session, ack, words(codes, count), bytes(...text)),
  define: (fingerprint, check, roots, html, length, slots, count, ...names) =>
    define(fingerprint >>> 0, check, roots, html ? bytes(html, length) : undefined, words(slots, count), bytes(...names)),
  failed: (session, reason, ...text) => failed(session, reason, bytes(...text)),
  refused: (session, ...text) => refused(session, bytes(...text)),
  transmit: (...frame) => transmit(bytes(...frame)),
};
