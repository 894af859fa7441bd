// Replaying fixtures: every case through the public API, strictly.

import { connect, KlaviyoError } from "klaviyo-connector";
import { inspect } from "node:util";
import * as compare from "./compare.js";
import { call } from "./contract.js";
import { files, read } from "./fixture.js";
import { parse, stringify } from "./json.js";
import { CANARY } from "./support.js";

/** Where `cargo xtask build` writes the corpus. */
export const CORPUS = new URL("../../../target/fixtures/", import.meta.url);

/**
 * The fixtures of arguments that cannot be said here: a channel is a word, and the word of one that the connector knows
 * is never another channel.
 */
const UNSAYABLE = ["consent/grant/refused-another-channel-known.json"];

/** The fixtures, but for those. */
export function sayable() {
  const names = UNSAYABLE.map((name) => new URL(name, CORPUS).href);
  return files(CORPUS).filter(({ href }) => !names.includes(href));
}

/** A client whose requests are played by fixtures, one after the other. */
export class Replayer {
  #count = 0;

  /** Replays a fixture with an account of its own, which no earlier answer holds; what differs is a list of phrases. */
  async replay(fixture) {
    const key = `${CANARY}_${this.#count++}`;
    const script = new Script(fixture.exchanges, key);
    const fetch = async (url, init) => script.send(url, init);
    const klaviyo = await connect({ key, fetch, api: "all", pace: "unlimited", limits: { attempts: 1 } });
    const values = fixture.call.arguments.map((value) => JSON.parse(stringify(value)));
    try {
      const got = await call(klaviyo, fixture.call.function, values);
      const leaked = (inspect(got, { depth: null }) + JSON.stringify(got)).includes(CANARY);
      return [
        ...script.differences(),
        ...compare.returned(fixture.returns, parse(JSON.stringify(got))),
        ...(leaked ? ["the key is in what was returned"] : []),
      ];
    } catch (error) {
      return [...script.differences(), error.message];
    } finally {
      await klaviyo.close();
    }
  }
}

/** A fixture's side of the conversation: it expects each request and gives the answer, and accepts no other. */
class Script {
  #left;
  #played = 0;
  #differences = [];
  #key;

  constructor(exchanges, key) {
    this.#key = key;
    this.#left = [...exchanges];
  }

  differences() {
    return this.#differences.concat(this.#left.map(({ request }) => `never sent: ${request.method} ${request.url}`));
  }

  send(url, init) {
    const exchange = this.#left.shift();
    if (!exchange) {
      this.#differences.push(`not expected: ${init.method} ${url}`);
      throw new KlaviyoError("other", "the fixture expects no further request");
    }
    const { headers } = init;
    const [auth, key, ...more] = headers.get("authorization").split(" ");
    const sent = {
      method: init.method,
      url,
      headers: [...headers].filter(([name]) => name !== "authorization"),
      auth,
      body: Buffer.from(init.body ?? []),
    };
    const place = `request ${this.#played++}`;
    const differences = compare.request(exchange.request, sent);
    if (key !== this.#key || more.length > 0 || init.redirect !== "manual") {
      differences.push("it has another key, or follows redirects");
    }
    this.#differences.push(...differences.map((difference) => `${place} ${difference}`));
    return played(exchange.response);
  }
}

/** An answer as `fetch` returns it. */
export function played({ failure, status, headers, body }) {
  if (failure) {
    throw new KlaviyoError(...failure);
  }
  // As they are on the wire: a character for each byte.
  const onTheWire = headers.map(([name, value]) => [name, Buffer.from(value).toString("latin1")]);
  const response = new Response(body.length > 0 ? body : null, { headers: onTheWire });
  // Some statuses of the fixtures are none that can be given to `Response`.
  return Object.defineProperty(response, "status", { value: status });
}

/** Replays the whole corpus: how many passed, and what differed in the others. */
export async function corpus() {
  const replayer = new Replayer();
  const outcome = { passed: 0, failed: [] };
  for (const file of sayable()) {
    const name = file.href.slice(CORPUS.href.length);
    try {
      const differences = await replayer.replay(read(file));
      if (differences.length === 0) {
        outcome.passed += 1;
      } else {
        outcome.failed.push(`${name}: ${differences.join("; ")}`);
      }
    } catch (error) {
      outcome.failed.push(`${name}: ${error.message}`);
    }
  }
  return outcome;
}
