// Properties of nodes that nothing hides.
//
// A field that is called `parentNode` or `matches` hides that property of its form, and an image that is called `body` that of
// the document (HTML, 3.1.6 and 4.10.3). What is read of a node that may be either is read by the getters and methods of the prototypes.

const { prototype } = HTMLFormElement;

/** The getter or method `name` as a function of a node and the arguments. Browsers that have no `moveBefore` insert. */
const own = (name) => Function.prototype.call.bind(prototype.__lookupGetter__(name) ?? prototype[name] ?? prototype.insertBefore);

export const [
  firstChild,
  nextSibling,
  parentNode,
  childNodes,
  isConnected,
  insertBefore,
  replaceChildren,
  cloneNode,
  closest,
  matches,
  querySelectorAll,
  classList,
  namespaceURI,
  localName,
  setAttribute,
  removeAttribute,
  toggleAttribute,
  moveBefore,
  method,
  elements,
] =
  "firstChild nextSibling parentNode childNodes isConnected insertBefore replaceChildren cloneNode closest matches querySelectorAll classList namespaceURI localName setAttribute removeAttribute toggleAttribute moveBefore method elements"
    .split(" ")
    .map(own);

/** The getter or method `name` of any node, called with `more`: slower than those above. */
export const ask = (node, name, ...more) => {
  const found = Reflect.get(Object.getPrototypeOf(node), name, node);
  return typeof found === "function" ? found.apply(node, more) : found;
};

const { createElement, importNode } = Document.prototype;
export const create = createElement.bind(document);
/** A copy of a node with all that is in it, for the document. */
export const copy = (node) => importNode.call(document, node, true);

export const activeElement = () => ask(document, "activeElement");

export const listen = (type, listener, isCapture) => addEventListener.call(document, type, listener, isCapture);
