// The page itself: for keyboards, phones, readers of screens, and light and dark.

import assert from "node:assert/strict";
import { readFileSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";
import { ACTIONS } from "../src/catalogue.js";
import { SITUATIONS } from "../src/situations.js";
import { PAGE, launch, visit } from "./browser.js";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const PHONE = { width: 390, height: 844 };
const NARROW = { width: 360, height: 740 };

let browser;
before(async () => {
  browser = await launch();
});
after(() => browser?.close());

test("a keyboard is enough", async () => {
  await visit(browser, {}, async ({ page }) => {
    const focused = () =>
      page.evaluate(() => {
        const { id, dataset, value, textContent } = document.activeElement;
        const label = document.activeElement.labels?.[0]?.querySelector(".title").textContent;
        return (id.startsWith("field-") ? label : id) || dataset.name || label || value || textContent;
      });
    const press = (key) => page.keyboard.press(key);
    const until = async (wanted, most) => {
      for (let stops = 0; (await focused()) !== wanted; stops++) {
        assert.ok(stops < most, `${wanted} cannot be reached`);
        await press("Tab");
      }
    };
    // All actions are one stop, with arrows between them.
    await until("search", 10);
    await press("Tab");
    assert.equal(await focused(), "contacts.opt-in");
    await press("Home");
    assert.equal(await focused(), "contacts.create");
    await press("ArrowDown");
    await press("ArrowUp");
    await press("ArrowUp");
    assert.equal(await focused(), "grow-memory");
    await page.keyboard.press("Shift+Tab");
    await page.keyboard.type("opt a person");
    await press("ArrowDown");
    await press("Enter");
    await page.waitForFunction(() => location.hash === "#new");
    await until("Email", 6);
    assert.notEqual(await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle), "none");
    await press("ControlOrMeta+a");
    await page.keyboard.type("meera@example.com");
    // Enter in a field runs it.
    await press("Enter");
    assert.equal(await page.getAttribute("#flow", "data-result"), "done");
    assert.match(await page.textContent("#state"), /meera@example\.com/);
    await press("Tab");
    assert.equal(await focused(), "Phone number");
    await until("situation", 20);
    await page.keyboard.type("Wrong key");
    assert.equal(await page.inputValue("#situation"), "wrong-key");
    await press("Tab");
    assert.equal(await focused(), "Opt a person in");
    await press("Enter");
    assert.equal(await page.textContent("#outcome .code"), "unauthenticated");
    // Through all that there is, to the repetition, and out again.
    await until("repeat", 20);
    await press("Enter");
    assert.equal(await page.getAttribute("#flow", "data-result"), "done");
    assert.equal(await focused(), "flow-title");
    // A request opens; the languages are one stop, with arrows between them.
    for (let stops = 0; (await page.evaluate(() => document.activeElement.tagName)) !== "SUMMARY"; stops++) {
      assert.ok(stops < 10, "no request can be reached");
      await press("Tab");
    }
    await press("Enter");
    assert.equal(await page.locator("#steps > .card > details[open]").count(), 1);
    await until("tab-rust", 20);
    for (const [key, tab] of [["ArrowRight", "node"], ["End", "curl"], ["ArrowRight", "rust"], ["ArrowLeft", "curl"], ["Home", "rust"]]) {
      await press(key);
      assert.equal(await focused(), `tab-${tab}`);
      assert.equal(await page.getAttribute("[aria-selected=true]", "id"), `tab-${tab}`);
    }
    for (let stops = 0; (await page.evaluate(() => document.activeElement !== document.body)); stops++) {
      assert.ok(stops < 40, "the focus does not leave the page");
      await press("Tab");
    }
  });
});

test("a laptop shows the button and what happened, before and after pressing, and no empty half", async () => {
  await visit(browser, { viewport: { width: 1280, height: 800 } }, async (shown) => {
    const { page } = shown;
    const seen = (selector) =>
      page.locator(selector).evaluate((element) => {
        const { top, bottom } = element.getBoundingClientRect();
        return top >= 0 && bottom <= innerHeight;
      });
    const reaches = () => page.evaluate(() => Math.max(...[...document.querySelectorAll("#flow, #code")].map((part) => part.getBoundingClientRect().bottom)) / innerHeight);
    for (const part of ["[type=submit]", "#restart", "#status", "#steps", "#languages"]) assert.ok(await seen(part), `${part} before`);
    assert.ok((await reaches()) > 0.9);
    for (const { id } of SITUATIONS) {
      await shown.choose(id);
      await shown.optIn();
      for (const part of ["[type=submit]", "#restart", "#status", "#outcome"]) assert.ok(await seen(part), `${part} after ${id}`);
      assert.ok((await reaches()) > 0.9, id);
    }
    await shown.choose("new");
    await shown.optIn();
    assert.ok(await seen("#steps > [data-step=add]"));
    for (const { name } of ACTIONS) {
      await shown.action(name);
      for (const part of ["[type=submit]", "#status", "#action-title"]) assert.ok(await seen(part), `${part} before ${name}`);
      await shown.press();
      for (const part of ["[type=submit]", "#status", "#outcome"]) assert.ok(await seen(part), `${part} after ${name}`);
    }
  });
});

