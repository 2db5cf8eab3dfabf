// Events: one listener for each type, on the document; the closest handler takes the event.

import { event as send } from "lightspeed-wasm";
import { EVENTS, KIND_BOOL_PROPERTY, KIND_PROPERTY, PAYLOAD_NONE, PAYLOAD_TEXT, PAYLOAD_TRUE } from "./codes.js";
import { sessions } from "./document.js";
import { isToggle, isTyping, sent, valueOf } from "./fields.js";
import { ask, isConnected, listen, matches, method, parentNode } from "./natural.js";
import { OWNER, find, settle, settleOurs } from "./nodes.js";
import { from } from "./page.js";
import { encode } from "./text.js";

const [, CLICK, INPUT, CHANGE, SUBMIT, KEYDOWN] = EVENTS;

/** Events that a person made before the handlers were known: `[session, event, path]`. */
let early = [];
const EARLY_MAX = 64;

let isApplying = false;

export function watchEvents() {
  for (const type of EVENTS) if (type) listen(type, hear);
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

function hear(event) {
  const { type } = event;
  // Within shadow trees too.
  const path = event.composedPath();
  const session = sessions.find(({ view }) => path.includes(view));
  if (!session || session.instances) return handle(type, event, path);
  // What a field holds is looked at when the document begins.
  if (type === INPUT || type === CHANGE) return session.edited.set(path[0], type);
  if (type === SUBMIT && !closesDialog(event, path[0])) event.preventDefault();
  if (early.length < EARLY_MAX) early.push([session, event, path]);
}

/** A document has begun: handles what happened before. `changed` are fields that were edited. */
export function handleEarly(session, changed) {
  tell(new Set([...changed, ...session.edited.keys()]), session.edited);
  session.edited.clear();
  const mine = early.filter((entry) => entry[0] === session);
  early = early.filter((entry) => entry[0] !== session);
  for (const [, event, path] of mine) {
    // A form without a handler goes where it would have gone.
    if (!handle(event.type, event, path) && event.type === SUBMIT && isConnected(path[0]) && !closesDialog(event, path[0]))
      ask(path[0], "requestSubmit", event.submitter);
  }
}

/** Handles what fields hold, which no event tells; `last` are the events of theirs that came last. */
export function tell(fields, last = new Map()) {
  for (const field of fields) {
    // The one that lost it has no event in a browser either.
    if (field.type === "radio" && !field.checked) continue;
    const path = [];
    for (let node = field; node; node = parentNode(node) ?? (node instanceof ShadowRoot && node.host)) path.push(node);
    handle(INPUT, undefined, path);
    // What is typed has its change yet to come.
    if ((last.get(field) ?? (isTyping(field) ? INPUT : CHANGE)) === CHANGE) handle(CHANGE, undefined, path);
  }
}

/** A session will never begin: its HTML works as HTML. */
export function abandon(session) {
  session.instances ??= new Map();
  handleEarly(session, []);
}

/** Gives an event to the closest handler on its path; returns whether there is one. */
function handle(type, event, path) {
  const code = EVENTS.indexOf(type);
  // A field that a program removes may tell of its edit in the midst of that.
  if (isApplying) settleOurs();
  else settle();
  for (const node of path) if (node[OWNER]) find(node[OWNER]);
  for (const node of path) {
    const instance = node[OWNER];
    const slot = instance?.template.slots.findIndex((one, index) => one.event === code && instance.nodes[index] === node);
    if (!(slot >= 0)) continue;
    if (!instance.isGone && isConnected(node) && !matches(node, ":disabled")) {
      take(type, event, path, node, instance, slot);
    }
    return true;
  }
}

function take(type, event, path, element, instance, slot) {
  const [origin] = path;
  if (type === CLICK && !takesLink(event, path.slice(path.indexOf(element)))) return;
  // An input method's keys are its own; a browser that fills a field in sends keys without a name.
  if (type === KEYDOWN && (event.isComposing || !event.key)) return;
  if (type === SUBMIT && !closesDialog(event, origin)) event.preventDefault();
  const hasValue = type === SUBMIT || type === INPUT || type === CHANGE;
  const field = hasValue && element instanceof HTMLFormElement ? element : origin;
  const [kind, text] = hasValue ? valueOf(field, event?.submitter) : keyOf(event);
  const transmit = () => {
    if (instance.isGone) return;
    const isText = kind === PAYLOAD_TEXT;
    const isOwn = (one, index) => one.kind === (isText ? KIND_PROPERTY : KIND_BOOL_PROPERTY) && instance.nodes[index] === field;
    const seq = from(field || element, () => send(instance.session.number, instance.id, slot, kind, encode(text)));
    if (seq && (hasValue || (type === CLICK && isToggle(field))))
      sent(field, seq, hasValue && instance.template.slots.find(isOwn)?.name, isText ? text : kind === PAYLOAD_TRUE);
  };
  if (isApplying) queueMicrotask(transmit);
  else transmit();
}

/** Whether the browser closes a dialog when the form is submitted, and goes nowhere. */
const closesDialog = ({ submitter }, form) => (submitter?.formMethod || method(form)) === "dialog";

/** Whether a click is the handler's; one that opens a link elsewhere is the browser's. `path` is from the handler on. */
function takesLink(event, path) {
  const link = path.find((node) => node instanceof Element && matches(node, ":is(a,area,math *)[*|href]"));
  if (!link) return true;
  const target = link.getAttribute("target");
  const isHere = !target || /^_self$/i.test(target) || (self === top && /^_(top|parent)$/i.test(target));
  if (event.shiftKey || event.ctrlKey || event.altKey || event.metaKey || !isHere || link.hasAttribute("download")) return false;
  event.preventDefault();
  return true;
}

/** The payload of a key: a hexadecimal digit for the modifiers, then its name. */
function keyOf({ type, key, shiftKey, ctrlKey, altKey, metaKey }) {
  if (type !== KEYDOWN) return [PAYLOAD_NONE, ""];
  return [PAYLOAD_TEXT, (shiftKey + 2 * ctrlKey + 4 * altKey + 8 * metaKey).toString(16) + key];
}
