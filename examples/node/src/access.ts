// What requests may ask for: those of `api.call`, which can ask Klaviyo for anything, and those of any function.

/** The function that asks for any path. */
export const API_CALL = "api.call";

/** What `api.call` may ask for. */
export interface Access {
  allow: "read" | "all";
  /** The segments of the paths below which it may ask; undefined: everywhere below `/api`. */
  below: readonly (readonly string[])[] | undefined;
}

/** Characters that stand for themselves, and encoded bytes. */
const SEGMENT = /^(?:[A-Za-z0-9\-._~:@!$&'()*+,=]|%[0-9A-Fa-f]{2})+$/;

/** Encoded bytes that separate, name a parent, or encode another time. */
const MEANINGFUL = /%(?:[01][0-9a-f]|7f|2f|5c|2e|25|3b|3f|23)/i;

/**
 * The segments of a path below `/api`, if every server reads the same ones, or a sentence that says why not. A slash at
 * the end does not count.
 *
 * What could be read in two ways is refused: servers and what stands before them differ in when they decode, whether
 * they join empty segments, and what they cut off behind a semicolon.
 */
export function segments(path: string): { segments: string[] } | { reason: string } {
  if (!path.startsWith("/")) {
    return { reason: "it does not begin with a slash" };
  }
  const segments = path.slice(1).replace(/\/$/, "").split("/");
  if (segments[0] !== "api") {
    return { reason: "it is not below /api" };
  }
  if (segments.some((segment) => segment === "" || segment === "." || segment === "..")) {
    return { reason: "it has a segment that is empty or of dots" };
  }
  return segments.every(isUnambiguous) ? { segments } : { reason: "it has a character that could be read in two ways" };
}

function isUnambiguous(segment: string): boolean {
  if (!SEGMENT.test(segment) || MEANINGFUL.test(segment)) {
    return false;
  }
  try {
    // Decoders that are not strict take a longer form of a dot or a slash for one; this one throws.
    decodeURIComponent(segment);
    return true;
  } catch {
    return false;
  }
}

/** Why a request may not be sent for this function while `called` runs; undefined where it may. */
export function refusal(
  access: Access | undefined,
  called: string,
  request: { function: string; method: string; path: string },
): string | undefined {
  // The name is the component's word.
  if (request.function !== called) {
    const other = JSON.stringify(request.function.slice(0, 40));
    return `the request is for another function, ${other}, and the call is of ${called}; this is a defect in the component`;
  }
  if (called === API_CALL) {
    return refusalOfPath(access, request.method, request.path);
  }
  const asked = segments(request.path);
  return "reason" in asked ? `the request's path is refused: ${asked.reason}` : undefined;
}

function refusalOfPath(access: Access | undefined, method: string, path: string): string | undefined {
  if (!access) {
    return "api.call may ask for nothing; the option api would allow it";
  }
  if (access.allow === "read" && method !== "get") {
    return `api.call may only read, and this is a ${method}; api: "all" would allow it`;
  }
  const asked = segments(path);
  if ("reason" in asked) {
    return `api.call cannot ask for this path: ${asked.reason}`;
  }
  const begins = (allowed: readonly string[]) => allowed.every((segment, at) => asked.segments[at] === segment);
  return !access.below || access.below.some(begins)
    ? undefined
    : "api.call may not ask for this path; api.below does not have it";
}
