// The package where WebAssembly is not compiled from bytes, and a module imports the file: Cloudflare's workerd.

import component from "../generated/klaviyo.wasm";
import { connected } from "./connect.js";
import type { Klaviyo, Options } from "./types/index.js";

export { KlaviyoError } from "./error.js";

export function connect(options?: Options): Promise<Klaviyo> {
  return connected(async () => component, options);
}
