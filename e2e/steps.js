// What people do in more than one test, and what must be so after it.

import assert from "node:assert/strict";

/** Adds a contact, and waits until the page shows it. */
export async function addContact(page, name, email) {
  await page.fill("#new-name", name);
  await page.fill("#new-email", email);
  await page.press("#new-email", "Enter");
  await page.locator("#contacts .name", { hasText: name }).waitFor();
}

/** Waits until the page knows that its connection is lost. */
export const lost = (page) => page.locator("html.lightspeed-disconnected").waitFor({ state: "attached" });

export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Remembers a page's window and what is live in it, for `assertKept`. */
export const mark = (page) =>
  page.evaluate(() => {
    window.marked = [...document.querySelectorAll("lightspeed-view, lightspeed-view *")];
  });

/** The page was never loaded again, and the nodes that match were there when it was marked. */
export async function assertKept(page, ...selectors) {
  const missing = await page.evaluate((selectors) => {
    if (!window.marked) return "the window: the page was loaded again";
    return selectors.filter((selector) => !window.marked.includes(document.querySelector(selector))).join();
  }, selectors);
  assert.equal(missing, "", "the very same document");
}

/** The field that has the focus, its text and its caret, and how far the page is scrolled. */
export const whereabouts = (page) =>
  page.evaluate(() => {
    const { id, value, selectionStart, selectionEnd } = document.activeElement;
    return { id, value, caret: [selectionStart, selectionEnd], scroll: Math.round(window.scrollY) };
  });
