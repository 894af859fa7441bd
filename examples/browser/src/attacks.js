// Components that misbehave, in the connector's place.

/** Each has the name of its file. */
export const ATTACKS = [
  { id: "other-host", label: "Ask another host", about: "It asks https://evil.example instead of Klaviyo." },
  { id: "own-authorization", label: "Bring its own key", about: "It asks Klaviyo with an Authorization header of its own." },
  { id: "spin", label: "Compute for ever", about: "It computes, and never returns." },
  { id: "grow-memory", label: "Take all memory", about: "It takes memory until there is none." },
];

/** The action that they are asked for. */
export const ASKED = "contacts.lookup";
