// What a person sees: the pages in light and dark, on a desk and on a phone. The pictures go to
// `screenshots/`, to be looked at.

import assert from "node:assert/strict";
import { eventually, joined, scenario, screenshot, shows } from "../fixture.js";

const LOOKS = {
  light: { colorScheme: "light", viewport: { width: 1200, height: 800 } },
  dark: { colorScheme: "dark", viewport: { width: 1200, height: 800 } },
  phone: { colorScheme: "light", viewport: { width: 390, height: 844 }, hasTouch: true, deviceScaleFactor: 2 },
  "phone-dark": { colorScheme: "dark", viewport: { width: 390, height: 844 }, hasTouch: true, deviceScaleFactor: 2 },
};

/** Each page, with something in it. */
const PAGES = {
  index: { path: "/", isLive: false },
  counter: {
    path: "/counter",
    fill: async (page) => {
      await page.click("#inc");
      await shows(page, "#count", "1");
    },
  },
  contacts: {
    path: "/contacts",
    fill: async (page) => {
      const people = [
        ["Grace Hopper", "grace@example.com"],
        ["Ada Lovelace, Countess of Lovelace, née Byron", "a.very.long.address.indeed@department.of.computing.example.com"],
        ["Edsger W. Dijkstra", "edsger@example.com"],
      ];
      for (const [name, email] of people) {
        await page.fill("#new-name", name);
        await page.fill("#new-email", email);
        await page.press("#new-email", "Enter");
        await page.locator(".name", { hasText: name }).waitFor();
      }
      await page.getByRole("button", { name: "Edit Edsger" }).click();
      await page.fill("#edit-email", "");
      await page.press("#edit-name", "Enter");
      await page.locator("#edit-email-error").waitFor();
      await page.fill("#new-name", "Alan Turing");
      await page.fill("#new-email", "alan");
      await page.press("#new-email", "Enter");
      await page.locator("#new-email-error").waitFor();
    },
  },
  rows: {
    path: "/rows",
    fill: async (page) => {
      await page.click("#run");
      await eventually(() => page.locator("tbody tr").count(), 1000);
      await page.click("#update");
      await page.click("tbody tr:nth-child(3) td.col-md-4 > a");
      await page.locator("tr.danger").waitFor();
    },
  },
  chat: {
    path: "/chat",
    fill: async (page) => {
      const texts = ["Good morning!", "A message that goes on and on, as some do, until there is no room left for it in the line", "Antidisestablishmentarianism".repeat(4)];
      for (const text of texts) {
        await page.fill("#text", text);
        await page.press("#text", "Enter");
        await page.locator("#messages .text", { hasText: text }).last().waitFor();
      }
      await page.locator("#messages .star").first().click();
    },
  },
  viewport: {
    path: "/viewport",
    fill: async (page) => {
      await page.evaluate(() => (document.querySelector("#table").scrollTop = 50_000 * 32));
      await page.click("#table [aria-rowindex='50003'] button");
      await page.locator("#table .marked").waitFor();
    },
  },
  embed: {
    path: "/embed",
    fill: async (page) => {
      await page.getByRole("button", { name: "Lemon" }).click();
      await page.getByRole("button", { name: "More Apple cake" }).click();
      await shows(page, "#total", "€ 3.50");
    },
  },
  mishap: {
    path: "/mishap",
    fill: async (page) => {
      await page.click("#stored-inc");
      await page.click("#stored-panic");
      await page.locator("[data-lightspeed-message]:not(:empty)").waitFor();
    },
  },
  about: { path: "/embed/about", isLive: false },
};

