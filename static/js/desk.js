// Behavior shared by every staff page. All pages also work without JavaScript.
(() => {
  const { MINUTE, trackActivity, watchSession } = sessionTimeout;

  // Keep the session alive while someone uses any tab, warn before it expires, and leave the page once it has expired.
  const startIdleTimeout = (idleMinutes) => {
    const idleLimit = idleMinutes * MINUTE;
    const warning = document.getElementById("idle-warning");
    const otherTabs = new BroadcastChannel("session-activity");
    let lastPingAt = Date.now();

    const ping = async () => {
      lastPingAt = Date.now();
      // The server does not count a request with this header as activity.
      const headers = activity.getIdleTime() < 5 * MINUTE ? {} : { "X-Live-Update": "true" };
      const response = await fetch("/accounts/session/", { headers }).catch(() => null);
      if (response?.status === 401) location.assign(location.pathname);
    };

    const showWarning = () => {
      if (warning.matches(":popover-open")) return;
      // Screen readers ignore everything outside an open modal dialog, so move the warning into it.
      (document.querySelector("dialog[open]") ?? document.body).append(warning);
      warning.showPopover();
    };

    const dismissWarning = () => {
      if (!warning.matches(":popover-open")) return;
      warning.hidePopover();
      ping();
    };

    const activity = trackActivity({
      onActivity: (idleTime) => {
        if (idleTime > MINUTE / 4) otherTabs.postMessage("active");
        dismissWarning();
      },
    });
    otherTabs.addEventListener("message", () => {
      activity.recordActivity();
      dismissWarning();
    });

    watchSession({
      idleLimit,
      checkEvery: MINUTE / 2,
      getIdleTime: activity.getIdleTime,
      isPingDue: () => activity.getIdleTime() > idleLimit || Date.now() - lastPingAt > 4 * MINUTE,
      ping,
      showWarning,
    });
  };

  const signedInPage = document.querySelector("[data-idle-minutes]");
  if (signedInPage && HTMLElement.prototype.showPopover) startIdleTimeout(Number(signedInPage.dataset.idleMinutes));

  // Link back to the search results that led here instead of to an empty search form.
  const searchLink = document.querySelector("[data-back-to-search]");
  if (searchLink && document.referrer.startsWith(`${searchLink.href}?`)) searchLink.href = document.referrer;

  document.querySelector("[data-take-focus]")?.focus();
})();
