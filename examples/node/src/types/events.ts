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
  profileId: string;
  /** Newest first. */
  events: Event[];
  /** Whether there are more in the period than the limit. */
  more: boolean;
}

/** A kind of event. */
export interface Metric {
  id: string;
  name: string;
  /** As Klaviyo wrote it; so is `updated`. */
  created?: string;
  updated?: string;
  /** The integration that makes the events, such as `Shopify` or `API`. */
  integration?: string;
}

/** What people did. */
export interface EventsFunctions {
  /** Tracks an event; `history` has it after a while. One request, safe to repeat. Scope: `events:write`. */
  track(event: NewEvent, options?: CallOptions): Call<void>;
  /**
   * Tracks many events. One that cannot work, or has the unique id of an earlier one, is refused, and the others are sent.
   * One request for 1,000 events or 5 MB, safe to repeat. Scope: `events:write`.
   */
  trackMany(events: readonly NewEvent[], options?: CallOptions): Call<BatchResult>;
  /**
   * A person's events, newest first, with the names of their metrics. One request for 200 events, and one before unless
   * `by` is an id. Scopes: `events:read`, `metrics:read`, `profiles:read`.
   */
  history(by: Identifier, period?: Period, options?: CallOptions): Call<Timeline | undefined>;
  /** All metrics of the account. One request for 200. Scope: `metrics:read`. */
  metrics(options?: CallOptions): Call<Metric[]>;
}
