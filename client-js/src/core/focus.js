// The focus, when what had it is taken away: it goes to what stands there then, not to the page's beginning.

import { activeElement, ask, isConnected, nextSibling, parentNode, querySelectorAll } from "./natural.js";

/** Where `active` is in `view`, from the inside out: the nodes around it, each with what is behind it and its parent. */
export function placeOf(active, view) {
  const around = [];
  if (view.contains(active))
    for (let node = active; node !== view; node = parentNode(node)) around.push([node, nextSibling(node), parentNode(node)]);
  return around;
}

/** Gives the focus back that a program has taken from the place. */
export function regain(around) {
  const isLost = () => activeElement() === ask(document, "body");
  // To ask for a focus that nothing had would lay the page out at once.
  if (!around.length || !isLost()) return;
  const [[active]] = around;
  const give = (node) => node && isLost() && ask(node, "focus", { preventScroll: true });
  // Where `moveBefore` is missing, a moved element has lost it.
  give(active);
  const all = (node) => (node instanceof Element ? [node, ...querySelectorAll(node, "*")] : []);
  const left = around.filter(([, , parent]) => isConnected(parent));
  const [[gone, behind, parent]] = left;
  const index = all(gone).indexOf(active);
  // The same part of the next row, or of what is there instead; else of the row before. An anchor is behind the last.
  const beside = [behind, ask(behind ?? parent, behind ? "previousSibling" : "lastChild")];
  for (const node of beside) give(all(node)[index]);
  for (const node of [...beside, ...left.map((one) => one[2])]) all(node).forEach(give);
}
