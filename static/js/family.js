// Behavior of the family pages. All pages also work without JavaScript.
(() => {
  const { MINUTE, ACTIVITY_EVENTS, trackActivity, watchSession } = sessionTimeout;
  const SECOND = 1000;

  // Links in messages carry the PIN or the question's token in the URL fragment, which browsers never send to a server.
  // Move it into the form and remove it from the address bar right away.
  const readFragment = () => {
    const match = /^#(pin|q)=([\w-]+)(?:\.(\w+))?$/.exec(location.hash);
    if (!match) return;
    const [, type, secret, mark] = match;
    history.replaceState(null, "", location.pathname + location.search);
    const form = document.querySelector("[data-pin-form]");
    if (!form) return;
    if (type === "pin") {
      form.elements.pin.value = formatPin(secret);
      form.elements.mark.value = mark || "";
    } else {
      form.elements.link.value = secret;
      form.querySelector("[data-pin-field]").hidden = true;
      form.elements.pin.required = false;
    }
    for (const notice of form.querySelectorAll("[data-fragment-notice]")) {
      notice.hidden = notice.dataset.fragmentNotice !== type;
    }
  };

  // Write a PIN in groups of four characters, such as ABCD-EFGH.
  const formatPin = (pin) => {
    const characters = pin.toUpperCase().replace(/[^0-9A-Z]/g, "");
    return characters.replace(/(.{4})(?=.)/g, "$1-");
  };

  const setUpPasswordToggle = (button) => {
    const field = document.getElementById(button.getAttribute("aria-controls"));
    button.hidden = false;
    button.addEventListener("click", () => {
      const isVisible = field.type === "text";
      field.type = isVisible ? "password" : "text";
      button.setAttribute("aria-pressed", String(!isVisible));
      button.textContent = isVisible ? button.dataset.showLabel : button.dataset.hideLabel;
    });
  };

  const preventDoubleSubmit = (form) => {
    form.addEventListener("submit", (event) => {
      if (form.dataset.submitted) event.preventDefault();
      form.dataset.submitted = "yes";
    });
  };

  // Kiosk mode: warn 30 seconds before the idle limit, then clear the screen for the next family.
  const startKioskTimeout = (bar) => {
    const warning = bar.querySelector("[data-idle-warning]");
    const countdown = bar.querySelector("[data-seconds-left]");
    const idleLimit = Number(bar.dataset.kiosk);
    const activity = trackActivity({ events: [...ACTIVITY_EVENTS, "scroll"] });
    setInterval(() => {
      const secondsLeft = idleLimit - Math.round(activity.getIdleTime() / SECOND);
      const isHidden = secondsLeft > 30;
      if (warning.hidden !== isHidden) warning.hidden = isHidden; // An unchanged alert must not be read again.
      countdown.textContent = String(Math.max(secondsLeft, 0));
      if (secondsLeft <= 0) {
        activity.recordActivity();
        bar.querySelector("form").submit();
      }
    }, SECOND);
  };

  // Keep the session or the unfinished form alive while someone uses the page. Once the warning shows, only its button
  // keeps it alive.
  const startIdleTimeout = (warning) => {
    const { idleMinutes, keepAliveUrl } = warning.dataset;
    const csrfToken = document.querySelector("[name=csrfmiddlewaretoken]")?.value || "";
    const activity = trackActivity();
    let lastPingAt = Date.now();

    const ping = async () => {
      lastPingAt = Date.now();
      warning.hidden = true;
      const request = { method: "POST", headers: { "X-CSRFToken": csrfToken } };
      const response = await fetch(keepAliveUrl, request).catch(() => null);
      if (response?.status === 400) location.reload(); // The session has ended.
    };
    warning.querySelector("button").addEventListener("click", ping);

    const getTimeSincePing = () => Date.now() - lastPingAt;
    watchSession({
      idleLimit: Number(idleMinutes) * MINUTE,
      checkEvery: MINUTE / 4,
      getIdleTime: getTimeSincePing,
      isPingDue: () => warning.hidden && activity.getLastActivityAt() > lastPingAt && getTimeSincePing() > 4 * MINUTE,
      ping,
      showWarning: () => {
        warning.hidden = false;
      },
      endSession: () => location.reload(),
    });
  };

  // Reload a page that the Back button restored from the browser's cache, and let its forms be submitted again.
  addEventListener("pageshow", (event) => {
    if (event.persisted) location.reload();
    for (const form of document.querySelectorAll("form[data-submitted]")) delete form.dataset.submitted;
  });

  readFragment();
  addEventListener("hashchange", readFragment);
  for (const button of document.querySelectorAll("[data-show-label]")) setUpPasswordToggle(button);
  for (const form of document.querySelectorAll("form[data-submit-once]")) preventDoubleSubmit(form);
  const idleWarning = document.querySelector("[data-idle-minutes]");
  if (idleWarning) startIdleTimeout(idleWarning);
  const kioskBar = document.querySelector("[data-kiosk]");
  if (kioskBar) startKioskTimeout(kioskBar);
  document.querySelector("[data-take-focus]")?.focus();
})();
