// The thread that waits for an answer, and what wakes it up.

import assert from "node:assert/strict";
import { test } from "node:test";
import { endlessPages, withClient } from "./support.js";

test("a thread that is woken up by the notification of an earlier answer waits for its own", async () => {
  const { notify } = Atomics;
  let flag;
  Atomics.notify = (array, at) => notify((flag = array), at);
  try {
    const pages = endlessPages();
    let page = 0;
    const fetch = async () => {
      page += 1;
      // The main thread may lose its turn between an answer and its notification, and the other ask again meanwhile.
      while (flag && notify(flag, 0) === 0) {
        await new Promise((resolve) => setImmediate(resolve));
      }
      return page < 14 ? pages() : Response.json({ data: [] });
    };
    await withClient({ fetch }, async (klaviyo) => {
      assert.deepEqual((await klaviyo.lists()).map(({ id }) => id), Array.from({ length: 13 }, (_, index) => `L${index + 1}`));
    });
  } finally {
    Atomics.notify = notify;
  }
});
