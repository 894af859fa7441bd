// Every action of the catalogue, and the components that misbehave, clicked through.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { ATTACKS } from "../src/attacks.js";
import { situationsOf } from "../src/situations.js";
import { launch, visit } from "./browser.js";

const CATALOGUE = JSON.parse(readFileSync(new URL("../../../klaviyo.actions.json", import.meta.url)));

let browser;
before(async () => {
  browser = await launch();
});
after(() => browser?.close());

const returned = async ({ page }) => JSON.parse(await page.textContent("#outcome pre"));

/** A schema that others refer to, or that there may be nothing instead of. */
function meant(schema) {
  if (schema.$ref) return meant(CATALOGUE.$defs[schema.$ref.replace("#/$defs/", "")]);
  return schema.anyOf ? meant(schema.anyOf[0]) : schema;
}

/** The places of all members of an object, and of the objects in it. */
const places = (schema, path = []) =>
  Object.entries(meant(schema).properties ?? {}).flatMap(([name, inner]) => [[...path, name], ...places(inner, [...path, name])]);

/** What stays of a value when its texts may be others, and what is empty may be left out. */
function shape(value) {
  if (typeof value === "string") return "text";
  if (Array.isArray(value)) return value.map(shape);
  if (value === null || typeof value !== "object") return value;
  const members = Object.entries(value).filter(([, inner]) => inner !== null && !(Array.isArray(inner) && inner.length === 0));
  return Object.fromEntries(members.map(([name, inner]) => [name, shape(inner)]));
}

for (const action of CATALOGUE.actions) {
  test(`${action.name} is drawn, and runs with its example`, async () => {
    await visit(browser, {}, async (page) => {
      await page.action(action.name);
      const without = await page.page.evaluate(
        (all) =>
          all.filter((path) => {
            const selector = path.map((name) => `[data-field="${name}"]`).join(" ");
            return !document.querySelector(`#fields ${selector} :is(input, select, textarea, button)`);
          }),
        places(action.arguments),
      );
      assert.deepEqual(without, []);
      const shown = await page.page.textContent("#trigger");
      assert.ok([action.title, action.description, ...action.scopes].every((words) => shown.includes(words)));
      const run = await page.press();
      assert.equal(run.code, undefined);
      const { call, returns } = JSON.parse(await page.copied("#fixture"));
      const names = Object.keys(action.arguments.properties);
      assert.deepEqual([call.function, call.arguments.length], [action.name, names.length]);
      const given = Object.fromEntries(names.map((name, index) => [name, call.arguments[index]]));
      assert.deepEqual(shape(given), shape(action.example.arguments));
      // An answer has what the example's has: something, or nothing.
      assert.equal(returns.ok === null, action.example.result === null);
      for (const request of run.addresses) assert.ok(action.requests === undefined || action.requests.length > 0, request);
      for (const language of ["rust", "node", "python"]) assert.ok((await page.code(language)).length > 0);
    });
  });
}

test("each situation that can happen to every action fails as it should", async () => {
  await visit(browser, {}, async (page) => {
    await page.action("lists.all");
    for (const { id: situation, group, repeat } of situationsOf("lists.all")) {
      if (group !== "It fails") continue;
      await page.choose(situation);
      const failed = await page.press();
      assert.deepEqual([failed.result, failed.ended], ["failed", 1], situation);
      if (repeat) assert.equal((await page.repeat()).result, "done", situation);
    }
  });
});

/** What is typed at which field, and what the error is called that it is refused with. */
const WRONG = [
  ["contacts.opt-in", ["contact", "email"], "priya.example.com"],
  ["contacts.create", ["profile", "phone-number"], "098200 00001"],
  ["contacts.lookup", ["by"], "priya"],
  ["events.track", ["event", "properties"], "{"],
  // What no component can be given.
  ["events.history", ["period", "limit"], "ten"],
  ["lists.members", ["cursor"], "nothing"],
];

