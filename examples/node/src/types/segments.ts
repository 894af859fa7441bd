// The segments of an account: groups of people that Klaviyo keeps by conditions.

import type { Call, CallOptions } from "./call.js";
import type { MemberPage, Optional } from "./values.js";

/** A segment. */
export interface Segment {
  /** Klaviyo's id: 6 characters. Names can change, ids do not. */
  id: string;
  /** Empty where Klaviyo has none. */
  name: string;
  /** When it was created: RFC 3339, as Klaviyo wrote it. */
  created?: string;
  /** When it last changed: RFC 3339, as Klaviyo wrote it. */
  updated?: string;
  /** Whether Klaviyo keeps its members up to date. */
  active?: boolean;
  /** Whether Klaviyo is working its members out, which are not complete meanwhile. */
  processing?: boolean;
}

/** Which page of a segment's members. */
export interface SegmentPage {
  /** The id of the segment. */
  segment: string;
  /** The `next` of an earlier page of the same segment. Left out: the first page. */
  cursor?: Optional<string>;
}

/** The segments of an account. Nobody is put into one. */
export interface SegmentsFunctions {
  /**
   * All segments of the account, in Klaviyo's order. One request for 10 segments, at most 1,000 requests.
   *
   * Scope: `segments:read`. Rate: 75 a second, 700 a minute.
   *
   * Errors: `malformed`: a link to the next page leads elsewhere, or repeats.
   */
  segments(options?: CallOptions): Call<Segment[]>;
  /**
   * A page of a segment's members, those who joined first at the start. One request, of at most 100 members.
   *
   * Scopes: `segments:read`, `profiles:read`. Rate: 75 a second, 700 a minute.
   *
   * Errors: `not-found`: there is no such segment. `invalid-input`: the cursor is not one of this segment's.
   */
  segmentMembers(page: SegmentPage, options?: CallOptions): Call<MemberPage>;
  /**
   * The segments that a profile, by its id, is in. One request for a page of segments.
   *
   * Scopes: `segments:read`, `profiles:read`. Rate: 3 a second, 60 a minute.
   *
   * Errors: `not-found`: there is no such profile.
   */
  segmentsOfProfile(profile: string, options?: CallOptions): Call<Segment[]>;
}
