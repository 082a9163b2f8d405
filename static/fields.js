// The weekday beside the field of a day, while somebody types or picks it; without a script it comes with the answer.
(() => {
  const words = new Intl.DateTimeFormat(document.documentElement.lang.startsWith("zh") ? "zh-Hans" : "en",
    {weekday: document.documentElement.lang.startsWith("zh") ? "short" : "long", timeZone: "UTC"});
  const say = (field) => {
    let beside = field.nextElementSibling;
    if (!beside || !beside.classList.contains("weekday")) {
      beside = document.createElement("small");
      beside.className = "weekday";
      field.after(beside);
    }
    const day = field.valueAsDate;
    beside.textContent = day ? words.format(day) : "";
  };
  document.addEventListener("input", (event) => {
    if (event.target.matches && event.target.matches("input[type=date]")) say(event.target);
  });
  // A day out of a message or a table, which the browser's own field drops without a word.
  document.addEventListener("paste", (event) => {
    const field = event.target;
    if (!field.matches || !field.matches("input[type=date]") || field.readOnly) return;
    event.preventDefault();
    const before = field.value;
    const text = event.clipboardData.getData("text").normalize("NFKC");
    const parts = text.match(/(?<!\d)(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})(?!\d)/)
      || text.match(/(?<!\d)(\d{4})(\d{2})(\d{2})(?!\d)/);
    field.value = parts ? `${parts[1]}-${parts[2].padStart(2, "0")}-${parts[3].padStart(2, "0")}` : "";
    if (field.value) {
      for (const kind of ["input", "change"]) field.dispatchEvent(new Event(kind, {bubbles: true}));
      return;
    }
    field.value = before;
    say(field);
    field.nextElementSibling.setAttribute("role", "alert");
    field.nextElementSibling.textContent = document.querySelector("main").dataset.noDay;
  });
  document.querySelectorAll("input[type=date]").forEach((field) => field.value && say(field));
})();

// Countries and territories by their names in the language of the page, which the browser knows; the code stays.
(() => {
  const names = new Intl.DisplayNames([document.documentElement.lang.startsWith("zh") ? "zh-Hans" : "en"],
    {type: "region", fallback: "none"});
  for (const option of document.querySelectorAll("select[data-territories] option")) {
    const name = names.of(option.value);
    if (name) option.textContent = `${option.value} · ${name}`;
  }
})();
