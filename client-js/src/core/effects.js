// What a component asks of the page that shows it, as it stands in protocol/src/isa.rs.

import { EFFECT_DOWNLOAD, EFFECT_FLASH, EFFECT_FOCUS, EFFECT_NAVIGATE, EFFECT_PUSH, EFFECT_SCROLL_INTO_VIEW } from "./codes.js";
import { ask, create } from "./natural.js";

/** Does what the component of a view asks for. What isn't there, or isn't known, is nothing. */
export function perform(page, view, [kind, name, data]) {
  const target = ask(document, "getElementById", name);
  if (kind === EFFECT_FOCUS && target) ask(target, "focus");
  else if (kind === EFFECT_SCROLL_INTO_VIEW && target) ask(target, "scrollIntoView", { block: "nearest", inline: "nearest" });
  else if (kind === EFFECT_FLASH) page.flash(view, data);
  else if (kind === EFFECT_PUSH) announce(view, "push", { name, data: JSON.parse(data) });
  else if (kind === EFFECT_NAVIGATE || kind === EFFECT_DOWNLOAD) {
    const link = Object.assign(create("a"), { href: name, download: "" });
    // Nothing that runs code.
    if (!/^https?:/.test(link.href)) console.warn(`lightspeed: not an address of a page: ${name}`);
    else if (kind === EFFECT_NAVIGATE) location.assign(link.href);
    else link.click();
  }
}

/** Later, so that a listener may do anything. */
export function announce(view, name, detail) {
  queueMicrotask(() => view.dispatchEvent(new CustomEvent(`lightspeed:${name}`, { bubbles: true, detail })));
}
