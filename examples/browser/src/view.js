// What is shown of a call: its requests as the cards of an automation, and what it came to.

import { toContract } from "./contract.js";
import { code, h, rows } from "./dom.js";
import { STEPS, body, branch, greeting, meaning, missing, query, remedy, reply, standing, step, title, variables } from "./story.js";

/** The cards of an opt-in, those that never happened among them. */
export function cards(run) {
  const all = happened(run);
  const kinds = Object.keys(STEPS);
  for (const { kind, reason } of missing(run.exchanges)) {
    // What was skipped is before the step that came after it.
    const next = all.findIndex(({ dataset }) => kinds.indexOf(dataset.step) > kinds.indexOf(kind));
    all.splice(next < 0 ? all.length : next, 0, ghost(STEPS[kind], reason));
  }
  return all;
}

/** The cards of what happened in a call. */
export function happened({ exchanges, result }) {
  const failed = result.err !== undefined;
  const all = exchanges.flatMap((exchange, index) => [
    card(exchange, index + 1, failed && index === exchanges.length - 1),
    branch(exchange) && h("li", { class: "branch" }, branch(exchange)),
    exchange.note && h("li", { class: "note" }, exchange.note),
  ]);
  return all.filter(Boolean);
}

/** What a call would send. */
export const outline = (exchanges) =>
  exchanges.map((exchange) => ghost(title(exchange), h("code", {}, address(exchange.request))));

/** The requests that an action may send. */
export const possible = (requests) => requests.map((request) => ghost("May send", h("code", {}, request)));

function address({ method, url }) {
  const { pathname, search } = new URL(url);
  return `${method.toUpperCase()} ${pathname}${search && "?…"}`;
}

function ghost(name, ...text) {
  return h("li", { class: "card ghost" }, h("h3", {}, name), h("p", {}, text));
}

/** `bad`: this is where the call ended. */
function card(exchange, number, bad) {
  const kept = variables(exchange);
  return h(
    "li",
    { class: bad ? "card bad" : "card", "data-step": step(exchange) ?? exchange.request.method },
    h(
      "details",
      { open: bad },
      h(
        "summary",
        {},
        h("h3", {}, h("span", { class: "number" }, `${number}`), title(exchange)),
        h("code", { class: "address" }, address(exchange.request)),
        answered(exchange),
      ),
      h("div", { class: "halves" }, sent(exchange.request), came(exchange)),
    ),
    kept.length > 0 &&
      rows(
        kept.map(({ name, source, value }) => [h("code", {}, name), h("span", { class: "source" }, source), h("strong", {}, value)]),
        "variables",
      ),
  );
}

/** The status of an answer; where there is none, that. */
function answered({ response }) {
  if (!response) return h("span", { class: "result bad" }, "no answer");
  const { status } = response;
  return h("span", { class: status < 400 ? "result" : "result bad" }, `${status}`);
}

function sent({ method, url, headers, auth, body: bytes }) {
  return h(
    "section",
    { class: "half" },
    h("h4", {}, "Request"),
    h("p", { class: "line" }, h("span", { class: "method" }, method.toUpperCase()), h("span", { class: "url" }, url)),
    ...query(url).map(({ name, value }) => h("p", { class: "decoded" }, h("span", {}, `${name} = `), value)),
    headerLines([
      ["authorization", `${auth} pk_…`, "added by the host"],
      ...headers.map(({ name, value }) => [name, value]),
    ]),
    bytes.length > 0 && code(body(bytes), "Body of the request"),
  );
}

function came(exchange) {
  const { response, failure } = exchange;
  if (failure) {
    return h(
      "section",
      { class: "half" },
      h("h4", {}, "Answer"),
      h("p", { class: "line" }, answered({})),
      h("p", { class: "decoded" }, h("span", {}, `${failure.tag}: `), failure.val),
    );
  }
  const { status, headers, body: bytes } = response;
  const name = headers.length === 1 ? "1 header" : `${headers.length} headers`;
  return h(
    "section",
    { class: "half" },
    h("h4", {}, "Answer"),
    h("p", { class: "line" }, answered(exchange), meaning(status)),
    bytes.length > 0 && code(body(bytes), "Body of the answer"),
    // What decides how long to wait is to be seen.
    h(
      "details",
      { open: headers.some((header) => header.name === "retry-after") },
      h("summary", {}, name),
      headerLines(headers.map((header) => [header.name, header.value])),
    ),
  );
}

function headerLines(headers) {
  const line = ([name, value, note]) =>
    h("li", {}, h("span", { class: "name" }, `${name}: `), value, note && h("span", { class: "tag" }, note));
  return h("ul", { class: "headers" }, headers.map(line));
}

/** What a call returned. */
export function outcome({ result, captured }, repeat) {
  if (result.err) return failure(result.err, repeat);
  const receipt = result.ok;
  return h(
    "div",
    { class: "outcome" },
    says(reply(receipt, captured.contact.email)),
    rows(
      [
        ["profile_id", h("strong", {}, receipt.profileId)],
        ["profile_name", h("strong", {}, receipt.profileName ?? "none")],
        ["list_id", h("strong", {}, receipt.listId)],
        ["created", h("strong", {}, `${receipt.created}`)],
        ...receipt.consent.map((permitted) => [permitted.channel.tag, h("strong", {}, standing(permitted))]),
        ...receipt.warnings.map((warning) => ["warning", warning]),
      ],
      "record",
    ),
    h("button", { type: "button", id: "later" }, "Order wool socks, and write again"),
  );
}

