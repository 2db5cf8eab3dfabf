// Events: one listener for each type, on the document; the closest handler takes the event.

import { event as send } from "lightspeed-wasm";
import {
  EVENTS,
  PAYLOAD_FALSE,
  PAYLOAD_NONE,
  PAYLOAD_TEXT,
  PAYLOAD_TRUE,
} from "./codes.js";
import { sessions } from "./document.js";
import { isActive, originOf, sent } from "./fields.js";
import { OWNER, find, settle } from "./nodes.js";
import { from } from "./page.js";
import { encode } from "./text.js";

const [, CLICK, INPUT, CHANGE, SUBMIT, KEYDOWN] = EVENTS;

/** Events that a person made before the handlers were known: `[session, event, origin]`. */
let early = [];
const EARLY_MAX = 64;

let isApplying = false;

export function watchEvents() {
  for (const type of EVENTS) if (type) document.addEventListener(type, listen);
}

/** Runs `change`, which changes documents; events that this causes go out when it has ended. */
export function whileApplying(change) {
  isApplying = true;
  try {
    return change();
  } finally {
    isApplying = false;
  }
}

function listen(event) {
  const view = event.target.closest?.("lightspeed-view");
  const session = view && sessions.find((one) => one.view === view);
  const origin = originOf(event);
  if (!session || session.instances) return handle(event.type, event, origin);
  // What fields hold is found when the document begins, without their events.
  if (event.type === INPUT || event.type === CHANGE) return;
  if (event.type === SUBMIT) event.preventDefault();
  if (early.length < EARLY_MAX) early.push([session, event, origin]);
}

/** A document has begun: handles what happened before. `changed` are fields that were edited. */
export function handleEarly(session, changed) {
  for (const field of changed) {
    handle(INPUT, undefined, field);
    // A field that is being edited has its change yet to come.
    if (!isActive(field)) handle(CHANGE, undefined, field);
  }
  const mine = early.filter((entry) => entry[0] === session);
  early = early.filter((entry) => entry[0] !== session);
  for (const [, event, origin] of mine) {
    // A form without a handler goes where it would have gone.
    if (!handle(event.type, event, origin) && event.type === SUBMIT && origin.isConnected)
      origin.requestSubmit(event.submitter);
  }
}

/** A session will never begin: its HTML works as HTML. */
export function abandon(session) {
  session.instances ??= new Map();
  handleEarly(session, []);
}

/** Gives an event to the closest handler; returns whether there is one. */
function handle(type, event, origin) {
  const code = EVENTS.indexOf(type);
  settle();
  for (let node = origin; node; node = node.parentNode ?? node.host) if (node[OWNER]) find(node[OWNER]);
  for (let node = origin; node; node = node.parentNode ?? node.host) {
    const instance = node[OWNER];
    const slot = instance?.template.slots.findIndex((one, index) => one.event === code && instance.nodes[index] === node);
    if (!(slot >= 0)) continue;
    if (!instance.isGone && node.isConnected && !node.matches(":disabled")) {
      take(type, event, origin, node, instance, slot);
    }
    return true;
  }
}

function take(type, event, origin, element, instance, slot) {
  if (type === CLICK && !takesLink(event, element)) return;
  // An input method's keys are its own; a browser that fills a field in sends keys without a name.
  if (type === KEYDOWN && (event.isComposing || !event.key)) return;
  if (type === SUBMIT) event.preventDefault();
  const hasValue = type === SUBMIT || type === INPUT || type === CHANGE;
  const field = hasValue && (element.localName === "form" ? element : origin);
  const [kind, text] = hasValue ? valueOf(field, event?.submitter) : keyOf(event);
  const transmit = () => {
    if (instance.isGone) return;
    const seq = from(field || element, () => send(instance.session.number, instance.id, slot, kind, encode(text)));
    if (hasValue && seq) sent(field, seq);
  };
  if (isApplying) queueMicrotask(transmit);
  else transmit();
}

/** Whether a click is the handler's; one that opens a link elsewhere is the browser's. */
function takesLink(event, element) {
  const link = element.closest("a");
  if (!link?.hasAttribute("href")) return true;
  const target = link.getAttribute("target");
  const isElsewhere = event.shiftKey || event.ctrlKey || event.altKey || event.metaKey || event.button > 0;
  if (isElsewhere || (target && target !== "_self") || link.hasAttribute("download")) return false;
  event.preventDefault();
  return true;
}

/** The payload of a key: a hexadecimal digit for the modifiers, then its name. */
function keyOf({ type, key, shiftKey, ctrlKey, altKey, metaKey }) {
  if (type !== KEYDOWN) return [PAYLOAD_NONE, ""];
  return [PAYLOAD_TEXT, (shiftKey + 2 * ctrlKey + 4 * altKey + 8 * metaKey).toString(16) + key];
}

/** The payload of a field or a form. */
function valueOf(field, submitter) {
  if (field.type === "checkbox") return [field.checked ? PAYLOAD_TRUE : PAYLOAD_FALSE, ""];
  let pairs;
  if (field.localName === "form") pairs = [...new FormData(field, submitter)].filter(([, value]) => !(value instanceof File));
  else if (field.multiple && field.selectedOptions) pairs = [...field.selectedOptions].map((one) => [field.name, one.value]);
  return [PAYLOAD_TEXT, pairs ? `${new URLSearchParams(pairs)}` : `${field.value ?? field.textContent}`];
}
