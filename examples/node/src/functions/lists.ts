import { texts } from "../input.js";
import { optional, record, text } from "../reader.js";
import type { Sandbox } from "../sandbox.js";
import type { ListsFunctions } from "../types/lists.js";

const members = record<{ list: string; profiles: string[] }>({ list: text, profiles: texts });
const page = record<{ list: string; cursor?: string }>({ list: text, cursor: optional(text) });

export const listsFunctions = (sandbox: Sandbox): ListsFunctions => ({
  lists: async () => sandbox.call("lists", "all"),
  findList: async (name) => sandbox.call("lists", "find", text(name, ["name"])),
  createList: async (name) => sandbox.call("lists", "create", text(name, ["name"])),
  removeFromList: async (value) => {
    const { list, profiles } = members(value, []);
    return sandbox.call("lists", "remove", list, profiles);
  },
  listMembers: async (value) => {
    const { list, cursor } = page(value, []);
    return sandbox.call("lists", "members", list, cursor);
  },
  listsOfProfile: async (profile) => sandbox.call("lists", "ofProfile", text(profile, ["profile"])),
});
