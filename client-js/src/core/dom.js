// The browser's half of the client: what client-wasm imports as `lightspeed-dom`.

import { end, run, sessions } from "./document.js";
import { handleEarly, whileApplying } from "./events.js";
import { decode } from "./text.js";

export { connect, disconnect, schedule, transmit } from "./link.js";
export { failed, refresh, refused, state } from "./page.js";
export { define } from "./templates.js";

/**
 * Runs a valid program on a session's document. `codes` and `text` are only valid during the call.
 *
 * Returns false when the document isn't what the program is about: something else has changed it,
 * and the server has to send it anew.
 */
export function apply(number, ack, codes, text) {
  try {
    const changed = whileApplying(() => run(number, ack, codes, decode(text)));
    // Later, as the client that calls this is not ready for an event yet.
    if (changed) queueMicrotask(() => handleEarly(sessions[number - 1], changed));
    return true;
  } catch (error) {
    end();
    console.warn("lightspeed: the document was changed; it is fetched anew", error);
    return false;
  }
}
