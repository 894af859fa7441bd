// The connector's package.

import { createRequire } from "node:module";

// `import` does not look into NODE_PATH.
const { connect: open } = createRequire(import.meta.url)("klaviyo-connector");

export async function connect({ key, endpoint, list, fast }) {
  // With a server that has no rates, more than this machine can send; the pacing itself still runs.
  const klaviyo = await open({ key, endpoint, ...(fast && { pace: 1_000 }) });
  return {
    lookup: (email, signal) => klaviyo.lookup({ email }, { signal }),
    optIn: (email) => klaviyo.optIn({ list, email, firstName: "Priya" }),
    close: () => klaviyo.close(),
  };
}
