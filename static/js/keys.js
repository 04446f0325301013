// Keys of one letter: they do nothing while somebody types, with Ctrl, Alt or Meta, in an open window, or when they were
// switched off in the list of keys (WCAG 2.1.4). This browser remembers that.
(() => {
  const list = document.getElementById("keys");
  const field = document.getElementById("quick");
  if (!list || !field) return;
  const box = document.getElementById("keys-on");
  let on = true;
  try { on = localStorage.getItem("keys") !== "off"; } catch { /* private window: they are on */ }

  let before; // where one was before the quick search or the list of keys took the focus
  const goBack = () => {
    if (before?.isConnected && before !== document.body) before.focus();
    else document.activeElement.blur();
  };
  const remember = () => { if (!field.form.contains(document.activeElement)) before = document.activeElement; };

  const show = () => {
    remember();
    list.showModal();
    box.focus();
  };

  const KEYS = {
    "/": () => {
      remember();
      field.focus();
      field.select();
    },
    "?": show,
    r: () => document.getElementById("register-patient")?.click(),
  };

  const isTyping = (target) => target.isContentEditable || target.closest("select, textarea, input:not([type=radio], [type=checkbox], [type=button], [type=submit])");

  document.addEventListener("keydown", (event) => {
    if (!on || event.defaultPrevented || event.isComposing || event.repeat) return;
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    if (!Object.hasOwn(KEYS, event.key) || isTyping(event.target) || document.querySelector("dialog[open]")) return;
    event.preventDefault();
    KEYS[event.key]();
  });

  const tell = () => {
    box.checked = on;
    for (const hint of document.querySelectorAll("[data-for-keys]")) hint.hidden = !on;
  };
  box.addEventListener("change", () => {
    on = box.checked;
    try { localStorage.setItem("keys", on ? "on" : "off"); } catch { /* until the page is left */ }
    tell();
  });
  for (const button of document.querySelectorAll("[data-show-keys]")) {
    button.hidden = false;
    button.addEventListener("click", show);
  }
  list.querySelector("[data-close-keys]").addEventListener("click", () => list.close());
  list.addEventListener("close", goBack);
  field.form.addEventListener("quick-left", goBack);
  tell();
})();
