// Results as JavaScript has them. What is not here is already as it should be.

import type { Outcome as ConnectorOutcome } from "../generated/interfaces/klaviyo-connector-consent.js";
import type {
  Job as ConnectorJob,
  Submission as ConnectorSubmission,
} from "../generated/interfaces/klaviyo-connector-bulk.js";
import type { Creation as ConnectorCreation } from "../generated/interfaces/klaviyo-connector-contacts.js";
import type { Error as ConnectorError } from "../generated/interfaces/klaviyo-connector-types.js";
import { KlaviyoError } from "./error.js";
import type { Creation, Job, Outcome, Submission } from "./types.js";

export function error({ code, message, ...circumstances }: ConnectorError): KlaviyoError {
  return new KlaviyoError(code, message, circumstances);
}

export function creation(creation: ConnectorCreation): Creation {
  return creation.tag === "created" ? { created: true, profile: creation.val } : { created: false, id: creation.val };
}

export function outcome({ stopped, ...rest }: ConnectorOutcome): Outcome {
  return stopped ? { ...rest, stopped: error(stopped) } : rest;
}

export function submission({ stopped, jobs, ...rest }: ConnectorSubmission): Submission {
  const submitted = { ...rest, jobs: jobs.map(({ job, rows }) => ({ job, rows: Array.from(rows) })) };
  return stopped ? { ...submitted, stopped: error(stopped) } : submitted;
}

export function job({ status, ...rest }: ConnectorJob): Job {
  return { ...rest, status: status.tag === "other" ? status.val : status.tag };
}
