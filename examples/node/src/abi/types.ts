// Types of the contract, each with its form in the memory of an instance and among the arguments of its functions, by the
// canonical ABI of the component model. The contract has no type whose arguments are not all of 32 bits, which the build
// checks.

import type { Heap } from "./heap.js";

export interface Type<T = any> {
  /** Bytes in memory, and what their address is a multiple of. */
  readonly size: number;
  readonly align: number;
  /** How many arguments a value is. */
  readonly count: number;
  load(heap: Heap, at: number): T;
  store(heap: Heap, at: number, value: T): void;
  /** Adds a value to the arguments. */
  flatten(heap: Heap, value: T, into: number[]): void;
  /** Takes a value from the arguments. */
  unflatten(heap: Heap, from: Iterator<number, undefined>): T;
}

function next(from: Iterator<number, undefined>): number {
  return (from.next().value ?? 0) >>> 0;
}

function aligned(at: number, align: number): number {
  return Math.ceil(at / align) * align;
}

/** A type that is one number, such as `u16`. */
function number<T>(size: 1 | 2 | 4, from: (number: number) => T, to: (value: T) => number): Type<T> {
  return {
    size,
    align: size,
    count: 1,
    load: ({ view }, at) =>
      from(size === 1 ? view.getUint8(at) : size === 2 ? view.getUint16(at, true) : view.getUint32(at, true)),
    store: ({ view }, at, value) =>
      size === 1
        ? view.setUint8(at, to(value))
        : size === 2
          ? view.setUint16(at, to(value), true)
          : view.setUint32(at, to(value), true),
    flatten: (_, value, into) => into.push(to(value)),
    unflatten: (_, from_) => from(next(from_)),
  };
}

const same = (value: number) => value;

/** A type that is an address and a length. */
function sequence<T>(read: (heap: Heap, at: number, length: number) => T, write: (heap: Heap, value: T) => [number, number]): Type<T> {
  return {
    size: 8,
    align: 4,
    count: 2,
    load: (heap, at) => read(heap, heap.view.getUint32(at, true), heap.view.getUint32(at + 4, true)),
    store: (heap, at, value) => {
      const [begin, length] = write(heap, value);
      heap.view.setUint32(at, begin, true);
      heap.view.setUint32(at + 4, length, true);
    },
    flatten: (heap, value, into) => into.push(...write(heap, value)),
    unflatten: (heap, from) => read(heap, next(from), next(from)),
  };
}

export const PRIMITIVES: Readonly<Record<string, Type>> = {
  bool: number(1, (value) => value !== 0, Number),
  u8: number(1, same, same),
  u16: number(2, same, same),
  u32: number(4, same, same),
  string: sequence(
    (heap, at, length) => heap.text(at, length),
    (heap, value: string) => heap.writeText(value),
  ),
  /** A result without a value. */
  _: { size: 0, align: 1, count: 0, load: () => undefined, store: () => {}, flatten: () => {}, unflatten: () => undefined },
};

export function enumeration(names: readonly string[]): Type<string> {
  return number(1, (at) => named(names, at), (name) => position(names, name));
}

function position(names: readonly string[], name: string): number {
  const at = names.indexOf(name);
  if (at < 0) {
    throw new TypeError(`${name} is none of ${names.join(", ")}`);
  }
  return at;
}

function named<T>(cases: readonly T[], at: number): T {
  const found = cases[at];
  if (found === undefined) {
    throw new RangeError(`there is no case ${at} of ${cases.length}`);
  }
  return found;
}

export function list(of: Type): Type<unknown[]> {
  if (of === PRIMITIVES.u8 || of === PRIMITIVES.u32) {
    const kind = of === PRIMITIVES.u8 ? Uint8Array : Uint32Array;
    return sequence<any>(
      (heap, at, length) => heap.numbers(kind, at, length),
      (heap, value) => heap.writeNumbers(value instanceof kind ? value : kind.from(value)),
    );
  }
  return sequence<unknown[]>(
    (heap, at, length) => {
      if (at + length * of.size > heap.view.byteLength) {
        throw new RangeError("a list is outside of the memory");
      }
      return Array.from({ length }, (_, index) => of.load(heap, at + index * of.size));
    },
    (heap, values) => {
      const at = heap.allocate(of.align, values.length * of.size);
      values.forEach((value, index) => of.store(heap, at + index * of.size, value));
      return [at, values.length];
    },
  );
}

export function record(members: readonly (readonly [name: string, type: Type])[]): Type<Record<string, unknown>> {
  let end = 0;
  const fields = members.map(([name, type]) => {
    const at = aligned(end, type.align);
    end = at + type.size;
    return { name, type, at };
  });
  const align = Math.max(1, ...fields.map(({ type }) => type.align));
  return {
    size: aligned(end, align),
    align,
    count: fields.reduce((sum, { type }) => sum + type.count, 0),
    load: (heap, begin) => {
      const value: Record<string, unknown> = {};
      for (const { name, type, at } of fields) {
        value[name] = type.load(heap, begin + at);
      }
      return value;
    },
    store: (heap, begin, value) => {
      for (const { name, type, at } of fields) {
        type.store(heap, begin + at, value[name]);
      }
    },
    flatten: (heap, value, into) => {
      for (const { name, type } of fields) {
        type.flatten(heap, value[name], into);
      }
    },
    unflatten: (heap, from) => {
      const value: Record<string, unknown> = {};
      for (const { name, type } of fields) {
        value[name] = type.unflatten(heap, from);
      }
      return value;
    },
  };
}

/** A type with cases, as it is in memory: `of` takes a value apart, and `make` puts it together. */
function cases<T>(
  types: readonly Type[],
  of: (value: T) => [at: number, value: unknown],
  make: (at: number, value: unknown) => T,
): Type<T> {
  const align = Math.max(...types.map((type) => type.align));
  const begin = aligned(1, align);
  const count = 1 + Math.max(...types.map((type) => type.count));
  return {
    size: aligned(begin + Math.max(...types.map(({ size }) => size)), align),
    align,
    count,
    load: (heap, at) => {
      const found = heap.view.getUint8(at);
      return make(found, named(types, found).load(heap, at + begin));
    },
    store: (heap, at, value) => {
      const [which, content] = of(value);
      heap.view.setUint8(at, which);
      named(types, which).store(heap, at + begin, content);
    },
    flatten: (heap, value, into) => {
      const end = into.length + count;
      const [which, content] = of(value);
      into.push(which);
      named(types, which).flatten(heap, content, into);
      while (into.length < end) {
        into.push(0);
      }
    },
    unflatten: (heap, from) => {
      const which = next(from);
      const rest = Array.from({ length: count - 1 }, () => next(from));
      return make(which, named(types, which).unflatten(heap, rest.values() as Iterator<number, undefined>));
    },
  };
}

const NOTHING = PRIMITIVES._ as Type<undefined>;

export function option(of: Type): Type {
  return cases<unknown>([NOTHING, of], (value) => [value == null ? 0 : 1, value], (_, value) => value);
}

interface Tagged {
  tag: string;
  val?: unknown;
}

export function variant(members: readonly (readonly [tag: string, type: Type])[]): Type<Tagged> {
  const tags = members.map(([tag]) => tag);
  return cases<Tagged>(
    members.map(([, type]) => type),
    ({ tag, val }) => [position(tags, tag), val],
    (at, val) => (val === undefined ? { tag: named(tags, at) } : { tag: named(tags, at), val }),
  );
}

export function result(ok: Type, err: Type): Type<Tagged> {
  return variant([
    ["ok", ok],
    ["err", err],
  ]);
}
