// Memories for calls, each of which has one of its own.
//
// A memory that did not grow is cleared when its call has returned, and used again: in Bun, which keeps few memories apart by
// the address space around them, each further one waits for a collection of garbage.

import contract from "../generated/contract.js";

const PAGE = 64 * 1024;

/** The most pages of a memory. */
const MOST_PAGES = 65_536;

/** How many cleared memories are kept, for all clients together: as many calls as are often under way at once. */
const KEPT = 64;

interface Cleared {
  memory: WebAssembly.Memory;
  maximum: number;
}

const kept: Cleared[] = [];

/** Memories of at most so many bytes, a multiple of pages. */
export class Memories {
  readonly #maximum: number;

  /** It throws a `RangeError` where no call can begin with so few bytes. */
  constructor(limit: number) {
    if (limit < contract.memory) {
      throw new RangeError(`it needs ${contract.memory} bytes of limits.memory to begin with`);
    }
    this.#maximum = Math.min(Math.floor(limit / PAGE), MOST_PAGES);
  }

  /** A memory with nothing in it. */
  take(): WebAssembly.Memory {
    const maximum = this.#maximum;
    const index = kept.findLastIndex((cleared) => cleared.maximum === maximum);
    const [cleared] = index < 0 ? [] : kept.splice(index, 1);
    return cleared?.memory ?? new WebAssembly.Memory({ initial: contract.memory / PAGE, maximum });
  }

  /** Takes a memory back whose call has returned. Nothing may use it from here on. */
  giveBack(memory: WebAssembly.Memory): void {
    if (memory.buffer.byteLength === contract.memory && kept.length < KEPT) {
      new Uint8Array(memory.buffer).fill(0);
      kept.push({ memory, maximum: this.#maximum });
    }
  }
}