for (const [name, path, text] of WRONG) {
  test(`a wrong input of ${name} is refused at ${path.join("/")}`, async () => {
    await visit(browser, {}, async (shown) => {
      const { page } = shown;
      await shown.action(name);
      // A name, an email: what is folded away is typed into all the same.
      await page.evaluate(() => document.querySelectorAll("#fields details").forEach((fold) => (fold.open = true)));
      const field = page.locator(`#fields ${path.map((one) => `[data-field="${one}"]`).join(" ")}`);
      const control = field.locator("input, textarea").last();
      await control.fill(text);
      const run = await shown.press();
      assert.deepEqual([run.result, run.code, run.requests], ["failed", "invalid-input", []]);
      assert.equal(await control.getAttribute("aria-invalid"), "true");
      const said = await control.evaluate((one) => {
        const all = one.getAttribute("aria-describedby").split(" ").map((id) => document.getElementById(id));
        return all.filter((element) => !element.hidden).at(-1).textContent;
      });
      assert.ok(said.length > 0);
      // The error leads to it.
      await page.locator("#outcome [data-pointer]").first().click();
      assert.ok(await control.evaluate((one) => document.activeElement === one));
      // Corrected, it is taken.
      await page.evaluate(() => document.activeElement.blur());
      await shown.action("lists.all");
      await shown.action(name);
      assert.equal((await shown.press()).result, "done");
      assert.equal(await page.locator("#fields [aria-invalid]").count(), 0);
    });
  });
}

test("lists are chosen from those that Klaviyo has, or typed", async () => {
  await visit(browser, {}, async (shown) => {
    const { page } = shown;
    await shown.action("lists.all");
    await shown.press();
    const all = await returned(shown);
    await shown.action("lists.members");
    const select = page.locator('#fields [data-field="list"] select');
    const offered = () => select.locator("option").allTextContents();
    const [before] = [await offered()];
    assert.deepEqual(before.slice(0, -1), all.map(({ id, name }) => `${name} (${id})`));
    // One that is made now.
    await shown.action("lists.create");
    await page.locator('#fields [data-field="name"] input').fill("Diwali");
    await shown.press();
    const { id } = await returned(shown);
    await shown.action("lists.members");
    assert.ok((await offered()).includes(`Diwali (${id})`));
    // One that Klaviyo does not have.
    await select.selectOption({ index: (await offered()).length - 1 });
    await page.locator('#fields [data-field="list"] input').fill("R8tVwq");
    assert.equal((await shown.press()).code, "not-found");
    await select.selectOption(id);
    assert.deepEqual([(await shown.press()).result, (await returned(shown)).members], ["done", []]);
  });
});

test("a metric is chosen from those that there are events of", async () => {
  await visit(browser, {}, async (shown) => {
    await shown.action("events.track");
    const options = () => shown.page.locator('#fields [data-field="metric"] option').allTextContents();
    const before = await options();
    await shown.press();
    await shown.page.locator("#pass").click();
    const after = await options();
    assert.deepEqual([before.length, after.length, after.includes("Placed Order")], [1, 2, true]);
  });
});

test("elements are added and removed, and what may be left out is left out", async () => {
  await visit(browser, {}, async (shown) => {
    const { page } = shown;
    const given = async () => {
      await shown.press();
      return JSON.parse(await shown.copied("#fixture")).call.arguments;
    };
    await shown.action("privacy.suppress");
    await page.getByRole("button", { name: "Add one to Emails" }).click();
    await page.keyboard.type("noah@example.com");
    assert.deepEqual(await given(), [["priya@example.com", "noah@example.com"]]);
    await page.getByRole("button", { name: "Remove Emails 1" }).click();
    assert.deepEqual(await given(), [["noah@example.com"]]);
    await shown.action("contacts.opt-in");
    await page.getByRole("checkbox", { name: "Give Consent" }).uncheck();
    const [, , consent] = await given();
    assert.equal(consent, null);
  });
});

