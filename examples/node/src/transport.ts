// One attempt at a request, in its time. The server is not trusted.

import type { Response } from "../generated/interfaces/klaviyo-connector-http.js";
import type { CheckedRequest } from "./check.js";
import type { Clock } from "./clock.js";
import type { Exchange } from "./exchange.js";
import type { Key } from "./key.js";
import { fromLatin1 } from "./latin1.js";
import type { Limits } from "./limits.js";
import { NoAnswer } from "./no-answer.js";

export class Transport {
  readonly #exchange: Exchange;
  readonly #key: Key;
  readonly #limits: Limits;

  constructor(exchange: Exchange, key: Key, limits: Limits) {
    this.#exchange = exchange;
    this.#key = key;
    this.#limits = limits;
  }

  /** Sends a request once and returns the answer, in which the key is overwritten, or throws why there is none. */
  async send(request: CheckedRequest, clock: Clock): Promise<Response> {
    const left = Math.max(clock.until - performance.now(), 0);
    const time = Math.min(this.#limits.attempt, left);
    const limit = time === this.#limits.attempt ? "limits.attempt" : `what was left of ${clock.limit}`;
    const { answer, stop } = this.#exchange(request, this.#limits);
    // Raced, for a `fetch` that does not listen to its signal.
    let timer: ReturnType<typeof setTimeout> | undefined;
    let ended = () => {};
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        reject(new NoAnswer("timeout", `no complete answer within ${Math.round(time)} ms, which is ${limit}`));
      }, time);
      ended = () => reject(new NoAnswer("timeout", "the call was stopped"));
      clock.signal.addEventListener("abort", ended);
    });
    try {
      const { status, headers, body } = await Promise.race([late, answer]);
      return {
        status,
        headers: headers.map(([name, value]) => ({
          name: this.#key.hideIn(name),
          value: this.#key.hideIn(fromLatin1(value)),
        })),
        body: this.#key.hide(body),
      };
    } catch (error) {
      // Whatever is left of the request is of no use to anybody.
      stop();
      throw error;
    } finally {
      clearTimeout(timer);
      clock.signal.removeEventListener("abort", ended);
    }
  }
}
