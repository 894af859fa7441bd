// The calls of one client: each waits for its place, runs, and ends in its time.

import type { Root } from "../generated/world.js";
import { Clock } from "./clock.js";
import type { Component, Ended } from "./component.js";
import { KlaviyoError } from "./error.js";
import type { Limits } from "./limits.js";
import type { CallOfFunction, OutboundHttp } from "./outbound-http.js";
import * as output from "./output.js";
import { Places } from "./places.js";
import type { CallOptions, Usage } from "./types/call.js";

type Interfaces = Pick<
  Root,
  "contacts" | "lists" | "segments" | "consent" | "events" | "changes" | "bulk" | "privacy" | "account" | "api"
>;

type Callable<I extends keyof Interfaces, F extends keyof Interfaces[I]> = Extract<
  Interfaces[I][F],
  (...values: never[]) => unknown
>;

/** Calls a function of the component. */
export type CallOf = <I extends keyof Interfaces, F extends keyof Interfaces[I] & string>(
  name: I,
  func: F,
  ...values: Parameters<Callable<I, F>>
) => Promise<ReturnType<Callable<I, F>>>;

export class Sandbox {
  readonly #component: Component;
  readonly #http: OutboundHttp;
  readonly #limits: Limits;
  readonly #released: () => void;
  readonly #places: Places;
  readonly #calls = new Set<Promise<unknown>>();
  #closing: Promise<void> | undefined;

  constructor(component: Component, http: OutboundHttp, limits: Limits, released: () => void) {
    this.#component = component;
    this.#http = http;
    this.#limits = limits;
    this.#released = released;
    this.#places = new Places(limits.concurrentCalls);
  }

  /** Calls a function of the component, with options, and counts what it uses. */
  async call<I extends keyof Interfaces, F extends keyof Interfaces[I] & string>(
    options: CallOptions,
    usage: Usage,
    name: I,
    func: F,
    ...values: Parameters<Callable<I, F>>
  ): Promise<ReturnType<Callable<I, F>>> {
    if (this.#closing) {
      throw new KlaviyoError("closed", "the client is closed; connect again", { usage });
    }
    const clock = new Clock(this.#limits, options.timeout, options.signal);
    const call = this.#run({ called: contractName(name, func), clock, usage, revision: options.revision }, values);
    this.#calls.add(call);
    const result = await call.finally(() => {
      clock.close();
      this.#calls.delete(call);
    });
    // Made here, where the stack still knows who called.
    if (!result) {
      throw this.#over(clock, options, usage);
    }
    if ("trap" in result) {
      throw new KlaviyoError("trap", `the component broke down: ${result.trap}; ${effect(usage)}`, { usage });
    }
    if (result.tag === "err") {
      throw output.error(result.val, usage);
    }
    return result.val as ReturnType<Callable<I, F>>;
  }

  /** Takes no more calls, and waits for those under way. */
  close(): Promise<void> {
    this.#closing ??= Promise.allSettled(this.#calls).then(() => this.#released());
    return this.#closing;
  }

  /** Runs a call in its place. Undefined: it was over before. */
  async #run(call: CallOfFunction, values: readonly unknown[]): Promise<Ended | undefined> {
    const { clock, usage } = call;
    const [late, waited] = await clock.wait(async ({ until, limit }) => {
      return (await this.#places.take(until, clock.signal)) ? undefined : limit;
    });
    usage.waited += waited;
    if (late) {
      clock.end(late);
      return undefined;
    }
    const send = this.#http.begin(call);
    try {
      const ended = await this.#component.call(call.called, values, async (request) => {
        const answer = await send(request);
        // Nobody waits for what the component would make of it.
        return clock.over ? Promise.reject(new Error("the call is over")) : answer;
      });
      return clock.over ? undefined : ended;
    } finally {
      this.#places.pass();
    }
  }

  #over({ over }: Clock, { timeout, signal }: CallOptions, usage: Usage): KlaviyoError {
    if (over === "signal") {
      return new KlaviyoError("cancelled", `the call was cancelled; ${effect(usage)}`, { usage, cause: signal?.reason });
    }
    const { time, wait, concurrentCalls } = this.#limits;
    const what =
      over === "limits.wait"
        ? `the call waited longer for one of the ${concurrentCalls} places of limits.concurrentCalls than the ${wait} ms that ${over} allows`
        : `the call took longer than the ${over === "timeout" ? timeout : time} ms that ${over ?? "limits.time"} allows`;
    return new KlaviyoError("timeout", `${what}; ${effect(usage)}`, { usage });
  }
}

function effect({ attempts }: Usage): string {
  return attempts > 0 ? "requests that it had sent may have taken effect" : "nothing was sent";
}

/** A function's name in the contract, such as `contacts.opt-in`. */
function contractName(name: string, func: string): string {
  return `${name}.${func.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}
