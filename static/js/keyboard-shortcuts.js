// Single-letter keyboard shortcuts. They are off while someone types, with Ctrl, Alt or Meta, while a dialog is open,
// and when the user has turned them off (WCAG 2.1.4). The browser remembers that choice.
(() => {
  const STORAGE_KEY = "keys";
  const dialog = document.getElementById("shortcuts");
  const searchField = document.getElementById("quick");
  if (!dialog || !searchField) return;
  const enabledCheckbox = document.getElementById("shortcuts-enabled");

  const loadEnabled = () => {
    try {
      return localStorage.getItem(STORAGE_KEY) !== "off";
    } catch {
      return true; // Storage is blocked.
    }
  };
  const saveEnabled = () => {
    try {
      localStorage.setItem(STORAGE_KEY, isEnabled ? "on" : "off");
    } catch {
      // Storage is blocked, so the choice lasts until the page is closed.
    }
  };
  let isEnabled = loadEnabled();

  // The element that had the focus before the quick search or the list of shortcuts took it.
  let returnFocusTo;
  const rememberFocus = () => {
    if (!searchField.form.contains(document.activeElement)) returnFocusTo = document.activeElement;
  };
  const returnFocus = () => {
    if (returnFocusTo?.isConnected && returnFocusTo !== document.body) returnFocusTo.focus();
    else document.activeElement.blur();
  };

  const openList = () => {
    rememberFocus();
    dialog.showModal();
    enabledCheckbox.focus();
  };
  const focusQuickSearch = () => {
    rememberFocus();
    searchField.focus();
    searchField.select();
  };
  const registerPatient = () => document.getElementById("register-patient")?.click();

  const SHORTCUTS = { "/": focusQuickSearch, "?": openList, r: registerPatient };

  const TEXT_FIELDS = "select, textarea, input:not([type=radio], [type=checkbox], [type=button], [type=submit])";
  const isTextField = (element) => element.isContentEditable || element.closest(TEXT_FIELDS);

  document.addEventListener("keydown", (event) => {
    if (!isEnabled || event.defaultPrevented || event.isComposing || event.repeat) return;
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    if (!Object.hasOwn(SHORTCUTS, event.key)) return;
    if (isTextField(event.target) || document.querySelector("dialog[open]")) return;
    event.preventDefault();
    SHORTCUTS[event.key]();
  });

  const showState = () => {
    enabledCheckbox.checked = isEnabled;
    for (const hint of document.querySelectorAll("[data-shortcut-hint]")) hint.hidden = !isEnabled;
  };
  enabledCheckbox.addEventListener("change", () => {
    isEnabled = enabledCheckbox.checked;
    saveEnabled();
    showState();
  });

  for (const button of document.querySelectorAll("[data-open-shortcuts]")) {
    button.hidden = false;
    button.addEventListener("click", openList);
  }
  dialog.querySelector("[data-close-shortcuts]").addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", returnFocus);
  searchField.form.addEventListener("quick-search-exit", returnFocus);
  showState();
})();
