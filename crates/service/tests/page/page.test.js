// The status page on a service that has something to show: for keyboards, phones, readers of screens, light and dark.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { request } from "node:http";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";
import { launch, screenshot, visit } from "./browser.js";
import { Service, until } from "./service.js";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const PEOPLE = ["meera", "ada", "grace", "hedy", "joan", "radia"];
const service = new Service();
let browser;

const state = async () => (await fetch(`${service.page}/overview`)).json();

before(async () => {
  await service.start();
  browser = await launch();
  for (const name of PEOPLE) await service.optIn("shop-1", { email: `${name}@example.com`, list: "Autumn" });
  await service.optIn("shop-2", { phone_number: "+919820000001" });
  await service.optIn("shop-3", { email: "edsger@example.com" });
  await until("all is as it will be", async () => {
    const { accounts, letters } = await state();
    const of = (name) => accounts.find(({ account }) => account === name)?.state.name;
    return letters.length === PEOPLE.length && of("shop-2") === "paused" && of("shop-3") === "without-key";
  });
});
after(async () => {
  await browser?.close();
  service.stop();
});

test("it shows accounts, why they do not go on, what waits, and dead letters without addresses", async () => {
  await visit(browser, service.page, {}, async (page) => {
    const cards = await page.locator("#accounts > li").allTextContents();
    const of = (name) => cards.find((card) => card.startsWith(name));
    assert.match(of("shop-2"), /paused.*unauthenticated.*1 opt-in, oldest \d+ s/);
    assert.match(of("shop-3"), /without a key.*\.api-key.*1 opt-in, oldest \d+ s/);
    const facts = await page.textContent("#facts");
    assert.match(facts, /opt-ins waiting2oldest \d+ s/);
    for (const lane of Object.keys((await state()).lanes)) assert.match(facts, new RegExp(`${lane} waiting\\d`));
    await until("the worker has told what it used of the rates", async () => /get lists: \d+ of 700 requests a minute/.test(await page.textContent("#accounts")));
    const letters = await page.locator("#letters > li").allTextContents();
    assert.equal(letters.length, PEOPLE.length);
    for (const letter of letters) assert.match(letter, /not-found.*Autumn/);
    const shown = await page.innerText("body");
    assert.match(shown, /m•••@example\.com/);
    assert.doesNotMatch(shown + JSON.stringify(await state()), /meera|919820000001|edsger|pk_/);
    // Who opens one sees it whole.
    await page.locator("#letters summary").first().click();
    assert.match(await page.locator("#letters pre").first().textContent(), new RegExp(`"email": "(${PEOPLE.join("|")})@example.com"`));
  });
});

test("a refresh keeps focus, scroll, selection and what is open", async () => {
  await visit(browser, service.page, { viewport: { width: 600, height: 500 } }, async (page) => {
    const box = page.locator("#letters input").nth(3);
    await page.locator("#letters summary").nth(2).click();
    await page.locator("#letters pre").waitFor();
    await box.check();
    await box.focus();
    const now = () => page.evaluate(() => [document.activeElement.getAttribute("aria-label"), scrollY, document.querySelectorAll("#letters :checked").length, document.querySelectorAll("#letters details[open] pre").length]);
    const before = await now();
    assert.ok(before[1] > 0 && before[2] === 1 && before[3] === 1, before.join());
    await service.optIn("shop-1", { email: "barbara@example.com", list: "Autumn" });
    await page.locator("#letters > li").nth(PEOPLE.length).waitFor();
    assert.deepEqual(await now(), before);
  });
});

test("a keyboard is enough to retry and to drop, and nothing is done before it is confirmed", async () => {
  await visit(browser, service.page, {}, async (page) => {
    const press = (key) => page.keyboard.press(key);
    const focused = () => page.evaluate(() => document.activeElement.id || document.activeElement.getAttribute("aria-label"));
    const reach = async (is) => {
      for (let stops = 0; !is(await focused()); stops++) {
        assert.ok(stops < 60, "it cannot be reached");
        await press("Tab");
      }
    };
    const told = (text) => page.getByRole("status").filter({ hasText: text }).waitFor();
    const there = service.dead().length;
    await reach((name) => name === "drop");
    assert.notEqual(await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle), "none");
    await press("Enter");
    await told("Select dead letters first.");
    await reach((name) => name === "Select h•••@example.com in shop-1");
    await press("Space");
    await press("Shift+Tab");
    await reach((name) => name === "drop");
    await press("Enter");
    // The choice that changes nothing has the focus, and Escape is that choice.
    assert.equal(await focused(), "confirm-no");
    await screenshot(page, "confirm");
    await press("Escape");
    assert.equal(await focused(), "drop");
    assert.equal(service.dead().length, there);
    await press("Enter");
    await press("Tab");
    assert.equal(await focused(), "confirm-yes");
    await press("Enter");
    await told("1 dead letter dropped.");
    assert.ok(!service.dead().some(({ opt_in }) => opt_in.email === "hedy@example.com"));

    // With the list, the retry succeeds.
    const data = { type: "list", attributes: { name: "Autumn" } };
    const made = await service.ask("/api/lists", { method: "POST", body: JSON.stringify({ data }) });
    const { id } = (await made.json()).data;
    await reach((name) => name === "all");
    await press("Space");
    await reach((name) => name === "retry");
    await press("Enter");
    await press("Tab");
    await press("Enter");
    await told(`${there - 1} dead letters put back into the queue.`);
    const members = async () => (await (await service.ask(`/api/lists/${id}/profiles`)).json()).data.map(({ attributes }) => attributes.email).sort();
    const expected = [...PEOPLE.filter((name) => name !== "hedy"), "barbara"].map((name) => `${name}@example.com`).sort();
    await until("the opt-ins are done", async () => (await members()).length === expected.length);
    assert.deepEqual(await members(), expected);
    await page.locator("#letters > li").waitFor({ state: "detached" });
    assert.equal(await page.textContent("#letters-note"), "There are none.");
  });
});

