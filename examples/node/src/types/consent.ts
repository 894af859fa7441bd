// Consent to messages: giving it, taking it back, reading it.

import type { Call, CallOptions } from "./call.js";
import type { KlaviyoError } from "../error.js";
import type { Channel, Detail, Identifier, Optional, Refusal } from "./values.js";

/** The consent of one person. */
export interface Subscription {
  /** Klaviyo's id of the profile, if it is known. */
  id?: Optional<string>;
  /** Needed for the channel `email`. */
  email?: Optional<string>;
  /** Needed for the channels `sms` and `whatsapp`. Written to E.164, or refused. */
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
  /** Needed for the channel `email`. */
  email?: Optional<string>;
  /** Needed for the channels `sms` and `whatsapp`. Written to E.164, or refused. */
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
  /** The channel that is refused. */
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
  /** What Klaviyo took only in part, one sentence each. */
  warnings: string[];
  /** Why those from position `stopped.done` on, but for those refused, were not sent. */
  stopped?: KlaviyoError;
}

/** A person's consent. */
export interface Consents {
  /** Klaviyo's id of the profile. */
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
  /** The channel that it is about. */
  channel: Channel;
  /** Klaviyo's word: `SUBSCRIBED`, `UNSUBSCRIBED`, `NEVER_SUBSCRIBED`. */
  state: string;
  /** Whether Klaviyo would send marketing there. */
  canReceive?: boolean;
  /** When the consent was given: RFC 3339, as Klaviyo wrote it. */
  consentedAt?: string;
  /** When the consent last changed: RFC 3339, as Klaviyo wrote it. */
  updated?: string;
  /** How it was given, in Klaviyo's words. */
  method?: string;
  /** The source that was given with it. Email only. */
  customSource?: string;
  /** What stops marketing email in spite of consent. Email only. */
  suppressions: Suppression[];
}

/** What stops marketing email in spite of consent. */
export interface Suppression {
  /** Klaviyo's word, such as `HARD_BOUNCE` or `UNSUBSCRIBE`. */
  reason: string;
  /** Since when: RFC 3339, as Klaviyo wrote it. */
  since?: string;
  /** The list that it is for; undefined: all email. */
  list?: string;
}

/** A historical import: the consent was collected before, elsewhere. Nobody is asked to confirm, and no flow is started. */
export interface HistoricalImport {
  /** The present time, RFC 3339, to compare each `consentedAt` with. */
  now: string;
}

/** Consent to give. */
export interface Grant {
  /** Whose consent. Each that cannot work is refused, and the others are sent. */
  subscriptions: readonly Subscription[];
  /** The id of a list to add them to. Without one, and without an import, each has an `id`. */
  list?: Optional<string>;
  /** What Klaviyo keeps as the source of the consent, such as `WhatsApp bot`. */
  customSource?: Optional<string>;
  /** The consent was collected before, elsewhere: each subscription has its `consentedAt`. */
  historicalImport?: Optional<HistoricalImport>;
}

/** Consent to take back. */
export interface Withdrawal {
  /** Whose consent. Each that cannot work is refused, and the others are sent. */
  unsubscriptions: readonly Unsubscription[];
  /** The id of a list: they are unsubscribed from it alone, and taken off it. */
  list?: Optional<string>;
}

/** Consent to messages. Give it only for people who gave it to you. */
export interface ConsentFunctions {
  /**
   * Subscribes people to marketing, and to a list if one is given; profiles that do not exist are created. **It lifts
   * suppressions:** who unsubscribed gets messages again. With double opt-in people are asked to confirm, and may be
   * asked again where the call is repeated. One request for 1,000 people, or for each channel where Klaviyo refuses
   * one. Otherwise safe to repeat.
   *
   * Scopes: `lists:write`, `profiles:write`, `subscriptions:write`. Rate: 75 a second, 700 a minute.
   *
   * Errors: `not-found`: there is no such list. `rejected`: Klaviyo refuses the request and names nobody in it.
   * `invalid-input`: `list` is empty, or `now` is no time. After an error nobody is known to be accepted.
   */
  grantConsent(grant: Grant, options?: CallOptions): Call<Outcome>;
  /**
   * Unsubscribes people from marketing. With a list, they are unsubscribed from that list and taken off it; but who is
   * not on that list is unsubscribed from everything. Somebody without a profile gets one, unsubscribed. One request
   * for 100 people. Safe to repeat.
   *
   * Scopes: `lists:write`, `profiles:write`, `subscriptions:write`. Rate: 75 a second, 700 a minute.
   *
   * Errors: as for `grantConsent`.
   */
  revokeConsent(withdrawal: Withdrawal, options?: CallOptions): Call<Outcome>;
  /**
   * A person's consent, channel by channel. Undefined: there is no such profile. One request.
   *
   * Scope: `profiles:read`. Rate: 75 a second, 700 a minute.
   *
   * Errors: `not-found`: a 404 that does not say that the profile is missing.
   */
  consents(by: Identifier, options?: CallOptions): Call<Consents | undefined>;
}
