// The components, instantiated: the connector, the Klaviyo that it talks to, and those that misbehave.

import { instantiate as connector } from "../generated/klaviyo.js";
import { instantiate as simulator } from "../generated/klaviyo-mock.js";
import { GUESTS, MODULES } from "../generated/modules.js";
import { LIMITS } from "./limits.js";
import { withMemory } from "./memory.js";

export { GUESTS };

async function compile(packed) {
  const unpacked = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  const module = new Uint8Array(await new Response(unpacked).arrayBuffer());
  return WebAssembly.compile(withMemory(module, LIMITS.memory));
}

const compiled = new Map();
/** A module of the page's own, compiled once. */
function own(name) {
  if (!compiled.has(name)) compiled.set(name, compile(MODULES[name]));
  return compiled.get(name);
}

/** A Klaviyo: its `http`, and the `control` of whoever runs it. It imports nothing. */
export const startKlaviyo = () => simulator(own, {});

/**
 * The connector. `http.send` is all that it can call; where there is no answer, it throws the contract's error.
 *
 * @returns its functions by interface, and `memory`, the bytes that it occupies now.
 */
export const startConnector = (http) => started(own, http, (exports) => exports);

/**
 * A component that misbehaves. It has the connector's contract, so the connector's JavaScript runs it; what was
 * transpiled for itself would be that script once more. It frees nothing after a call.
 */
export const startGuest = (name, http) => {
  const frees = (exports, key) => exports[key] ?? (String(key).startsWith("cabi_post_") ? () => {} : undefined);
  return started((module) => compile(GUESTS[name].modules[module]), http, (exports) => new Proxy({ ...exports }, { get: frees }));
};

async function started(load, http, seen) {
  let memory;
  const start = async (module, imports) => {
    const { exports } = await WebAssembly.instantiate(module, imports);
    memory ??= exports.memory;
    return { exports: seen(exports) };
  };
  const { account, api, bulk, changes, consent, contacts, events, lists, privacy, segments } = await connector(load, { "klaviyo:connector/http": http }, start);
  return { account, api, bulk, changes, consent, contacts, events, lists, privacy, segments, memory: () => memory.buffer.byteLength };
}
