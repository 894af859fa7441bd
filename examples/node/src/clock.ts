// The time of a call.

import type { Limits } from "./limits.js";

/** Why a call is over before it has ended: the option that ends it. */
export type Over = "limits.time" | "limits.wait" | "timeout" | "signal";

/** A turn that a call waits for: until when, by `performance.now()`, and the option that this is. */
export interface Turn {
  until: number;
  limit: "limits.wait" | "timeout";
}

/** Part of the time that is left, and milliseconds at most, that the component gets to say what has happened. */
const LAST_PART = 20;
const LAST_MOMENT = 100;

/**
 * Counts the time that a call may take. `limits.time` stands still while the call waits for its turn. The `timeout` and the
 * signal of the caller count always.
 *
 * Not `AbortSignal.timeout`, which keeps Deno alive.
 */
export class Clock {
  /** Why the call is over; undefined: it is not. */
  over: Over | undefined;
  readonly #over = new AbortController();
  readonly #timeout: number;
  readonly #caller: AbortSignal | undefined;
  readonly #cancel = () => this.end("signal");
  #timerOfTimeout: ReturnType<typeof setTimeout> | undefined;
  #timerOfTime: ReturnType<typeof setTimeout> | undefined;
  /** What is left of `limits.time` and of `limits.wait`. */
  #time: number;
  #wait: number;
  /** Since when the time runs; undefined: the call waits. */
  #running: number | undefined;

  constructor({ time, wait }: Limits, timeout: number | undefined, caller: AbortSignal | undefined) {
    this.#time = time;
    this.#wait = wait;
    this.#timeout = timeout === undefined ? Infinity : performance.now() + timeout;
    this.#caller = caller;
    if (timeout !== undefined) {
      this.#timerOfTimeout = setTimeout(() => this.end("timeout"), timeout);
    }
    if (caller?.aborted) {
      this.#cancel();
    }
    caller?.addEventListener("abort", this.#cancel);
  }

  /** Aborted when the call is over. */
  get signal(): AbortSignal {
    return this.#over.signal;
  }

  /** Until when the call can go on and still say why in vain, by `performance.now()`. */
  get until(): number {
    return withoutLastMoment(Math.min(this.#timeEnds, this.#timeout));
  }

  /** The option that ends the call first. */
  get limit(): "limits.time" | "timeout" {
    return this.#timeEnds <= this.#timeout ? "limits.time" : "timeout";
  }

  get #timeEnds(): number {
    return (this.#running ?? performance.now()) + this.#time;
  }

  /** Waits for a turn. The time stands still meanwhile, and runs afterwards. It returns the milliseconds of that, too. */
  async wait<T>(come: (turn: Turn) => Promise<T>): Promise<[came: T, waited: number]> {
    const begun = performance.now();
    clearTimeout(this.#timerOfTime);
    this.#time -= begun - (this.#running ?? begun);
    this.#running = undefined;
    const until = begun + this.#wait;
    const came = await come(
      until <= this.#timeout
        ? { until, limit: "limits.wait" }
        : { until: withoutLastMoment(this.#timeout), limit: "timeout" },
    );
    this.#running = performance.now();
    const waited = this.#running - begun;
    this.#wait -= waited;
    this.#timerOfTime = setTimeout(() => this.end("limits.time"), Math.max(this.#time, 0));
    return [came, waited];
  }

  /** The call is over. */
  end(reason: Over): void {
    this.over ??= reason;
    this.#over.abort();
  }

  /** The call has ended. */
  close(): void {
    clearTimeout(this.#timerOfTimeout);
    clearTimeout(this.#timerOfTime);
    this.#caller?.removeEventListener("abort", this.#cancel);
  }

}

function withoutLastMoment(end: number): number {
  const now = performance.now();
  const left = Math.max(end - now, 0);
  return now + left - Math.min(left / LAST_PART, LAST_MOMENT);
}
