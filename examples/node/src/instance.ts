// One call of the component, in an instance of its own, so that nothing is left of one call in the next.
//
// The build lets the module leave its stack where it asks for a request (binaryen's asyncify), so that it waits in the
// thread that called it, and others run meanwhile.

import type { Error as HttpError, Request, Response } from "../generated/interfaces/klaviyo-connector-http.js";
import { Heap, type Allocate } from "./abi/heap.js";
import type { Func } from "./abi/contract.js";

/** What `asyncify_get_state` says. */
const UNWINDING = 1;
const REWINDING = 2;

/** Bytes for the stack of a call that waits. The deepest of all fixtures has 1,128. */
const STACK = 16 * 1024;

/** The most arguments; where there are more, they are in memory. */
const ARGUMENTS = 16;

interface Exports {
  cabi_realloc: Allocate;
  asyncify_get_state: () => number;
  asyncify_start_unwind: (stack: number) => void;
  asyncify_stop_unwind: () => void;
  asyncify_start_rewind: (stack: number) => void;
  asyncify_stop_rewind: () => void;
}

/** What the import returns. */
export type Answer = { tag: "ok"; val: Response } | { tag: "err"; val: HttpError };

export type Send = (request: Request) => Promise<Answer>;

/** Calls a function. It throws where the instance traps, or does what the contract does not allow. */
export async function called(
  module: WebAssembly.Module,
  memory: WebAssembly.Memory,
  func: Func,
  values: readonly unknown[],
  http: { func: Func; send: Send },
): Promise<unknown> {
  let stack: number | undefined;
  let asked: { request: Request; to: number } | undefined;
  let answer: Answer | undefined;

  /** The module's import: it is called once to ask, and once more to get the answer. */
  const send = (...flat: number[]): void => {
    if (exports.asyncify_get_state() === REWINDING) {
      exports.asyncify_stop_rewind();
      http.func.result.store(heap, asked?.to ?? 0, answer);
      return;
    }
    const from = flat.values() as Iterator<number, undefined>;
    const { 0: request } = http.func.parameters.unflatten(heap, from);
    asked = { request: request as Request, to: from.next().value ?? 0 };
    if (stack === undefined) {
      stack = heap.allocate(4, 8 + STACK);
    }
    heap.view.setUint32(stack, stack + 8, true);
    heap.view.setUint32(stack + 4, stack + 8 + STACK, true);
    exports.asyncify_start_unwind(stack);
  };

  const [namespace = "", name = ""] = http.func.name.split("#");
  const instance = new WebAssembly.Instance(module, { [namespace]: { [name]: send }, env: { memory } });
  const exports = instance.exports as unknown as Exports;
  const heap = new Heap(memory, exports.cabi_realloc);
  const run = instance.exports[func.name] as (...flat: number[]) => number;
  const flat: number[] = [];
  const given: Record<string, unknown> = { ...values };
  if (func.parameters.count > ARGUMENTS) {
    const at = heap.allocate(func.parameters.align, func.parameters.size);
    func.parameters.store(heap, at, given);
    flat.push(at);
  } else {
    func.parameters.flatten(heap, given, flat);
  }
  let returned = run(...flat);
  while (exports.asyncify_get_state() === UNWINDING && asked && stack !== undefined) {
    exports.asyncify_stop_unwind();
    answer = await http.send(asked.request);
    exports.asyncify_start_rewind(stack);
    returned = run(...flat);
  }
  return func.result.load(heap, returned >>> 0);
}
