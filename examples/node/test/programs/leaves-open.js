// Makes a call, and does not close its client.

import { connect } from "klaviyo-connector";

const klaviyo = await connect({ key: "pk_1", endpoint: process.argv[2] });
console.log((await klaviyo.lookup({ email: "priya@example.com" })) === undefined ? "nobody" : "somebody");
