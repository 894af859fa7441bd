// The page: a form, a button, and what comes of it.

import { ACTIONS, ATTACKS, LOOKUP, known } from "./actions.js";
import { address, chosen } from "./address.js";
import { attack } from "./attack.js";
import { LANGUAGES, code } from "./code.js";
import { GUESTS } from "./components.js";
import { copies } from "./copy.js";
import { h } from "./dom.js";
import { fixture } from "./fixture.js";
import { shared, start } from "./host.js";
import { person, situationsOf } from "./situations.js";
import { consented, meaning, order, text } from "./story.js";
import { tabs } from "./tabs.js";
import { cards, facts, happened, holdings, outcome, outline, product, returned, stopped, welcome } from "./view.js";

const find = (id) => document.getElementById(id);
const form = find("trigger");
const { action: choice, situation: circumstance, email, name, phone, list } = form.elements;
const submit = form.querySelector("[type=submit]");
const panel = tabs(find("languages"), find("code-text"));

/** A list that is no more, whose id the automation still has. */
const DELETED = { id: "R8tVwq", name: "Diwali 2025, deleted" };

const connector = await shared();
const host = await start(connector);
/** A host with a Klaviyo that knows nobody, to see what a call would send. */
const rehearsal = await start(connector);
/** How many people came so far. */
let people = 0;
/** How many calls were shown so far. */
let runs = 0;
/** What the form had before a situation changed it. */
let before = {};
/** The call that is shown. */
let shown;

const captured = () => ({ email: email.value, name: name.value, phone: phone.value, list: list.value });
const strange = () => ATTACKS.find(({ id }) => id === choice.value);
const action = () => ACTIONS.find(({ id }) => id === choice.value) ?? LOOKUP;
const situation = () => situationsOf(choice.value).find(({ id }) => id === circumstance.value);
const holds = (address) =>
  host.account().profiles.some(({ attributes }) => attributes.email?.toLowerCase() === address.trim().toLowerCase());

function fill(values) {
  for (const [field, value] of Object.entries(values)) form.elements[field].value = value;
  find("sender").textContent = name.value.trim() || "Somebody";
}

/** What a call would send, to a Klaviyo that knows of the person what the action needs. */
function rehearse() {
  const values = captured();
  rehearsal.reset();
  known(rehearsal, action(), values);
  return rehearsal.record(action().id, action().values(values)).exchanges;
}

/** This call as code; of a component that misbehaves, its own. */
function showCode() {
  const guest = strange();
  find("code-title").textContent = guest ? "The component" : "The code";
  if (guest) return panel.show({ wat: "WebAssembly text" }, () => GUESTS[guest.id].text);
  const call = { name: action().id, values: action().values(captured()) };
  panel.show(LANGUAGES, (language) => code(language, { ...call, exchanges: language === "curl" ? rehearse() : [] }));
}

/** The form for a situation: its own values, and a person as it needs one. */
function prepare() {
  fill(before);
  before = {};
  if (!strange()) {
    const { about, fields = {}, fresh } = situation();
    if (fresh) {
      while (holds(email.value)) fill(person(++people));
    }
    for (const field of Object.keys(fields)) before[field] = form.elements[field].value;
    fill(fields);
    find("about").textContent = about;
  }
  history.replaceState(null, "", address({ action: choice.value, situation: circumstance.value || undefined }));
  showCode();
}

/** The form for an action: the fields that it takes, and what can happen to it. */
function choose(selected = {}) {
  const guest = strange();
  const { fields = ["email"], button = "Run it", about } = { ...action(), ...guest };
  for (const field of form.querySelectorAll("[data-field]")) field.hidden = !fields.includes(field.dataset.field);
  find("says").textContent = guest ? `is looked up by it. ${about}` : about;
  submit.textContent = button;
  find("situations").hidden = guest !== undefined;
  const all = guest ? [] : situationsOf(choice.value);
  const group = (label) => {
    const inside = all.filter((one) => one.group === label);
    return h("optgroup", { label }, inside.map(({ id, label }) => h("option", { value: id }, label)));
  };
  circumstance.replaceChildren(...[...new Set(all.map(({ group }) => group))].map(group));
  if (selected.situation) circumstance.value = selected.situation;
  runs++;
  shown = undefined;
  prepare();
  find("steps").replaceChildren(...(guest ? [] : outline(rehearse())));
  find("outcome").replaceChildren();
  find("status").textContent = guest ? "Another component is in the connector's place" : "What the connector will send";
  find("flow").dataset.result = "";
  find("fixture").hidden = true;
}

