// SPDX-License-Identifier: MIT
// The real server on a free port of the loopback, a real Chromium before it, and pictures to send.
"use strict";
const assert = require("node:assert/strict");
const { spawn } = require("node:child_process");
const fs = require("node:fs");
const os = require("node:os");
const path = require("node:path");
const readline = require("node:readline");
const zlib = require("node:zlib");
const { chromium } = require("playwright-core");

const WAIT = 40000; // milliseconds that one step may take
const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true, deviceScaleFactor: 2 };

const TABLE = Uint32Array.from({ length: 256 }, (_, n) => {
  for (let k = 0; k < 8; k++) n = n & 1 ? 0xedb88320 ^ (n >>> 1) : n >>> 1;
  return n;
});

function chunk(kind, data) {
  const body = Buffer.concat([Buffer.from(kind, "latin1"), data]), out = Buffer.alloc(body.length + 8);
  let sum = 0xffffffff;
  for (const byte of body) sum = TABLE[(sum ^ byte) & 255] ^ (sum >>> 8);
  out.writeUInt32BE(data.length, 0);
  body.copy(out, 4);
  out.writeUInt32BE((sum ^ 0xffffffff) >>> 0, body.length + 4);
  return out;
}

/** A PNG whose pixel at x, y has the three values that `colour` gives. */
function makePicture(file, width, height, colour = (x, y) => [x * 255 / width, y * 255 / height, ((x >> 4) + (y >> 4)) % 2 * 160 + 40]) {
  const rows = Buffer.alloc(height * (width * 3 + 1)), head = Buffer.alloc(13);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) rows.set(colour(x, y).map(Math.round), y * (width * 3 + 1) + 1 + x * 3);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head.set([8, 2, 0, 0, 0], 8);
  fs.writeFileSync(file, Buffer.concat([Buffer.from("\x89PNG\r\n\x1a\n", "latin1"), chunk("IHDR", head),
    chunk("IDAT", zlib.deflateSync(rows, { level: 1 })), chunk("IEND", Buffer.alloc(0))]));
  return file;
}

/** Smooth noise, moved by dx and dy: what register finds its way in. */
function clouds(dx, dy) {
  const at = (i, j) => ((i * 73856093) ^ (j * 19349663) ^ (i * j * 83492791)) >>> 5 & 255;
  return (x, y) => {
    const i = Math.floor((x + dx) / 11), j = Math.floor((y + dy) / 11), u = (x + dx) / 11 - i, v = (y + dy) / 11 - j;
    const value = (at(i, j) * (1 - u) + at(i + 1, j) * u) * (1 - v) + (at(i, j + 1) * (1 - u) + at(i + 1, j + 1) * u) * v;
    return [value, value, value];
  };
}

/** `program serve` with `options`; `url` is where it listens. */
async function serve(program, folder, ...options) {
  const env = { ...process.env, XDG_CACHE_HOME: path.join(folder, "cache"), XDG_DATA_HOME: path.join(folder, "data"), TMPDIR: folder };
  const child = spawn(program, ["serve", "--port", "0", ...options], { cwd: folder, env, stdio: ["ignore", "pipe", "inherit"] });
  const ended = new Promise((done) => child.on("close", done));
  const line = await new Promise((done) => {
    readline.createInterface({ input: child.stdout }).once("line", done);
    child.once("close", () => done(""));
  });
  assert.match(line, /^tilewright: serving http:/);
  return {
    url: line.split(" ").pop(),
    async stop() {
      child.kill("SIGTERM");
      assert.equal(await ended, 0, "the server's exit code");
    },
  };
}

/** A page of its own profile; `plain`: as a server without OpenSeadragon has it. At the end of a case `close` tells of what must not be: errors, and requests to others. */
async function openPage(browser, server, { plain, ...options } = {}) {
  const context = await browser.newContext({ acceptDownloads: true, ...options });
  const page = await context.newPage(), errors = [], others = [];
  context.setDefaultTimeout(WAIT);
  page.on("pageerror", (error) => errors.push(String(error)));
  page.on("console", (said) => {
    if (said.type() === "error" || said.type() === "warning") errors.push(said.text());
  });
  await context.route("**/*", (route) => {
    if (plain && route.request().url().endsWith("/openseadragon.js")) return route.fulfill({ contentType: "text/javascript", body: "" });
    if (route.request().url().startsWith(server.url + "/")) return route.continue();
    others.push(route.request().url());
    return route.abort();
  });
  await page.goto(server.url + "/");
  await page.waitForFunction(() => document.getElementById("budget").textContent);
  return {
    page,
    /** `allowed`: what the browser itself says of answers that are no success. */
    async close(allowed = /$^/) {
      await context.close();
      assert.deepEqual(others, [], "requests to others");
      assert.deepEqual(errors.filter((text) => !allowed.test(text)), [], "errors of the page");
    },
  };
}

async function main(program, names, cases) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "tilewright-web-"));
  let browser, count = 0, failed = 0;
  try {
    browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"] });
    const start = Date.now();
    for (const [name, run] of Object.entries(cases)) {
      if (names.length && !names.includes(name)) continue;
      const work = path.join(folder, name), from = Date.now();
      let server;
      count++;
      fs.mkdirSync(work);
      try {
        server = await serve(path.resolve(program), work, "--memory", run.memory || "300M", "--jobs", "1");
        await run({ browser, server, work });
        await server.stop();
        console.log(`ok    ${name} ${((Date.now() - from) / 1000).toFixed(1)} s`);
      } catch (error) {
        failed++;
        console.log(`FAIL  ${name}: ${error.stack}`);
        for (const context of browser.contexts()) {
          for (const page of context.pages()) console.log(await page.innerText("main").catch(String));
          await context.close();
        }
        if (server) await server.stop().catch(() => {});
      }
    }
    console.log(`Ran ${count} tests in ${((Date.now() - start) / 1000).toFixed(1)} s, ${failed} failed`);
  } finally {
    if (browser) await browser.close();
    fs.rmSync(folder, { recursive: true, force: true });
  }
  process.exitCode = failed || !count ? 1 : 0;
}

module.exports = { PHONE, WAIT, assert, clouds, main, makePicture, openPage };
