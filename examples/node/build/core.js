// Makes the component's core module one that can wait in the thread that calls it: binaryen's asyncify lets the import
// leave the stack of the module, and come back to it with the answer.

import binaryen from "binaryen";

const PAGE = 64 * 1024;

/** The core module, changed, and the bytes that its memory begins with. */
export function suspendable(core, contract) {
  const module = binaryen.readBinary(core);
  module.setFeatures(binaryen.Features.All);
  check(core, contract);
  // Each instance is given its memory, with the limit of its client.
  const { initial } = module.getMemoryInfo();
  module.addMemoryImport("0", "env", "memory");
  binaryen.setOptimizeLevel(2);
  binaryen.setShrinkLevel(1);
  binaryen.setPassArgument("asyncify-imports", contract.functions["http.send"].name.replace("#", "."));
  module.runPasses(["asyncify"]);
  module.optimize();
  module.runPasses(["strip-producers", "strip-debug", "strip-target-features"]);
  return { bytes: module.emitBinary(), memory: initial * PAGE };
}

/** The component may import `http`, and has every function of the contract. */
function check(core, { functions }) {
  const compiled = new WebAssembly.Module(core);
  const imports = WebAssembly.Module.imports(compiled).map(({ module, name }) => `${module}#${name}`);
  const { "http.send": send, ...own } = functions;
  if (imports.join() !== send.name) {
    throw new Error(`the component imports ${imports.join(", ")}, and may import ${send.name} alone`);
  }
  const exports = new Set(WebAssembly.Module.exports(compiled).map(({ name }) => name));
  const missing = Object.values(own).map(({ name }) => name).filter((name) => !exports.has(name));
  if (missing.length > 0) {
    throw new Error(`the component does not have ${missing.join(", ")}`);
  }
}
