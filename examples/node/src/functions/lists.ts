import { texts } from "../input.js";
import * as output from "../output.js";
import { optional, record, text } from "../reader.js";
import type { Functions } from "../call.js";
import type { ListsFunctions } from "../types/lists.js";

const members = record<{ list: string; profiles: string[] }>({ list: text, profiles: texts });
const page = record<{ list: string; cursor?: string }>({ list: text, cursor: optional(text) });

export const listsFunctions: Functions<ListsFunctions> = {
  lists: async (call) => call("lists", "all"),
  findList: async (call, name) => call("lists", "find", text(name, ["name"])),
  createList: async (call, name) => call("lists", "create", text(name, ["name"])),
  removeFromList: async (call, value) => {
    const { list, profiles } = members(value, []);
    return call("lists", "remove", list, profiles);
  },
  listMembers: async (call, value) => {
    const { list, cursor } = page(value, []);
    return output.memberPage(await call("lists", "members", list, cursor));
  },
  listsOfProfile: async (call, profile) => call("lists", "ofProfile", text(profile, ["profile"])),
};
