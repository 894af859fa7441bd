import { optional, record, text } from "../reader.js";
import type { Sandbox } from "../sandbox.js";
import type { SegmentsFunctions } from "../types/segments.js";

const page = record<{ segment: string; cursor?: string }>({ segment: text, cursor: optional(text) });

export const segmentsFunctions = (sandbox: Sandbox): SegmentsFunctions => ({
  segments: async () => sandbox.call("segments", "all"),
  segmentMembers: async (value) => {
    const { segment, cursor } = page(value, []);
    return sandbox.call("segments", "members", segment, cursor);
  },
  segmentsOfProfile: async (profile) => sandbox.call("segments", "ofProfile", text(profile, ["profile"])),
});
