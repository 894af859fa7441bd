// What a value is, in words: a sentence that says what was expected ends with what was found.

/** Names are long or odd only in an attack. */
export const SHOWN_NAME_LENGTH = 40;

export function kind(value: unknown): string {
  switch (typeof value) {
    case "object":
      return value === null ? "null" : Array.isArray(value) ? "an array" : kindOfObject(value);
    case "number":
      return Number.isFinite(value) ? "a number" : String(value);
    case "undefined":
      return "undefined";
    case "bigint":
      return "a BigInt";
    default:
      return `a ${typeof value}`;
  }
}

function kindOfObject(value: object): string {
  if (isInvalidDate(value)) {
    return "an invalid Date";
  }
  const made = constructorOf(value);
  const name = made?.name.slice(0, SHOWN_NAME_LENGTH);
  if (!made || name === "Object") {
    return "an object";
  }
  if (value instanceof Promise) {
    return "a Promise, which has to be awaited";
  }
  // What every program has, such as a Map, needs no more than its name.
  const isBuiltIn = name !== "" && (globalThis as Record<string, unknown>)[name as string] === made;
  return isBuiltIn ? `${/^[AEIO]/.test(made.name) ? "an" : "a"} ${name}` : `an instance of ${name || "a class"}`;
}

/** Of whatever realm it is, such as that of a test runner: what it writes itself as is null. */
export function isInvalidDate(value: object): boolean {
  try {
    return Number.isNaN(Date.prototype.getTime.call(value));
  } catch {
    // It is no Date.
    return false;
  }
}

/** The class, as far as the object says it. */
function constructorOf(value: object): { name: string } | undefined {
  try {
    const made: unknown = (value as { constructor?: unknown }).constructor;
    return typeof made === "function" && typeof made.name === "string" ? made : undefined;
  } catch {
    return undefined;
  }
}
