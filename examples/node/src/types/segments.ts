// The segments of an account: groups of people that Klaviyo keeps by conditions.

import type { Call, CallOptions } from "./call.js";
import type { MemberPage, Optional } from "./values.js";

/** A segment. */
export interface Segment {
  /** Klaviyo's id: 6 characters. Names can change, ids do not. */
  id: string;
  name: string;
  /** RFC 3339, as Klaviyo wrote it; so is `updated`. */
  created?: string;
  updated?: string;
  /** Whether Klaviyo keeps its members up to date. */
  active?: boolean;
  /** Whether Klaviyo is working its members out, which are not complete meanwhile. */
  processing?: boolean;
}

/** The segments of an account. Nobody is put into one. */
export interface SegmentsFunctions {
  /** All segments of the account, in Klaviyo's order. One request for 10 segments. Scope: `segments:read`. */
  segments(options?: CallOptions): Call<Segment[]>;
  /**
   * A page of a segment's members: the first, or the one that the `next` of an earlier page stands for. One request.
   * Scopes: `segments:read`, `profiles:read`.
   */
  segmentMembers(page: { segment: string; cursor?: Optional<string> }, options?: CallOptions): Call<MemberPage>;
  /** The segments that a profile, by its id, is in. 60 a minute. Scopes: `segments:read`, `profiles:read`. */
  segmentsOfProfile(profile: string, options?: CallOptions): Call<Segment[]>;
}
