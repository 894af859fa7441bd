// The time of a call.

/** Why a call is over before it has ended. */
export type Over = "time" | "timeout" | "cancelled";

/** Part of the time that is left, and milliseconds at most, that the component gets to say what has happened. */
const LAST_PART = 20;
const LAST_MOMENT = 100;

/**
 * Counts the time that a call may take, once it has started: a call that waits for a place does not use its time. The
 * `timeout` and the signal of the caller count always.
 *
 * Not `AbortSignal.timeout`, which keeps Deno alive.
 */
export class Clock {
  /** Why the call is over; undefined: it is not. */
  over: Over | undefined;
  readonly #over = new AbortController();
  readonly #timeout: number;
  readonly #caller: AbortSignal | undefined;
  readonly #timers: (ReturnType<typeof setTimeout> | undefined)[] = [];
  readonly #cancel = () => this.#end("cancelled");
  #left: number;
  #started: number | undefined;

  constructor(time: number, timeout: number | undefined, caller: AbortSignal | undefined) {
    this.#left = time;
    this.#timeout = timeout === undefined ? Infinity : performance.now() + timeout;
    this.#caller = caller;
    if (timeout !== undefined) {
      this.#timers[0] = setTimeout(() => this.#end("timeout"), timeout);
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

  /** Until when the call can wait and still say why in vain, by `performance.now()`. Its time is running. */
  get until(): number {
    const now = performance.now();
    const left = Math.max(Math.min((this.#started ?? now) + this.#left, this.#timeout) - now, 0);
    return now + left - Math.min(left / LAST_PART, LAST_MOMENT);
  }

  /** The option that ends the call first. */
  get limit(): "limits.time" | "timeout" {
    return (this.#started ?? performance.now()) + this.#left <= this.#timeout ? "limits.time" : "timeout";
  }

  /** The time begins to run. */
  start(): void {
    this.#started = performance.now();
    this.#timers[1] = setTimeout(() => this.#end("time"), Math.max(this.#left, 0));
  }

  /** The call has ended. */
  close(): void {
    this.#timers.forEach((timer) => clearTimeout(timer));
    this.#caller?.removeEventListener("abort", this.#cancel);
  }

  #end(reason: Over): void {
    this.over ??= reason;
    this.#over.abort();
  }
}
