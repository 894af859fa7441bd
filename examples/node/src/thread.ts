// One thread with the component in it. It gets tasks and answers, and never the key: the main thread, which has the key,
// sends the requests.
//
// A pool from npm (piscina, tinypool, synckit) would bring threads that are reused, which is the lesser part. That one
// waits for its parent in the middle of a task, and is ended when the task takes too long, would still be written here.

import { MessageChannel, Worker, type MessagePort } from "node:worker_threads";
import type { Request } from "../generated/interfaces/klaviyo-connector-http.js";
import type { Error as ConnectorError } from "../generated/interfaces/klaviyo-connector-types.js";
import type { Answer, Send } from "./outbound-http.js";

/** What a thread is given when it begins. */
export interface Beginning {
  modules: Map<string, WebAssembly.Module>;
  /** The most that the component's memory can have. */
  memory: number;
  answers: MessagePort;
  /** 1 when there is an answer. */
  answered: Int32Array;
}

/** A call of the component. */
export interface Task {
  interface: string;
  function: string;
  arguments: unknown[];
  /** The answers to its first requests. */
  answers?: Answer[];
  /** Whether the thread waits for the answers to its other requests. */
  waits?: boolean;
}

/** A request for which a task has no answer, and how many milliseconds it has computed. */
export interface Asked {
  request: Request;
  took: number;
}

/**
 * How a call ended, and before all calls, whether the thread is ready for them. After a trap the thread is not used
 * again.
 */
export type Ended = { ok: unknown } | { err: ConnectorError } | { trap: string };

/** How a task ended. */
export type Result = Ended | Asked;

/** What a thread tells: a result, or what it waits for. */
export type Report = Result | { waitsFor: Request };

export class Thread {
  readonly #worker: Worker;
  readonly #answers: MessagePort;
  readonly #answered = new Int32Array(new SharedArrayBuffer(4));
  #told: (report: Report) => void = () => {};
  #ended = false;

  constructor(modules: Map<string, WebAssembly.Module>, memory: number) {
    const { port1, port2 } = new MessageChannel();
    this.#answers = port1;
    const workerData: Beginning = { modules, memory, answers: port2, answered: this.#answered };
    this.#worker = new Worker(new URL("./worker.js", import.meta.url), {
      workerData,
      transferList: [port2],
      // The environment often has the key, and the options of the application are not meant for this.
      env: {},
      argv: [],
      execArgv: [],
    });
    this.#worker.on("message", (report: Report) => this.#told(report));
    this.#worker.on("error", (error) => this.#fail(error instanceof Error ? error.message : String(error)));
    this.#worker.on("exit", () => this.#fail("its thread has ended"));
    this.#worker.unref();
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** Waits until it can take a task. Undefined: it was aborted. */
  ready(signal: AbortSignal): Promise<Result | undefined> {
    return this.#result(signal);
  }

  /** Runs a task. Undefined: it was aborted, and the thread has to be ended. */
  run(task: Task, send: Send | undefined, signal: AbortSignal): Promise<Result | undefined> {
    this.#worker.postMessage({ ...task, waits: send !== undefined });
    return this.#result(signal, send);
  }

  async #result(signal: AbortSignal, send?: Send): Promise<Result | undefined> {
    // A process has to stay for a call, and not for a thread that waits for one.
    this.#worker.ref();
    let over = () => {};
    try {
      return await new Promise<Result | undefined>((resolve) => {
        over = () => resolve(undefined);
        signal.addEventListener("abort", over);
        this.#told = (report) => {
          if ("waitsFor" in report) {
            send?.(report.waitsFor).then((answer) => this.#answer(answer));
          } else {
            resolve(report);
          }
        };
      });
    } finally {
      this.#told = () => {};
      signal.removeEventListener("abort", over);
      this.#worker.unref();
    }
  }

  #answer(answer: Answer): void {
    if (!this.#ended) {
      this.#answers.postMessage(answer, answer.tag === "ok" ? [answer.val.body.buffer as ArrayBuffer] : []);
      Atomics.store(this.#answered, 0, 1);
      Atomics.notify(this.#answered, 0);
    }
  }

  #fail(reason: string): void {
    this.#ended = true;
    this.#answers.close();
    this.#told({ trap: reason });
  }

  async end(): Promise<void> {
    this.#ended = true;
    this.#answers.close();
    await this.#worker.terminate();
  }
}
