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

/** Imports. They are membership of a list, not consent. */
export interface BulkFunctions {
  /** Which contacts `submitImport` would refuse before it sends anything, and why. Nothing is sent. */
  checkImport(contacts: readonly NewProfile[], options?: CallOptions): Call<Refusal[]>;
  /**
   * Imports contacts, and adds them to a list, by id, if one is given. One request for 10,000 contacts or 5 MB. Repeated,
   * it is a second import: look at `imports` first. Scopes: `lists:write`, `profiles:write`.
   */
  submitImport(submission: { contacts: readonly NewProfile[]; list?: Optional<string> }, options?: CallOptions): Call<Submission>;
  /** How an import is doing. One request. Scopes: `lists:read`, `profiles:read`. `not-found` after seven days. */
  import(job: string, options?: CallOptions): Call<Job>;
  /** The contacts that an import could not take. One request for 100. Scope: `profiles:read`. */
  importFailures(job: string, options?: CallOptions): Call<Failure[]>;
  /**
   * The account's imports, newest first: those newer than the given one, or the newest 100. One request for 100. Scopes:
   * `lists:read`, `profiles:read`.
   */
  imports(range?: { newerThan?: Optional<string> }, options?: CallOptions): Call<Job[]>;
}
