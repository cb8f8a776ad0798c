// SPDX-License-Identifier: MIT
// shots.js TILEWRIGHT FOLDER: the pictures of the page that the documents show.
"use strict";
const path = require("node:path");
const { PHONE, clouds, main, makePicture, openPage } = require("./harness.js");

const folder = process.argv[3];
const wide = { viewport: { width: 720, height: 740 } };

/** Hills, a sun and a fence: something with edges, that is nobody else's. */
function scene(x, y, width = 640, height = 400) {
  const u = x / width, v = y / height, ridge = (f, at, high) => at + high * Math.sin(u * f) + high / 3 * Math.sin(u * f * 3.1 + 1);
  const sun = Math.hypot(u * 1.6 - 1.15, v - 0.28);
  const fence = v > 0.74 && v < 0.97 && (Math.abs((u * 17 % 1) - 0.5) < 0.16 || Math.abs(v - 0.80) < 0.013 || Math.abs(v - 0.91) < 0.013);
  if (fence) return [232 - 30 * (u * 17 % 1), 226 - 30 * (u * 17 % 1), 210 - 30 * (u * 17 % 1)];
  if (v > ridge(9, 0.72, 0.03)) return (x + y) % 7 < 2 ? [74, 122, 52] : [88, 140, 60];
  if (v > ridge(5, 0.58, 0.05)) return [60, 104, 84];
  if (v > ridge(3, 0.47, 0.06)) return [96, 130, 142];
  return sun < 0.09 ? [255, 226, 140] : [250 - 90 * (1 - v) - 60 * sun, 205 - 30 * sun, 165 + 70 * sun - 20 * v];
}

async function run(page, file) {
  await page.setInputFiles("#file", file);
  await page.click("#plan");
  await page.waitForSelector("#plan-card:visible");
}

/** Of a result: what stands from `first` on. */
async function result(page, name, first) {
  await page.click("#start");
  await page.waitForFunction(() => document.activeElement.id === "download");
  await page.evaluate(() => document.activeElement.blur());
  if (name === "register") await page.click("[data-mode=squares]");
  await page.$eval(first, (element) => element.scrollIntoView());
  await page.waitForTimeout(700); // drawn
  await page.screenshot({ path: path.join(folder, `page-${name}.png`) });
}

async function upscaled({ browser, server, work }, name, options) {
  const { page, close } = await openPage(browser, server, options);
  await run(page, makePicture(path.join(work, "hills.png"), 640, 400, scene));
  if (name === "plan") await page.screenshot({ path: path.join(folder, "page-plan.png"), clip: await bounds(page, "#form", "#plan-card") });
  else await result(page, name, "#run-card");
  await close();
}

/** What does not repeat itself, as a fence does, and is nowhere blank. */
function meadow(x, y) {
  const grain = clouds(200, 200)(x, y)[0] / 255;
  return [90 + 110 * grain, 120 + 90 * grain, 60 + 60 * (y / 400)];
}

/** The same from elsewhere, a little turned, in another light. */
async function registered({ browser, server, work }, options) {
  const { page, close } = await openPage(browser, server, options);
  const turned = (x, y) => meadow(x - 0.05 * y + 24, 0.05 * x + y - 18).map((value) => value * 0.6);
  await page.selectOption("#op", "register");
  await page.setInputFiles("#second", makePicture(path.join(work, "evening.png"), 640, 400, turned));
  await run(page, makePicture(path.join(work, "noon.png"), 640, 400, meadow));
  await result(page, "register", "#result-card");
  await close();
}

/** From the top of one element to the end of another. */
async function bounds(page, first, last) {
  const [a, b] = [await (await page.$(first)).boundingBox(), await (await page.$(last)).boundingBox()];
  return { x: a.x - 12, y: a.y - 12, width: a.width + 24, height: b.y + b.height - a.y + 24 };
}

main(process.argv[2], [], {
  plan: (given) => upscaled(given, "plan", wide),
  result: (given) => upscaled(given, "result", wide),
  dark: (given) => upscaled(given, "dark", { ...wide, colorScheme: "dark" }),
  phone: (given) => upscaled(given, "phone", { ...PHONE, deviceScaleFactor: 1 }),
  register: (given) => registered(given, wide),
});
