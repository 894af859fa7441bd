// What the overview says, shown.

/** The ids of the dead letters that are selected. */
const selected = new Set();

function showFacts({ at, workers, lanes, dead_letters, changes_dead_letters }) {
  const facts = LANES.map(([lane]) => {
    const { count, oldest } = lanes[lane];
    return [`${lane} waiting`, number(count), oldest === null ? "" : `oldest ${duration((at - oldest) / 1000)}`];
  });
  facts.push(["dead letters", number(dead_letters), ""]);
  if (changes_dead_letters > 0) facts.push(["changes refused", number(changes_dead_letters), "`dead changes list` has them"]);
  facts.push([workers === 1 ? "worker" : "workers", number(workers), ""]);
  keep($("facts"), facts, ([name]) => name.replace(/s$/, ""), () => {
    const [name, value, aside] = [h("dt"), h("dd"), h("dd", { class: "aside" })];
    const element = h("div", {}, name, value, aside);
    element.show = (fact) => [name, value, aside].forEach((part, index) => write(part, fact[index]));
    return element;
  });
}

function showAccounts({ accounts, accounts_left_off, strays, at }) {
  const notes = [];
  if (accounts.length === 0) notes.push("Nothing waits, and no account is worked on.");
  if (accounts_left_off > 0) notes.push(`${number(accounts_left_off)} more are not shown; those that need you come first.`);
  if (strays > 0) notes.push(`${plural(strays, "message is", "messages are")} in the queue under names that no account can have; nobody takes them.`);
  write($("accounts-note"), notes.join(" "));
  keep($("accounts"), accounts, ({ account }) => account, ({ account }) => {
    const [state, changes] = [h("span", { class: "chip" }), h("span", { class: "chip" })];
    const [why, whyChanges] = [h("p", { class: "why" }), h("p", { class: "why" })];
    const [lanes, rate] = [h("p", { class: "lanes" }), h("p", { class: "lanes rate" })];
    const element = h("li", { class: "card" }, h("div", { class: "head" }, h("h3", {}, account), state, changes), why, whyChanges, lanes, rate);
    element.show = (now) => {
      const [words, look, advice] = STATES[now.state.name] ?? [now.state.name, ""];
      const wait = now.state.seconds === null ? "" : `, ${duration(now.state.seconds)} more`;
      write(state, words + wait);
      dress(state, `chip ${look}`);
      write(why, reason(now.state.error) || advice || "");
      write(changes, now.changes ? "changes are held up" : "");
      dress(changes, "chip wait");
      write(whyChanges, now.changes ? `Changes: ${reason(now.changes.error)}` : "");
      const waiting = LANES.filter(([lane]) => now.lanes[lane]).map(([lane, one]) => {
        const { count, oldest } = now.lanes[lane];
        return `${plural(count, one, lane)}${oldest === null ? "" : `, oldest ${duration((at - oldest) / 1000)}`}`;
      });
      write(lanes, waiting.length ? waiting.join(" · ") : "nothing waits");
      write(rate, now.rate ? used(now.rate) : "");
    };
    return element;
  });
}

/** What of Klaviyo's rates was used in the last minute, at the endpoint that is nearest to its limit. */
const used = ({ endpoint, requests, limit }) => `${endpoint}: ${number(requests)} of ${number(limit)} requests a minute`;

const reason = (error) => (error ? `${error.message} (${error.code})` : "");

function showLetters({ letters, dead_letters, decides }) {
  const left = dead_letters - letters.length;
  let note = "";
  if (dead_letters === 0) note = "There are none.";
  else if (!decides) note = `${plural(dead_letters, "dead letter is", "dead letters are")} kept. This process may not read them: \`klaviyo-connector status\` shows them, and decides.`;
  else if (left > 0) note = `The oldest ${number(letters.length)} of ${number(dead_letters)}; \`klaviyo-connector dead list\` has all.`;
  write($("letters-note"), note);
  for (const id of selected) if (!letters.some((letter) => letter.id === id)) selected.delete(id);
  // A row that goes may have the focus; its place in the page takes it then.
  const had = $("letters").contains(document.activeElement);
  keep($("letters"), letters, ({ id }) => id, letterCard);
  if (had && !$("letters").contains(document.activeElement)) $("letters-title").focus();
  $("actions").hidden = letters.length === 0;
  showSelection();
}

function letterCard({ id, account, lane, who, code, reason: why, said, attempts, since }) {
  const name = `${who ?? "somebody"} in ${account}`;
  const box = h("input", { type: "checkbox", "aria-label": `Select ${name}` });
  box.addEventListener("change", () => {
    if (box.checked) selected.add(id);
    else selected.delete(id);
    showSelection();
  });
  const details = h("details", {}, h("summary", {}, "Show the message"));
  // Whoever opens it wants to see the person.
  details.addEventListener("toggle", () => details.open && !details.querySelector("pre") && open(id, details, name));
  const head = h("div", { class: "head" }, h("h3", {}, who ?? "somebody"), h("span", { class: "chip bad" }, code), h("span", { class: "chip" }, lane));
  const facts = h("p", { class: "small" }, h("span", {}, account), h("span", {}, `since ${minute(since)} UTC`), h("span", {}, `tried ${plural(attempts, "time", "times")}`), h("code", {}, id));
  const texts = [why, ...said.map((text) => `Klaviyo said: ${text}`)].map((text) => h("p", { class: "why" }, text));
  const element = h("li", { class: "card letter" }, box, h("div", {}, head, ...texts, facts, details));
  // A letter does not change; another one has another id.
  element.show = () => (box.checked = selected.has(id));
  return element;
}

function showSelection() {
  const boxes = $("letters").children.length;
  $("all").checked = boxes > 0 && selected.size === boxes;
  $("all").indeterminate = selected.size > 0 && selected.size < boxes;
  write($("retry"), selected.size ? `Retry ${number(selected.size)}` : "Retry");
  write($("drop"), selected.size ? `Drop ${number(selected.size)}` : "Drop");
}
