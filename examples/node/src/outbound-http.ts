// Sends the requests of the component: checks them, adds the key, keeps the limits. Neither the component nor the server
// is trusted.

import { Buffer } from "node:buffer";
import type { Error as HttpError, Header, Request, Response } from "../generated/interfaces/klaviyo-connector-http.js";
import { refusal, type Access } from "./access.js";
import { route } from "./endpoint.js";
import { KlaviyoError } from "./error.js";
import type { Key } from "./key.js";
import type { Limits } from "./limits.js";
import { RevisionWarnings } from "./revision.js";

/** What the component's import returns or throws. */
export type Answer = { tag: "ok"; val: Response } | { tag: "err"; val: HttpError };

export type Send = (request: Request) => Promise<Answer>;

/** Headers that only the host may set, or that change how a message is transferred. */
const FORBIDDEN_HEADERS = new Set([
  "authorization",
  "host",
  "accept-encoding",
  "connection",
  "content-length",
  "cookie",
  "expect",
  "forwarded",
  "http2-settings",
  "keep-alive",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "via",
]);

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const HEADER_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

/** What a header's line has beside its name and value. */
const LINE = ": \r\n".length;

/** How much is told of why a connection failed. */
const SHOWN_REASON_LENGTH = 300;

class NoAnswer extends Error {
  readonly tag: HttpError["tag"];

  constructor(tag: HttpError["tag"], message: string) {
    super(message);
    this.tag = tag;
  }
}

export class OutboundHttp {
  readonly #key: Key;
  readonly #endpoint: string | undefined;
  readonly #fetch: typeof fetch;
  readonly #limits: Limits;
  readonly #api: Access | undefined;
  readonly #revisions = new RevisionWarnings();

  constructor(
    key: Key,
    endpoint: string | undefined,
    send: typeof fetch,
    limits: Limits,
    api: Access | undefined,
  ) {
    this.#key = key;
    this.#endpoint = endpoint;
    this.#fetch = send;
    this.#limits = limits;
    this.#api = api;
  }

