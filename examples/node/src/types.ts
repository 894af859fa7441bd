/// <reference lib="esnext.disposable" preserve="true" />

import type { KlaviyoError } from "./error.js";
import type { Limits } from "./limits.js";

/** What `connect` takes. */
export interface Options {
  /** The account's private key, `pk_…`. White space around it is dropped. */
  key: string;
  /**
   * An origin to talk to instead of `https://a.klaviyo.com`, such as a simulator or a gateway. With `http://` the key
   * is sent in clear.
   */
  endpoint?: string | undefined;
  /**
   * Sends requests instead of the global `fetch`. It gets the key, in the `Authorization` header. It may throw a
   * `KlaviyoError` with the code `denied`, `timeout`, `connection`, `too-large` or `other` to say why there is no
   * answer; whatever else it throws is `connection`, a `TimeoutError` is `timeout`.
   */
  fetch?: typeof fetch | undefined;
  /** What one call may use; what is left out has its default. */
  limits?: Partial<Limits> | undefined;
  /**
   * What `api.call` may ask for: `GET` of everything that the key may read, or everything that it may do; with `below`,
   * at and below these paths alone, compared by whole segments. What is left out is nothing.
   */
  api?: "read" | "all" | { allow: "read" | "all"; below?: readonly string[] | undefined } | undefined;
}

/** A person to create, update, import or opt in: at least an email, a phone number or an external id. */
export interface NewProfile {
  email?: string | null | undefined;
  /** Written to E.164, such as `+919820000001`, or refused. */
  phoneNumber?: string | null | undefined;
  externalId?: string | null | undefined;
  firstName?: string | null | undefined;
  lastName?: string | null | undefined;
  /**
   * Custom properties: an object, or the text of a JSON object. A number in an object has the digits that JavaScript
   * keeps, about 16; in a text all of them.
   */
  properties?: Record<string, unknown> | string | null | undefined;
}

/** What a profile is looked up by: exactly one of these. */
export type Identifier =
  | { email: string; phoneNumber?: never; externalId?: never; id?: never }
  | { phoneNumber: string; email?: never; externalId?: never; id?: never }
  | { externalId: string; email?: never; phoneNumber?: never; id?: never }
  | { id: string; email?: never; phoneNumber?: never; externalId?: never };

/** A person as Klaviyo knows them. */
export interface Profile {
  /** Klaviyo's id: 26 characters, opaque, permanent until profiles are merged. */
  id: string;
  email?: string;
  /** E.164, such as `+919820000001`. */
  phoneNumber?: string;
  externalId?: string;
  firstName?: string;
  lastName?: string;
  /** RFC 3339, as Klaviyo wrote it; so is `updated`. */
  created?: string;
  updated?: string;
  /** The custom properties: the text of a JSON object, in which numbers have all of their digits. */
  properties: string;
  /** What Klaviyo accepted only in part, one sentence each. */
  warnings: string[];
}

/** What `create` did: a profile is new, or one with an identifier of it exists, which was not changed. */
export type Creation = { created: true; profile: Profile } | { created: false; id: string };

/** What `upsert` did. */
export interface Upserted {
  /** The profile as it is now. */
  profile: Profile;
  /** Whether it is new. */
  created: boolean;
}

/** What `optIn` did. */
export interface Receipt {
  profileId: string;
  /** The first name in Klaviyo's answers, else the one that was given. */
  profileName?: string;
  listId: string;
  /** Whether this call created the profile. */
  created: boolean;
  /** What was not taken as given, one sentence each: fields that Klaviyo dropped, or has otherwise. */
  warnings: string[];
}

/** A list that profiles can be members of. */
export interface Audience {
  /** Klaviyo's id: 6 characters, such as `Y6nRLr`. Names can change, ids do not. */
  id: string;
  name: string;
  /** RFC 3339, as Klaviyo wrote it; so is `updated`. */
  created?: string;
  updated?: string;
  /** `single_opt_in` or `double_opt_in`. */
  optIn?: string;
}

/** Where marketing messages go. Email and push need an email, SMS and WhatsApp a phone number; push takes any. */
export type Channel = "email" | "sms" | "whatsapp" | "push";

/** The consent of one person. */
export interface Subscription {
  /** Klaviyo's id of the profile, if it is known. */
  id?: string | null | undefined;
  email?: string | null | undefined;
  phoneNumber?: string | null | undefined;
  /** One or more. */
  channels: readonly Channel[];
  /** When the consent was given: RFC 3339. For historical imports only. */
  consentedAt?: string | null | undefined;
  /** Such as `1990-12-31`. Klaviyo needs it for SMS in accounts that use age-gating. */
  dateOfBirth?: string | null | undefined;
}

/** Consent that one person takes back. */
export interface Unsubscription {
  email?: string | null | undefined;
  phoneNumber?: string | null | undefined;
  /** One or more. */
  channels: readonly Channel[];
}

/** What became of consent. Look at `refused` and at `stopped`, also after success. */
export interface Outcome {
  /** How many Klaviyo accepted. It works on them later: read it back with `consents`. */
  accepted: number;
  /** Who was not sent, or refused by Klaviyo, by position in the argument. */
  refused: Refusal[];
  warnings: string[];
  /** Why those from position `stopped.done` on, but for those refused, were not sent. */
  stopped?: KlaviyoError;
}

/** An item of a call that was left out of it, and why. */
export interface Refusal {
  /** Its position in the argument, from 0. */
  index: number;
  reason: Detail;
}

