// Keeping people out of email, and deleting them.

import type { Call, CallOptions } from "./call.js";
import type { BatchResult, Identifier } from "./values.js";

/** Suppressions and deletions. */
export interface PrivacyFunctions {
  /**
   * Suppresses email addresses: no marketing email, whatever their consent. One request for 100. Safe to repeat. Scopes:
   * `profiles:write`, `subscriptions:write`.
   */
  suppress(emails: readonly string[], options?: CallOptions): Call<BatchResult>;
  /**
   * Lifts suppressions that a user of the account or `suppress` made. One request for 100. Safe to repeat. Scope:
   * `subscriptions:write`.
   */
  unsuppress(emails: readonly string[], options?: CallOptions): Call<BatchResult>;
  /**
   * Deletes the profiles with an identifier, and all that Klaviyo knows about them. **This cannot be undone.** Klaviyo
   * does it later. One request. Scope: `data-privacy:write`. `invalid-input` for an external id: use the profile's id.
   */
  deleteProfiles(by: Identifier, options?: CallOptions): Call<void>;
}
