// Templates: parsed once, cloned for each instance.

import { KIND_HANDLER, KIND_SPLICE, isContent } from "./codes.js";
import { cloneNode, copy, create, firstChild, namespaceURI, nextSibling, parentNode, removeAttribute, setAttribute as set } from "./natural.js";
import { decode } from "./text.js";

const HTML_NAMESPACE = "http://www.w3.org/1999/xhtml";
const ATTRIBUTE_NAMESPACES = {
  xlink: "http://www.w3.org/1999/xlink",
  xml: "http://www.w3.org/XML/1998/namespace",
};

/**
 * A template: its HTML, undefined where it isn't known, and its slots.
 *
 * `check` sums up what the HTML of an instance looks like (specs/isa.md, 5.5).
 * `codes` has for each slot: kind, length of the path, path; then the event's code of a handler.
 * `names` has the names of the other slots that have one, each ended by a space.
 */
export function templateOf(check, roots, html, codes, names) {
  const slots = [];
  const nameList = decode(names).split(" ");
  for (let at = 0; at < codes.length; ) {
    const kind = codes[at++];
    const depth = codes[at++];
    const path = [...codes.slice(at, (at += depth))];
    slots.push({
      kind,
      path,
      event: kind === KIND_HANDLER && codes[at++],
      name: kind > KIND_SPLICE && kind < KIND_HANDLER && nameList.shift(),
    });
  }
  const text = html && decode(html);
  return {
    check,
    roots,
    html: text,
    // One root, and no custom element, which could change the instance while it is built.
    isPlain: roots < 2 && !/<\w+-| is=/.test(text),
    prototypes: {},
    slots,
    steps: treeOf(slots),
  };
}

/** The tree of the paths of slots: siblings are counted once for all of them. */
function treeOf(slots) {
  const steps = [];
  slots.forEach(({ kind, path }, slot) => {
    let list = steps;
    let step;
    for (const index of path) {
      step = list.at(-1);
      if (step?.index !== index) list.push((step = { index, slots: [], steps: [] }));
      list = step.steps;
    }
    step.slots.push(slot);
    step.isContent = isContent(kind);
  });
  return steps;
}

/** How many instances of a list are cloned at once, which takes less time than one by one. */
export const MANY = 25;

/**
 * The nodes of a new instance within `parent`: one node, or a fragment of several; or a fragment of `MANY` plain instances.
 *
 * What isn't plain stays in a document without custom elements until it is inserted: nothing runs before its slots are found.
 */
export function clone(template, parent, isMany) {
  const one = (template.prototypes[contextOf(parent)] ??= prototypeOf(template, parent));
  const all = parentNode(one);
  if (isMany) while (all.childNodes.length < MANY) all.append(cloneNode(one, true));
  return template.isPlain ? copy(isMany ? all : one) : cloneNode(one, true);
}

function prototypeOf(template, parent) {
  let content = parse(template.html, parent);
  // HTML has broken out of SVG or MathML, as it does in a page.
  if (content.childNodes.length !== template.roots) content = parse(template.html, create("p"));
  const nodes = locate(template.steps, content.firstChild, []);
  template.slots.forEach((slot, index) => {
    if (isContent(slot.kind)) nodes[index].replaceWith(new Text());
  });
  return content.childNodes.length > 1 ? content : content.firstChild;
}

/** What decides how HTML within `parent` is parsed: nothing in HTML. */
const contextOf = (parent) =>
  namespaceURI(parent) === HTML_NAMESPACE ? "" : [parent.namespaceURI, parent.localName, parent.getAttribute("encoding")];

/**
 * Parses HTML as the children of `parent`; nothing in it runs or loads before it is in the document.
 *
 * Within SVG and MathML the parser itself is given the parent, and knows which children are HTML. In HTML a template
 * takes what only stands in certain parents, such as rows.
 */
export function parse(html, parent) {
  const template = create("template");
  const { content } = template;
  const holder = contextOf(parent) ? content.ownerDocument.importNode(parent) : template;
  holder.innerHTML = html;
  if (holder !== template) content.append(...holder.childNodes);
  return content;
}

/** Finds the nodes of the slots in `steps` below a list of siblings that begins with `node`. */
export function locate(steps, node, nodes) {
  let index = 0;
  for (const step of steps) {
    for (; index < step.index; index++) node = nextSibling(node);
    for (const slot of step.slots) nodes[slot] = node;
    if (step.steps.length) locate(step.steps, firstChild(node), nodes);
  }
  return nodes;
}

/** Sets an attribute, or removes it when `value` is null. */
export function setAttribute(element, name, value) {
  const [prefix, local] = name.split(":");
  // An HTML parser gives these namespaces to attributes of SVG and MathML alone.
  const namespace = namespaceURI(element) !== HTML_NAMESPACE && local && ATTRIBUTE_NAMESPACES[prefix];
  if (namespace) {
    if (value === null) element.removeAttributeNS(namespace, local);
    else element.setAttributeNS(namespace, name, value);
  } else if (value === null) removeAttribute(element, name);
  else set(element, name, value);
}
