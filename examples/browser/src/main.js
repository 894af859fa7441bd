// The page: a menu, a form, a button, and what comes of it.

import { about } from "./about.js";
import { address, chosen } from "./address.js";
import { attack } from "./attack.js";
import { ASKED, ATTACKS } from "./attacks.js";
import { actionOf } from "./catalogue.js";
import { LANGUAGES, code } from "./code.js";
import { GUESTS } from "./components.js";
import { given, toContract } from "./contract.js";
import { copies } from "./copy.js";
import { h } from "./dom.js";
import { examples } from "./examples.js";
import { field, pointed, within } from "./fields/field.js";
import { fixture } from "./fixture.js";
import { shared, start } from "./host.js";
import { menu } from "./menu.js";
import { OPT_IN, person, situationsOf } from "./situations.js";
import { consented, meaning, order, text } from "./story.js";
import { tabs } from "./tabs.js";
import { cards, facts, happened, holdings, outcome, outline, possible, product, returned, stopped, welcome } from "./view.js";

const find = (id) => document.getElementById(id);
/** Where one is below the other. */
const narrow = matchMedia("(max-width: 60rem)");
const trigger = find("trigger");
const circumstance = find("situation");
const submit = trigger.querySelector("[type=submit]");
const panel = tabs(find("languages"), find("code-text"));
const actions = menu({ list: find("menu-list"), search: find("search"), toggle: find("menu-toggle"), none: find("menu-none") });

const connector = await shared();
const host = await start(connector);
/** A host with a Klaviyo of its own, to see what a call would send. */
const rehearsal = await start(connector);
const known = examples(host);
/** What is chosen: an action, and what is to run it where that is a component that misbehaves. */
let action;
let guest;
/** The form of the action. */
let form;
/** How many people came so far. */
let people = 0;
/** How many calls were shown so far. */
let runs = 0;
/** What the form had before a situation changed it. */
let before = {};
/** The call that is shown. */
let shown;

const optsIn = () => action.name === OPT_IN && !guest;
const situation = () => situationsOf(action.name).find(({ id }) => id === circumstance.value);
const holds = (email = "") =>
  host.account().profiles.some(({ attributes }) => attributes.email?.toLowerCase() === email.trim().toLowerCase());

/** What there is to choose from: what an action returns. */
function offers(name) {
  host.set({});
  return toContract(host.record(name, given(actionOf(name), {})).result.ok) ?? [];
}

/** Writes values into the form, each by its pointer; returns what was there. */
function fill(values) {
  const changed = Object.entries(values).map(([pointer, value]) => {
    const one = pointed(form, pointer);
    const old = one.read();
    one.write(value);
    return [pointer, old];
  });
  return Object.fromEntries(changed);
}

/** What a call would send, to a Klaviyo that has what the action's example speaks of. */
function rehearse(values) {
  rehearsal.reset();
  if (!optsIn()) examples(rehearsal).prepared(action);
  try {
    return rehearsal.record(action.name, given(action, values)).exchanges;
  } catch (error) {
    if (!error.payload) throw error;
    return [];
  }
}

/** This call as code; of a component that misbehaves, its own. */
function showCode() {
  find("code-title").textContent = guest ? "The component" : "The code";
  if (guest) return panel.show({ wat: "WebAssembly text" }, () => GUESTS[guest.id].text);
  const values = form.read();
  panel.show(LANGUAGES, (language) => code(language, { action, values, exchanges: language === "curl" ? rehearse(values) : [] }));
}

/** The form for a situation: its own values, and a person as it needs one. */
function prepare() {
  fill(before);
  before = {};
  if (!guest) {
    const { about: sentence, fields = {}, fresh } = situation();
    if (fresh && optsIn()) {
      while (holds(form.read().contact.email)) fill(person(++people));
    }
    before = fill(fields);
    find("about").textContent = sentence;
  }
  blame();
  history.replaceState(null, "", address({ name: guest?.id ?? action.name, situation: circumstance.value || undefined }));
  showCode();
}

/** The form of what is chosen, with the example of the catalogue, and what can happen to it. */
function choose({ name, situation: wanted }) {
  guest = ATTACKS.find(({ id }) => id === name);
  action = actionOf(guest ? ASKED : name);
  host.set({});
  const { values, earlier } = known.prepared(action);
  form = field({ schema: action.arguments, all: true, example: values, offers });
  form.write(values);
  before = {};
  find("fields").replaceChildren(form.element);
  find("action-title").textContent = guest?.label ?? action.title;
  find("action-about").replaceChildren(...(guest ? [h("p", { class: "about" }, `${guest.about} It is asked to look somebody up.`)] : about(action)));
  find("earlier").hidden = earlier.length === 0;
  find("earlier").replaceChildren("Was run before, with its example: ", ...earlier.flatMap((one, index) => [index ? ", " : "", h("code", {}, one.name)]));
  submit.textContent = guest ? "Run it" : action.title;
  actions.current(name);
  find("situations").hidden = guest !== undefined;
  const all = guest ? [] : situationsOf(action.name);
  const group = (label) => {
    const inside = all.filter((one) => one.group === label);
    return h("optgroup", { label }, inside.map(({ id, label: title }) => h("option", { value: id }, title)));
  };
  circumstance.replaceChildren(...[...new Set(all.map((one) => one.group))].map(group));
  if (wanted) circumstance.value = wanted;
  runs++;
  shown = undefined;
  prepare();
  const sketch = optsIn() ? outline(rehearse(form.read())) : possible(action.requests ?? []);
  find("steps").replaceChildren(...(guest ? [] : sketch));
  find("outcome").replaceChildren();
  find("status").textContent = guest ? "Another component is in the connector's place" : sent();
  find("flow").dataset.result = "";
  find("fixture").hidden = true;
  find("state").replaceChildren(...holdings(host.account()));
  for (const pane of [trigger.querySelector(".scroll"), find("results")]) pane.scrollTop = 0;
}

