import type { Usage } from "./types/call.js";
import type { Detail } from "./types/values.js";

/**
 * The connector's codes: what to do next.
 *
 * - `invalid-input`: an argument cannot work; nothing was sent. `details` names the field.
 * - `unauthenticated`: 401; the key is wrong.
 * - `forbidden`: 403; the key lacks a scope. The message names the scopes.
 * - `not-found`: 404; the list or profile does not exist in this account.
 * - `conflict`: 409, or an ambiguous name; `duplicate` is the profile that holds an identifier.
 * - `rejected`: any other 4xx; `details` say which value Klaviyo refuses.
 * - `rate-limited`: 429 after all attempts; wait `retryAfter` seconds.
 * - `retired`: the endpoint or the revision of the API is gone.
 * - `unavailable`: 5xx; the call may have taken effect.
 * - `blocked`: a refusal of the network or a proxy before Klaviyo.
 * - `denied`: this package did not send a request; the message names the option or limit.
 * - `timeout`: no answer in time; unless the message says that nothing was sent, the call may have taken effect.
 * - `connection`: the connection failed; the call may have taken effect.
 * - `too-large`: a request or an answer is larger than its limit, which the message names.
 * - `malformed`: Klaviyo's answer cannot be read.
 * - `other`: anything else; the message says what.
 */
export type ConnectorCode =
  | "invalid-input"
  | "unauthenticated"
  | "forbidden"
  | "not-found"
  | "conflict"
  | "rejected"
  | "rate-limited"
  | "retired"
  | "unavailable"
  | "blocked"
  | "denied"
  | "timeout"
  | "connection"
  | "too-large"
  | "malformed"
  | "other";

/**
 * The contract's codes, and those of this package:
 *
 * - `trap`: the component broke down; requests that it had sent may have taken effect.
 * - `closed`: the client is closed.
 * - `cancelled`: the call's `signal` was aborted; `cause` is its reason. Requests that were sent may have taken effect.
 * - `unloadable`: `connect` found no component, or none that runs.
 */
export type Code = ConnectorCode | "trap" | "closed" | "cancelled" | "unloadable";

/** What an error has beside its code and its message. */
export interface Circumstances {
  /** The HTTP status, when there was an answer. */
  status?: number | undefined;
  /** Seconds to wait, from `Retry-After`. Never invented. */
  retryAfter?: number | undefined;
  /** Klaviyo's `errors`; on `invalid-input` one entry, whose `pointer` is the field, such as `contacts/1/phoneNumber`. */
  details?: Detail[];
  /** On `conflict`: the profile that already holds an identifier. */
  duplicate?: string | undefined;
  /** Klaviyo's id of the request, for its support. */
  requestId?: string | undefined;
  /** The start of the answer's body, at most 4 KiB. */
  body?: string;
  /** How many items of the call, from its first, were dealt with before it failed. */
  done?: number;
  /** What the call used. Undefined in `stopped`, whose call has it. */
  usage?: Readonly<Usage> | undefined;
  /** The reason of a signal. */
  cause?: unknown;
}

/** Why a call failed. It never contains the key. */
export class KlaviyoError extends Error {
  static {
    // Not a field: it would be listed with those that say something.
    Object.defineProperty(this.prototype, "name", { value: "KlaviyoError" });
  }

  /** What kind of failure it is: what to do next. */
  readonly code: Code;
  /** The HTTP status. Undefined: there was no answer. */
  readonly status: number | undefined;
  /** Seconds to wait, from `Retry-After`. Never invented. */
  readonly retryAfter: number | undefined;
  /** Klaviyo's `errors`, at most 100; on `invalid-input` one entry, whose `pointer` is the field. */
  readonly details: Detail[];
  /** On `conflict`: the profile that already holds an identifier, if Klaviyo says which. */
  readonly duplicate: string | undefined;
  /** Klaviyo's id of the request, for its support. */
  readonly requestId: string | undefined;
  /** The start of the answer's body, at most 4 KiB. */
  readonly body: string;
  /** How many items of the call, from its first, were dealt with before it failed. */
  readonly done: number;
  /** What the call used. Undefined in `stopped`, whose call has it. */
  readonly usage: Readonly<Usage> | undefined;

  /** For a `fetch` of your own, which says by it why there is no answer. */
  constructor(code: Code, message: string, circumstances: Circumstances = {}) {
    super(message, "cause" in circumstances ? { cause: circumstances.cause } : undefined);
    this.code = code;
    this.status = circumstances.status;
    this.retryAfter = circumstances.retryAfter;
    this.details = circumstances.details ?? [];
    this.duplicate = circumstances.duplicate;
    this.requestId = circumstances.requestId;
    this.body = circumstances.body ?? "";
    this.done = circumstances.done ?? 0;
    this.usage = circumstances.usage;
  }

  /** All of it, the message included, which `JSON.stringify` leaves out of errors. */
  toJSON(): object {
    const { code, message, status, retryAfter, details, duplicate, requestId, body, done, usage } = this;
    return { code, message, status, retryAfter, details, duplicate, requestId, body, done, usage };
  }
}
