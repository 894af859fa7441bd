import assert from "node:assert/strict";
import { test } from "node:test";
import { connect } from "klaviyo-connector";
import { CANARY, endlessPages, failure, findsPriya, json, silent, withClient } from "./support.js";

const BY = { email: "priya@example.com" };

test("limits.requests", async () => {
  await withClient({ fetch: endlessPages(), limits: { requests: 3 } }, async (klaviyo) => {
    await failure(klaviyo.lists(), "denied", "limits.requests");
  });
});

test("limits.requestBytes", async () => {
  const contact = { email: "priya@example.com", firstName: "x".repeat(2_000) };
  await withClient({ fetch: findsPriya, limits: { requestBytes: 1_000 } }, async (klaviyo) => {
    await failure(klaviyo.create(contact), "too-large", "limits.requestBytes");
  });
});

test("limits.headerBytes bounds the address as well", async () => {
  await withClient({ fetch: findsPriya, limits: { headerBytes: 500 } }, async (klaviyo) => {
    assert.equal((await klaviyo.lookup(BY)).firstName, "Priya");
    await failure(klaviyo.findList("x".repeat(500)), "too-large", "limits.headerBytes");
  });
});

test("limits.responseBytes holds whatever fetch does", async () => {
  const fetch = async () => new Response(" ".repeat(2_000));
  await withClient({ fetch, limits: { responseBytes: 1_000 } }, async (klaviyo) => {
    await failure(klaviyo.lookup(BY), "too-large", "limits.responseBytes");
  });
});

test("limits.memory ends a call that needs more, and no other", async () => {
  let fetch = endlessPages("x".repeat(8 * 1024 * 1024));
  const limits = { memory: 4 * 1024 * 1024 };
  await withClient({ fetch: (...request) => fetch(...request), limits }, async (klaviyo) => {
    await failure(klaviyo.lists(), "trap", "limits.memory");
    fetch = findsPriya;
    assert.equal((await klaviyo.lookup(BY)).firstName, "Priya");
  });
});

test("limits.memory below what the component begins with is told at once", async () => {
  await failure(connect({ key: CANARY, limits: { memory: 65_536 } }), "unloadable", "bytes");
});

test("limits.attempt and limits.time hold for a fetch that does not listen to its signal", async () => {
  const fetch = () => new Promise(() => {});
  await withClient({ fetch, limits: { attempt: 100 } }, async (klaviyo) => {
    await failure(klaviyo.lookup(BY), "timeout", "limits.attempt");
  });
  await withClient({ fetch, limits: { time: 200 } }, async (klaviyo) => {
    await failure(klaviyo.lookup(BY), "timeout", "limits.time");
  });
});

test("a fetch that listens is told when its time is over", async () => {
  let told;
  const fetch = (_, { signal }) => {
    told = new Promise((resolve) => signal.addEventListener("abort", resolve));
    return new Promise(() => {});
  };
  await withClient({ fetch, limits: { attempt: 100 } }, async (klaviyo) => {
    await failure(klaviyo.lookup(BY), "timeout");
    await told;
  });
});

test("limits.concurrentCalls", async () => {
  for (const concurrentCalls of [1, 3]) {
    const waiting = [];
    let most = 0;
    // Answers when so many have come, and a moment later, in which more would have come.
    const fetch = async () => {
      await new Promise((resolve) => {
        waiting.push(resolve);
        most = Math.max(most, waiting.length);
        if (waiting.length === concurrentCalls) {
          setTimeout(() => waiting.splice(0).forEach((answer) => answer()), 50);
        }
      });
      return findsPriya();
    };
    await withClient({ fetch, limits: { concurrentCalls } }, async (klaviyo) => {
      const found = await Promise.all(Array.from({ length: 12 }, () => klaviyo.lookup(BY)));
      assert.ok(found.every((profile) => profile.firstName === "Priya"));
      assert.equal(most, concurrentCalls);
    });
  }
});

test("the time of a call begins when it has its place", async () => {
  let release;
  const held = new Promise((resolve) => (release = resolve));
  const fetch = async () => {
    await held;
    return findsPriya();
  };
  await withClient({ fetch, limits: { concurrentCalls: 1, time: 3_000 } }, async (klaviyo) => {
    const first = failure(klaviyo.lookup(BY), "timeout", "limits.time");
    const begin = performance.now();
    const second = failure(klaviyo.lookup(BY), "timeout", "limits.time");
    await Promise.all([first, second]);
    assert.ok(performance.now() - begin > 5_500);
    release();
    assert.equal((await klaviyo.lookup(BY)).firstName, "Priya");
  });
});

test("limits.wait for a place", async () => {
  const { fetch, asked } = silent();
  await withClient({ fetch, limits: { concurrentCalls: 1, time: 1_000, wait: 200 } }, async (klaviyo) => {
    const first = failure(klaviyo.lookup(BY), "timeout", "limits.time");
    await asked;
    const error = await failure(klaviyo.lookup(BY), "timeout", "limits.wait");
    assert.ok(error.message.includes("nothing was sent") && error.usage.waited > 150, error.message);
    await first;
  });
});

test("a hundred different answers at once stay with their calls", async () => {
  const fetch = async (url) => {
    const [, name] = /(person\d+)/.exec(url);
    return json({ data: [{ type: "profile", id: name, attributes: { email: `${name}@example.com` } }] });
  };
  await withClient({ fetch }, async (klaviyo) => {
    const names = Array.from({ length: 100 }, (_, index) => `person${index}`);
    const found = await Promise.all(names.map((name) => klaviyo.lookup({ email: `${name}@example.com` })));
    assert.deepEqual(
      found.map(({ id }) => id),
      names,
    );
  });
});

test("the event loop goes on while a call waits", async () => {
  let ticks = 0;
  const fetch = async () => {
    await new Promise((resolve) => setTimeout(resolve, 200));
    return findsPriya();
  };
  await withClient({ fetch }, async (klaviyo) => {
    const timer = setInterval(() => (ticks += 1), 5);
    await klaviyo.lookup(BY);
    clearInterval(timer);
    assert.ok(ticks > 5, `${ticks} ticks`);
  });
});

test("a limit is a whole number above 0, with a name that there is", async () => {
  for (const value of [0, -1, 1.5, NaN, Infinity, "1000", 2 ** 31, true, {}]) {
    const error = await failure(connect({ key: CANARY, limits: { time: value } }), "invalid-input", "limits.time");
    assert.equal(error.details[0].pointer, "limits/time");
  }
  await failure(connect({ key: CANARY, limits: { timeout: 1 } }), "invalid-input", "timeout");
  await withClient({ limits: { time: undefined, memory: null } }, async () => {});
});
