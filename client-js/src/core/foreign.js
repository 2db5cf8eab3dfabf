// What something else does to the nodes of live parts: an extension, a translator, a script of the page. An observer hears of
// it and notes on the nodes how they were, so that a program that needs them can put them back (adr/0014).

import { ask, childNodes, insertBefore, isConnected, nextSibling, parentNode } from "./natural.js";

/** On a node that something else took child nodes from: the ones that it had. On one that was taken: where it was. On a text that was changed: what it was. */
const NODES = Symbol();
const HOME = Symbol();
const DATA = Symbol();

/** Hears what something else does to the live parts of a page. */
export class Foreign {
  #observer = new MutationObserver(note);

  /** Hears of all nodes that come to `view` or go, at any depth, and of texts that change. */
  observe(view) {
    this.#observer.observe(view, { childList: true, subtree: true, characterDataOldValue: true });
  }

  /** Notes all that has changed since the last call. */
  note() {
    note(this.#observer.takeRecords());
  }

  /** Forgets all that has changed since the last call: a program of ours did it. */
  skip() {
    this.#observer.takeRecords();
  }
}

function note(records) {
  let before;
  for (const { target, removedNodes, oldValue } of records) {
    if (oldValue !== null) target[DATA] ??= oldValue;
    for (const node of removedNodes) {
      node[HOME] ??= target;
      target[NODES] ??= (before ??= undone(records)).get(target);
    }
  }
}

/** The child nodes that the targets of `records` had before. */
function undone(records) {
  const before = new Map();
  for (const { target, addedNodes, removedNodes, nextSibling } of [...records].reverse()) {
    const nodes = before.get(target) ?? [...childNodes(target)];
    const at = nodes.indexOf(addedNodes[0] ?? nextSibling);
    nodes.splice(at < 0 ? nodes.length : at, addedNodes.length, ...removedNodes);
    before.set(target, nodes);
  }
  return before;
}

/**
 * Puts a slot's node back where something else has taken it from; around an anchor everything is as it was then.
 *
 * Throws where it is unknown how to.
 */
export function putBack(node) {
  const isText = node instanceof Text;
  if (isText) mend(node[HOME]);
  for (let one = node; one && !isConnected(node); one = parentNode(one)) mend(one[HOME]);
  if (isText) {
    const parent = parentNode(node);
    mend(parent);
    if (node[DATA] != null)
      for (const one of childNodes(parent))
        if (one[DATA] != null) {
          one.data = one[DATA];
          one[DATA] = undefined;
        }
  }
  // Also where its parent isn't the one that it was built in.
  if (!isConnected(node)) throw node;
  return node;
}

/** Gives `parent` the child nodes that it had before something else took one away. */
export function mend(parent) {
  const nodes = parent?.[NODES];
  if (!nodes) return;
  parent[NODES] = undefined;
  const known = new Set(nodes);
  for (const node of [...childNodes(parent)]) known.has(node) || ask(node, "remove");
  let next = null;
  for (const node of nodes.reverse()) {
    if (parentNode(node) !== parent || nextSibling(node) !== next) insertBefore(parent, node, next);
    next = node;
  }
}
