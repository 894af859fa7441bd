// What sends a request and reads its answer, within the limits of bytes.

import { size, type CheckedRequest } from "./check.js";
import type { Limits } from "./limits.js";
import { NoAnswer } from "./no-answer.js";

/** An answer as it came, its body decompressed. */
export interface Received {
  status: number;
  /** A character for each byte. */
  headers: [name: string, value: string][];
  body: Uint8Array;
}

/** Sends a request once. `stop` ends it before it has ended. */
export type Exchange = (request: CheckedRequest, limits: Limits) => { answer: Promise<Received>; stop: () => void };

/** Looks at the headers of an answer before its body is read. */
export function checkHeaders(headers: Received["headers"], limits: Limits): void {
  if (size(headers) > limits.headerBytes) {
    throw headersTooLarge(limits);
  }
}

export function headersTooLarge({ headerBytes }: Limits): NoAnswer {
  return new NoAnswer(
    "too-large",
    `the answer's headers are larger than the ${headerBytes} bytes that limits.headerBytes allows`,
  );
}

/** A body, as it comes. */
export class Body {
  readonly #limit: number;
  readonly #chunks: Uint8Array[] = [];
  #length = 0;

  constructor({ responseBytes }: Limits) {
    this.#limit = responseBytes;
  }

  add(chunk: Uint8Array): void {
    this.#length += chunk.length;
    if (this.#length > this.#limit) {
      throw new NoAnswer(
        "too-large",
        `the answer's body is larger than the ${this.#limit} bytes that limits.responseBytes allows`,
      );
    }
    this.#chunks.push(chunk);
  }

  /** All of it, in a buffer of its own, in which the key can be overwritten. */
  whole(): Uint8Array {
    const body = new Uint8Array(this.#length);
    let at = 0;
    for (const chunk of this.#chunks) {
      body.set(chunk, at);
      at += chunk.length;
    }
    return body;
  }
}
