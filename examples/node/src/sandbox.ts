// The component, compiled once, and the threads that run it.

import { readdir, readFile } from "node:fs/promises";
import type { Root } from "../generated/klaviyo.js";
import { KlaviyoError } from "./error.js";
import type { Limits } from "./limits.js";
import { withMemory } from "./memory.js";
import type { OutboundHttp, Send } from "./outbound-http.js";
import * as output from "./output.js";
import { Thread, type Result, type Task } from "./thread.js";

const GENERATED = new URL("../generated/", import.meta.url);

/** Milliseconds that the first thread may take to have the component running. */
const BEGINNING = 60_000;

type Interfaces = Pick<
  Root,
  "contacts" | "lists" | "segments" | "consent" | "events" | "changes" | "bulk" | "privacy" | "account" | "api"
>;

type Callable<I extends keyof Interfaces, F extends keyof Interfaces[I]> = Extract<
  Interfaces[I][F],
  (...values: never[]) => unknown
>;

export class Sandbox {
  readonly #modules: Map<string, WebAssembly.Module>;
  readonly #http: OutboundHttp;
  readonly #limits: Limits;
  readonly #calls = new Set<Promise<unknown>>();
  readonly #idle: Thread[] = [];
  #running = 0;
  readonly #waiting = new Set<() => void>();
  #closing: Promise<void> | undefined;

  private constructor(modules: Map<string, WebAssembly.Module>, http: OutboundHttp, limits: Limits) {
    this.#modules = modules;
    this.#http = http;
    this.#limits = limits;
  }

  /** Reads and compiles the component, and begins a first thread with it. */
  static async load(http: OutboundHttp, limits: Limits): Promise<Sandbox> {
    try {
      const compile = async (name: string): Promise<[string, WebAssembly.Module]> => {
        const bytes = await readFile(new URL(name, GENERATED));
        return [name, await WebAssembly.compile(withMemory(bytes, limits.memory) as Uint8Array<ArrayBuffer>)];
      };
      const names = (await readdir(GENERATED)).filter((name) => name.endsWith(".wasm"));
      const modules = new Map(await Promise.all(names.map(compile)));
      const sandbox = new Sandbox(modules, http, limits);
      const begun = await inTime(BEGINNING, (signal) => sandbox.#inThread(undefined, signal));
      if (begun && "ok" in begun) {
        return sandbox;
      }
      throw new Error(begun && "trap" in begun ? begun.trap : `it did not begin within ${BEGINNING} ms`);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new KlaviyoError("unloadable", `the component cannot be loaded: ${reason}; \`npm run build\` makes it`);
    }
  }

  /** Calls a function of the component. */
  async call<I extends keyof Interfaces, F extends keyof Interfaces[I] & string>(
    name: I,
    func: F,
    ...values: Parameters<Callable<I, F>>
  ): Promise<ReturnType<Callable<I, F>>> {
    if (this.#closing) {
      throw new KlaviyoError("closed", "the client is closed; connect again");
    }
    const call = this.#run({ interface: name, function: func, arguments: values });
    this.#calls.add(call);
    const result = await call.finally(() => this.#calls.delete(call));
    // Made here, where the stack still knows who called.
    if (!result) {
      const { time } = this.#limits;
      const reason = `the call took longer than the ${time} ms that limits.time allows`;
      throw new KlaviyoError("timeout", `${reason}; requests that it had sent may have taken effect`);
    }
    if ("trap" in result) {
      const reason = `the component broke down: ${result.trap}`;
      throw new KlaviyoError("trap", `${reason}; requests that it had sent may have taken effect`);
    }
    if ("err" in result) {
      throw output.error(result.err);
    }
    return result.ok as ReturnType<Callable<I, F>>;
  }

  /** Takes no more calls, waits for those under way, and ends the threads. */
  close(): Promise<void> {
    this.#closing ??= Promise.allSettled(this.#calls).then(async () => {
      await Promise.all(this.#idle.map((thread) => thread.end()));
    });
    return this.#closing;
  }

  /** Runs a task in its turn. Undefined: there was no time left. */
  #run(task: Task): Promise<Result | undefined> {
    const { time } = this.#limits;
    const deadline = performance.now() + time;
    return inTime(time, async (signal) => {
      if (!(await this.#turn(signal))) {
        return undefined;
      }
      try {
        return await this.#inThread({ task, send: this.#http.begin(contractName(task), deadline, signal) }, signal);
      } finally {
        this.#passTurn();
      }
    });
  }

  /** Runs a task in a thread that waits for one, or in a new one. Without a task, it begins a thread. */
  async #inThread(call: { task: Task; send: Send } | undefined, signal: AbortSignal): Promise<Result | undefined> {
    let thread = this.#idle.pop();
    while (thread?.ended) {
      thread = this.#idle.pop();
    }
    let result: Result | undefined = { ok: undefined };
    if (!thread) {
      thread = new Thread(this.#modules, this.#limits.memory);
      result = await thread.ready(signal);
    }
    if (call && result && "ok" in result) {
      result = await thread.run(call.task, call.send, signal);
    }
    if (result && !("trap" in result)) {
      this.#idle.push(thread);
    } else {
      // What computes without an end, or has trapped, is not used again.
      void thread.end();
    }
    return result;
  }

  /** Waits for a place among those that run. False: the time was over before. */
  async #turn(signal: AbortSignal): Promise<boolean> {
    if (this.#running < this.#limits.concurrentCalls) {
      this.#running += 1;
      return true;
    }
    return new Promise((resolve) => {
      const begin = () => resolve(true);
      this.#waiting.add(begin);
      signal.addEventListener("abort", () => {
        this.#waiting.delete(begin);
        resolve(false);
      });
    });
  }

  #passTurn(): void {
    const [next] = this.#waiting;
    if (next) {
      this.#waiting.delete(next);
      next();
    } else {
      this.#running -= 1;
    }
  }
}

/** A function's name in the contract, such as `contacts.opt-in`. */
function contractName(task: Task): string {
  const kebab = task.function.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  return `${task.interface}.${kebab}`;
}

/** Runs with a signal that is aborted after so many milliseconds. Not `AbortSignal.timeout`, which keeps Deno alive. */
async function inTime<T>(milliseconds: number, run: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const over = new AbortController();
  const timer = setTimeout(() => over.abort(), milliseconds);
  try {
    return await run(over.signal);
  } finally {
    clearTimeout(timer);
  }
}
