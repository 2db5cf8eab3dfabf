// The documents: one for each session, made of instances of templates.
//
// A content slot is the nodes that it holds, directly before one text node, its anchor. A slot
// that holds text holds it in the anchor.

import {
  ATTRIBUTE,
  BUILD,
  EMPTY,
  FLAG,
  FORM_ADOPTED,
  FORM_CHILDREN,
  FORM_HTML,
  FORM_TEXT,
  HTML,
  KIND_ATTRIBUTE,
  KIND_CLASS,
  KIND_FLAG,
  KIND_HANDLER,
  KIND_PROPERTY,
  MOVE,
  REMOVE,
  ROOT,
  SPLICE,
  TEXT,
  isContent,
} from "./codes.js";
import { constrain, findChanged, keepFields, setProperty, showFields } from "./fields.js";
import { placeOf, regain } from "./focus.js";
import {
  activeElement,
  ask,
  classList,
  copy,
  firstChild,
  insertBefore,
  isConnected,
  listen,
  moveBefore,
  nextSibling,
  replaceChildren,
  toggleAttribute,
} from "./natural.js";
import { OWNER, find, findLater, observe, settle } from "./nodes.js";
import { MANY, clone, locate, namespaceWithin, parse, setAttribute, templates } from "./templates.js";

/** The page's sessions, `{ number, view, instances, edited }`; `instances` is missing until the first program, and `edited` are fields of whose events before that nobody has heard. */
export const sessions = [];

/** The nodes in which the selection begins and ends. To ask for them while a program runs would lay the page out. */
let selected = [];

/** Takes the page's views, in order, as the sessions 1, 2 and so on. */
export function watch(views) {
  listen("selectionchange", () => {
    const { anchorNode, focusNode } = getSelection();
    selected = [anchorNode, focusNode];
  });
  views.forEach((view, index) => {
    sessions.push({ number: index + 1, view, instances: undefined, state: undefined, edited: [] });
    observe(view);
  });
}

// The program that runs, the place in it, and whose it is.
let session;
let ack;
let codes;
let at;
let text;
let textAt;

/** A template in a document, with those nodes of its slots that were found. */
class Instance {
  constructor(owner, slot) {
    this.session = session;
    this.id = codes[at++];
    this.template = templates.get(codes[at++]);
    this.owner = owner;
    this.slot = slot;
    this.nodes = [];
    this.isFound = false;
    /** By content slot: the instances that it holds, or the comment that begins its raw HTML. */
    this.held = undefined;
    this.isGone = false;
    session.instances.set(this.id, this);
    if (owner) ((owner.held ??= [])[slot] ??= new Set()).add(this);
  }
}

/**
 * Runs a program. Returns the fields whose values their handlers haven't heard of, when the
 * program began the document.
 *
 * Throws where the document isn't what the program is about, because something else has changed it.
 */
export function run(number, newAck, newCodes, newText) {
  session = sessions[number - 1];
  [ack, codes, at, text, textAt] = [newAck, newCodes, 0, newText, 0];
  const place = placeOf(activeElement(), session.view);
  let changed;
  settle();
  while (at < codes.length) {
    const code = codes[at++];
    const operand = codes[at++];
    const instance = session.instances?.get(operand);
    if (code === ROOT) changed = runRoot(operand);
    else if (code === MOVE) move(instance, codes[at++]);
    else if (code === REMOVE) remove(instance);
    else runAt(code, instance, codes[at++]);
    // A custom element, a frame or a field that loses the focus may have run something.
    if (code > SPLICE) settle();
  }
  showFields(ack);
  regain(place);
  return changed;
}

function runRoot(isAdopted) {
  const { view } = session;
  session.instances?.forEach((instance) => (instance.isGone = true));
  session.instances = new Map();
  if (isAdopted) {
    adopt(undefined, 0, view, view.firstChild);
    return findChanged(view);
  }
  const restoreFields = keepFields(view, ack);
  const root = clone(templates.get(codes[at + 1]));
  build(undefined, 0, root);
  view.replaceChildren(root);
  showFields(ack);
  return restoreFields();
}

