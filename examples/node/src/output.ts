// Results as JavaScript has them. What is not here is already as it should be.

import type {
  ChannelConsent as ConnectorChannelConsent,
  Consents as ConnectorConsents,
  Outcome as ConnectorOutcome,
} from "../generated/interfaces/klaviyo-connector-consent.js";
import type {
  Failure as ConnectorFailure,
  Job as ConnectorJob,
  Submission as ConnectorSubmission,
} from "../generated/interfaces/klaviyo-connector-bulk.js";
import type {
  Creation as ConnectorCreation,
  Departure as ConnectorDeparture,
  Departures as ConnectorDepartures,
  Enrollment as ConnectorEnrollment,
  Enrollments as ConnectorEnrollments,
  Receipt as ConnectorReceipt,
  Taken as ConnectorTaken,
} from "../generated/interfaces/klaviyo-connector-contacts.js";
import type {
  BatchResult as ConnectorBatchResult,
  Channel as ConnectorChannel,
  Detail as ConnectorDetail,
  Error as ConnectorError,
  Event as ConnectorEvent,
  Member as ConnectorMember,
  MemberPage as ConnectorMemberPage,
  Profile as ConnectorProfile,
  Refusal as ConnectorRefusal,
} from "../generated/interfaces/klaviyo-connector-types.js";
import { KlaviyoError } from "./error.js";
import { members } from "./json.js";
import { partsOf, spelled, spelledAt } from "./names.js";
import type { Usage } from "./types/call.js";
import type {
  BatchResult,
  Channel,
  ChannelConsent,
  Consents,
  Creation,
  Departure,
  Departures,
  Detail,
  Enrollment,
  Enrollments,
  Event,
  Failure,
  Job,
  Member,
  MemberPage,
  Outcome,
  Profile,
  Receipt,
  Refusal,
  Submission,
  Taken,
} from "./types/index.js";

/** The connector's code for an argument that it refuses. What has another one is in Klaviyo's words. */
const OWN = "invalid-input";

export function error({ code, message, details, ...circumstances }: ConnectorError, usage?: Usage): KlaviyoError {
  const [first] = details;
  const sentence =
    code === OWN ? spelledAt(first?.pointer ?? "", message) : spelledAround(first?.detail || first?.title || "", message);
  return new KlaviyoError(code, sentence, { ...circumstances, details: details.map(detail), usage });
}

/** A sentence of the connector's with its names as this package writes them, but for Klaviyo's words, which it repeats. */
function spelledAround(words: string, sentence: string): string {
  const begin = sentence.indexOf(words.slice(0, 40));
  let end = begin;
  while (end - begin < words.length && sentence[end] === words[end - begin]) {
    end += 1;
  }
  return begin < 0 || words === ""
    ? spelled(sentence)
    : spelled(sentence.slice(0, begin)) + sentence.slice(begin, end) + spelled(sentence.slice(end));
}

/** A reason, with the names of fields as this package writes them. A pointer that begins with `/` is into Klaviyo's document. */
export function detail(reason: ConnectorDetail): Detail {
  const words = reason.code === OWN ? { detail: spelled(reason.detail) } : {};
  const { pointer } = reason;
  const place = pointer === undefined || pointer.startsWith("/") ? {} : { pointer: partsOf(pointer).join("/") };
  return { ...reason, ...words, ...place };
}

export function refusal({ reason, ...rest }: ConnectorRefusal): Refusal {
  return { ...rest, reason: detail(reason) };
}

/** What was refused, if it was. */
function refusable<T extends { refused?: ConnectorDetail }>(value: T): T {
  return value.refused ? { ...value, refused: detail(value.refused) } : value;
}

export function batch({ refused, ...rest }: ConnectorBatchResult): BatchResult {
  return { ...stoppable(rest), refused: refused.map(refusal) };
}

export function failure({ reason, ...rest }: ConnectorFailure): Failure {
  return { ...rest, reason: detail(reason) };
}