for (const colorScheme of ["light", "dark"]) {
  test(`it is accessible, fits a phone, and is to be looked at: ${colorScheme}`, async () => {
    const count = service.dead().length;
    for (const name of ["katherine", "dorothy"]) await service.optIn("shop-1", { email: `${name}-${colorScheme}@example.com`, list: "Winter" });
    await until("they are dead letters", async () => (await state()).letters.length === count + 2);
    for (const [size, viewport] of [["wide", { width: 1200, height: 900 }], ["phone", { width: 320, height: 640 }]]) {
      await visit(browser, service.page, { viewport, colorScheme }, async (page) => {
        await page.locator("#letters input").first().check();
        await page.locator("#letters summary").first().click();
        await page.locator("#letters pre").waitFor();
        await screenshot(page, `${size}-${colorScheme}`);
        assert.equal(await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth), 0);
        const small = await page.evaluate(() => [...document.querySelectorAll("button, input, summary")].filter((element) => element.getClientRects().length && element.getBoundingClientRect().height < 24).length);
        assert.equal(small, 0);
        await page.evaluate(AXE);
        const { violations } = await page.evaluate(() => axe.run(document, { resultTypes: ["violations"] }));
        assert.deepEqual(violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`), []);
        const brightness = Math.max(...(await page.evaluate(() => getComputedStyle(document.body).backgroundColor)).match(/\d+/g).map(Number));
        assert.equal(brightness > 127, colorScheme === "light");
      });
    }
  });
}

test("no other page, and nothing that is put into this one, reads or decides", async () => {
  const ids = service.dead().map(({ id }) => id);
  assert.ok(ids.length > 0);
  const answer = (headers, path = "/overview/drop") =>
    new Promise((resolve, reject) => {
      const options = { method: path === "/overview/drop" ? "POST" : "GET", headers: { "content-type": "application/json", ...headers } };
      const sent = request(`${service.page}${path}`, options, (response) => resolve(response.resume().statusCode));
      sent.on("error", reject).end(options.method === "POST" ? JSON.stringify({ ids }) : undefined);
    });
  const page = { "x-klaviyo-operator": "page" };
  assert.equal(await answer({ ...page, origin: "http://evil.example" }), 403);
  assert.equal(await answer({ ...page, "sec-fetch-site": "cross-site", origin: service.page }), 403);
  assert.equal(await answer({ origin: service.page }), 403);
  assert.equal(await answer(page), 403);
  for (const path of ["/", "/overview", "/overview/drop"]) assert.equal(await answer({ ...page, host: "evil.example", origin: "http://evil.example" }, path), 421);
  assert.equal(service.dead().length, ids.length);

  await visit(
    browser,
    service.page,
    {},
    async (page) => {
      const refused = await page.evaluate(async () => {
        const violations = [];
        document.addEventListener("securitypolicyviolation", (event) => violations.push(event.effectiveDirective));
        await fetch("https://a.klaviyo.com/api/lists/").catch(() => {});
        document.body.append(Object.assign(document.createElement("script"), { textContent: "globalThis.injected = true" }));
        const image = Object.assign(document.createElement("div"), { innerHTML: '<b onclick="globalThis.injected = true">x</b>' });
        document.body.append(image);
        image.firstChild.click();
        await new Promise((resolve) => setTimeout(resolve));
        return { violations: violations.sort(), injected: globalThis.injected };
      });
      assert.deepEqual(refused, { violations: ["connect-src", "script-src-attr", "script-src-elem"], injected: undefined });
    },
    /^console: .*Content Security Policy/,
  );
});

test("a worker shows the same page, and reads no dead letter", async () => {
  await visit(browser, service.worker, {}, async (page) => {
    assert.match(await page.textContent("#letters-note"), /klaviyo-connector status/);
    assert.equal(await page.locator("#letters > li").count(), 0);
    assert.match(await page.textContent("#accounts"), /shop-2paused/);
  });
  const id = service.dead()[0].id;
  assert.equal((await fetch(`${service.worker}/overview/dead-letters/${id}`)).status, 404);
  assert.equal((await fetch(`${service.worker}/overview/drop`, { method: "POST" })).status, 404);
});

test("without NATS it says so, and still shows what it saw", async () => {
  await visit(
    browser,
    service.page,
    {},
    async (page) => {
      const cards = await page.locator("#accounts > li").count();
      service.nats.child.kill("SIGKILL");
      await page.locator("#freshness.bad", { hasText: "no connection to NATS" }).waitFor();
      assert.equal(await page.locator("#accounts > li").count(), cards);
    },
    /^console: Failed to load resource.*503/,
  );
});
