// What has happened of late: changes, wanted pages, dead letters, switches.
"use strict";

const OPERATIONS = { INSERT: "new", UPDATE: "changed", DELETE: "deleted", TRUNCATE: "emptied" };
const milliseconds = (value) => (value === null ? "–" : UNITS.seconds(Math.max(0, value) / 1000));
const plural = (number, word) => `${number.toLocaleString("en")} ${word}${number === 1 ? "" : "s"}`;
const AWAY = { database: "The database does not answer.", cache: "The cache server does not answer." };

const byKey = new Map(); // rows of changes that are shown: [what they show, node]

function showRecent({ changes, wanted, letters, switches }) {
  showChanges(changes);
  fill("wanted", wanted, AWAY.database, "Nobody has read a page lately.", wantedItem);
  fill("letters", letters?.newest ?? null, AWAY.database, "None: every change could be decided.", letterItem);
  showSwitches(switches);
}

// Replaces a list only when it differs: who reads it or has focus in it is left alone.
function fill(id, items, away, none, make) {
  const list = document.getElementById(id);
  const told = JSON.stringify(items);
  if (list.dataset.told === told) return;
  list.dataset.told = told;
  const text = items === null ? away : items.length ? "" : none;
  list.replaceChildren(...(text ? [element("li", { class: "nothing" }, text)] : items.map(make)));
}

const link = (name, url) => (url ? element("a", { href: url }, url) : element("span", {}, name));

function wantedItem({ name, url, score }) {
  return element("li", {}, link(name, url), element("span", { class: "number" }, digits(score, 1)));
}

function letterItem({ event, operation, table, reason, dropped, at }) {
  return element("li", {}, `${operation} of ${table} (event ${event}), ${clock(Date.parse(at) / 1000)}`, element("div", {}, reason), element("small", {}, `dropped: ${dropped}`));
}

function showChanges(changes) {
  const body = document.querySelector("#changes tbody");
  const text = changes === null ? AWAY.cache : changes.length ? "" : "No trace of a change: there was none lately, or the cache was emptied since.";
  if (text) {
    byKey.clear();
    body.replaceChildren(element("tr", {}, element("td", { colspan: 5, class: "nothing" }, text)));
    return;
  }
  const keys = new Set(changes.map(({ key }) => key));
  for (const [key, [, node]] of byKey) if (!keys.has(key)) { node.remove(); byKey.delete(key); }
  if (!byKey.size) body.replaceChildren();
  let next = body.firstElementChild;
  for (const change of changes) {
    const told = JSON.stringify(change);
    const [shown, node] = byKey.get(change.key) ?? [];
    if (shown === told) {
      next = node.nextElementSibling;
      continue;
    }
    const made = changeRow(change);
    if (node) {
      const details = node.querySelector("details"), again = made.querySelector("details");
      if (details && again) again.open = details.open;
      const hadFocus = node.contains(document.activeElement);
      node.replaceWith(made);
      if (hadFocus) made.querySelector("summary, a")?.focus();
    } else body.insertBefore(made, next);
    next = made.nextElementSibling;
    byKey.set(change.key, [told, made]);
  }
}

function changeRow(change) {
  const at = new Date(change.at);
  const when = element("time", { datetime: change.at, title: at.toLocaleString() }, clock(at / 1000));
  const cells = [milliseconds(change.lag_milliseconds), milliseconds(change.warm_milliseconds)];
  return element(
    "tr", {},
    element("td", {}, when), element("td", {}, ...what(change)), element("td", {}, dropped(change)),
    ...cells.map((cell) => element("td", { class: "number" }, cell)),
  );
}

function what({ operation, table, event, transaction_id, listings, more_listings }) {
  if (event === null) return [element("span", {}, operation)];
  const rows = `${table.replace(/^listings_/, "")} ${OPERATIONS[operation] ?? operation}`;
  const which = listings.join(", ") + (more_listings ? ` and ${more_listings} more` : "");
  const title = `${operation} of ${table}, event ${event}, transaction ${transaction_id}`;
  return [element("span", { title }, rows), " ", element("small", {}, which)];
}

function dropped({ dropped, named, pages, reasons, apply_milliseconds }) {
  if (dropped === null) return element("strong", {}, "everything");
  if (!dropped) return element("span", { class: "soft" }, "nothing");
  const layers = Object.entries(named).map(([layer, number]) => plural(number, layer)).join(", ");
  const list = [
    ...pages.map((page) => element("li", {}, link(page.name, page.url), element("small", {}, ` ${page.because}${page.warm_milliseconds === null ? "" : `; warm after ${milliseconds(page.warm_milliseconds)}`}`))),
    ...reasons.map(([because, number]) => element("li", {}, element("small", {}, `${number} × ${because}`))),
  ];
  const [first] = pages;
  const summary = element("summary", {}, element("b", {}, digits(dropped, 0)), ` ${layers}`);
  if (first || reasons.length) summary.append(element("small", {}, ` ${first ? first.because : reasons[0][0]}`));
  return element("details", {}, summary, element("ul", {}, ...list), element("small", {}, `applied in ${milliseconds(apply_milliseconds)}`));
}

function showSwitches(switches) {
  const told = switches === null ? [["Cache", "does not answer", BAD]] : [
    ["All caches", ...onOff(switches.all)],
    ["Near caches", ...onOff(switches.near)],
    ["Horizon", ...horizonState(switches.horizon)],
  ];
  showStates("switches", told);
}

const onOff = (isOn) => (isOn ? ["on", GOOD] : ["switched off", WARN]);

let horizon = null, movedAt = null;

// The relay moves it each second; after 5 s without, web processes stop trusting.
function horizonState(counter) {
  const isFirst = horizon === null;
  if (counter !== horizon) [horizon, movedAt] = [counter, performance.now()];
  const still = Math.round((performance.now() - movedAt) / 1000);
  if (isFirst) return ["looking …", UNKNOWN];
  if (still <= 5) return ["moves", GOOD];
  return [`still for ${still} s: nobody vouches`, BAD];
}
