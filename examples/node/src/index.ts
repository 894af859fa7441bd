import { client } from "./client.js";
import { Key } from "./key.js";
import { options as readOptions } from "./options.js";
import { OutboundHttp } from "./outbound-http.js";
import { pacerOf } from "./pace.js";
import { Sandbox } from "./sandbox.js";
import { Threads } from "./threads.js";
import type { Klaviyo, Options } from "./types/index.js";

export { KlaviyoError, type Circumstances, type Code, type ConnectorCode } from "./error.js";
export type { Limits } from "./limits.js";
export type * from "./types/index.js";

/** Loads the component for one account. Nothing is sent. */
export async function connect(options?: Options): Promise<Klaviyo> {
  const { key, endpoint, fetch, limits, api, pace, observer } = readOptions(options);
  const threads = await Threads.of(limits.memory);
  const secret = new Key(key);
  const { pacer, release } = pacerOf(secret.account(endpoint), pace);
  const http = new OutboundHttp({ key: secret, endpoint, limits, api }, pacer, fetch, observer);
  return client(new Sandbox(threads, http, limits, release));
}
