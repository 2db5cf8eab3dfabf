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
  localName,
  moveBefore,
  nextSibling,
  replaceChildren,
  toggleAttribute,
} from "./natural.js";
import { OWNER, find, findLater, mend, observe, reachNode, settle, settleOurs } from "./nodes.js";
import { MANY, clone, locate, parse, setAttribute, templates } from "./templates.js";

/** The page's sessions, `{ number, view, instances, edited }`; `instances` is missing until the first program, and `edited` has the last event of fields before that. */
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
    sessions.push({ number: index + 1, view, instances: undefined, state: undefined, edited: new Map() });
  });
}

// The program that runs, the place in it, and whose it is.
let session;
let ack;
let codes;
let at;
let text;
let textAt;

/** A template in a document, built into the element `parent`, with those nodes of its slots that were found. */
function begin(owner, slot, parent) {
  const instance = {
    session,
    id: codes[at++],
    template: templates.get(codes[at++]),
    owner,
    slot,
    parent,
    nodes: [],
    isFound: false,
    /** By content slot: the instances that it holds, or the comment that begins its raw HTML. */
    held: undefined,
    isGone: false,
  };
  session.instances.set(instance.id, instance);
  if (owner) ((owner.held ??= [])[slot] ??= new Set()).add(instance);
  return instance;
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
    if (code === ROOT) {
      changed = runRoot(operand);
      observe(session.view);
    }
    else if (code === MOVE) move(instance, codes[at++]);
    else if (code === REMOVE) remove(instance);
    else runAt(code, instance, codes[at++]);
    // A custom element, a frame or a field that loses the focus may have run something.
    if (code > SPLICE) settleOurs();
  }
  showFields(ack);
  settleOurs();
  regain(place);
  return changed;
}

function runRoot(isAdopted) {
  const { view } = session;
  end();
  session.instances = new Map();
  if (isAdopted) {
    // First, so that what was edited is known if the document has to be built anew.
    const changed = findChanged(view);
    const last = adopt(undefined, 0, view, ours(view.firstChild));
    if (ours(nextSibling(last))) throw last;
    return changed;
  }
  mend(view);
  const restoreFields = keepFields(view, ack);
  const root = clone(templates.get(codes[at + 1]), view);
  build(undefined, 0, root, view);
  view.replaceChildren(root);
  showFields(ack);
  return restoreFields();
}

/** Ends the document: its events count no more, and those of the next one are kept until it has begun. */
export function end() {
  session.instances?.forEach((instance) => (instance.isGone = true));
  session.instances = undefined;
}

function runAt(code, instance, slot) {
  const node = reachNode(instance, slot);
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
function build(owner, ownerSlot, root, parent) {
  const instance = begin(owner, ownerSlot, parent);
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
  const parent = parentOf(anchor, instance);
  while (count > 0) {
    const template = templates.get(codes[at + 1]);
    const isMany = count >= MANY && template.isPlain;
    const nodes = clone(template, parent, isMany);
    // A list of child nodes takes longer to go through.
    if (isMany) for (let node = nodes.firstChild; node; node = nextSibling(node)) build(instance, slot, node, parent);
    else build(instance, slot, nodes, parent);
    count -= isMany ? MANY : 1;
    insertBefore(anchor.parentNode, nodes, before ?? anchor);
  }
}

/** The element that an anchor stands in, or will: at the root of what is being built there is none yet. */
const parentOf = ({ parentNode }, { parent }) => (parentNode.localName ? parentNode : parent);

/** Puts raw HTML into an empty slot, between the marks that a server's HTML has as well. */
function fillHtml(instance, slot, html) {
  const anchor = find(instance)[slot];
  const nodes = copy(parse(html, parentOf(anchor, instance)));
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
  reachNode(instance.owner, instance.slot);
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
  const anchor = reachNode(instance.owner, instance.slot);
  const parent = anchor.parentNode;
  const next = session.instances.get(before)?.first ?? anchor;
  for (const node of nodesOf(instance)) {
    // It keeps focus, playback and the state of frames; it only moves within one document.
    (isConnected(node) && isConnected(parent) ? moveBefore : insertBefore)(parent, node, next);
  }
}

/** What tells elements with handlers apart, beside their names and texts. */
const MARKS = ["id", "name", "type", "value", "href", "title", "aria-label"];

/** What was seen of the instance that is being adopted: what `check` of its template sums up. */
let seen;

/**
 * Takes the nodes that the page holds, from `node` on, as the instance that the program describes
 * next. The HTML differs from a built document in one way: empty anchors are missing.
 *
 * Throws where the nodes aren't those of the template; comments of others are passed over.
 */
function adopt(owner, ownerSlot, parent, node) {
  const instance = begin(owner, ownerSlot);
  const { template } = instance;
  const outer = seen;
  seen = "";
  instance.first = node;
  instance.isFound = true;
  instance.last = adoptSlots(instance, template.steps, parent, node, template.roots);
  if (seen !== template.seen) {
    // FNV-1a, 32 bits. Of a second instance the same is seen.
    let sum = 0x811c9dc5;
    for (const letter of seen) sum = Math.imul(sum ^ letter.codePointAt(), 0x1000193);
    if (sum ^ template.check) throw node;
    template.seen = seen;
  }
  seen = outer;
  return instance.last;
}

/** Takes `count` siblings, or all, from `node` on. Returns the last. */
function adoptSlots(instance, steps, parent, node, count) {
  const { slots } = instance.template;
  let last;
  for (let index = 0, next = 0; index < count && (node || next < steps.length); index++) {
    const step = steps[next]?.index === index && steps[next++];
    if (step.isContent) {
      seen += "#";
      node = adoptContent(instance, step.slots[0], parent, node);
    } else {
      const name = node instanceof Element && localName(node);
      seen += `<${name ? name.toLowerCase() : node.nodeName + node.data}`;
      for (const slot of step.slots ?? []) {
        instance.nodes[slot] = node;
        if (slots[slot].kind === KIND_HANDLER) {
          node[OWNER] = instance;
          step.marks ??= MARKS.filter((mark) => !slots.some(({ name }) => name === mark));
        }
      }
      for (const mark of step.marks ?? []) seen += ` ${ask(node, "getAttribute", mark)}`;
      if (step.steps?.length) {
        adoptSlots(instance, step.steps, node, ours(firstChild(node)), Infinity);
        seen += ">";
      } else if (step.marks && !/-|textarea/.test(name)) seen += ask(node, "textContent");
    }
    last = node;
    node = ours(nextSibling(node));
  }
  return last;
}

/** The first of `node` and its siblings that isn't a comment of something else. */
function ours(node) {
  while (node instanceof Comment && node.data && node.data !== "[") node = node.nextSibling;
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
    node = node.nextSibling;
  } else if (form === FORM_CHILDREN && count) {
    for (let left = count; left > 0; left--) node = ours(nextSibling(adopt(instance, slot, parent, node)));
  } else if (form === FORM_CHILDREN && node instanceof Text) {
    anchor = node;
  }
  instance.nodes[slot] = anchor ??= insertBefore(parent, new Text(), node);
  // Raw HTML that a page can't hold at this place.
  if (form === FORM_HTML) fillHtml(instance, slot, readString(count));
  return anchor;
}
