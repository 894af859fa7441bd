// What is refused is named for what it is, with its place, in the package's spelling.

import assert from "node:assert/strict";
import { runInNewContext } from "node:vm";
import { test } from "node:test";
import { failure, json, withClient } from "./support.js";

class Contact {
  email = "priya@example.com";
}

class Money {
  toJSON() {
    return { amount: "29.99" };
  }
}

const within = (value) => {
  const cycle = { inner: [value] };
  value.back = cycle;
  return cycle;
};

function levels(count) {
  let value = 1;
  for (let level = 0; level < count; level += 1) {
    value = { in: value };
  }
  return value;
}

/** What is in `properties`, its place, and what it is. */
const LOST = [
  [{ map: new Map([["a", 1]]) }, "properties.map", "a Map"],
  [{ list: [1, new Set()] }, "properties.list[1]", "a Set"],
  [{ by: { contact: new Contact() } }, "properties.by.contact", "an instance of Contact"],
  [{ anonymous: new (class {})() }, "properties.anonymous", "an instance of a class"],
  [{ since: new Date(NaN) }, "properties.since", "an invalid Date"],
  [{ since: runInNewContext("new Date(NaN)") }, "properties.since", "an invalid Date"],
  [{ plan: undefined }, "properties.plan", "undefined"],
  [{ list: [, 1] }, "properties.list[0]", "undefined"],
  [{ order: 7n }, "properties.order", "a BigInt"],
  [{ total: NaN }, "properties.total", "NaN"],
  [{ total: -Infinity }, "properties.total", "-Infinity"],
  [{ f: () => {} }, "properties.f", "a function"],
  [{ s: Symbol("s") }, "properties.s", "a symbol"],
  [{ later: Promise.resolve() }, "properties.later", "a Promise"],
  [{ match: /x/ }, "properties.match", "a RegExp"],
  [{ bytes: new Uint8Array(2) }, "properties.bytes", "a Uint8Array"],
  [{ boxed: new String("x") }, "properties.boxed", "a String"],
  [{ lone: { ["\ud800"]: 1 } }, "properties.lone", "surrogate"],
  [{ lone: ["\udc00"] }, "properties.lone[0]", "surrogate"],
  [{ toJSON: () => undefined }, "properties", "undefined"],
  [{ odd: { toJSON: () => assert.fail("what it says") } }, "properties.odd", "what it says"],
  [within({}), "properties.inner[0].back", "cycles"],
  [levels(200), "properties.in.in.in.in", "100 levels"],
  [levels(100_000), "properties.in.in.in.in", "100 levels"],
];

function lost(klaviyo, properties) {
  const event = { metric: "Placed Order", profile: { id: "01X" }, uniqueId: "1", properties };
  return [
    [() => klaviyo.create({ email: "a@b.c", properties }), ""],
    [() => klaviyo.update({ id: "01X", changes: [{ set: { properties } }] }), "changes[0].set."],
    [() => klaviyo.optIn({ list: "Y6nRLr", email: "a@b.c", properties }), ""],
    [() => klaviyo.optInMany({ list: "Y6nRLr", contacts: [{ email: "a@b.c", properties }] }), "contacts[0]."],
    [() => klaviyo.track(event), ""],
    [() => klaviyo.trackMany([{ ...event, properties: {} }, event]), "events[1]."],
    [() => klaviyo.submitImport({ contacts: [{ email: "a@b.c", properties }] }), "contacts[0]."],
  ];
}

test("what JSON would lose is named, with its place, in whatever takes JSON", async () => {
  await withClient({ fetch: () => assert.fail("a request was sent") }, async (klaviyo) => {
    for (const [properties, place, found] of LOST) {
      for (const [call, before] of lost(klaviyo, properties)) {
        const { message } = await failure(call(), "invalid-input", found);
        assert.ok(message.startsWith(`${before}${place}`), `${message} is about ${before}${place}`);
        assert.ok(message.length < 300, message);
      }
    }
  });
});

test("what stands for a record is named for what it is", async () => {
  await withClient({ fetch: () => assert.fail("a request was sent") }, async (klaviyo) => {
    for (const [call, found] of [
      [() => klaviyo.create(new Map()), "a Map"],
      [() => klaviyo.create(new Contact()), "an instance of Contact"],
      [() => klaviyo.create(Promise.resolve({ email: "a@b.c" })), "a Promise"],
      [() => klaviyo.create(null), "null"],
      [() => klaviyo.create(), "undefined"],
      [() => klaviyo.create([]), "an array"],
      [() => klaviyo.findList(7n), "a BigInt"],
      [() => klaviyo.create({ email: new Date(NaN) }), "an invalid Date"],
      [() => klaviyo.create({ email: new Date() }), "a Date"],
      [() => klaviyo.upsert({ email: "a@b.c", properties: new Map() }), "a Map"],
      [() => klaviyo.callApi({ method: "post", path: "/api/tags", body: new FormData() }), "a FormData"],
      [() => klaviyo.callApi({ method: "post", path: "/api/tags", body: { a: [new Map()] } }), "body.a[0]"],
      [() => klaviyo.track({ metric: "M", profile: new Contact(), uniqueId: "1" }), "an instance of Contact"],
      [() => klaviyo.lists(new Map()), "a Map"],
    ]) {
      await failure(call(), "invalid-input", found);
    }
  });
});

