import assert from "node:assert/strict";
import { rmSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually, joined, scenario, shows } from "../fixture.js";
import { addContact as add } from "../steps.js";

const names = (page) => page.locator("#contacts .name").allInnerTexts();
const focused = (page) => page.evaluate(() => document.activeElement.id || document.activeElement.ariaLabel);

scenario("a contact is added, edited, found and deleted, and is there after a reload", async ({ open }) => {
  const page = await open("/contacts");
  await shows(page, "#empty", "Nobody is in the list yet.");
  await add(page, "Grace Hopper", "grace@example.com");
  await add(page, "ada lovelace", "ada@example.com");
  await eventually(() => names(page), ["ada lovelace", "Grace Hopper"]);
  assert.deepEqual(await page.locator("#empty").count(), 0);

  await page.getByRole("button", { name: "Edit ada lovelace" }).click();
  assert.equal(await page.inputValue("#edit-name"), "ada lovelace");
  assert.equal(await page.inputValue("#edit-email"), "ada@example.com");
  await page.fill("#edit-name", "Ada Lovelace");
  await page.getByRole("button", { name: "Save" }).click();
  await eventually(() => names(page), ["Ada Lovelace", "Grace Hopper"]);
  await shows(page, "#notice", "Ada Lovelace is saved.");

  await page.fill("#search", "hop");
  await eventually(() => names(page), ["Grace Hopper"]);
  await page.fill("#search", "EXAMPLE.COM");
  await eventually(() => names(page), ["Ada Lovelace", "Grace Hopper"]);
  await page.fill("#search", "nobody of that name");
  await shows(page, "#empty", "Nobody was found.");
  await page.fill("#search", "");
  await eventually(() => names(page), ["Ada Lovelace", "Grace Hopper"]);

  await page.getByRole("button", { name: "Delete Grace Hopper" }).click();
  await eventually(() => names(page), ["Ada Lovelace"]);

  await page.reload();
  await joined(page);
  assert.deepEqual(await names(page), ["Ada Lovelace"], "from the page itself, not by a patch");
});

scenario("a refused contact keeps its typing, with what is wrong beside the field", async ({ open }) => {
  const page = await open("/contacts");
  await page.fill("#new-name", "Ada Lovelace");
  await page.fill("#new-email", "ada at example");
  await page.press("#new-email", "Enter");
  await shows(page, "#new-email-error", "Enter an address like ada@example.com.");
  assert.equal(await page.inputValue("#new-name"), "Ada Lovelace");
  assert.equal(await page.inputValue("#new-email"), "ada at example");
  assert.equal(await page.getAttribute("#new-email", "aria-invalid"), "true");
  assert.equal(await page.getAttribute("#new-email", "aria-describedby"), "new-email-error");
  assert.equal(await page.getAttribute("#new-name", "aria-invalid"), null);
  assert.equal(await focused(page), "new-email", "the focus stays");
  const [field, error] = await Promise.all(
    ["#new-email", "#new-email-error"].map((selector) => page.locator(selector).boundingBox()),
  );
  assert(error.y >= field.y + field.height && error.y < field.y + field.height + 24, "right below the field");
  assert(Math.abs(error.x - field.x) < 2, "in line with it");
  assert.deepEqual(await names(page), []);

  await page.fill("#new-name", " ");
  await page.press("#new-name", "Enter");
  await shows(page, "#new-name-error", "Enter a name.");

  await page.fill("#new-name", "Ada Lovelace");
  await page.fill("#new-email", "ada@example.com");
  await page.click("#add");
  await eventually(() => names(page), ["Ada Lovelace"]);
  await eventually(() => page.locator(".error").count(), 0);
  assert.equal(await page.inputValue("#new-name"), "", "the form is empty again");
  await eventually(() => focused(page), "new-name", "and waits for the next contact");
  assert.equal(await page.inputValue("#new-email"), "");
  assert.equal(await page.getAttribute("#new-email", "aria-invalid"), null);
});

scenario("what the database refuses stands beside its field too", async ({ open }) => {
  const page = await open("/contacts");
  await add(page, "Ada Lovelace", "ada@example.com");
  await page.fill("#new-name", "Another Ada");
  await page.fill("#new-email", "ADA@example.com");
  await page.press("#new-name", "Enter");
  await shows(page, "#new-email-error", "Another contact has this address.");
  assert.equal(await page.inputValue("#new-name"), "Another Ada");
  assert.equal(await page.inputValue("#new-email"), "ADA@example.com");
  assert.deepEqual(await names(page), ["Ada Lovelace"]);
  await eventually(() => focused(page), "new-email", "the focus goes to what is wrong");
});

scenario("editing keeps the focus and what is refused, and can be cancelled", async ({ open }) => {
  const page = await open("/contacts");
  await add(page, "Ada Lovelace", "ada@example.com");
  await add(page, "Grace Hopper", "grace@example.com");
  await page.getByRole("button", { name: "Edit Ada Lovelace" }).focus();
  await page.keyboard.press("Enter");
  await page.locator("#edit-name").waitFor();
  assert.equal(await focused(page), "Cancel editing Ada Lovelace");
  await page.keyboard.press("Tab");
  assert.equal(await focused(page), "edit-name", "the form is the next thing");
  await page.keyboard.type("Countess of Lovelace");
  await page.fill("#edit-email", "nowhere");
  await page.keyboard.press("Enter");
  await shows(page, "#edit-email-error", "Enter an address like ada@example.com.");
  assert.equal(await page.inputValue("#edit-name"), "Countess of Lovelace");
  assert.equal(await page.inputValue("#edit-email"), "nowhere");
  assert.equal(await focused(page), "edit-email", "the focus stays");
  await page.getByRole("button", { name: "Cancel editing Ada Lovelace" }).focus();
  await page.keyboard.press("Enter");
  await eventually(() => page.locator("form.edit").count(), 0);
  assert.equal(await focused(page), "Edit Ada Lovelace");
  assert.deepEqual(await names(page), ["Ada Lovelace", "Grace Hopper"]);
});

scenario("the search box keeps its caret, its focus and its node while the results change", async ({ open }) => {
  const page = await open("/contacts");
  await add(page, "Ada Lovelace", "ada@example.com");
  await add(page, "Grace Hopper", "grace@example.com");
  await page.evaluate(() => (window.box = document.querySelector("#search")));
  await page.locator("#search").pressSequentially("ace");
  await eventually(() => names(page), ["Ada Lovelace", "Grace Hopper"]);
  await page.press("#search", "Home");
  await page.keyboard.type("r");
  await eventually(() => names(page), ["Grace Hopper"]);
  await page.keyboard.type("x");
  await shows(page, "#empty", "Nobody was found.");
  const state = await page.evaluate(() => ({
    isSame: document.activeElement === window.box && document.querySelector("#search") === window.box,
    value: window.box.value,
    caret: [window.box.selectionStart, window.box.selectionEnd],
  }));
  assert.deepEqual(state, { isSame: true, value: "rxace", caret: [2, 2] });
});

scenario("contacts in a file outlive the server", async (stage) => {
  const folder = mkdtempSync(join(tmpdir(), "lightspeed-e2e-"));
  stage.cleanup(() => rmSync(folder, { recursive: true }));
  const contacts = join(folder, "contacts.db");
  await stage.start({ contacts });
  const page = await stage.open("/contacts");
  await add(page, "Ada Lovelace", "ada@example.com");
  await page.close();
  await stage.gallery.kill();
  await stage.start({ contacts });
  assert.deepEqual(await names(await stage.open("/contacts")), ["Ada Lovelace"]);
});
