// The nodes of an instance's slots, which are found when they are needed, or when there is time.
//
// Until then the instance is what it was built as, unless something else changes it: an extension, a
// translator, a script of the page. An observer hears of that, and what is reached so is found at
// once, among the nodes that were there before.

import { KIND_HANDLER } from "./codes.js";
import { ask, childNodes, closest, firstChild, insertBefore, isConnected, nextSibling, parentNode, querySelectorAll } from "./natural.js";

/** The property by which elements lead to their instance: one that is its only root, and those with handlers, once found. */
export const OWNER = Symbol();

const observer = new MutationObserver((records) => settle(records));

/** Hears of all nodes that come to `view` or go, at any depth, and of texts that change. */
export const observe = (view) => observer.observe(view, { childList: true, subtree: true, characterDataOldValue: true });

/** On a node that something else took child nodes from: the ones that it had. On one that was taken: where it was. On a text that was changed: what it was. */
const NODES = Symbol();
const HOME = Symbol();
const DATA = Symbol();

/**
 * Finds the nodes of instances that something else has changed, or has taken to where nothing is heard of them, and
 * notes what is needed to put them back.
 *
 * `records` are all changes since the last call. Ours, during a program, are never within an instance that is yet to be found.
 */
export function settle(records = observer.takeRecords(), isOurs) {
  let before;
  const reach = ({ [OWNER]: instance }) => instance && !instance.isFound && find(instance, (before ??= undone(records)));
  for (const { target, removedNodes, oldValue } of records) {
    if (oldValue !== null && !isOurs) target[DATA] ??= oldValue;
    for (let node = target; node; node = parentNode(node)) reach(node);
    for (const node of removedNodes) {
      if (!isOurs) {
        node[HOME] ??= target;
        target[NODES] ??= (before ??= undone(records)).get(target);
      }
      if (!(node instanceof Element) || node[OWNER]?.isGone || closest(node, "lightspeed-view")) continue;
      reach(node);
      querySelectorAll(node, "*").forEach(reach);
    }
  }
}

/** Hears of what the program that runs has changed. */
export const settleOurs = () => settle(observer.takeRecords(), true);

/**
 * The node of a slot, put back where something else has taken it; around an anchor all is as it was then.
 *
 * Throws where it is unknown how to.
 */
export function reachNode(instance, slot) {
  const node = find(instance)[slot];
  const isText = node instanceof Text;
  if (isText) mend(node[HOME]);
  for (let one = node; one && !isConnected(node); one = parentNode(one)) mend(one[HOME]);
  if (!isConnected(node)) throw node;
  if (isText) {
    const parent = node.parentNode;
    mend(parent);
    if (node[DATA] != null)
      for (const one of childNodes(parent))
        if (one[DATA] != null) {
          one.data = one[DATA];
          one[DATA] = undefined;
        }
  }
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

/** What was built and is yet to be found. */
const left = [];
const whenIdle = self.requestIdleCallback;

/** Finds the nodes of an instance when the browser has nothing else to do; never where it can't tell. */
export function findLater(instance) {
  if (whenIdle && left.push(instance) === 1) whenIdle(findLeft);
}

function findLeft(idle) {
  while (left.length && idle.timeRemaining()) find(left.pop());
  if (left.length) whenIdle(findLeft);
}

/** The nodes of all slots. What the slots hold may be changed from now on. */
export function find(instance, before) {
  const { nodes, first, template } = instance;
  if (!instance.isFound && !instance.isGone) {
    instance.isFound = true;
    for (const { kind, path, isText } of template.slots) {
      let node = nodeAt(path, first, before);
      // A text that is all that an element holds comes with the first of its letters.
      if (isText) node = nodeAt([0, 0], node, before) ?? insertBefore(node, new Text(), null);
      if (kind === KIND_HANDLER) node[OWNER] = instance;
      nodes.push(node);
    }
  }
  return nodes;
}

/** Goes from `first` to the sibling with the first index of `path`, to its child with the second, and so on. */
const nodeAt = (path, first, before) =>
  path.reduce((node, index, depth) => {
    const nodes = depth && before?.get(node);
    if (nodes) return nodes[index];
    if (depth) node = firstChild(node);
    while (index-- > 0) node = nextSibling(node);
    return node;
  }, first);
