/* Fills the code name in from the name, with underscores, until the user writes one. */
(() => {
  const codeNameOf = (name) =>
    name
      .normalize("NFKD")
      .replace(/[\u0300-\u036f]/g, "")
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, "_")
      .replace(/^_+|_+$/g, "");

  document.addEventListener("DOMContentLoaded", () => {
    const codeName = document.querySelector("[data-code-name-of]");
    const name = codeName && document.getElementById(codeName.dataset.codeNameOf);
    if (!name) return;
    let written = codeName.value;
    name.addEventListener("input", () => {
      if (codeName.value !== written) return;
      written = codeName.value = codeNameOf(name.value);
    });
  });
})();
