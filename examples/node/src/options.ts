// What `connect` and each call take. No message has anything of a key in it.

import { segments, type Access } from "./access.js";
import { origin } from "./endpoint.js";
import { kind } from "./kind.js";
import { DEFAULTS, type Limits } from "./limits.js";
import { NoAnswer } from "./no-answer.js";
import { fail, list, oneOf, optional, record, text, type Place, type Reader } from "./reader.js";
import type { CallObserver, CallOptions, Observer, Pace } from "./types/call.js";
import type { Fetch, FetchRequest } from "./types/client.js";

const WHOLE_NUMBERS_END = 2 ** 31 - 1;

const wholeNumber: Reader<number> = (value, place) =>
  Number.isInteger(value) && (value as number) > 0 && (value as number) <= WHOLE_NUMBERS_END
    ? (value as number)
    : fail(place, `expected a whole number from 1 to ${WHOLE_NUMBERS_END}`);

const key: Reader<string> = (given, place) => {
  const value = given ?? globalThis.process?.env?.KLAVIYO_API_KEY;
  if (typeof value !== "string" || value.trim() === "") {
    fail(place, "expected the account's private key (pk_…), found none; give it, or set KLAVIYO_API_KEY");
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
  typeof value === "function" ? answering(value as Fetch) : fail(place, `expected a function, found ${kind(value)}`);

/** The same `fetch`, which says what it returned where that is no answer. */
function answering(given: Fetch): typeof fetch {
  return async (url, init) => {
    const answer: unknown = await given(url as string, init as FetchRequest);
    if (typeof answer === "object" && answer !== null && "status" in answer && "headers" in answer) {
      return answer as Response;
    }
    throw new NoAnswer("other", `the option fetch returned ${kind(answer)}, and not a Response`);
  };
}

function hook<T>(value: unknown, place: Place): T {
  return typeof value === "function" ? (value as T) : fail(place, `expected a function, found ${kind(value)}`);
}

const pace: Reader<Pace> = (value, place) =>
  value === "published" || value === "unlimited"
    ? value
    : typeof value === "number"
      ? wholeNumber(value, place)
      : fail(place, 'expected "published", "unlimited", or how many times the published rates');

const limits = record<Partial<Limits>>({
  memory: optional(wholeNumber),
  time: optional(wholeNumber),
  wait: optional(wholeNumber),
  concurrentCalls: optional(wholeNumber),
  requests: optional(wholeNumber),
  requestBytes: optional(wholeNumber),
  headerBytes: optional(wholeNumber),
  responseBytes: optional(wholeNumber),
  attempts: optional(wholeNumber),
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
  fetch: typeof fetch | undefined;
  limits: Limits;
  api: Access | undefined;
  pace: Pace;
  observer: Observer | undefined;
  callObserver: CallObserver | undefined;
} {
  const read = record<{
    key: string;
    endpoint?: string;
    fetch?: typeof fetch;
    limits?: Partial<Limits>;
    api?: Access;
    pace?: Pace;
    observer?: Observer;
    callObserver?: CallObserver;
  }>({
    key,
    endpoint: optional(endpoint),
    fetch: optional(send),
    limits: optional(limits),
    api: optional(api),
    pace: optional(pace),
    observer: optional(hook<Observer>),
    callObserver: optional(hook<CallObserver>),
  })(value === undefined ? {} : value, []);
  const given = Object.entries(read.limits ?? {}).filter((entry) => entry[1] !== undefined);
  return {
    key: read.key,
    endpoint: read.endpoint,
    fetch: read.fetch,
    limits: { ...DEFAULTS, ...Object.fromEntries(given) },
    api: read.api,
    pace: read.pace ?? "published",
    observer: read.observer,
    callObserver: read.callObserver,
  };
}

const signal: Reader<AbortSignal> = (value, place) =>
  value instanceof AbortSignal ? value : fail(place, `expected an AbortSignal, found ${kind(value)}`);

const revision: Reader<string> = (value, place) =>
  typeof value === "string" && /^\d{4}-\d\d-\d\d$/.test(value) && !Number.isNaN(Date.parse(value))
    ? value
    : fail(place, "expected a revision of Klaviyo's API; they are dates such as 2025-01-15");

const ofCall = record<CallOptions>({
  signal: optional(signal),
  timeout: optional(wholeNumber),
  revision: optional(revision),
});

/** The last argument of a call. */
export function callOptions(value: unknown): CallOptions {
  return value === undefined ? {} : ofCall(value, ["options"]);
}
