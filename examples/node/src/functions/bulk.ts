import type { NewProfile } from "../../generated/interfaces/klaviyo-connector-types.js";
import { newProfile } from "../input.js";
import * as output from "../output.js";
import { list, optional, record, text } from "../reader.js";
import type { Functions } from "../call.js";
import type { BulkFunctions } from "../types/bulk.js";

const contacts = list(newProfile);
const submission = record<{ contacts: NewProfile[]; list?: string }>({ contacts, list: optional(text) });
const range = record<{ newerThan?: string }>({ newerThan: optional(text) });

export const bulkFunctions: Functions<BulkFunctions> = {
  checkImport: async (call, value) => {
    const refused = await call("bulk", "check", contacts(value, ["contacts"]));
    return refused.map(output.refusal);
  },
  submitImport: async (call, value) => {
    const { contacts, list } = submission(value, []);
    return output.submission(await call("bulk", "submit", contacts, list));
  },
  import: async (call, job) => output.job(await call("bulk", "status", text(job, ["job"]))),
  importFailures: async (call, job) => {
    const failures = await call("bulk", "failures", text(job, ["job"]));
    return failures.map(output.failure);
  },
  imports: async (call, value) => {
    const jobs = await call("bulk", "jobs", range(value ?? {}, []).newerThan);
    return jobs.map(output.job);
  },
};
