// Functions as a client has them: each with options as its last argument, and with what it uses.

import { callOptions } from "./options.js";
import { fail } from "./reader.js";
import type { CallOf, Sandbox } from "./sandbox.js";
import type { Call, Usage } from "./types/call.js";

/** The functions of an interface, which convert arguments and results, each with the arguments that it has before the options. */
export type Functions<T> = {
  [F in keyof T]: T[F] extends (...values: never[]) => Call<infer R>
    ? (call: CallOf, ...values: unknown[]) => Promise<R>
    : never;
};

/** The functions, made to be called in this sandbox. */
export function callable<T extends object>(functions: Functions<T>, sandbox: Sandbox): T {
  const bound = Object.entries<(call: CallOf, ...values: unknown[]) => Promise<unknown>>(functions).map(
    ([name, run]) => [name, bind(name, run, sandbox)],
  );
  return Object.fromEntries(bound) as T;
}

function bind(name: string, run: (call: CallOf, ...values: unknown[]) => Promise<unknown>, sandbox: Sandbox) {
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
    return Object.defineProperty(begin(), "usage", { value: usage, enumerable: true }) as Call<unknown>;
  };
}
