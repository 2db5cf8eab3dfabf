// Stands for the WebAssembly half: takes every event and notes it.

import { decode } from "../src/core/text.js";

/** A machine. `sent` are the events that it took, `told` what came of fetching the page. */
export function stub() {
  const sent = [];
  const told = [];
  const nothing = () => {};
  return {
    sent,
    told,
    event(session, instance, slot, kind, bytes) {
      // A page may have events not taken, of which the client tells before it returns.
      if (globalThis.refuse) {
        globalThis.refuse(session);
        return 0;
      }
      sent.push([instance, slot, [null, false, true, decode(bytes)][kind]]);
      return sent.length;
    },
    tokens: (bytes) => told.push(["tokens", decode(new Uint8Array(bytes))]),
    refresh_failed: (wait) => told.push(["refresh_failed", wait]),
    opened: nothing,
    closed: nothing,
    message: nothing,
    timeout: nothing,
  };
}
