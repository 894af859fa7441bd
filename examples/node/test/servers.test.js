// Servers that misbehave, on real sockets: whatever they send, or do not, a call returns a value or an error in time.

import assert from "node:assert/strict";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { answer, CANARY, failure, PRIYA, withClient, withServer } from "./support.js";

const BY = { email: "priya@example.com" };
const FOUND = answer("200 OK", "content-type: application/vnd.api+json\r\n", JSON.stringify(PRIYA));
const SHORT = 'HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{"data":[';

/** Looks Priya up at a server that responds like this. */
function atServer(respond, test, limits = {}) {
  return withServer(respond, (endpoint, requests) =>
    withClient({ endpoint, limits }, (klaviyo) => test(klaviyo, requests)),
  );
}

test("a redirect is an answer like any other, and is not followed", async () => {
  await withServer(
    (socket) => socket.write(FOUND),
    async (elsewhere, followed) => {
      for (const status of ["301 Moved", "302 Found", "307 Temporary Redirect", "308 Permanent Redirect"]) {
        const redirect = answer(status, `location: ${elsewhere}/\r\n`, "");
        await atServer(
          (socket) => socket.write(redirect),
          async (klaviyo, requests) => {
            const { status: told } = await failure(klaviyo.lookup(BY), "other");
            assert.equal(told, Number(status.slice(0, 3)));
            assert.equal(requests.length, 1);
          },
        );
      }
      assert.deepEqual(followed, []);
    },
  );
});

const BROKEN = {
  "a reset before the answer": (socket) => socket.resetAndDestroy(),
  "a reset in the middle of the body": (socket) => socket.write(SHORT, () => socket.resetAndDestroy()),
  "a close before the answer": (socket) => socket.end(),
  "a body shorter than announced": (socket) => socket.end(SHORT),
  "a chunk that breaks off": (socket) =>
    socket.end('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n20\r\n{"data":['),
  "a status line that is none": (socket) => socket.end("HTTP/9.9 OK 200\r\n\r\n"),
  "bytes that are no HTTP": (socket) => socket.end(Buffer.alloc(512, 0xff)),
};

for (const [name, respond] of Object.entries(BROKEN)) {
  test(`${name} is a connection that failed, and the next call is none`, async () => {
    let broken = true;
    await atServer(
      (socket) => (broken ? respond(socket) : socket.end(FOUND)),
      async (klaviyo, requests) => {
        await failure(klaviyo.lookup(BY), "connection");
        assert.equal(requests.length >= 1, true);
        broken = false;
        assert.equal((await klaviyo.lookup(BY)).firstName, "Priya");
      },
    );
  });
}

test("nobody at the port is a connection that failed", async () => {
  const endpoint = await withServer(
    () => {},
    async (url) => url,
  );
  await withClient({ endpoint }, async (klaviyo) => {
    await failure(klaviyo.lookup(BY), "connection");
  });
});

/** Sends the same bytes again and again, until the client has gone. */
function drip(socket, bytes, pause) {
  const timer = setInterval(() => socket.write(bytes), pause);
  socket.on("close", () => clearInterval(timer));
}

