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
