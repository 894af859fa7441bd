// The calls of one client: each waits for its place, runs, and ends in its time.

import type { Root } from "../generated/klaviyo.js";
import { Clock } from "./clock.js";
import { KlaviyoError } from "./error.js";
import type { Limits } from "./limits.js";
import type { Answer, OutboundHttp, Send } from "./outbound-http.js";
import * as output from "./output.js";
import { Places } from "./places.js";
import type { Ended, Task } from "./thread.js";
import type { Threads } from "./threads.js";
import type { CallOptions, Usage } from "./types/call.js";

/** After so many requests, or milliseconds of computing at a stretch, a call gets a thread that stays with it. */
const REPLAYED_REQUESTS = 8;
const REPLAYED_TIME = 20;

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
  readonly #threads: Threads;
  readonly #http: OutboundHttp;
  readonly #limits: Limits;
  readonly #released: () => void;
  readonly #places: Places;
  readonly #calls = new Set<Promise<unknown>>();
  #closing: Promise<void> | undefined;

  constructor(threads: Threads, http: OutboundHttp, limits: Limits, released: () => void) {
    this.#threads = threads;
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
    const clock = new Clock(this.#limits.time, options.timeout, options.signal);
    const call = this.#run({ interface: name, function: func, arguments: values }, clock, usage, options.revision);
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
    if ("err" in result) {
      throw output.error(result.err, usage);
    }
    return result.ok as ReturnType<Callable<I, F>>;
  }

  /** Takes no more calls, and waits for those under way. */
  close(): Promise<void> {
    this.#closing ??= Promise.allSettled(this.#calls).then(() => {
      this.#released();
      return this.#threads.release();
    });
    return this.#closing;
  }

  /** Runs a task in its place. Undefined: the call was over before. */
  async #run(task: Task, clock: Clock, usage: Usage, revision: string | undefined): Promise<Ended | undefined> {
    const begin = performance.now();
    const hasPlace = await this.#places.take(clock);
    usage.waited += performance.now() - begin;
    if (!hasPlace) {
      return undefined;
    }
    clock.start();
    try {
      return await this.#replayed(task, clock, this.#http.begin({ called: contractName(task), clock, usage, revision }));
    } finally {
      this.#places.pass();
    }
  }

  /**
   * Runs a task from its beginning after each answer, with all answers so far: the component does the same each time,
   * since it has nothing but its arguments and the answers. So no thread waits for a request while many calls run.
   */
  async #replayed(task: Task, clock: Clock, send: Send): Promise<Ended | undefined> {
    const answers: Answer[] = [];
    // Running once costs least, while there are threads enough.
    let stays = this.#threads.isQuiet;
    for (;;) {
      const result = await this.#threads.run({ ...task, answers }, clock, stays ? send : undefined);
      if (!result || clock.over || !("request" in result)) {
        return clock.over ? undefined : (result as Ended | undefined);
      }
      answers.push(await send(result.request));
      stays = answers.length >= REPLAYED_REQUESTS || result.took > REPLAYED_TIME;
    }
  }

  #over({ over }: Clock, { timeout, signal }: CallOptions, usage: Usage): KlaviyoError {
    if (over === "cancelled") {
      return new KlaviyoError("cancelled", `the call was cancelled; ${effect(usage)}`, { usage, cause: signal?.reason });
    }
    const limit = over === "timeout" ? `${timeout} ms that timeout` : `${this.#limits.time} ms that limits.time`;
    return new KlaviyoError("timeout", `the call took longer than the ${limit} allows; ${effect(usage)}`, { usage });
  }
}

function effect({ attempts }: Usage): string {
  return attempts > 0 ? "requests that it had sent may have taken effect" : "nothing was sent";
}

/** A function's name in the contract, such as `contacts.opt-in`. */
function contractName(task: Task): string {
  const kebab = task.function.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  return `${task.interface}.${kebab}`;
}
