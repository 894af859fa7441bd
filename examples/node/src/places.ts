// Places for calls that run at once.

import type { Clock } from "./clock.js";

export class Places {
  /** How many are taken. */
  taken = 0;
  readonly #count: number;
  readonly #waiting = new Set<() => void>();

  constructor(count: number) {
    this.#count = count;
  }

  /** Waits for a place, in the order of coming. False: the call was over before. */
  async take({ signal }: Clock): Promise<boolean> {
    if (signal.aborted) {
      return false;
    }
    if (this.taken < this.#count) {
      this.taken += 1;
      return true;
    }
    return new Promise((resolve) => {
      const leave = () => {
        this.#waiting.delete(begin);
        resolve(false);
      };
      const begin = () => {
        signal.removeEventListener("abort", leave);
        resolve(true);
      };
      this.#waiting.add(begin);
      signal.addEventListener("abort", leave);
    });
  }

  /** Passes a place that was taken to the next call. */
  pass(): void {
    const [next] = this.#waiting;
    if (next) {
      this.#waiting.delete(next);
      next();
    } else {
      this.taken -= 1;
    }
  }
}
