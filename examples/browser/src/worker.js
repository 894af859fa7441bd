// A thread with a component that nobody knows, and a Klaviyo of its own. Whoever started the thread ends it.

import { startGuest } from "./components.js";
import { shared, start } from "./host.js";

const told = () => new Promise((resolve) => addEventListener("message", ({ data }) => resolve(data), { once: true }));

let next = told();
postMessage({ state: "loaded" });
const guest = await next;
const host = await start(await shared((http) => startGuest(guest, http)));
next = told();
postMessage({ state: "started" });
const { name, values } = await next;
try {
  postMessage({ state: "returned", ...host.record(name, values) });
} catch (error) {
  // A trap.
  postMessage({ state: "trapped", reason: error.message, memory: host.memory() });
}
