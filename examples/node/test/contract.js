// The contract's functions, and the values of the fixtures, by way of the package's public API.

import { KlaviyoError } from "klaviyo-connector";

const same = (value) => value;

/** For each function of the contract: how many arguments it has, the call, and its result as the contract has it. */
const FUNCTIONS = {
  "account.get": [0, (klaviyo) => klaviyo.accountDetails()],
  "api.call": [1, (klaviyo, request) => klaviyo.callApi(request)],
  "bulk.check": [1, (klaviyo, contacts) => klaviyo.checkImport(contacts)],
  "bulk.submit": [2, (klaviyo, contacts, list) => klaviyo.submitImport({ contacts, list })],
  "bulk.status": [1, (klaviyo, job) => klaviyo.import(job), statusOf],
  "bulk.failures": [1, (klaviyo, job) => klaviyo.importFailures(job)],
  "bulk.jobs": [1, (klaviyo, newerThan) => klaviyo.imports({ newerThan }), (jobs) => jobs.map(statusOf)],
  "changes.profiles": [1, (klaviyo, from) => klaviyo.changedProfiles(from)],
  "changes.members": [2, (klaviyo, of, from) => klaviyo.joinedMembers(of, from)],
  "changes.events": [1, (klaviyo, from) => klaviyo.newEvents(from)],
  "consent.grant": [
    3,
    (klaviyo, subscriptions, list, options) =>
      klaviyo.grantConsent({ subscriptions: subscriptions.map(named), list, ...options }),
    (outcome) => ({ ...outcome, refusedChannels: outcome.refusedChannels.map(asCase) }),
  ],
  "consent.revoke": [
    2,
    (klaviyo, unsubscriptions, list) =>
      klaviyo.revokeConsent({ unsubscriptions: unsubscriptions.map(named), list }),
    (outcome) => ({ ...outcome, refusedChannels: outcome.refusedChannels.map(asCase) }),
  ],
  "consent.status": [
    1,
    (klaviyo, by) => klaviyo.consents(by),
    (consents) =>
      consents && {
        profileId: consents.profileId,
        channels: consents.channels.map(asCase),
        transactional: consents.transactional.map(asCase),
        conversational: consents.conversational.map(asCase),
      },
  ],
  "contacts.lookup": [1, (klaviyo, by) => klaviyo.lookup(by)],
  "contacts.lookup-many": [1, (klaviyo, identifiers) => klaviyo.lookupMany(identifiers)],
  "contacts.create": [
    1,
    (klaviyo, profile) => klaviyo.create(profile),
    (creation) => (creation.created ? { created: creation.profile } : { existing: creation.id }),
  ],
  "contacts.upsert": [1, (klaviyo, profile) => klaviyo.upsert(profile)],
  "contacts.update": [2, (klaviyo, id, changes) => klaviyo.update({ id, changes })],
  "contacts.merge": [2, (klaviyo, into, from) => klaviyo.merge({ into, from })],
  "contacts.subscribe": [2, (klaviyo, list, profiles) => klaviyo.subscribe({ list, profiles })],
  "contacts.opt-in": [
    3,
    (klaviyo, contact, list, consent) => klaviyo.optIn({ ...contact, list, consent: consent && named(consent) }),
    receiptOf,
  ],
  "contacts.opt-in-many": [
    3,
    (klaviyo, contacts, list, consent) => klaviyo.optInMany({ contacts, list, consent: consent && named(consent) }),
    ({ outcomes, ...rest }) => ({ ...rest, outcomes: outcomes.map(enrollmentOf) }),
  ],
  "contacts.opt-out": [
    3,
    (klaviyo, people, channels, lists) =>
      klaviyo.optOut({ people, channels: channels?.map((channel) => channel.other ?? channel), lists }),
    ({ outcomes, ...rest }) => ({ ...rest, outcomes: outcomes.map(departureOf) }),
  ],
  "events.track": [1, (klaviyo, event) => klaviyo.track(event)],
  "events.track-many": [1, (klaviyo, events) => klaviyo.trackMany(events)],
  "events.history": [2, (klaviyo, by, period) => klaviyo.history(by, period ?? undefined)],
  "events.metrics": [0, (klaviyo) => klaviyo.metrics()],
  "lists.all": [0, (klaviyo) => klaviyo.lists()],
  "lists.find": [1, (klaviyo, name) => klaviyo.findList(name)],
  "lists.create": [1, (klaviyo, name) => klaviyo.createList(name)],
  "lists.remove": [2, (klaviyo, list, profiles) => klaviyo.removeFromList({ list, profiles })],
  "lists.members": [2, (klaviyo, list, cursor) => klaviyo.listMembers({ list, cursor })],
  "lists.of-profile": [1, (klaviyo, profile) => klaviyo.listsOfProfile(profile)],
  "privacy.suppress": [1, (klaviyo, emails) => klaviyo.suppress(emails)],
  "privacy.unsuppress": [1, (klaviyo, emails) => klaviyo.unsuppress(emails)],
  "privacy.delete": [1, (klaviyo, by) => klaviyo.deleteProfiles(by)],
  "segments.all": [0, (klaviyo) => klaviyo.segments()],
  "segments.members": [2, (klaviyo, segment, cursor) => klaviyo.segmentMembers({ segment, cursor })],
  "segments.of-profile": [1, (klaviyo, profile) => klaviyo.segmentsOfProfile(profile)],
};

