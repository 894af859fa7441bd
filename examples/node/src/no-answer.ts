// Why a request has no answer.

import type { Error as HttpError } from "../generated/interfaces/klaviyo-connector-http.js";
import { KlaviyoError } from "./error.js";

/** How much is told of why a connection failed. */
const SHOWN_REASON_LENGTH = 300;

export class NoAnswer extends Error {
  readonly tag: HttpError["tag"];
  /** No connection was made, so the request has had no effect. */
  readonly isUnsent: boolean;

  constructor(tag: HttpError["tag"], message: string, isUnsent = false) {
    super(message);
    this.tag = tag;
    this.isUnsent = isUnsent;
  }
}

const TAGS: readonly string[] = ["denied", "timeout", "connection", "too-large", "other"] satisfies HttpError["tag"][];

/** The codes of Node, its `fetch` and Bun for a connection that was never made. */
const UNREACHABLE: readonly unknown[] = [
  "ECONNREFUSED",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENOTFOUND",
  "EAI_AGAIN",
  "UND_ERR_CONNECT_TIMEOUT",
  "ConnectionRefused",
];

/** The words of Deno's `fetch` for one, which has no code. */
const DENO_UNREACHABLE = "client error (Connect)";

/** What was thrown while a request was sent, as a reason. */
export function reasonOf(error: unknown): NoAnswer {
  if (error instanceof NoAnswer) {
    return error;
  }
  if (error instanceof KlaviyoError && TAGS.includes(error.code)) {
    return new NoAnswer(error.code as HttpError["tag"], error.message);
  }
  if (!(error instanceof Error)) {
    return new NoAnswer("connection", "fetch failed, and threw no error");
  }
  // Of `fetch` itself it is always "fetch failed".
  const cause: Error & { code?: string } = error.cause instanceof Error ? error.cause : error;
  const reason = cause.message || cause.code || cause.name;
  const message = `fetch failed: ${reason.slice(0, SHOWN_REASON_LENGTH)}`;
  // Node's `fetch` has a limit of its own: 16 KiB, unless `--max-http-header-size` says otherwise.
  if (cause.code === "UND_ERR_HEADERS_OVERFLOW") {
    return new NoAnswer("too-large", message);
  }
  const isUnsent = UNREACHABLE.includes(cause.code) || message.includes(DENO_UNREACHABLE);
  return new NoAnswer(error.name === "TimeoutError" ? "timeout" : "connection", message, isUnsent);
}
