// Over real sockets, against the simulator of this repository.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { after, before, test } from "node:test";
import { failure, withClient, withCopy } from "./support.js";
import { simulator } from "./simulator.js";

const LIST = "Y6nRLr";
const PRIYA = { list: LIST, email: "priya@example.com", phoneNumber: "+91 98200 00001", firstName: "Priya" };

let klaviyo;

before(async () => {
  klaviyo = await simulator();
});

after(() => klaviyo.stop());

const account = (run) => withClient({ key: klaviyo.key, endpoint: klaviyo.url }, run);

async function stored() {
  const { accounts } = await klaviyo.state();
  return accounts[0];
}

/** Asks again and again, until there is something. */
async function until(ask) {
  for (const end = performance.now() + 20_000; ;) {
    const got = await ask();
    if (got !== undefined || performance.now() > end) {
      return got;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

test("somebody new opts in, and the same person again", async () => {
  await account(async (client) => {
    const receipt = await client.optIn(PRIYA);
    const { profileId } = receipt;
    assert.deepEqual(receipt, { profileId, profileName: "Priya", listId: LIST, created: true, warnings: [], consent: [] });
    assert.deepEqual(await client.optIn(PRIYA), { ...receipt, created: false });
    const { lists } = await stored();
    assert.deepEqual(lists.find(({ id }) => id === LIST).members, [profileId]);
    assert.equal((await client.lookup({ phoneNumber: "+919820000001" })).id, profileId);
    assert.deepEqual(await client.create({ email: PRIYA.email }), { created: false, id: profileId });
  });
});

test("a wrong key, a list that does not exist, somebody who does not exist", async () => {
  await withClient({ key: "pk_wrong", endpoint: klaviyo.url }, async (client) => {
    assert.equal((await failure(client.optIn(PRIYA), "unauthenticated")).status, 401);
  });
  await account(async (client) => {
    const error = await failure(client.optIn({ ...PRIYA, list: "ZZZZZZ" }), "not-found");
    assert.equal(error.status, 404);
    assert.ok(error.details.length > 0 && error.body.length > 0);
    assert.equal(await client.lookup({ email: "nobody@example.com" }), undefined);
    assert.equal(await client.findList("No such list"), undefined);
    assert.equal((await client.findList("WhatsApp Opt-Ins")).id, LIST);
    assert.deepEqual(
      (await client.lookupMany([{ email: "nobody@example.com" }, { email: PRIYA.email }])).map((found) => found?.email),
      [undefined, PRIYA.email],
    );
  });
});

test("a 429 is told with its Retry-After, after so many attempts as there may be", async () => {
  await account(async (client) => {
    await klaviyo.faults("GET /api/lists: always status 429 retry-after 7");
    const { requests: before } = await klaviyo.state();
    assert.equal((await failure(client.lists(), "rate-limited")).retryAfter, 7);
    assert.equal((await klaviyo.state()).requests - before, 1);
    await klaviyo.faults();
    assert.equal((await client.lists()).length, 3);
  });
});

test("consent is given, read and taken back", async () => {
  await account(async (client) => {
    const person = { email: "meera@example.com", channels: ["email"] };
    const granted = await client.grantConsent({
      subscriptions: [person, { channels: ["sms"] }],
      list: LIST,
      customSource: "test",
    });
    assert.equal(granted.accepted, 1);
    assert.deepEqual(
      granted.refused.map(({ index }) => index),
      [1],
    );
    // Klaviyo works on it later, and so does the simulator.
    const { channels } = await until(() => client.consents({ email: person.email }));
    assert.equal(channels.find(({ channel }) => channel === "email").state, "SUBSCRIBED");
    assert.equal((await client.revokeConsent({ unsubscriptions: [person] })).accepted, 1);
  });
});

test("ten thousand contacts are imported, and the one that cannot be is told", async () => {
  await account(async (client) => {
    const contacts = Array.from({ length: 10_000 }, (_, index) => ({
      email: index === 17 ? "nobody" : `contact${index}@example.com`,
      firstName: `Contact ${index}`,
      properties: { plan: "pro", index },
    }));
    assert.deepEqual((await client.checkImport(contacts)).map(({ index }) => index), [17]);
    const submission = await client.submitImport({ contacts, list: LIST });
    assert.deepEqual(
      submission.refused.map(({ index }) => index),
      [17],
    );
    assert.equal(submission.stopped, undefined);
    const [{ job, rows }] = submission.jobs;
    assert.ok(Array.isArray(rows));
    assert.equal(rows.length, 9_999);
    assert.equal(rows[17], 18);
    assert.equal((await client.import(job)).total, 9_999);
    assert.equal((await client.imports())[0].id, job);
    assert.deepEqual(await client.imports({ newerThan: job }), []);
    assert.deepEqual(await client.importFailures(job), []);
  });
});

test("forty people opt in at once, while things go wrong, and are members once", async () => {
  await account(async (client) => {
    await klaviyo.faults("POST /api/profiles: 20% reset-after", "* /api/lists/*: 20% status 503");
    const people = Array.from({ length: 40 }, (_, index) => ({ list: LIST, email: `at-once${index}@example.com` }));
    // After the one attempt that the client has here.
    const persistent = async (person) => {
      for (;;) {
        try {
          return await client.optIn(person);
        } catch (error) {
          assert.ok(["unavailable", "connection"].includes(error.code), error.message);
        }
      }
    };
    const receipts = await Promise.all(people.map(persistent));
    await klaviyo.faults();
    const { lists } = await stored();
    const { members } = lists.find(({ id }) => id === LIST);
    for (const { profileId } of receipts) {
      assert.equal(members.filter((member) => member === profileId).length, 1);
    }
    assert.equal(new Set(receipts.map(({ profileId }) => profileId)).size, 40);
  });
});

test("a person is changed, tracked, put on a list and taken off it, suppressed and deleted", async () => {
  await account(async (client) => {
    const { profile } = await client.upsert({ email: "asha@example.com", location: { city: "Pune" }, title: "CTO" });
    const { id } = profile;
    assert.deepEqual([profile.location.city, profile.title], ["Pune", "CTO"]);
    const changed = await client.update({
      id,
      changes: [{ set: { firstName: "Asha", properties: { plan: "pro" } } }, { clear: "title" }],
    });
    assert.deepEqual([changed.firstName, changed.title, changed.properties], ["Asha", undefined, { plan: "pro" }]);
    const list = await client.createList("Pune");
    const [enrolled, refused] = (
      await client.optInMany({ list: list.id, contacts: [{ email: "asha@example.com" }, { email: "asha" }] })
    ).outcomes;
    assert.deepEqual([enrolled.status, enrolled.receipt.profileId, refused.status], ["enrolled", id, "refused"]);
    assert.deepEqual((await client.listMembers({ list: list.id })).members.map((member) => member.profile.id), [id]);
    const left = await client.optOut({ people: [{ id }, { phoneNumber: "1" }], channels: ["email"], lists: [list.id, "Abc123"] });
    assert.deepEqual(left.outcomes.map(({ status }) => status), ["departed", "refused"]);
    assert.deepEqual([left.outcomes[0].taken.lists, left.missingLists], [[{ list: list.id, refused: undefined }], ["Abc123"]]);
    assert.deepEqual((await client.listMembers({ list: list.id })).members, []);
    await client.subscribe({ list: list.id, profiles: [id] });
    assert.deepEqual((await client.listsOfProfile(id)).map(({ name }) => name), ["Pune"]);
    const order = { metric: "Placed Order", profile: { id }, value: "29.99", properties: { items: ["tea"] } };
    await client.track({ ...order, uniqueId: "1" });
    const tracked = await client.trackMany([{ ...order, uniqueId: "2" }, { ...order, uniqueId: "2" }]);
    assert.deepEqual([tracked.accepted, tracked.refused.map(({ index }) => index)], [1, [1]]);
    const history = await until(async () => {
      const timeline = await client.history({ email: "asha@example.com" }, { limit: 10 });
      return timeline.events.length === 2 ? timeline : undefined;
    });
    assert.deepEqual(history.events.map(({ metric, value }) => [metric, value]), Array(2).fill(["Placed Order", "29.99"]));
    assert.ok((await client.metrics()).some(({ name }) => name === "Placed Order"));
    const segment = (await client.segments()).find(({ name }) => name === "Bought something");
    assert.ok((await client.segmentMembers({ segment: segment.id })).members.some((member) => member.profile.id === id));
    assert.deepEqual((await client.segmentsOfProfile(id)).map((found) => found.id), [segment.id]);
    assert.equal(await client.removeFromList({ list: list.id, profiles: [id] }), 1);
    assert.deepEqual((await client.listMembers({ list: list.id })).members, []);
    assert.equal((await client.suppress(["asha@example.com"])).accepted, 1);
    assert.equal((await client.unsuppress(["asha@example.com", "asha"])).refused[0].index, 1);
    const { profile: other } = await client.upsert({ email: "asha@example.org" });
    await client.merge({ into: id, from: other.id });
    await client.deleteProfiles({ id });
    assert.ok((await client.accountDetails()).id);
  });
});

test("consent comes with an opt-in, channel by channel", async () => {
  await account(async (client) => {
    const contact = { list: LIST, email: "kavya@example.com", phoneNumber: "+919820000007" };
    const { consent } = await client.optIn({ ...contact, consent: { channels: ["email", "whatsapp"] } });
    assert.deepEqual(consent.map(({ channel }) => channel), ["email", "whatsapp"]);
  });
});

/** What a script prints, and its exit code. */
async function run(script, options, ...values) {
  const deno = globalThis.Deno ? ["run", "--allow-all"] : [];
  const child = spawn(process.execPath, [...deno, script, ...values], { stdio: ["ignore", "pipe", "pipe"], ...options });
  const read = async (stream) => (await stream.toArray()).join("");
  const exited = new Promise((resolve) => child.once("exit", resolve));
  return { out: await read(child.stdout), err: await read(child.stderr), code: await exited };
}

const environment = (key, url) => ({ ...process.env, KLAVIYO_API_KEY: key, KLAVIYO_ENDPOINT: url });

const who = (...values) =>
  run(fileURLToPath(new URL("../who.js", import.meta.url)), { env: environment(klaviyo.key, klaviyo.url) }, ...values);

/** Makes somebody a member of the list who has ordered something, and returns the id. */
async function customer(client, person) {
  const { profileId } = await client.optIn({ list: LIST, ...person });
  const order = { metric: "Placed Order", profile: { id: profileId }, value: "1499.50", uniqueId: `of-${profileId}` };
  const properties = { Items: [{ ProductName: "Wool socks" }] };
  await client.track({ ...order, properties, time: "2026-11-01T10:00:00Z" });
  await until(async () => (await client.history({ id: profileId })).events[0]);
  return profileId;
}

test("the README's lines show who somebody is, what they bought and which lists they are on", async () => {
  await account(async (client) => {
    await customer(client, PRIYA);
    const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
    const [lines, ...others] = readme.split("```").filter((block) => block.startsWith("js\n") && block.includes(".history("));
    assert.equal(others.length, 0);
    const { constructor: AsyncFunction } = async () => {};
    const shown = [];
    const console = { log: (...words) => shown.push(words) };
    await new AsyncFunction("klaviyo", "console", lines.slice("js\n".length))(client, console);
    assert.deepEqual(shown, [
      ["Priya", PRIYA.email, "WhatsApp Opt-Ins"],
      ["2026-11-01", "Placed Order"],
      ["  ", "Wool socks"],
    ]);
  });
});

test("the example who.js shows a person on one screen", async () => {
  await account(async (client) => {
    const profileId = await customer(client, { email: "leela@example.com", firstName: "Leela" });
    const { out, code } = await who("leela@example.com");
    assert.equal(code, 0);
    for (const shown of ["Leela", profileId, "WhatsApp Opt-Ins", "2026-11-01", "Placed Order", "1499.5", "Wool socks"]) {
      assert.ok(out.includes(shown), out);
    }
    const nobody = await who("nobody@example.com");
    assert.deepEqual([nobody.code, nobody.out], [1, ""]);
    assert.ok(!nobody.err.includes(klaviyo.key));
    assert.equal((await who()).code, 2);
  });
});

test("whatever a shop wrote as the items of an event, who.js shows the person, on lines of a terminal", async () => {
  await account(async (client) => {
    const profile = { email: "odd@example.com" };
    await client.create(profile);
    assert.deepEqual((await who(profile.email)).out.split("\n").slice(1), ["lists   none", "events  0", ""]);
    const shops = [["Wool socks", { ProductName: "Hat" }], "Scarf", { a: 1 }, [null, 7, ["x"], { Name: "y" }], ["z".repeat(99)]];
    const event = (Items, index) => ({ metric: "Placed Order", profile, uniqueId: `odd-${index}`, properties: { Items } });
    await client.trackMany(shops.map(event));
    await until(async () => (await client.history(profile)).events[shops.length - 1]);
    const { out, code } = await who(profile.email);
    assert.equal(code, 0);
    assert.ok(out.includes(", Wool socks, Hat\n"), out);
    assert.equal(out.match(/Placed Order/g).length, shops.length);
    assert.equal(Math.max(...out.split("\n").map((line) => line.length)), 80);
  });
});

/** A test with an account of its own, in which nobody is. */
async function emptyAccount(run) {
  const own = await simulator();
  try {
    await withClient({ key: own.key, endpoint: own.url }, (client) => run(client, own));
  } finally {
    await own.stop();
  }
}

test("the README's loop prints what changed, each change once", async () => {
  const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
  const [, loop] = /```js\n([^`]*changedProfiles[^`]*)```/.exec(readme);
  await withCopy(async (folder) => {
    const script = join(folder, "changed.js");
    writeFileSync(script, loop);
    await emptyAccount(async (client, { key, url }) => {
      const changed = async () => {
        const { out, err, code } = await run(script, { cwd: folder, env: environment(key, url) });
        assert.deepEqual([code, err], [0, ""]);
        return out.trim().split("\n").map((line) => line.split(" ").at(-1));
      };
      const people = Array.from({ length: 150 }, (_, index) => `changed${index}@example.com`);
      await client.optInMany({ list: LIST, contacts: people.map((email) => ({ email })) });
      assert.deepEqual((await changed()).sort(), [...people].sort());
      assert.deepEqual(await changed(), [""]);
      await client.upsert({ email: people[7], firstName: "Meera" });
      assert.deepEqual(await changed(), [people[7]]);
    });
  });
});

test("who joined and what happened is told once, as is what comes later", async () => {
  await emptyAccount(async (client) => {
    const since = { time: "2026-01-01T00:00:00Z", lookBack: 60 };
    const { profileId } = await client.optIn({ list: LIST, email: "nisha@example.com" });
    const joined = await client.joinedMembers({ list: LIST }, { since });
    assert.deepEqual([joined.items.map((member) => member.profile.id), joined.more], [[profileId], false]);
    assert.deepEqual((await client.joinedMembers({ list: LIST }, { cursor: joined.cursor })).items, []);
    await failure(client.joinedMembers({ segment: "XyZ123" }, { cursor: joined.cursor }), "invalid-input");

    let page = await client.newEvents({ since });
    const told = [];
    for (const metric of ["Viewed Product", "Placed Order"]) {
      await client.track({ metric, profile: { id: profileId }, uniqueId: "nisha-1" });
      await until(async () => {
        page = await client.newEvents({ cursor: page.cursor });
        told.push(...page.items.map((event) => event.metric));
        return told.includes(metric) || undefined;
      });
    }
    assert.deepEqual(told, ["Viewed Product", "Placed Order"]);
  });
});

test("any other request is sent where it is allowed, page by page", async () => {
  const people = { method: "get", path: "/api/profiles", query: [{ name: "page[size]", value: "2" }] };
  const list = { method: "post", path: "/api/lists", body: '{"data":{"type":"list","attributes":{"name":"New"}}}' };
  await emptyAccount(async (client, { key, url }) => {
    const contacts = Array.from({ length: 5 }, (_, index) => ({ email: `contact${index}@example.com` }));
    const { outcomes } = await client.optInMany({ list: LIST, contacts });
    await failure(client.callApi(people), "denied");
    const api = { allow: "read", below: ["/api/profiles"] };
    await withClient({ key, endpoint: url, api }, async (reader) => {
      const read = [];
      for (let query = people.query; query !== undefined; ) {
        const { body, next } = await reader.callApi({ ...people, query });
        read.push(JSON.parse(body).data.map(({ id }) => id));
        query = next;
      }
      assert.deepEqual(read.map(({ length }) => length), [2, 2, 1]);
      assert.deepEqual(read.flat().sort(), outcomes.map(({ receipt }) => receipt.profileId).sort());
      for (const denied of [{ ...people, path: "/api/lists" }, { ...list, path: "/api/profiles" }, list]) {
        await failure(reader.callApi(denied), "denied");
      }
      await failure(reader.callApi({ ...people, path: "/api/profiles/../lists" }), "invalid-input");
      assert.equal(await reader.findList("New"), undefined);
    });
    await withClient({ key, endpoint: url, api: "all" }, async (writer) => {
      assert.equal((await writer.callApi(list)).status, 201);
      assert.equal((await writer.findList("New")).name, "New");
    });
  });
});
