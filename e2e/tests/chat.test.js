import assert from "node:assert/strict";
import { eventually, scenario } from "../fixture.js";
import { CONNECTION_FAULTS, proxy } from "../proxy.js";
import { lost } from "../steps.js";

/** The messages as a person sees them: text and stars. */
const messages = (page) =>
  page.evaluate(() =>
    [...document.querySelectorAll("#messages li")].map((row) => [
      row.querySelector(".text").textContent,
      row.querySelector(".star").textContent,
    ]),
  );

const say = async (page, text) => {
  await page.fill("#text", text);
  await page.keyboard.press("Enter");
};

const texts = async (page) => (await messages(page)).map(([text]) => text);

scenario("what one page says, every page shows, and rows that stay keep their nodes", async ({ open }) => {
  const [ann, bob] = [await open("/chat"), await open("/chat")];
  await say(ann, "one");
  await eventually(() => texts(bob), ["one"]);
  await say(bob, "two");
  // Two who speak at once are heard in either order.
  await eventually(() => texts(ann), ["one", "two"]);
  await say(ann, "three");
  await eventually(() => texts(ann), ["one", "two", "three"]);
  await eventually(() => texts(bob), ["one", "two", "three"]);
  assert.equal(await ann.inputValue("#text"), "", "what was said is no longer in the field");

  await bob.evaluate(() => (window.nodes = [...document.querySelectorAll("#messages li")]));
  const origins = () =>
    bob.evaluate(() => [...document.querySelectorAll("#messages li")].map((row) => window.nodes.indexOf(row)));
  await ann.click("#messages li:nth-child(2) .star");
  await eventually(() => messages(bob), [
    ["one", "★ 0"],
    ["two", "★ 1"],
    ["three", "★ 0"],
  ]);
  assert.deepEqual(await origins(), [0, 1, 2], "an update changes the row that is there");
  await bob.click("#messages li:nth-child(1) .delete");
  await eventually(() => texts(ann), ["two", "three"]);
  await eventually(() => origins(), [1, 2]);
  // The rows' buttons still are what they were.
  await bob.click("#messages li:nth-child(2) .star");
  await eventually(() => messages(ann), [
    ["two", "★ 1"],
    ["three", "★ 1"],
  ]);
});

scenario("a filter shows the source anew", async ({ open }) => {
  const page = await open("/chat");
  for (const text of ["a", "b", "c"]) await say(page, text);
  await eventually(() => texts(page), ["a", "b", "c"]);
  await page.click("#messages li:nth-child(2) .star");
  await eventually(async () => (await messages(page))[1][1], "★ 1");
  await page.check("#only-starred");
  await eventually(() => texts(page), ["b"]);
  await page.uncheck("#only-starred");
  await eventually(() => texts(page), ["a", "b", "c"]);
});

scenario("what is said while a page is away is there when it comes back", async (stage) => {
  stage.allow(CONNECTION_FAULTS);
  const link = await proxy(stage);
  const [ann, bob] = [await stage.open("/chat"), await stage.open(`${link.url}/chat`)];
  await say(ann, "before");
  await eventually(() => texts(bob), ["before"]);
  link.cut();
  await lost(bob);
  for (let count = 1; count <= 5; count++) await say(ann, `${count}`);
  await eventually(() => texts(ann), ["before", "1", "2", "3", "4", "5"]);
  link.mend();
  await eventually(() => texts(bob), ["before", "1", "2", "3", "4", "5"]);
});
