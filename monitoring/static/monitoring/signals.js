// What is drawn, as functions of the samples of the last minute: charts, and the numbers above them.
"use strict";

const isHit = (outcome) => ["hit", "near", "stale"].includes(outcome);
const isLookup = (outcome) => isHit(outcome) || ["miss", "stored", "unstored"].includes(outcome);
// Of a page; of a layer an error looked nothing up.
const isAsked = (outcome) => isLookup(outcome) || outcome === "error";

// ---- units ----
const digits = (value, most) =>
  value.toLocaleString("en", { maximumFractionDigits: value >= 100 ? 0 : most });
const UNITS = {
  ratio: (value) => `${(value * 100).toFixed(value > 0.995 && value < 1 ? 1 : 0)} %`,
  seconds: (value) => {
    if (value >= 1) return `${digits(value, 1)} s`;
    return value >= 1e-3 || !value ? `${digits(value * 1e3, 1)} ms` : `${digits(value * 1e6, 0)} µs`;
  },
  bytes: (value) => {
    const power = Math.min(3, value > 0 ? Math.floor(Math.log(value) / Math.log(1024)) : 0);
    return `${digits(value / 1024 ** power, 1)} ${["B", "KiB", "MiB", "GiB"][power]}`;
  },
  number: (value) => digits(value, 1),
  rate: (value) => `${digits(value, 1)}/s`,
};

// ---- what several of them ask ----
function byFirstLabel(values, make) {
  const groups = {};
  for (const [key, value] of Object.entries(values)) {
    const [first, ...rest] = key.split("|");
    (groups[first] ??= {})[rest.join("|")] = value;
  }
  return Object.fromEntries(Object.entries(groups).map(([name, group]) => [name, make(group)]));
}

function servedFromCache(samples) {
  const risen = samples.rise("listings_http_requests_total");
  return isTold(risen) ? ratio(sum(risen, isHit), sum(risen, isAsked)) : undefined;
}

function hitRatios(samples) {
  const layers = byFirstLabel(samples.rise("listings_cache_reads_total"), (outcomes) =>
    ratio(sum(outcomes, isHit), sum(outcomes, isLookup)),
  );
  const misses = samples.rise("listings_cache_server_keyspace_misses_total");
  const servers = samples.rise("listings_cache_server_keyspace_hits_total");
  for (const [server, hits] of Object.entries(servers)) {
    layers[server === "cache" ? "server" : `server ${server}`] = ratio(hits, hits + misses[server]);
  }
  return layers;
}

function lag(samples, q) {
  return byFirstLabel(samples.rise("listings_change_lag_seconds_bucket"), (buckets) =>
    quantile(q, buckets),
  );
}

function waiting(samples) {
  const queues = Object.entries(samples.gauge("listings_broker_queue_ready_messages"));
  return {
    ...named("change log", samples.gauge("listings_change_log_pending_events")),
    ...Object.fromEntries(queues.map(([queue, number]) => [`${queue} queue`, number])),
    ...named("with workers", samples.gauge("listings_broker_unacknowledged_messages")),
  };
}

function memory(samples) {
  const used = Object.entries(samples.gauge("listings_cache_server_memory_used_bytes"));
  return {
    ...Object.fromEntries(used.map(([server, bytes]) => [`${server} server`, bytes])),
    ...named("registries in it", samples.gauge("listings_registry_bytes")),
    ...named("near caches", samples.gauge("listings_near_cache_bytes")),
  };
}

function work(samples) {
  const rates = {
    requests: samples.rate("listings_http_requests_total"),
    changes: samples.rate("listings_events_applied_total"),
    dropped: samples.rate("listings_entries_invalidated_total"),
    warmed: samples.rate("listings_pages_warmed_total", (outcome) => outcome === "warmed"),
  };
  return Object.fromEntries(Object.entries(rates).filter(([, rate]) => rate !== undefined));
}

function requestTimes(samples) {
  const buckets = samples.rise("listings_http_request_duration_seconds_bucket");
  return !isTold(buckets) ? {} : { p99: quantile(0.99, buckets), p50: quantile(0.5, buckets) };
}

const named = (name, gauge) => (isTold(gauge) ? { [name]: sum(gauge) } : {});

