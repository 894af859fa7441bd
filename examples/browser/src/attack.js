// Runs a component that misbehaves, within the page's limits.

import { LIMITS } from "./limits.js";

/** As much of the memory as has to be taken for a trap to be about memory. */
const FULL = 0.9;

/** What came of a call of this guest's, as of any call: the exchanges, and the result. */
export async function attack(guest, name, values) {
  // A page that was opened from a disk has no module of its own for a worker: it is made a function's body.
  const module = document.querySelector("script[type=module]").textContent;
  const script = `(async () => {${module}})().catch((error) => setTimeout(() => { throw error; }))`;
  const address = URL.createObjectURL(new Blob([script], { type: "text/javascript" }));
  const worker = new Worker(address);
  try {
    await told(worker);
    worker.postMessage(guest);
    await within(told(worker));
    worker.postMessage({ name, values });
    const answer = await within(told(worker));
    return answer.state === "trapped" ? failed("trap", trapped(answer)) : answer;
  } catch (error) {
    if (error !== LATE) throw error;
    return failed("timeout", `the component took longer than the ${LIMITS.time} ms that \`limits.time\` allows, and was ended`);
  } finally {
    worker.terminate();
    URL.revokeObjectURL(address);
  }
}

const LATE = new Error("the time is over");

const told = (worker) =>
  new Promise((resolve, reject) => {
    worker.onmessage = ({ data }) => resolve(data);
    worker.onerror = ({ message }) => reject(new Error(message));
  });

function within(work) {
  let timer;
  const late = new Promise((_, reject) => (timer = setTimeout(reject, LIMITS.time, LATE)));
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}

function trapped({ reason, memory }) {
  if (memory < FULL * LIMITS.memory) return `the component trapped: ${reason}`;
  const mebibytes = (bytes) => `${Math.floor(bytes / 1024 / 1024)} MiB`;
  return `the component has taken ${mebibytes(memory)}, \`limits.memory\` allows ${mebibytes(LIMITS.memory)}, and without more it trapped`;
}

const failed = (code, message) => ({ exchanges: [], result: { err: { code, message, details: [] } } });
