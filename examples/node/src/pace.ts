// Keeps to Klaviyo's rates, so that 429 stays the exception: the rules of `klaviyo-host`.
//
// Packages for rates (bottleneck, limiter, p-throttle) count a request when it is sent, know one window or two, and
// cannot be told by answers; with all of that around one of them, nothing of it would be left.

import type { Endpoint } from "./endpoints.js";
import type { Pace } from "./types/call.js";

/** The longest time, in milliseconds, for which one answer can hold the other calls of an account. */
const LONGEST_HOLD = 600_000;

/**
 * The longest round trip, in milliseconds, that is taken to be the same for all requests: a network that stands still for
 * a while does not make it worthless.
 */
const LONGEST_ROUND_TRIP = 500;

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const DAY = 24 * 60 * MINUTE;

/** No timer of JavaScript is longer. */
const LONGEST_TIMER = 2 ** 31 - 1;

/**
 * At most `limit` requests in any `length` of time.
 *
 * Klaviyo counts a request at some moment between its sending and its answer. The window counts it from before it is
 * sent until `length` after `RoundTrip.latestCount`, so that Klaviyo never counts more.
 */
interface Window {
  length: number;
  published: number;
  limit: number;
  inFlight: number;
  /** When Klaviyo has counted the requests that have ended, at the latest. The earliest comes first. */
  counted: number[];
  /** When it had no room for another request, the last time. */
  full: number;
}

/**
 * The least time from the sending of a request to its answer. It is the same part of every request's time, and moves all of
 * Klaviyo's counts alike, which leaves the time between two of them as it is.
 *
 * It is wrong while the way to Klaviyo becomes shorter: counts then are closer together than their requests, by what the
 * way is shorter, until an answer that comes sooner. Making a connection makes a way longer, so that the round trips of
 * requests that were sent before the first success, and made connections, say nothing of those after it.
 */
class RoundTrip {
  #firstSuccess = Infinity;
  #least = Infinity;

  /** When Klaviyo has counted a request that it has carried out, at the latest. */
  latestCount(sent: number, answered: number): number {
    if (this.#firstSuccess === Infinity) {
      this.#firstSuccess = answered;
    }
    if (this.#firstSuccess <= sent) {
      this.#least = Math.min(this.#least, answered - sent, LONGEST_ROUND_TRIP);
    }
    return this.#least === Infinity ? answered : Math.max(sent, answered - this.#least);
  }
}

/** A call that waits for its turn. */
interface Waiting {
  until: number;
  settle: (permit: Permit | undefined) => void;
}

/** A request that was sent and not yet answered. */
export interface Permit {
  /** Reads an answer, which has just come. */
  learn(status: number, header: (name: string) => string | undefined): void;
  /** Holds all requests of the endpoint for so many milliseconds, after Klaviyo has answered 429. */
  hold(pause: number): void;
  /** The request has ended. */
  end(): void;
}

/** The pace of one account, shared by all of its calls. Klaviyo counts for each endpoint, and so there is a lane for each. */
export class Pacer {
  readonly #pace: Pace;
  readonly #lanes = new Map<string, Lane>();

  constructor(pace: Pace) {
    this.#pace = pace;
  }

