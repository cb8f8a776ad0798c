// SPDX-License-Identifier: MIT
// One picture at a time: choose, plan, run, look, download. Options come from the server's own description of them.
import { show, showsTiles } from "./viewer.js";

const at = (id) => document.getElementById(id);
const MIB = 1048576;
const SHOWN_BYTES = 64 * MIB; // larger pictures are not loaded whole
let operators = {}, models = [], file = null, second = null, job = null, source = null, result = null, other = null, told = null, planned = 0;

// --- talking to the server ---

const asking = () => at("token").value ? { Authorization: "Bearer " + at("token").value } : {};

async function ask(method, path, body) {
  const answer = await fetch(path, { method, body, headers: asking() }).catch(() => {
    throw new Error(body ? "Nothing was sent: the server is gone, or the file has changed since it was chosen" : "The server is gone");
  });
  if (answer.status === 401) {
    at("token-row").hidden = false;
    at("token").focus();
  }
  if (answer.ok) return answer;
  let message = answer.status + " " + answer.statusText;
  try {
    message = (await answer.json()).error.message;
  } catch { /* no JSON: the status is all there is */ }
  const again = answer.headers.get("Retry-After");
  throw new Error(again ? `${message}; try again in ${again} s` : message);
}

/** The server has its own name for what was sent. */
const named = (message) => [file, second].reduce((text, each, i) => each ? text.replace(RegExp(`\\bupload${i + 1}(\\.\\w+)?`, "g"), () => each.name) : text, message);

function complain(error) {
  at("error").hidden = !error;
  at("error").textContent = error ? named(String(error.message || error)) : "";
}

// --- words ---

const size = (bytes) => bytes >= 1024 * MIB ? (bytes / MIB / 1024).toFixed(1) + " GiB" : (bytes / MIB).toFixed(1) + " MiB";

function time(seconds) {
  if (seconds < 1) return "less than a second";
  if (seconds < 90) return `about ${Math.round(seconds)} s`;
  return seconds < 5400 ? `about ${Math.round(seconds / 60)} min` : `about ${(seconds / 3600).toFixed(1)} h`;
}

// --- options ---

function fill(select, entries, chosen) {
  select.replaceChildren(...entries.map(([value, text]) => new Option(text, value, false, value === chosen)));
}

const option = (name) => (operators[at("op").value] || {})[name];

function field(name, schema) {
  const box = document.createElement("div"), label = document.createElement("label"), help = document.createElement("small");
  let input;
  if (schema.type === "boolean" || schema.enum) {
    input = document.createElement("select");
    const words = schema.enum || ["true", "false"];
    fill(input, [["", "default"], ...words.map((word) => [word, word])], "");
  } else {
    input = document.createElement("input");
    input.placeholder = schema["x-default"] || "default";
  }
  input.id = "option-" + name;
  input.name = name;
  label.htmlFor = input.id;
  label.textContent = name.replaceAll("_", " ");
  help.id = input.id + "-help";
  help.textContent = schema.description;
  input.setAttribute("aria-describedby", help.id);
  box.append(label, input, help);
  return box;
}

/** What an operator takes, for those that take two files, and the options of theirs that are seen at once. */
const PAIRS = {
  register: { labels: ["Choose the fixed picture", "Choose the moving picture"], first: [] },
  interpolate: { labels: ["Choose the first frame", "Choose the second frame"], first: ["time"] },
  warp: { labels: ["Choose a picture", "Choose its field"], first: [] },
};
const pair = () => PAIRS[at("op").value];
const ready = () => file && (second || !pair());

const apart = ["op", "input", "model", "scale", "format", "warped", "report", "field"];

function chooseOperator() {
  const all = operators[at("op").value] || {};
  const taken = Object.entries(all).filter(([name, schema]) => !apart.includes(name) && schema.format !== "binary");
  const first = pair() ? pair().first : [];
  at("more").replaceChildren(...taken.filter(([name]) => !first.includes(name)).map(([name, schema]) => field(name, schema)));
  at("first").replaceChildren(...taken.filter(([name]) => first.includes(name)).map(([name, schema]) => field(name, schema)));
  [at("file-label").textContent, at("second-label").textContent] = pair() ? pair().labels : ["Choose a picture", ""];
  at("second-row").hidden = !pair();
  at("about").hidden = !all.model;
  for (const name of ["model", "scale", "format"]) at(name).parentElement.hidden = !all[name];
  const formats = (all.format || {}).enum || [];
  fill(at("format"), formats.map((word) => [word, word.toUpperCase()]), "png");
  changed();
}

function chooseModel() {
  const model = models.find((each) => each.name === at("model").value);
  at("about").textContent = model ? `${model.title}. ${model.licence || ""}` : "A built-in net, chosen by the scale and by how the picture was encoded.";
  changed();
}

