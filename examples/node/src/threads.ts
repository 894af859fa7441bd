// The component, compiled once, and the threads that run it, for all clients of the process.

import { readdir, readFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import type { Clock } from "./clock.js";
import { KlaviyoError } from "./error.js";
import { withMemory } from "./memory.js";
import type { Send } from "./outbound-http.js";
import { Places } from "./places.js";
import { Thread, type Result, type Task } from "./thread.js";

const GENERATED = new URL("../generated/", import.meta.url);

/** Milliseconds that the first thread may take to have the component running. */
const BEGINNING = 60_000;

/** Threads that compute: at least two, so that one whose component computes without an end does not stop the others. */
const COMPUTING = Math.min(Math.max(availableParallelism(), 2), 4);

/** Threads that stay with their call while it waits for answers. */
const STAYING = 8;

/** Those of each `limits.memory`, which is part of the modules. */
const shared = new Map<number, Promise<Threads>>();

export class Threads {
  readonly #modules: Map<string, WebAssembly.Module>;
  readonly #memory: number;
  readonly #idle: Thread[] = [];
  readonly #computing = new Places(COMPUTING);
  readonly #staying = new Places(STAYING);
  #clients = 0;

  private constructor(modules: Map<string, WebAssembly.Module>, memory: number) {
    this.#modules = modules;
    this.#memory = memory;
  }

  /** The threads whose component may have so much memory, for one client more, which has to `release` them. */
  static async of(memory: number): Promise<Threads> {
    const loaded = shared.get(memory) ?? Threads.#load(memory);
    shared.set(memory, loaded);
    try {
      const threads = await loaded;
      threads.#clients += 1;
      return threads;
    } catch (error) {
      shared.delete(memory);
      const reason = error instanceof Error ? error.message : String(error);
      throw new KlaviyoError("unloadable", `the component cannot be loaded: ${reason}; \`npm run build\` makes it`);
    }
  }

  /** Reads and compiles the component, and begins a first thread with it. */
  static async #load(memory: number): Promise<Threads> {
    const compile = async (name: string): Promise<[string, WebAssembly.Module]> => {
      const bytes = await readFile(new URL(name, GENERATED));
      return [name, await WebAssembly.compile(withMemory(bytes, memory) as Uint8Array<ArrayBuffer>)];
    };
    const names = (await readdir(GENERATED)).filter((name) => name.endsWith(".wasm"));
    const threads = new Threads(new Map(await Promise.all(names.map(compile))), memory);
    const over = new AbortController();
    const timer = setTimeout(() => over.abort(), BEGINNING);
    const begun = await threads.#inThread(undefined, over.signal).finally(() => clearTimeout(timer));
    if (begun && "ok" in begun) {
      return threads;
    }
    throw new Error(begun && "trap" in begun ? begun.trap : `it did not begin within ${BEGINNING} ms`);
  }

  /** Whether a thread can stay with a call without another one missing it. */
  get isQuiet(): boolean {
    return this.#staying.taken < COMPUTING;
  }

  /** A client less. The last one ends the threads. */
  async release(): Promise<void> {
    this.#clients -= 1;
    if (this.#clients === 0) {
      shared.delete(this.#memory);
      await Promise.all(this.#idle.splice(0).map((thread) => thread.end()));
    }
  }

  /**
   * Runs a task in its turn, in which the time of its call runs. With `send` the thread waits for the answers to its
   * requests; else the first request for which the task has no answer is the result. Undefined: the call was over before.
   */
  async run(task: Task, clock: Clock, send?: Send): Promise<Result | undefined> {
    const places = send ? this.#staying : this.#computing;
    clock.stop();
    const hasPlace = await places.take(clock);
    clock.start();
    if (!hasPlace) {
      return undefined;
    }
    try {
      return await this.#inThread({ task, send }, clock.signal);
    } finally {
      places.pass();
    }
  }

  /** Runs a task in a thread that waits for one, or in a new one. Without a task, it begins a thread. */
  async #inThread(
    call: { task: Task; send: Send | undefined } | undefined,
    signal: AbortSignal,
  ): Promise<Result | undefined> {
    let thread = this.#idle.pop();
    while (thread?.ended) {
      thread = this.#idle.pop();
    }
    let result: Result | undefined = { ok: undefined };
    if (!thread) {
      thread = new Thread(this.#modules, this.#memory);
      result = await thread.ready(signal);
    }
    if (call && result && "ok" in result) {
      result = await thread.run(call.task, call.send, signal);
    }
    if (result && !("trap" in result) && this.#idle.length < 2 * COMPUTING) {
      this.#idle.push(thread);
    } else {
      // What computes without an end, or has trapped, is not used again.
      void thread.end();
    }
    return result;
  }
}
