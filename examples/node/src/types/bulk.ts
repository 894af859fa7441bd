// Many contacts at once: Klaviyo's bulk imports.

import type { Call, CallOptions } from "./call.js";
import type { KlaviyoError } from "../error.js";
import type { Detail, NewProfile, Optional, Refusal } from "./values.js";

/** A job that Klaviyo took. */
export interface Submitted {
  /** Klaviyo's id of the job. */
  job: string;
  /** `rows[n]` is the position, in the argument, of the contact that a `Failure` with row `n` is about. */
  rows: number[];
}

/** What became of an import. Look at `refused` and at `stopped`, also after success. */
export interface Submission {
  /** The jobs that Klaviyo took, in the order of the contacts. */
  jobs: Submitted[];
  /** The contacts that were not imported and never will be as they are, by position. */
  refused: Refusal[];
  /** What Klaviyo took only in part, one sentence each. */
  warnings: string[];
  /** Why the contacts from position `stopped.done` on, but for those refused, were not submitted. */
  stopped?: KlaviyoError;
}

/** An import job. */
export interface Job {
  /** Klaviyo's id. */
  id: string;
  /** `queued`, `processing`, `complete`, `cancelled`, or a word of Klaviyo's that this version does not know. */
  status: "queued" | "processing" | "complete" | "cancelled" | (string & {});
  /** How many contacts it has. */
  total: number;
  /** How many Klaviyo has completed so far. */
  completed: number;
  /** How many could not be imported: `importFailures` has the reasons. */
  failed: number;
  /** When it was submitted: RFC 3339, as Klaviyo wrote it. */
  created?: string;
  /** When Klaviyo began with it: RFC 3339. */
  started?: string;
  /** When Klaviyo ended it: RFC 3339. */
  finished?: string;
  /** Until when Klaviyo keeps it, seven days: RFC 3339. */
  expires?: string;
}

/** A contact that a job could not import. */
export interface Failure {
  /** Its position in the job, from 0: see `Submitted.rows`. Undefined: Klaviyo does not say. */
  row?: number;
  /** Klaviyo's reason. */
  reason: Detail;
  /** The contact as it was sent: the text of a JSON object. */
  payload?: string;
}

/** What to import. */
export interface Import {
  /** At best 10,000 in a call. */
  contacts: readonly NewProfile[];
  /** The id of a list to add them to. */
  list?: Optional<string>;
}

/** Which imports are wanted. */
export interface ImportRange {
  /** The id of a job: those that Klaviyo lists before it. Left out: the newest 100. */
  newerThan?: Optional<string>;
}

/** Imports. They are membership of a list, not consent. */
export interface BulkFunctions {
  /**
   * Which contacts `submitImport` would refuse before it sends anything, and why, by position. Empty: all are fit.
   * Nothing is sent, so there are neither scopes nor rates.
   *
   * Errors: none of its own.
   */
  checkImport(contacts: readonly NewProfile[], options?: CallOptions): Call<Refusal[]>;
  /**
   * Imports contacts, as Klaviyo's jobs, and adds them to a list if one is given. One request for 10,000 contacts or
   * 5,000,000 bytes, in which a contact may take 100,000. A field that is not given stays as it is. Repeated, it is a
   * second import, which writes the same values: look at `imports` first. Import 10,000 contacts in a call: larger
   * calls save no request, and lose the ids of their jobs where a limit ends them.
   *
   * Scopes: `lists:write`, `profiles:write`. Rate: 10 a second, 150 a minute.
   *
   * Errors: `not-found`: there is no such list. `rejected`: Klaviyo refuses the request and names no contact in it.
   * `invalid-input`: `list` is empty. After an error no contact is known to be accepted.
   */
  submitImport(submission: Import, options?: CallOptions): Call<Submission>;
  /**
   * How an import is doing. A new one takes minutes: ask every few seconds at most. One request.
   *
   * Scopes: `lists:read`, `profiles:read`. Rate: 10 a second, 150 a minute.
   *
   * Errors: `not-found`: there is no such job, or it has expired, after seven days.
   */
  import(job: string, options?: CallOptions): Call<Job>;
  /**
   * The contacts that an import could not take, all of them; more may follow until it is complete. One request for
   * 100. At most 12 MB of answers.
   *
   * Scope: `profiles:read`. Rate: 10 a second, 150 a minute.
   *
   * Errors: `not-found`: there is no such job, or it has expired. `too-large`: the answers have more than 12 MB.
   * `malformed`: a link to the next page leads elsewhere, or repeats.
   */
  importFailures(job: string, options?: CallOptions): Call<Failure[]>;
  /**
   * The account's imports, newest first: those newer than the given one, or the newest 100. One request for 100. It
   * shows the progress of many, and whether Klaviyo took one of which there was no answer.
   *
   * Scopes: `lists:read`, `profiles:read`. Rate: 10 a second, 150 a minute.
   *
   * Errors: `malformed`: a link to the next page leads elsewhere, or repeats.
   */
  imports(range?: ImportRange, options?: CallOptions): Call<Job[]>;
}
