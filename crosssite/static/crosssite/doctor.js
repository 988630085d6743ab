/* Shows what the site doctor finds out while somebody watches. */
(() => {
  const EVERY = 2000;

  document.addEventListener("DOMContentLoaded", () => {
    const state = document.querySelector("[data-doctor]");
    if (!state) return;
    const parts = new Map(
      Array.from(document.querySelectorAll("[data-part]"), (part) => [part.dataset.part, part]),
    );
    const shown = new Map();
    let timer;
    let asking = false;

    const show = (answer) => {
      state.dataset.state = answer.state;
      for (const [name, html] of Object.entries(answer.html)) {
        // Only what is new, so that nobody loses a selection.
        if (shown.get(name) !== html) parts.get(name).innerHTML = html;
        shown.set(name, html);
      }
    };

    const ask = async () => {
      if (asking) return;
      asking = true;
      let goOn = true;
      try {
        const response = await fetch(state.dataset.doctor, {
          headers: { Accept: "application/json" },
          redirect: "manual",
        });
        // Sent to the login, or not allowed any more: asking again would not help.
        goOn = response.ok || response.status >= 500;
        if (response.ok) show(await response.json());
      } catch {
        // The hub is away, and may come back.
      }
      asking = false;
      clearTimeout(timer);
      if (goOn && !document.hidden) timer = setTimeout(ask, EVERY);
    };

    document.addEventListener("visibilitychange", () => {
      clearTimeout(timer);
      if (!document.hidden) ask();
    });
    if (!document.hidden) ask();
  });
})();
