// The component in the package's own module, for every runtime that compiles WebAssembly from bytes.

import gzipped from "../generated/klaviyo.js";

let compiled: Promise<WebAssembly.Module> | undefined;

/** The component, compiled when it is first needed, in the background. */
export function embedded(): Promise<WebAssembly.Module> {
  compiled ??= compile().catch((error: unknown) => {
    // There may be more memory the next time.
    compiled = undefined;
    throw error;
  });
  return compiled;
}

async function compile(): Promise<WebAssembly.Module> {
  const text = atob(gzipped);
  const bytes = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at += 1) {
    bytes[at] = text.charCodeAt(at);
  }
  const whole = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return WebAssembly.compile(await new Response(whole).arrayBuffer());
}
