// A call, and what it may use and tells.

import type { Code } from "../error.js";

/** What a call used. */
export interface Usage {
  /** Requests that the component made. */
  requests: number;
  /** How often requests were sent: more than `requests` if some were repeated, fewer if some were refused. */
  attempts: number;
  /** Milliseconds that the call waited: for a place among `limits.concurrentCalls`, for Klaviyo's rates, between attempts. */
  waited: number;
}

/**
 * The promise of a result, which has what the call has used so far. It rejects with a `KlaviyoError`, whose `code` may be any;
 * the comment of each function names the ones that mean something of its own.
 */
export interface Call<T> extends Promise<T> {
  /** What the call has used so far. */
  readonly usage: Readonly<Usage>;
}

/** Options of one call, each call's last argument. */
export interface CallOptions {
  /** Ends the call when it is aborted: it rejects with the code `cancelled`. Requests that were sent may take effect. */
  signal?: AbortSignal | undefined;
  /** Milliseconds until the call is over, what it waits for its turns included. The limits hold as well. */
  timeout?: number | undefined;
  /**
   * The oldest revision of Klaviyo's API to ask for, such as `2025-01-15`. Where the connector asks for a newer one, that
   * one stays.
   */
  revision?: string | undefined;
}

/** How fast requests go out: at the rates that Klaviyo publishes, at so many times those, or without rates. */
export type Pace = "published" | "unlimited" | number;

/** An attempt at a request, when it has ended. It names no person, no key, and no id of Klaviyo's. */
export interface Attempt {
  /** The function that was called, by its name in the contract, such as `contacts.opt-in`. */
  function: string;
  /** Such as `POST`. */
  method: string;
  /** The name of Klaviyo's endpoint, such as `add to list`. */
  endpoint: string;
  /** Which attempt at the request this is; the first is 1. */
  number: number;
  /** The HTTP status. Undefined: there was no answer. */
  status?: number;
  /** Why there was no answer. `no-turn`: its turn at Klaviyo's rates comes later than the call may wait; it was not sent. */
  failure?: "no-turn" | "unreachable" | "denied" | "timeout" | "connection" | "too-large" | "other";
  /** Milliseconds after which the request is sent again. Undefined: it is not. */
  repeatIn?: number;
  /** Milliseconds that it waited for its turn at Klaviyo's rates. */
  paced: number;
  /** Milliseconds from its sending to its end. */
  took: number;
}

/** Hears of each attempt. The call waits for it, so it returns at once; what it throws is a warning of the process. */
export type Observer = (attempt: Attempt) => void;

/** A call, when it has ended. It names no person, no key, and no id of Klaviyo's. */
export interface EndedCall {
  /** The function that was called, by its name in the contract, such as `contacts.opt-in`. */
  function: string;
  /** The code of the error that it failed with, such as `rate-limited`. Undefined: it succeeded. */
  code?: Code;
  /** Milliseconds from its beginning to its end, all that it waited included. */
  took: number;
  /** What it used. */
  usage: Readonly<Usage>;
}

/** Hears of each call that has ended, before its caller does. What it throws is a warning of the process. */
export type CallObserver = (call: EndedCall) => void;
