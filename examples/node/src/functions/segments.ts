import * as output from "../output.js";
import { optional, record, text } from "../reader.js";
import type { Functions } from "../call.js";
import type { SegmentsFunctions } from "../types/segments.js";

const page = record<{ segment: string; cursor?: string }>({ segment: text, cursor: optional(text) });

export const segmentsFunctions: Functions<SegmentsFunctions> = {
  segments: async (call) => call("segments", "all"),
  segmentMembers: async (call, value) => {
    const { segment, cursor } = page(value, []);
    return output.memberPage(await call("segments", "members", segment, cursor));
  },
  segmentsOfProfile: async (call, profile) => call("segments", "ofProfile", text(profile, ["profile"])),
};
