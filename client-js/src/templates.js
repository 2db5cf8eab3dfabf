// Templates: parsed once, cloned for each instance.

import { decode } from "./text.js";
import { KIND_HANDLER, KIND_SPLICE, isContent } from "./codes.js";
import { childNodes, cloneNode, copy, create, firstChild, localName, namespaceURI, nextSibling, parentNode, removeAttribute, setAttribute as set } from "./natural.js";

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
  templates.set(fingerprint, {
    namespace,
    roots,
    html: text,
    // One root, and no custom element, which could change the instance while it is built.
    isPlain: roots < 2 && !/<\w+-/.test(text),
    slots,
    steps: treeOf(slots),
  });
}

/** The tree of the paths of slots that are not of the kind `other`: siblings are counted once for all of them. */
function treeOf(slots, other) {
  const steps = [];
  slots.forEach(({ kind, path }, slot) => {
    if (kind === other) return;
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

/** The nodes of a new instance: one node, or a fragment of several; or a fragment of `MANY` plain instances. */
export function clone(template, isMany) {
  const one = (template.prototype ??= prototypeOf(template));
  const all = parentNode(one);
  if (isMany) while (all.childNodes.length < MANY) all.append(cloneNode(one, true));
  return copy(isMany ? all : one);
}

function prototypeOf(template) {
  const content = parse(template.html, template.namespace);
  const nodes = locate(template.steps, content.firstChild, []);
  template.slots.forEach((slot, index) => {
    const node = nodes[index];
    // An anchor that is all that an element holds is the text that the element gets.
    if (template.isPlain && slot.kind === KIND_SPLICE && slot.path[1] >= 0 && childNodes(node.parentNode).length < 2) {
      slot.path.pop();
      slot.isText = true;
      node.remove();
    } else if (isContent(slot.kind)) node.replaceWith(new Text());
  });
  template.values = treeOf(template.slots, KIND_HANDLER);
  return content.childNodes.length > 1 ? content : content.firstChild;
}

/** Parses HTML; nothing in it runs or loads before it is in the document. */
export function parse(html, namespace) {
  const template = create("template");
  const wrapper = WRAPPERS[namespace];
  template.innerHTML = wrapper ? `<${wrapper}>${html}</${wrapper}>` : html;
  const { content } = template;
  if (wrapper) content.replaceChildren(...content.firstChild.childNodes);
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

/** The code of the namespace that children of `parent` are parsed in. */
export function namespaceWithin(parent) {
  const isHtml = namespaceURI(parent) === HTML_NAMESPACE || localName(parent) === "foreignObject";
  return isHtml ? 0 : namespaceURI(parent).endsWith("svg") ? 1 : 2;
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