const CHANNELS = ["email", "sms", "whatsapp", "push"];

/** Channels as words. */
function named(person) {
  const words = (channels) => channels?.map((channel) => channel.other ?? channel);
  const { channels, transactional, ...rest } = person;
  return { ...rest, channels: words(channels), ...(transactional && { transactional: words(transactional) }) };
}

/** A channel as a case of the contract. */
function asCase({ channel, ...rest }) {
  return { ...rest, channel: CHANNELS.includes(channel) ? channel : { other: channel } };
}

function receiptOf({ consent, ...rest }) {
  return { ...rest, consent: consent.map(asCase) };
}

function enrollmentOf({ status, receipt, reason }) {
  return status === "enrolled" ? { enrolled: receiptOf(receipt) } : status === "refused" ? { refused: reason } : status;
}

function departureOf({ status, taken, reason }) {
  return { [status]: reason ?? { ...taken, consent: taken.consent.map(asCase) } };
}

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

const kebab = (name) => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

function asContract(value) {
  return renamed(value, kebab);
}

/** What names fields, in strings that results have. */
const NAMING = {
  pointer: pointerAsContract,
  message: (sentence) => sentence.replace(/\b[a-z]+(?:[A-Z][a-z]+)+\b/g, kebab),
  detail: (sentence) => sentence.replace(/\b(?:phoneNumber|externalId)\b/g, kebab),
};

/** A pointer into an argument, whose parts above `properties` are the contract's. Others are Klaviyo's. */
function pointerAsContract(pointer) {
  const [, fields, rest = ""] = /^(.*?)(\/?\bproperties\b.*)?$/s.exec(pointer);
  return pointer.startsWith("/") ? pointer : kebab(fields) + rest;
}

function renamed(value, rename) {
  if (Array.isArray(value)) {
    return value.map((item) => renamed(item, rename));
  }
  if (value instanceof KlaviyoError) {
    return renamed(value.toJSON(), rename);
  }
  if (typeof value === "object" && value !== null) {
    const { propertiesJson, ...rest } = value;
    const members = propertiesJson === undefined ? rest : { ...rest, properties: propertiesJson };
    return Object.fromEntries(
      Object.entries(members).map(([name, member]) =>
        rename === kebab && Object.hasOwn(NAMING, name) && typeof member === "string"
          ? [name, NAMING[name](member)]
          : [rename(name), renamed(member, rename)],
      ),
    );
  }
  return value ?? null;
}
