// What the exchanges of an opt-in mean, in the words of the guide that it follows.

import { OPT_IN } from "./situations.js";

const decoder = new TextDecoder();

/** The steps of an opt-in, in their order. */
export const STEPS = {
  search: "Search the profile",
  create: "Create the profile",
  add: "Add it to the list",
  consent: "Give the consent",
  read: "Read the consent back",
};

/** What a person orders in the shop. */
export const order = (profileId) => ({
  metric: "Placed Order",
  profile: { tag: "id", val: profileId },
  uniqueId: `${profileId}-1`,
  value: "22.50",
  valueCurrency: "USD",
  properties: JSON.stringify({ Items: [{ ProductName: "wool socks", Quantity: 3 }] }),
});

/** Which step of an opt-in a request is; undefined in another call. */
export function step({ request: { method, url, function: called } }) {
  if (called !== OPT_IN) return undefined;
  if (method === "get") return url.includes("subscriptions") ? "read" : "search";
  if (url.includes("/api/profile-subscription-bulk-create-jobs/")) return "consent";
  return url.includes("/relationships/profiles/") ? "add" : "create";
}

const VERBS = { get: "Read", post: "Send", patch: "Change", delete: "Remove" };

/** What a request does: a step of an opt-in, or what its method and path say. */
export function title(exchange) {
  const { method, url } = exchange.request;
  const named = step(exchange);
  if (named) return STEPS[named];
  const resources = new URL(url).pathname.split("/").filter((part) => /^[a-z][a-z-]+$/.test(part) && !["api", "relationships"].includes(part));
  return `${VERBS[method]} ${resources.reverse().join(" of ").replaceAll("-", " ")}`;
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
export function missing(exchanges) {
  const done = new Set(exchanges.map(step));
  const kinds = Object.keys(STEPS);
  const skipped = (kind) => kinds.slice(kinds.indexOf(kind)).some((later) => done.has(later));
  return kinds
    .filter((kind) => !done.has(kind))
    .map((kind) => ({ kind, reason: skipped(kind) ? "skipped: the profile exists" : "did not happen" }));
}

/** Whether Klaviyo took the consent. Without it, the person is on the list, and gets no messages. */
export const consented = (receipt) => receipt.consent.some(({ refused }) => !refused);

/** What stands on a channel of a receipt. */
export function standing({ refused, state }) {
  if (refused) return `refused: ${refused.detail || refused.title}`;
  return state === "SUBSCRIBED" ? state : `accepted; ${state ?? "unknown"} until Klaviyo has worked on it`;
}

/** What the bot says to somebody who opts in. */
export function reply(receipt, email) {
  const name = receipt.profileName ? `, ${receipt.profileName}` : "";
  return consented(receipt)
    ? `You are now subscribed${name}! You will receive updates at ${email}.`
    : `You are on the list${name}! Your entry there has the address ${email}.`;
}

/** What the bot says to somebody who writes again: it names the first item of the newest order. */
export function greeting(receipt, events) {
  const newest = events.find(({ metric }) => metric === "Placed Order");
  const item = newest && JSON.parse(newest.properties).Items?.[0]?.ProductName;
  const name = receipt.profileName ? `, ${receipt.profileName}` : "";
  return `Welcome back${name}! ${item ? `How do you like your ${item}?` : "What can we do for you?"}`;
}

const STATUS = {
  200: "OK",
  201: "Created",
  202: "Accepted: Klaviyo works on it",
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
  forbidden: "create a key with the scope that the message names",
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
