// What each program does: an opt-in and a lookup at the simulator.

import { connect, KlaviyoError } from "klaviyo-connector";

export async function run([endpoint, key, email]) {
  const klaviyo = await connect({ key, endpoint });
  const { profileId, created } = await klaviyo.optIn({ list: "Y6nRLr", email });
  const found = await klaviyo.lookup({ email });
  const refused = await klaviyo.lookup({ email: "nobody" }).catch((error) => error instanceof KlaviyoError && error.code);
  await klaviyo.close();
  return { created, isFound: found.id === profileId, refused };
}
