import { client } from "./client.js";
import { Key } from "./key.js";
import { OutboundHttp } from "./outbound-http.js";
import { options as readOptions } from "./options.js";
import { Sandbox } from "./sandbox.js";
import type { Klaviyo, Options } from "./types/index.js";

export { KlaviyoError, type Circumstances, type Code, type ConnectorCode } from "./error.js";
export type { Limits } from "./limits.js";
export type * from "./types/index.js";

/** Loads the component for one account. Nothing is sent. */
export async function connect(options: Options): Promise<Klaviyo> {
  const { key, endpoint, fetch, limits, api } = readOptions(options);
  return client(await Sandbox.load(new OutboundHttp(new Key(key), endpoint, fetch, limits, api), limits));
}
