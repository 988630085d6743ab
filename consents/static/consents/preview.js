/* A live preview beside each <textarea data-preview>: what is left of its HTML once it is cleaned. */
(() => {
  const DELAY = 300;

  const csrfToken = () => document.querySelector("[name=csrfmiddlewaretoken]").value;

  const previewUrl = () => document.querySelector("[data-preview-url]").dataset.previewUrl;

  const frameFor = (textarea) => {
    const box = document.createElement("div");
    box.className = "flex flex-col";
    const name = document.createElement("p");
    name.className = "mb-1 text-subtle text-xs";
    name.textContent = "Preview, as people will see it";
    const frame = document.createElement("iframe");
    frame.className = "grow tl-frame";
    frame.title = "Preview";
    frame.setAttribute("sandbox", "");
    box.append(name, frame);
    const pair = document.createElement("div");
    pair.className = "gap-3 grid xl:grid-cols-2";
    const whole = textarea.closest("[data-text]") || textarea;
    whole.before(pair);
    pair.append(whole, box);
    return frame;
  };

  const attach = (textarea) => {
    if (textarea.dataset.previewed || textarea.name.includes("__prefix__")) return;
    textarea.dataset.previewed = "yes";
    const frame = frameFor(textarea);
    let timer;
    let latest = 0;

    const update = async () => {
      const number = ++latest;
      const response = await fetch(previewUrl(), {
        method: "POST",
        headers: { "X-CSRFToken": csrfToken() },
        body: new URLSearchParams({ html: textarea.value }),
      });
      // An answer that was overtaken by a newer one is dropped.
      if (response.ok && number === latest) frame.srcdoc = await response.text();
    };

    textarea.addEventListener("input", () => {
      clearTimeout(timer);
      timer = setTimeout(update, DELAY);
    });
    update();
  };

  const attachAll = () => document.querySelectorAll("textarea[data-preview]").forEach(attach);

  document.addEventListener("DOMContentLoaded", () => {
    attachAll();
    // Unfold announces added rows, some of its versions before the row has its final names.
    document.addEventListener("formset:added", () => setTimeout(attachAll));
    new MutationObserver(attachAll).observe(document.querySelector("#content-main"), {
      childList: true,
      subtree: true,
    });
  });
})();