function form() {
  const data = new FormData();
  data.append("op", at("op").value);
  for (const name of ["model", "scale", "format"]) if (option(name) && at(name).value) data.append(name, at(name).value);
  for (const input of document.querySelectorAll("#more [name], #first [name]")) if (input.value.trim()) data.append(input.name, input.value.trim());
  if (option("warped")) data.append("warped", "png");
  if (option("report")) data.append("report", "html");
  data.append("input", file, file.name);
  if (pair()) data.append(option("field") ? "field" : "input", second, second.name);
  return data;
}

// --- steps ---

function changed() {
  planned++;
  at("plan-card").hidden = true;
  at("start").disabled = true;
  at("plan").disabled = !ready() || !!job;
}

function choose(chosen, asSecond = false) {
  if (!chosen || job) return;
  if (asSecond) second = chosen;
  else file = chosen;
  at(asSecond ? "second-chosen" : "chosen").textContent = `${chosen.name}, ${size(chosen.size)}`;
  at("result-card").hidden = at("run-card").hidden = true;
  complain(null);
  changed();
  at(ready() ? "plan" : file ? "second" : "file").focus();
}

/** What is dropped: one after the other, or both. */
function take(files) {
  if (files.length > 1 && pair()) [...files].slice(0, 2).forEach((each, i) => choose(each, i === 1));
  else choose(files[0], !!pair() && !!file && !second);
}

function showPlan(plan) {
  const facts = [["Picture", `${plan.input_width} × ${plan.input_height}`], ["Result", plan.width ? `${plan.width} × ${plan.height}` : plan.op === "register" ? "a field, and the moving picture laid over the fixed one" : ""],
    ["Memory", `${size(plan.planned_peak_bytes)} of ${size(plan.budget_bytes)}`],
    ["Time", plan.planned_seconds ? time(plan.planned_seconds) : "not known yet on this machine"],
    ["Model", plan.model], ["Runs", `${plan.tiles} tile${plan.tiles === 1 ? "" : "s"}, ${plan.schedule}, on ${plan.device}`],
    ["Exact", plan.exact ? "as if it were not cut into tiles" : plan.error_bound >= 0 ? `within ${plan.error_bound}/255` : "no: the error is not known"]];
  at("facts").replaceChildren(...facts.filter((fact) => fact[1]).flatMap(([name, value]) => {
    const dt = document.createElement("dt"), dd = document.createElement("dd");
    dt.textContent = name;
    dd.textContent = value;
    return [dt, dd];
  }));
  at("plan-card").hidden = false;
}

async function makePlan(event) {
  event.preventDefault();
  if (!ready() || job) return;
  const number = ++planned;
  complain(null);
  at("plan").disabled = true;
  try {
    const plan = await (await ask("POST", "/v1/plans", form())).json();
    if (number !== planned) return; // something was changed meanwhile
    showPlan(plan);
    at("start").disabled = false;
    at("start").focus();
  } catch (error) {
    complain(error);
  }
  at("plan").disabled = false;
}

/** To those who listen: not each percent. */
function say(text) {
  if (at("said").textContent !== text) at("said").textContent = text;
}

function showJob(news) {
  job = news;
  const words = { waiting: news.place > 0 ? `Waits: ${news.place}. in the queue` : "Being planned", running: `Runs: ${Math.floor(news.progress * 100)} %`,
    done: `Done in ${(news.seconds || 0).toFixed(1)} s`, failed: "Failed", cancelled: "Cancelled" };
  at("state").textContent = words[news.state];
  say(news.state === "running" ? `Runs: ${Math.floor(news.progress * 4) * 25} %` : words[news.state]);
  at("progress").value = news.progress;
  const left = news.progress > 0.02 && news.state === "running" ? news.seconds / news.progress * (1 - news.progress) : 0;
  at("time").textContent = left ? `${time(left)} left` : "";
  at("warnings").replaceChildren(...news.warnings.map((line) => Object.assign(document.createElement("li"), { textContent: line })));
  if (news.error && news.state === "failed") complain(news.error.message);
}

// EventSource sends no token.
async function follow(id) {
  const reader = (await ask("GET", `/v1/jobs/${id}/events`)).body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    text += value;
    const events = text.split("\n\n");
    text = events.pop();
    for (const event of events) {
      const [, data] = event.split("\ndata: ");
      if (data) showJob(JSON.parse(data)); // else a sign of life
    }
  }
}

async function start() {
  if (!ready() || job) return;
  complain(null);
  for (const id of ["start", "plan"]) at(id).disabled = true;
  at("result-card").hidden = true;
  try {
    showJob(await (await ask("POST", "/v1/jobs", form())).json());
    at("run-card").hidden = false;
    at("cancel").hidden = false;
    at("cancel").focus();
    await follow(job.id);
    if (job.state === "waiting" || job.state === "running") throw new Error("the server is gone");
    if (job.state === "done") await showResult(job);
  } catch (error) {
    complain(error);
  }
  at("cancel").hidden = true;
  job = null;
  at("plan").disabled = false;
  at("start").disabled = at("plan-card").hidden;
}