test("a fetch that returns no answer is told what it returned", async () => {
  for (const [returned, found] of [
    [undefined, "undefined"],
    [null, "null"],
    ["{}", "a string"],
    [{ data: [] }, "an object"],
    [new Contact(), "an instance of Contact"],
  ]) {
    await withClient({ fetch: async () => returned }, async (klaviyo) => {
      const { message } = await failure(klaviyo.lookup({ email: "a@b.c" }), "other", "fetch");
      assert.ok(message.includes(found), message);
    });
  }
});

/** The attributes that a profile is created with. */
async function created(profile) {
  let body;
  const fetch = async (_, init) => {
    body = Buffer.from(init.body).toString();
    return json({ data: { type: "profile", id: "01X", attributes: {} } }, 201);
  };
  await withClient({ fetch }, (klaviyo) => klaviyo.create(profile));
  return JSON.parse(body).data.attributes;
}

test("what JSON has is taken, whatever made it", async () => {
  const shared = { a: 1 };
  const properties = {
    // Of another realm, without a prototype, parsed, twice the same, and objects that write themselves.
    ...runInNewContext("({ other: { realm: [1] } })"),
    bare: Object.assign(Object.create(null), { plan: "pro" }),
    parsed: JSON.parse('{ "__proto__": { "x": 1 } }'),
    twice: [shared, shared],
    money: new Money(),
    since: new Date(0),
    until: runInNewContext("new Date(0)"),
    deep: levels(90),
  };
  const expected = JSON.parse(JSON.stringify(properties));
  assert.deepEqual((await created({ email: "a@b.c", properties })).properties, expected);
});

/** A client for which every profile has these properties, written as they are. */
const withProperties = (text, test) => {
  const body = `{"data":[{"type":"profile","id":"01X","attributes":{"email":"a@b.c","properties":${text}}}]}`;
  return withClient({ fetch: async () => new Response(body) }, test);
};

test("properties come back as an object, and their text beside it", async () => {
  const text = '{"plan":"pro","items":[{"n":1.50}],"__proto__":{"x":1},"none":null}';
  await withProperties(text, async (klaviyo) => {
    const { properties, propertiesJson } = await klaviyo.lookup({ email: "a@b.c" });
    assert.equal(propertiesJson, text);
    assert.deepEqual(properties, JSON.parse(text));
    const [found] = await klaviyo.lookupMany([{ email: "a@b.c" }]);
    assert.deepEqual(found.properties, properties);
  });
  await withClient({ fetch: async () => json({ data: [{ type: "profile", id: "01X", attributes: {} }] }) }, async (klaviyo) => {
    const { properties, propertiesJson } = await klaviyo.lookup({ email: "a@b.c" });
    assert.deepEqual([properties, propertiesJson], [{}, "{}"]);
  });
});

test("no digit of a number is changed that JavaScript cannot hold, and no type of one that it can", async () => {
  const numbers = {
    "12345678901234567890": "12345678901234567890",
    "-12345678901234567890": "-12345678901234567890",
    "9007199254740993": "9007199254740993",
    "12345678901234567890.10": "12345678901234567890.10",
    "1e400": "1e400",
    "-1E+30": "-1E+30",
    "9007199254740991": 9007199254740991,
    "-9007199254740991": -9007199254740991,
    "29.99": 29.99,
    "1.0": 1,
    "1e3": 1000,
    "0.30000000000000004": 0.30000000000000004,
    "-0": -0,
  };
  for (const [written, read] of Object.entries(numbers)) {
    const text = `{"n":${written},"in":[{"n":${written}}],"${written}":"a \\"${written}\\" \\\\","t":"12345678901234567890"}`;
    await withProperties(text, async (klaviyo) => {
      const { properties, propertiesJson } = await klaviyo.lookup({ email: "a@b.c" });
      const expected = { n: read, in: [{ n: read }], [written]: `a "${written}" \\`, t: "12345678901234567890" };
      assert.deepEqual(properties, expected);
      assert.equal(propertiesJson, text);
    });
  }
});

