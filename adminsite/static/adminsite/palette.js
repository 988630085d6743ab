/* The search that Ctrl+K opens: a dialog with a combobox. htmx asks for what was found. */
(() => {
  const find = (id) => document.getElementById(id);
  const options = () => [...document.querySelectorAll("#palette-results [role=option]")];
  let chosen = null;
  // What the list on the page was found for, and whether Enter was pressed before it had come.
  let foundFor = "";
  let waiting = null;

  const choose = (option) => {
    chosen?.setAttribute("aria-selected", "false");
    chosen = option ?? null;
    const input = find("palette-term");
    if (!chosen) {
      input.removeAttribute("aria-activedescendant");
      return;
    }
    chosen.setAttribute("aria-selected", "true");
    input.setAttribute("aria-activedescendant", chosen.id);
    chosen.scrollIntoView({ block: "nearest" });
  };

  const step = (by) => {
    const all = options();
    if (!all.length) return;
    const at = all.indexOf(chosen) + by;
    choose(all[(at + all.length) % all.length]);
  };

  const typed = () => find("palette-term").value.trim();

  const follow = (option, inNewTab) => {
    if (!option) return;
    if (inNewTab) window.open(option.href, "_blank", "noopener");
    else window.location.assign(option.href);
  };

  const show = () => {
    const all = options();
    const isEmpty = typed() === "";
    find("palette-hint").hidden = !isEmpty;
    find("palette-term").setAttribute("aria-expanded", String(all.length > 0));
    find("palette-term").setAttribute(
      "aria-controls",
      all.length ? "palette-list" : "palette-results",
    );
    choose(all[0]);
    const count = all.length === 1 ? "One thing found." : `${all.length} things found.`;
    find("palette-status").textContent = isEmpty ? "" : all.length ? count : "Nothing found.";
  };

  const open = () => {
    const dialog = find("palette");
    if (!dialog || dialog.open) return;
    dialog.showModal();
    find("palette-term").select();
    show();
  };

  const close = () => find("palette")?.close();

  document.addEventListener(
    "keydown",
    (event) => {
      const isShortcut =
        event.key?.toLowerCase() === "k" &&
        (event.ctrlKey || event.metaKey) &&
        !event.shiftKey &&
        !event.altKey;
      // Editors of text have links at these keys.
      if (!isShortcut || document.activeElement?.isContentEditable || !find("palette")) return;
      event.preventDefault();
      event.stopPropagation();
      if (find("palette").open) close();
      else open();
    },
    true,
  );

  document.addEventListener("keydown", (event) => {
    if (event.target.id !== "palette-term" || event.isComposing) return;
    if (event.key === "ArrowDown") step(1);
    else if (event.key === "ArrowUp") step(-1);
    else if (event.key === "Enter") {
      const inNewTab = event.ctrlKey || event.metaKey;
      if (typed() !== foundFor) {
        // What is on the page was found for something else.
        waiting = { inNewTab };
        window.htmx.trigger(event.target, "now");
      } else follow(chosen, inNewTab);
    } else return;
    event.preventDefault();
  });

  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-palette-close]") || event.target.id === "palette") close();
    const opens = event.target.closest("[data-palette-open]");
    if (!opens || event.ctrlKey || event.metaKey || event.shiftKey || !find("palette")) return;
    event.preventDefault();
    open();
  });

  document.addEventListener("mousemove", (event) => {
    const option = event.target.closest?.("#palette-results [role=option]");
    if (option && option !== chosen) choose(option);
  });

  document.addEventListener("input", (event) => {
    if (event.target.id === "palette-term") waiting = null;
  });

  document.addEventListener("htmx:beforeSwap", (event) => {
    if (event.target.id !== "palette-results") return;
    // A session that has ended leads to the login.
    const path = new URL(event.detail.xhr.responseURL).pathname;
    if (path === new URL(find("palette-term").form.action).pathname) return;
    event.preventDefault();
    window.location.reload();
  });

  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.target.id !== "palette-results") return;
    foundFor = new URL(event.detail.xhr.responseURL).searchParams.get("q")?.trim() ?? "";
    show();
    if (waiting && foundFor === typed()) {
      follow(chosen, waiting.inNewTab);
      waiting = null;
    }
  });

  document.addEventListener("DOMContentLoaded", () => {
    if (!/Mac|iPhone|iPad/.test(navigator.platform)) return;
    for (const keys of document.querySelectorAll("[data-palette-keys]")) keys.textContent = "⌘ K";
  });
})();
