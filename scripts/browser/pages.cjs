// Opens pages in a real Chromium and says what is wrong with them, one line
// for each finding on standard output. It reads what to do from standard
// input: { chromium, shots, look: [{name, url}], walk: [{name, url, keys,
// lands}], blocked: [{name, url, keys}], framed: url }.
"use strict";
const fs = require("fs");
const path = require("path");
const modules = process.argv[2];
const { chromium } = require(path.join(modules, "playwright-core"));
const axe = fs.readFileSync(require.resolve(path.join(modules, "axe-core", "axe.min.js")), "utf8");
const job = JSON.parse(fs.readFileSync(0, "utf8"));

const found = (name, what) => console.log(`${name}: ${what}`);

// listen collects what the browser complains of.
function listen(page) {
  const complaints = [];
  page.on("console", (m) => {
    if (m.type() === "error" || m.type() === "warning") complaints.push(m.text());
  });
  page.on("pageerror", (e) => complaints.push(String(e)));
  page.on("requestfailed", (r) => complaints.push(`${r.url()}: ${r.failure()?.errorText}`));
  return complaints;
}

// measure runs in the page. It returns the texts whose contrast is too low,
// the targets that are too small, and by how much the page is too wide.
function measure() {
  const probe = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgba = (color) => {
    probe.clearRect(0, 0, 1, 1);
    probe.fillStyle = color;
    probe.fillRect(0, 0, 1, 1);
    return [...probe.getImageData(0, 0, 1, 1).data];
  };
  const luminance = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map((v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const ratio = (a, b) => {
    const [hi, lo] = [luminance(a), luminance(b)].sort((x, y) => y - x);
    return (hi + 0.05) / (lo + 0.05);
  };
  const ground = (e) => {
    for (; e; e = e.parentElement) {
      const c = rgba(getComputedStyle(e).backgroundColor);
      if (c[3] === 255) return c;
      if (c[3] !== 0) throw new Error("a translucent ground");
    }
    throw new Error("no ground");
  };
  const out = { low: [], small: [], texts: 0, lowest: 21 };
  const judge = (what, color, e, least) => {
    const r = ratio(rgba(color), ground(e));
    out.texts++;
    if (least > 4) out.lowest = Math.min(out.lowest, r);
    if (r < least) out.low.push(`${what} ${r.toFixed(2)}`);
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const e = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !e.getClientRects().length) continue;
    judge(walker.currentNode.data.trim().slice(0, 30), getComputedStyle(e).color, e, 4.5);
  }
  for (const e of document.querySelectorAll("input:not([type=hidden]), textarea, summary, button, a")) {
    if (!e.checkVisibility()) continue;
    const target = e.type === "radio" ? e.closest("label") : e;
    const box = target.getBoundingClientRect();
    if (box.width < 44 || box.height < 44) out.small.push(`${e.outerHTML.slice(0, 60)} ${box.width}x${box.height}`);
    const style = getComputedStyle(e);
    if (e.matches("summary")) continue;
    if (e.matches("input:not([type=radio]), textarea")) judge("text in " + e.name, style.color, e, 4.5);
    // WCAG 1.4.11: what shows where a field is needs 3:1.
    if (e.type !== "radio") judge("edge of " + (e.name || e.textContent), style.borderTopColor, e.parentElement, 3);
  }
  out.wide = document.documentElement.scrollWidth - document.documentElement.clientWidth;
  const buttons = [...document.querySelectorAll(".decide button")].map((b) => b.getBoundingClientRect());
  if (buttons.length && (buttons[0].width !== buttons[1].width || buttons[0].height !== buttons[1].height)) out.small.push("one decision is smaller than the other");
  return out;
}

// order goes through a page with Tab and says where that goes wrong: another
// order than that of the page, or a focus that does not show.
async function order(page) {
  const want = await page.evaluate(() => {
    const groups = new Set();
    return [...document.querySelectorAll("input:not([type=hidden]), textarea, summary, button, a")]
      .filter((e) => e.checkVisibility())
      .filter((e) => e.type !== "radio" || (!groups.has(e.name) && groups.add(e.name)))
      .map((e) => e.id || e.value || e.textContent);
  });
  const seen = [];
  const wrong = [];
  for (let i = 0; i < 20; i++) {
    await page.keyboard.press("Tab");
    const at = await page.evaluate(() => {
      const e = document.activeElement;
      if (!e || e === document.body) return null;
      const s = getComputedStyle(e);
      return { what: e.id || e.value || e.textContent, shows: s.outlineStyle !== "none" && parseFloat(s.outlineWidth) >= 2 };
    });
    if (!at) continue; // behind the last comes the browser itself
    if (seen.includes(at.what)) break;
    seen.push(at.what);
    if (!at.shows) wrong.push(`${at.what} has the focus and does not show it`);
  }
  const first = Math.max(seen.indexOf(want[0]), 0);
  const got = [...seen.slice(first), ...seen.slice(0, first)];
  if (String(got) !== String(want)) wrong.push(`Tab goes ${got}, not ${want}`);
  return wrong;
}

const sizes = { desktop: [1280, 800], phone: [360, 740], narrow: [320, 640], zoomed: [640, 400] };
const rules = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

async function look(browser, { name, url, shots }) {
  const context = await browser.newContext({ reducedMotion: "reduce", deviceScaleFactor: 1 });
  const page = await context.newPage();
  const complaints = listen(page);
  const answer = await page.goto(url);
  if (answer.status() !== 200) found(name, `status ${answer.status()}`);
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme });
    for (const [size, [width, height]] of Object.entries(sizes)) {
      const where = `${name} ${colorScheme} ${size}`;
      await page.setViewportSize({ width, height });
      if (shots.includes(size)) await page.screenshot({ path: path.join(job.shots, `${name}-${colorScheme}-${size}.png`), fullPage: true });
      const m = await page.evaluate(measure);
      texts += m.texts;
      lowest = Math.min(lowest, m.lowest);
      for (const c of m.low) found(where, `contrast of ${c}`);
      for (const s of m.small) found(where, `too small: ${s}`);
      if (m.wide > 0) found(where, `${m.wide}px too wide`);
    }
    await page.evaluate(axe);
    const report = await page.evaluate((values) => axe.run({ runOnly: { type: "tag", values } }), rules);
    for (const v of report.violations) found(`${name} ${colorScheme}`, `${v.id}: ${v.help}: ${v.nodes.map((n) => n.html.slice(0, 80)).join(" | ")}`);
  }
  for (const w of await order(page)) found(name, w);
  for (const c of complaints) found(name, `the browser says: ${c}`);
  await context.close();
}

