// The two components, instantiated: the connector, and the Klaviyo that it talks to.

import { instantiate as connector } from "../generated/klaviyo.js";
import { instantiate as simulator } from "../generated/klaviyo-mock.js";
import connectorModule from "../generated/klaviyo.core.wasm.gz";
import connectorTable from "../generated/klaviyo.core2.wasm.gz";
import connectorStart from "../generated/klaviyo.core3.wasm.gz";
import simulatorModule from "../generated/klaviyo-mock.core.wasm.gz";

const MODULES = {
  "klaviyo.core.wasm": connectorModule,
  "klaviyo.core2.wasm": connectorTable,
  "klaviyo.core3.wasm": connectorStart,
  "klaviyo-mock.core.wasm": simulatorModule,
};

async function compile(name) {
  const packed = new Blob([MODULES[name]]).stream().pipeThrough(new DecompressionStream("gzip"));
  return WebAssembly.compile(await new Response(packed).arrayBuffer());
}

/** A Klaviyo: its `http`, and the `control` of whoever runs it. It imports nothing. */
export const startKlaviyo = () => simulator(compile, {});

/**
 * The connector. `http.send` is all that it can call; where there is no answer, it throws the contract's error.
 *
 * @returns its functions by interface, and `memory`, the bytes that it occupies now.
 */
export async function startConnector(http) {
  let memory;
  const start = async (module, imports) => {
    const instance = await WebAssembly.instantiate(module, imports);
    memory ??= instance.exports.memory;
    return instance;
  };
  const { account, api, bulk, changes, consent, contacts, events, lists, privacy, segments } = await connector(compile, { "klaviyo:connector/http": http }, start);
  return { account, api, bulk, changes, consent, contacts, events, lists, privacy, segments, memory: () => memory.buffer.byteLength };
}
