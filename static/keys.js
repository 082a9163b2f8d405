// The keys of the pages: / finds, ? shows the keys, g goes to a place, and on Today letters act on a row.
// They are off in fields, with Ctrl, Alt or Meta, and for whoever switched them off; all they do is press
// buttons and follow links that are on the page.
const typing = "input:not([type=checkbox], [type=radio]), select, textarea, [contenteditable]";
const goes = { t: "today", c: "calendar", p: "participants" };
let going = 0;

document.addEventListener("keydown", (event) => {
  if (document.documentElement.dataset.keys === "off") return;
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.target.closest(typing)) return;
  if (going && Date.now() - going < 1500 && goes[event.key]) {
    going = 0;
    take(event);
    document.querySelector(`[data-go="${goes[event.key]}"]`)?.click();
    return;
  }
  going = 0;
  if (event.key === "g") {
    going = Date.now();
  } else if (event.key === "/") {
    const field = document.querySelector("[data-find]");
    if (!field) return;
    take(event);
    if (field.offsetParent === null) document.querySelector("[data-find-page]")?.click();
    else field.select();
  } else if (event.key === "?") {
    const list = document.getElementById("keys");
    if (!list) return;
    take(event);
    list.togglePopover();
  } else if (document.querySelector(".sheet .rows")) {
    act(event);
  }
}, true);

function take(event) {
  event.preventDefault();
  event.stopImmediatePropagation();
}

const rows = () => [...document.querySelectorAll(".sheet .rows > li[id]")].filter((row) => row.offsetParent !== null);
let last = null;
document.addEventListener("focusin", (event) => {
  const row = event.target.closest(".sheet .rows > li[id]");
  if (row) last = row.id;
});
const here = () => document.activeElement.closest(".sheet .rows > li[id]") || (last && document.getElementById(last));

function act(event) {
  const row = here();
  if (event.key === "j" || event.key === "k") {
    const all = rows();
    const place = row ? all.indexOf(row) + (event.key === "j" ? 1 : -1) : 0;
    const next = all[Math.max(0, Math.min(place, all.length - 1))];
    if (next) {
      take(event);
      (next.querySelector("a.pt, a") || next.querySelector("button"))?.focus();
      next.scrollIntoView({ block: "nearest" });
    }
    return;
  }
  if (event.key === "u") {
    const undo = row?.querySelector("[data-key=u]") || document.querySelector("[data-key=u]");
    if (undo) {
      take(event);
      undo.click();
    }
    return;
  }
  const deeds = { b: book, o: otherDay, d: press("done"), m: missed, s: press("snooze") };
  if (row && deeds[event.key]?.(row)) take(event);
}

function book(row) {
  const button = row.querySelector("button[data-book]");
  button?.click();
  return button;
}

function otherDay(row) {
  const opener = row.querySelector("[data-open-strip]");
  const field = row.querySelector(".strip input:checked") || row.querySelector(".strip input");
  if (opener?.offsetParent) opener.click();
  field?.focus();
  return field;
}

function press(name) {
  return (row) => {
    const button = row.querySelector(`form[action$="/${name}/"] button`);
    button?.click();
    return button;
  };
}

function missed(row) {
  const field = row.querySelector('form[action$="/missed/"] input[name=reason]');
  const menu = field?.closest("details");
  if (menu) menu.open = true;
  field?.focus();
  return field;
}
