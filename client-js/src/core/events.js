// Events: one listener for each type, on the document; the closest handler takes the event.

import { EVENTS, KIND_BOOL_PROPERTY, KIND_PROPERTY, PAYLOAD_NONE, PAYLOAD_TEXT, PAYLOAD_TRUE } from "./codes.js";
import { OWNER } from "./document.js";
import { isToggle, isTyping, valueOf } from "./fields.js";
import { ask, isConnected, listen, matches, method, parentNode } from "./natural.js";
import { encode } from "./text.js";

const [, CLICK, INPUT, CHANGE, SUBMIT, KEYDOWN] = EVENTS;

/** Events that are kept at most until their handlers are known. */
const EARLY_MAX = 64;

/** What happens in a page's live parts. */
export class Events {
  #page;
  /** Events that a person made before the handlers were known: `[session, event, path]`. */
  #early = [];
  #isApplying = false;

  constructor(page) {
    this.#page = page;
  }

  listen() {
    for (const type of EVENTS) if (type) listen(type, (event) => this.#hear(event));
  }

  /** Runs `change`, which changes documents; events that this causes go out when it has ended. */
  whileApplying(change) {
    this.#isApplying = true;
    try {
      return change();
    } finally {
      this.#isApplying = false;
    }
  }

  #hear(event) {
    const { type } = event;
    // Within shadow trees too.
    const path = event.composedPath();
    const session = this.#page.sessions.find(({ view }) => path.includes(view));
    if (!session || session.instances) return this.#handle(type, event, path);
    // What a field holds is looked at when the document begins.
    if (type === INPUT || type === CHANGE) return session.edited.set(path[0], type);
    if (type === SUBMIT && !closesDialog(event, path[0])) event.preventDefault();
    if (this.#early.length < EARLY_MAX) this.#early.push([session, event, path]);
  }

  /** A document has begun: handles what happened before. `changed` are fields that were edited. */
  handleEarly(session, changed) {
    this.tell(new Set([...changed, ...session.edited.keys()]), session.edited);
    session.edited.clear();
    const mine = this.#early.filter((entry) => entry[0] === session);
    this.#early = this.#early.filter((entry) => entry[0] !== session);
    for (const [, event, path] of mine) {
      // A form without a handler goes where it would have gone.
      if (!this.#handle(event.type, event, path) && event.type === SUBMIT && isConnected(path[0]) && !closesDialog(event, path[0]))
        ask(path[0], "requestSubmit", event.submitter);
    }
  }

  /** Handles what fields hold, which no event tells; `last` are the events of theirs that came last. */
  tell(fields, last = new Map()) {
    for (const field of fields) {
      // The one that lost it has no event in a browser either.
      if (field.type === "radio" && !field.checked) continue;
      const path = pathOf(field);
      this.#handle(INPUT, undefined, path);
      // What is typed has its change yet to come.
      if ((last.get(field) ?? (isTyping(field) ? INPUT : CHANGE)) === CHANGE) this.#handle(CHANGE, undefined, path);
    }
  }

  /** A session will never begin: its HTML works as HTML. */
  abandon(session) {
    session.instances ??= new Map();
    this.handleEarly(session, []);
  }

  /** Gives an event to the closest handler on its path; returns whether there is one. */
  #handle(type, event, path) {
    const code = EVENTS.indexOf(type);
    const { foreign } = this.#page;
    // A field that a program removes may tell of its edit in the midst of that.
    if (this.#isApplying) foreign.skip();
    else foreign.note();
    for (const node of path) {
      const instance = node[OWNER];
      const slot = instance?.template.slots.findIndex((one, index) => one.event === code && instance.nodes[index] === node);
      if (!(slot >= 0) || !this.#page.sessions.includes(instance.session)) continue;
      if (!instance.isGone && isConnected(node) && !matches(node, ":disabled")) {
        this.#take(type, event, path, node, instance, slot);
      }
      return true;
    }
  }

  #take(type, event, path, element, instance, slot) {
    const [origin] = path;
    if (type === CLICK && !takesLink(event, path.slice(path.indexOf(element)))) return;
    // An input method's keys are its own; a browser that fills a field in sends keys without a name.
    if (type === KEYDOWN && (event.isComposing || !event.key)) return;
    if (type === SUBMIT && !closesDialog(event, origin)) event.preventDefault();
    const hasValue = type === SUBMIT || type === INPUT || type === CHANGE;
    const field = hasValue && element instanceof HTMLFormElement ? element : origin;
    const [kind, text] = hasValue ? valueOf(field, event?.submitter) : keyOf(event);
    const { machine, fields } = this.#page;
    const transmit = () => {
      if (instance.isGone) return;
      const isText = kind === PAYLOAD_TEXT;
      const isOwn = (one, index) => one.kind === (isText ? KIND_PROPERTY : KIND_BOOL_PROPERTY) && instance.nodes[index] === field;
      const send = () => machine.event(instance.session.number, instance.id, slot, kind, encode(text));
      const seq = this.#page.from(field || element, send);
      if (seq && (hasValue || (type === CLICK && isToggle(field))))
        fields.sent(field, seq, hasValue && instance.template.slots.find(isOwn)?.name, isText ? text : kind === PAYLOAD_TRUE);
    };
    if (this.#isApplying) queueMicrotask(transmit);
    else transmit();
  }
}

/** The nodes from `node` outwards, as an event's path has them: through the hosts of shadow trees. */
function pathOf(node) {
  const path = [];
  // A detached link has a `host` too, which is a part of its address.
  for (; node; node = parentNode(node) ?? (node instanceof ShadowRoot && node.host)) path.push(node);
  return path;
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