/** The chosen call, made and shown. `again` is the same call after what went wrong has passed. */
function run(again = false) {
  const values = captured();
  const { rules, key, scopes, before: opted, race } = again ? {} : situation();
  const call = { name: action().id, values: action().values(values) };
  host.set({});
  if (opted && !holds(values.email)) host.record(call.name, call.values);
  if (action().earlier?.includes("events.track") || !holds(values.email)) known(host, action(), values);
  host.set({ rules, key, scopes });
  const meanwhile = (exchange) => {
    const { request, response } = exchange;
    if (!race || request.method !== "get" || JSON.parse(text(response.body)).data.length) return;
    const { status } = elsewhere(values);
    exchange.note = `Meanwhile another system creates the same profile: ${status} ${meaning(status)}`;
  };
  show({ ...call, ...host.record(call.name, call.values, meanwhile), captured: values });
  measure();
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

function measure() {
  const { name, values, exchanges } = shown;
  const now = ++runs;
  host.time(name, values, exchanges).then((micros) => now === runs && facing(micros));
}

function show(call) {
  const { exchanges, result } = call;
  const { repeat, wait } = situation();
  const optedIn = call.name === "contacts.opt-in";
  const imported = call.name === "bulk.submit" && result.ok?.jobs[0];
  present(call, optedIn ? cards(call) : happened(call), optedIn ? outcome(call, repeat) : returned(call, repeat, imported && "Wait ten seconds, and read the job"));
  find("status").textContent = `${said(call)}, ${requests(exchanges)}`;
  find("repeat")?.addEventListener("click", () => {
    host.wait(wait ?? 0);
    run(true);
    arrive();
  });
  find("later")?.addEventListener("click", () => {
    writeAgain(result.ok);
    arrive();
  });
  find("follow")?.addEventListener("click", () => {
    host.set({});
    host.wait(10);
    show({ name: "bulk.status", values: [imported.job], ...host.record("bulk.status", [imported.job]) });
    arrive();
  });
}

function said({ name, result }) {
  if (result.err) return `Failed: ${result.err.code}`;
  if (name !== "contacts.opt-in") return "Done";
  return `${result.ok.created ? "Created" : "Found"} and ${consented(result.ok) ? "subscribed" : "on the list"}`;
}

/** Puts a call onto the page. */
function present(call, steps, came) {
  shown = call;
  find("steps").replaceChildren(...steps);
  find("outcome").replaceChildren(came);
  find("flow").dataset.result = call.result.err ? "failed" : "done";
  find("fixture").hidden = false;
  find("state").replaceChildren(...holdings(host.account(), call.result.ok?.profileId));
}

function requests({ length }) {
  if (length === 0) return "nothing was sent";
  return length === 1 ? "1 request" : `${length} requests`;
}

/** Somebody who has opted in orders something, and writes to the bot a day later. */
function writeAgain(receipt) {
  host.set({});
  const tracked = host.record("events.track", [order(receipt.profileId)]);
  host.wait(24 * 60 * 60);
  const call = { name: "events.history", values: [{ tag: "id", val: receipt.profileId }, { limit: 20 }] };
  const made = host.record(call.name, call.values);
  const all = [...tracked.exchanges, ...made.exchanges];
  present({ ...call, ...made }, happened({ ...made, exchanges: all }), welcome(receipt, made.result));
  find("status").textContent = `${made.result.err ? `Failed: ${made.result.err.code}` : "Greeted by the history"}, ${requests(all)}`;
}

/** A component that misbehaves, run and stopped. */
async function runStrange(guest) {
  const now = ++runs;
  submit.disabled = true;
  find("status").textContent = "It runs";
  try {
    const came = await attack(guest.id, LOOKUP.id, LOOKUP.values(captured()));
    if (now !== runs) return;
    find("outcome").replaceChildren(stopped(guest, came));
    find("status").textContent = `Stopped: ${came.result.err.code}`;
    find("flow").dataset.result = "done";
  } finally {
    submit.disabled = false;
  }
}

/** The result comes into view where it is not, and a keyboard goes on from there. */
function arrive() {
  const title = find("flow-title");
  title.focus({ preventScroll: true });
  const { top, bottom } = title.getBoundingClientRect();
  if (top < 0 || bottom > innerHeight) title.scrollIntoView();
}

const ready = performance.now();
function facing(micros) {
  find("facts").replaceChildren(...facts({ ...CONNECTOR, memory: host.memory(), micros, ready }));
}

/** An account without profiles, and the first person. */
function begin({ action: function_, situation: circumstances } = {}) {
  host.reset();
  host.set({});
  people = 0;
  before = {};
  const { result } = host.record("lists.all", []);
  const options = [...result.ok, DELETED].map(({ id, name }) => h("option", { value: id }, `${name} (${id})`));
  list.replaceChildren(...options);
  const audience = result.ok.find((audience) => audience.name === "WhatsApp Opt-Ins");
  choice.value = function_ ?? ACTIONS[0].id;
  fill({ ...person(0), list: audience.id });
  choose({ situation: circumstances });
  find("state").replaceChildren(...holdings(host.account()));
  facing();
}

const options = (all) => all.map(({ id, label }) => h("option", { value: id }, label));
choice.append(
  h("optgroup", { label: "The connector" }, options(ACTIONS)),
  h("optgroup", { label: "A component that misbehaves" }, options(ATTACKS)),
);
find("product").append(...product(PRODUCT));
choice.addEventListener("change", () => choose());
circumstance.addEventListener("change", prepare);
let typed;
form.addEventListener("input", ({ target }) => {
  fill({});
  if (target === choice || target === circumstance) return;
  cancelAnimationFrame(typed);
  typed = requestAnimationFrame(showCode);
});
form.addEventListener("submit", (event) => {
  event.preventDefault();
  const guest = strange();
  if (guest) runStrange(guest);
  else run();
  // A keyboard stays where it is; what is below the form is scrolled to.
  if (matchMedia("(max-width: 60rem)").matches) find("flow-title").scrollIntoView();
});
find("restart").addEventListener("click", () => begin());
addEventListener("hashchange", () => {
  const to = chosen(location.hash);
  if (!to) return;
  choice.value = to.action;
  choose(to);
});
copies(find("copy-code"), panel.text);
copies(find("link"), () => location.href);
copies(find("fixture"), () => fixture(`${shown.name}: ${find("status").textContent}`, shown));

begin(chosen(location.hash));
submit.disabled = find("restart").disabled = false;
document.documentElement.dataset.ready = "";
