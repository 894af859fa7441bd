// What is shown of a call: its requests as the cards of an automation, and what it came to.

import { code, h, rows } from "./dom.js";
import { STEPS, TITLES, body, branch, greeting, meaning, missing, query, remedy, reply, standing, step, variables } from "./story.js";

/** The cards of an opt-in, those that never happened among them. */
export function cards(run) {
  const all = happened(run);
  const kinds = Object.keys(STEPS);
  for (const { kind, reason } of missing(run.exchanges)) {
    // What was skipped is before the step that came after it.
    const next = all.findIndex(({ dataset }) => kinds.indexOf(dataset.step) > kinds.indexOf(kind));
    all.splice(next < 0 ? all.length : next, 0, ghost(kind, reason));
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

/** The steps before any call. */
export function outline(list) {
  const request = (text) => h("code", {}, text);
  return [
    ghost("search", request("GET /api/profiles/?filter=…")),
    ghost("create", "if there is none: ", request("POST /api/profiles/")),
    ghost("add", request(`POST /api/lists/${list}/relationships/profiles/`)),
    ghost("consent", request("POST /api/profile-subscription-bulk-create-jobs/")),
    ghost("read", request("GET /api/profiles/?additional-fields[profile]=subscriptions")),
  ];
}

function ghost(kind, ...text) {
  return h("li", { class: "card ghost" }, h("h3", {}, STEPS[kind]), h("p", {}, text));
}

/** `bad`: this is where the call ended. */
function card(exchange, number, bad) {
  const kept = variables(exchange);
  return h(
    "li",
    { class: bad ? "card bad" : "card", "data-step": step(exchange) },
    h("h3", {}, h("span", { class: "number" }, `${number}`), TITLES[step(exchange)]),
    h("div", { class: "halves" }, sent(exchange.request), came(exchange)),
    kept.length > 0 &&
      rows(
        kept.map(({ name, source, value }) => [h("code", {}, name), h("span", { class: "source" }, source), h("strong", {}, value)]),
        "variables",
      ),
  );
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

function came({ response, failure }) {
  if (failure) {
    return h(
      "section",
      { class: "half" },
      h("h4", {}, "Answer"),
      h("p", { class: "line" }, h("span", { class: "result bad" }, "no answer")),
      h("p", { class: "decoded" }, h("span", {}, `${failure.tag}: `), failure.val),
    );
  }
  const { status, headers, body: bytes } = response;
  const name = headers.length === 1 ? "1 header" : `${headers.length} headers`;
  return h(
    "section",
    { class: "half" },
    h("h4", {}, "Answer"),
    h("p", { class: "line" }, h("span", { class: status < 400 ? "result" : "result bad" }, `${status}`), meaning(status)),
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
    says(reply(receipt, captured.email)),
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

const says = (text) => h("p", { class: "bot" }, h("span", { class: "who" }, "Bot"), text);

/** What the bot says to somebody whose history was read; or why it was not. */
export function welcome(receipt, { err, ok }) {
  return err ? failure(err) : h("div", { class: "outcome" }, says(greeting(receipt, ok.events)));
}

function failure(error, repeat) {
  const details = error.details.map(({ code, title, detail, pointer }) => {
    const parts = [h("code", {}, code), " ", detail || title, pointer && " at ", pointer && h("code", {}, pointer)];
    return ["details", ...parts.filter(Boolean)];
  });
  const optional = (name, value) => (value === undefined ? [] : [[name, `${value}`]]);
  return h(
    "div",
    { class: "outcome failed" },
    h("p", { class: "message" }, h("code", { class: "code" }, error.code), quoted(error.message)),
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
    [micros === undefined ? "–" : `${Math.round(micros)} µs`, micros === undefined ? "a call" : "this call, warm, Klaviyo's time left out"],
    [`${Math.round(memory / 1000)} KB`, "its memory"],
    [`${Math.round(ready)} ms`, "from opening the page to ready"],
  ];
  return pairs.map(([value, name]) => h("div", {}, h("dt", {}, name), h("dd", {}, value)));
}
