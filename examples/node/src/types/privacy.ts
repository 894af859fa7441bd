// Keeping people out of email, and deleting them.

import type { Call, CallOptions } from "./call.js";
import type { BatchResult, Identifier } from "./values.js";

/** Suppressions and deletions. */
export interface PrivacyFunctions {
  /**
   * Suppresses email addresses: no marketing email, whatever their consent. An address without a profile gets one. One
   * request for 100 addresses. Safe to repeat.
   *
   * Scopes: `profiles:write`, `subscriptions:write`. Rate: 75 a second, 700 a minute.
   *
   * Errors: none of its own. After an error no address is known to be suppressed.
   */
  suppress(emails: readonly string[], options?: CallOptions): Call<BatchResult>;
  /**
   * Lifts suppressions that a user of the account or `suppress` made; those for hard bounces, complaints and
   * unsubscribing stay. One request for 100 addresses. Safe to repeat.
   *
   * Scope: `subscriptions:write`. Rate: 75 a second, 700 a minute.
   *
   * Errors: as for `suppress`.
   */
  unsuppress(emails: readonly string[], options?: CallOptions): Call<BatchResult>;
  /**
   * Deletes the profiles with an identifier, and all that Klaviyo knows about them. **This cannot be undone.** It is
   * for requests under privacy laws such as the GDPR. Klaviyo does it later, and does not report the end. One request.
   * Safe to repeat.
   *
   * Scope: `data-privacy:write`. Rate: 3 a second, 60 a minute.
   *
   * Errors: `invalid-input`: also for an external id; use the profile's id.
   */
  deleteProfiles(by: Identifier, options?: CallOptions): Call<void>;
}
