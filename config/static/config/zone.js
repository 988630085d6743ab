/* Proposes the time zone of the browser, where that is one to choose and is not chosen. */
(() => {
  const select = document.getElementById("id_zone");
  const proposal = document.getElementById("browser-zone");
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const isOffered = [...(select?.options ?? [])].some((option) => option.value === zone);
  if (!proposal || !isOffered || select.value === zone) return;
  proposal.querySelector("b").textContent = zone.replaceAll("_", " ");
  proposal.hidden = false;
  proposal.querySelector("button").addEventListener("click", () => {
    select.value = zone;
    proposal.hidden = true;
    select.focus();
  });
})();
