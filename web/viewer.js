// SPDX-License-Identifier: MIT
// Two pictures over each other with an edge between them that moves. With OpenSeadragon, where the server has it, they are zoomed and
// moved as maps are; without it they are as wide as the page, or pixel by pixel.
const at = (id) => document.getElementById(id);
const Deep = globalThis.OpenSeadragon;
let deep = null; // what OpenSeadragon shows, and its two pictures
let shown = { after: null, before: null };

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

const add = (tileSource) => new Promise((done) => deep.addTiledImage({ tileSource, width: 1, success: (found) => done(found.item), error: () => done(null) }));

async function showDeep(before, after) {
  if (deep) deep.destroy();
  at("after").hidden = at("before").hidden = true;
  at("deep").hidden = false;
  deep = Deep({ element: at("deep"), drawer: "canvas", showNavigationControl: false, crossOriginPolicy: false, maxZoomPixelRatio: 16,
    minZoomImageRatio: 0.8, visibilityRatio: 0.6, animationTime: matchMedia("(prefers-reduced-motion: reduce)").matches ? 0 : 0.5,
    gestureSettingsMouse: { clickToZoom: false, dblClickToZoom: true } });
  deep.canvas.setAttribute("role", "group");
  deep.canvas.setAttribute("aria-label", "The picture: arrow keys move it, plus and minus zoom, 0 shows all of it");
  shown = { after: await add({ type: "image", url: after }), before: null };
  if (!shown.after) return;
  const { x, y } = shown.after.getContentSize();
  at("deep").style.aspectRatio = `${x} / ${y}`;
  shown.before = await add({ type: "image", url: before });
  for (const event of ["viewport-change", "resize", "animation-finish"]) deep.addHandler(event, moved);
  deep.forceResize();
  deep.viewport.goHome(true);
}

/** The edge stays where it is while pictures move beneath it. */
function clipDeep(part) {
  const size = shown.before.getContentSize(), width = at("deep").clientWidth;
  const edge = shown.before.viewerElementToImageCoordinates(new Deep.Point(width * part / 100, 0)).x;
  const clip = new Deep.Rect(0, 0, Math.min(size.x, Math.max(0, edge)), size.y), old = shown.before.getClip();
  shown.before.setOpacity(clip.width > 0 ? 1 : 0);
  if (!old || old.width !== clip.width) shown.before.setClip(clip);
}

function zoomDeep(actual) {
  if (actual) deep.viewport.zoomTo(shown.after.imageToViewportZoom(1) / devicePixelRatio);
  else deep.viewport.goHome();
}

// --- both ---

function slide() {
  const part = Number(at("slide").value);
  if (!shown.before) return;
  if (Deep) clipDeep(part);
  else at("before").style.clipPath = `inset(0 ${100 - part}% 0 0)`;
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

/** What is seen has another place or size. */
function moved() {
  const width = Deep ? at("deep").clientWidth * deep.viewport.getZoom(true) : at("after").getBoundingClientRect().width;
  const pixels = Deep ? shown.after.getContentSize().x : at("after").naturalWidth;
  at("zoom").textContent = Math.round(width * devicePixelRatio / pixels * 100) + " %";
  slide();
}

/** One pixel of the result on one of the screen, or all of it. */
function zoom(actual) {
  if (Deep) zoomDeep(actual);
  else zoomPlain(actual);
  at("fit").setAttribute("aria-pressed", String(!actual));
  at("actual").setAttribute("aria-pressed", String(actual));
  moved();
}

/** Shows `after`, and `before` over it where this browser can; false where it cannot even show the first. */
export async function show(before, after) {
  at("compare").hidden = false; // OpenSeadragon measures what it is put into
  await (Deep ? showDeep(before, after) : showPlain(before, after));
  at("compare").hidden = !shown.after;
  at("slider").hidden = at("edge").hidden = !shown.before;
  if (shown.after) zoom(false);
  return !!shown.after;
}

at("slide").addEventListener("input", slide);
at("fit").addEventListener("click", () => zoom(false));
at("actual").addEventListener("click", () => zoom(true));
if (Deep) {
  at("stage").removeAttribute("tabindex"); // its canvas takes the keys
  // It looks for a style sheet of its own, and else makes one, which would hide the focus, and which the page's policy forbids.
  document.head.append(document.createElementNS("urn:none", "style"));
  document.head.lastChild.setAttribute("data-openseadragon-mobile-css", "");
}
for (const type of ["pointerdown", "pointermove"]) at(Deep ? "edge" : "view").addEventListener(type, drag);