async function cancel() {
  try {
    if (job) await ask("DELETE", "/v1/jobs/" + job.id);
  } catch (error) {
    complain(error);
  }
}

// --- the result ---

/** What register tells of its error, measured where no fit has looked. */
function figuresOf(report) {
  const proof = report.hold_out, pixels = (value) => value < 0.01 ? "less than 0.01" : value.toFixed(2);
  return proof && proof.windows ? `Error at ${proof.windows} places that no fit has seen: ${pixels(proof.error_p50)} px at the half of them, ` +
    `${pixels(proof.error_p99)} px at 99 of 100.` : "";
}

async function showResult(ended) {
  if (!ended.result) return;
  for (const url of [source, result, other, told]) if (url) URL.revokeObjectURL(url);
  const picture = ended.warped || ended.result, made = ended.report.warp || ended.report, base = (ended.warped ? second : file).name.replace(/\.[^.]*$/, "");
  const small = picture.bytes < SHOWN_BYTES;
  source = URL.createObjectURL(file);
  // What is large goes from the server to the disk, unless a token must be sent along.
  result = small || at("token").value ? URL.createObjectURL(await (await ask("GET", picture.url)).blob()) : null;
  other = ended.warped ? URL.createObjectURL(await (await ask("GET", ended.result.url)).blob()) : null;
  at("download").href = result || picture.url;
  at("download").download = base + (ended.warped ? "-warped." : `-${made.width}x${made.height}.`) + picture.type.split("/")[1];
  at("download-field").hidden = !other;
  at("download-field").href = other || "";
  at("download-field").download = base + ".tfm";
  // A page's own address shows it; where a token must be sent along it is a file.
  told = ended.page && at("token").value ? URL.createObjectURL(await (await ask("GET", ended.page.url)).blob()) : null;
  at("report").hidden = !ended.page;
  at("report").href = told || (ended.page ? ended.page.url : "");
  if (told) at("report").download = base + ".html";
  else at("report").removeAttribute("download");
  at("figures").textContent = figuresOf(ended.report);
  at("result-card").hidden = false;
  at("compare").hidden = true;
  const tiles = !small && showsTiles && !ended.warped && { tiles: ended.result.url + ".dzi", headers: asking(), width: made.width, height: made.height };
  at("not-shown").hidden = !tiles;
  at("not-shown").textContent = "The picture is being prepared to be looked at …";
  const shown = (small || tiles) && await show(file.size < SHOWN_BYTES ? source : null, tiles || result);
  at("not-shown").hidden = shown;
  at("not-shown").textContent = `${made.width} × ${made.height}, ${size(picture.bytes)}: this browser does not show it.`;
  at("download").focus();
}

// --- set-up ---

async function open() {
  try {
    const described = await (await ask("GET", "/openapi.json")).json();
    for (const [name, schema] of Object.entries(described.components.schemas))
      if (name.endsWith("_form") && (schema.properties.format || schema.properties.warped))
        operators[name.slice(0, -5)] = schema.properties;
    fill(at("op"), Object.keys(operators).map((name) => [name, name]), "upscale");
    fill(at("scale"), [["", "the model's"], ["2", "2 ×"], ["3", "3 ×"], ["4", "4 ×"], ["1", "same size"]], "2");
    chooseOperator();
    models = (await (await ask("GET", "/v1/models")).json()).models.filter((model) => !model.error);
    fill(at("model"), [["", "automatic"], ...models.map((model) => [model.name, model.name])], "");
    chooseModel();
    const figures = await (await ask("GET", "/metrics")).text();
    const figure = (name) => Number((figures.match(new RegExp(`^tilewright_${name} (.*)$`, "m")) || [])[1]);
    at("budget").textContent = `Memory for all jobs: ${size(figure("memory_budget_bytes"))}; ${figure("jobs_running")} run, ${figure("jobs_waiting")} wait.`;
    complain(null);
  } catch (error) {
    complain(error);
  }
}

at("file").addEventListener("change", () => choose(at("file").files[0]));
at("second").addEventListener("change", () => choose(at("second").files[0], true));
at("form").addEventListener("submit", makePlan);
at("start").addEventListener("click", start);
at("cancel").addEventListener("click", cancel);
at("op").addEventListener("change", chooseOperator);
at("model").addEventListener("change", chooseModel);
for (const id of ["scale", "format", "more", "first"]) at(id).addEventListener("input", changed);
at("token").addEventListener("change", open);
for (const type of ["dragover", "dragleave", "drop"]) document.addEventListener(type, (event) => {
  event.preventDefault();
  at("drop").classList.toggle("over", type === "dragover");
  if (type === "drop") take(event.dataTransfer.files);
});
open();
