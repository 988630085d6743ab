/* The page that takes a file: says at once if it is too large, and that it is under way. */

(() => {
  const form = document.querySelector("[data-upload]");
  if (!form) return;
  const file = form.querySelector("[type=file]");
  const problem = form.querySelector("[data-problem]");
  const waiting = form.querySelector("[data-waiting]");
  const channel = form.querySelector("[data-of-activities]");

  const isTooLarge = () => [...file.files].some((one) => one.size > Number(form.dataset.mostBytes));

  const show = () => {
    problem.textContent = isTooLarge() ? form.dataset.tooLarge : "";
    problem.hidden = !problem.textContent;
  };

  const chooseKind = () => {
    channel.hidden = form.elements.kind.value !== "activities";
  };

  const change = (event) => {
    if (event.target === file) {
      show();
      // Unfold listens to fields of files, and fails on those without its own markup around them.
      event.stopPropagation();
    } else {
      chooseKind();
    }
  };

  form.addEventListener("change", change, true);
  chooseKind();

  form.addEventListener("submit", (event) => {
    show();
    if (isTooLarge()) {
      event.preventDefault();
      return;
    }
    waiting.hidden = false;
    for (const button of form.querySelectorAll("[type=submit]")) button.disabled = true;
  });

  // A page that the browser had kept looks as it did when it was left.
  addEventListener("pageshow", () => {
    waiting.hidden = true;
    for (const button of form.querySelectorAll("[type=submit]")) button.disabled = false;
  });
})();
