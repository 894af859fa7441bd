// Consent to messages: giving it, taking it back, reading it.

import type { Call, CallOptions } from "./call.js";
import type { KlaviyoError } from "../error.js";
import type { Channel, Detail, Identifier, Optional, Refusal } from "./values.js";

/** The consent of one person. */
export interface Subscription {
  /** Klaviyo's id of the profile, if it is known. */
  id?: Optional<string>;
  email?: Optional<string>;
  phoneNumber?: Optional<string>;
  /** The channels of marketing. One channel or more, here or in `transactional`. */
  channels?: Optional<readonly Channel[]>;
  /** The channels of transactional messages, such as order confirmations. */
  transactional?: Optional<readonly Channel[]>;
  /** When the consent was given: RFC 3339. For historical imports only. */
  consentedAt?: Optional<string>;
  /** Such as `1990-12-31`. Klaviyo needs it for SMS in accounts that use age-gating. */
  dateOfBirth?: Optional<string>;
}

/** Consent that one person takes back. */
export interface Unsubscription {
  email?: Optional<string>;
  phoneNumber?: Optional<string>;
  /** The channels of marketing. One channel or more, here or in `transactional`. */
  channels?: Optional<readonly Channel[]>;
  /** The channels of transactional messages, such as order confirmations. */
  transactional?: Optional<readonly Channel[]>;
}

/** A channel that Klaviyo refuses for a person, though it may have taken the person's other channels. */
export interface ChannelRefusal {
  /** The position of the person in the argument, from 0. */
  index: number;
  channel: Channel;
  /** Klaviyo's reason. Often the account has not set the channel up. */
  reason: Detail;
}

/** What became of consent. Look at `refused` and at `stopped`, also after success. */
export interface Outcome {
  /** How many Klaviyo accepted, on one channel or more. It works on them later: read it back with `consents`. */
  accepted: number;
  /** Who was not sent, or refused by Klaviyo, by position in the argument. */
  refused: Refusal[];
  /** The channels that Klaviyo refused, of people who are not in `refused`. */
  refusedChannels: ChannelRefusal[];
  warnings: string[];
  /** Why those from position `stopped.done` on, but for those refused, were not sent. */
  stopped?: KlaviyoError;
}

/** A person's consent. */
export interface Consents {
  profileId: string;
  /** Marketing, on the channels that Klaviyo tells of. */
  channels: ChannelConsent[];
  /** Transactional messages. */
  transactional: ChannelConsent[];
  /** Conversations that the person began. */
  conversational: ChannelConsent[];
}

/** A person's consent on one channel. */
export interface ChannelConsent {
  channel: Channel;
  /** Klaviyo's word: `SUBSCRIBED`, `UNSUBSCRIBED`, `NEVER_SUBSCRIBED`. */
  state: string;
  /** Whether Klaviyo would send marketing there. */
  canReceive?: boolean;
  consentedAt?: string;
  updated?: string;
  /** How it was given, in Klaviyo's words. */
  method?: string;
  customSource?: string;
  /** What stops marketing email in spite of consent. */
  suppressions: Suppression[];
}

/** What stops marketing email in spite of consent. */
export interface Suppression {
  /** Klaviyo's word, such as `HARD_BOUNCE` or `UNSUBSCRIBE`. */
  reason: string;
  since?: string;
  /** The list that it is for; undefined: all email. */
  list?: string;
}

/** Consent to messages. Give it only for people who gave it to you. */
export interface ConsentFunctions {
  /**
   * Subscribes people to messages, and to a list, by id, if one is given. It lifts suppressions; with double opt-in
   * people are asked to confirm. One request for 1,000 people, or for each channel where Klaviyo refuses one. Scopes:
   * `lists:write`, `profiles:write`, `subscriptions:write`.
   */
  grantConsent(grant: {
    subscriptions: readonly Subscription[];
    list?: Optional<string>;
    /** What Klaviyo keeps as the source of the consent. */
    customSource?: Optional<string>;
    /** The consent was collected before, elsewhere. `now` is the present time, RFC 3339. */
    historicalImport?: Optional<{ now: string }>;
  }, options?: CallOptions): Call<Outcome>;
  /**
   * Unsubscribes people; with a list, by id, from that list. One request for 100 people. Scopes: `lists:write`,
   * `profiles:write`, `subscriptions:write`.
   */
  revokeConsent(revocation: {
    unsubscriptions: readonly Unsubscription[];
    list?: Optional<string>;
  }, options?: CallOptions): Call<Outcome>;
  /** A person's consent, channel by channel. One request. Scope: `profiles:read`. */
  consents(by: Identifier, options?: CallOptions): Call<Consents | undefined>;
}
