// node opt-in.js LIST EMAIL [PHONE [FIRST-NAME]]
// The key is read from KLAVIYO_API_KEY. Without KLAVIYO_ENDPOINT it is the real account of the key.

import { connect, KlaviyoError } from "klaviyo-connector";

const [list, email, phoneNumber, firstName] = process.argv.slice(2);
if (!list || !email) {
  console.error("node opt-in.js LIST EMAIL [PHONE [FIRST-NAME]]");
  process.exit(2);
}

try {
  const klaviyo = await connect({ key: process.env.KLAVIYO_API_KEY, endpoint: process.env.KLAVIYO_ENDPOINT });
  const receipt = await klaviyo.optIn({ list, email, phoneNumber, firstName });
  await klaviyo.close();
  console.log(receipt);
} catch (error) {
  if (!(error instanceof KlaviyoError)) {
    throw error;
  }
  console.error(`${error.code}: ${error.message}`);
  if (error.retryAfter !== undefined) {
    console.error(`repeat it in ${error.retryAfter} s`);
  }
  process.exitCode = 1;
}
