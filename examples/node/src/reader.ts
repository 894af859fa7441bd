// Arguments come from anywhere. They are read once, by their own members only, and whatever is not as it should be is
// refused with the name of the field: nothing is ignored, nothing is inherited.

import { KlaviyoError } from "./error.js";
import { kind, SHOWN_NAME_LENGTH } from "./kind.js";

/** Where a value is, from the argument inwards. */
export type Place = readonly (string | number)[];

export type Reader<T> = (value: unknown, place: Place) => T;

/** A place deeper than this is not told to its end. */
const SHOWN_DEPTH = 8;

export function fail(place: Place, reason: string): never {
  const shown = place.slice(0, SHOWN_DEPTH).map((part) => (typeof part === "number" ? part : part.slice(0, SHOWN_NAME_LENGTH)));
  const name = named(place.length > SHOWN_DEPTH ? [...shown, "…"] : shown);
  const pointer = shown.join("/");
  const detail = { code: "invalid-argument", title: "", detail: reason };
  const details = [pointer ? { ...detail, pointer } : detail];
  throw new KlaviyoError("invalid-input", `${name ? `${name}: ` : ""}${reason}`, { details });
}

/** A place as JavaScript writes it. */
export function named(place: Place): string {
  return place.map((part, at) => (typeof part === "number" ? `[${part}]` : at ? `.${part}` : part)).join("");
}

export const text: Reader<string> = (value, place) => {
  if (typeof value !== "string") {
    fail(place, `expected a string, found ${kind(value)}`);
  }
  // UTF-8 has no halves of characters; converted, they would arrive as something else.
  return value.isWellFormed() ? value : fail(place, "it has a lone surrogate, half of a character");
};

export function optional<T>(read: Reader<T>): Reader<T | undefined> {
  return (value, place) => (value === undefined || value === null ? undefined : read(value, place));
}

export function list<T>(read: Reader<T>): Reader<T[]> {
  return (value, place) => {
    if (!Array.isArray(value)) {
      fail(place, `expected an array, found ${kind(value)}`);
    }
    // Not `map`, which passes over holes.
    return Array.from(value as unknown[], (item, index) => read(item, [...place, index]));
  };
}

export function oneOf<T extends string>(...choices: T[]): Reader<T> {
  return (value, place) =>
    choices.find((choice) => choice === value) ?? fail(place, `expected one of ${choices.join(", ")}`);
}

/** A list that may be left out: then it is empty. */
export function listOrNone<T>(read: Reader<T>): Reader<T[]> {
  const items = list(read);
  return (value, place) => (value === undefined || value === null ? [] : items(value, place));
}

/** An object that was written down or parsed, whatever realm it is of; no array, no instance of a class. */
export function isPlain(value: unknown): value is Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return false;
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

export type Fields<T> = { [Name in keyof T]-?: Reader<T[Name]> };

/** An object with these fields and no others. */
export function record<T extends object>(fields: Fields<T>): Reader<T> {
  const names = Object.keys(fields) as (keyof T & string)[];
  return (value, place) => {
    if (!isPlain(value)) {
      fail(place, `expected a plain object with ${names.join(", ")}, found ${kind(value)}`);
    }
    const unknown = Object.keys(value).find((name) => !Object.hasOwn(fields, name));
    if (unknown !== undefined) {
      const shown = JSON.stringify(unknown.slice(0, SHOWN_NAME_LENGTH));
      fail([...place, unknown], `there is no field ${shown}; there are ${names.join(", ")}`);
    }
    const read = names.map((name) => {
      const member = Object.hasOwn(value, name) ? value[name] : undefined;
      return [name, fields[name](member, [...place, name])];
    });
    return Object.fromEntries(read) as T;
  };
}

/** A name as the contract writes it. */
export function kebab(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

type Camel<Name extends string> = Name extends `${infer First}-${infer Rest}` ? `${First}${Capitalize<Camel<Rest>>}` : Name;

type Variant = { tag: string; val: unknown };

/** An object with exactly one of these fields: a variant of the contract. */
export function variant<T extends Variant>(cases: {
  [Tag in T["tag"] as Camel<Tag>]: Reader<Extract<T, { tag: Tag }>["val"]>;
}): Reader<T> {
  const readers = Object.entries<Reader<unknown>>(cases).map(([name, read]) => [name, optional(read)]);
  const fields = record<Record<string, unknown>>(Object.fromEntries(readers) as Fields<Record<string, unknown>>);
  return (value, place) => {
    const given = Object.entries(fields(value, place)).filter((entry) => entry[1] !== undefined);
    const [first] = given;
    if (first === undefined || given.length > 1) {
      fail(place, `expected exactly one of ${Object.keys(cases).join(", ")}`);
    }
    return { tag: kebab(first[0]), val: first[1] } as T;
  };
}

const U32_END = 2 ** 32 - 1;

/** A whole number, as the contract has it. */
export const u32: Reader<number> = (value, place) =>
  Number.isInteger(value) && (value as number) >= 0 && (value as number) <= U32_END
    ? (value as number)
    : fail(place, `expected a whole number from 0 to ${U32_END}`);