// press types the keys, a name of a key in <> or a text, once the page has
// given the focus to where it wants it.
async function press(page, keys) {
  await page.waitForFunction(() => {
    const first = document.querySelector("[autofocus]");
    return !first || first === document.activeElement;
  });
  for (const k of keys) {
    const key = /^<(.+)>$/.exec(k);
    if (key) await page.keyboard.press(key[1]);
    else await page.keyboard.type(k);
  }
}

async function walk(browser, { name, url, keys, lands }) {
  const context = await browser.newContext();
  const page = await context.newPage();
  const complaints = listen(page);
  await page.goto(url);
  await press(page, keys);
  await page.waitForURL((u) => u.href.startsWith(lands), { timeout: 5000 }).catch(() => found(name, `is at ${page.url()}, not ${lands}`));
  // An untrustworthy origin (plain HTTP off loopback) gets no COOP.
  for (const c of complaints) if (!/Cross-Origin-Opener-Policy header has been ignored/.test(c)) found(name, `the browser says: ${c}`);
  await context.close();
}

// blocked does what must lead nowhere.
async function blocked(browser, { name, url, keys, says }) {
  const context = await browser.newContext();
  const page = await context.newPage();
  const complaints = listen(page);
  await page.goto(url);
  await press(page, keys || []);
  await page.waitForTimeout(500);
  if (page.url() !== url) found(name, `went to ${page.url()}`);
  if (says && !complaints.some((c) => c.includes(says))) found(name, `the browser does not say ${says}: ${complaints}`);
  await context.close();
}

let lowest = 21;
let texts = 0;
(async () => {
  const browser = await chromium.launch({ executablePath: job.chromium, args: job.args });
  try {
    for (const l of job.look) await look(browser, l);
    for (const w of job.walk) await walk(browser, w);
    for (const b of job.blocked) await blocked(browser, b);
    console.error(`${browser.version()}: ${texts} texts and edges, lowest contrast ${lowest.toFixed(2)}`);
  } finally {
    await browser.close();
  }
})().catch((e) => {
  console.log(`driver: ${e.stack}`);
});
