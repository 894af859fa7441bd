// The component: its module, and its functions.

import contract from "../generated/contract.js";
import type { Error as ConnectorError } from "../generated/interfaces/klaviyo-connector-types.js";
import { Contract } from "./abi/contract.js";
import { KlaviyoError } from "./error.js";
import { called, type Send } from "./instance.js";

const PAGE = 64 * 1024;

/** The most pages of a memory. */
const MOST_PAGES = 65_536;

const functions = new Contract(contract);
const http = functions.func("http.send");

/** Compiles the component, or finds it compiled. */
export type Load = () => Promise<WebAssembly.Module>;

/** How a call ended. */
export type Ended = { tag: "ok"; val?: unknown } | { tag: "err"; val: ConnectorError } | { trap: string };

export class Component {
  readonly #module: WebAssembly.Module;
  readonly #limit: number;

  private constructor(module: WebAssembly.Module, limit: number) {
    this.#module = module;
    this.#limit = limit;
  }

  /** The component, whose instances may each have so many bytes of memory. */
  static async of(load: Load, limit: number): Promise<Component> {
    try {
      if (limit < contract.memory) {
        throw new RangeError(`it needs ${contract.memory} bytes of limits.memory to begin with`);
      }
      return new Component(await load(), limit);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new KlaviyoError("unloadable", `the component cannot be loaded: ${reason}`);
    }
  }

  /** Calls a function by its name in the contract, such as `contacts.opt-in`. */
  async call(name: string, values: readonly unknown[], send: Send): Promise<Ended> {
    const memory = new WebAssembly.Memory({
      initial: contract.memory / PAGE,
      maximum: Math.min(Math.floor(this.#limit / PAGE), MOST_PAGES),
    });
    try {
      return (await called(this.#module, memory, functions.func(name), values, { func: http, send })) as Ended;
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      const used = `it had ${memory.buffer.byteLength} of the ${this.#limit} bytes that limits.memory allows`;
      return { trap: `${reason}; ${used}` };
    }
  }
}
