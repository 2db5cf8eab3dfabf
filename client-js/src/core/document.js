// Programs: what changes a session's document, which is made of instances of templates.
//
// A content slot is the nodes that it holds, directly before one text node, its anchor. A slot
// that holds text holds it in the anchor.

import {
  ATTRIBUTE,
  BUILD,
  EFFECT,
  EMPTY,
  FLAG,
  FORM_ADOPTED,
  FORM_CHILDREN,
  FORM_HTML,
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
import { placeOf, regain } from "./focus.js";
import { mend, putBack } from "./foreign.js";
import {
  activeElement,
  ask,
  classList,
  copy,
  firstChild,
  insertBefore,
  isConnected,
  localName,
  moveBefore,
  nextSibling,
  replaceChildren,
  toggleAttribute,
} from "./natural.js";
import { MANY, clone, locate, parse, setAttribute } from "./templates.js";

/** The property by which elements with handlers lead to their instance. */
export const OWNER = Symbol();

/** What tells elements with handlers apart, beside their names and texts. */
const MARKS = ["id", "name", "type", "value", "href", "title", "aria-label"];

/** A program that runs on a session's document. It is valid; codes.js describes its codes and its text. */
export class Program {
  #page;
  #session;
  #ack;
  #codes;
  #at = 0;
  #text;
  #textAt = 0;
  /** What was seen of the instance that is being adopted: what `check` of its template sums up. */
  #seen;
  /** What the page is asked for, to be done when the program has run: `[kind, name, data]` each. */
  effects = [];

  /** The server has handled the events up to `ack`. */
  constructor(page, session, ack, codes, text) {
    this.#page = page;
    this.#session = session;
    this.#ack = ack;
    this.#codes = codes;
    this.#text = text;
  }

  /**
   * Runs it. Returns the fields whose values their handlers haven't heard of, when the program began the document.
   *
   * Throws where the document isn't what the program is about, because something else has changed it.
   */
  run() {
    const { fields, foreign } = this.#page;
    const session = this.#session;
    const place = placeOf(activeElement(), session.view);
    let changed;
    foreign.note();
    while (this.#at < this.#codes.length) {
      const code = this.#next();
      const operand = this.#next();
      const instance = session.instances?.get(operand);
      if (code === ROOT) {
        changed = this.#runRoot(operand);
        foreign.observe(session.view);
      } else if (code === MOVE) this.#move(instance, this.#next());
      else if (code === REMOVE) this.#remove(instance);
      else if (code === EFFECT) {
        const lengths = [this.#next(), this.#next()];
        this.effects.push([operand, ...lengths.map((length) => this.#readString(length))]);
      } else this.#runAt(code, instance, this.#next());
      // A custom element, a frame or a field that loses the focus may have run something.
      if (code > SPLICE) foreign.skip();
    }
    fields.showFields(this.#ack);
    foreign.skip();
    regain(place);
    return changed;
  }

  #runRoot(isAdopted) {
    const { fields } = this.#page;
    const { view } = this.#session;
    end(this.#session);
    this.#session.instances = new Map();
    if (isAdopted) {
      // First, so that what was edited is known if the document has to be built anew.
      const changed = fields.findChanged(view);
      const last = this.#adopt(undefined, 0, view, ours(view.firstChild));
      if (ours(nextSibling(last))) throw last;
      return changed;
    }
    mend(view);
    const restoreFields = fields.keepFields(view, this.#ack);
    const root = clone(this.#peekTemplate(), view);
    this.#build(undefined, 0, root, view);
    view.replaceChildren(root);
    fields.showFields(this.#ack);
    return restoreFields();
  }

  #runAt(code, instance, slot) {
    const node = putBack(instance.nodes[slot]);
    const { kind, name } = instance.template.slots[slot];
    if (code === TEXT) node.data = this.#readText();
    else if (code === SPLICE) this.#splice(node, this.#next(), this.#next(), this.#readString(this.#next()));
    else if (code === ATTRIBUTE) this.#write(kind, name, node, this.#readText());
    else if (code === FLAG) this.#write(kind, name, node, !!this.#next());
    else if (code === HTML) fillHtml(instance, slot, this.#readString(this.#next()));
    else if (code === EMPTY) empty(instance, slot);
    else if (code === BUILD) this.#fill(instance, slot, this.#session.instances.get(this.#next())?.first, this.#next());
  }

  /** Replaces `count` units of a text from `start` on. */
  #splice(node, start, count, insert) {
    const { data } = node;
    // Keeps the ends of the selection where they are, but takes more than twice as long.
    if (this.#page.selected.includes(node)) node.replaceData(Math.min(start, data.length), count, insert);
    else node.data = data.slice(0, start) + insert + data.slice(start + count);
  }

  #next() {
    return this.#codes[this.#at++];
  }

  /** The template of the instance that comes next. */
  #peekTemplate() {
    return this.#page.templates.get(this.#codes[this.#at + 1]);
  }

  #readString(length) {
    return this.#text.slice(this.#textAt, (this.#textAt += length));
  }

  /** Reads a text; null for none. */
  #readText() {
    const length = this.#next() >>> 2;
    return length ? this.#readString(length - 1) : null;
  }

  #write(kind, name, element, value) {
    const { fields } = this.#page;
    if (kind === KIND_CLASS) classList(element).toggle(name, value);
    else if (kind > KIND_CLASS) fields.setProperty(element, name, value, this.#ack);
    else {
      // A dialog that was opened as a modal one keeps the rest of the page from being used until it is told.
      if (name === "open" && !value) element.close?.();
      if (kind === KIND_FLAG) toggleAttribute(element, name, value);
      else setAttribute(element, name, value);
      // The attribute says only how it begins.
      if (name === "muted") element.muted = value;
      fields.constrain(element, name);
    }
  }

  /** Begins the instance that the program describes next. It is put into the element `parent`. */
  #begin(owner, slot, parent) {
    const session = this.#session;
    const template = this.#peekTemplate();
    const instance = {
      session,
      id: this.#next(),
      template,
      owner,
      slot,
      parent,
      /** The nodes of the template's slots. */
      nodes: [],
      first: undefined,
      last: undefined,
      /** By content slot: the instances that it holds, or the comment that begins its raw HTML. */
      held: undefined,
      isGone: false,
    };
    this.#at++;
    session.instances.set(instance.id, instance);
    if (owner) ((owner.held ??= [])[slot] ??= new Set()).add(instance);
    return instance;
  }

  /** Builds the instance that the program describes next of its template's nodes: one, or a fragment. */
  #build(owner, ownerSlot, root, parent) {
    const instance = this.#begin(owner, ownerSlot, parent);
    const { slots, steps } = instance.template;
    const isFragment = root instanceof DocumentFragment;
    instance.first = isFragment ? root.firstChild : root;
    instance.last = isFragment ? root.lastChild : root;
    // Before anything is put in, or anything of the page runs: the paths count the template's own nodes.
    const nodes = locate(steps, instance.first, instance.nodes);
    for (let index = 0; index < slots.length; index++) {
      const { kind, name } = slots[index];
      if (kind === KIND_HANDLER) nodes[index][OWNER] = instance;
      else if (isContent(kind)) {
        const value = this.#next();
        const count = value >>> 2;
        const form = value & 3;
        if (form === FORM_HTML) fillHtml(instance, index, this.#readString(count));
        else if (form === FORM_CHILDREN) this.#fill(instance, index, undefined, count);
        else if (count > 1) nodes[index].data = this.#readString(count - 1);
      } else {
        const value = kind === KIND_ATTRIBUTE || kind === KIND_PROPERTY ? this.#readText() : !!this.#next();
        // A new element has none of them yet.
        if (value || value === "") this.#write(kind, name, nodes[index], value);
      }
    }
  }

  /** Builds `count` instances into a slot, before the node `before` or at its end. */
  #fill(instance, slot, before, count) {
    const anchor = instance.nodes[slot];
    const parent = parentOf(anchor, instance);
    while (count > 0) {
      const template = this.#peekTemplate();
      const isMany = count >= MANY && template.isPlain;
      const nodes = clone(template, parent, isMany);
      // A list of child nodes takes longer to go through.
      if (isMany) for (let node = nodes.firstChild; node; node = nextSibling(node)) this.#build(instance, slot, node, parent);
      else this.#build(instance, slot, nodes, parent);
      count -= isMany ? MANY : 1;
      insertBefore(anchor.parentNode, nodes, before ?? anchor);
    }
  }

  #remove(instance) {
    putBack(instance.owner.nodes[instance.slot]);
    instance.owner.held[instance.slot].delete(instance);
    forget(instance);
    removeNodes(instance);
  }

  #move(instance, before) {
    const anchor = putBack(instance.owner.nodes[instance.slot]);
    const parent = anchor.parentNode;
    const next = this.#session.instances.get(before)?.first ?? anchor;
    for (const node of nodesOf(instance)) {
      // It keeps focus, playback and the state of frames; it only moves within one document.
      (isConnected(node) && isConnected(parent) ? moveBefore : insertBefore)(parent, node, next);
    }
  }

  /**
   * Adopts (hydrates) the nodes that the page holds, from `node` on, as the instance that the program describes
   * next. The HTML differs from a built document in one way: empty anchors are missing.
   *
   * Throws where the nodes aren't those of the template; comments of others are passed over.
   */
  #adopt(owner, ownerSlot, parent, node) {
    const instance = this.#begin(owner, ownerSlot);
    const { template } = instance;
    const outer = this.#seen;
    this.#seen = "";
    instance.first = node;
    instance.last = this.#adoptSlots(instance, template.steps, parent, node, template.roots);
    const seen = this.#seen;
    if (seen !== template.seen) {
      // FNV-1a, 32 bits. Of a second instance the same is seen.
      let sum = 0x811c9dc5;
      for (const letter of seen) sum = Math.imul(sum ^ letter.codePointAt(), 0x1000193);
      if (sum ^ template.check) throw node;
      template.seen = seen;
    }
    this.#seen = outer;
    return instance.last;
  }

  /** Adopts `count` siblings, or all, from `node` on. Returns the last. */
  #adoptSlots(instance, steps, parent, node, count) {
    const { slots } = instance.template;
    let last;
    for (let index = 0, next = 0; index < count && (node || next < steps.length); index++) {
      const step = steps[next]?.index === index && steps[next++];
      if (step.isContent) {
        this.#seen += "#";
        node = this.#adoptContent(instance, step.slots[0], parent, node);
      } else {
        const name = node instanceof Element && localName(node);
        this.#seen += `<${name ? name.toLowerCase() : node.nodeName + node.data}`;
        for (const slot of step.slots ?? []) {
          instance.nodes[slot] = node;
          if (slots[slot].kind === KIND_HANDLER) {
            node[OWNER] = instance;
            step.marks ??= MARKS.filter((mark) => !slots.some(({ name }) => name === mark));
          }
        }
        for (const mark of step.marks ?? []) this.#seen += ` ${ask(node, "getAttribute", mark)}`;
        if (step.steps?.length) {
          this.#adoptSlots(instance, step.steps, node, ours(firstChild(node)), Infinity);
          this.#seen += ">";
        } else if (step.marks && !/-|textarea/.test(name)) this.#seen += ask(node, "textContent");
      }
      last = node;
      node = ours(nextSibling(node));
    }
    return last;
  }

  /** Adopts what a content slot holds, from `node` on, and returns its anchor. */
  #adoptContent(instance, slot, parent, node) {
    const value = this.#next();
    const count = value >>> 2;
    const form = value & 3;
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
      for (let left = count; left > 0; left--) node = ours(nextSibling(this.#adopt(instance, slot, parent, node)));
    } else if (form === FORM_CHILDREN && node instanceof Text) {
      anchor = node;
    }
    instance.nodes[slot] = anchor ??= insertBefore(parent, new Text(), node);
    // Raw HTML that a page can't hold at this place.
    if (form === FORM_HTML) fillHtml(instance, slot, this.#readString(count));
    return anchor;
  }
}

/** Ends a session's document: its events count no more, and those of the next one are kept until it has begun. */
export function end(session) {
  session.instances?.forEach((instance) => (instance.isGone = true));
  session.instances = undefined;
}

/** The element that an anchor stands in, or will: at the root of what is being built there is none yet. */
const parentOf = ({ parentNode }, { parent }) => (parentNode.localName ? parentNode : parent);

/** Puts raw HTML into an empty slot, between the marks that a server's HTML has as well. */
function fillHtml(instance, slot, html) {
  const anchor = instance.nodes[slot];
  const nodes = copy(parse(html, parentOf(anchor, instance)));
  const start = new Comment("[");
  nodes.prepend(start);
  nodes.append(new Comment("]"));
  (instance.held ??= [])[slot] = start;
  anchor.before(nodes);
}

/** Takes away all that a content slot holds. */
function empty(instance, slot) {
  const anchor = instance.nodes[slot];
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

/** The first of `node` and its siblings that isn't a comment of something else. */
function ours(node) {
  while (node instanceof Comment && node.data && node.data !== "[") node = node.nextSibling;
  return node;
}
