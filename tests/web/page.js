// SPDX-License-Identifier: MIT
// page.js TILEWRIGHT [NAME...]: the page of `tilewright serve` in Chromium, as its users see it.
"use strict";
const fs = require("node:fs");
const path = require("node:path");
const { PHONE, assert, clouds, main, makePicture, openPage } = require("./harness.js");

/** One that was written is not written again: a browser sends no file that has changed since it was chosen. */
function picture(work, width = 120, height = 80) {
  const folder = path.join(work, `${width}`), file = path.join(folder, "house of cards.png");
  if (fs.existsSync(file)) return file;
  fs.mkdirSync(folder);
  return makePicture(file, width, height);
}

const REFUSED = /the server responded with a status of 422/;

/** Starts what is planned; the id of the job. */
async function start(page) {
  const [answer] = await Promise.all([page.waitForResponse((each) => each.url().endsWith("/v1/jobs")), page.click("#start")]);
  return (await answer.json()).id;
}

async function plan(page, file) {
  await page.setInputFiles("#file", file);
  await page.click("#plan");
  await page.waitForSelector("#plan-card:visible");
}

async function run(page, file) {
  await plan(page, file);
  const id = await start(page);
  await page.waitForSelector("#result-card:visible");
  await page.waitForFunction(() => document.activeElement.id === "download");
  return id;
}

const facts = (page) => page.$$eval("#facts dt", (all) => Object.fromEntries(all.map((dt) => [dt.textContent, dt.nextElementSibling.textContent])));
const part = (page) => page.$eval("#slide", (slide) => Number(slide.value));

/** Takes the edge by the mouse to that share of the width. */
async function dragEdge(page, share) {
  const box = await (await page.$("#view")).boundingBox();
  await page.mouse.move(box.x + box.width * 0.5, box.y + 20);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * share, box.y + 25, { steps: 4 });
  await page.mouse.up();
  assert.ok(Math.abs(await part(page) - share * 100) < 1, "moved by the mouse");
  return box;
}

/** What the page tells of its zoom, in percent; waits for `wanted` where that is given. */
async function zoomed(page, wanted) {
  if (wanted) await page.waitForFunction((text) => document.getElementById("zoom").textContent === text, wanted + " %");
  return parseInt(await page.textContent("#zoom"), 10);
}

/** What is seen left and right of the middle, without the edge, once it is another than `old` and stands still. */
async function halves(page, old = []) {
  await page.$eval("#deep", (deep) => deep.scrollIntoView({ block: "center" }));
  const box = await (await page.$("#deep")).boundingBox(), width = box.width / 2 - 80, before = [];
  for (let i = 0; i < 100; i++) {
    const now = [];
    for (const x of [40, box.width / 2 + 40])
      now.push((await page.screenshot({ clip: { x: box.x + x, y: box.y, width, height: box.height } })).toString("base64"));
    if (now.join() === before.join() && now.join() !== old.join()) return now;
    before.splice(0, 2, ...now);
  }
  throw new Error("does not change, or does not stand still");
}

/** Mean grey, 0 to 255, of the middle of what the viewer shows. */
async function brightness(page) {
  await halves(page);
  const box = await (await page.$("#deep")).boundingBox();
  const shot = await page.screenshot({ clip: { x: box.x + box.width / 4, y: box.y + box.height / 4, width: box.width / 2, height: box.height / 2 } });
  return page.evaluate(async (url) => {
    const image = Object.assign(new Image(), { src: url }), canvas = document.createElement("canvas");
    await image.decode();
    [canvas.width, canvas.height] = [image.width, image.height];
    const context = canvas.getContext("2d", { willReadFrequently: true });
    context.drawImage(image, 0, 0);
    const data = context.getImageData(0, 0, image.width, image.height).data;
    return data.reduce((sum, value, i) => sum + (i % 4 === 1 ? value : 0), 0) / data.length * 4;
  }, "data:image/png;base64," + shot.toString("base64"));
}

/** Saves what the link gives; the bytes must be those of the address. */
async function saved(page, link, url) {
  const [download] = await Promise.all([page.waitForEvent("download"), page.click(link)]);
  assert.ok(Buffer.from(await (await fetch(url)).arrayBuffer()).equals(fs.readFileSync(await download.path())), "the server's bytes");
  return [download.suggestedFilename(), await download.path()];
}

/** What is wide beyond the screen, which would then move sideways. */
const overflow = (page) => page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);

