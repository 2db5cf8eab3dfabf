// Stands for the WebAssembly half: takes every event and notes it.

import { decode } from "../src/text.js";

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

const nothing = () => {};
export { nothing as closed, nothing as message, nothing as opened, nothing as timeout, nothing as refresh_failed, nothing as tokens };
