// Plays a fixture in the browser: the connector of the page, and the answers that it gets.

import { actionOf } from "../src/catalogue.js";
import { startConnector } from "../src/components.js";
import { given, toContract } from "../src/contract.js";
import { camel } from "../src/names.js";

let send;
const connector = await startConnector({ send: (request) => send(request) });

/** Makes a call with these answers: what was sent, and what was returned, in the contract's JSON. */
globalThis.play = ({ name, values, answers }) => {
  const sent = [];
  send = ({ method, body, ...request }) => {
    const headers = request.headers.map((header) => [header.name, header.value]);
    sent.push({ ...request, method: method.toUpperCase(), headers, body: encoded(body) });
    const answer = answers[sent.length - 1];
    if (!answer) throw { tag: "other", val: "the fixture expects no further request" };
    if (answer.failure) throw { tag: answer.failure[0], val: answer.failure[1] };
    const headed = answer.headers.map(([header, value]) => ({ name: header, value }));
    return { status: answer.status, headers: headed, body: Uint8Array.from(atob(answer.body), (c) => c.charCodeAt()) };
  };
  const [group, method] = name.split(".").map(camel);
  const action = actionOf(name);
  const names = Object.keys(action.arguments.properties);
  if (values.length > names.length) throw new Error(`${name} takes ${names.length} arguments`);
  try {
    const taken = given(action, Object.fromEntries(names.map((argument, index) => [argument, values[index]])));
    return { sent, got: { ok: toContract(connector[group][method](...taken)) } };
  } catch (error) {
    // Anything else is no answer of the connector's.
    if (error?.payload === undefined) throw error;
    return { sent, got: { err: toContract(error.payload) } };
  }
};

function encoded(bytes) {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}