  /**
   * What sends the requests of one call of this function, which has until `deadline`, by `performance.now()`, unless it
   * is aborted.
   */
  begin(called: string, deadline: number, signal: AbortSignal): Send {
    let requests = 0;
    return async (request) => {
      try {
        requests += 1;
        if (requests > this.#limits.requests) {
          throw new NoAnswer(
            "denied",
            `the call has made the ${this.#limits.requests} requests that limits.requests allows`,
          );
        }
        const answer = await this.#exchange(...this.#checked(called, request), deadline, signal);
        this.#revisions.note(request.headers, answer.headers);
        return { tag: "ok", val: answer };
      } catch (error) {
        const { tag, message } = reasonOf(error);
        return { tag: "err", val: { tag, val: this.#key.hideIn(message) } };
      }
    };
  }

  #checked(called: string, request: Request): [url: string, init: RequestInit] {
    const { headerBytes, requestBytes } = this.#limits;
    const bytes =
      request.url.length + request.auth.length + size(request.headers.map(({ name, value }) => [name, value]));
    if (bytes > headerBytes) {
      throw new NoAnswer(
        "too-large",
        `the request's address and headers have ${bytes} bytes, and limits.headerBytes allows ${headerBytes}`,
      );
    }
    if (request.body.length > requestBytes) {
      throw new NoAnswer(
        "too-large",
        `the request's body has ${request.body.length} bytes, and limits.requestBytes allows ${requestBytes}`,
      );
    }
    const routed = route(request.url, this.#endpoint);
    if ("reason" in routed) {
      throw new NoAnswer("denied", routed.reason);
    }
    const path = request.url.slice(new URL(request.url).origin.length).split("?")[0] ?? "";
    const refused = refusal(this.#api, called, { function: request.function, method: request.method, path });
    if (refused) {
      throw new NoAnswer("denied", refused);
    }
    if (!TOKEN.test(request.auth)) {
      throw new NoAnswer("denied", "the request's authorization scheme is not a single word");
    }
    const headers = new Headers();
    for (const header of request.headers) {
      headers.append(...checkedHeader(header));
    }
    headers.set("authorization", this.#key.authorization(request.auth));
    const init: RequestInit = { method: request.method.toUpperCase(), headers, redirect: "manual" };
    if (request.body.length > 0) {
      init.body = request.body as Uint8Array<ArrayBuffer>;
    }
    return [routed.url, init];
  }

  async #exchange(url: string, init: RequestInit, deadline: number, signal: AbortSignal): Promise<Response> {
    const left = Math.max(deadline - performance.now(), 0);
    // The component needs a moment to say what has happened.
    const time = Math.min(this.#limits.attempt, left - Math.min(left / 20, 100));
    const limit = time === this.#limits.attempt ? "limits.attempt" : "what was left of limits.time";
    const over = new AbortController();
    signal.addEventListener("abort", () => over.abort(), { signal: over.signal });
    // Raced, for a `fetch` that does not listen to its signal.
    const late = new Promise<never>((_, reject) => {
      const timer = setTimeout(() => {
        reject(new NoAnswer("timeout", `no complete answer within ${Math.round(time)} ms, which is ${limit}`));
      }, time);
      over.signal.addEventListener("abort", () => {
        clearTimeout(timer);
        reject(new NoAnswer("timeout", "the call was stopped"));
      });
    });
    late.catch(() => {});
    const send = this.#fetch;
    const inTime = async () => this.#read(await send(url, { ...init, signal: over.signal }));
    try {
      return await Promise.race([late, inTime()]);
    } finally {
      // Whatever is left of the request is of no use to anybody.
      over.abort();
    }
  }

  async #read(answer: globalThis.Response): Promise<Response> {
    const { status } = answer;
    if (!Number.isInteger(status) || status < 100 || status > 999) {
      throw new NoAnswer("other", "fetch returned an answer without a status");
    }
    const { headerBytes } = this.#limits;
    const headers = Array.from(answer.headers);
    if (size(headers) > headerBytes) {
      throw new NoAnswer(
        "too-large",
        `the answer's headers are larger than the ${headerBytes} bytes that limits.headerBytes allows`,
      );
    }
    return {
      status,
      // `fetch` makes a character of each byte; what is not UTF-8 becomes replacement characters.
      headers: headers.map(([name, value]) => ({
        name: this.#key.hideIn(name),
        value: this.#key.hide(Buffer.from(value, "latin1")).toString(),
      })),
      body: this.#key.hide(await this.#body(answer)),
    };
  }

  async #body(answer: globalThis.Response): Promise<Uint8Array> {
    const { responseBytes } = this.#limits;
    const chunks: Uint8Array[] = [];
    let length = 0;
    for await (const chunk of answer.body ?? []) {
      if (!ArrayBuffer.isView(chunk)) {
        throw new NoAnswer("other", "fetch returned a body that is not of bytes");
      }
      length += chunk.length;
      if (length > responseBytes) {
        throw new NoAnswer(
          "too-large",
          `the answer's body is larger than the ${responseBytes} bytes that limits.responseBytes allows`,
        );
      }
      chunks.push(chunk);
    }
    // A buffer of its own, so that it can be handed over to the thread and not copied.
    const body = new Uint8Array(length);
    let at = 0;
    for (const chunk of chunks) {
      body.set(chunk, at);
      at += chunk.length;
    }
    return body;
  }
}

function checkedHeader({ name, value }: Header): [name: string, value: string] {
  if (!TOKEN.test(name)) {
    throw new NoAnswer("denied", `${JSON.stringify(name.slice(0, 40))} is not the name of a header`);
  }
  if (FORBIDDEN_HEADERS.has(name.toLowerCase())) {
    throw new NoAnswer("denied", `the header ${name.toLowerCase()} is the host's, and the component must not send one`);
  }
  const bytes = Buffer.from(value).toString("latin1");
  // Looked at here, since `Headers` takes line ends away where they are at an end.
  if (!HEADER_VALUE.test(bytes)) {
    throw new NoAnswer("denied", `the value of the header ${name} has characters that no header may have`);
  }
  return [name, bytes];
}

function size(headers: readonly (readonly [string, string])[]): number {
  return headers.reduce((bytes, [name, value]) => bytes + name.length + value.length + LINE, 0);
}

const TAGS: readonly string[] = ["denied", "timeout", "connection", "too-large", "other"] satisfies HttpError["tag"][];

function reasonOf(error: unknown): { tag: HttpError["tag"]; message: string } {
  if (error instanceof NoAnswer) {
    return error;
  }
  if (error instanceof KlaviyoError && TAGS.includes(error.code)) {
    return { tag: error.code as HttpError["tag"], message: error.message };
  }
  if (!(error instanceof Error)) {
    return { tag: "connection", message: "fetch failed, and threw no error" };
  }
  // Of `fetch` itself it is always "fetch failed".
  const cause: Error & { code?: string } = error.cause instanceof Error ? error.cause : error;
  const reason = cause.message || cause.code || cause.name;
  const message = `fetch failed: ${reason.slice(0, SHOWN_REASON_LENGTH)}`;
  // Node's `fetch` has a limit of its own: 16 KiB, unless `--max-http-header-size` says otherwise.
  const tag =
    cause.code === "UND_ERR_HEADERS_OVERFLOW" ? "too-large" : error.name === "TimeoutError" ? "timeout" : "connection";
  return { tag, message };
}
