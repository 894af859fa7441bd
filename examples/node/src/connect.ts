import { byFetch } from "./by-fetch.js";
import { byNode } from "./by-node.js";
import { client } from "./client.js";
import { Component, type Load } from "./component.js";
import { Key } from "./key.js";
import { options as readOptions } from "./options.js";
import { OutboundHttp } from "./outbound-http.js";
import { pacerOf } from "./pace.js";
import { Sandbox } from "./sandbox.js";
import type { Klaviyo, Options } from "./types/index.js";

/** The runtime's, as long as nobody has put another one in its place, to hear of requests or to answer them. */
const { fetch: runtimes } = globalThis;

/** Connects an account to a component. */
export async function connected(load: Load, options: Options | undefined): Promise<Klaviyo> {
  const { key, endpoint, fetch, limits, api, pace, observer, callObserver } = readOptions(options);
  const component = await Component.of(load, limits.memory);
  const secret = new Key(key);
  const { pacer, release } = pacerOf(secret.account(endpoint), pace);
  const exchange = (fetch || globalThis.fetch !== runtimes ? undefined : byNode()) ?? byFetch(fetch ?? globalThis.fetch);
  const http = new OutboundHttp({ key: secret, endpoint, limits, api }, pacer, exchange, observer);
  return client(new Sandbox(component, http, limits, release), callObserver);
}
