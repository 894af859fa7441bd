// A Chromium, and the page in it, watched: nothing is fetched but the overview, and nothing complains.

import assert from "node:assert/strict";
import { existsSync, mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

const SCREENSHOTS = fileURLToPath(new URL("screenshots/", import.meta.url));
const USUAL = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome", "/usr/bin/google-chrome-stable"];
const QUIET = ["--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];

/** Starts Chromium; without one the tests fail. */
export function launch() {
  const executablePath = process.env.CHROMIUM ?? USUAL.find((path) => existsSync(path));
  if (!executablePath) throw new Error(`there is no Chromium at ${USUAL.join(", ")}; install one, or name it in CHROMIUM`);
  // Chromium's own sandbox does not start as root.
  const root = process.getuid?.() === 0 ? ["--no-sandbox"] : [];
  return chromium.launch({ executablePath, args: [...QUIET, ...root] });
}

/** Opens the page, does something with it, and sees that it stayed quiet. `noises`: what it may say. */
export async function visit(browser, url, options, use, noises = /^$/) {
  const context = await browser.newContext({ viewport: { width: 1200, height: 900 }, reducedMotion: "reduce", ...options });
  try {
    const page = await context.newPage();
    const noise = [];
    const add = (text) => noises.test(text) || noise.push(text);
    page.on("console", (message) => add(`console: ${message.text()}`));
    page.on("pageerror", (error) => add(`error: ${error.message}`));
    page.on("request", (request) => {
      const own = request.url() === `${url}/` || request.url().startsWith(`${url}/overview`);
      if (!own && !request.url().startsWith("data:")) add(`request: ${request.url()}`);
    });
    await page.goto(`${url}/`);
    await page.locator("html[data-ready]").waitFor({ state: "attached" });
    await use(page);
    assert.deepEqual(noise, []);
  } finally {
    await context.close();
  }
}

export function screenshot(page, name) {
  mkdirSync(SCREENSHOTS, { recursive: true });
  return page.screenshot({ path: `${SCREENSHOTS}${name}.png`, fullPage: true });
}
