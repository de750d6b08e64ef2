// Small comforts: every page works without them. What depends on the clock or the time zone is
// said here, so that the server can send everybody the same bytes.
"use strict";

const DAY = 24 * 60 * 60 * 1000;
const NEW_DAYS = 7;

function tellAges(root) {
  for (const time of root.querySelectorAll("time[data-age]")) {
    const days = Math.floor((Date.now() - Date.parse(time.dateTime)) / DAY);
    if (days < 0) continue; // a clock is wrong: the date stays
    time.title = time.textContent;
    time.textContent = days < NEW_DAYS ? "New" : `${days.toLocaleString("en")} days on market`;
    time.classList.toggle("new", days < NEW_DAYS);
  }
}
tellAges(document);

// A part of the page that changes by itself has an address of its own; without it, its link stays.
async function bring(link) {
  const answer = await fetch(link.href);
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const part = answer.ok && page.querySelector("[data-fragment]");
  if (!part) return;
  tellAges(part);
  link.parentElement.replaceWith(part);
}
for (const link of document.querySelectorAll("a[data-part]")) bring(link).catch(() => {});

const visit = new Intl.DateTimeFormat("en", {
  weekday: "long", month: "short", day: "numeric", hour: "numeric", minute: "2-digit",
  timeZoneName: "short",
});
for (const span of document.querySelectorAll("[data-span]")) {
  const [start, end] = [...span.querySelectorAll("time")].map((time) => new Date(time.dateTime));
  span.textContent = visit.formatRange(start, end);
}

for (const form of document.querySelectorAll("form.search")) {
  // Fields left empty would only make the address longer.
  form.addEventListener("formdata", (event) => {
    for (const [name, value] of [...event.formData]) {
      if (!value.trim() || (name === "sort" && value === "newest")) event.formData.delete(name);
    }
  });
}

for (const select of document.querySelectorAll("select[name=sort]")) {
  select.addEventListener("change", () => select.form.requestSubmit());
  select.closest(".sort").querySelector("button").hidden = true;
}
