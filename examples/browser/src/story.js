// What the exchanges of an opt-in mean, in the words of the guide that it follows.

const decoder = new TextDecoder();

/** The guide's steps, and what one that does not happen is for. */
export const STEPS = {
  search: "Search the profile",
  create: "Create the profile",
  subscribe: "Subscribe it to the list",
};

/** The first word is the first name, the rest the last. */
export function contact({ email, name, phone }) {
  const [firstName, ...rest] = name.trim().split(/\s+/);
  return {
    email: email.trim(),
    phoneNumber: phone.trim() || undefined,
    firstName: firstName || undefined,
    lastName: rest.join(" ") || undefined,
  };
}

/** Which of the steps a request is. */
export function step({ request }) {
  if (request.method === "get") return "search";
  return request.url.includes("/relationships/profiles/") ? "subscribe" : "create";
}

export const text = (bytes) => decoder.decode(bytes);

function document(bytes) {
  try {
    return JSON.parse(text(bytes));
  } catch {
    return undefined;
  }
}

/** The condition that the guide puts after a step. */
export function branch(exchange) {
  const { response } = exchange;
  if (!response) return undefined;
  const kind = step(exchange);
  if (kind === "search" && response.status === 200) {
    const data = document(response.body)?.data;
    if (!Array.isArray(data)) return undefined;
    return data.length
      ? "data has the profile: take its id, create nothing"
      : "data is empty: there is no such profile, create it";
  }
  if (kind === "create" && response.status === 409) {
    return "the answer names the profile that exists: take its id";
  }
  return undefined;
}

/** What the guide has an automation keep of an answer: name, source, value. */
export function variables(exchange) {
  const found = document(exchange.response?.body ?? new Uint8Array());
  const kind = step(exchange);
  const kept = [];
  const keep = (name, source, value) => {
    if (value !== undefined && value !== null) kept.push({ name, source, value });
  };
  if (kind === "search") {
    keep("profile_id", "data[0].id", found?.data?.[0]?.id);
    keep("profile_name", "data[0].attributes.first_name", found?.data?.[0]?.attributes?.first_name);
  } else if (kind === "create") {
    keep("profile_id", "data.id", found?.data?.id);
    keep("profile_name", "data.attributes.first_name", found?.data?.attributes?.first_name);
    keep("profile_id", "errors[0].meta.duplicate_profile_id", found?.errors?.[0]?.meta?.duplicate_profile_id);
  }
  return kept;
}

/** The steps that an opt-in did not come to, and why. */
export function missing(exchanges, failed) {
  const done = new Set(exchanges.map(step));
  const skipped = !failed || done.has("subscribe");
  return Object.keys(STEPS)
    .filter((kind) => !done.has(kind))
    .map((kind) => ({ kind, reason: skipped ? "skipped: the profile exists" : "did not happen" }));
}

/** What the bot says. */
export function reply(receipt, email) {
  const greeting = receipt.profileName ? `You are now subscribed, ${receipt.profileName}!` : "You are now subscribed!";
  return `${greeting} You will receive updates at ${email}.`;
}

const STATUS = {
  200: "OK",
  201: "Created",
  204: "No Content: success, there is no body",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  409: "Conflict",
  410: "Gone",
  429: "Too Many Requests",
  502: "Bad Gateway",
  503: "Service Unavailable",
};

export const meaning = (status) => STATUS[status] ?? "";

/** The query of a URL as people read it. */
export function query(url) {
  const { searchParams } = new URL(url);
  return [...searchParams].map(([name, value]) => ({ name, value }));
}

/** A body to look at: JSON laid out, or text, in which what cannot be seen is written as it is in code. */
export function body(bytes) {
  const parsed = document(bytes);
  if (parsed !== undefined) return { json: true, text: JSON.stringify(parsed, null, 2) };
  const escaped = text(bytes).replace(/[\u0000-\u0008\u000b-\u001f\u007f]/g, (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, "0")}`);
  return { json: false, text: escaped.trimEnd() };
}

/** What to do about an error, in the words of the README. */
const REMEDIES = {
  "invalid-input": "correct the field that details names",
  unauthenticated: "check the key that the host has for this account",
  forbidden: "create a key with profiles:read, profiles:write, lists:read, lists:write",
  "not-found": "check the id of the list, and that the key is of the same account",
  conflict: "use the profile that duplicate names; use the list's id",
  rejected: "correct the value that details names",
  "rate-limited": "wait retry-after seconds, or back off when there is none",
  retired: "have the host raise revision, or update the connector",
  unavailable: "repeat later",
  blocked: "check where requests come from; it is not the key",
  denied: "change the host's policy",
  timeout: "repeat, or raise the host's timeout",
  connection: "repeat: nothing is done twice",
  "too-large": "raise the host's limit",
  malformed: "report it with body",
  other: "read the message",
};

export const remedy = (code) => REMEDIES[code] ?? REMEDIES.other;
