// Asks again and again, keeps a quarter of an hour, and draws it.
"use strict";

const SAMPLES_MS = 2000, RECENT_MS = 4000;
const WINDOW = 60; // seconds over which rates and quantiles are taken
const SAVED = "ops";

const $ = (id) => document.getElementById(id);
const { samples: SAMPLES_URL, recent: RECENT_URL } = document.body.dataset;

let samples = new Samples(WINDOW);
let kept = []; // {at, points: chart → series → value}, the oldest first
let pointed = null; // a time that the pointer is at
let chosen = null; // a time that the slider was put to; null: always the last
let isPaused = false;
let said = "";

const charts = CHARTS.map((about) => new Chart(about, (at) => { pointed = at; draw(); }));
$("charts").replaceChildren(...charts.map(({ node }) => node));

// ---- asking ----
async function ask(url) {
  const response = await fetch(url, { signal: AbortSignal.timeout(8000), cache: "no-store" });
  if (response.redirected) location.reload(); // logged out: to the login, and back
  if (!response.ok) throw new Error(`${response.status} ${response.statusText}`.trim());
  return response.json();
}

async function keepAsking(url, pause, take) {
  for (;;) {
    if (!isPaused) {
      try {
        take(await ask(url));
      } catch (error) {
        say(`The site does not answer (${error.message}). What is shown is old.`, BAD);
      }
    }
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}

function takeSamples(scrape) {
  samples.add(scrape);
  const points = Object.fromEntries(CHARTS.map(({ id, read }) => [id, read(samples)]));
  kept.push({ at: scrape.at, points });
  while (kept[0].at < scrape.at - LONGEST) kept.shift();
  showTargets(scrape.targets);
  showTiles(scrape);
  showStates("conditions", conditions(samples));
  draw();
}

function say(text, state = GOOD) {
  if (text === said) return; // a screen reader would hear it again
  said = text;
  $("status").textContent = text;
  $("status").className = state;
}

// ---- showing ----
function showTargets(targets) {
  const away = targets.filter(({ failure }) => failure);
  const chips = targets.map(({ name, failure }) =>
    element("li", { class: failure ? BAD : GOOD, ...(failure && { title: failure }) }, name, element("span", {}, failure ? " away" : " up")),
  );
  const told = JSON.stringify(targets.map(({ name, failure }) => [name, failure]));
  if ($("targets").dataset.told !== told) $("targets").replaceChildren(...chips);
  $("targets").dataset.told = told;
  if (away.length) say(`${away.map(({ name, failure }) => `${name} is away: ${failure}`).join("; ")}.`, BAD);
  else say(`All ${targets.length} processes answer.`);
}

function showTiles({ at }) {
  $("tiles").replaceChildren(...TILES.map(({ title, unit, read }) => {
    const [value, state, meaning] = read(samples, at);
    const text = value === null ? "–" : UNITS[unit](value);
    const parts = [["h3", title], ["strong", text], ["small", meaning ?? ""]];
    return element("li", { class: state }, ...parts.map(([name, content]) => element(name, {}, content)));
  }));
}

function showStates(id, states) {
  const told = JSON.stringify(states);
  if ($(id).dataset.told === told) return;
  $(id).dataset.told = told;
  $(id).replaceChildren(...states.map(([title, text, state]) =>
    element("div", {}, element("dt", {}, title), element("dd", { class: state }, text)),
  ));
}

function nearest(at) {
  return kept.reduce((best, one) => (Math.abs(one.at - at) < Math.abs(best.at - at) ? one : best));
}

let isDue = false;

// Before the next frame, once, however often the pointer moves.
function draw() {
  if (isDue) return;
  isDue = true;
  requestAnimationFrame(drawNow);
}

function drawNow() {
  isDue = false;
  if (!kept.length) return;
  const at = pointed ?? chosen;
  const moment = at === null ? null : nearest(at);
  for (const chart of charts) chart.draw(kept, moment, chart.about.limit?.(samples));
  const slider = $("moment");
  slider.max = kept.length - 1;
  slider.value = chosen === null ? kept.length - 1 : kept.indexOf(nearest(chosen));
  const text = moment ? clock(moment.at) : "now";
  $("moment-text").textContent = text;
  slider.setAttribute("aria-valuetext", chosen === null ? "now" : clock(nearest(chosen).at));
}

$("moment").addEventListener("input", ({ target }) => {
  const place = Number(target.value);
  chosen = place >= kept.length - 1 ? null : kept[place].at;
  draw();
});

$("pause").addEventListener("click", ({ target }) => {
  isPaused = !isPaused;
  target.setAttribute("aria-pressed", isPaused);
  if (isPaused) say("Paused: nothing is asked.", WARN);
});

new ResizeObserver(draw).observe($("charts"));
document.addEventListener("visibilitychange", draw);

// ---- what a reload need not lose ----
addEventListener("pagehide", () => {
  sessionStorage.setItem(SAVED, JSON.stringify({ kept, samples: samples.saved }));
});
try {
  const saved = JSON.parse(sessionStorage.getItem(SAVED));
  if (saved?.kept.at(-1)?.at > Date.now() / 1000 - LONGEST) {
    kept = saved.kept.filter(({ points }) => CHARTS.every(({ id }) => id in points));
    samples = new Samples(WINDOW, saved.samples);
  }
} catch {
  sessionStorage.removeItem(SAVED); // of another release
}

keepAsking(SAMPLES_URL, SAMPLES_MS, takeSamples);
keepAsking(RECENT_URL, RECENT_MS, showRecent);
