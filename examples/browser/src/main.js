// The page: a form, a switch, a button, and what comes of it.

import { h } from "./dom.js";
import { start } from "./host.js";
import { SITUATIONS, person } from "./situations.js";
import { PERMISSION, consented, contact, meaning, order, text } from "./story.js";
import { cards, facts, happened, holdings, outcome, outline, welcome } from "./view.js";

const find = (id) => document.getElementById(id);
const form = find("trigger");
const { email, name, phone, list } = form.elements;
const submit = form.querySelector("[type=submit]");

/** A list that is no more, whose id the automation still has. */
const DELETED = { id: "R8tVwq", name: "Diwali 2025, deleted" };

const host = await start();
/** How many people came so far. */
let people = 0;
/** How many calls were shown so far. */
let runs = 0;
/** What the form had before a situation changed it. */
let before = {};

const captured = () => ({ email: email.value, name: name.value, phone: phone.value });
const situation = () => SITUATIONS.find(({ id }) => id === form.elements.situation.value);
const holds = (address) =>
  host.account().profiles.some(({ attributes }) => attributes.email?.toLowerCase() === address.trim().toLowerCase());

function fill(values) {
  for (const [field, value] of Object.entries(values)) form.elements[field].value = value;
  find("sender").textContent = name.value.trim() || "Somebody";
}

/** The form for a situation: its own values, and a person as it needs one. */
function prepare() {
  const { about, fields = {}, fresh } = situation();
  fill(before);
  before = {};
  if (fresh) {
    while (holds(email.value)) fill(person(++people));
  }
  for (const field of Object.keys(fields)) before[field] = form.elements[field].value;
  fill(fields);
  find("about").textContent = about;
}

/** One opt-in, shown. `again` is the same call after what went wrong has passed. */
function optIn(again = false) {
  const { rules, key, scopes, before: earlier, race } = again ? {} : situation();
  const person = captured();
  const id = list.value;
  const call = () => host.contacts.optIn(contact(person), id, PERMISSION);
  if (earlier && !holds(person.email)) {
    host.set({});
    host.record(call);
  }
  host.set({ rules, key, scopes });
  const meanwhile = (exchange) => {
    const { request, response } = exchange;
    if (!race || request.method !== "get" || JSON.parse(text(response.body)).data.length) return;
    const { status } = elsewhere(person);
    exchange.note = `Meanwhile another system creates the same profile: ${status} ${meaning(status)}`;
  };
  const { exchanges, result } = host.record(call, meanwhile);
  show({ exchanges, result, captured: person });
  const run = ++runs;
  host.time(call, exchanges).then((micros) => run === runs && known(micros));
}

/** What another system does with a contact. */
function elsewhere(person) {
  const attributes = { email: person.email.trim() };
  const body = JSON.stringify({ data: { type: "profile", attributes } });
  return host.elsewhere({
    method: "post",
    url: "https://a.klaviyo.com/api/profiles/",
    headers: [
      { name: "revision", value: "2025-01-15" },
      { name: "content-type", value: "application/vnd.api+json" },
    ],
    auth: "Klaviyo-API-Key",
    body: new TextEncoder().encode(body),
    function: "contacts.create",
  });
}

function show(run) {
  const { exchanges, result } = run;
  const { repeat, wait } = situation();
  find("steps").replaceChildren(...cards(run));
  find("outcome").replaceChildren(outcome(run, repeat));
  find("status").textContent = result.err
    ? `Failed: ${result.err.code}, ${requests(exchanges)}`
    : `${result.ok.created ? "Created" : "Found"} and ${consented(result.ok) ? "subscribed" : "on the list"}, ${requests(exchanges)}`;
  find("flow").dataset.result = result.err ? "failed" : "done";
  find("repeat")?.addEventListener("click", () => {
    host.wait(wait ?? 0);
    optIn(true);
    arrive();
  });
  find("later")?.addEventListener("click", () => {
    writeAgain(result.ok);
    arrive();
  });
  find("state").replaceChildren(...holdings(host.account(), result.ok?.profileId));
}

function requests({ length }) {
  if (length === 0) return "nothing was sent";
  return length === 1 ? "1 request" : `${length} requests`;
}

/** Somebody who has opted in orders something, and writes to the bot a day later. */
function writeAgain(receipt) {
  host.set({});
  const tracked = host.record(() => host.events.track(order(receipt.profileId)));
  host.wait(24 * 60 * 60);
  const { exchanges, result } = host.record(() =>
    host.events.history({ tag: "id", val: receipt.profileId }, { limit: 20 }),
  );
  const all = [...tracked.exchanges, ...exchanges];
  find("steps").replaceChildren(...happened({ exchanges: all, result }));
  find("outcome").replaceChildren(welcome(receipt, result));
  find("status").textContent = `${result.err ? `Failed: ${result.err.code}` : "Greeted by the history"}, ${requests(all)}`;
  find("flow").dataset.result = result.err ? "failed" : "done";
  find("state").replaceChildren(...holdings(host.account(), receipt.profileId));
}

/** The result comes into view where it is not, and a keyboard goes on from there. */
function arrive() {
  const title = find("flow-title");
  title.focus({ preventScroll: true });
  const { top, bottom } = title.getBoundingClientRect();
  if (top < 0 || bottom > innerHeight) title.scrollIntoView();
}

const ready = performance.now();
function known(micros) {
  find("facts").replaceChildren(...facts({ ...CONNECTOR, memory: host.memory(), micros, ready }));
}

/** An account without profiles, and the first person. */
function begin() {
  host.reset();
  host.set({});
  people = 0;
  before = {};
  runs++;
  const { result } = host.record(() => host.lists.all());
  const options = [...result.ok, DELETED].map(({ id, name }) => h("option", { value: id }, `${name} (${id})`));
  list.replaceChildren(...options);
  const chosen = result.ok.find((audience) => audience.name === "WhatsApp Opt-Ins");
  form.elements.situation.value = "new";
  fill({ ...person(0), list: chosen.id });
  prepare();
  find("steps").replaceChildren(...outline(list.value));
  find("outcome").replaceChildren();
  find("status").textContent = "Press Opt in: the steps become requests";
  find("flow").dataset.result = "";
  find("state").replaceChildren(...holdings(host.account()));
  known();
}

for (const title of new Set(SITUATIONS.map(({ group }) => group))) {
  const group = SITUATIONS.filter((situation) => situation.group === title);
  const pills = group.map(({ id, label }) =>
    h("label", { class: "pill" }, h("input", { type: "radio", name: "situation", value: id, checked: id === "new" }), h("span", {}, label)),
  );
  find("situations").append(h("p", { class: "group" }, title), h("div", { class: "row" }, pills));
}
find("situations").addEventListener("change", prepare);
form.addEventListener("input", () => fill({}));
form.addEventListener("submit", (event) => {
  event.preventDefault();
  optIn();
  // A keyboard stays where it is; what is below the form is scrolled to.
  if (matchMedia("(max-width: 60rem)").matches) find("flow-title").scrollIntoView();
});
find("restart").addEventListener("click", begin);

begin();
submit.disabled = find("restart").disabled = false;
document.documentElement.dataset.ready = "";
