/* Buttons that copy: <button data-copy="text">. */
(() => {
  const copyOldWay = (text) => {
    // navigator.clipboard exists on HTTPS and localhost only; hubs also run on plain intranet names.
    const area = document.createElement("textarea");
    area.value = text;
    area.style.position = "fixed";
    area.style.opacity = "0";
    document.body.append(area);
    area.select();
    const copied = document.execCommand("copy");
    area.remove();
    return copied ? Promise.resolve() : Promise.reject(new Error("copying is not allowed"));
  };

  const copy = (text) =>
    navigator.clipboard ? navigator.clipboard.writeText(text) : copyOldWay(text);

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    event.preventDefault();
    const icon = button.querySelector(".material-symbols-outlined");
    const show = (name) => {
      if (!icon) return;
      icon.textContent = name;
      setTimeout(() => {
        icon.textContent = "content_copy";
      }, 1500);
    };
    copy(button.dataset.copy).then(
      () => show("check"),
      () => show("error"),
    );
  });
})();

/* Letters lead to the entries of a list that has the focus; Unfold takes some for its shortcuts, and
   “c” would leave the page. */
document.addEventListener("keydown", (event) => {
  const isLetter = event.key?.length === 1 && !event.ctrlKey && !event.metaKey;
  if (isLetter && event.target.closest("select")) event.stopPropagation();
});

/* Phones leave out the cells of a list that have nothing to say. */
document.addEventListener("DOMContentLoaded", () => {
  for (const cell of document.querySelectorAll("#result_list .data-row > td")) {
    if (cell.textContent.trim() === "-") cell.classList.add("tl-empty");
  }
});

/* In tables of Django's and Unfold's forms there are columns without a name, fields without a label,
   and signs with a label on what can have none. They are made when the page has been loaded. */
window.addEventListener("load", () => {
  const name = (cell) => cell?.textContent.trim().replace(/\s+/g, " ") ?? "";
  const mend = () => {
    for (const head of document.querySelectorAll("th")) {
      if (name(head) || head.querySelector("input, [aria-label]")) continue;
      const text = document.createElement("span");
      text.className = "sr-only";
      text.textContent = "Actions";
      head.append(text);
    }
    for (const field of document.querySelectorAll("td input[type=checkbox]:not([aria-label])")) {
      const cell = field.closest("td");
      const head = cell.closest("table").tHead?.rows[0]?.cells[cell.cellIndex];
      if (!field.labels.length && name(head)) {
        const row = name(cell.parentElement.querySelector("th, a"));
        field.setAttribute("aria-label", [name(head), row].filter(Boolean).join(": "));
      }
    }
    for (const sign of document.querySelectorAll("span.help-tooltip[aria-label]")) {
      sign.setAttribute("role", "img");
    }
  };
  setTimeout(mend);
});
