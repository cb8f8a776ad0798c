// SPDX-License-Identifier: MIT
// Two pictures over each other with an edge between them that moves; as wide as the page, or pixel by pixel.
const at = (id) => document.getElementById(id);

const load = (image, url) => new Promise((done) => {
  image.onload = () => done(true);
  image.onerror = () => done(false);
  image.src = url;
});

function slide() {
  const part = Number(at("slide").value);
  at("before").style.clipPath = `inset(0 ${100 - part}% 0 0)`;
  at("edge").style.left = part + "%";
  at("slide").setAttribute("aria-valuetext", `${Math.round(part)} percent before`);
}

function drag(event) {
  if (event.type === "pointermove" && !event.buttons) return;
  const box = at("pictures").getBoundingClientRect();
  at("slide").value = Math.min(100, Math.max(0, (event.clientX - box.left) / box.width * 100));
  slide();
}

/** One pixel of the result on one of the screen, or all of it as wide as the page. */
function zoom(actual) {
  at("stage").classList.toggle("actual", actual);
  at("pictures").style.width = actual ? at("after").naturalWidth / devicePixelRatio + "px" : "";
  at("fit").setAttribute("aria-pressed", String(!actual));
  at("actual").setAttribute("aria-pressed", String(actual));
  if (actual) at("stage").scrollTo((at("stage").scrollWidth - at("stage").clientWidth) / 2, (at("stage").scrollHeight - at("stage").clientHeight) / 2);
}

/** False where this browser cannot show one of them. */
export async function show(before, after) {
  const shown = await load(at("before"), before) && await load(at("after"), after);
  zoom(false);
  slide();
  return shown;
}

at("slide").addEventListener("input", slide);
at("fit").addEventListener("click", () => zoom(false));
at("actual").addEventListener("click", () => zoom(true));
for (const type of ["pointerdown", "pointermove"]) at("pictures").addEventListener(type, drag);
