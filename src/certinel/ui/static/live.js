// A list that goes on by itself. Paused it stays paused, over reloads too: the address says so.

import { copyButtons } from "./main.js";

const body = document.querySelector("[data-live-address]");
const words = document.querySelector("[data-live-words]");
const state = document.querySelector("[data-live-state]");
const button = document.querySelector("[data-live-switch]");
let source = null;

function show(name) {
  state.dataset.state = name;
  words.textContent = words.dataset[name];
  button.textContent = name === "off" ? button.dataset.goOn : button.dataset.pause;
}

function put(row) {
  const holder = document.createElement("template");
  holder.innerHTML = row.html; // made and escaped by the server, by the template of the other rows
  const fresh = holder.content.querySelector("tr");
  const old = document.getElementById(`row-${row.id}`);
  const below = old?.nextElementSibling;
  const opened = below?.classList.contains("opened") ? below : null;
  if (opened) {
    fresh.replaceChild(old.lastElementChild, fresh.lastElementChild);
    fresh.dataset.open = "";
  }
  old?.remove();
  fresh.dataset.new = "";
  setTimeout(() => delete fresh.dataset.new, 2000);
  body.prepend(fresh);
  if (opened) fresh.after(opened);
}

function receive(event) {
  const news = JSON.parse(event.data);
  if (news.ended) {
    location.reload();
    return;
  }
  for (const row of news.rows) put(row);
  const rows = [...body.querySelectorAll("tr:not(.opened)")];
  for (const row of rows.slice(Number(body.dataset.liveSize))) {
    if (row.nextElementSibling?.classList.contains("opened")) row.nextElementSibling.remove();
    row.remove();
  }
  document.querySelector("[data-live-empty]")?.remove();
  document.querySelector("[data-live-table]").hidden = false;
  copyButtons(body);
}

function goOn() {
  source = new EventSource(body.dataset.liveAddress);
  source.addEventListener("message", receive);
  source.addEventListener("open", () => show("on"));
  source.addEventListener("error", () => show("lost"));
  show("on");
}

function remember(isPaused) {
  const address = new URL(location.href);
  if (isPaused) address.searchParams.set("paused", "1");
  else address.searchParams.delete("paused");
  history.replaceState(null, "", address);
}

button.addEventListener("click", () => {
  if (source) {
    source.close();
    source = null;
    show("off");
  } else {
    goOn();
  }
  remember(source === null);
});

if (body.dataset.live !== undefined || new URL(location.href).searchParams.has("paused")) {
  button.hidden = false;
  state.hidden = false;
  if (body.dataset.live !== undefined) goOn();
  else show("off");
}
addEventListener("pagehide", () => source?.close());
