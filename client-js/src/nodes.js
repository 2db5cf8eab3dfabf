// The nodes of an instance's slots, which are found when they are needed, or when there is time.
//
// Until then the instance is what it was built as, unless something else changes it: an extension, a
// translator, a script of the page. An observer hears of that, and what is reached so is found at
// once, among the nodes that were there before.

import { KIND_HANDLER } from "./codes.js";
import { appendChild, childNodes, closest, firstChild, nextSibling, parentNode, querySelectorAll } from "./natural.js";

/** The property by which elements lead to their instance: one that is its only root, and those with handlers, once found. */
export const OWNER = Symbol();

const observer = new MutationObserver(settle);

/** Hears of all nodes that come to `view` or go, at any depth. */
export const observe = (view) => observer.observe(view, { childList: true, subtree: true });

/**
 * Finds the nodes of instances that something else has changed, or has taken to where nothing is heard of them.
 *
 * `records` are all changes since the last call. Ours are never within an instance that is yet to be found.
 */
export function settle(records = observer.takeRecords()) {
  let before;
  const reach = ({ [OWNER]: instance }) => instance && !instance.isFound && find(instance, (before ??= undone(records)));
  for (const { target, removedNodes } of records) {
    for (let node = target; node; node = parentNode(node)) reach(node);
    for (const node of removedNodes) {
      if (!(node instanceof Element) || node[OWNER]?.isGone || closest(node, "lightspeed-view")) continue;
      reach(node);
      querySelectorAll(node, "*").forEach(reach);
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
      if (isText) node = nodeAt([0, 0], node, before) ?? appendChild(node, new Text());
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