/** One entry of Klaviyo's `errors`, or of the connector's own. */
export interface Detail {
  code: string;
  title: string;
  detail: string;
  /** The field that it is about. */
  pointer?: string;
}

/** A person's consent. */
export interface Consents {
  profileId: string;
  /** The channels that Klaviyo tells of. */
  channels: ChannelConsent[];
}

/** A person's consent on one channel. */
export interface ChannelConsent {
  channel: Channel;
  /** Klaviyo's word: `SUBSCRIBED`, `UNSUBSCRIBED`, `NEVER_SUBSCRIBED`. */
  state: string;
  /** Whether Klaviyo would send marketing there. */
  canReceive?: boolean;
  consentedAt?: string;
  updated?: string;
  /** How it was given, in Klaviyo's words. */
  method?: string;
  customSource?: string;
  /** What stops marketing email in spite of consent. */
  suppressions: Suppression[];
}

/** What stops marketing email in spite of consent. */
export interface Suppression {
  /** Klaviyo's word, such as `HARD_BOUNCE` or `UNSUBSCRIBE`. */
  reason: string;
  since?: string;
  /** The list that it is for; undefined: all email. */
  list?: string;
}

/** A job that Klaviyo took. */
export interface Submitted {
  /** Klaviyo's id of the job. */
  job: string;
  /** `rows[n]` is the position, in the argument, of the contact that a `Failure` with row `n` is about. */
  rows: number[];
}

/** What became of an import. Look at `refused` and at `stopped`, also after success. */
export interface Submission {
  jobs: Submitted[];
  /** The contacts that were not imported and never will be as they are, by position. */
  refused: Refusal[];
  warnings: string[];
  /** Why the contacts from position `stopped.done` on, but for those refused, were not submitted. */
  stopped?: KlaviyoError;
}

/** An import job. */
export interface Job {
  id: string;
  /** `queued`, `processing`, `complete`, `cancelled`, or a word of Klaviyo's that this version does not know. */
  status: "queued" | "processing" | "complete" | "cancelled" | (string & {});
  /** How many contacts it has. */
  total: number;
  completed: number;
  /** How many could not be imported: `importFailures` has the reasons. */
  failed: number;
  created?: string;
  started?: string;
  finished?: string;
  /** Until when Klaviyo keeps it. */
  expires?: string;
}

/** A contact that a job could not import. */
export interface Failure {
  /** Its position in the job: see `Submitted.rows`. */
  row?: number;
  reason: Detail;
  /** The contact as it was sent: the text of a JSON object. */
  payload?: string;
}

/**
 * One Klaviyo account. Every call is safe to repeat after a failure but `submitImport`; none is repeated here.
 * All of them reject with a `KlaviyoError`. `wit/` has each function's requests, scopes and errors.
 */
export interface Klaviyo extends AsyncDisposable {
  /** All lists of the account. */
  lists(): Promise<Audience[]>;
  /** The list with this id or exact name. Reads all lists: keep the id. */
  findList(name: string): Promise<Audience | undefined>;
  /** The profile with this identifier. */
  lookup(by: Identifier): Promise<Profile | undefined>;
  /** The profiles with these identifiers, in their order. */
  lookupMany(identifiers: readonly Identifier[]): Promise<(Profile | undefined)[]>;
  /** Creates a profile, or says which one has an identifier of it. */
  create(profile: NewProfile): Promise<Creation>;
  /** Creates a profile, or updates the one with the same identifiers; what is not given stays as it is. */
  upsert(profile: NewProfile): Promise<Upserted>;
  /** Adds profiles, by id, to a list, by id, and returns how many. Membership, not consent. */
  subscribe(members: { list: string; profiles: readonly string[] }): Promise<number>;
  /** Looks a contact up, creates it if there is none, and adds it to a list, by id. Membership, not consent. */
  optIn(contact: NewProfile & { list: string }): Promise<Receipt>;
  /** Subscribes people to marketing, and to a list, by id, if one is given. It lifts suppressions. */
  grantConsent(grant: {
    subscriptions: readonly Subscription[];
    list?: string | null | undefined;
    /** What Klaviyo keeps as the source of the consent. */
    customSource?: string | null | undefined;
    /** The consent was collected before, elsewhere. `now` is the present time, RFC 3339. */
    historicalImport?: { now: string } | null | undefined;
  }): Promise<Outcome>;
  /** Unsubscribes people from marketing; with a list, by id, from that list. */
  revokeConsent(revocation: {
    unsubscriptions: readonly Unsubscription[];
    list?: string | null | undefined;
  }): Promise<Outcome>;
  /** A person's consent, channel by channel. */
  consents(by: Identifier): Promise<Consents | undefined>;
  /** Imports contacts, and adds them to a list, by id, if one is given. Repeated, it is a second import. */
  submitImport(submission: { contacts: readonly NewProfile[]; list?: string | null | undefined }): Promise<Submission>;
  /** How an import is doing. */
  import(job: string): Promise<Job>;
  /** The contacts that an import could not take. */
  importFailures(job: string): Promise<Failure[]>;
  /** The account's imports, newest first: those newer than the given one, or the newest 100. */
  imports(range?: { newerThan?: string | null | undefined }): Promise<Job[]>;
  /** Takes no more calls, waits for those under way, and ends the threads. */
  close(): Promise<void>;
}
