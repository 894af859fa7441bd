// Results as JavaScript has them. What is not here is already as it should be.

import type {
  ChannelConsent as ConnectorChannelConsent,
  Consents as ConnectorConsents,
  Outcome as ConnectorOutcome,
} from "../generated/interfaces/klaviyo-connector-consent.js";
import type {
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
  Channel as ConnectorChannel,
  Error as ConnectorError,
} from "../generated/interfaces/klaviyo-connector-types.js";
import { KlaviyoError } from "./error.js";
import type { Usage } from "./types/call.js";
import type {
  Channel,
  ChannelConsent,
  Consents,
  Creation,
  Departure,
  Departures,
  Enrollment,
  Enrollments,
  Job,
  Outcome,
  Receipt,
  Submission,
  Taken,
} from "./types/index.js";

export function error({ code, message, ...circumstances }: ConnectorError, usage?: Usage): KlaviyoError {
  return new KlaviyoError(code, message, { ...circumstances, usage });
}

/** What was done in part: why it was stopped is an error that is not thrown. */
export function stoppable<T extends { stopped?: ConnectorError }>(
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

export function creation(creation: ConnectorCreation): Creation {
  return creation.tag === "created" ? { created: true, profile: creation.val } : { created: false, id: creation.val };
}

export function receipt({ consent, ...rest }: ConnectorReceipt): Receipt {
  return { ...rest, consent: consent.map(onChannel) };
}

function enrollment(enrollment: ConnectorEnrollment): Enrollment {
  switch (enrollment.tag) {
    case "enrolled":
      return { status: "enrolled", receipt: receipt(enrollment.val) };
    case "refused":
      return { status: "refused", reason: enrollment.val };
    case "pending":
      return { status: "pending" };
  }
}

export function enrollments({ outcomes, ...rest }: ConnectorEnrollments): Enrollments {
  return { ...stoppable(rest), outcomes: outcomes.map(enrollment) };
}

function taken({ consent, ...rest }: ConnectorTaken): Taken {
  return { ...rest, consent: consent.map(onChannel) };
}

function departure(departure: ConnectorDeparture): Departure {
  switch (departure.tag) {
    case "departed":
    case "pending":
      return { status: departure.tag, taken: taken(departure.val) };
    case "refused":
      return { status: "refused", reason: departure.val };
  }
}

export function departures({ outcomes, ...rest }: ConnectorDepartures): Departures {
  return { ...stoppable(rest), outcomes: outcomes.map(departure) };
}

export function outcome({ refusedChannels, ...rest }: ConnectorOutcome): Outcome {
  return { ...stoppable(rest), refusedChannels: refusedChannels.map(onChannel) };
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

export function submission({ jobs, ...rest }: ConnectorSubmission): Submission {
  return { ...stoppable(rest), jobs: jobs.map(({ job, rows }) => ({ job, rows: Array.from(rows) })) };
}

export function job({ status, ...rest }: ConnectorJob): Job {
  return { ...rest, status: word(status) };
}
