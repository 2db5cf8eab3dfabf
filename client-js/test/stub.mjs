// Stands for the WebAssembly half: takes every event and notes it.

import { decode } from "../src/core/text.js";

export const sent = [];

export function event(session, instance, slot, kind, bytes) {
  // A page may have events not taken, of which the client tells before it returns.
  if (globalThis.refuse) {
    globalThis.refuse(session);
    return 0;
  }
  sent.push([instance, slot, [null, false, true, decode(bytes)][kind]]);
  return sent.length;
}

/** What came of fetching the page, as the machine hears of it. */
export const told = [];
export const tokens = (bytes) => told.push(["tokens", decode(new Uint8Array(bytes))]);
export const refresh_failed = (wait) => told.push(["refresh_failed", wait]);

const nothing = () => {};
export { nothing as closed, nothing as message, nothing as opened, nothing as timeout };
