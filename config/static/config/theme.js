/* The theme of the page, before it is drawn: as chosen here or in the admin, else as the system has it. */
(() => {
  const chosen = () => {
    try {
      const theme = JSON.parse(localStorage.getItem("_x_adminTheme") || "null");
      return theme === "dark" || theme === "light" ? theme : "";
    } catch {
      return "";
    }
  };
  const theme = chosen();
  if (theme) document.documentElement.dataset.theme = theme;
})();