test("the connector's refusals name fields as the package does, at every depth", async () => {
  await withClient({ fetch: () => assert.fail("a request was sent") }, async (klaviyo) => {
    const event = { metric: "M", profile: { id: "01X" }, uniqueId: "1" };
    for (const [call, place, pointer] of [
      [() => klaviyo.create({ phoneNumber: "1" }), "phoneNumber", "phoneNumber"],
      [() => klaviyo.create({ externalId: " " }), "externalId", "externalId"],
      [() => klaviyo.lookupMany([{ id: "01X" }, { externalId: "" }]), "identifiers[1].externalId", "identifiers/1/externalId"],
      [() => klaviyo.update({ id: "01X", changes: [{ set: { phoneNumber: "1" } }] }), "changes[0].phoneNumber", "changes/0/phoneNumber"],
      [() => klaviyo.track({ ...event, uniqueId: "" }), "uniqueId", "uniqueId"],
      [() => klaviyo.track({ ...event, profile: { phoneNumber: "1" } }), "profile.phoneNumber", "profile/phoneNumber"],
      [() => klaviyo.track({ ...event, value: "1", valueCurrency: "rupees" }), "valueCurrency", "valueCurrency"],
      [() => klaviyo.track({ ...event, properties: { "unique-id": levels(20) } }), "properties.unique-id", "properties/unique-id"],
      [
        () => klaviyo.changedProfiles({ since: { time: "2026-11-01T00:00:00Z", lookBack: 100_000 } }),
        "from.since.lookBack",
        "from/since/lookBack",
      ],
      [() => klaviyo.imports({ newerThan: "" }), "newerThan", "newerThan"],
      [() => klaviyo.history({ id: "01X" }, { limit: 0 }), "limit", "limit"],
    ]) {
      const { message, details } = await failure(call(), "invalid-input");
      assert.deepEqual([message.slice(0, place.length + 2), details[0].pointer], [`${place}: `, pointer]);
    }
    for (const [error, word, contracts] of [
      [await failure(klaviyo.create({ phoneNumber: "1" }), "invalid-input"), "phoneNumber", "phone-number"],
      [await failure(klaviyo.update({ id: "01X", changes: [{ clear: "age" }] }), "invalid-input"), "externalId", "external-id"],
      [await failure(klaviyo.deleteProfiles({ externalId: "1" }), "invalid-input"), "externalId", "external-id"],
    ]) {
      for (const words of [error.message, error.details[0].detail]) {
        assert.ok(!words.includes(contracts), words);
      }
      assert.ok(error.message.includes(word), error.message);
    }
    const [refused] = await klaviyo.checkImport([{ phoneNumber: "1" }]);
    assert.equal(refused.reason.pointer, "phoneNumber");
    const { outcomes } = await klaviyo.optInMany({ list: "Y6nRLr", contacts: [{ phoneNumber: "1" }] });
    assert.equal(outcomes[0].reason.pointer, "phoneNumber");
    const granted = await klaviyo.grantConsent({
      list: "Y6nRLr",
      subscriptions: [{ email: "a@b.c", channels: ["email"], dateOfBirth: "then" }],
    });
    assert.equal(granted.refused[0].reason.pointer, "dateOfBirth");
  });
});

test("a field is cleared by the package's name of it", async () => {
  let sent;
  const fetch = async (_, init) => {
    sent = JSON.parse(Buffer.from(init.body).toString()).data.attributes;
    return json({ data: { type: "profile", id: "01X", attributes: {} } });
  };
  await withClient({ fetch }, (klaviyo) =>
    klaviyo.update({ id: "01X", changes: [{ clear: "phoneNumber" }, { clear: "location.city" }, { clear: "firstName" }] }),
  );
  assert.deepEqual(sent, { phone_number: null, first_name: null, location: { city: null } });
});

test("sentences name functions as the package does, and repeat Klaviyo's words as they are", async () => {
  const words = "lists.find and retry-after and phone-number are words of a list's name";
  const refusal = (status, detail) => async () =>
    json({ errors: [{ id: "1", status, code: "x", title: "x", detail, source: { pointer: "/data/phone-number" } }] }, status);
  await withClient({ fetch: refusal(404, words) }, async (klaviyo) => {
    const error = await failure(klaviyo.subscribe({ list: "WhatsApp Opt-Ins", profiles: ["01X"] }), "not-found", words);
    assert.ok(error.message.replace(words, "").includes("findList"), error.message);
    assert.ok(!error.message.replace(words, "").includes("lists.find"), error.message);
    assert.deepEqual([error.details[0].detail, error.details[0].pointer], [words, "/data/phone-number"]);
  });
  await withClient({ fetch: refusal(429, words) }, async (klaviyo) => {
    const error = await failure(klaviyo.lists(), "rate-limited", words);
    assert.ok(error.message.replace(words, "").includes("`retryAfter`"), error.message);
  });
});
