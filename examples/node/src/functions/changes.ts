import type { Group, Position, Start } from "../../generated/interfaces/klaviyo-connector-changes.js";
import { optional, record, text, u32, variant } from "../reader.js";
import type { Sandbox } from "../sandbox.js";
import type { ChangesFunctions } from "../types/changes.js";

const start = record<Start>({ time: text, lookBack: optional(u32) });
const position = variant<Position>({ since: start, cursor: text });
const group = variant<Group>({ list: text, segment: text });

export const changesFunctions = (sandbox: Sandbox): ChangesFunctions => ({
  changedProfiles: async (from) => sandbox.call("changes", "profiles", position(from, ["from"])),
  joinedMembers: async (of, from) =>
    sandbox.call("changes", "members", group(of, ["of"]), position(from, ["from"])),
  newEvents: async (from) => sandbox.call("changes", "events", position(from, ["from"])),
});
