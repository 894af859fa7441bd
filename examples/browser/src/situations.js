// What can happen. Each tells the host what is to go wrong before the call is made; what then does is the simulator's
// and the connector's doing.

/** The action that all situations are about. */
export const OPT_IN = "contacts.opt-in";

/**
 * - `fields`: what the form then has, each with its pointer.
 * - `fresh`: an opt-in is about somebody whom Klaviyo does not know.
 * - `rules`, `key`, `scopes`: what the host and Klaviyo are told.
 * - `before`: an earlier opt-in of the same person.
 * - `race`: somebody else creates the profile after the search.
 * - `repeat`: what there is to try after the failure.
 * - `any`: it can happen to every action, and not to an opt-in alone.
 */
export const SITUATIONS = [
  {
    id: "new",
    group: "It works",
    label: "Somebody new",
    about: "Klaviyo does not know this person yet.",
    fresh: true,
  },
  {
    id: "again",
    group: "It works",
    label: "The same person again",
    about: "They have opted in before. Nothing is created twice.",
    before: true,
  },
  {
    id: "race",
    group: "It works",
    label: "Two at once (409)",
    about: "After the search, and before the creation, another system creates the same profile.",
    fresh: true,
    race: true,
  },
  {
    id: "dropped-phone",
    group: "It works",
    label: "Phone that Klaviyo drops",
    about: "It has a country code but too few digits. Klaviyo takes the profile without the number, and refuses consent to WhatsApp.",
    fresh: true,
    fields: { "contact/phone-number": "+9198200" },
  },
  {
    id: "no-consent",
    group: "It works",
    label: "Consent refused",
    about: "Klaviyo adds the profile to the list and refuses the consent. The bot promises no updates.",
    rules: ["POST /api/profile-subscription-bulk-create-jobs: always status 400"],
    fresh: true,
  },
  {
    id: "wrong-key",
    any: true,
    group: "It fails",
    label: "Wrong key",
    about: "The host has the key of no account.",
    key: "pk_wrong",
    fresh: true,
    repeat: "Repeat with the right key",
  },
  {
    id: "scope",
    group: "It fails",
    label: "Key without a scope",
    about: "The key has profiles:read and lists:read, and may write nothing.",
    key: "pk_only_reads",
    scopes: ["profiles:read", "lists:read"],
    fresh: true,
    repeat: "Repeat with a key that has the scopes",
  },
  {
    id: "no-list",
    group: "It fails",
    label: "List that does not exist",
    about: "The automation has stored the id of a list that was deleted since.",
    fields: { list: "R8tVwq" },
    fresh: true,
  },
  {
    id: "rate",
    group: "It fails",
    label: "Rate limited",
    about: "Klaviyo answers 429 to the addition to the list, and says how long to wait.",
    rules: ["POST /api/lists/*: #1 status 429 retry-after 12"],
    fresh: true,
    repeat: "Wait 12 seconds of the simulator's and repeat",
    wait: 12,
  },
  {
    id: "down",
    any: true,
    group: "It fails",
    label: "Klaviyo is down",
    about: "Klaviyo answers 503 to everything.",
    rules: ["*: always status 503"],
    fresh: true,
    repeat: "Repeat, now that it is up again",
  },
  {
    id: "gateway",
    any: true,
    group: "It fails",
    label: "Gateway's page",
    about: "The network in front of Klaviyo answers 502 with a page of HTML.",
    rules: ["*: always html 502"],
    fresh: true,
    repeat: "Repeat, now that it has passed",
  },
  {
    id: "firewall",
    any: true,
    group: "It fails",
    label: "Firewall's page",
    about: "A firewall answers 403 with a page of HTML. It is not about scopes.",
    rules: ["*: always html 403"],
    fresh: true,
    repeat: "Repeat from where it is let through",
  },
  {
    id: "reset",
    group: "It fails",
    label: "Broken connection",
    about: "Klaviyo creates the profile, and the connection breaks before its answer.",
    rules: ["POST /api/profiles: #1 reset-after"],
    fresh: true,
    repeat: "Repeat: the profile is found",
  },
  {
    id: "garbage",
    group: "It fails",
    label: "Garbage answer",
    about: "Klaviyo answers 200 with bytes that mean nothing.",
    rules: ["GET /api/profiles: always garbage"],
    fresh: true,
    repeat: "Repeat, now that it has passed",
  },
  {
    id: "retired",
    any: true,
    group: "It fails",
    label: "Removed endpoint",
    about: "Klaviyo answers 410: the endpoint was removed. For a retired revision the next one answers.",
    rules: ["*: always status 410"],
    fresh: true,
  },
  {
    id: "bad-phone",
    group: "It fails",
    label: "Phone without country code",
    about: "Nobody can tell which country it is of. Nothing is sent.",
    fields: { "contact/phone-number": "098200 00001" },
    fresh: true,
  },
  {
    id: "bad-email",
    group: "It fails",
    label: "Invalid email",
    about: "It has no @. Nothing is sent.",
    fields: { "contact/email": "priya.example.com" },
    fresh: true,
  },
  {
    id: "refused-profile",
    group: "It fails",
    label: "Profile that Klaviyo refuses",
    about: "Klaviyo answers 400 to the creation.",
    rules: ["POST /api/profiles: always status 400"],
    fresh: true,
  },
];

/** What happens to other actions, where nothing else is chosen. */
const USUAL = { id: "works", group: "It works", label: "As usual", about: "Klaviyo answers." };

/** What can happen to an action. */
export const situationsOf = (name) =>
  name === OPT_IN ? SITUATIONS : [USUAL, ...SITUATIONS.filter(({ any }) => any)];

const NAMES = ["Priya", "Arjun", "Meera", "Kabir", "Ananya", "Dev", "Isha", "Rohan"];

/** The people who come, one after the other, as fields of the form. */
export function person(number) {
  const name = NAMES[number % NAMES.length];
  const round = Math.floor(number / NAMES.length);
  const local = name.toLowerCase() + (round ? round + 1 : "");
  return {
    "contact/email": `${local}@example.com`,
    "contact/first-name": name,
    "contact/phone-number": `+9198200${String(number + 1).padStart(5, "0")}`,
  };
}
