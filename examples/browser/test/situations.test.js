// Each situation, clicked through.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { SITUATIONS } from "../src/situations.js";
import { launch, visit } from "./browser.js";

let browser;
before(async () => {
  browser = await launch();
});
after(() => browser?.close());

const CONSENT = ["consent 202", "read 200"];
const ALL = ["search 200", "create 201", "add 204", ...CONSENT];
const FOUND = ["search 200", "add 204", ...CONSENT];
const ONE_MEMBER = [0, 1, 0];
const NO_MEMBER = [0, 0, 0];

test("somebody new is created, and found when they come again", async () => {
  await visit(browser, {}, async (page) => {
    const first = await page.optIn();
    assert.deepEqual(first.requests, ALL);
    assert.deepEqual([first.result, first.branches, first.ghosts, first.ended], ["done", 1, 0, 0]);
    assert.deepEqual(first.variables, ["profile_id", "profile_name"]);
    assert.deepEqual(
      [first.record.profile_name, first.record.list_id, first.record.created],
      ["Priya", "Y6nRLr", "true"],
    );
    assert.match(first.reply, /Priya.*priya@example\.com/);
    assert.deepEqual(await page.holdings(), { people: ["Priya"], members: ONE_MEMBER });

    const second = await page.optIn();
    assert.deepEqual(second.requests, FOUND);
    assert.deepEqual([second.result, second.branches, second.ghosts], ["done", 1, 1]);
    assert.deepEqual([second.record.profile_id, second.record.created], [first.record.profile_id, "false"]);
    assert.deepEqual(await page.holdings(), { people: ["Priya"], members: ONE_MEMBER });

    // Chosen anew, it is about the next one.
    await page.choose("again");
    await page.choose("new");
    assert.deepEqual((await page.optIn()).requests, ALL);
    assert.deepEqual((await page.holdings()).people, ["Arjun", "Priya"]);

    await page.restart();
    assert.deepEqual(await page.holdings(), { people: [], members: NO_MEMBER });
    const fresh = await page.run();
    assert.deepEqual([fresh.result, fresh.requests, fresh.ghosts], ["", [], 5]);
    assert.deepEqual((await page.optIn()).requests, ALL);
  });
});

test("the bot promises updates only where Klaviyo took the consent", async () => {
  await visit(browser, {}, async (page) => {
    const taken = await page.optIn();
    await page.restart();
    await page.choose("no-consent");
    const refused = await page.optIn();
    const words = (text) => text.replaceAll("priya@example.com", "").split(/\W+/);
    assert.ok(words(taken.reply).includes("subscribed") && !words(refused.reply).includes("subscribed"), refused.reply);
    assert.notEqual(taken.record.whatsapp, refused.record.whatsapp);
    // What follows is a call of its own: Klaviyo has worked on the consent by then.
    await page.choose("again");
    await page.later();
    assert.equal((await page.optIn()).record.whatsapp, taken.record.whatsapp);
    await page.later();
    assert.equal((await page.optIn()).record.whatsapp, "SUBSCRIBED");
  });
});

test("who writes again is greeted by what they ordered", async () => {
  await visit(browser, {}, async (page) => {
    await page.optIn();
    const later = await page.later();
    assert.deepEqual([later.result, later.requests, later.ghosts], ["done", ["post 202", "get 200"], 0]);
    assert.match(later.reply, /Priya.*wool socks/);
    assert.deepEqual((await page.optIn()).result, "done");
  });
});

/** What each of the other situations comes to, in an account without profiles. */
const WORKS = {
  again: { requests: FOUND, created: "false" },
  race: { requests: ["search 200", "create 409", "add 204", ...CONSENT], created: "false", warning: true },
  "dropped-phone": { requests: [...ALL.slice(0, 3), "consent 400", "read 200"], created: "true", warning: true },
  "no-consent": { requests: ["search 200", "create 201", "add 204", "consent 400", "read 200"], created: "true" },
};

