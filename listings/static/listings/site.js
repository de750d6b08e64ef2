// Small comforts: every page works without them. What depends on the clock or the time zone is
// said here, so that the server can send everybody the same bytes.
"use strict";

const DAY = 24 * 60 * 60 * 1000;
const NEW_DAYS = 7;

for (const time of document.querySelectorAll("time[data-age]")) {
  const days = Math.floor((Date.now() - Date.parse(time.dateTime)) / DAY);
  if (days < 0) continue; // a clock is wrong: the date stays
  time.title = time.textContent;
  if (days < NEW_DAYS) {
    time.textContent = "New";
    time.classList.add("new");
  } else {
    time.textContent = `${days.toLocaleString("en")} days on market`;
  }
}

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
