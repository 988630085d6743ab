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

/* Letters lead to the entries of a select that has the focus; Unfold takes some for its shortcuts.
   Its “c” adds a row to a list. It would leave a form, too, which who types ahead may not mean: for a
   moment nothing has the focus, while a card is made. */
document.addEventListener("keydown", (event) => {
  const isLetter = event.key?.length === 1 && !event.ctrlKey && !event.metaKey;
  if (!isLetter) return;
  const leavesForm = event.key === "c" && !document.getElementById("changelist");
  if (leavesForm || event.target.closest("select")) event.stopPropagation();
});

/* Phones leave out the cells of a list that have nothing to say, and name times and numbers, which
   say too little without the head of their column. */
document.addEventListener("DOMContentLoaded", () => {
  for (const cell of document.querySelectorAll("#result_list .data-row > td")) {
    const said = cell.textContent.trim();
    if (said === "-") cell.classList.add("tl-empty");
    if (!cell.querySelector("time") && !/^([\d,]+|Never)$/.test(said)) continue;
    const head = cell.closest("table").tHead.rows[0].cells[cell.cellIndex];
    const label = document.createElement("span");
    label.className = "tl-label";
    label.textContent = `${head.querySelector(".text").textContent.trim()} `;
    cell.prepend(label);
  }
});

/* In tables of Django's and Unfold's forms there are columns without a name, fields without a label,
   and signs with a label on what can have none; icons are words to screen readers, and what takes
   clicks is no button to keys. They are made when the page has been loaded. */
window.addEventListener("load", () => {
  const ICON = ".material-symbols-outlined";
  const CLICKED = `:is(a:not([href]), ${ICON})[x-on\\:click]:not(button ${ICON}, [tabindex])`;
  const name = (cell) => cell?.textContent.trim().replace(/\s+/g, " ") ?? "";
  // Icons are called by words with lines between them, such as “open_in_new”.
  const named = (icon) => name(icon).replaceAll("_", " ").replace(/^./, (one) => one.toUpperCase());
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
    for (const one of document.querySelectorAll(CLICKED)) {
      one.setAttribute("role", "button");
      one.tabIndex = 0;
      if (one.matches(ICON)) one.setAttribute("aria-label", named(one));
    }
    for (const icon of document.querySelectorAll(`${ICON}:not([aria-hidden], [role])`)) {
      const holder = icon.closest("a, button, [role=button]");
      if (holder && name(holder) === name(icon) && !holder.matches("[aria-label], [title]")) {
        holder.setAttribute("aria-label", named(icon));
      }
      icon.setAttribute("aria-hidden", "true");
    }
  };
  setTimeout(mend);
});

/* What is a button to screen readers alone is pressed by Enter and the space bar, as others are. */
document.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" && event.key !== " ") return;
  if (!event.target.matches?.("[role=button]:not(a[href], button)[x-on\\:click]")) return;
  event.preventDefault();
  event.target.click();
});