/** What was done in part: why it was stopped is an error that is not thrown. */
function stoppable<T extends { stopped?: ConnectorError }>(
  result: T,
): Omit<T, "stopped"> & { stopped?: KlaviyoError } {
  const { stopped, ...rest } = result;
  return stopped ? { ...rest, stopped: error(stopped) } : rest;
}

/** A variant with a case for words that this version does not know. */
function word<Known extends string>(value: { tag: Known } | { tag: "other"; val: string }): Known | string {
  return "val" in value ? value.val : value.tag;
}

/** The same, on a channel that is a word. */
function onChannel<T extends { channel: ConnectorChannel }>(value: T): Omit<T, "channel"> & { channel: Channel } {
  return { ...value, channel: word(value.channel) };
}

/** Properties as an object, and their text. */
function readable<T extends { properties: string }>(value: T) {
  const { properties, ...rest } = value;
  return { ...rest, properties: members(properties), propertiesJson: properties };
}

export function profile(profile: ConnectorProfile): Profile {
  return readable(profile);
}

export function event(event: ConnectorEvent): Event {
  return readable(event);
}

export function member({ profile: of, ...rest }: ConnectorMember): Member {
  return { ...rest, profile: profile(of) };
}

export function memberPage({ members, ...rest }: ConnectorMemberPage): MemberPage {
  return { ...rest, members: members.map(member) };
}

export function creation(creation: ConnectorCreation): Creation {
  return creation.tag === "created"
    ? { created: true, profile: profile(creation.val) }
    : { created: false, id: creation.val };
}

export function receipt({ consent, ...rest }: ConnectorReceipt): Receipt {
  return { ...rest, consent: consent.map((permitted) => onChannel(refusable(permitted))) };
}

function enrollment(enrollment: ConnectorEnrollment): Enrollment {
  switch (enrollment.tag) {
    case "enrolled":
      return { status: "enrolled", receipt: receipt(enrollment.val) };
    case "refused":
      return { status: "refused", reason: detail(enrollment.val) };
    case "pending":
      return { status: "pending" };
  }
}

export function enrollments({ outcomes, ...rest }: ConnectorEnrollments): Enrollments {
  return { ...stoppable(rest), outcomes: outcomes.map(enrollment) };
}

function taken({ consent, lists, ...rest }: ConnectorTaken): Taken {
  return {
    ...rest,
    consent: consent.map((revocation) => onChannel(refusable(revocation))),
    lists: lists.map(refusable),
  };
}

function departure(departure: ConnectorDeparture): Departure {
  switch (departure.tag) {
    case "departed":
    case "pending":
      return { status: departure.tag, taken: taken(departure.val) };
    case "refused":
      return { status: "refused", reason: detail(departure.val) };
  }
}

export function departures({ outcomes, ...rest }: ConnectorDepartures): Departures {
  return { ...stoppable(rest), outcomes: outcomes.map(departure) };
}

export function outcome({ refused, refusedChannels, ...rest }: ConnectorOutcome): Outcome {
  return {
    ...stoppable(rest),
    refused: refused.map(refusal),
    refusedChannels: refusedChannels.map(({ reason, ...on }) => ({ ...onChannel(on), reason: detail(reason) })),
  };
}

export function consents({ profileId, channels, transactional, conversational }: ConnectorConsents): Consents {
  const each = (consents: ConnectorChannelConsent[]): ChannelConsent[] => consents.map(onChannel);
  return {
    profileId,
    channels: each(channels),
    transactional: each(transactional),
    conversational: each(conversational),
  };
}

export function submission({ jobs, refused, ...rest }: ConnectorSubmission): Submission {
  return { ...stoppable(rest), refused: refused.map(refusal), jobs: jobs.map(({ job, rows }) => ({ job, rows: Array.from(rows) })) };
}

export function job({ status, ...rest }: ConnectorJob): Job {
  return { ...rest, status: word(status) };
}
