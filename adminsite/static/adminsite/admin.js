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
