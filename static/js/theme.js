// Apply the saved theme, or the system's theme, before the first paint.
(() => {
  const root = document.documentElement;
  const systemPrefersDark = matchMedia("(prefers-color-scheme: dark)");

  const loadTheme = () => {
    try {
      return localStorage.getItem("theme");
    } catch {
      return null; // Storage is blocked.
    }
  };
  const saveTheme = (theme) => {
    try {
      localStorage.setItem("theme", theme);
    } catch {
      // Storage is blocked, so the theme lasts until the page is closed.
    }
  };

  const applyTheme = () => {
    root.dataset.bsTheme = loadTheme() || (systemPrefersDark.matches ? "dark" : "light");
  };
  const toggleTheme = () => {
    const theme = root.dataset.bsTheme === "dark" ? "light" : "dark";
    saveTheme(theme);
    root.dataset.bsTheme = theme;
  };

  applyTheme();
  systemPrefersDark.addEventListener("change", applyTheme);
  document.addEventListener("DOMContentLoaded", () => {
    for (const button of document.querySelectorAll("[data-theme-switch]")) {
      button.hidden = false;
      button.addEventListener("click", toggleTheme);
    }
  });
})();
