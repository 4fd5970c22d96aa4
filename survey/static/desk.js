/* The desk's only script: tables that sort, jobs that report, forms that are sent once. Every page works without it. */
"use strict";

const number = (text) => {
  const found = text.replace(/−/g, "-").replace(/,/g, "").match(/-?\d+(\.\d+)?/);
  return found ? Number(found[0]) : -Infinity;
};
const cellText = (row, column) => {
  const cell = row.cells[column];
  return cell ? cell.dataset.value || cell.textContent.trim() : "";
};

function sortTable(header, column) {
  const descending = header.getAttribute("aria-sort") === "ascending";
  const body = header.closest("table").tBodies[0];
  const compare = header.dataset.sort === "number"
    ? (a, b) => number(cellText(a, column)) - number(cellText(b, column))
    : (a, b) => cellText(a, column).localeCompare(cellText(b, column), document.documentElement.lang);
  const rows = [...body.rows].sort((a, b) => (descending ? compare(b, a) : compare(a, b)));
  body.append(...rows);
  for (const other of header.parentElement.cells) other.removeAttribute("aria-sort");
  header.setAttribute("aria-sort", descending ? "descending" : "ascending");
}

for (const header of document.querySelectorAll("table th[data-sort]")) {
  const button = document.createElement("button");
  button.type = "button";
  button.append(...header.childNodes);
  header.append(button);
  button.addEventListener("click", () => sortTable(header, header.cellIndex));
}

async function watchJob(box) {
  const bar = box.querySelector("progress");
  const words = box.querySelector("[data-words]");
  for (let pause = 700; ; pause = Math.min(pause * 1.2, 5000)) {
    await new Promise((resume) => setTimeout(resume, pause));
    let job;
    try {
      const answer = await fetch(box.dataset.job, { headers: { Accept: "application/json" }, cache: "no-store" });
      if (answer.status === 401 || answer.redirected) return location.reload();
      if (!answer.ok) continue;
      job = await answer.json();
    } catch (error) {
      continue;
    }
    if (job.finished) return location.reload();
    words.textContent = job.words;
    if (job.total) {
      bar.max = job.total;
      bar.value = job.done;
    }
  }
}
for (const box of document.querySelectorAll("[data-job]")) watchJob(box);

// A second press while the first is on its way sends nothing. Downloads leave the page standing, so they are let go.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post" || "again" in form.dataset) return;
  if (form.dataset.sent) return event.preventDefault();
  form.dataset.sent = "1";
  for (const button of form.querySelectorAll("button")) button.setAttribute("aria-disabled", "true");
});
window.addEventListener("pageshow", () => {
  for (const form of document.forms) {
    delete form.dataset.sent;
    for (const button of form.querySelectorAll("[aria-disabled]")) button.removeAttribute("aria-disabled");
  }
});
const told = document.querySelector(".note.error[tabindex]");
if (told) told.focus();