function sent() {
  if (optsIn()) return "What the connector will send";
  return action.requests?.length === 0 ? "The connector sends nothing for this" : "What the connector may send";
}

/** The chosen call, made and shown. `again` is the same call after what went wrong has passed. */
function run(again = false) {
  const values = form.read();
  const { rules, key, scopes, before: opted, race } = again ? {} : situation();
  let taken;
  try {
    taken = given(action, values);
  } catch (error) {
    // No component can be given this.
    if (!error.payload) throw error;
    return show({ name: action.name, exchanges: [], result: { err: error.payload } });
  }
  host.set({});
  if (opted && !holds(values.contact.email)) host.record(action.name, taken);
  host.set({ rules, key, scopes });
  const meanwhile = (exchange) => {
    const { request, response } = exchange;
    if (!race || request.method !== "get" || JSON.parse(text(response.body)).data.length) return;
    const { status } = elsewhere(values.contact.email);
    exchange.note = `Meanwhile another system creates the same profile: ${status} ${meaning(status)}`;
  };
  show({ name: action.name, values: taken, ...host.record(action.name, taken, meanwhile), captured: values });
  measure();
}

/** What another system does with a contact. */
function elsewhere(email) {
  const body = JSON.stringify({ data: { type: "profile", attributes: { email: email?.trim() } } });
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
  present(call, optsIn() ? cards(call) : happened(call), optsIn() ? outcome(call, repeat) : returned(call, repeat));
  blame(result.err);
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
}

/** Says at the fields that an error names what is wrong with them. */
function blame(error) {
  for (const [, one] of within(form)) one.complain();
  if (error?.code !== "invalid-input") return;
  for (const { pointer, detail, title } of error.details) {
    const one = pointer === undefined ? undefined : pointed(form, pointer);
    if (!one) continue;
    one.complain(detail || title || error.message);
    reveal(one.element);
  }
}

/** Brings a field into view, however it was folded away. */
function reveal(element) {
  for (let fold = element.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
  element.scrollIntoView({ block: "nearest" });
}

function said({ name, result }) {
  if (result.err) return `Failed: ${result.err.code}`;
  if (name !== OPT_IN) return "Done";
  return `${result.ok.created ? "Created" : "Found"} and ${consented(result.ok) ? "subscribed" : "on the list"}`;
}

/** Puts a call onto the page. */
function present(call, steps, came) {
  shown = call;
  find("steps").replaceChildren(...steps);
  find("outcome").replaceChildren(came);
  find("flow").dataset.result = call.result.err ? "failed" : "done";
  find("fixture").hidden = call.values === undefined;
  find("results").scrollTop = 0;
  changed(call.result.ok?.profileId);
}

/** Shows what Klaviyo holds now, and offers it. */
function changed(latest) {
  form.refresh();
  find("state").replaceChildren(...holdings(host.account(), latest));
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
async function runStrange() {
  const now = ++runs;
  const strange = guest;
  submit.disabled = true;
  find("status").textContent = "It runs";
  try {
    const came = await attack(strange.id, action.name, given(action, form.read()));
    if (now !== runs) return;
    find("outcome").replaceChildren(stopped(strange, came));
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
function begin(to = chosen(`#${OPT_IN}`)) {
  host.reset();
  host.set({});
  known.forget();
  people = 0;
  choose(to);
  facing();
}

find("product").append(...product(PRODUCT));
circumstance.addEventListener("change", prepare);
let typed;
trigger.addEventListener("input", ({ target }) => {
  if (target === circumstance) return;
  cancelAnimationFrame(typed);
  typed = requestAnimationFrame(showCode);
});
trigger.addEventListener("submit", (event) => {
  event.preventDefault();
  if (guest) runStrange();
  else run();
  // A keyboard stays where it is; what is below the form is scrolled to.
  if (narrow.matches) find("flow-title").scrollIntoView();
});
find("outcome").addEventListener("click", ({ target }) => {
  const one = target.dataset.pointer === undefined ? undefined : pointed(form, target.dataset.pointer);
  if (!one) return;
  reveal(one.element);
  one.focus();
});
find("pass").addEventListener("click", () => {
  host.wait(60);
  changed();
});
find("restart").addEventListener("click", () => begin({ name: guest?.id ?? action.name }));
addEventListener("hashchange", () => {
  const to = chosen(location.hash);
  if (!to) return;
  choose(to);
  if (narrow.matches) trigger.scrollIntoView();
});
copies(find("copy-code"), panel.text);
copies(find("link"), () => location.href);
copies(find("fixture"), () => fixture(`${shown.name}: ${find("status").textContent}`, shown));

begin(chosen(location.hash));
submit.disabled = find("restart").disabled = false;
document.documentElement.dataset.ready = "";