test("it says which product it is, as the package does", async () => {
  const { name, version, license } = JSON.parse(readFileSync(new URL("../../node/package.json", import.meta.url)));
  await visit(browser, {}, async ({ page }) => {
    const words = (await page.locator("#product > *").allTextContents()).slice(0, 3);
    assert.deepEqual(words, [name, version, license]);
    const links = await page.locator("#product a").evaluateAll((all) => all.map(({ href }) => href));
    assert.ok(links.length > 0 && links.every((link) => link.startsWith("https://")), `${links}`);
  });
});

test("an address chooses what is tried, and what is tried has an address", async () => {
  const at = (hash) => `${PAGE}${hash}`;
  for (const [hash, action, situation, button] of [
    ["#rate", "contacts.opt-in", "rate", "Opt a person in"],
    ["#consent.grant", "consent.grant", "works", "Give consent"],
    ["#lists.all/down", "lists.all", "down", "Get all lists"],
    ["#spin", "spin", "", "Run it"],
    ["#nothing", "contacts.opt-in", "new", "Opt a person in"],
  ]) {
    await visit(browser, {}, async (shown) => {
      const { page } = shown;
      const chosen = async () => [await page.getAttribute("#menu-list [aria-current]", "data-name"), await page.inputValue("#situation"), await page.textContent("[type=submit]")];
      assert.deepEqual(await chosen(), [action, situation, button], hash);
      const link = await shown.copied("#link");
      assert.equal(link, at(hash === "#nothing" ? "#new" : hash));
      // Another address, and back.
      await page.evaluate(() => (location.hash = "#again"));
      await page.waitForFunction(() => document.getElementById("situation").value === "again");
      await page.evaluate((hash) => (location.hash = hash), new URL(link).hash);
      await page.waitForFunction((value) => document.querySelector("#menu-list [aria-current]").dataset.name === value, action);
      assert.deepEqual(await chosen(), [action, situation, button], hash);
    }, at(hash));
  }
});

test("a phone shows all of it without scrolling sideways", async () => {
  await visit(browser, { viewport: NARROW, hasTouch: true }, async (shown) => {
    for (const { id } of SITUATIONS) {
      await shown.choose(id);
      await shown.optIn();
      await shown.page.evaluate(() => document.querySelectorAll("details").forEach((details) => (details.open = true)));
      assert.equal(await shown.overflow(), 0, id);
      // Each button and situation can be hit.
      const small = await shown.page.evaluate(
        () => [...document.querySelectorAll("button, input, textarea, select, summary, a")].filter((element) => element.offsetParent && element.getBoundingClientRect().height < 24).length,
      );
      assert.equal(small, 0);
    }
    // What is pressed brings what happened into view.
    await shown.page.evaluate(() => scrollTo(0, 0));
    await shown.optIn();
    const top = await shown.page.evaluate(() => document.getElementById("flow-title").getBoundingClientRect().top);
    assert.ok(top >= 0 && top < NARROW.height / 2, `the title is at ${top}`);
    assert.ok(await shown.page.isVisible("[type=submit]"));
    for (const { name } of ACTIONS) {
      await shown.action(name);
      const title = await shown.page.evaluate(() => document.getElementById("action-title").getBoundingClientRect().top);
      assert.ok(title >= 0 && title < NARROW.height / 2, `the title of ${name} is at ${title}`);
      await shown.press();
      await shown.page.evaluate(() => document.querySelectorAll("details").forEach((details) => (details.open = true)));
      assert.equal(await shown.overflow(), 0, name);
      const bar = await shown.page.evaluate(() => document.querySelector("[type=submit]").getBoundingClientRect().bottom);
      assert.ok(bar <= NARROW.height, name);
    }
  });
});

