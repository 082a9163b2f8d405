// What the calendar does more comfortably with a script; every act is possible without it by links and forms.
// A visit is placed by click (its card, then an hour), by drag (a card or an entry onto a day) and by keyboard
// (Enter on a card, arrows between the free hours, Enter, Escape). All three end in the same form, which warns
// of what clashes before anything is saved.
document.documentElement.classList.add("js");
const said = document.getElementById("placing-said");

document.addEventListener("change", (event) => {
  const form = event.target.closest(".planner-head form");
  if (form) form.requestSubmit();
});

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, textarea, [popover]")) return;
  if (event.key === "Escape") {
    const back = document.querySelector("[data-put-back]");
    if (back) back.click();
    return;
  }
  if (event.key.startsWith("Arrow") && event.target.matches("[data-slot]")) {
    move(event);
    return;
  }
  if (document.documentElement.dataset.keys === "off") return;
  const link = document.querySelector(`.planner-head [data-key="${CSS.escape(event.key)}"]`);
  if (link) link.click();
});

// the free hours are one stop of the tab key: arrows go from one to the next
const slots = [...document.querySelectorAll("[data-slot]")];
slots.forEach((slot, place) => { slot.tabIndex = place === 0 ? 0 : -1; });
const begin = location.hash === "#last-slot" ? slots.at(-1) : slots[0];
if (begin && !document.querySelector(".notes")) {
  slots.forEach((slot) => { slot.tabIndex = slot === begin ? 0 : -1; });
  begin.focus({ preventScroll: true });
}

function move(event) {
  const here = event.target;
  const columns = [...document.querySelectorAll(".col")].map((column) => [...column.querySelectorAll("[data-slot]")])
    .filter((column) => column.length);
  const x = columns.findIndex((column) => column.includes(here));
  const y = columns[x].indexOf(here);
  const step = { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] }[event.key];
  let next = columns[x + step[0]]?.[Math.min(y + step[1], columns[x + step[0]].length - 1)];
  if (step[1] && columns.every((column) => column.length === 1)) next = daysOn(columns, x, step[1]);
  event.preventDefault();
  if (!next) {
    leave(event.key);
    return;
  }
  here.tabIndex = -1;
  next.tabIndex = 0;
  next.focus();
}

// the window goes on beyond the days that are shown: the calendar turns to them, and placing goes on there
function leave(key) {
  const days = document.querySelector(".planner-days").dataset;
  const agenda = document.querySelector(".agenda");
  const back = key === "ArrowLeft" || (agenda && key === "ArrowUp");
  const forth = key === "ArrowRight" || (agenda && key === "ArrowDown");
  if (back && days.before) location.href = `${days.before}#last-slot`;
  if (forth && days.after) location.href = days.after;
}

// a month goes a week up or down, an agenda a day
function daysOn(columns, x, direction) {
  if (!document.querySelector(".month")) return columns[x + direction]?.[0];
  const day = new Date(`${columns[x][0].closest(".col").dataset.day}T00:00Z`);
  day.setUTCDate(day.getUTCDate() + 7 * direction);
  return document.querySelector(`.col[data-day="${day.toISOString().slice(0, 10)}"] [data-slot]`);
}

let dragged = null;
let shaded = [];
document.addEventListener("dragstart", (event) => {
  const card = event.target.closest?.("[data-book]");
  if (!card) return;
  dragged = card;
  event.dataTransfer.setData("text/plain", card.textContent.trim());
  event.dataTransfer.effectAllowed = "move";
  card.classList.add("dragging");
  shaded = [...document.querySelectorAll(".col.inside")];
  for (const column of document.querySelectorAll(".col[data-day]")) {
    column.classList.toggle("inside", !column.classList.contains("past") && card.dataset.opens <= column.dataset.day && column.dataset.day <= card.dataset.closes);
  }
});
document.addEventListener("dragover", (event) => {
  const column = event.target.closest?.(".col[data-day]");
  if (!dragged || !column) return;
  event.preventDefault();
  document.querySelectorAll(".col.over").forEach((one) => one !== column && one.classList.remove("over"));
  column.classList.add("over");
  const hour = hourAt(column, event.clientY);
  const words = `${column.dataset.day}${hour ? ` ${hour}` : ""}`;
  if (said.textContent !== words) said.textContent = words;
});
document.addEventListener("dragend", () => {
  if (dragged) dragged.classList.remove("dragging");
  document.querySelectorAll(".col.over").forEach((one) => one.classList.remove("over"));
  document.querySelectorAll(".col[data-day]").forEach((one) => one.classList.toggle("inside", shaded.includes(one)));
  said.textContent = "";
  dragged = null;
});
// dropped on ‹ or ›, a card is picked up on the days before or after
document.addEventListener("dragover", (event) => {
  const turn = event.target.closest?.(".steps-of-time a");
  document.querySelectorAll(".steps-of-time .over").forEach((one) => one !== turn && one.classList.remove("over"));
  if (!dragged || !turn) return;
  event.preventDefault();
  turn.classList.add("over");
});
document.addEventListener("drop", (event) => {
  const turn = event.target.closest?.(".steps-of-time a");
  if (!dragged || !turn) return;
  event.preventDefault();
  const address = new URL(turn.href);
  address.searchParams.set("visit", dragged.dataset.visit);
  location.href = address;
});
document.addEventListener("drop", (event) => {
  const column = event.target.closest?.(".col[data-day]");
  if (!dragged || !column) return;
  event.preventDefault();
  const hour = hourAt(column, event.clientY);
  location.href = `${dragged.dataset.book}&on=${column.dataset.day}${hour ? `&at=${hour}` : ""}`;
});

// the half hour of a day at a height of the window; nothing where the day has no hours
function hourAt(column, y) {
  const grid = column.querySelector("[data-grid]");
  if (!grid) return "";
  const box = grid.getBoundingClientRect();
  if (y < box.top || y > box.bottom || getComputedStyle(grid.parentElement.parentElement).gridTemplateColumns.split(" ").length < 8) return "";
  const half = Math.min(19, Math.floor((y - box.top) / (box.height / 20)));
  return `${String(8 + Math.floor(half / 2)).padStart(2, "0")}:${half % 2 ? "30" : "00"}`;
}
