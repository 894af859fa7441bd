/// <reference lib="esnext.disposable" preserve="true" />

import type { Limits } from "../limits.js";
import type { AccountFunctions } from "./account.js";
import type { ApiFunctions } from "./api.js";
import type { BulkFunctions } from "./bulk.js";
import type { CallObserver, Observer, Pace } from "./call.js";
import type { ChangesFunctions } from "./changes.js";
import type { ConsentFunctions } from "./consent.js";
import type { ContactsFunctions } from "./contacts.js";
import type { EventsFunctions } from "./events.js";
import type { ListsFunctions } from "./lists.js";
import type { PrivacyFunctions } from "./privacy.js";
import type { SegmentsFunctions } from "./segments.js";

/**
 * Sends a request and returns the answer, as the global `fetch` does, which is one. So is a function that gives what it gets to
 * the `fetch` of a library, such as undici's for a proxy.
 */
export type Fetch = (url: string, init: FetchRequest) => Promise<FetchAnswer>;

/** `Uint8Array<ArrayBuffer>`, which TypeScript before 5.7 has no word for. */
export type Bytes = ReturnType<typeof Uint8Array.of>;

/** What a `Fetch` is told besides the address. */
export interface FetchRequest {
  /** `GET`, `POST`, `PATCH` or `DELETE`. */
  method: string;
  /** With `Authorization`, in which the key is. */
  headers: Headers;
  /** Left out: the request has no body. */
  body?: Bytes;
  /** Redirects are not followed: the key would go elsewhere. */
  redirect: "manual";
  /** Is aborted when the request is over, by `limits.attempt`, a timeout or a signal. */
  signal: AbortSignal;
}

/** What a `Fetch` returns: the part of a `Response` that is read. */
export interface FetchAnswer {
  /** The HTTP status. */
  readonly status: number;
  /** Name and value of each header. */
  readonly headers: Iterable<[name: string, value: string]>;
  /** A stream of bytes. Null: there is no body. */
  readonly body: object | null;
}

/** What `connect` takes. */
export interface Options {
  /**
   * The account's private key, `pk_…`. White space around it is dropped. Left out: the variable `KLAVIYO_API_KEY` of the
   * environment.
   */
  key?: string | undefined;
  /**
   * An origin to talk to instead of `https://a.klaviyo.com`, such as a simulator or a gateway. With `http://` the key
   * is sent in clear.
   */
  endpoint?: string | undefined;
  /**
   * Sends requests instead of the global `fetch`. It gets the key, in the `Authorization` header. It may throw a
   * `KlaviyoError` with the code `denied`, `timeout`, `connection`, `too-large` or `other` to say why there is no
   * answer; whatever else it throws is `connection`, a `TimeoutError` is `timeout`.
   */
  fetch?: Fetch | undefined;
  /** What one call may use; what is left out has its default. */
  limits?: Partial<Limits> | undefined;
  /**
   * How fast requests go out. `published`, the default: at the rates that Klaviyo publishes for each endpoint and account,
   * and at lower ones where its answers say so; a number: at so many times those, for a simulator with higher ones;
   * `unlimited`: without rates, but for those of the answers. All clients of a key and an endpoint in the process share
   * them.
   */
  pace?: Pace | undefined;
  /** Hears of each attempt at a request, for logs and metrics. */
  observer?: Observer | undefined;
  /** Hears of each call that has ended, for logs and metrics. */
  callObserver?: CallObserver | undefined;
  /**
   * What `api.call` may ask for: `GET` of everything that the key may read, or everything that it may do; with `below`,
   * at and below these paths alone, compared by whole segments. What is left out is nothing.
   */
  api?: "read" | "all" | { allow: "read" | "all"; below?: readonly string[] | undefined } | undefined;
}

/** All functions of the contract. Each returns a `Call`, and takes `CallOptions` last. */
export type Functions = ContactsFunctions &
  ListsFunctions &
  SegmentsFunctions &
  ConsentFunctions &
  EventsFunctions &
  ChangesFunctions &
  BulkFunctions &
  PrivacyFunctions &
  AccountFunctions &
  ApiFunctions;

/** One Klaviyo account. */
export interface Klaviyo extends Functions, AsyncDisposable {
  /** Takes no more calls, and waits for those under way. */
  close(): Promise<void>;
}