// `read`: samples → series → value now; null: nothing to tell of the last minute. No series at all:
// no process tells it. `promise`: a line to stay on the good side of.
const CHARTS = [
  {
    id: "hit-ratio", title: "Hit ratio by layer", unit: "ratio", range: [0, 1],
    promise: 0.8, says: "80 % is good",
    note: "A layer is asked only for what the one before it lacked.", read: hitRatios,
  },
  {
    id: "request-time", title: "Time to answer", unit: "seconds", isLog: true,
    promise: 0.1, says: "100 ms for 99 %",
    note: "Pages that can be cached.", read: requestTimes,
  },
  {
    id: "lag", title: "Invalidation lag p99", unit: "seconds", isLog: true,
    promise: 0.15, says: "150 ms promised",
    note: "From a write to each stage.", read: (samples) => lag(samples, 0.99),
  },
  {
    id: "waiting", title: "What waits", unit: "number",
    note: "Events in the change log, messages in the broker.", read: waiting,
  },
  {
    id: "memory", title: "Cache memory", unit: "bytes",
    note: "Full, it forgets what is wanted least.", read: memory,
    limit: (samples) => Math.max(0, ...Object.values(samples.gauge("listings_cache_server_memory_max_bytes"))),
    says: "maximum",
  },
  {
    id: "work", title: "Work", unit: "rate",
    note: "Requests answered, changes applied, entries dropped, pages warmed.", read: work,
  },
];

const GOOD = "good", WARN = "warn", BAD = "bad", UNKNOWN = "unknown";
const judge = (value, warn, bad) => (value >= bad ? BAD : value >= warn ? WARN : GOOD);

// What a tile says: a value, its state, and what it means. undefined: no process tells it. null:
// nothing happened of which it could tell.
const tell = (value, state, meaning, silence) => {
  if (value === undefined) return [null, UNKNOWN, "not told"];
  return value === null ? [null, UNKNOWN, silence] : [value, state, meaning];
};
const isTold = (values) => Object.keys(values).length > 0;

const TILES = [
  {
    title: "From a cache", unit: "ratio",
    read: (samples) => {
      const value = servedFromCache(samples);
      return tell(value, judge(-value, -0.8, -0.5), "of pages that could", "no page was asked for");
    },
  },
  {
    title: "Requests", unit: "rate",
    read: (samples) => {
      const errors = samples.rate("listings_http_requests_total", (_, code) => code.startsWith("5"));
      const meaning = errors ? `${UNITS.rate(errors)} fail` : "none fails";
      return tell(samples.rate("listings_http_requests_total"), errors ? BAD : GOOD, meaning, "");
    },
  },
  {
    title: "Answered, p99", unit: "seconds",
    read: (samples) => {
      const value = requestTimes(samples).p99;
      return tell(value, judge(value, 0.1, 0.5), "100 ms is the objective", "no page was asked for");
    },
  },
  {
    title: "Out of caches, p99", unit: "seconds",
    read: (samples) => {
      const value = lag(samples, 0.99).invalidated;
      return tell(value, judge(value, 0.15, 1), "150 ms promised", "no change lately");
    },
  },
  {
    title: "Oldest change waits", unit: "seconds",
    read: (samples, at) => {
      const [pending] = Object.values(samples.gauge("listings_change_log_pending_events"));
      const [oldest = at] = Object.values(samples.gauge("listings_change_log_oldest_event_timestamp_seconds"));
      const value = pending === undefined ? undefined : Math.max(0, at - oldest);
      return tell(value, judge(value, 1, 2), pending ? `${digits(pending, 0)} waiting` : "none waits");
    },
  },
  {
    title: "Differed for 10 s", unit: "number",
    read: (samples) => {
      const risen = samples.rise("listings_truth_stale_total");
      const value = isTold(risen) ? sum(risen, (age) => Number(age) >= 10) : undefined;
      return tell(value, judge(value, 1, 1), "found by the truth probe");
    },
  },
  {
    title: "Dead letters", unit: "number",
    read: (samples) => {
      const [value] = Object.values(samples.gauge("listings_dead_letters"));
      return tell(value, judge(value, 1, Infinity), value ? "to be read" : "every change was decided");
    },
  },
];

// Whether servers answer, and whether a web process has given up on one.
const CONDITIONS = [
  { title: "Database", name: "listings_database_up", isGood: (value) => value > 0, words: ["answers", "away"] },
  { title: "Broker", name: "listings_broker_up", isGood: (value) => value > 0, words: ["answers", "away"] },
  { title: "Cache server", name: "listings_cache_server_up", isGood: (value) => value > 0, words: ["answers", "away"] },
  { title: "Breaker of web processes", name: "listings_cache_breaker_open", isGood: (value) => !value, words: ["closed", "open"] },
  { title: "Their trust in the cache", name: "listings_cache_trust_degraded", isGood: (value) => !value, words: ["full", "degraded"] },
];

// [title, text, state] of each; a server counts as away when one of several is.
function conditions(samples) {
  return CONDITIONS.map(({ title, name, isGood, words: [good, bad] }) => {
    const values = Object.values(samples.gauge(name));
    if (!values.length) return [title, "not told", UNKNOWN];
    return values.every(isGood) ? [title, good, GOOD] : [title, bad, BAD];
  });
}
