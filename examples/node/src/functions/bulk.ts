import type { NewProfile } from "../../generated/interfaces/klaviyo-connector-types.js";
import { newProfile } from "../input.js";
import * as output from "../output.js";
import { list, optional, record, text } from "../reader.js";
import type { Sandbox } from "../sandbox.js";
import type { BulkFunctions } from "../types/bulk.js";

const contacts = list(newProfile);
const submission = record<{ contacts: NewProfile[]; list?: string }>({ contacts, list: optional(text) });
const range = record<{ newerThan?: string }>({ newerThan: optional(text) });

export const bulkFunctions = (sandbox: Sandbox): BulkFunctions => ({
  checkImport: async (value) => sandbox.call("bulk", "check", contacts(value, ["contacts"])),
  submitImport: async (value) => {
    const { contacts, list } = submission(value, []);
    return output.submission(await sandbox.call("bulk", "submit", contacts, list));
  },
  import: async (job) => output.job(await sandbox.call("bulk", "status", text(job, ["job"]))),
  importFailures: async (job) => sandbox.call("bulk", "failures", text(job, ["job"])),
  imports: async (value = {}) => {
    const jobs = await sandbox.call("bulk", "jobs", range(value, []).newerThan);
    return jobs.map(output.job);
  },
});