for (const colorScheme of ["light", "dark"]) {
  test(`it is accessible, and to be looked at: ${colorScheme}`, async () => {
    const backgrounds = new Set();
    for (const [size, viewport] of [["wide", { width: 1280, height: 800 }], ["phone", PHONE]]) {
      await visit(browser, { viewport, colorScheme }, async (shown) => {
        const look = async (name) => {
          await shown.screenshot(`${size}-${colorScheme}-${name}`);
          await shown.page.evaluate(AXE);
          const { violations } = await shown.page.evaluate(() => axe.run(document, { resultTypes: ["violations"] }));
          assert.deepEqual(violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`), []);
          backgrounds.add(await shown.page.evaluate(() => getComputedStyle(document.body).backgroundColor));
        };
        await look("0-start");
        for (const id of ["new", "again", "rate", "reset", "bad-phone"]) {
          await shown.choose(id);
          await shown.optIn();
          await look(id);
        }
        await shown.choose("new");
        await shown.optIn();
        await shown.later();
        await look("later");
        for (const id of ["consent.grant", "contacts.update", "lists.members", "api.call", "own-authorization"]) {
          await shown.action(id);
          await shown.press();
          await look(id);
        }
      });
    }
    // The other scheme's would be the other of the two.
    const [background, ...others] = backgrounds;
    assert.deepEqual(others, []);
    const brightness = Math.max(...background.match(/\d+/g).map(Number));
    assert.equal(brightness > 127, colorScheme === "light");
  });
}

test("nothing moves where that is not wanted", async () => {
  const moving = async (reducedMotion) => {
    let animations;
    await visit(browser, { reducedMotion }, async (shown) => {
      await shown.optIn();
      animations = await shown.page.evaluate(() => document.querySelectorAll("#steps > *")[0].getAnimations().length);
    });
    return animations;
  };
  assert.equal(await moving("reduce"), 0);
  assert.equal(await moving("no-preference"), 1);
});

test("what somebody reads of it is announced", async () => {
  await visit(browser, {}, async (shown) => {
    const status = shown.page.getByRole("status");
    const before = await status.textContent();
    await shown.optIn();
    assert.notEqual(await status.textContent(), before);
  });
});

test("its facts are those of the component", async () => {
  await visit(browser, {}, async ({ page }) => {
    const facts = () => page.locator("#facts dd").allTextContents();
    const { size } = statSync(new URL("../../../target/component/klaviyo.wasm", import.meta.url));
    const [bytes, imports, micros, memory] = await facts();
    assert.deepEqual([bytes, imports, micros], [`${Math.round(size / 1000)} KB`, "1", "–"]);
    assert.match(memory, /^\d+ KB$/);
    await page.getByRole("button", { name: "Opt a person in" }).click();
    await page.waitForFunction(() => /^[1-9]\d* µs$/.test(document.querySelectorAll("#facts dd")[2].textContent));
  });
});

test("the page may connect to nothing, and never shows a key", async () => {
  const context = await browser.newContext();
  const page = await context.newPage();
  const requests = [];
  page.on("request", (request) => requests.push(request.url()));
  await page.goto(PAGE);
  await page.locator("html[data-ready]").waitFor({ state: "attached" });
  const refused = await page.evaluate(async () => {
    const violations = [];
    document.addEventListener("securitypolicyviolation", (event) => violations.push(event.effectiveDirective));
    await fetch("https://a.klaviyo.com/api/lists/").catch(() => {});
    document.body.append(Object.assign(document.createElement("script"), { textContent: "globalThis.injected = true" }));
    await new Promise((resolve) => setTimeout(resolve));
    return { violations, injected: globalThis.injected };
  });
  assert.deepEqual(refused, { violations: ["connect-src", "script-src-elem"], injected: undefined });
  await page.getByRole("button", { name: "Opt a person in" }).click();
  assert.doesNotMatch(await page.innerText("body"), /pk_[a-z0-9]/);
  assert.deepEqual(requests.filter((url) => !url.startsWith("data:")), [PAGE]);
  await context.close();
});

test("it works from a server as from a file", async () => {
  const html = readFileSync(new URL(PAGE));
  const server = createServer((request, response) => response.setHeader("content-type", "text/html").end(html));
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    await visit(browser, {}, async (shown) => assert.equal((await shown.optIn()).result, "done"), `http://127.0.0.1:${server.address().port}/`);
  } finally {
    server.close();
  }
});

test("what is typed is text, wherever it is shown", async () => {
  await visit(browser, {}, async (shown) => {
    const name = '<img src=x onerror="document.title=1">';
    await shown.page.fill('#fields [data-field="first-name"] input', name);
    const run = await shown.optIn();
    assert.equal(run.record.profile_name, name);
    assert.equal(await shown.page.locator("main img").count(), 0);
    assert.match(await shown.page.textContent(".people"), /<img src=x/);
  });
});
