// A line chart over time, with a table that tells the same in numbers.
"use strict";

const SVG = "http://www.w3.org/2000/svg";
const SHORTEST = 120, LONGEST = 900; // seconds that are drawn
const LEFT = 52, RIGHT = 8, TOP = 8, BOTTOM = 18; // pixels around the plot
const GAP = 10; // seconds without a sample that are a gap in the line

const clock = (at) => new Date(at * 1000).toLocaleTimeString("en-GB");

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

function shape(name, attributes, text) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

class Chart {
  #svg = shape("svg", { role: "img" });
  #body = element("tbody");
  #silence = element("p", { class: "silence" });
  #names = []; // of series, in the order in which they came: their colours stay

  constructor(about, onPoint) {
    this.about = about;
    const heads = ["now", "low", "high"].map((text) =>
      element("th", { scope: "col", class: "number" }, text),
    );
    [this.nowHead] = heads;
    const title = element("h3", {}, about.title);
    const caption = element("caption", { class: "unseen" }, `${about.title}, in numbers`);
    const head = element("thead", {}, element("tr", {}, element("th", { scope: "col" }, element("span", { class: "unseen" }, "series")), ...heads));
    this.node = element(
      "figure", { class: "panel chart", id: about.id },
      element("figcaption", {}, title, element("small", {}, about.note)),
      this.#svg, this.#silence,
      element("table", {}, caption, head, this.#body),
    );
    this.#svg.addEventListener("pointermove", (event) => onPoint(this.#timeAt(event)));
    this.#svg.addEventListener("pointerleave", () => onPoint(null));
  }

  // `history`: points of all charts, the oldest first. `moment`: which of them to read; null: the last.
  draw(history, moment, limit) {
    const { id } = this.about;
    for (const { points } of history) {
      for (const name of Object.keys(points[id])) if (!this.#names.includes(name)) this.#names.push(name);
    }
    const read = moment ?? history.at(-1);
    const rows = this.#names.map((name) => this.#row(history, name, read));
    this.nowHead.textContent = moment ? clock(moment.at) : "now";
    this.#body.replaceChildren(...rows.map(({ node }) => node));
    this.#silence.textContent = !this.#names.length ? "No process tells this."
      : rows.every(({ lows }) => lows === null) ? "Nothing happened yet." : "";
    const readings = rows.map(({ name, text }) => `${name} ${text}`).join(", ");
    const span = Math.round((history.at(-1).at - history[0].at) / 60) || "less than 1";
    this.#svg.setAttribute("aria-label", `${this.about.title}, last ${span} min. ${moment ? clock(moment.at) : "Now"}: ${readings || "nothing told"}.`);
    this.#plot(history, moment, limit);
  }

  #row(history, name, read) {
    const { id, unit } = this.about;
    const values = history.map(({ points }) => points[id][name]).filter((value) => value != null);
    const tell = (value) => (value == null ? "–" : UNITS[unit](value));
    const lows = values.length ? Math.min(...values) : null;
    const text = tell(read.points[id][name]);
    const cells = [text, tell(lows), tell(values.length ? Math.max(...values) : null)];
    const swatch = element("span", { class: `swatch s${this.#names.indexOf(name) % 6}` });
    const head = element("th", { scope: "row" }, swatch, name);
    const node = element("tr", {}, head, ...cells.map((cell) => element("td", { class: "number" }, cell)));
    return { name, node, lows, text };
  }

  #timeAt(event) {
    const { left, width } = this.#svg.getBoundingClientRect();
    const [start, end] = this.span ?? [0, 0];
    return start + ((event.clientX - left - LEFT) / (width - LEFT - RIGHT)) * (end - start);
  }

