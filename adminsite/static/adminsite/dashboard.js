/* The dashboard refreshes by itself: every minute, and not while nobody looks at it. What is open
   stays open, and what has the focus keeps it. */
(() => {
  const EVERY = 60_000;
  let refreshed = Date.now();
  let kept = { open: [], focus: null };

  const dashboard = () => document.getElementById("dashboard");
  const links = (part) => [...part.querySelectorAll("a, summary")];

  const refresh = () => {
    if (document.hidden || !dashboard() || Date.now() - refreshed < EVERY) return;
    refreshed = Date.now();
    htmx.trigger(dashboard(), "refresh-dashboard");
  };

  const keep = (part) => {
    const all = links(part);
    const number = all.indexOf(document.activeElement);
    kept = {
      open: [...part.querySelectorAll("details[open]")].map((one) => one.dataset.key),
      focus: number < 0 ? null : { number, href: all[number].getAttribute("href") },
    };
  };

  const restore = (part) => {
    for (const one of part.querySelectorAll("details")) {
      one.open = kept.open.includes(one.dataset.key);
    }
    if (!kept.focus) return;
    const { number, href } = kept.focus;
    const all = links(part);
    const same = href && all.find((one) => one.getAttribute("href") === href && one.tabIndex >= 0);
    // The address of a list has the time until which it goes, so it may be another one by now.
    (same || all[number])?.focus({ preventScroll: true });
  };

  document.addEventListener("htmx:beforeSwap", ({ detail }) => {
    if (detail.target?.id !== "dashboard") return;
    if (detail.xhr.status === 200 && !detail.xhr.responseText.includes('id="dashboard"')) {
      // The session has ended: the page of the login comes, with the way back.
      detail.shouldSwap = false;
      window.location.reload();
      return;
    }
    keep(dashboard());
  });
  document.addEventListener("htmx:afterSwap", () => {
    if (dashboard()) restore(dashboard());
  });
  document.addEventListener("visibilitychange", refresh);
  setInterval(refresh, 5_000);
})();
