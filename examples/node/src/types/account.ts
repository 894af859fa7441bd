// The account that the key belongs to.

import type { Call, CallOptions } from "./call.js";

/** A Klaviyo account. */
export interface AccountDetails {
  /** Klaviyo's id: 6 characters. It is the public API key too. */
  id: string;
  /** The name of the company. */
  organization?: string;
  /** The name that email is sent from. */
  senderName?: string;
  /** The address that email is sent from. */
  senderEmail?: string;
  /** The address of its website. */
  website?: string;
  /** In Klaviyo's words. */
  industry?: string;
  /** A name of the IANA database, such as `Asia/Kolkata`. */
  timezone?: string;
  /** ISO 4217, such as `INR`. */
  currency?: string;
  /** The language tag, such as `en-IN`. */
  locale?: string;
  /** Whether it is a test account. */
  test?: boolean;
}

/** The account. */
export interface AccountFunctions {
  /**
   * Reads the account. One request.
   *
   * Scope: `accounts:read`. Rate: 1 a second, 15 a minute.
   *
   * Errors: none of its own.
   */
  accountDetails(options?: CallOptions): Call<AccountDetails>;
}
