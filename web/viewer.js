// SPDX-License-Identifier: MIT
// Two pictures over each other: with an edge between them that moves, by turns, in squares, or what differs. With OpenSeadragon, where the server has it, they are zoomed and
// moved as maps are; without it they are as wide as the page, or pixel by pixel.
const at = (id) => document.getElementById(id);
const Deep = globalThis.OpenSeadragon;
let deep = null; // what OpenSeadragon shows, and its two pictures
let shown = { after: null, before: null };
let mode = "slide", blinks = 0; // the timer of those by turns
const SQUARES = 5; // across, of one kind

// --- plain pictures ---

const load = (image, url) => new Promise((done) => {
  image.onload = () => done(image);
  image.onerror = () => done(null);
  image.src = url;
});

async function showPlain(before, after) {
  shown = { after: await load(at("after"), after), before: await load(at("before"), before) };
  at("before").hidden = !shown.before;
}

function zoomPlain(actual) {
  at("stage").classList.toggle("actual", actual);
  at("view").style.width = actual ? at("after").naturalWidth / devicePixelRatio + "px" : "";
  if (actual) at("stage").scrollTo((at("stage").scrollWidth - at("stage").clientWidth) / 2, (at("stage").scrollHeight - at("stage").clientHeight) / 2);
}

// --- OpenSeadragon ---

const add = (tileSource, more = {}) => new Promise((done) => deep.addTiledImage({ tileSource, width: 1, ...more, success: (found) => done(found.item), error: () => done(null) }));

/** `after` is a picture's address, or what the server shows in tiles: their description's address, width, height, headers to ask with. */
async function showDeep(before, after) {
  if (deep) deep.destroy();
  deep = null;
  shown = { after: null, before: null };
  const first = after.tiles ? null : await load(new Image(), after);
  if (!after.tiles && !first) return;
  at("after").hidden = at("before").hidden = true;
  at("deep").hidden = false;
  at("deep").style.aspectRatio = first ? `${first.naturalWidth} / ${first.naturalHeight}` : `${after.width} / ${after.height}`; // it must have its size before it is measured
  deep = Deep({ element: at("deep"), drawer: "canvas", showNavigationControl: false, crossOriginPolicy: false, maxZoomPixelRatio: 16,
    minZoomImageRatio: 0.8, visibilityRatio: 0.6, animationTime: matchMedia("(prefers-reduced-motion: reduce)").matches ? 0 : 0.5,
    gestureSettingsMouse: { clickToZoom: false, dblClickToZoom: true } });
  deep.canvas.setAttribute("role", "group");
  deep.canvas.setAttribute("aria-label", "The picture: arrow keys move it, plus and minus zoom, 0 shows all of it");
  shown.after = first ? await add({ type: "image", url: after }) : await add(after.tiles, { loadTilesWithAjax: true, ajaxHeaders: after.headers });
  shown.before = shown.after && before && await add({ type: "image", url: before });
  if (shown.after) for (const event of ["viewport-change", "resize", "animation-finish"]) deep.addHandler(event, moved);
}

/** The edge stays where it is while pictures move beneath it. */
function clipDeep(part) {
  const size = shown.before.getContentSize(), width = at("deep").clientWidth;
  const edge = shown.before.viewerElementToImageCoordinates(new Deep.Point(width * part / 100, 0)).x;
  const clip = new Deep.Rect(0, 0, mode === "slide" ? Math.min(size.x, Math.max(0, edge)) : size.x, size.y), old = shown.before.getClip();
  if (mode !== "blink") shown.before.setOpacity(clip.width > 0 ? 1 : 0);
  if (!old || old.width !== clip.width) shown.before.setClip(clip);
}

function squares() {
  const { x, y } = shown.before.getContentSize(), side = x / SQUARES / 2, all = [];
  for (let j = 0; j * side < y; j++)
    for (let i = j % 2; i < SQUARES * 2; i += 2)
      all.push([[i, j], [i + 1, j], [i + 1, j + 1], [i, j + 1]].map(([a, b]) => ({ x: a * side, y: Math.min(y, b * side) })));
  return all;
}

