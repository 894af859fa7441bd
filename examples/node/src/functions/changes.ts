import type { Group, Position, Start } from "../../generated/interfaces/klaviyo-connector-changes.js";
import * as output from "../output.js";
import { optional, record, text, u32, variant } from "../reader.js";
import type { Functions } from "../call.js";
import type { ChangesFunctions } from "../types/changes.js";

const start = record<Start>({ time: text, lookBack: optional(u32) });
const position = variant<Position>({ since: start, cursor: text });
const group = variant<Group>({ list: text, segment: text });

export const changesFunctions: Functions<ChangesFunctions> = {
  changedProfiles: async (call, from) => {
    const page = await call("changes", "profiles", position(from, ["from"]));
    return { ...page, items: page.items.map(output.profile) };
  },
  joinedMembers: async (call, of, from) => {
    const page = await call("changes", "members", group(of, ["of"]), position(from, ["from"]));
    return { ...page, items: page.items.map(output.member) };
  },
  newEvents: async (call, from) => {
    const page = await call("changes", "events", position(from, ["from"]));
    return { ...page, items: page.items.map(output.event) };
  },
};
