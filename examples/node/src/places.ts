// Places for calls that run at once.

export class Places {
  /** How many are taken. */
  taken = 0;
  readonly #count: number;
  readonly #waiting = new Set<() => void>();

  constructor(count: number) {
    this.#count = count;
  }

  /**
   * Waits for a place, in the order of coming. False: it did not come until then, by `performance.now()`, or the signal was
   * aborted.
   */
  async take(until: number, signal: AbortSignal): Promise<boolean> {
    if (signal.aborted) {
      return false;
    }
    if (this.taken < this.#count) {
      this.taken += 1;
      return true;
    }
    return new Promise((resolve) => {
      const settle = (hasPlace: boolean) => {
        clearTimeout(timer);
        signal.removeEventListener("abort", leave);
        this.#waiting.delete(begin);
        resolve(hasPlace);
      };
      const begin = () => settle(true);
      const leave = () => settle(false);
      const timer = setTimeout(leave, Math.max(until - performance.now(), 0));
      this.#waiting.add(begin);
      signal.addEventListener("abort", leave);
    });
  }

  /** Passes a place that was taken to the next call. */
  pass(): void {
    const [next] = this.#waiting;
    if (next) {
      next();
    } else {
      this.taken -= 1;
    }
  }
}
