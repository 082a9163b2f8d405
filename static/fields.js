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
    if (event.target.parentElement) event.target.parentElement.querySelector(":scope > .no-moment")?.remove();
  });
  // A day or an hour out of a message or a table, which the browser's own field drops without a word.
  const two = (text) => text.padStart(2, "0");
  const readers = {
    date: (text) => {
      const parts = text.match(/(?<!\d)(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})(?!\d)/)
        || text.match(/(?<!\d)(\d{4})(\d{2})(\d{2})(?!\d)/);
      return parts ? `${parts[1]}-${two(parts[2])}-${two(parts[3])}` : "";
    },
    time: (text) => {
      // a dot last, which days are written with as well: 2026.12.07 14:30
      const parts = text.match(/(?<!\d)(\d{1,2})\s*(?::\s*(\d{2})(?!\d)|[点时]\s*(\d{1,2})(?!\d)|[点时]\s*(半|整|钟)?(?![\d一二三四五六七八九十零差刻])|(?=[ap]m))/i)
        || text.match(/(?<![\d.])(\d{1,2})\.(\d{2})(?![\d.])/);
      if (!parts) return "";
      const hour = Number(parts[1]);
      // of which day the night is nobody has said: no guess
      if ((hour === 12 && /凌晨|晚|am/i.test(text)) || (hour < 5 && /晚/.test(text))) return "";
      const later = (hour < 12 && /下午|傍晚|晚|pm/i.test(text)) || (hour < 3 && /中午/.test(text));
      return `${two(String(later ? hour + 12 : hour))}:${two(parts[2] || parts[3] || (parts[4] === "半" ? "30" : "00"))}`;
    },
  };
  document.addEventListener("paste", (event) => {
    const field = event.target;
    if (!field.matches || !field.matches("input[type=date], input[type=time]") || field.readOnly) return;
    event.preventDefault();
    const before = field.value;
    document.querySelectorAll(".no-moment").forEach((one) => one.remove());
    field.value = readers[field.type](event.clipboardData.getData("text").normalize("NFKC"));
    if (field.value) {
      for (const kind of ["input", "change"]) field.dispatchEvent(new Event(kind, {bubbles: true}));
      return;
    }
    field.value = before;
    const words = document.createElement("small");
    words.className = "error no-moment";
    words.setAttribute("role", "alert");
    const {noDay, noHour} = document.querySelector("main").dataset;
    words.textContent = field.type === "date" ? noDay : noHour;
    field.parentElement.append(words);
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
