// A Chromium, and the page in it, watched: nothing is fetched, and nothing complains.

import assert from "node:assert/strict";
import { existsSync, mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

export const PAGE = new URL("../dist/index.html", import.meta.url).href;
const SCREENSHOTS = fileURLToPath(new URL("../screenshots/", import.meta.url));

const USUAL = [
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/usr/bin/google-chrome-stable",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
];

// It is to reach for nothing of its own either.
const QUIET = [
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** Starts Chromium; without one the tests fail. */
export function launch() {
  const executablePath = process.env.CHROMIUM ?? USUAL.find((path) => existsSync(path));
  if (!executablePath || !existsSync(executablePath)) {
    const places = process.env.CHROMIUM ?? USUAL.join(", ");
    throw new Error(`there is no Chromium at ${places}; install one, or name it in CHROMIUM`);
  }
  // Chromium's own sandbox does not start as root.
  const root = process.getuid?.() === 0 ? ["--no-sandbox"] : [];
  return chromium.launch({ executablePath, args: [...QUIET, ...root] });
}

/** Opens the page, does something with it, and sees that it stayed quiet. */
export async function visit(browser, options, use, url = PAGE) {
  const context = await browser.newContext({ viewport: { width: 1360, height: 900 }, reducedMotion: "reduce", ...options });
  try {
    const page = await context.newPage();
    const noise = [];
    const place = (address) => address.split("#")[0];
    const expected = (request) => place(request) === place(url) || /^(data|blob):/.test(request);
    page.on("console", (message) => noise.push(`console: ${message.text()}`));
    page.on("pageerror", (error) => noise.push(`error: ${error.message}`));
    page.on("request", (request) => expected(request.url()) || noise.push(`request: ${request.url()}`));
    await page.goto(url);
    await page.locator("html[data-ready]").waitFor({ state: "attached" });
    await use(new Page(page));
    assert.deepEqual(noise, []);
  } finally {
    await context.close();
  }
}

/** The page, as the tests use and read it. */
class Page {
  constructor(page) {
    this.page = page;
  }

  async choose(situation) {
    await this.page.selectOption("#situation", situation);
  }

  /** Chooses an action, or a component that misbehaves. */
  async action(name) {
    const link = this.page.locator(`#menu-list a[data-name="${name}"]`);
    if (!(await link.isVisible())) await this.page.locator("#menu-toggle").click();
    if ((await link.getAttribute("aria-current")) !== null) return;
    await link.click();
    await this.page.locator(`#menu-list a[data-name="${name}"][aria-current]`).waitFor({ state: "attached" });
  }

  /** Presses the button, whatever it is called. */
  async press() {
    await this.page.locator("[type=submit]").click();
    await this.page.waitForFunction(() => document.getElementById("flow").dataset.result);
    return this.run();
  }

  async optIn() {
    await this.page.getByRole("button", { name: "Opt a person in" }).click();
    return this.run();
  }

  async repeat() {
    await this.page.locator("#repeat").click();
    return this.run();
  }

  async later() {
    await this.page.locator("#later").click();
    return this.run();
  }

  async restart() {
    await this.page.getByRole("button", { name: "Start over" }).click();
  }

  /** What is shown of the call. */
  run() {
    return this.page.evaluate(() => {
      const texts = (selector) => [...document.querySelectorAll(selector)].map((element) => element.textContent);
      const record = [...document.querySelectorAll("#outcome .record > div")];
      return {
        result: document.getElementById("flow").dataset.result,
        requests: [...document.querySelectorAll("#steps > [data-step]")].map(
          (card) => `${card.dataset.step} ${card.querySelector(".result").textContent}`,
        ),
        addresses: texts("#steps > .card:not(.ghost) .address"),
        ended: document.querySelectorAll("#steps > .bad").length,
        ghosts: document.querySelectorAll("#steps > .ghost").length,
        branches: document.querySelectorAll("#steps > .branch").length,
        variables: texts("#steps .variables dt"),
        code: document.querySelector("#outcome .code")?.textContent,
        reply: document.querySelector("#outcome .bot")?.textContent,
        record: Object.fromEntries(record.map((row) => [...row.children].map((part) => part.textContent))),
      };
    });
  }

  /** What this button copies. */
  async copied(button) {
    await this.page.evaluate(() => {
      navigator.clipboard.writeText = async (text) => (globalThis.copied = text);
    });
    await this.page.locator(button).click();
    return this.page.evaluate(() => globalThis.copied);
  }

  /** This call in a language. */
  async code(language) {
    await this.page.locator(`#tab-${language}`).click();
    return this.page.locator("#code-text code").textContent();
  }

  /** What Klaviyo is shown to hold: names of people, and how many members each list has. */
  holdings() {
    return this.page.evaluate(() => ({
      people: [...document.querySelectorAll(".people .person")].map((element) => element.textContent),
      members: [...document.querySelectorAll(".lists dd")].map((element) => parseInt(element.textContent)),
    }));
  }

  /** How much wider the page is than what shows it. */
  overflow() {
    return this.page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  }

  screenshot(name, fullPage = true) {
    mkdirSync(SCREENSHOTS, { recursive: true });
    return this.page.screenshot({ path: `${SCREENSHOTS}${name}.png`, fullPage });
  }
}
