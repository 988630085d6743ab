/* The live view of the inspector: asks for what has arrived, unless it is paused or nobody looks. */
(() => {
  const SECONDS = 2;
  const MOST_ROWS = 200;

  const begin = (view) => {
    const body = view.querySelector("[data-live-rows]");
    const state = view.querySelector("[data-live-state]");
    const button = view.querySelector("[data-live-pause]");
    let after = "";
    let isPaused = false;
    let isOver = false;
    let isAsking = false;

    const say = (text) => {
      if (state.textContent !== text) state.textContent = text;
    };

    const take = (answer) => {
      const template = document.createElement("template");
      template.innerHTML = answer.rows;
      const rows = [...template.content.querySelectorAll("tr")].filter(
        (row) => !body.querySelector(`[data-key="${row.dataset.key}"]`),
      );
      body.prepend(...rows);
      while (body.rows.length > MOST_ROWS) body.rows[body.rows.length - 1].remove();
      after = answer.after;
      if (answer.more) say("More arrives than is shown: these are the latest.");
      else say(body.rows.length ? "Live" : "Waiting for what arrives …");
    };

    const ask = async () => {
      if (isPaused || isOver || isAsking || document.hidden) return;
      isAsking = true;
      try {
        const url = new URL(view.dataset.live, location.href);
        url.searchParams.set("after", after);
        const response = await fetch(url, { headers: { Accept: "application/json" } });
        if (response.redirected || response.status === 403) {
          isOver = true;
          say("You are not logged in any more, or may not see this any more.");
        } else if (response.ok) {
          const answer = await response.json();
          if (!isPaused) take(answer);
        } else {
          say("The hub does not answer as it should. Trying again …");
        }
      } catch {
        say("The hub cannot be reached. Trying again …");
      } finally {
        isAsking = false;
      }
    };

    button.addEventListener("click", () => {
      isPaused = !isPaused;
      button.textContent = isPaused ? "Go on" : "Pause";
      button.setAttribute("aria-pressed", String(isPaused));
      if (isPaused) say("Paused");
      else ask();
    });
    document.addEventListener("visibilitychange", ask);
    setInterval(ask, SECONDS * 1000);
    ask();
  };

  document.querySelectorAll("[data-live]").forEach(begin);
})();