function modeDeep() {
  if (mode === "squares") shown.before.setCroppingPolygons(squares());
  else shown.before.resetCroppingPolygons();
  shown.before.setCompositeOperation(mode === "difference" ? "difference" : "source-over");
}

function zoomDeep(actual, now) {
  if (actual) deep.viewport.zoomTo(shown.after.imageToViewportZoom(1) / devicePixelRatio, null, now);
  else deep.viewport.goHome(now);
}

// --- both ---

function slide() {
  const part = Number(at("slide").value);
  if (!shown.before) return;
  if (Deep) clipDeep(part);
  else at("before").style.clipPath = mode === "slide" ? `inset(0 ${100 - part}% 0 0)` : "none";
  at("edge").style.left = part + "%";
  at("slide").setAttribute("aria-valuetext", `${Math.round(part)} percent before`);
}

function drag(event) {
  if (event.type === "pointermove" && !event.buttons) return;
  if (event.type === "pointerdown") event.currentTarget.setPointerCapture(event.pointerId);
  const box = at("view").getBoundingClientRect();
  at("slide").value = Math.min(100, Math.max(0, (event.clientX - box.left) / box.width * 100));
  slide();
}

/** By turns: half a second each. */
function blink() {
  const off = mode === "blink" && at("stage").classList.toggle("off");
  if (!off) at("stage").classList.remove("off");
  if (Deep) shown.before.setOpacity(off ? 0 : 1);
  else at("before").style.visibility = off ? "hidden" : "";
}

/** How both are seen: slide, blink, squares or difference. */
function setMode(chosen) {
  mode = shown.before ? chosen : "slide";
  clearInterval(blinks);
  for (const button of at("modes").children) button.setAttribute("aria-pressed", String(button.dataset.mode === mode));
  for (const each of ["squares", "difference"]) at("stage").classList.toggle(each, each === mode);
  at("slider").hidden = at("edge").hidden = mode !== "slide" || !shown.before;
  if (!shown.before) return;
  at("stage").classList.add("off");
  blink();
  if (Deep) modeDeep();
  slide();
  if (mode === "blink") blinks = setInterval(blink, 500);
}

/** What is seen has another place or size. */
function moved() {
  const width = Deep ? at("deep").clientWidth * deep.viewport.getZoom(true) : at("after").getBoundingClientRect().width;
  const pixels = Deep ? shown.after.getContentSize().x : at("after").naturalWidth;
  at("zoom").textContent = Math.round(width * devicePixelRatio / pixels * 100) + " %";
  slide();
}

/** One pixel of the result on one of the screen, or all of it. */
function zoom(actual, now = false) {
  if (Deep) zoomDeep(actual, now);
  else zoomPlain(actual);
  at("fit").setAttribute("aria-pressed", String(!actual));
  at("actual").setAttribute("aria-pressed", String(actual));
  moved();
}

/** Whether pictures can be shown that are too large for a browser. */
export const showsTiles = !!Deep;

/** Shows `after`, and `before` (may be null) over it where this browser can; false where it cannot even show the first. */
export async function show(before, after) {
  clearInterval(blinks);
  at("compare").hidden = false; // OpenSeadragon measures what it is put into
  await (Deep ? showDeep(before, after) : showPlain(before, after));
  at("compare").hidden = !shown.after;
  at("modes").hidden = !shown.before;
  setMode("slide");
  if (shown.after) zoom(false, true);
  return !!shown.after;
}

at("slide").addEventListener("input", slide);
at("fit").addEventListener("click", () => zoom(false));
at("actual").addEventListener("click", () => zoom(true));
at("modes").addEventListener("click", (event) => event.target.dataset.mode && setMode(event.target.dataset.mode));
if (Deep) {
  at("stage").removeAttribute("tabindex"); // its canvas takes the keys
  // It looks for a style sheet of its own, and else makes one, which would hide the focus, and which the page's policy forbids.
  document.head.append(document.createElementNS("urn:none", "style"));
  document.head.lastChild.setAttribute("data-openseadragon-mobile-css", "");
}
for (const type of ["pointerdown", "pointermove"]) at(Deep ? "edge" : "view").addEventListener(type, drag);
