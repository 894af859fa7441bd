// One attempt at a request, within the limits. The server is not trusted.

import { Buffer } from "node:buffer";
import type { Response } from "../generated/interfaces/klaviyo-connector-http.js";
import { size, type CheckedRequest } from "./check.js";
import type { Clock } from "./clock.js";
import type { Key } from "./key.js";
import type { Limits } from "./limits.js";
import { NoAnswer } from "./no-answer.js";

export class Transport {
  readonly #fetch: typeof fetch;
  readonly #key: Key;
  readonly #limits: Limits;

  constructor(send: typeof fetch, key: Key, limits: Limits) {
    this.#fetch = send;
    this.#key = key;
    this.#limits = limits;
  }

  /** Sends a request once and returns the answer, in which the key is overwritten, or throws why there is none. */
  async send({ url, init }: CheckedRequest, clock: Clock): Promise<Response> {
    const left = Math.max(clock.until - performance.now(), 0);
    const time = Math.min(this.#limits.attempt, left);
    const limit = time === this.#limits.attempt ? "limits.attempt" : `what was left of ${clock.limit}`;
    const over = new AbortController();
    // Raced, for a `fetch` that does not listen to its signal.
    let timer: ReturnType<typeof setTimeout> | undefined;
    let stop = () => {};
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        reject(new NoAnswer("timeout", `no complete answer within ${Math.round(time)} ms, which is ${limit}`));
      }, time);
      stop = () => reject(new NoAnswer("timeout", "the call was stopped"));
      clock.signal.addEventListener("abort", stop);
    });
    const send = this.#fetch;
    const inTime = async () => this.#read(await send(url, { ...init, signal: over.signal }));
    try {
      return await Promise.race([late, inTime()]);
    } finally {
      clearTimeout(timer);
      clock.signal.removeEventListener("abort", stop);
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
