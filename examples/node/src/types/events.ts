// What people did: Klaviyo's events, each of a metric such as `Placed Order`.

import type { Call, CallOptions } from "./call.js";
import type { BatchResult, Event, Identifier, Optional, Properties } from "./values.js";

/** An event to track. */
export interface NewEvent {
  /** The name of the metric, 1 to 127 characters. Klaviyo makes the metric with its first event. */
  metric: string;
  /** Who did it. Klaviyo makes a profile if none has this identifier. */
  profile: Identifier;
  /**
   * What tells this event from all others of the same metric and person, such as an order number: tracked again, it is
   * kept once. 1 to 255 characters.
   */
  uniqueId: string;
  /** When it happened: RFC 3339, from 1990 to a year from now. Undefined: when Klaviyo gets it. */
  time?: Optional<string>;
  /** The monetary value: the text of a decimal number such as `29.99`, so that no digit is lost. */
  value?: Optional<string>;
  /** The currency of the value: ISO 4217, such as `INR`. */
  valueCurrency?: Optional<string>;
  /** At most 400 properties, 10 levels in each, 4,000 elements in a list, 100,000 bytes in a text, 4,900,000 in all. */
  properties?: Optional<Properties>;
}

/** Which part of a history is wanted. */
export interface Period {
  /** Only events at or after this time: RFC 3339. */
  since?: Optional<string>;
  /** Only events before this time: RFC 3339. */
  until?: Optional<string>;
  /** The most events, at least 1. Default: 200, which is one page. */
  limit?: Optional<number>;
}

/** A person's events. */
export interface Timeline {
  /** Klaviyo's id of the profile. */
  profileId: string;
  /** Newest first. */
  events: Event[];
  /** Whether there are more in the period than the limit. */
  more: boolean;
}

/** A kind of event. */
export interface Metric {
  /** Klaviyo's id. */
  id: string;
  /** Such as `Placed Order`. Empty where Klaviyo has none. */
  name: string;
  /** As Klaviyo wrote it. */
  created?: string;
  /** As Klaviyo wrote it. */
  updated?: string;
  /** The integration that makes the events, such as `Shopify` or `API`. */
  integration?: string;
}

/** What people did. */
export interface EventsFunctions {
  /**
   * Tracks an event. Klaviyo works on it later: `history` has it after a while. One request. Safe to repeat: see
   * `uniqueId`.
   *
   * Scope: `events:write`. Rate: 350 a second, 3500 a minute.
   *
   * Errors: none of its own.
   */
  track(event: NewEvent, options?: CallOptions): Call<void>;
  /**
   * Tracks many events. One that cannot work, or has the unique id of an earlier one, is refused, and the others are
   * sent. One request for 1,000 events or 5,000,000 bytes. Safe to repeat.
   *
   * Scope: `events:write`. Rate: 10 a second, 150 a minute.
   *
   * Errors: none of its own. After an error no event is known to be accepted.
   */
  trackMany(events: readonly NewEvent[], options?: CallOptions): Call<BatchResult>;
  /**
   * A person's events, newest first, with the names of their metrics. Undefined: there is no such profile; of an id
   * that no profile has, the history is empty. One request for 200 events, and one before unless `by` is an id.
   *
   * Scopes: `events:read`, `metrics:read`, `profiles:read`. Rates: 75 a second, 700 a minute (get profiles); 350 a
   * second, 3500 a minute (get events).
   *
   * Errors: `invalid-input`: the limit is 0. `too-large`: the answers have more than 12 MB; ask for fewer.
   */
  history(by: Identifier, period?: Period, options?: CallOptions): Call<Timeline | undefined>;
  /**
   * All metrics of the account, in Klaviyo's order. One request for 200.
   *
   * Scope: `metrics:read`. Rate: 10 a second, 150 a minute.
   *
   * Errors: `malformed`: a link to the next page leads elsewhere, or repeats.
   */
  metrics(options?: CallOptions): Call<Metric[]>;
}
