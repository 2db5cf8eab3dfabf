// What a person chose, reset or pressed: the server hears of it as it stands, and page and server agree.

import assert from "node:assert/strict";
import { eventually, joined, scenario, shows } from "../fixture.js";
import { addContact as add } from "../steps.js";

const names = (page) => page.locator("#contacts .name").allInnerTexts();
const texts = (page) => page.locator("#messages .text").allInnerTexts();

scenario("a box that was ticked before the client was there is heard of, though it has the focus", async ({ open, visit }) => {
  const filled = await open("/chat");
  for (const text of ["plain", "starred"]) {
    await filled.fill("#text", text);
    await filled.press("#text", "Enter");
    await filled.locator("#messages .text", { hasText: text }).waitFor();
  }
  await filled.getByRole("button", { name: "Star: starred" }).click();
  await shows(filled, "#messages .star >> nth=1", "★ 1");

  let release;
  const released = new Promise((resolve) => (release = resolve));
  const prepare = (page) => page.route("**/client.js", (route) => released.then(() => route.continue()));
  const page = await visit("/chat", { prepare });
  await page.check("#only-starred");
  assert.deepEqual(await texts(page), ["plain", "starred"]);
  release();
  await joined(page);
  await eventually(() => texts(page), ["starred"]);
  assert.deepEqual(await page.evaluate(() => [document.activeElement.id, document.activeElement.checked]), ["only-starred", true]);
});

scenario("a form that is reset shows what the server has taken of its fields", async ({ open }) => {
  const page = await open("/contacts");
  await add(page, "Ada", "ada@example.com");
  await add(page, "Grace", "grace@example.com");
  await eventually(() => names(page), ["Ada", "Grace"]);
  // The field is elsewhere, as one may be that names its form.
  await page.evaluate(() => document.querySelector("#search").setAttribute("form", "new-contact"));
  await page.fill("#search", "gra");
  await eventually(() => names(page), ["Grace"]);
  await page.fill("#new-name", "Barbara");
  await page.evaluate(() => document.querySelector("#new-contact").reset());
  // Field and list agree, and so they do after the next event.
  assert.deepEqual(await page.evaluate(() => ["#search", "#new-name"].map((id) => document.querySelector(id).value)), ["gra", ""]);
  await page.fill("#search", "");
  await eventually(() => names(page), ["Ada", "Grace"]);
});

scenario("when the row goes in which the focus is, the next one's same button has it", async ({ open }) => {
  const page = await open("/contacts");
  for (const name of ["Ada", "Barbara", "Grace"]) await add(page, name, `${name}@example.com`);
  await eventually(() => names(page), ["Ada", "Barbara", "Grace"]);
  const focused = () => page.evaluate(() => document.activeElement.ariaLabel);
  await page.getByRole("button", { name: "Delete Barbara" }).click();
  await eventually(() => names(page), ["Ada", "Grace"]);
  assert.equal(await focused(), "Delete Grace");
  await page.keyboard.press("Enter");
  await eventually(() => names(page), ["Ada"]);
  assert.equal(await focused(), "Delete Ada");
});
