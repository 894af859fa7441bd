// The thread's side of thread.ts: an instance of the component for each call.

import { parentPort, receiveMessageOnPort, workerData, type MessagePort } from "node:worker_threads";
import { instantiate, type ImportObject, type Root } from "../generated/klaviyo.js";
import type { Request, Response } from "../generated/interfaces/klaviyo-connector-http.js";
import type { Answer } from "./outbound-http.js";
import type { Beginning, Report, Result, Task } from "./thread.js";

const { modules, memory: limit, answers, answered } = workerData as Beginning;
const parent = parentPort as MessagePort;

// jco's output asks for this where it may not be, before it is needed, for each function. That it is not there
// is an error that V8 words by parsing the whole output again: 70 ms for an instance that takes 1 ms.
const { promising } = WebAssembly as { promising?: unknown };
if (promising === undefined) {
  Object.assign(WebAssembly, { promising: (func: unknown) => func });
}

// jco's output takes a byte order mark away from the beginning of every string.
globalThis.TextDecoder = class extends TextDecoder {
  constructor(label?: string) {
    super(label, { ignoreBOM: true });
  }
};

let memory: WebAssembly.Memory | undefined;

function instance(): Root {
  const imports = { "klaviyo:connector/http": { send } };
  return instantiate(
    (name) => modules.get(name) as WebAssembly.Module,
    // jco's types have the interface's name with its version, and its output looks for it without.
    imports as object as ImportObject,
    (module, imports) => {
      const made = new WebAssembly.Instance(module, imports);
      memory = made.exports.memory instanceof WebAssembly.Memory ? made.exports.memory : memory;
      return made;
    },
  );
}

/** What a task is left with where there is no answer to its request. */
class Unanswered extends Error {}

let task: Task;
/** How many requests the task has made. */
let requests = 0;
/** The request that has no answer. */
let asked: Request | undefined;

/** `http.send`. */
function send(request: Request): Response {
  const known = task.answers?.[requests];
  requests += 1;
  const answer = known ?? (task.waits ? awaited(request) : undefined);
  if (!answer) {
    asked ??= request;
    throw new Unanswered("there is no answer yet");
  }
  if (answer.tag === "err") {
    // This is how the output of jco has it: not an Error.
    throw answer.val;
  }
  return answer.val;
}

/** The thread stops here until the main thread has the answer. */
function awaited(request: Request): Answer {
  tell({ waitsFor: request });
  // A notification that comes late was for an earlier answer.
  while (Atomics.exchange(answered, 0, 0) === 0) {
    Atomics.wait(answered, 0, 0);
  }
  return receiveMessageOnPort(answers)?.message as Answer;
}

function call(root: Root): Result {
  const functions = root[task.interface as keyof Root] as unknown as Record<string, (...values: unknown[]) => unknown>;
  try {
    return { ok: functions[task.function]?.(...task.arguments) };
  } catch (error) {
    if (error instanceof Error && "payload" in error) {
      return { err: error.payload as never };
    }
    const used = memory ? `; it had ${memory.buffer.byteLength} of the ${limit} bytes that limits.memory allows` : "";
    return { trap: `${error instanceof Error ? error.message : String(error)}${used}` };
  }
}

function tell(report: Report): void {
  parent.postMessage(report);
}

// An instance of its own for each call, so that nothing is left of one in the next. It costs 0.6 ms, beside 0.8 ms of
// everything else (Node 20, answers from memory), and is made ahead, while nobody may be waiting.
let fresh = instance();
parent.on("message", (message: Task) => {
  task = message;
  requests = 0;
  asked = undefined;
  const begin = performance.now();
  const result = call(fresh);
  // Whatever the component has made of it.
  tell(asked ? { request: asked, took: performance.now() - begin } : result);
  if (asked || !("trap" in result)) {
    fresh = instance();
  }
});
tell({ ok: undefined });
