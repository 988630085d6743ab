/* Says on the page when a passkey did not work: allauth's script only tells the console. */
document.addEventListener("allauth.error", (event) => {
  const note = document.getElementById("passkey-error");
  if (!note) return;
  event.preventDefault();
  const { exception } = event.detail;
  note.textContent = !window.PublicKeyCredential
    ? "This browser cannot use passkeys here. They need HTTPS, or the name localhost."
    : exception.name === "InvalidStateError"
      ? "This key was added before."
      : exception.name === "NotAllowedError"
        ? "The key did not answer, or you cancelled. Try again."
        : exception.name === "SecurityError"
          ? "The browser refuses passkeys for this address. Open the hub by its name, not by a number."
          : "The passkey could not be used. Try again, or log in another way.";
  note.hidden = false;
  note.focus();
});
