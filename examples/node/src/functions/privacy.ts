import { identifier, texts } from "../input.js";
import * as output from "../output.js";
import type { Functions } from "../call.js";
import type { PrivacyFunctions } from "../types/privacy.js";

export const privacyFunctions: Functions<PrivacyFunctions> = {
  suppress: async (call, emails) => output.batch(await call("privacy", "suppress", texts(emails, ["emails"]))),
  unsuppress: async (call, emails) => output.batch(await call("privacy", "unsuppress", texts(emails, ["emails"]))),
  deleteProfiles: async (call, by) => call("privacy", "delete", identifier(by, [])),
};