/** What another action than an opt-in returned. */
export function returned({ result }, repeat) {
  if (result.err) return failure(result.err, repeat);
  const value = toContract(result.ok);
  const shown = value === null ? h("p", {}, "It is done, and returns nothing.") : code({ json: true, text: JSON.stringify(value, null, 2) }, "What the action returned");
  return h("div", { class: "outcome" }, shown);
}

/** How a component that misbehaves was stopped. */
export function stopped({ about }, { exchanges, result }) {
  const { code: kind, message } = result.err;
  const reached = exchanges.filter(({ response }) => response).length;
  return h(
    "div",
    { class: "outcome" },
    h("p", { class: "message" }, h("code", { class: "code" }, kind), quoted(message)),
    rows(
      [
        ["what it does", about],
        ["reached Klaviyo", reached === 1 ? "1 request" : `${reached || "no"} requests`],
        ["this page", "goes on: the component has a thread of its own, which is ended"],
      ],
      "record",
    ),
  );
}

const says = (text) => h("p", { class: "bot" }, h("span", { class: "who" }, "Bot"), text);

/** What the bot says to somebody whose history was read; or why it was not. */
export function welcome(receipt, { err, ok }) {
  return err ? failure(err) : h("div", { class: "outcome" }, says(greeting(receipt, ok.events)));
}

function failure(error, repeat) {
  const details = error.details.map(({ code, title, detail, pointer }) => {
    const parts = [h("code", {}, code), " ", detail || title, pointer && " at ", pointer && place(error, pointer)];
    return ["details", ...parts.filter(Boolean)];
  });
  const optional = (name, value) => (value === undefined ? [] : [[name, `${value}`]]);
  return h(
    "div",
    { class: "outcome failed" },
    h("p", { class: "message" }, h("code", { class: "code bad" }, error.code), quoted(error.message)),
    rows(
      [
        ["what to do", remedy(error.code)],
        ...optional("status", error.status),
        ...optional("retry-after", error.retryAfter && `${error.retryAfter} seconds`),
        ...details,
        ...optional("duplicate", error.duplicate),
        ...optional("request-id", error.requestId),
      ],
      "record",
    ),
    repeat && h("button", { type: "button", id: "repeat" }, repeat),
  );
}

/** Where an error is; of a field of the form, the way to it. */
const place = ({ code: kind }, pointer) =>
  kind === "invalid-input" ? h("button", { type: "button", class: "way", "data-pointer": pointer }, pointer) : h("code", {}, pointer);

/** A sentence; what is between backticks in it is code. */
function quoted(sentence) {
  return sentence.split("`").map((part, index) => (index % 2 ? h("code", {}, part) : part));
}

/** What the account holds: its lists, and its people. */
export function holdings({ profiles, lists }, latest) {
  const counts = rows(
    lists.map(({ id, name, members }) => [
      h("span", {}, name, " ", h("code", {}, id)),
      members.length === 1 ? "1 member" : `${members.length} members`,
    ]),
    "record lists",
  );
  if (profiles.length === 0) return [counts, h("p", { class: "empty" }, "No profiles yet.")];
  const people = [...profiles].reverse().map(({ id, attributes }) => {
    const { email, phone_number: phone, first_name: first, last_name: last } = attributes;
    const on = lists.filter(({ members }) => members.includes(id));
    return h(
      "li",
      { class: id === latest ? "latest" : undefined },
      h("p", { class: "person" }, [first, last].filter(Boolean).join(" ") || "no name"),
      h("p", {}, [email, phone ?? "no phone number"].filter(Boolean).join(" · ")),
      h("p", {}, h("code", {}, id)),
      h("p", {}, on.length ? on.map(({ name }) => h("span", { class: "tag" }, name)) : h("span", { class: "empty" }, "on no list")),
    );
  });
  const title = profiles.length === 1 ? "1 profile" : `${profiles.length} profiles`;
  return [counts, h("h3", {}, title), h("ul", { class: "people" }, people)];
}

/** What somebody who decides whether to embed it wants to know. */
export function facts({ bytes, imports, memory, micros, ready }) {
  const pairs = [
    [`${Math.round(bytes / 1000)} KB`, "the component"],
    [`${imports.length}`, imports.length === 1 ? `import: ${imports[0]}` : "imports"],
    [micros === undefined ? "–" : `${Math.round(micros)} µs`, "a warm call, without Klaviyo"],
    [`${Math.round(memory / 1000)} KB`, "its memory"],
    [`${Math.round(ready)} ms`, "until the page was ready"],
  ];
  return pairs.map(([value, name]) => h("div", {}, h("dt", {}, name), h("dd", {}, value)));
}

/** The product, as its package names it. */
export function product({ name, version, license, homepage }) {
  return [
    homepage ? h("a", { class: "name", href: homepage }, name) : h("span", { class: "name" }, name),
    h("span", { class: "version" }, version),
    h("a", { href: `https://spdx.org/licenses/${license}.html`, rel: "license" }, license),
    h("a", { href: "https://developers.klaviyo.com/en/reference/api_overview" }, "Klaviyo's API"),
  ];
}
