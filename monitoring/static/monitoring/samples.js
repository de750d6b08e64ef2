// Samples of what all processes tell, and what follows from two of them. As Prometheus does it:
// a counter that falls began anew at 0, and quantiles are straight lines within their buckets.
"use strict";

const IS_COUNTER = /_(total|bucket|sum|count)$/;

class Samples {
  #last = {}; // target → name → labels → as it was told last
  #risen = {}; // name → labels → by how much counters have risen since the first sample
  #kept = []; // {at, values}, the oldest first

  constructor(seconds, saved) {
    this.seconds = seconds; // how long a sample is kept: the window of every rate
    if (saved) [this.#last, this.#risen, this.#kept] = saved;
  }

  get saved() {
    return [this.#last, this.#risen, this.#kept];
  }

  // Takes in one answer of `samples.json`.
  add({ at, targets }) {
    const values = {};
    for (const { name: target, samples } of targets) {
      if (!Object.keys(samples).length) continue; // away: what it told last is compared later
      const last = this.#last[target];
      const told = (this.#last[target] = {});
      for (const [name, series] of Object.entries(samples)) {
        told[name] = {};
        for (const [labels, value] of series) {
          const key = labels.join("|");
          told[name][key] = value;
          if (IS_COUNTER.test(name)) {
            // Of a process that is new here nobody knows what came lately.
            const before = last ? last[name]?.[key] ?? 0 : value;
            const risen = (this.#risen[name] ??= {});
            risen[key] = (risen[key] ?? 0) + (value < before ? value : value - before);
          } else {
            const sums = (values[name] ??= {});
            sums[key] = (sums[key] ?? 0) + value;
          }
        }
      }
    }
    for (const [name, risen] of Object.entries(this.#risen)) values[name] = { ...risen };
    this.#kept.push({ at, values });
    while (this.#kept[0].at < at - this.seconds) this.#kept.shift();
  }

  // labels → value of a gauge in the last sample; nothing of a process that is away.
  gauge(name) {
    return this.#kept.at(-1)?.values[name] ?? {};
  }

  // labels → by how much a counter has risen within the window.
  rise(name) {
    const first = this.#kept[0]?.values[name] ?? {};
    const last = this.#kept.at(-1)?.values[name] ?? {};
    return Object.fromEntries(
      Object.entries(last).map(([key, value]) => [key, value - (first[key] ?? 0)]),
    );
  }

  // Seconds between the first and the last sample in the window.
  get span() {
    return this.#kept.length ? this.#kept.at(-1).at - this.#kept[0].at : 0;
  }

  // Per second; undefined: no process tells it; null: there is one sample only.
  rate(name, wanted = () => true) {
    const risen = this.rise(name);
    if (!Object.keys(risen).length) return undefined;
    return this.span ? sum(risen, wanted) / this.span : null;
  }
}

// Sum of the values whose labels are wanted.
function sum(values, wanted = () => true) {
  let total = 0;
  for (const [key, value] of Object.entries(values)) if (wanted(...key.split("|"))) total += value;
  return total;
}

// part / whole, or null when there is nothing to divide.
function ratio(part, whole) {
  return whole > 0 ? part / whole : null;
}

// As Prometheus' histogram_quantile(): `buckets` is le → cumulative count; null when all are empty.
function quantile(q, buckets) {
  const sorted = Object.entries(buckets)
    .map(([le, count]) => [le === "+Inf" ? Infinity : Number(le), count])
    .sort(([a], [b]) => a - b);
  const total = sorted.at(-1)?.[1];
  if (!total) return null;
  const rank = q * total;
  const place = sorted.findIndex(([, count]) => count >= rank);
  const [le, count] = sorted[place];
  const [start, before] = place ? sorted[place - 1] : [0, 0];
  if (le === Infinity) return start;
  return count === before ? le : start + ((le - start) * (rank - before)) / (count - before);
}