function runAt(code, instance, slot) {
  const node = find(instance)[slot];
  if (code === TEXT) node.data = readText();
  else if (code === SPLICE) splice(node, codes[at++], codes[at++], readString(codes[at++]));
  else if (code === ATTRIBUTE) write(instance.template.slots[slot], node, readText());
  else if (code === FLAG) write(instance.template.slots[slot], node, !!codes[at++]);
  else if (code === HTML) fillHtml(instance, slot, readString(codes[at++]));
  else if (code === EMPTY) empty(instance, slot);
  else if (code === BUILD) fill(instance, slot, session.instances.get(codes[at++])?.first, codes[at++]);
}

/** Replaces `count` units of a text from `start` on. */
function splice(node, start, count, insert) {
  const { data } = node;
  // Keeps the ends of the selection where they are, but takes more than twice as long.
  if (selected.includes(node)) node.replaceData(Math.min(start, data.length), count, insert);
  else node.data = data.slice(0, start) + insert + data.slice(start + count);
}

const readString = (length) => text.slice(textAt, (textAt += length));

/** Reads a text; null for none. */
function readText() {
  const length = codes[at++] >>> 2;
  return length ? readString(length - 1) : null;
}

function write({ kind, name }, element, value) {
  if (kind === KIND_CLASS) classList(element).toggle(name, value);
  else if (kind > KIND_CLASS) setProperty(element, name, value, ack);
  else {
    // A dialog that was opened as a modal one keeps the rest of the page from being used until it is told.
    if (name === "open" && !value) element.close?.();
    if (kind === KIND_FLAG) toggleAttribute(element, name, value);
    else setAttribute(element, name, value);
    // The attribute says only how it begins.
    if (name === "muted") element.muted = value;
    constrain(element, name);
  }
}

/** The nodes of the slots of the instance that is being built. */
const scratch = [];

/** Builds the instance that the program describes next of its template's nodes: one, or a fragment. */
function build(owner, ownerSlot, root) {
  const instance = new Instance(owner, ownerSlot);
  const { template } = instance;
  const isFragment = root instanceof DocumentFragment;
  instance.first = isFragment ? root.firstChild : root;
  instance.last = isFragment ? root.lastChild : root;
  let nodes;
  if (template.isPlain) {
    nodes = locate(template.values, root, scratch);
    root[OWNER] = instance;
    findLater(instance);
  } else nodes = find(instance);
  const { slots } = template;
  for (let index = 0; index < slots.length; index++) {
    const slot = slots[index];
    const { kind } = slot;
    if (kind === KIND_HANDLER) continue;
    if (isContent(kind)) {
      const count = codes[at] >>> 2;
      const form = codes[at++] & 3;
      if (form === FORM_TEXT) {
        if (count > 1) nodes[index].textContent = readString(count - 1);
      } else {
        nodes = find(instance);
        if (form === FORM_HTML) fillHtml(instance, index, readString(count));
        else fill(instance, index, undefined, count);
      }
    } else {
      const value = kind === KIND_ATTRIBUTE || kind === KIND_PROPERTY ? readText() : !!codes[at++];
      // A new element has none of them yet.
      if (value || value === "") write(slot, nodes[index], value);
    }
  }
}

/** Builds `count` instances into a slot, before the node `before` or at its end. */
function fill(instance, slot, before, count) {
  const anchor = find(instance)[slot];
  while (count > 0) {
    const template = templates.get(codes[at + 1]);
    const isMany = count >= MANY && template.isPlain;
    const nodes = clone(template, isMany);
    // A list of child nodes takes longer to go through.
    if (isMany) for (let node = nodes.firstChild; node; node = nextSibling(node)) build(instance, slot, node);
    else build(instance, slot, nodes);
    count -= isMany ? MANY : 1;
    insertBefore(anchor.parentNode, nodes, before ?? anchor);
  }
}

/** Puts raw HTML into an empty slot, between the marks that a server's HTML has as well. */
function fillHtml(instance, slot, html) {
  const anchor = find(instance)[slot];
  const parent = anchor.parentNode;
  const isRoot = parent instanceof DocumentFragment;
  const namespace = isRoot ? instance.template.namespace : namespaceWithin(parent);
  const nodes = copy(parse(html, namespace));
  const start = new Comment("[");
  nodes.prepend(start);
  nodes.append(new Comment("]"));
  (instance.held ??= [])[slot] = start;
  anchor.before(nodes);
}

