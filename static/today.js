// What the Today page does more comfortably with a script; every act is possible without it.
document.documentElement.classList.add("js");

// another day is chosen in a strip: the button says which day it books
document.addEventListener("change", (event) => {
  const chosen = event.target;
  if (chosen.matches(".strip input[name=on]")) {
    const button = chosen.form.querySelector("button[data-book]");
    if (button) {
      const words = "both" in chosen.dataset ? button.dataset.both : button.dataset.book;
      button.querySelector(".with-script").textContent = `${words} ${chosen.dataset.say}`;
      button.classList.add("primary");
    }
  } else if (chosen.closest("form[data-submit-on-change]")) {
    chosen.form.requestSubmit();
  } else if (chosen.matches("input[form=as-booked]")) countBooked();
});

// a card on which one has acted, or is at work, stays as it is and where it is until the page is left
const keepCards = (shown, fresh) => {
  const rows = [...shown.querySelectorAll("ol.attention > li")];
  const stay = (row) => row.matches(".just, .back, .failed, .stale") || row.querySelector("details[open]")
    || row.contains(document.activeElement);
  for (const [place, row] of rows.entries()) {
    if (!stay(row)) continue;
    if (!fresh.querySelector("ol.attention")) {
      fresh.querySelector(".nothing").replaceWith(shown.querySelector("ol.attention").cloneNode(false));
    }
    const twin = fresh.querySelector(`#${row.id}`);
    const before = rows.slice(0, place).reverse().find(({id}) => fresh.querySelector(`#${id}`));
    if (twin) twin.replaceWith(row);
    else if (before) fresh.querySelector(`#${before.id}`).after(row);
    else fresh.querySelector("ol.attention").prepend(row);
  }
};

// after an act the counters, the flags, who stays near the site, the road and the bell come as they are now, and the
// numbers elsewhere on the page are those of the counters; where they do not come, what was done is done, and the next act
// counts again
let counted = 0;
document.body.addEventListener("acted", async () => {
  const turn = ++counted;
  try {
    const answer = await fetch(document.getElementById("counts").dataset.again);
    if (!answer.ok || answer.redirected) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (turn !== counted) return;
    const focused = document.activeElement, id = focused.id;
    for (const one of [...fresh.body.children]) {
      const shown = document.getElementById(one.id);
      if (!shown) continue;
      // where somebody has gone on to a link without a name, it would be taken from under them: with the next act
      if (one.id !== "attention" && !id && shown.contains(focused)) continue;
      if (one.id === "attention") keepCards(shown, one);
      shown.replaceWith(one);
      window.htmx.process(one);
    }
    for (const number of document.querySelectorAll("#counts [data-of]")) {
      for (const shown of document.querySelectorAll(`[data-number="${number.dataset.of}"]`)) {
        shown.textContent = number.textContent.trim();
      }
    }
    if (document.activeElement !== document.body) return;
    if (focused.isConnected) focused.focus();
    else if (id) document.getElementById(id)?.focus();
  } catch { /* no connection, or the page is left */ }
});

// how many are recorded together; without any row that can be, there is no button
const countBooked = () => {
  const form = document.getElementById("as-booked");
  if (!form) return;
  const button = form.querySelector("button[data-count]");
  const count = document.querySelectorAll("input[form=as-booked]:checked").length;
  button.textContent = button.dataset.count.replace("%s", count);
  button.disabled = count === 0;
  form.hidden = document.querySelector("input[form=as-booked]") === null;
};
document.addEventListener("htmx:afterSwap", countBooked);

// on a phone the strip of a row is opened by its button
document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-open-strip]");
  if (!opener) return;
  const row = opener.closest("li");
  row.classList.add("open");
  (row.querySelector(".strip input:checked") || row.querySelector(".strip input")).focus();
});

// a menu closes when one clicks elsewhere or presses Escape
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.more-menu[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of document.querySelectorAll("details.more-menu[open]")) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});

// an answer that is another page (the session is over): go there instead of putting it into a row
document.addEventListener("htmx:beforeSwap", (event) => {
  const address = new URL(event.detail.xhr.responseURL || location.href, location.href);
  if (!address.pathname.startsWith("/today/")) {
    event.detail.shouldSwap = false;
    location.reload();
  }
});

// the rows that were recorded together leave the place where they waited
document.addEventListener("htmx:beforeRequest", (event) => {
  if (event.target.id !== "as-booked") return;
  event.target.dataset.sent = [...document.querySelectorAll("input[form=as-booked]:checked")]
    .map((box) => box.closest("li").id).join(" ");
});
document.addEventListener("htmx:beforeSwap", (event) => {
  const form = event.detail.requestConfig && event.detail.requestConfig.elt;
  if (!form || form.id !== "as-booked" || !event.detail.shouldSwap) return;
  for (const id of (form.dataset.sent || "").split(" ")) if (id) document.getElementById(id)?.remove();
});

// the ticks of a row are saved one after the other: what was ticked while another was on its way is ticked again in
// the row that came back; the second click of a double click is none
const ticked = (form) => [...form.querySelectorAll("input:checked")].map((box) => box.id);
let later = [];
document.addEventListener("click", (event) => {
  if (event.detail > 1 && event.target.closest(".ticks .tick")) event.preventDefault();
});
document.addEventListener("htmx:beforeRequest", (event) => {
  const form = event.target;
  if (form.matches(".ticks")) form.dataset.sent = ticked(form).join(" ");
});
document.addEventListener("htmx:beforeSwap", (event) => {
  const form = event.detail.requestConfig && event.detail.requestConfig.elt;
  if (!form || !form.matches(".ticks") || !event.detail.shouldSwap) return;
  const now = ticked(form), sent = form.dataset.sent.split(" ").filter(Boolean);
  later = [...now.filter((id) => !sent.includes(id)), ...sent.filter((id) => !now.includes(id))];
});
document.addEventListener("htmx:afterSettle", () => {
  const ids = later;
  later = [];
  for (const id of ids) document.getElementById(id)?.click();
});

// no connection, or the server refused or failed: the row, or the button for several rows, stays as it was and says so
const failed = (event) => {
  const row = event.detail.elt.closest("li") || event.detail.elt;
  row.classList.add("failed");
  row.querySelector("form.ticks")?.reset();
  let words = row.querySelector(".outcome.failed");
  if (!words) {
    words = document.createElement("p");
    words.className = "outcome failed";
    (row.querySelector(".what") || row).append(words);
  }
  const {failed: unsent, refused} = document.querySelector("main").dataset;
  words.textContent = event.type === "htmx:responseError" ? refused : unsent;
  const said = document.getElementById("said");
  if (said) said.textContent = words.textContent;
};
document.addEventListener("htmx:sendError", failed);
document.addEventListener("htmx:timeout", failed);
document.addEventListener("htmx:responseError", failed);

// the focus stays in the row after a swap: on Undo, else on the row's first button
let acted = "";
document.addEventListener("htmx:beforeRequest", (event) => {
  acted = event.target.closest("li")?.id || "";
});
document.addEventListener("htmx:afterSettle", () => {
  if (document.activeElement !== document.body || !acted) return;
  const row = document.getElementById(acted);
  const next = row && (row.querySelector("form button:not(.other-day, .no-script)") || row.querySelector("a"));
  if (next) next.focus();
});
