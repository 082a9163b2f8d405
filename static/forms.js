// A form is sent once, however often its button is pressed, and where there is no connection the page says so and
// keeps what was typed. Without a script the browser does both in its own way. Forms that htmx sends are not ours;
// the second click of a double click is, wherever it lands.
(() => {
  const FILE = 10000; // milliseconds after which a form whose answer was a file, and no page, may be sent again
  const asked = new WeakSet();
  const reached = new WeakSet();
  let waiting = [];

  const free = (form) => {
    asked.delete(form);
    waiting = waiting.filter((one) => one !== form);
  };

  const forget = () => document.querySelectorAll(".note.unsent").forEach((one) => one.remove());

  const say = (form, button) => {
    forget();
    const words = document.createElement("p");
    words.className = "note error unsent";
    words.setAttribute("role", "alert");
    words.textContent = document.querySelector("main").dataset.failed;
    (button && !form.contains(button) ? button.parentElement : form).append(words);
    words.scrollIntoView({ block: "nearest" });
  };

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented || form.getAttribute("method")?.toLowerCase() !== "post") return;
    if (reached.delete(form)) return;
    event.preventDefault();
    if (asked.has(form)) return;
    asked.add(form);
    waiting.push(form);
    // whether there is a connection is asked by something small; any answer will do
    const small = document.querySelector("link[rel=icon]").href;
    fetch(small, { method: "HEAD", cache: "no-store" }).then(() => {
      forget();
      reached.add(form);
      form.requestSubmit(event.submitter);
      setTimeout(free, FILE, form);
    }, () => {
      free(form);
      say(form, event.submitter);
    });
  });

  // The second click of a double click may meet what the first put there: the link of a row that came back, or
  // the button of the next row. It is not what the hand meant.
  const HAND = 500; // milliseconds within which two clicks at one place are one double click
  const control = (event) => event.target.closest("a, button, summary, label, input, select, textarea");
  let pressed = null;
  let slipped = false;
  document.addEventListener("pointerdown", (event) => {
    const now = { control: control(event), at: event.timeStamp, x: event.clientX, y: event.clientY };
    slipped = pressed !== null && pressed.control !== null && now.control !== pressed.control
      && now.at - pressed.at < HAND && Math.hypot(now.x - pressed.x, now.y - pressed.y) < 5;
    pressed = now;
  }, true);
  document.addEventListener("click", (event) => {
    if (!slipped || !event.detail) return; // no detail: a key pressed it
    event.preventDefault();
    event.stopImmediatePropagation();
  }, true);

  // gone back to: the page is as it was left, and its forms may be sent again
  window.addEventListener("pageshow", () => waiting.forEach(free));
})();
