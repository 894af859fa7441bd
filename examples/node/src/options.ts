// What `connect` takes. No message has anything of a key in it.

import { segments, type Access } from "./access.js";
import { origin } from "./endpoint.js";
import { DEFAULTS, type Limits } from "./limits.js";
import { fail, kind, list, oneOf, optional, record, text, type Reader } from "./reader.js";

const WHOLE_NUMBERS_END = 2 ** 31 - 1;

const wholeNumber: Reader<number> = (value, place) =>
  Number.isInteger(value) && (value as number) > 0 && (value as number) <= WHOLE_NUMBERS_END
    ? (value as number)
    : fail(place, `expected a whole number from 1 to ${WHOLE_NUMBERS_END}`);

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