/** Takes away all that a content slot holds. */
function empty(instance, slot) {
  const anchor = find(instance)[slot];
  const held = instance.held?.[slot];
  if (anchor.data) anchor.data = "";
  if (!held) return;
  instance.held[slot] = undefined;
  const isSet = held instanceof Set;
  if (isSet) held.forEach(forget);
  const parent = anchor.parentNode;
  // The slot's nodes and its anchor are all that its parent holds.
  if (!instance.template.slots[slot].path.at(-1) && !anchor.nextSibling) replaceChildren(parent, anchor);
  else if (isSet) held.forEach(removeNodes);
  else removeNodes({ first: held, last: anchor.previousSibling });
}

function remove(instance) {
  instance.owner.held[instance.slot].delete(instance);
  forget(instance);
  removeNodes(instance);
}

/** Drops the records of an instance and of all within it; its events count no more. */
function forget(instance) {
  instance.isGone = true;
  instance.session.instances.delete(instance.id);
  instance.held?.forEach((held) => held instanceof Set && held.forEach(forget));
}

function removeNodes(instance) {
  for (const node of nodesOf(instance)) ask(node, "remove");
}

/** The nodes from `first` to `last`, in an array of its own. */
function nodesOf({ first, last }) {
  const nodes = [first];
  for (let node = first; node !== last; ) nodes.push((node = nextSibling(node)));
  return nodes;
}

function move(instance, before) {
  const anchor = instance.owner.nodes[instance.slot];
  const parent = anchor.parentNode;
  const next = session.instances.get(before)?.first ?? anchor;
  for (const node of nodesOf(instance)) {
    // It keeps focus, playback and the state of frames; it only moves within one document.
    (isConnected(node) && isConnected(parent) ? moveBefore : insertBefore)(parent, node, next);
  }
}

/**
 * Takes the nodes that the page holds, from `node` on, as the instance that the program describes
 * next. The HTML differs from a built document in one way: empty anchors are missing.
 */
function adopt(owner, ownerSlot, parent, node) {
  const instance = new Instance(owner, ownerSlot);
  const { template } = instance;
  instance.first = node;
  instance.isFound = true;
  instance.last = adoptSlots(instance, template.steps, parent, node, template.roots - 1);
  return instance.last;
}

/** As `locate`, on the page's own nodes. Returns the sibling whose index is `end`. */
function adoptSlots(instance, steps, parent, node, end) {
  let index = 0;
  for (const step of steps) {
    for (; index < step.index; index++) node = nextSibling(node);
    if (step.isContent) {
      node = adoptContent(instance, step.slots[0], parent, node);
    } else if (node instanceof Element) {
      for (const slot of step.slots) {
        instance.nodes[slot] = node;
        if (instance.template.slots[slot].kind === KIND_HANDLER) node[OWNER] = instance;
      }
      adoptSlots(instance, step.steps, node, firstChild(node), 0);
    } else {
      throw node;
    }
  }
  for (; index < end; index++) node = nextSibling(node);
  return node;
}

/** Takes what a content slot holds, from `node` on, and returns its anchor. */
function adoptContent(instance, slot, parent, node) {
  const count = codes[at] >>> 2;
  const form = codes[at++] & 3;
  let anchor;
  if (form === FORM_ADOPTED) {
    (instance.held ??= [])[slot] = node;
    // Raw HTML may hold marks of its own.
    for (let depth = 0; ; node = nextSibling(node)) {
      if (!(node instanceof Comment)) continue;
      if (node.data === "[") depth++;
      if (node.data === "]" && !--depth) break;
    }
    node = nextSibling(node);
  } else if (count) {
    for (let left = count; left > 0; left--) node = nextSibling(adopt(instance, slot, parent, node));
  } else if (node instanceof Text) {
    anchor = node;
  }
  anchor ??= insertBefore(parent, new Text(), node);
  return (instance.nodes[slot] = anchor);
}
