// node who.js EMAIL: who is this person, what did they do and buy, which lists are they on?
// The key is read from KLAVIYO_API_KEY. Without KLAVIYO_ENDPOINT it is the real account of the key.

import { connect } from "klaviyo-connector";

const [wanted] = process.argv.slice(2);
if (!wanted) {
  console.error("node who.js EMAIL");
  process.exit(2);
}

let klaviyo;
try {
  klaviyo = await connect({ key: process.env.KLAVIYO_API_KEY, endpoint: process.env.KLAVIYO_ENDPOINT });
  const person = await klaviyo.lookup({ email: wanted });
  if (!person) throw new Error("nobody has this email");
  const { id, firstName, lastName, email, phoneNumber, title, organization, location } = person;
  const [lists, history] = await Promise.all([klaviyo.listsOfProfile(id), klaviyo.history({ id }, { limit: 10 })]);
  const together = (...texts) => texts.filter(Boolean).join(", ");
  const who = together([firstName, lastName].filter(Boolean).join(" "), title, organization, location?.city);
  if (who) console.log(who);
  console.log(together(email, phoneNumber, id));
  console.log(`lists   ${lists.map(({ name }) => name).join(", ") || "none"}`);
  console.log(`events  ${history.events.length}${history.more ? ", and more before" : ""}`);
  for (const { time, metric, value, properties } of history.events) {
    // Shops write what was bought as objects with a name, or as the names alone.
    const items = Array.isArray(properties.Items) ? properties.Items : [];
    const names = items.map((item) => item?.ProductName ?? item).filter((name) => typeof name === "string");
    const line = `  ${together(time?.slice(0, 10), metric, value, ...names)}`;
    console.log(line.length > 80 ? `${line.slice(0, 79)}…` : line);
  }
} catch (error) {
  console.error(`${error.code ?? "failed"}: ${error.message}`);
  process.exitCode = 1;
} finally {
  await klaviyo?.close();
}