for (const [look, options] of Object.entries(LOOKS)) {
  scenario(`every page fits and is legible: ${look}`, async ({ allow, visit }) => {
    allow(/panicked at examples\/src\/mishap\.rs/);
    for (const [name, { path, fill, isLive = true }] of Object.entries(PAGES)) {
      const page = await visit(path, options);
      if (isLive) await joined(page);
      await page.locator("h1").waitFor();
      await fill?.(page);
      await page.screenshot({ path: screenshot(`${name}-${look}`) });
      const [scrollWidth, clientWidth] = await page.evaluate(() => {
        const { scrollWidth, clientWidth } = document.documentElement;
        return [scrollWidth, clientWidth];
      });
      assert(scrollWidth <= clientWidth, `${name} scrolls sideways: ${scrollWidth} in ${clientWidth}`);
      assert.deepEqual(await faint(page), [], `texts of ${name} with too little contrast`);
    }
  });
}

/** Texts whose contrast is below what WCAG 2.2 AA asks for (1.4.3): 4.5, or 3 for large ones. */
const faint = (page) =>
  page.evaluate(() => {
    const channels = (color) => color.match(/[\d.]+/g).map(Number);
    const luminance = (color) => {
      const [red, green, blue] = color.map((value) => {
        const part = value / 255;
        return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
      });
      return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    };
    const ground = (element) => {
      for (let one = element; one; one = one.parentElement) {
        const [red, green, blue, alpha = 1] = channels(getComputedStyle(one).backgroundColor);
        if (alpha > 0) return [red, green, blue];
      }
      return [255, 255, 255];
    };
    const found = [];
    for (const element of document.querySelectorAll("body *")) {
      const hasText = [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.data.trim());
      if (!hasText || !element.checkVisibility()) continue;
      const style = getComputedStyle(element);
      const [one, other] = [luminance(channels(style.color).slice(0, 3)), luminance(ground(element))];
      const contrast = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
      const size = parseFloat(style.fontSize);
      const isLarge = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
      if (contrast < (isLarge ? 3 : 4.5)) found.push(`${element.innerText}: ${contrast.toFixed(2)}`);
    }
    return found;
  });

scenario("the front page leads to every example and to its source", async ({ allow, visit, gallery }) => {
  // A browser drops what it hasn't loaded yet when it goes to the next page.
  allow(/gallery\.svg net::ERR_ABORTED/);
  const page = await visit("/");
  for (const title of ["Counter", "Contacts", "Rows", "Chat", "Viewport", "Embed", "Mishap"]) {
    await page.locator("main").getByRole("link", { name: title, exact: true }).click();
    await joined(page);
    await page.goto(gallery.url);
  }
  const sources = await page.locator(".source a").evaluateAll((links) => links.map((link) => link.href));
  assert.equal(sources.length, 8);
  for (const source of sources) {
    const response = await page.request.get(source);
    assert.equal(response.headers()["content-type"], "text/plain; charset=utf-8");
    assert.match(await response.text(), /^\/\/! /);
  }
});

scenario("the keyboard skips to the content", async ({ visit }) => {
  const page = await visit("/");
  await page.locator("h1").waitFor();
  await page.keyboard.press("Tab");
  const skip = page.getByRole("link", { name: "Skip to the content" });
  assert(await skip.evaluate((link) => link === document.activeElement && link.getBoundingClientRect().top >= 0));
  await page.keyboard.press("Enter");
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.innerText), "Counter");
  assert(await page.evaluate(() => document.querySelector("main").contains(document.activeElement)));
});

scenario("every response forbids what the pages don't need", async ({ gallery, visit }) => {
  const page = await visit("/");
  const policy = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'";
  for (const path of ["/", "/counter", "/embed", "/gallery.css", "/source/rows.rs", "/no-such-page"]) {
    const response = await page.request.get(gallery.url + path);
    // A page with live parts says as well who may frame it, in the same header or one of its own.
    const said = ["/counter", "/embed"].includes(path) ? `${policy}; frame-ancestors 'self'` : policy;
    assert.equal(response.headers()["content-security-policy"].replace(", ", "; "), said, path);
    assert.equal(response.status(), path === "/no-such-page" ? 404 : 200, path);
  }
});
