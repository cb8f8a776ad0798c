// SPDX-License-Identifier: MIT
// shots.js TILEWRIGHT FOLDER: the pictures of the page that the documents show.
"use strict";
const path = require("node:path");
const { PHONE, main, makePicture, openPage } = require("./harness.js");

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

async function upscaled({ browser, server, work }, folder, name, options, scroll) {
  const file = makePicture(path.join(work, "hills.png"), 640, 400, scene);
  const { page, close } = await openPage(browser, server, options);
  await page.setInputFiles("#file", file);
  await page.click("#plan");
  await page.waitForSelector("#plan-card:visible");
  if (name === "plan") {
    await page.screenshot({ path: path.join(folder, "page-plan.png"), clip: await bounds(page, "#form", "#plan-card") });
  } else {
    await page.click("#start");
    await page.waitForFunction(() => document.activeElement.id === "download");
    await page.evaluate(() => document.activeElement.blur());
    await page.$eval(scroll, (element) => element.scrollIntoView());
    await page.screenshot({ path: path.join(folder, `page-${name}.png`), ...options.shot });
  }
  await close();
}

/** From the top of one element to the end of another. */
async function bounds(page, first, last) {
  const [a, b] = [await (await page.$(first)).boundingBox(), await (await page.$(last)).boundingBox()];
  return { x: a.x - 12, y: a.y - 12, width: a.width + 24, height: b.y + b.height - a.y + 24 };
}

const folder = process.argv[3];
const wide = { viewport: { width: 900, height: 860 } };
main(process.argv[2], [], {
  plan: (given) => upscaled(given, folder, "plan", wide),
  result: (given) => upscaled(given, folder, "result", wide, "#run-card"),
  dark: (given) => upscaled(given, folder, "dark", { ...wide, colorScheme: "dark" }, "#run-card"),
  phone: (given) => upscaled(given, folder, "phone", { ...PHONE, deviceScaleFactor: 1 }, "#run-card"),
});
