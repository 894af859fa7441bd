// The contract's functions, with their types.

import { enumeration, list, option, PRIMITIVES, record, result, variant, type Type } from "./types.js";

/** A type as the build writes it: a name, or what it is made of. */
export type Written =
  | string
  | { list: Written }
  | { option: Written }
  | { result: readonly [Written, Written] }
  | { record: readonly (readonly [string, Written])[] }
  | { variant: readonly (readonly [string, Written])[] }
  | { enum: readonly string[] };

/** The contract as the build writes it. */
export interface WrittenContract {
  /** Such as `types.profile`. */
  types: Readonly<Record<string, Written>>;
  /** Such as `contacts.opt-in`, each with the name that the core module has for it. */
  functions: Readonly<Record<string, { name: string; parameters: readonly Written[]; result: Written }>>;
  /** Bytes that the memory of an instance begins with. */
  memory: number;
}

export interface Func {
  /** The export of the core module. */
  name: string;
  parameters: Type<Record<string, unknown>>;
  result: Type;
}

/** Makes the types of a contract when they are first needed: a call needs few of them. */
export class Contract {
  readonly #written: WrittenContract;
  readonly #types = new Map<string, Type>(Object.entries(PRIMITIVES));
  readonly #functions = new Map<string, Func>();

  constructor(written: WrittenContract) {
    this.#written = written;
  }

  func(name: string): Func {
    let func = this.#functions.get(name);
    if (!func) {
      const written = this.#written.functions[name];
      if (!written) {
        throw new TypeError(`there is no function ${name}`);
      }
      const parameters = written.parameters.map((type, at) => [String(at), this.#type(type)] as const);
      func = { name: written.name, parameters: record(parameters), result: this.#type(written.result) };
      this.#functions.set(name, func);
    }
    return func;
  }

  #type(written: Written): Type {
    if (typeof written !== "string") {
      return this.#composed(written);
    }
    let type = this.#types.get(written);
    if (!type) {
      type = this.#type(this.#written.types[written] as Written);
      this.#types.set(written, type);
    }
    return type;
  }

  #composed(written: Exclude<Written, string>): Type {
    const all = (members: readonly (readonly [string, Written])[]) =>
      members.map(([name, type]) => [name, this.#type(type)] as const);
    if ("list" in written) {
      return list(this.#type(written.list));
    }
    if ("option" in written) {
      return option(this.#type(written.option));
    }
    if ("result" in written) {
      return result(this.#type(written.result[0]), this.#type(written.result[1]));
    }
    if ("record" in written) {
      return record(all(written.record));
    }
    return "variant" in written ? variant(all(written.variant)) : enumeration(written.enum);
  }
}
