// Choosing several rows of a list. Without this the boxes are chosen one by one.

for (const all of document.querySelectorAll("[data-select-all]")) {
  const form = all.closest("form");
  const boxes = [...form.querySelectorAll("[data-select]")];
  const bar = form.querySelector("[data-selection]");
  const words = bar.querySelector("[data-selection-count]");
  const begin = words.textContent;

  function look() {
    const chosen = boxes.filter((box) => box.checked).length;
    all.checked = chosen === boxes.length;
    all.indeterminate = chosen > 0 && chosen < boxes.length;
    bar.toggleAttribute("data-any", chosen > 0);
    words.textContent = chosen ? words.dataset.words.replace("{count}", chosen) : begin;
    for (const button of bar.querySelectorAll("button")) button.disabled = !chosen;
  }

  all.hidden = false;
  all.addEventListener("change", () => {
    for (const box of boxes) box.checked = all.checked;
    look();
  });
  for (const box of boxes) box.addEventListener("change", look);
  look();
}
