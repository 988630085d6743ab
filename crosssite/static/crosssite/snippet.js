/* Puts the chosen name of the function into the snippets, as long as it can be one. */
(() => {
  const isFunctionName = ({ dataset, value }) =>
    new RegExp(dataset.pattern).test(value) && !dataset.reserved.split(" ").includes(value);

  const rename = (name, placeholder) => {
    for (const code of document.querySelectorAll("[data-snippet]")) {
      // A function, because a name may hold the $ that a replacement would give a meaning to.
      const text = code.dataset.snippet.replaceAll(placeholder, () => name);
      code.textContent = text;
      code.closest(".cs-code").querySelector("[data-copy]").dataset.copy = text;
    }
  };

  document.addEventListener("DOMContentLoaded", () => {
    const input = document.querySelector("[data-function-name]");
    if (!input) return;
    const error = document.querySelector("[data-function-name-error]");
    const update = () => {
      const isValid = isFunctionName(input);
      error.hidden = isValid;
      input.setAttribute("aria-invalid", String(!isValid));
      if (isValid) rename(input.value, input.dataset.placeholder);
    };
    input.addEventListener("input", update);
    // Browsers keep what was typed when a page is loaded again.
    update();
  });
})();
