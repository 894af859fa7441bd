// Klaviyo's own SDK, used as its README says, with its own repeats.

import { createRequire } from "node:module";

// `require`, unlike `import`, also looks into NODE_PATH: the SDK is not installed beside this file.
const { ApiKeySession, FilterBuilder, ListsApi, ProfilesApi } = createRequire(import.meta.url)("klaviyo-api");

export async function connect({ key, endpoint, list }) {
  const session = new ApiKeySession(key);
  const profiles = Object.assign(new ProfilesApi(session), { basePath: endpoint });
  const lists = Object.assign(new ListsApi(session), { basePath: endpoint });

  const find = async (email) => {
    const filter = new FilterBuilder().equals("email", email).build();
    return (await profiles.getProfiles({ filter })).body.data[0]?.id;
  };

  const create = async (attributes) => {
    try {
      return (await profiles.createProfile({ data: { type: "profile", attributes } })).body.data.id;
    } catch (error) {
      if (error.response?.status !== 409) throw error;
      return error.response.data.errors[0].meta.duplicate_profile_id;
    }
  };

  return {
    /** Its functions take no signal: all that a caller can do is to stop waiting. */
    lookup: (email, signal) => {
      const aborted = signal && new Promise((_, reject) => (signal.onabort = () => reject(signal.reason)));
      return Promise.race([find(email), aborted].filter(Boolean));
    },
    optIn: async (email) => {
      const id = (await find(email)) ?? (await create({ email, firstName: "Priya" }));
      await lists.addProfilesToList(list, { data: [{ type: "profile", id }] });
    },
    close: async () => {},
  };
}
