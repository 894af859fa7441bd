// Functions as a client has them: each with options as its last argument, and with what it uses.

import { KlaviyoError, type Code } from "./error.js";
import { contractName } from "./names.js";
import { callOptions } from "./options.js";
import { fail } from "./reader.js";
import type { CallOf, Sandbox } from "./sandbox.js";
import type { Call, CallObserver, EndedCall, Usage } from "./types/call.js";
import { warn } from "./warning.js";

/** The functions of an interface, which convert arguments and results, each with the arguments that it has before the options. */
export type Functions<T> = {
  [F in keyof T]: T[F] extends (...values: never[]) => Call<infer R>
    ? (call: CallOf, ...values: unknown[]) => Promise<R>
    : never;
};

/** The functions, made to be called in this sandbox. */
export function callable<T extends object>(
  functions: Functions<T>,
  sandbox: Sandbox,
  observer: CallObserver | undefined,
): T {
  const bound = Object.entries<(call: CallOf, ...values: unknown[]) => Promise<unknown>>(functions).map(
    ([name, run]) => [name, bind(name, run, sandbox, observer)],
  );
  return Object.fromEntries(bound) as T;
}

function bind(
  name: string,
  run: (call: CallOf, ...values: unknown[]) => Promise<unknown>,
  sandbox: Sandbox,
  observer: CallObserver | undefined,
) {
  const count = run.length - 1;
  return (...values: unknown[]): Call<unknown> => {
    const usage: Usage = { requests: 0, attempts: 0, waited: 0 };
    const begin = async () => {
      if (values.length > count + 1) {
        fail([], `${name} takes ${count} arguments and options, found ${values.length} arguments`);
      }
      // The arguments are read before the options.
      const call: CallOf = (...called) => sandbox.call(callOptions(values[count]), usage, ...called);
      return run(call, ...values.slice(0, count));
    };
    const result = observer ? heard(begin, contractName(name), usage, observer) : begin();
    return Object.defineProperty(result, "usage", { value: usage, enumerable: true }) as Call<unknown>;
  };
}

/** Runs a call, and tells of its end. */
async function heard<T>(begin: () => Promise<T>, name: string, usage: Usage, observer: CallObserver): Promise<T> {
  const begun = performance.now();
  const tell = (end: { code?: Code }) =>
    told(observer, { function: name, ...end, took: performance.now() - begun, usage: { ...usage } });
  try {
    const result = await begin();
    tell({});
    return result;
  } catch (error) {
    tell({ code: error instanceof KlaviyoError ? error.code : "other" });
    throw error;
  }
}

function told(observer: CallObserver, call: EndedCall): void {
  try {
    observer(call);
  } catch (error) {
    // The call is not to blame.
    warn(`the option callObserver threw ${error instanceof Error ? error.message : "no error"}`, "KLAVIYO_OBSERVER");
  }
}
