// The live parts of the page, and how their links are.

import { refresh_failed, tokens } from "lightspeed-wasm";
import { sessions } from "./document.js";
import { abandon } from "./events.js";
import { ask, closest, matches } from "./natural.js";
import { decode, encode } from "./text.js";

/** By the codes that the client gives. */
const STATES = ["connecting", "connected", "disconnected", "failed", "blocked"];
const CONNECTED = 1;
const FAILED = 3;
const BLOCKED = 4;
/** The reason of sessions that are over for whoever is at the browser now. */
const BAD_TOKEN = 7;
/** How long a message stays. */
const TELL_MS = 10_000;
/** As `performance.navigation` has it, which is all that a page needs and shorter than what replaces it. */
const RELOADED = 1;
/** A page that was loaded again isn't once more before this time. */
const RELOADED_MS = 10_000;
/** What the whole page is: the first of these that any of its sessions is. */
const PRECEDENCE = [FAILED, BLOCKED, 2, 0, CONNECTED];

export const viewsIn = (root) => [...ask(root, "querySelectorAll", "lightspeed-view")];

/** The tokens of views, as lines. */
export const tokensOf = (views) => views.map((view) => view.dataset.session ?? "").join("\n");

/** A session's link has changed. */
export function state(number, code, message) {
  const session = sessions[number - 1];
  if (session.state === BLOCKED) tell();
  session.state = code;
  if (code === FAILED) abandon(session);
  show(session.view, code);
  show(ask(document, "documentElement"), PRECEDENCE.find((one) => sessions.some((other) => other.state === one)));
  announce(session.view, STATES[code], message);
}

/** Later, so that a listener may do anything. */
function announce(view, name, detail) {
  queueMicrotask(() => view.dispatchEvent(new CustomEvent(`lightspeed:${name}`, { bubbles: true, detail })));
}

function show({ classList }, code) {
  STATES.forEach((name, index) => classList.toggle(`lightspeed-${name}`, index === code));
}

/** A session has ended for good. */
export function failed(number, reason, message) {
  console.warn(`lightspeed: ended: ${decode(message)}`);
  // It may be somebody else's.
  if (reason === BAD_TOKEN) sessions[number - 1].view.replaceChildren();
  refused(number, message);
}

/** The field or the form whose event is being sent. */
let origin;

/** Sends an event of `node`: when it isn't taken, that is told there. */
export function from(node, send) {
  origin = node;
  const seq = send();
  origin = undefined;
  return seq;
}

/** Something that the person did had no effect, or something else went wrong. */
export function refused(number, bytes) {
  const message = decode(bytes);
  announce(origin ?? sessions[number - 1].view, "refused", message);
  // What is merely no longer there needs no words.
  if (message) tell(message, TELL_MS);
}

/** Says something, for a time if there is one: beside the form that it is about, or everywhere. */
export function tell(message, ms) {
  const all = [...ask(document, "querySelectorAll", "[data-lightspeed-message]")];
  const form = origin && (matches(origin, "form") ? origin : origin.form);
  const near = all.filter((one) => form && closest(one, "form") === form);
  for (const one of near[0] ? near : all) {
    one.textContent = message;
    if (ms) setTimeout(() => one.textContent === message && (one.textContent = ""), ms);
  }
}

/**
 * What is shown can't go on: has the browser ask for the page, and show whatever it is answered, wherever that leads.
 * Not again and again, though; returns whether it does.
 */
export function go() {
  if (performance.navigation.type === RELOADED && performance.now() < RELOADED_MS) return;
  location.reload();
  return true;
}

/** Fetches the page again, for new tokens. */
export async function refresh() {
  let wait = 0;
  try {
    // A redirect is the browser's to follow, as what it leads to isn't this page.
    const options = { headers: { accept: "text/html" }, cache: "no-store", redirect: "manual" };
    const response = await fetch(location, options);
    if (!/5..|4(08|25|29)/.test(response.status)) {
      const fresh = viewsIn(new DOMParser().parseFromString(await response.text(), "text/html"));
      if (response.ok && fresh[sessions.length - 1]) return tokens(encode(tokensOf(fresh)));
      return go() || tokens([]);
    }
    const after = response.headers.get("retry-after");
    // Seconds, or a date.
    wait = Math.max(after * 1000 || new Date(after) - new Date() || 0, 0);
    if (wait) tell(`This page goes on in ${(wait / 1000) | 0} s.`, wait);
  } catch {}
  refresh_failed(wait);
}
