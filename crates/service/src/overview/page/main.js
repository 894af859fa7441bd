// Asking again and again, and deciding.

const EVERY = 3000;
let last;
let timer;

/** Asks the service; a failure is an error with its sentence. */
async function ask(path, options) {
  const response = await fetch(path, { cache: "no-store", signal: AbortSignal.timeout(20000), ...options });
  const body = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(body.message ?? `the service answered ${response.status}`);
  return body;
}

async function refresh() {
  clearTimeout(timer);
  try {
    last = await ask("overview");
    showFacts(last);
    showAccounts(last);
    showLetters(last);
    write($("freshness"), `As of ${new Date(last.at).toLocaleTimeString("en-GB")}`);
    dress($("freshness"), "freshness");
  } catch (error) {
    const seen = last ? ` Below is what was seen at ${new Date(last.at).toLocaleTimeString("en-GB")}.` : "";
    write($("freshness"), `The service does not tell how it does: ${error.message}.${seen}`);
    dress($("freshness"), "freshness bad");
  }
  document.documentElement.dataset.ready = "";
  clearTimeout(timer);
  if (!document.hidden) timer = setTimeout(refresh, EVERY);
}

/** Shows a dead letter whole. */
async function open(id, details, name) {
  const block = h("pre", { tabindex: 0, role: "group", "aria-label": `The message of ${name}` });
  try {
    block.textContent = JSON.stringify((await ask(`overview/dead-letters/${encodeURIComponent(id)}`)).opt_in, null, 2);
    details.append(block);
  } catch (error) {
    details.open = false;
    tell(error.message, true);
  }
}

function tell(text, isBad = false) {
  dress($("told"), isBad ? "told bad" : "told");
  write($("told"), text);
}

const DECISIONS = {
  retry: ["Retry", "The messages go back into the queue and are tried again.", "put back into the queue"],
  drop: ["Drop", "What they ask for is given up, and not done. This cannot be undone.", "dropped"],
};

/** Asks whether it is meant, then decides about the letters that are selected. */
function decide(decision) {
  tell("");
  const ids = [...selected];
  if (ids.length === 0) return tell("Select dead letters first.");
  const [verb, effect, done] = DECISIONS[decision];
  const title = `${verb} ${plural(ids.length, "dead letter", "dead letters")}?`;
  write($("confirm-title"), title);
  write($("confirm-text"), effect);
  write($("confirm-yes"), verb);
  dress($("confirm-yes"), decision === "drop" ? "primary bad" : "primary");
  const dialog = $("confirm");
  $("confirm-no").onclick = () => dialog.close();
  $("confirm-yes").onclick = async () => {
    dialog.close();
    try {
      const headers = { "content-type": "application/json", "x-klaviyo-operator": "page" };
      const { count } = await ask(`overview/${decision}`, { method: "POST", headers, body: JSON.stringify({ ids }) });
      const others = ids.length - count;
      const gone = others ? ` ${plural(others, "was", "were")} decided about by somebody else.` : "";
      tell(`${plural(count, "dead letter", "dead letters")} ${done}.${gone}`);
      selected.clear();
    } catch (error) {
      tell(error.message, true);
    }
    await refresh();
  };
  dialog.showModal();
  $("confirm-no").focus();
}

$("retry").addEventListener("click", () => decide("retry"));
$("drop").addEventListener("click", () => decide("drop"));
$("all").addEventListener("change", () => {
  selected.clear();
  if ($("all").checked) for (const { id } of last.letters) selected.add(id);
  for (const card of $("letters").children) card.show();
  showSelection();
});
document.addEventListener("visibilitychange", () => document.hidden || refresh());
refresh();
