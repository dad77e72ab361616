// A table of devices: dropped, sent with its progress shown, answered in place. Without this it is a plain form.

import { copyButtons } from "./main.js";

const place = document.querySelector("[data-bulk]");

function watchDrop(drop, input) {
  const stop = (event) => event.preventDefault();
  for (const kind of ["dragenter", "dragover"]) {
    drop.addEventListener(kind, (event) => { stop(event); drop.dataset.over = ""; });
  }
  for (const kind of ["dragleave", "drop"]) {
    drop.addEventListener(kind, (event) => { stop(event); delete drop.dataset.over; });
  }
  drop.addEventListener("drop", (event) => {
    if (event.dataTransfer.files.length) input.files = event.dataTransfer.files;
  });
}

function filled(words, facts) {
  return words.replace(/\{(\w+)\}/g, (_, name) => facts[name]);
}

function send(form) {
  const bar = form.querySelector("progress");
  const words = form.querySelector("[data-words]");
  const button = form.querySelector("button.primary");
  const number = crypto.randomUUID();
  form.elements.upload.value = number;
  form.querySelector("[data-progress]").hidden = false;
  button.disabled = true;
  let watching = 0;

  async function look() {
    const answer = await fetch(`/ui/registration/uploads/${number}`).then((one) => (one.ok ? one.json() : null), () => null);
    if (!watching) return;
    if (answer?.of) {
      bar.max = answer.of;
      bar.value = answer.done;
      words.textContent = filled(place.dataset.working, { done: answer.done.toLocaleString("en"), of: answer.of.toLocaleString("en") });
    }
    watching = setTimeout(look, 400);
  }

  const request = new XMLHttpRequest();
  request.upload.addEventListener("progress", (event) => {
    bar.max = event.total;
    bar.value = event.loaded;
    words.textContent = place.dataset.sending;
  });
  request.upload.addEventListener("load", () => {
    bar.removeAttribute("value");
    words.textContent = place.dataset.reading;
    watching = setTimeout(look, 200);
  });
  request.addEventListener("loadend", () => {
    clearTimeout(watching);
    watching = 0;
    if (!request.status) {
      words.textContent = place.dataset.failed;
      button.disabled = false;
      return;
    }
    if (request.status === 401) location.assign("/ui/sign-in?next=/ui/registration/bulk");
    else show(request.responseText);
  });
  request.open("POST", form.action);
  request.send(new FormData(form));
}

function show(text) {
  const page = new DOMParser().parseFromString(text, "text/html");
  const main = page.querySelector("main");
  document.title = page.title;
  document.querySelector("main").replaceWith(main);
  copyButtons(main);
  main.focus();
  begin(main.querySelector("[data-bulk]"));
}

function begin(where) {
  if (!where) return;
  const form = where.querySelector("form");
  watchDrop(form.querySelector("[data-drop]"), form.elements.file);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send(form);
  });
}

begin(place);
