// A clock for tests: time passes when all that runs waits for it.

/** Runs a test of which the timers and `performance.now()` are this clock's. */
export async function passing(test) {
  const [{ setTimeout, clearTimeout }, real] = [globalThis, performance.now];
  const timers = new Map();
  let [now, last] = [1_000, 0];
  globalThis.setTimeout = (run, milliseconds) => {
    timers.set((last += 1), { at: now + milliseconds, run });
    return last;
  };
  globalThis.clearTimeout = (timer) => timers.delete(timer);
  performance.now = () => now;
  let isOver = false;
  const ended = test().finally(() => (isOver = true));
  try {
    while (!isOver) {
      // All promises go on first.
      await new Promise((resolve) => setImmediate(resolve));
      const [first] = [...timers].sort(([, one], [, other]) => one.at - other.at);
      if (first) {
        const [timer, { at, run }] = first;
        timers.delete(timer);
        now = at;
        run();
      }
    }
    await ended;
  } finally {
    Object.assign(globalThis, { setTimeout, clearTimeout });
    performance.now = real;
  }
}
