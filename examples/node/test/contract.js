// The contract's functions, and the values of the fixtures, by way of the package's public API.

import { KlaviyoError } from "klaviyo-connector";

const same = (value) => value;

/** For each function of the contract: how many arguments it has, the call, and its result as the contract has it. */
const FUNCTIONS = {
  "lists.all": [0, (klaviyo) => klaviyo.lists()],
  "lists.find": [1, (klaviyo, name) => klaviyo.findList(name)],
  "contacts.lookup": [1, (klaviyo, by) => klaviyo.lookup(by)],
  "contacts.lookup-many": [1, (klaviyo, identifiers) => klaviyo.lookupMany(identifiers)],
  "contacts.create": [
    1,
    (klaviyo, profile) => klaviyo.create(profile),
    (creation) => (creation.created ? { created: creation.profile } : { existing: creation.id }),
  ],
  "contacts.upsert": [1, (klaviyo, profile) => klaviyo.upsert(profile)],
  "contacts.subscribe": [2, (klaviyo, list, profiles) => klaviyo.subscribe({ list, profiles })],
  "contacts.opt-in": [2, (klaviyo, contact, list) => klaviyo.optIn({ ...contact, list })],
  "consent.grant": [
    3,
    (klaviyo, subscriptions, list, options) => klaviyo.grantConsent({ subscriptions, list, ...options }),
  ],
  "consent.revoke": [2, (klaviyo, unsubscriptions, list) => klaviyo.revokeConsent({ unsubscriptions, list })],
  "consent.status": [1, (klaviyo, by) => klaviyo.consents(by)],
  "bulk.submit": [2, (klaviyo, contacts, list) => klaviyo.submitImport({ contacts, list })],
  "bulk.status": [1, (klaviyo, job) => klaviyo.import(job), statusOf],
  "bulk.failures": [1, (klaviyo, job) => klaviyo.importFailures(job)],
  "bulk.jobs": [1, (klaviyo, newerThan) => klaviyo.imports({ newerThan }), (jobs) => jobs.map(statusOf)],
};

function statusOf(job) {
  const known = ["queued", "processing", "complete", "cancelled"].includes(job.status);
  return { ...job, status: known ? job.status : { other: job.status } };
}

/** Calls a function of the contract by name; what it returned is `{ ok }` or `{ err }`, as the contract has it. */
export async function call(klaviyo, name, values) {
  const [count, run, result = same] = FUNCTIONS[name] ?? [];
  if (!(values.length <= count)) {
    throw new Error(`there is no function ${name} of ${values.length} arguments`);
  }
  // Arguments that are left out at the end are null.
  const all = Array.from({ length: count }, (_, index) => values[index] ?? null);
  try {
    return { ok: asContract(result(await run(klaviyo, ...all.map(asJavaScript)))) };
  } catch (error) {
    // A fixture is about what the connector refuses, and not about arguments that are none.
    if (!(error instanceof KlaviyoError) || error.details.some(({ code }) => code === "invalid-argument")) {
      throw error;
    }
    return { err: asContract(error) };
  }
}

function asJavaScript(value) {
  return renamed(value, (name) => name.replace(/-([a-z])/g, (_, letter) => letter.toUpperCase()));
}

function asContract(value) {
  return renamed(value, (name) => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`));
}

function renamed(value, rename) {
  if (Array.isArray(value)) {
    return value.map((item) => renamed(item, rename));
  }
  if (value instanceof KlaviyoError) {
    return renamed(value.toJSON(), rename);
  }
  if (typeof value === "object" && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([name, member]) => [rename(name), renamed(member, rename)]));
  }
  return value ?? null;
}
