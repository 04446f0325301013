// What JavaScript adds to the family's pages; every page works without it.
(() => {
  const root = document.documentElement;

  // A secret in the fragment never reached a server. It goes into its field, and out of the address at once.
  const readTheFragment = () => {
    const found = /^#(pin|q)=([\w-]+)(?:\.(\w+))?$/.exec(location.hash);
    if (!found) return;
    history.replaceState(null, "", location.pathname + location.search);
    const form = document.querySelector("[data-pin-form]");
    if (!form) return;
    if (found[1] === "pin") {
      form.elements.pin.value = found[2].toUpperCase().replace(/[^0-9A-Z]/g, "").replace(/(.{4})(?=.)/g, "$1-");
      form.elements.mark.value = found[3] || "";
    } else {
      form.elements.link.value = found[2];
      form.querySelector("[data-pin-field]").hidden = true;
      form.elements.pin.required = false;
    }
    for (const said of form.querySelectorAll("[data-read]")) said.hidden = said.dataset.read !== found[1];
  };

  // A pasted link in the PIN's field is longer than a PIN: it is sent as it is.
  const showAndHide = (button) => {
    const field = document.getElementById(button.getAttribute("aria-controls"));
    button.hidden = false;
    button.addEventListener("click", () => {
      const shows = field.type === "text";
      field.type = shows ? "password" : "text";
      button.setAttribute("aria-pressed", String(!shows));
      button.textContent = shows ? button.dataset.show : button.dataset.hide;
    });
  };

  // A second tap does nothing; coming back to the page makes the button work again.
  const onlyOnce = (form) => {
    form.addEventListener("submit", (event) => {
      if (form.dataset.sent) event.preventDefault();
      form.dataset.sent = "yes";
    });
  };

  // The practice's own screen: nobody there for three minutes, a warning; then everything is cleared.
  const watchTheScreen = (bar) => {
    const SECOND = 1000;
    const warning = bar.querySelector("[data-idle-warning]");
    const left = bar.querySelector("[data-seconds]");
    const idle = Number(bar.dataset.kiosk);
    let touched = Date.now();
    for (const kind of ["keydown", "pointerdown", "scroll"]) {
      document.addEventListener(kind, () => { touched = Date.now(); }, { passive: true });
    }
    setInterval(() => {
      const seconds = idle - Math.round((Date.now() - touched) / SECOND);
      if (warning.hidden !== seconds > 30) warning.hidden = seconds > 30;
      left.textContent = String(Math.max(seconds, 0));
      if (seconds <= 0) {
        touched = Date.now();
        bar.querySelector("form").submit();
      }
    }, SECOND);
  };

  // A session or a draft ends when nobody is there; who is there is asked first (WCAG 2.2.1), and kept by typing.
  const watchTheSession = (warning) => {
    const MINUTE = 60 * 1000;
    const minutes = Number(warning.dataset.idle);
    const token = document.querySelector("[name=csrfmiddlewaretoken]")?.value || "";
    let touched = Date.now();
    let told = Date.now();
    const tell = async () => {
      told = Date.now();
      warning.hidden = true;
      const answer = await fetch(warning.dataset.stillHere, { method: "POST", headers: { "X-CSRFToken": token } }).catch(() => null);
      if (answer?.status === 400) location.reload();
    };
    for (const kind of ["keydown", "pointerdown"]) {
      document.addEventListener(kind, () => { touched = Date.now(); }, { passive: true });
    }
    warning.querySelector("button").addEventListener("click", tell);
    setInterval(() => {
      if (warning.hidden && touched > told && Date.now() - told > 4 * MINUTE) tell();
      const idle = (Date.now() - told) / MINUTE;
      if (idle >= minutes) location.reload();
      else if (idle >= minutes - 2) warning.hidden = false;
    }, MINUTE / 4);
  };

  // Who comes back with the browser's button sees the page as the server gives it now.
  addEventListener("pageshow", (event) => {
    if (event.persisted) location.reload();
    for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
  });

  root.classList.add("js");
  readTheFragment();
  addEventListener("hashchange", readTheFragment);
  for (const button of document.querySelectorAll("[data-show]")) showAndHide(button);
  for (const form of document.querySelectorAll("form[data-once]")) onlyOnce(form);
  for (const each of document.querySelectorAll("[data-print]")) {
    each.hidden = false;
    each.addEventListener("click", () => print());
  }
  const idle = document.querySelector("[data-idle]");
  if (idle) watchTheSession(idle);
  const kiosk = document.querySelector("[data-kiosk]");
  if (kiosk) watchTheScreen(kiosk);
  document.querySelector("[data-take-focus]")?.focus();
})();