test("the menu has every action by its interface, says which write, and finds them", async () => {
  await visit(browser, {}, async ({ page }) => {
    const links = page.locator("#menu-list a");
    const names = await links.evaluateAll((all) => all.map((link) => link.dataset.name));
    assert.deepEqual([...names].sort(), [...CATALOGUE.actions.map(({ name }) => name), ...ATTACKS.map(({ id }) => id)].sort());
    const groups = await page.locator("#menu-list h2").allTextContents();
    assert.deepEqual(groups.slice(0, -1), Object.values(CATALOGUE.groups).map(({ title }) => title));
    for (const { name, writes, irreversible } of CATALOGUE.actions) {
      const mark = page.locator(`#menu-list a[data-name="${name}"] .kind`);
      assert.equal(await mark.getAttribute("class"), `kind ${irreversible ? "final" : writes ? "writes" : "reads"}`);
    }
    const visible = () => links.evaluateAll((all) => all.filter((link) => link.offsetParent).map((link) => link.dataset.name));
    await page.fill("#search", "suppress");
    const found = await visible();
    assert.ok(found.includes("privacy.suppress") && !found.includes("lists.all"));
    await page.fill("#search", "no such words");
    assert.deepEqual([await visible(), await page.isVisible("#menu-none")], [[], true]);
    // Enter takes the first that is found.
    await page.fill("#search", "get all metrics");
    await page.press("#search", "Enter");
    await page.locator('[data-name="events.metrics"][aria-current]').waitFor();
    assert.equal(await page.textContent("#action-title"), "Get all metrics");
  });
});

test("an import is followed to its end", async () => {
  await visit(browser, {}, async (page) => {
    await page.action("bulk.submit");
    await page.press();
    const { jobs } = await returned(page);
    await page.page.locator("#pass").click();
    await page.action("bulk.status");
    await page.page.locator('#fields [data-field="job"] select').selectOption(jobs[0].job);
    await page.press();
    const { status, total, completed, failed } = await returned(page);
    assert.deepEqual([status, completed, failed], ["complete", total, 0]);
    assert.equal((await page.holdings()).people.length, total);
  });
});

test("consent that is taken back is gone", async () => {
  await visit(browser, {}, async (page) => {
    const { page: shown } = page;
    const email = async () => {
      await page.action("consent.status");
      await page.press();
      return (await returned(page)).channels.find(({ channel }) => channel === "email").state;
    };
    await page.action("consent.grant");
    const subscription = shown.locator('#fields [data-field="subscriptions"]');
    await subscription.locator("summary").first().click();
    await subscription.locator('[data-field="email"] input').fill("priya@example.com");
    await subscription.locator('[data-field="channels"] select').selectOption("email");
    await page.press();
    await shown.locator("#pass").click();
    assert.equal(await email(), "SUBSCRIBED");
    await page.action("consent.revoke");
    // Of a list, it would be about that list alone.
    await shown.locator('#fields [data-field="list"] select').selectOption("");
    await page.press();
    await shown.locator("#pass").click();
    assert.equal(await email(), "UNSUBSCRIBED");
  });
});

/** How each component that misbehaves is stopped: the code, and the setting that the sentence names. */
const STOPPED = {
  "other-host": ["denied", "policy.origins"],
  "own-authorization": ["denied", "policy.hostHeaders"],
  spin: ["timeout", "limits.time"],
  "grow-memory": ["trap", "limits.memory"],
};

for (const [id, [code, setting]] of Object.entries(STOPPED)) {
  test(`a component that misbehaves is stopped: ${id}`, async () => {
    await visit(browser, {}, async (page) => {
      await page.action(id);
      const run = await page.press();
      assert.equal(run.code, code);
      assert.ok((await page.page.locator("#outcome .message code").allTextContents()).includes(setting));
      assert.equal(parseInt(run.record["reached Klaviyo"]) || 0, 0);
      assert.match(await page.page.textContent("#code-text"), /contacts@0\.1\.0#lookup/);
      // The thread is ended, and the page goes on.
      for (const worker of page.page.workers()) await worker.waitForEvent("close");
      await page.action("contacts.opt-in");
      assert.equal((await page.optIn()).result, "done");
    });
  });
}

test("each component that misbehaves is tried", () => {
  assert.deepEqual(ATTACKS.map(({ id }) => id).sort(), Object.keys(STOPPED).sort());
});
