import { identifier, texts } from "../input.js";
import * as output from "../output.js";
import type { Sandbox } from "../sandbox.js";
import type { PrivacyFunctions } from "../types/privacy.js";

export const privacyFunctions = (sandbox: Sandbox): PrivacyFunctions => ({
  suppress: async (emails) => output.stoppable(await sandbox.call("privacy", "suppress", texts(emails, ["emails"]))),
  unsuppress: async (emails) =>
    output.stoppable(await sandbox.call("privacy", "unsuppress", texts(emails, ["emails"]))),
  deleteProfiles: async (by) => sandbox.call("privacy", "delete", identifier(by, [])),
});