/** Texts whose contrast with what is behind them is less than 4.5, as WCAG 2 counts it for AA. */
const paleTexts = (page) => page.evaluate(() => {
  const numbers = (colour) => colour.match(/[\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((v) => v / 255).map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (element) => {
    for (; element; element = element.parentElement) {
      const colour = numbers(getComputedStyle(element).backgroundColor);
      if (colour.length === 3 || colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  };
  const pale = [];
  for (const element of document.body.querySelectorAll("*")) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    if (!own || !element.checkVisibility() || element.disabled || element.tagName === "OPTION") continue;
    const [a, b] = [light(numbers(getComputedStyle(element).color)), light(behind(element))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) pale.push(`${element.tagName} ${element.id} ${element.textContent.slice(0, 30)}: ${ratio.toFixed(2)}`);
  }
  return pale;
});

/** Fields and buttons that nothing names. */
const unnamed = (page) => page.$$eval("input, select, button, a[href], progress, [role=group]", (all) => all.filter((element) =>
  !(element.labels && element.labels.length) && !element.getAttribute("aria-label") && !element.getAttribute("aria-labelledby") &&
  !element.textContent.trim()).map((element) => element.outerHTML));

const cases = {
  /** Chosen, planned, run, compared, downloaded: the bytes are the server's. */
  async chosen({ browser, server, work }) {
    const { page, close } = await openPage(browser, server);
    assert.ok(await page.isDisabled("#plan") && await page.isDisabled("#start"), "nothing to do yet");
    await plan(page, picture(work));
    const shown = await facts(page);
    assert.equal(shown.Picture, "120 × 80");
    assert.equal(shown.Result, "240 × 160");
    assert.match(shown.Memory, /^[\d.]+ MiB of [\d.]+ MiB$/);
    assert.ok(shown.Time, "the time, or that it is not known");
    assert.ok(await page.isHidden("#run-card"), "starts by itself");
    const id = await run(page, picture(work));
    assert.match(await page.textContent("#state"), /^Done in /);
    assert.equal((await saved(page, "#download", `${server.url}/v1/jobs/${id}/result`))[0], "house of cards-240x160.png");
    await page.selectOption("#scale", "4");
    assert.ok(await page.isHidden("#plan-card") && await page.isDisabled("#start"), "the plan is another one now");
    await close();
  },

  async dropped({ browser, server, work }) {
    const { page, close } = await openPage(browser, server);
    const data = await page.evaluateHandle((base64) => {
      const transfer = new DataTransfer();
      transfer.items.add(new File([Uint8Array.from(atob(base64), (c) => c.charCodeAt(0))], "dropped.png", { type: "image/png" }));
      return transfer;
    }, fs.readFileSync(picture(work)).toString("base64"));
    await page.dispatchEvent("#drop", "dragover", { dataTransfer: data });
    assert.ok(await page.$eval("#drop", (drop) => drop.classList.contains("over")), "shows where to drop");
    await page.dispatchEvent("#drop", "drop", { dataTransfer: data });
    assert.match(await page.textContent("#chosen"), /^dropped\.png, /);
    assert.ok(!await page.$eval("#drop", (drop) => drop.classList.contains("over")));
    await page.click("#plan");
    await page.waitForSelector("#plan-card:visible");
    assert.equal((await facts(page)).Picture, "120 × 80");
    await close();
  },

  /** The edge follows pointer and keys, and so do the pictures; they are moved and zoomed by wheel, pointer, keys and buttons. */
  async compared({ browser, server, work }) {
    const { page, close } = await openPage(browser, server);
    await run(page, picture(work, 700, 300));
    await dragEdge(page, 0.2);
    const slideTo = async (value, old) => {
      await page.fill("#slide", String(value));
      return halves(page, old);
    };
    const after = await slideTo(0, await halves(page)), mixed = await slideTo(50, after), before = await slideTo(100, mixed);
    assert.ok(before[0] !== after[0] && before[1] !== after[1], "two pictures");
    assert.ok(mixed[0] === before[0] && mixed[1] === after[1], "before on the left, after on the right");
    assert.ok(await zoomed(page) < 90);
    await page.click("#actual");
    await zoomed(page, 100);
    assert.equal(await page.getAttribute("#actual", "aria-pressed"), "true");
    const here = await halves(page), box = await (await page.$("#deep")).boundingBox();
    await page.mouse.move(box.x + 60, box.y + 60);
    await page.mouse.down();
    await page.mouse.move(box.x + 200, box.y + 90, { steps: 4 });
    await page.mouse.up();
    assert.ok((await halves(page, here))[0] !== here[0], "moved");
    await zoomed(page, 100);
    await page.mouse.wheel(0, -300);
    await page.waitForFunction(() => parseInt(document.getElementById("zoom").textContent) > 110);
    await page.focus("#deep .openseadragon-canvas");
    await page.keyboard.press("0");
    await page.waitForFunction(() => parseInt(document.getElementById("zoom").textContent) < 90);
    assert.ok(await overflow(page) <= 0, "the page itself does not move sideways");
    await close();
  },

  /** The same where the server was built without OpenSeadragon. */
  async plain({ browser, server, work }) {
    const { page, close } = await openPage(browser, server, { plain: true });
    await run(page, picture(work, 700, 120));
    const box = await dragEdge(page, 0.2);
    const edge = await (await page.$("#edge")).boundingBox();
    assert.ok(Math.abs(edge.x + edge.width / 2 - box.x - box.width * 0.2) < 3, "the edge is there");
    await page.focus("#slide");
    const before = await part(page);
    for (const key of ["ArrowRight", "ArrowRight", "PageUp"]) await page.keyboard.press(key);
    assert.ok(await part(page) > before + 1, "moved by keys");
    await page.keyboard.press("End");
    assert.equal(await page.getAttribute("#slide", "aria-valuetext"), "100 percent before");
    const width = () => page.$eval("#after", (after) => after.getBoundingClientRect().width);
    assert.ok(await width() < 1000, "as wide as the page");
    await page.click("#actual");
    assert.equal(await width(), 1400);
    await zoomed(page, 100);
    assert.equal(await page.getAttribute("#actual", "aria-pressed"), "true");
    assert.ok(await overflow(page) <= 0, "the page itself does not move sideways");
    await page.click("#fit");
    assert.ok(await width() < 1000, "back");
    await close();
  },

  /** Progress is seen before the end, and a job that is cancelled leaves the page ready. */
  async cancelled({ browser, server, work }) {
    const { page, close } = await openPage(browser, server);
    await page.selectOption("#scale", "4");
    await plan(page, picture(work, 1500, 1100));
    const id = await start(page);
    await page.waitForFunction(() => document.getElementById("progress").value > 0 && /^Runs: \d+ %$/.test(document.getElementById("state").textContent));
    const seen = await page.$eval("#progress", (progress) => progress.value);
    await page.waitForFunction((last) => document.getElementById("progress").value > last, seen);
    assert.ok(await page.$eval("#progress", (progress) => progress.value < 1), "before the end");
    assert.match(await page.textContent("#said"), /^Runs: (0|25|50|75) %$/);
    await page.click("#cancel");
    await page.waitForFunction(() => document.getElementById("state").textContent === "Cancelled");
    assert.equal((await (await fetch(`${server.url}/v1/jobs/${id}`)).json()).state, "cancelled");
    await page.waitForSelector("#cancel", { state: "hidden" });
    assert.ok(await page.isHidden("#error") && await page.isHidden("#result-card"));
    assert.ok(await page.isEnabled("#start") && await page.isEnabled("#plan"), "ready again");
    const small = picture(work);
    await run(page, small);
    await plan(page, small);
    fs.utimesSync(small, 2e9, 2e9);
    await page.click("#start");
    await page.waitForSelector("#error:visible");
    assert.match(await page.textContent("#error"), /changed since it was chosen/);
    await close(/ERR_UPLOAD_FILE_CHANGED/);
  },

  /** A file that is no picture, by the name that its owner knows, and a budget that is too small. */
  async refused({ browser, server, work }) {
    const { page, close } = await openPage(browser, server);
    const bad = path.join(work, "letter.png");
    fs.writeFileSync(bad, "Dear reader,\n".repeat(40));
    await page.setInputFiles("#file", bad);
    await page.click("#plan");
    await page.waitForSelector("#error:visible");
    assert.match(await page.textContent("#error"), /letter\.png/);
    assert.doesNotMatch(await page.textContent("#error"), /upload1|undefined|\n/);
    assert.equal(await page.getAttribute("#error", "role"), "alert");
    assert.ok(await page.isDisabled("#start"));
    await page.setInputFiles("#file", picture(work));
    assert.ok(await page.isHidden("#error"), "another file, no error");
    await page.click("summary");
    await page.fill("#option-memory", "20M");
    await page.click("#plan");
    await page.waitForSelector("#error:visible");
    assert.match(await page.textContent("#error"), /\d+ MiB/);
    await page.fill("#option-memory", "");
    await page.click("#plan");
    await page.waitForSelector("#plan-card:visible");
    assert.ok(await page.isHidden("#error"), "mended");
    await close(REFUSED);
  },

  /** A result that is said to be large is shown by its tiles, and loaded whole by the download alone. */
  async large({ browser, server, work }) {
    const { page, close } = await openPage(browser, server);
    const asked = [];
    page.on("request", (request) => asked.push(new URL(request.url()).pathname));
    await page.route("**/events", async (route) => {
      const answer = await route.fetch();
      await route.fulfill({ response: answer, body: (await answer.text()).replaceAll(/"bytes":\d+/g, '"bytes":99000000') });
    });
    const id = await run(page, picture(work));
    assert.ok(await page.isVisible("#compare") && await page.isHidden("#not-shown"));
    await page.click("#actual");
    await zoomed(page, 100);
    for (const each of [".dzi", "_files/8/0_0.png"]) assert.ok(asked.includes(`/v1/jobs/${id}/result${each}`), asked.join());
    assert.ok(!asked.some((each) => each.endsWith("/result")), asked.join());
    await saved(page, "#download", `${server.url}/v1/jobs/${id}/result`);
    await close();
  },

  /** Two pictures are laid over each other: what differs is little, unlike before; the field and the picture are saved, and warp takes the field. */
  async registered({ browser, server, work }) {
    const { page, close } = await openPage(browser, server);
    const [fixed, moving] = [0, 9].map((d) => makePicture(path.join(work, d ? "moving.png" : "fixed.png"), 360, 280, clouds(d, d / 3)));
    await page.selectOption("#op", "register");
    await page.setInputFiles("#file", fixed);
    assert.ok(await page.isDisabled("#plan"), "the second one is missing");
    await page.setInputFiles("#second", moving);
    await page.click("#plan");
    await page.waitForSelector("#plan-card:visible");
    const id = await start(page);
    await page.waitForFunction(() => document.activeElement.id === "download");
    assert.match(await page.textContent("#figures"), /^Error at \d+ places .*: (less than )?0\.\d\d px/);
    const seen = {};
    for (const mode of ["squares", "difference", "slide"]) {
      await page.click(`[data-mode=${mode}]`);
      assert.equal(await page.getAttribute(`[data-mode=${mode}]`, "aria-pressed"), "true");
      seen[mode] = await brightness(page);
    }
    assert.ok(seen.difference < 12 && seen.squares > 80 && seen.slide > 80, JSON.stringify(seen));
    await page.click("[data-mode=blink]");
    const off = (is) => page.waitForFunction((wanted) => document.getElementById("stage").classList.contains("off") === wanted, is);
    for (const is of [true, false, true]) await off(is);
    await page.click("[data-mode=slide]");
    await off(false);
    assert.equal((await saved(page, "#download", `${server.url}/v1/jobs/${id}/warped`))[0], "moving-warped.png");
    const [name, field] = await saved(page, "#download-field", `${server.url}/v1/jobs/${id}/result`);
    assert.equal(name, "moving.tfm");
    const kept = path.join(work, name);
    fs.copyFileSync(field, kept);
    const [report] = await Promise.all([page.waitForEvent("popup"), page.click("#report")]);
    await report.waitForLoadState();
    assert.equal(report.url(), `${server.url}/v1/jobs/${id}/page`);
    assert.match(await report.textContent("body"), /Error/);
    assert.ok(await report.$$eval("img, svg", (all) => all.length > 0 && all.every((each) => each.getBoundingClientRect().width > 0 && each.naturalWidth !== 0)), "its pictures");
    await report.close();
    await page.click("[data-mode=blink]"); // goes on until the next result comes
    await page.selectOption("#op", "warp");
    await page.setInputFiles("#file", moving);
    await page.setInputFiles("#second", kept);
    await page.click("#plan");
    await page.waitForSelector("#plan-card:visible");
    const warped = await start(page);
    await page.waitForFunction(() => document.activeElement.id === "download");
    assert.equal((await saved(page, "#download", `${server.url}/v1/jobs/${warped}/result`))[0], "moving-360x280.png");
    await close();
  },

  /** A frame in between, dropped as two files, at a time of its own. */
  async between({ browser, server, work }) {
    const { page, close } = await openPage(browser, server);
    await page.selectOption("#op", "interpolate");
    const data = await page.evaluateHandle((all) => {
      const transfer = new DataTransfer();
      all.forEach((base64, i) => transfer.items.add(new File([Uint8Array.from(atob(base64), (c) => c.charCodeAt(0))], `frame${i}.png`)));
      return transfer;
    }, [0, 6].map((d) => fs.readFileSync(makePicture(path.join(work, "frame.png"), 96, 64, clouds(d, 0))).toString("base64")));
    await page.dispatchEvent("#drop", "drop", { dataTransfer: data });
    assert.match(await page.textContent("#second-chosen"), /^frame1\.png/);
    await page.fill("#first [name=time]", "0.25");
    await page.click("#plan");
    await page.waitForSelector("#plan-card:visible");
    const id = await start(page);
    await page.waitForFunction(() => document.activeElement.id === "download");
    const job = await (await fetch(`${server.url}/v1/jobs/${id}`)).json();
    assert.equal(job.report.time, 0.25);
    assert.equal((await saved(page, "#download", `${server.url}/v1/jobs/${id}/result`))[0], "frame0-96x64.png");
    await close();
  },

  /** Without a mouse, from the address to the download. */
  async keyboard({ browser, server, work }) {
    const { page, close } = await openPage(browser, server);
    page.on("filechooser", () => {}); // from here on the browser tells of it; asked for with the key, it may do so too late
    const focused = () => page.evaluate(() => document.activeElement.id);
    const reach = async (id, key = "Tab") => {
      for (let i = 0; i < 40 && await focused() !== id; i++) await page.keyboard.press(key);
      assert.equal(await focused(), id, "reached by keys");
      assert.notEqual(await page.$eval(id === "file" ? "#drop" : "#" + id, (element) => getComputedStyle(element).outlineStyle), "none", "focus is seen");
    };
    await reach("file");
    const [chooser] = await Promise.all([page.waitForEvent("filechooser", { timeout: 4000 }), page.keyboard.press("Space")]);
    await chooser.setFiles(picture(work));
    await page.waitForFunction(() => document.activeElement.id === "plan");
    await reach("scale", "Shift+Tab");
    await page.keyboard.press("ArrowDown");
    assert.equal(await page.$eval("#scale", (scale) => scale.value), "3");
    await reach("plan");
    await page.keyboard.press("Enter");
    await page.waitForFunction(() => document.activeElement.id === "start");
    await page.keyboard.press("Enter");
    await page.waitForFunction(() => document.activeElement.id === "download");
    await reach("slide", "Shift+Tab");
    await page.keyboard.press("ArrowLeft");
    assert.ok(await part(page) < 50);
    await reach("actual", "Shift+Tab");
    await page.keyboard.press("Space");
    await zoomed(page, 100);
    await reach("download");
    const [download] = await Promise.all([page.waitForEvent("download"), page.keyboard.press("Enter")]);
    assert.equal(download.suggestedFilename(), "house of cards-360x240.png");
    await close();
  },

  /** All of it by finger, on a screen of 390 pixels that never moves sideways. */
  async phone({ browser, server, work }) {
    const { page, close } = await openPage(browser, server, PHONE);
    assert.ok(await overflow(page) <= 0);
    await page.setInputFiles("#file", picture(work));
    await page.tap("#plan");
    await page.waitForSelector("#plan-card:visible");
    await page.tap("#start");
    await page.waitForSelector("#compare:visible");
    assert.ok(await overflow(page) <= 0, "with a result");
    const box = await (await page.$("#view")).boundingBox(), finger = await page.context().newCDPSession(page), y = box.y + box.height / 2;
    const touch = (type, share) => finger.send("Input.dispatchTouchEvent", { type, touchPoints: share ? [{ x: box.x + box.width * share, y }] : [] });
    await touch("touchStart", 0.5);
    for (const share of [0.6, 0.7, 0.75]) await touch("touchMove", share);
    await touch("touchEnd");
    assert.ok(Math.abs(await part(page) - 75) < 1.5, "moved by a finger");
    const small = await page.$$eval("button, select, a.button", (all) => all.filter((element) => element.checkVisibility())
      .map((element) => [element.id, element.getBoundingClientRect()]).filter(([, at]) => at.height < 40 || at.width < 40).map(([id]) => id));
    assert.deepEqual(small, [], "large enough for a finger");
    await close();
  },

  /** By day and by night: texts stand out, fields are named. */
  async seen({ browser, server, work }) {
    const colours = [];
    for (const colorScheme of ["light", "dark"]) {
      const { page, close } = await openPage(browser, server, { colorScheme });
      await page.click("summary");
      await run(page, picture(work));
      assert.deepEqual(await paleTexts(page), [], colorScheme);
      assert.deepEqual(await unnamed(page), []);
      await page.setInputFiles("#file", path.join(__dirname, "page.js"));
      await page.click("#plan");
      await page.waitForSelector("#error:visible");
      assert.deepEqual(await paleTexts(page), [], colorScheme);
      colours.push(await page.evaluate(() => getComputedStyle(document.body).backgroundColor));
      await close(REFUSED);
    }
    assert.notEqual(colours[0], colours[1]);
  },
};

main(process.argv[2], process.argv.slice(3), cases);
