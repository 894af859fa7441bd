// Arguments come from anywhere. They are read once, by their own members only, and whatever is not as it should be is
// refused with the name of the field: nothing is ignored, nothing is inherited.

import type {
  Options as ConsentOptions,
  Subscription,
  Unsubscription,
} from "../generated/interfaces/klaviyo-connector-consent.js";
import type { Identifier, NewProfile } from "../generated/interfaces/klaviyo-connector-types.js";
import { segments, type Access } from "./access.js";
import { origin } from "./endpoint.js";
import { KlaviyoError } from "./error.js";
import { DEFAULTS, type Limits } from "./limits.js";

/** Where a value is, from the argument inwards. */
type Place = readonly (string | number)[];

type Reader<T> = (value: unknown, place: Place) => T;

/** Names are long or odd only in an attack. */
const SHOWN_NAME_LENGTH = 40;

function fail(place: Place, reason: string): never {
  const name = place.map((part, at) => (typeof part === "number" ? `[${part}]` : at ? `.${part}` : part)).join("");
  const message = `${name ? `${name}: ` : ""}${reason}`;
  const pointer = place.map(kebab).join("/");
  const detail = { code: "invalid-argument", title: "", detail: reason };
  throw new KlaviyoError("invalid-input", message, { details: [pointer ? { ...detail, pointer } : detail] });
}

