// When to send a request again: the rules of `klaviyo-host`.

import type { NoAnswer } from "./no-answer.js";

const FIRST_PAUSE = 500;
const LONGEST_PAUSE = 30_000;

/**
 * Milliseconds to wait after this attempt where Klaviyo names no time: half a second, doubling, up to 30 s, lengthened by
 * a random part of itself, so that many callers do not come back at once.
 */
export function pauseAfter(attempt: number): number {
  return Math.min(FIRST_PAUSE * 2 ** (attempt - 1), LONGEST_PAUSE) * (1 + Math.random());
}

/**
 * Whether the same request may be sent again. A request without effect always may; one that may have taken effect only if
 * a second one is `harmless`.
 */
export function mayRepeat(harmless: boolean, outcome: { status: number } | NoAnswer): boolean {
  if ("status" in outcome) {
    // Klaviyo refuses with 429 before a request has an effect. A gateway answers the others; Klaviyo behind it may have
    // carried out the request.
    return outcome.status === 429 || (harmless && [502, 503, 504, 524].includes(outcome.status));
  }
  return outcome.isUnsent || (harmless && ["connection", "timeout"].includes(outcome.tag));
}

const HTTP_DATE = /^[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT$/;

/** Milliseconds of a `Retry-After`: seconds, or a date. Undefined: it cannot be read. */
export function retryAfter(value: string): number | undefined {
  if (/^\d+$/.test(value)) {
    return Number(value) * 1_000;
  }
  const date = HTTP_DATE.test(value) ? Date.parse(value) : NaN;
  return Number.isNaN(date) ? undefined : Math.max(date - Date.now(), 0);
}