const STALLED = {
  "no answer": () => {},
  "headers without an end": (socket) => {
    socket.write("HTTP/1.1 200 OK\r\n");
    drip(socket, "x: y\r\n", 20);
  },
  "a body that drips": (socket) => {
    socket.write("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
    drip(socket, "1\r\n \r\n", 20);
  },
};

for (const [name, respond] of Object.entries(STALLED)) {
  test(`limits.attempt ends ${name}`, async () => {
    await atServer(
      respond,
      async (klaviyo) => {
        const begin = performance.now();
        await failure(klaviyo.lookup(BY), "timeout", "limits.attempt");
        assert.ok(performance.now() - begin < 5_000);
      },
      { attempt: 300 },
    );
  });
}

test("limits.time leaves the component a moment to say what has happened", async () => {
  await atServer(
    () => {},
    async (klaviyo) => {
      await failure(klaviyo.lookup(BY), "timeout", "what was left of limits.time");
    },
    { time: 2_000 },
  );
});

test("limits.responseBytes ends a body without an end", async () => {
  await atServer(
    (socket) => {
      socket.write("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
      const chunk = `${(65_536).toString(16)}\r\n${" ".repeat(65_536)}\r\n`;
      const more = () => {
        while (!socket.destroyed && socket.write(chunk));
      };
      socket.on("drain", more);
      more();
    },
    async (klaviyo) => {
      await failure(klaviyo.lookup(BY), "too-large", "limits.responseBytes");
    },
  );
});

test("limits.responseBytes counts what is decompressed", async () => {
  const bomb = gzipSync(Buffer.alloc(64 * 1024 * 1024, " "));
  await atServer(
    (socket) => {
      socket.write(`HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: ${bomb.length}\r\n\r\n`);
      socket.write(bomb);
    },
    async (klaviyo) => {
      await failure(klaviyo.lookup(BY), "too-large", "limits.responseBytes");
    },
  );
});

test("limits.headerBytes bounds the answer's headers", async () => {
  for (const bytes of [2_100, 4_000]) {
    const large = answer("200 OK", `x-large: ${"x".repeat(bytes)}\r\n`, JSON.stringify(PRIYA));
    await atServer(
      (socket) => socket.write(large),
      async (klaviyo) => {
        await failure(klaviyo.lookup(BY), "too-large", "limits.headerBytes");
      },
      { headerBytes: 2_000 },
    );
  }
});

test("an answer may be compressed, come after others with 1xx, or have a status of its own", async () => {
  const body = gzipSync(JSON.stringify(PRIYA));
  const zipped = `HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: ${body.length}\r\n\r\n`;
  await atServer(
    (socket) => socket.write(Buffer.concat([Buffer.from(zipped), body])),
    async (klaviyo) => assert.equal((await klaviyo.lookup(BY)).firstName, "Priya"),
  );
  await atServer(
    (socket) => socket.write(`HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n${FOUND}`),
    async (klaviyo) => assert.equal((await klaviyo.lookup(BY)).firstName, "Priya"),
  );
  await atServer(
    (socket) => socket.write(answer("529 Odd", "", "")),
    async (klaviyo) => assert.equal((await failure(klaviyo.lookup(BY), "unavailable")).status, 529),
  );
});

test("a key that the server sends back is overwritten before the component sees the answer", async () => {
  for (const status of ["200 OK", "400 Bad Request", "500 Oops"]) {
    await atServer(
      (socket, request) => {
        const echo = JSON.stringify({
          data: [{ type: "profile", id: "01X", attributes: { first_name: CANARY, properties: { all: request } } }],
          errors: [{ code: "odd", title: "odd", detail: request }],
        });
        socket.write(answer(status, `x-request-id: ${CANARY}\r\n`, echo));
      },
      async (klaviyo, requests) => {
        const told = await klaviyo.lookup(BY).catch((error) => error);
        assert.match(requests[0], new RegExp(`authorization: Klaviyo-API-Key ${CANARY}`, "i"));
        assert.match(requests[0], /^user-agent: \S+/im);
        assert.ok(!JSON.stringify(told).includes(CANARY));
        assert.ok(JSON.stringify(told).includes("*".repeat(CANARY.length)));
      },
    );
  }
});

test("one that is slow does not hold the others up", async () => {
  const held = [];
  await atServer(
    (socket, request) => (request.includes("slow") ? held.push(socket) : socket.write(FOUND)),
    async (klaviyo) => {
      const slow = klaviyo.lookup({ email: "slow@example.com" });
      for (let call = 0; call < 5; call += 1) {
        assert.equal((await klaviyo.lookup(BY)).firstName, "Priya");
      }
      held.forEach((socket) => socket.write(FOUND));
      await slow;
    },
  );
});
