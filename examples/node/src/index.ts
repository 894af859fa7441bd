import { Client } from "./client.js";
import * as input from "./input.js";
import { Key } from "./key.js";
import { OutboundHttp } from "./outbound-http.js";
import { Sandbox } from "./sandbox.js";
import type { Klaviyo, Options } from "./types.js";

export { KlaviyoError, type Circumstances, type Code, type ConnectorCode } from "./error.js";
export type { Limits } from "./limits.js";
export type * from "./types.js";

/** Loads the component for one account. Nothing is sent. */
export async function connect(options: Options): Promise<Klaviyo> {
  const { key, endpoint, fetch, limits, api } = input.options(options);
  return new Client(await Sandbox.load(new OutboundHttp(new Key(key), endpoint, fetch, limits, api), limits));
}
