// The contract's names as this package writes them: fields in camelCase, functions by the client's names. Both tables are
// held against the contract by the compiler.

import type { Parameter, Request } from "../generated/interfaces/klaviyo-connector-api.js";
import type { Start } from "../generated/interfaces/klaviyo-connector-changes.js";
import type { Options, Subscription, Unsubscription } from "../generated/interfaces/klaviyo-connector-consent.js";
import type { Departures, Permission } from "../generated/interfaces/klaviyo-connector-contacts.js";
import type { NewEvent, Period } from "../generated/interfaces/klaviyo-connector-events.js";
import type { Error as ConnectorError, Location, NewProfile } from "../generated/interfaces/klaviyo-connector-types.js";
import type { Root } from "../generated/world.js";
import { kebab, named } from "./reader.js";
import type { Functions } from "./types/client.js";

type Field =
  | keyof (NewProfile & Location & Permission & NewEvent & Period & Start & Subscription & Unsubscription & Options)
  | keyof (Request & Parameter & ConnectorError & Departures)
  | "newerThan";

/** Those of more than one word: the others are the same in the contract. */
type Camel = { [Name in Field]: Name extends Lowercase<Name> ? never : Name }[Field];

const FIELDS: { [Name in Camel]: true } = {
  phoneNumber: true,
  externalId: true,
  firstName: true,
  lastName: true,
  customSource: true,
  historicalImport: true,
  consentedAt: true,
  dateOfBirth: true,
  uniqueId: true,
  valueCurrency: true,
  lookBack: true,
  newerThan: true,
  retryAfter: true,
  requestId: true,
  missingLists: true,
};

type Interface = Exclude<keyof Root, `klaviyo:${string}` | "types">;
type Kebab<Name extends string> = Name extends `${infer Letter}${infer Rest}`
  ? `${Letter extends Lowercase<Letter> ? Letter : `-${Lowercase<Letter>}`}${Kebab<Rest>}`
  : Name;
type ContractFunction = { [I in Interface]: `${I}.${Kebab<keyof Root[I] & string>}` }[Interface];

/** Each function of the contract, by the name that a client has for it. */
export const FUNCTIONS: { readonly [Name in ContractFunction]: keyof Functions } = {
  "account.get": "accountDetails",
  "api.call": "callApi",
  "bulk.check": "checkImport",
  "bulk.failures": "importFailures",
  "bulk.jobs": "imports",
  "bulk.status": "import",
  "bulk.submit": "submitImport",
  "changes.events": "newEvents",
  "changes.members": "joinedMembers",
  "changes.profiles": "changedProfiles",
  "consent.grant": "grantConsent",
  "consent.revoke": "revokeConsent",
  "consent.status": "consents",
  "contacts.create": "create",
  "contacts.lookup": "lookup",
  "contacts.lookup-many": "lookupMany",
  "contacts.merge": "merge",
  "contacts.opt-in": "optIn",
  "contacts.opt-in-many": "optInMany",
  "contacts.opt-out": "optOut",
  "contacts.subscribe": "subscribe",
  "contacts.update": "update",
  "contacts.upsert": "upsert",
  "events.history": "history",
  "events.metrics": "metrics",
  "events.track": "track",
  "events.track-many": "trackMany",
  "lists.all": "lists",
  "lists.create": "createList",
  "lists.find": "findList",
  "lists.members": "listMembers",
  "lists.of-profile": "listsOfProfile",
  "lists.remove": "removeFromList",
  "privacy.delete": "deleteProfiles",
  "privacy.suppress": "suppress",
  "privacy.unsuppress": "unsuppress",
  "segments.all": "segments",
  "segments.members": "segmentMembers",
  "segments.of-profile": "segmentsOfProfile",
};

const OURS = new Map([...Object.keys(FIELDS).map((name) => [kebab(name), name] as const), ...Object.entries(FUNCTIONS)]);

/** A word of one of the contract's names, with all that could make it another word. */
const WORD = /[A-Za-z0-9_.-]*[a-z0-9]/g;

/** The connector's words, with its names as this package writes them. */
export function spelled(words: string): string {
  return words.replace(WORD, (word) => OURS.get(word) ?? word);
}

/** The parts of a connector's pointer into an argument. What is below `properties` are the caller's own names. */
export function partsOf(pointer: string): (string | number)[] {
  const parts = pointer.split("/");
  const own = parts.indexOf("properties") + 1 || parts.length;
  return parts.map((part, at) => (at >= own ? part : /^\d+$/.test(part) ? Number(part) : (OURS.get(part) ?? part)));
}

/** The name of a field that the caller wrote as this package does, as the contract has it. */
export function contractField(name: string): string {
  return Object.hasOwn(FIELDS, name) ? kebab(name) : name;
}

/** The connector's sentence about an argument, which begins with the place that the pointer names. */
export function spelledAt(pointer: string, sentence: string): string {
  const begin = `${pointer}: `;
  return sentence.startsWith(begin)
    ? `${named(partsOf(pointer))}: ${spelled(sentence.slice(begin.length))}`
    : spelled(sentence);
}

const CONTRACTS = new Map(Object.entries(FUNCTIONS).map(([contract, name]) => [name as string, contract]));

/** The name in the contract of a function of a client. */
export function contractName(name: string): string {
  return CONTRACTS.get(name) ?? name;
}