for (const [id, { requests, created, warning = false }] of Object.entries(WORKS)) {
  test(`it works: ${id}`, async () => {
    await visit(browser, {}, async (page) => {
      await page.choose(id);
      const run = await page.optIn();
      assert.deepEqual(run.requests, requests);
      assert.deepEqual([run.result, run.record.created, "warning" in run.record, run.ended], ["done", created, warning, 0]);
      assert.equal((await page.holdings()).people.length, 1);
      assert.deepEqual((await page.holdings()).members, ONE_MEMBER);
    });
  });
}

/** `people`: how many profiles there are after the failure; `after`: what the repetition then sends. */
const FAILS = {
  "wrong-key": { code: "unauthenticated", requests: ["search 401"], status: "401", people: 0, after: ALL },
  scope: { code: "forbidden", requests: ["search 200", "create 403"], status: "403", people: 0, after: ALL },
  "no-list": { code: "not-found", requests: ["search 200", "create 201", "add 404"], status: "404", people: 1 },
  rate: {
    code: "rate-limited",
    requests: ["search 200", "create 201", "add 429"],
    status: "429",
    people: 1,
    after: FOUND,
  },
  down: { code: "unavailable", requests: ["search 503"], status: "503", people: 0, after: ALL },
  gateway: { code: "unavailable", requests: ["search 502"], status: "502", people: 0, after: ALL },
  firewall: { code: "blocked", requests: ["search 403"], status: "403", people: 0, after: ALL },
  reset: {
    code: "connection",
    requests: ["search 200", "create no answer"],
    people: 1,
    after: FOUND,
  },
  garbage: { code: "malformed", requests: ["search 200"], status: "200", people: 0, after: ALL },
  retired: { code: "retired", requests: ["search 410"], status: "410", people: 0 },
  "bad-phone": { code: "invalid-input", requests: [], people: 0 },
  "bad-email": { code: "invalid-input", requests: [], people: 0 },
  "refused-profile": { code: "rejected", requests: ["search 200", "create 400"], status: "400", people: 0 },
};

for (const [id, { code, requests, status, people, after }] of Object.entries(FAILS)) {
  test(`it fails: ${id}`, async () => {
    await visit(browser, {}, async (page) => {
      await page.choose(id);
      const run = await page.optIn();
      assert.deepEqual([run.result, run.code, run.record.status], ["failed", code, status]);
      assert.deepEqual(run.requests, requests);
      // The rest never happened, and says so.
      assert.deepEqual([run.ghosts, run.ended], [5 - requests.length, Math.min(requests.length, 1)]);
      assert.ok(run.record["what to do"]);
      assert.equal(run.reply, undefined);
      assert.deepEqual((await page.holdings()).members, NO_MEMBER);
      assert.equal((await page.holdings()).people.length, people);
      if (id === "rate") assert.match(run.record["retry-after"], /^12 /);
      if (code === "invalid-input") assert.match(run.record.details, id === "bad-phone" ? /phone-number$/ : /email$/);
      if (after) {
        const repeated = await page.repeat();
        assert.deepEqual([repeated.result, repeated.requests], ["done", after]);
        assert.deepEqual((await page.holdings()).members, ONE_MEMBER);
      }
      // What the situation wrote into the form is gone with it.
      await page.choose("new");
      assert.equal((await page.optIn()).result, "done");
    });
  });
}

test("each situation is tried", () => {
  const tried = ["new", ...Object.keys(WORKS), ...Object.keys(FAILS)];
  assert.deepEqual(SITUATIONS.map(({ id }) => id).sort(), tried.sort());
});

test("Klaviyo's rates hold, and its time goes on", async () => {
  await visit(browser, {}, async (page) => {
    await page.choose("again");
    const click = () => page.page.locator("[type=submit]").evaluate((button) => button.click());
    const click30 = () =>
      page.page.evaluate(() => {
        const results = [];
        for (let n = 0; n < 30; n++) {
          document.querySelector("[type=submit]").click();
          results.push(document.querySelector("#outcome .code")?.textContent);
        }
        return results;
      });
    await click();
    // A list takes 10 additions a second.
    assert.ok((await click30()).includes("rate-limited"));
    await page.page.waitForFunction(() => {
      document.querySelector("[type=submit]").click();
      return document.getElementById("flow").dataset.result === "done";
    });
  });
});
