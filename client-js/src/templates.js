// Templates: parsed once, cloned for each instance.

import { decode } from "./text.js";
import { KIND_HANDLER, KIND_SPLICE, isContent } from "./codes.js";

const HTML_NAMESPACE = "http://www.w3.org/1999/xhtml";
const WRAPPERS = ["", "svg", "math"];
const ATTRIBUTE_NAMESPACES = {
  xlink: "http://www.w3.org/1999/xlink",
  xml: "http://www.w3.org/XML/1998/namespace",
};

/** The page's templates by fingerprint. */
export const templates = new Map();

/**
 * Defines a template, or defines it again when its HTML has become known.
 *
 * `codes` has for each slot: kind, length of the path, path; then the event's code of a handler.
 * `names` has the names of the other slots that have one, each ended by a space.
 */
export function define(fingerprint, namespace, roots, html, codes, names) {
  const slots = [];
  const steps = [];
  const nameList = decode(names).split(" ");
  for (let at = 0; at < codes.length; ) {
    const kind = codes[at++];
    const depth = codes[at++];
    let list = steps;
    let step;
    for (const end = at + depth; at < end; at++) {
      step = list.at(-1);
      if (step?.index !== codes[at]) list.push((step = { index: codes[at], slots: [], steps: [] }));
      list = step.steps;
    }
    step.slots.push(slots.length);
    step.isContent = isContent(kind);
    slots.push({
      kind,
      event: kind === KIND_HANDLER && codes[at++],
      name: kind > KIND_SPLICE && kind < KIND_HANDLER && nameList.shift(),
      // The slot's nodes and its anchor may be all that its parent holds.
      isFirstChild: depth > 1 && !step.index,
    });
  }
  templates.set(fingerprint, { namespace, roots, html: html && decode(html), slots, steps, prototype: undefined });
}

/** The nodes of a new instance: one node, or a fragment of several. */
export function clone(template) {
  template.prototype ??= prototypeOf(template);
  return document.importNode(template.prototype, true);
}

function prototypeOf(template) {
  const content = parse(template.html, template.namespace);
  const nodes = [];
  locate(template.steps, content.firstChild, nodes);
  template.slots.forEach((slot, index) => {
    if (isContent(slot.kind)) nodes[index].replaceWith(new Text());
  });
  return content.childNodes.length > 1 ? content : content.firstChild;
}

/** Parses HTML; nothing in it runs or loads before it is in the document. */
export function parse(html, namespace) {
  const template = document.createElement("template");
  const wrapper = WRAPPERS[namespace];
  template.innerHTML = wrapper ? `<${wrapper}>${html}</${wrapper}>` : html;
  const { content } = template;
  if (wrapper) content.replaceChildren(...content.firstChild.childNodes);
  return content;
}

/**
 * Finds the node of each slot below a list of siblings that begins with `node`.
 *
 * `steps` is the tree of the slots' paths; siblings are counted once for all of them.
 */
export function locate(steps, node, nodes) {
  let index = 0;
  for (const step of steps) {
    for (; index < step.index; index++) node = node.nextSibling;
    for (const slot of step.slots) nodes[slot] = node;
    if (step.steps.length) locate(step.steps, node.firstChild, nodes);
  }
}

/** The code of the namespace that children of `parent` are parsed in. */
export function namespaceWithin(parent) {
  const isHtml = parent.namespaceURI === HTML_NAMESPACE || parent.localName === "foreignObject";
  return isHtml ? 0 : parent.namespaceURI.endsWith("svg") ? 1 : 2;
}

/** Sets an attribute, or removes it when `value` is null. */
export function setAttribute(element, name, value) {
  const [prefix, local] = name.split(":");
  // An HTML parser gives these namespaces to attributes of SVG and MathML alone.
  const namespace = element.namespaceURI !== HTML_NAMESPACE && local && ATTRIBUTE_NAMESPACES[prefix];
  if (namespace) {
    if (value === null) element.removeAttributeNS(namespace, local);
    else element.setAttributeNS(namespace, name, value);
  } else if (value === null) element.removeAttribute(name);
  else element.setAttribute(name, value);
}
