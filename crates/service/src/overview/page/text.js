// Numbers, times and states, as people read them.

/** Each lane, whose name is that of many of its messages, and the name of one. */
const LANES = [
  ["opt-outs", "opt-out"],
  ["opt-ins", "opt-in"],
  ["events", "event"],
  ["replies", "reply"],
];

/** A state: its words, how it looks, and what to do where no worker has given a reason. */
const STATES = {
  working: ["working", "good"],
  next: ["about to be taken", "good"],
  waiting: ["waiting for Klaviyo", "wait"],
  paused: ["paused", "bad"],
  stopped: ["the queue fails", "bad"],
  "without-key": ["without a key", "bad", "No worker has a key for it: add its .api-key or .oauth to the workers’ secrets."],
  "no-worker": ["no worker", "bad", "No worker is running, or none reaches the queue."],
};

const number = (count) => count.toLocaleString("en");

function duration(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min`;
  if (whole < 48 * 3600) return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
  return `${number(Math.floor(whole / 86400))} days`;
}

const minute = (time) => time.slice(0, 16).replace("T", " ");

const plural = (count, one, many) => `${number(count)} ${count === 1 ? one : many}`;
