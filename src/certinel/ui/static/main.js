// What pages can do more where scripts run. Everything here can also be done without it.

const html = document.documentElement;

function copyButtons(root) {
  for (const button of root.querySelectorAll("[data-copy]")) button.hidden = !navigator.clipboard;
}

async function copy(button) {
  await navigator.clipboard.writeText(button.dataset.copy);
  button.dataset.done = "";
  setTimeout(() => delete button.dataset.done, 1500);
}

function post(form, submitter) {
  return fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form, submitter)), redirect: "manual" });
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (button?.dataset.copy !== undefined) copy(button);
  for (const menu of document.querySelectorAll("details[data-menu][open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});

document.addEventListener("submit", (event) => {
  const button = event.submitter;
  if (button?.dataset.themeChoice !== undefined) {
    event.preventDefault();
    html.dataset.theme = button.value;
    for (const other of document.querySelectorAll("[data-theme-choice]")) other.setAttribute("aria-pressed", other === button);
    button.closest("details").open = false;
    post(event.target, button);
  } else if (button?.dataset.fold !== undefined) {
    event.preventDefault();
    post(event.target, button);
    document.body.dataset.navigator = button.value;
    button.value = button.value === "collapsed" ? "open" : "collapsed";
    const label = button.dataset.other;
    button.dataset.other = button.title;
    button.title = label;
    button.setAttribute("aria-label", label);
  }
});

document.addEventListener("keydown", (event) => {
  const isTyping = event.target.matches("input, textarea, select, [contenteditable]");
  if (event.key === "/" && !isTyping && !event.ctrlKey && !event.metaKey && !event.altKey) {
    const search = document.getElementById("search");
    if (search) {
      event.preventDefault();
      search.focus();
    }
  } else if (event.key === "Escape") {
    const menu = document.querySelector("details[data-menu][open]");
    if (menu) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  }
});

document.addEventListener("change", (event) => {
  const field = event.target;
  if (field.dataset.submit !== undefined) field.form.requestSubmit();
  if (field.type === "file") {
    const chosen = field.closest("[data-drop]")?.querySelector("[data-chosen]");
    if (chosen) chosen.textContent = [...field.files].map((file) => file.name).join(", ");
    if (field.dataset.submitOnChoice !== undefined && field.files.length) field.form.requestSubmit();
  }
});

for (const area of document.querySelectorAll("[data-drop]")) {
  const field = area.querySelector("input[type=file]");
  const hover = (event) => {
    event.preventDefault();
    area.dataset.over = "";
  };
  area.addEventListener("dragenter", hover);
  area.addEventListener("dragover", hover);
  area.addEventListener("dragleave", () => delete area.dataset.over);
  area.addEventListener("drop", (event) => {
    event.preventDefault();
    delete area.dataset.over;
    if (!event.dataTransfer.files.length) return;
    field.files = event.dataTransfer.files;
    field.dispatchEvent(new Event("change", { bubbles: true }));
  });
}

if (document.querySelector("[data-sign]")) import("./sign.js");
if (document.querySelector("[data-live-address]")) import("./live.js");

// Relative times go on: a page stays open for hours.
const UNITS = [["year", 31536000], ["month", 2592000], ["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];
const wording = new Intl.RelativeTimeFormat(html.lang, { numeric: "always" });

function tell(element) {
  const seconds = (Date.parse(element.dateTime) - Date.now()) / 1000;
  const [unit, size] = UNITS.find(([, length]) => Math.abs(seconds) >= length) ?? UNITS.at(-1);
  if (Math.abs(seconds) >= 5) element.textContent = wording.format(Math.trunc(seconds / size), unit);
}

setInterval(() => document.querySelectorAll("time[data-relative]").forEach(tell), 20000);

// On a phone the navigator is a row that is longer than the window: begin where one is.
const here = document.querySelector(".navigator [aria-current]");
if (here) {
  const column = here.closest(".navigator-column");
  const { left, width } = here.getBoundingClientRect();
  column.scrollLeft += left + width / 2 - column.clientWidth / 2;
}

copyButtons(document);

export { copyButtons };