function kebab(part: string | number): string {
  return String(part).replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

function kind(value: unknown): string {
  if (value === null || value === undefined) {
    return "nothing";
  }
  return Array.isArray(value) ? "an array" : typeof value === "object" ? "an object" : `a ${typeof value}`;
}

const text: Reader<string> = (value, place) => {
  if (typeof value !== "string") {
    fail(place, `expected a string, found ${kind(value)}`);
  }
  // UTF-8 has no halves of characters; converted, they would arrive as something else.
  return value.isWellFormed() ? value : fail(place, "it has a lone surrogate, half of a character");
};

function optional<T>(read: Reader<T>): Reader<T | undefined> {
  return (value, place) => (value === undefined || value === null ? undefined : read(value, place));
}

function list<T>(read: Reader<T>): Reader<T[]> {
  return (value, place) => {
    if (!Array.isArray(value)) {
      fail(place, `expected an array, found ${kind(value)}`);
    }
    // Not `map`, which passes over holes.
    return Array.from(value as unknown[], (item, index) => read(item, [...place, index]));
  };
}

function oneOf<T extends string>(...choices: T[]): Reader<T> {
  return (value, place) =>
    choices.find((choice) => choice === value) ?? fail(place, `expected one of ${choices.join(", ")}`);
}

/** An object that was written down or parsed, whatever realm it is of; no array, no instance of a class. */
function isPlain(value: unknown): value is Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return false;
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

type Fields<T> = { [Name in keyof T]-?: Reader<T[Name]> };

/** An object with these fields and no others. */
function record<T extends object>(fields: Fields<T>): Reader<T> {
  const names = Object.keys(fields) as (keyof T & string)[];
  return (value, place) => {
    if (!isPlain(value)) {
      fail(place, `expected a plain object with ${names.join(", ")}, found ${kind(value)}`);
    }
    const unknown = Object.keys(value).find((name) => !Object.hasOwn(fields, name));
    if (unknown !== undefined) {
      const shown = JSON.stringify(unknown.slice(0, SHOWN_NAME_LENGTH));
      fail(
        [...place, unknown.slice(0, SHOWN_NAME_LENGTH)],
        `there is no field ${shown}; there are ${names.join(", ")}`,
      );
    }
    const read = names.map((name) => {
      const member = Object.hasOwn(value, name) ? value[name] : undefined;
      return [name, fields[name](member, [...place, name])];
    });
    return Object.fromEntries(read) as T;
  };
}

const properties: Reader<string> = (value, place) => {
  if (typeof value === "string") {
    return text(value, place);
  }
  if (!isPlain(value)) {
    fail(place, `expected a plain object, or the text of a JSON object, found ${kind(value)}`);
  }
  try {
    // Undefined: an object may have a `toJSON` that says so.
    return JSON.stringify(value, refuseWhatJsonLoses) ?? fail(place, "it is not a value of JSON");
  } catch (error) {
    return fail(
      place,
      `it cannot be written as JSON: ${error instanceof Error ? error.message.split("\n")[0] : "it threw"}`,
    );
  }
};

/** `JSON.stringify` would leave these out, or write null or an empty object. */
function refuseWhatJsonLoses(name: string, value: unknown): unknown {
  const lost =
    typeof value === "function" ||
    typeof value === "symbol" ||
    (typeof value === "number" && !Number.isFinite(value)) ||
    (typeof value === "object" && value !== null && !Array.isArray(value) && !isPlain(value));
  if (lost) {
    throw new TypeError(`${JSON.stringify(name.slice(0, SHOWN_NAME_LENGTH))} is not a value of JSON`);
  }
  return value;
}

const fieldsOfNewProfile: Fields<NewProfile> = {
  email: optional(text),
  phoneNumber: optional(text),
  externalId: optional(text),
  firstName: optional(text),
  lastName: optional(text),
  properties: optional(properties),
};

const readNewProfile = record<NewProfile>(fieldsOfNewProfile);

const readIdentifier: Reader<Identifier> = (value, place) => {
  const read = record<{ email?: string; phoneNumber?: string; externalId?: string; id?: string }>({
    email: optional(text),
    phoneNumber: optional(text),
    externalId: optional(text),
    id: optional(text),
  });
  const given = Object.entries(read(value, place)).filter((entry) => entry[1] !== undefined);
  const [first] = given;
  if (first === undefined || given.length > 1) {
    fail(place, "expected exactly one of email, phoneNumber, externalId, id");
  }
  return { tag: kebab(first[0]), val: first[1] } as Identifier;
};

const channels = list(oneOf("email", "sms", "whatsapp", "push"));

const readSubscription = record<Subscription>({
  id: optional(text),
  email: optional(text),
  phoneNumber: optional(text),
  channels,
  consentedAt: optional(text),
  dateOfBirth: optional(text),
});

const readUnsubscription = record<Unsubscription>({
  email: optional(text),
  phoneNumber: optional(text),
  channels,
});

export const newProfile = (value: unknown): NewProfile => readNewProfile(value, []);
export const identifier = (value: unknown): Identifier => readIdentifier(value, []);
export const identifiers = (value: unknown): Identifier[] => list(readIdentifier)(value, ["identifiers"]);
export const name = (value: unknown): string => text(value, ["name"]);
export const job = (value: unknown): string => text(value, ["job"]);

export const members = (value: unknown): { list: string; profiles: string[] } =>
  record<{ list: string; profiles: string[] }>({ list: text, profiles: list(text) })(value, []);

export const optIn = (value: unknown): NewProfile & { list: string } =>
  record<NewProfile & { list: string }>({ list: text, ...fieldsOfNewProfile })(value, []);

export const grant = (value: unknown): { subscriptions: Subscription[]; list?: string } & ConsentOptions =>
  record<{ subscriptions: Subscription[]; list?: string } & ConsentOptions>({
    subscriptions: list(readSubscription),
    list: optional(text),
    customSource: optional(text),
    historicalImport: optional(record<{ now: string }>({ now: text })),
  })(value, []);

export const revocation = (value: unknown): { unsubscriptions: Unsubscription[]; list?: string } =>
  record<{ unsubscriptions: Unsubscription[]; list?: string }>({
    unsubscriptions: list(readUnsubscription),
    list: optional(text),
  })(value, []);

export const submission = (value: unknown): { contacts: NewProfile[]; list?: string } =>
  record<{ contacts: NewProfile[]; list?: string }>({ contacts: list(readNewProfile), list: optional(text) })(
    value,
    [],
  );

export const range = (value: unknown): { newerThan?: string } =>
  record<{ newerThan?: string }>({ newerThan: optional(text) })(value, []);

const WHOLE_NUMBERS_END = 2 ** 31 - 1;

const wholeNumber: Reader<number> = (value, place) =>
  Number.isInteger(value) && (value as number) > 0 && (value as number) <= WHOLE_NUMBERS_END
    ? (value as number)
    : fail(place, `expected a whole number from 1 to ${WHOLE_NUMBERS_END}`);

// No message has anything of a key in it.
const key: Reader<string> = (value, place) => {
  if (typeof value !== "string" || value.trim() === "") {
    fail(place, "expected the account's private key (pk_…), found none");
  }
  const trimmed = value.trim();
  if (!/^[!-~]+$/.test(trimmed)) {
    fail(place, "it has characters that no key has, such as spaces; it is the account's private key (pk_…) alone");
  }
  return trimmed;
};

const endpoint: Reader<string> = (value, place) => {
  const parsed = origin(text(value, place));
  return "origin" in parsed ? parsed.origin : fail(place, parsed.reason);
};

const send: Reader<typeof fetch> = (value, place) =>
  typeof value === "function" ? (value as typeof fetch) : fail(place, `expected a function, found ${kind(value)}`);

const limits = record<Partial<Limits>>({
  memory: optional(wholeNumber),
  time: optional(wholeNumber),
  concurrentCalls: optional(wholeNumber),
  requests: optional(wholeNumber),
  requestBytes: optional(wholeNumber),
  headerBytes: optional(wholeNumber),
  responseBytes: optional(wholeNumber),
  attempt: optional(wholeNumber),
});

const allow = oneOf("read", "all");

const path: Reader<string[]> = (value, place) => {
  const read = segments(text(value, place));
  return "segments" in read ? read.segments : fail(place, `${read.reason}; write a path such as /api/events`);
};

const api: Reader<Access> = (value, place) =>
  typeof value === "object"
    ? record<Access>({ allow, below: optional(list(path)) })(value, place)
    : { allow: allow(value, place), below: undefined };

export function options(value: unknown): {
  key: string;
  endpoint: string | undefined;
  fetch: typeof fetch;
  limits: Limits;
  api: Access | undefined;
} {
  const read = record<{
    key: string;
    endpoint?: string;
    fetch?: typeof fetch;
    limits?: Partial<Limits>;
    api?: Access;
  }>({
    key,
    endpoint: optional(endpoint),
    fetch: optional(send),
    limits: optional(limits),
    api: optional(api),
  })(value, []);
  const given = Object.entries(read.limits ?? {}).filter((entry) => entry[1] !== undefined);
  return {
    key: read.key,
    endpoint: read.endpoint,
    fetch: read.fetch ?? globalThis.fetch,
    limits: { ...DEFAULTS, ...Object.fromEntries(given) },
    api: read.api,
  };
}