  #plot(history, moment, limit) {
    const width = this.#svg.clientWidth, height = this.#svg.clientHeight;
    if (!width) return;
    const end = history.at(-1).at;
    const start = end - Math.min(LONGEST, Math.max(SHORTEST, end - history[0].at));
    this.span = [start, end];
    const scale = this.#scale(history, limit);
    const x = (at) => LEFT + ((at - start) / (end - start)) * (width - LEFT - RIGHT);
    const y = (value) => height - BOTTOM - scale.share(value) * (height - TOP - BOTTOM);
    const parts = [];
    for (const tick of scale.ticks) {
      const at = y(tick);
      parts.push(shape("line", { class: "grid", x1: LEFT, x2: width - RIGHT, y1: at, y2: at }));
      parts.push(shape("text", { class: "tick", x: LEFT - 6, y: at + 3.5, "text-anchor": "end" }, UNITS[this.about.unit](tick)));
    }
    const step = timeStep(end - start, (width - LEFT) / 75);
    for (let at = Math.ceil(start / step) * step; at <= end; at += step) {
      if (x(at) < LEFT + 20 || x(at) > width - 26) continue;
      parts.push(shape("text", { class: "tick", x: x(at), y: height - 3, "text-anchor": "middle" }, clock(at)));
    }
    const line = limit || this.about.promise;
    if (line && scale.holds(line)) {
      parts.push(shape("line", { class: "promise", x1: LEFT, x2: width - RIGHT, y1: y(line), y2: y(line) }));
    }
    for (const [place, name] of this.#names.entries()) {
      const d = path(history, (points) => points[this.about.id][name], x, y);
      if (d) parts.push(shape("path", { class: `series s${place % 6}`, d }));
    }
    if (line && scale.holds(line)) {
      const side = y(line) < TOP + 14 ? 12 : -4;
      parts.push(shape("text", { class: "tick says", x: width - RIGHT, y: y(line) + side, "text-anchor": "end" }, this.about.says));
    }
    if (moment) parts.push(shape("line", { class: "cursor", x1: x(moment.at), x2: x(moment.at), y1: TOP, y2: height - BOTTOM }));
    this.#svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    this.#svg.replaceChildren(...parts);
  }

  #scale(history, limit) {
    const { id, range, isLog, promise, unit } = this.about;
    const values = history.flatMap(({ points }) => Object.values(points[id])).filter((value) => value != null);
    if (range) return linear(...range, 4, unit);
    if (isLog) {
      const positive = [...values.filter((value) => value > 0), promise];
      return logarithmic(Math.min(...positive), Math.max(...positive));
    }
    const most = Math.max(0, ...values);
    // A limit that is far off would flatten everything.
    return linear(0, limit && most > limit / 4 ? Math.max(limit, most) : most || 1, 4, unit);
  }
}

// About so many ticks, at steps that people count in; of bytes, powers of 2; never half a message.
function linear(low, high, ticks, unit) {
  const rough = (high - low) / ticks;
  const decade = 10 ** Math.floor(Math.log10(rough));
  const round = decade * [1, 2, 2.5, 5, 10].find((one) => one * decade > rough - 1e-9);
  const step = unit === "bytes" ? 2 ** Math.ceil(Math.log2(rough)) : unit === "number" ? Math.max(1, Math.ceil(round)) : round;
  const last = Math.ceil((high - low) / step - 1e-9);
  const all = Array.from({ length: last + 1 }, (_, place) => low + step * place);
  const top = all[last];
  return { ticks: all, share: (value) => (value - low) / (top - low), holds: (value) => value <= top };
}

function logarithmic(low, high) {
  const first = Math.floor(Math.log10(low) + 1e-9), last = Math.max(first + 1, Math.ceil(Math.log10(high) - 1e-9));
  const ticks = Array.from({ length: last - first + 1 }, (_, place) => 10 ** (first + place));
  const share = (value) => Math.max(0, (Math.log10(value) - first) / (last - first));
  return { ticks, share, holds: () => true };
}

function timeStep(seconds, most) {
  return [15, 30, 60, 120, 300, 600].find((step) => seconds / step <= most) ?? 900;
}

// Broken where there is no value or no sample; a value between two breaks is a dot.
function path(history, value, x, y) {
  let d = "", before = -Infinity;
  for (const { at, points } of history) {
    const here = value(points);
    if (here == null) before = -Infinity;
    else {
      const place = `${x(at).toFixed(1)} ${y(here).toFixed(1)}`;
      d += at - before > GAP ? `M${place}h0` : `L${place}`;
      before = at;
    }
  }
  return d;
}
