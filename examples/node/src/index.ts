import { connected } from "./connect.js";
import { embedded } from "./embedded.js";
import type { Klaviyo, Options } from "./types/index.js";

export { KlaviyoError, type Circumstances, type Code, type ConnectorCode } from "./error.js";
export type { Limits } from "./limits.js";
export type * from "./types/index.js";

/** Loads the component for one account. Nothing is sent. */
export function connect(options?: Options): Promise<Klaviyo> {
  return connected(embedded, options);
}
