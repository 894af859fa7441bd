// The component: its module, and its functions.

import contract from "../generated/contract.js";
import type { Error as ConnectorError } from "../generated/interfaces/klaviyo-connector-types.js";
import { Contract } from "./abi/contract.js";
import { KlaviyoError } from "./error.js";
import { called, type Send } from "./instance.js";
import { Memories } from "./memories.js";

const functions = new Contract(contract);
const http = functions.func("http.send");

/** Compiles the component, or finds it compiled. */
export type Load = () => Promise<WebAssembly.Module>;

/** How a call ended. */
export type Ended = { tag: "ok"; val?: unknown } | { tag: "err"; val: ConnectorError } | { trap: string };

export class Component {
  readonly #module: WebAssembly.Module;
  readonly #limit: number;
  readonly #memories: Memories;

  private constructor(module: WebAssembly.Module, limit: number, memories: Memories) {
    this.#module = module;
    this.#limit = limit;
    this.#memories = memories;
  }

  /** The component, whose instances may each have so many bytes of memory. */
  static async of(load: Load, limit: number): Promise<Component> {
    try {
      const memories = new Memories(limit);
      return new Component(await load(), limit, memories);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new KlaviyoError("unloadable", `the component cannot be loaded: ${reason}`);
    }
  }

  /** Calls a function by its name in the contract, such as `contacts.opt-in`. */
  async call(name: string, values: readonly unknown[], send: Send): Promise<Ended> {
    const memory = this.#memories.take();
    try {
      const ended = (await called(this.#module, memory, functions.func(name), values, { func: http, send })) as Ended;
      this.#memories.giveBack(memory);
      return ended;
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      const used = `it had ${memory.buffer.byteLength} of the ${this.#limit} bytes that limits.memory allows`;
      return { trap: `${reason}; ${used}` };
    }
  }
}