  /**
   * Waits for a turn at this endpoint. Undefined: it would come after `until`, by `performance.now()`, or the signal was
   * aborted.
   */
  permit(endpoint: Endpoint, until: number, signal: AbortSignal): Promise<Permit | undefined> {
    let lane = this.#lanes.get(endpoint.name);
    if (!lane) {
      lane = new Lane(windows(this.#pace, endpoint));
      this.#lanes.set(endpoint.name, lane);
    }
    return lane.permit(until, signal);
  }

  /** Whether nothing that it remembers matters any more. */
  get isIdle(): boolean {
    return Array.from(this.#lanes.values()).every((lane) => lane.isIdle);
  }
}

function windows(pace: Pace, { burst, steady, daily }: Endpoint): Window[] {
  if (pace === "unlimited") {
    return [];
  }
  const times = pace === "published" ? 1 : pace;
  const published: [number | undefined, number][] = [
    [burst, SECOND],
    [steady, MINUTE],
    [daily, DAY],
  ];
  return published.flatMap(([rate, length]) => {
    const limit = (rate ?? 0) * times;
    return rate === undefined ? [] : [{ length, published: limit, limit, inFlight: 0, counted: [], full: -Infinity }];
  });
}

class Lane {
  /** A second, a minute and, at some endpoints, a day; empty if the pace is unlimited. */
  readonly #windows: Window[];
  /** In the order of their arrival. */
  readonly #waiting = new Set<Waiting>();
  /** No request is sent before this. */
  #hold = 0;
  readonly #roundTrip = new RoundTrip();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(windows: Window[]) {
    this.#windows = windows;
  }

  permit(until: number, signal: AbortSignal): Promise<Permit | undefined> {
    return new Promise((resolve) => {
      const now = performance.now();
      if (signal.aborted || this.#hold >= until) {
        resolve(undefined);
        return;
      }
      const leave = () => {
        waiting.settle(undefined);
        this.#pass();
      };
      const timer = setTimeout(leave, Math.min(Math.max(until - now, 0), LONGEST_TIMER));
      const waiting: Waiting = {
        until,
        settle: (permit) => {
          clearTimeout(timer);
          signal.removeEventListener("abort", leave);
          this.#waiting.delete(waiting);
          resolve(permit);
        },
      };
      signal.addEventListener("abort", leave);
      this.#waiting.add(waiting);
      this.#pass();
    });
  }

  get isIdle(): boolean {
    const now = performance.now();
    this.#windows.forEach((window) => forget(window, now));
    const isEmpty = this.#windows.every((window) => requestsIn(window) === 0);
    return isEmpty && this.#waiting.size === 0 && this.#hold <= now;
  }

  /** Lets those go whose turn it is, and tells those whose turn will come too late. */
  #pass(): void {
    clearTimeout(this.#timer);
    for (const first of this.#waiting) {
      const now = performance.now();
      const ready = this.#take(now);
      if (ready === "taken") {
        first.settle(this.#permit(now));
      } else if (ready !== "unknown" && ready >= first.until) {
        first.settle(undefined);
      } else {
        if (ready !== "unknown") {
          this.#timer = setTimeout(() => this.#pass(), Math.min(Math.max(ready - now, 1), LONGEST_TIMER));
        }
        return;
      }
    }
  }

  /**
   * Counts a request in every window, or returns the earliest time at which there may be room in all: unknown if that
   * depends on unanswered requests alone.
   */
  #take(now: number): "taken" | "unknown" | number {
    if (this.#hold > now) {
      return this.#hold;
    }
    let ready: "taken" | "unknown" | number = "taken";
    for (const window of this.#windows) {
      forget(window, now);
      const excess = requestsIn(window) - window.limit;
      if (excess >= 0) {
        const counted: number | undefined = window.counted[excess];
        const known: number | undefined = typeof ready === "number" ? ready : undefined;
        ready = counted === undefined ? (known ?? "unknown") : Math.max(known ?? 0, counted + window.length);
      }
    }
    if (ready === "taken") {
      for (const window of this.#windows) {
        window.inFlight += 1;
        noteFull(window, now);
      }
    }
    return ready;
  }

  #permit(sent: number): Permit {
    /** When Klaviyo has counted the request, at the latest. Undefined: as far as is known, at its end. */
    let counted: number | undefined;
    return {
      learn: (status, header) => {
        const now = performance.now();
        // What is refused is answered sooner.
        counted = status >= 200 && status < 300 ? this.#roundTrip.latestCount(sent, now) : undefined;
        this.#learn(header, sent, now);
      },
      hold: (pause) => this.#holdFor(pause),
      end: () => {
        const at = counted ?? performance.now();
        for (const window of this.#windows) {
          window.inFlight -= 1;
          // It is among the last ones.
          const before = window.counted.findLastIndex((other) => other <= at);
          window.counted.splice(before + 1, 0, at);
        }
        this.#pass();
      },
    };
  }

  /**
   * `Ratelimit-Limit: 75, 75;w=1, 700;w=60` has a limit for each window, `Ratelimit-Remaining` and `Ratelimit-Reset`
   * (seconds) are about the window that is nearest to its limit.
   */
  #learn(header: (name: string) => string | undefined, sent: number, now: number): void {
    for (const item of (header("ratelimit-limit") ?? "").split(",")) {
      const [, limit, length] = /^\s*(\d{1,15})\s*;w=(\d{1,15})\s*$/.exec(item) ?? [];
      for (const window of this.#windows.filter((window) => window.length === Number(length) * SECOND)) {
        window.limit = Math.min(Math.max(Number(limit), 1), window.published);
      }
    }
    const [remaining, seconds] = [header("ratelimit-remaining"), header("ratelimit-reset")];
    if (/^0+$/.test(remaining ?? "") && /^\d+$/.test(seconds ?? "")) {
      // 0 seconds means less than one.
      const reset = Math.max(Number(seconds), 1) * SECOND;
      // Other programs may use the same account's rates. What our own requests have used up, a window waits for.
      if (!this.#windows.some((window) => window.length >= reset && wasFull(window, sent, now))) {
        this.#holdFor(reset);
      }
    }
  }

  #holdFor(pause: number): void {
    this.#hold = Math.max(this.#hold, performance.now() + Math.min(pause, LONGEST_HOLD));
  }
}

function requestsIn({ inFlight, counted }: Window): number {
  return inFlight + counted.length;
}

function forget({ counted, length }: Window, now: number): void {
  const kept = counted.findIndex((time) => time + length > now);
  counted.splice(0, kept < 0 ? counted.length : kept);
}

function noteFull(window: Window, now: number): void {
  if (requestsIn(window) >= window.limit) {
    window.full = now;
  }
}

/** Whether a window has had no room at some time since then. */
function wasFull(window: Window, since: number, now: number): boolean {
  forget(window, now);
  noteFull(window, now);
  return window.full >= since;
}

/** The pacer of an account, and what tells that a client needs it no longer. */
type PacerOf = (account: string, pace: Pace) => { pacer: Pacer; release: () => void };

/** How many accounts there may be until those are looked for that need not be remembered. */
const FEW = 256;

/** A function and not a map, since nobody can list what it remembers: the names of accounts have keys in them. */
function accounts(): PacerOf {
  const known = new Map<string, { pacer: Pacer; clients: number }>();
  let most = FEW;
  return (account, pace) => {
    const name = `${pace} ${account}`;
    if (known.size >= most) {
      for (const [other, { pacer, clients }] of known) {
        if (clients === 0 && pacer.isIdle) {
          known.delete(other);
        }
      }
      most = Math.max(known.size * 2, FEW);
    }
    const entry = known.get(name) ?? { pacer: new Pacer(pace), clients: 0 };
    known.set(name, entry);
    entry.clients += 1;
    return { pacer: entry.pacer, release: () => (entry.clients -= 1) };
  };
}

/** The number changes with what is shared. */
const SHARED = Symbol.for("klaviyo-connector accounts 3");

/**
 * The accounts of this process. Klaviyo counts for an account, however many clients it has, and after they are closed; and
 * however many copies of this module there are: that which is imported, that which is required, and those in bundles.
 */
export const pacerOf: PacerOf = ((globalThis as { [SHARED]?: PacerOf })[SHARED] ??= accounts());
