// What JavaScript adds to the desk's pages: the window over the account page, fields filled from the family contact,
// warnings as one chooses, the live state of a message. Every page works without it.
(() => {
  const dialog = document.getElementById("window");
  const body = document.getElementById("window-body");
  const news = document.getElementById("news");
  const warning = document.getElementById("idle-warning");
  let sending = false;

  const takeFocus = (root) => root.querySelector("[data-take-focus]")?.focus();

  // --- The window ---

  let opener; // where one was: a part of the page that may have been swapped since, then its likeness by id
  const opened = () => {
    if (!dialog.open) {
      opener = document.activeElement;
      dialog.showModal();
    }
    const ways = [...dialog.querySelectorAll("[type=radio]:checked, .window-foot .btn-primary"), ...dialog.querySelectorAll(".btn-close")];
    ways.find((way) => way.checkVisibility())?.focus();
  };

  // What was swapped in: a form (again, with what is to be mended), or the PIN.
  const shown = (root) => {
    takeFocus(root);
    for (const form of root.querySelectorAll("[data-registration]")) prepare(form);
    if (!root.querySelector("[data-completed]")) return;
    htmx.trigger(document.body, "registration-issued");
    const sheet = root.querySelector("[data-open-now]");
    if (sheet) window.open(sheet.href, "_blank", "noopener");
  };

  dialog.addEventListener("close", () => {
    body.replaceChildren(); // a PIN does not stay in the page behind
    const there = opener?.isConnected && opener !== document.body ? opener : document.getElementById(opener?.id || "register-patient");
    there?.focus();
  });

  // Nobody closes the window on a registration that is just being made: its PIN would never be seen.
  // (The browser heeds the answer to "cancel" only once, so the key itself is caught.)
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && (sending || warning?.matches(":popover-open"))) event.preventDefault();
  }, { capture: true });
  dialog.addEventListener("cancel", (event) => { if (sending) event.preventDefault(); });
  document.addEventListener("click", (event) => {
    if (!dialog.open || !event.target.closest("[data-close-window]")) return;
    event.preventDefault();
    if (!sending) dialog.close();
  });

  // News changes the page under whoever works in it: what was unfolded stays so, and the focus where it was. If that is
  // not there any more, the focus is at the beginning of the content.
  let stay = () => {};
  document.addEventListener("htmx:beforeSwap", () => {
    const unfolded = [...document.querySelectorAll("details[id][open]")];
    const focused = document.activeElement;
    stay = () => {
      for (const { id } of unfolded) document.getElementById(id)?.setAttribute("open", "");
      if (focused === document.body || document.activeElement !== document.body) return;
      (document.getElementById(focused.id) ?? document.getElementById("content")).focus({ preventScroll: true });
    };
  });

  document.addEventListener("htmx:afterSwap", (event) => {
    const target = event.detail.target;
    if (target === body) opened();
    if (target === body || event.detail.requestConfig.elt.matches("[data-registration]")) {
      shown(dialog.open ? body : document.getElementById("content"));
    }
    if (target.id === "registrations") {
      stay();
      const latest = document.querySelector("#registrations [data-news]")?.textContent.replace(/\s+/g, " ").trim() || "";
      announce(latest);
    }
  });

  // Said once by a screen reader, then gone: the page itself keeps the words.
  let announced = "";
  const announce = (words) => {
    if (words === announced) return;
    announced = news.textContent = words;
    setTimeout(() => { news.textContent = ""; }, 4000);
  };

  // --- When it does not get through: what was typed is still there, and nothing is said that is not known ---

  const TROUBLE = {
    network: "The server could not be reached. What you typed is still here: try again in a moment. If it did get through, completing it again does no harm.",
    stale: "Somebody signed in or out since you opened this page, so nothing was issued or sent. Reload the page and register again.",
    elsewhere: "This patient is not in the practice that you work in now, so nothing was issued or sent. Choose the practice and search again.",
    unsaved: "Nothing was saved: the portal could not do it just now. What you typed is still here: try again in a moment.",
    closed: "The window could not be opened: try again in a moment.",
    server: "Something went wrong on our side. Look at the account page before you try again: it shows whether a registration was issued.",
  };
  const tell = (form, trouble) => {
    const notice = form?.querySelector("[data-trouble]");
    if (!notice) return;
    notice.textContent = trouble;
    notice.hidden = !trouble;
    if (trouble) notice.scrollIntoView({ block: "nearest" });
  };
  const formOf = (event) => event.detail.requestConfig?.elt?.closest("[data-registration]");
  const openerOf = (event) => event.detail.requestConfig?.elt?.closest("[data-opens-window]");
  const failed = (event, trouble) => {
    tell(formOf(event), trouble);
    tell(openerOf(event), TROUBLE.closed);
  };
  document.addEventListener("htmx:sendError", (event) => failed(event, TROUBLE.network));
  document.addEventListener("htmx:responseError", (event) => {
    failed(event, { 403: TROUBLE.stale, 404: TROUBLE.elsewhere, 503: TROUBLE.unsaved }[event.detail.xhr.status] || TROUBLE.server);
  });
  document.addEventListener("htmx:beforeRequest", (event) => {
    const form = formOf(event);
    tell(openerOf(event), "");
    if (form) {
      sending = true;
      tell(form, "");
    }
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    const form = formOf(event);
    if (!form) return;
    sending = false;
    if (!form.isConnected && !dialog.open) htmx.trigger(document.body, "registration-issued"); // nobody saw the answer
  });

  // --- The registration form ---

  const prepare = (form) => {
    const people = JSON.parse(form.querySelector("#contacts-data")?.textContent || "{}");
    form.addEventListener("change", (event) => {
      const { name, value } = event.target;
      if (name === "recipient") {
        // An address belongs to a person: with another person it goes, typed or not. A PIN must not follow the wrong one.
        form.elements.email.value = people[value]?.email || "";
        form.elements.cell_phone.value = people[value]?.phone || "";
        form.elements.risk_acknowledged.checked = people[value]?.told || false;
        if (form.elements.shared_address) form.elements.shared_address.checked = false;
      }
      if (name === "method" && value === "question" && form.elements.delivery.value === "none") {
        form.querySelector("[name=delivery][value=email]").checked = true;
      }
      warn(form);
    });
    for (const kind of ["input", "change"]) form.addEventListener(kind, () => suit(form, people));
    warn(form);
    suit(form, people);
  };

  // Only children who share the person that is chosen; and an account only as long as its address stands there.
  const suit = (form, people) => {
    const show = (part, there) => {
      part.hidden = !there;
      for (const input of part.querySelectorAll("input")) input.disabled = !there;
    };
    const { recipient, delivery, email } = form.elements;
    const siblings = [...form.querySelectorAll("[data-shared-with]")];
    for (const each of siblings) show(each, each.dataset.sharedWith.split(" ").includes(recipient.value));
    const group = form.querySelector("[data-siblings]");
    if (group) group.hidden = siblings.every((each) => each.hidden);
    const account = form.querySelector("[data-account-of]");
    const address = delivery.value === "email" ? email.value : people[recipient.value]?.email || "";
    if (account) show(account, address.trim().toLowerCase() === account.dataset.accountOf);
  };

  const warn = (form) => {
    const carrier = form.elements.carrier;
    const warning = form.querySelector("[data-carrier-warning]");
    if (!carrier || !warning) return;
    warning.textContent = carrier.classList.contains("is-invalid") ? "" : carrier.selectedOptions[0]?.dataset.warning || "";
  };

  // --- Everywhere ---

  // Back to the results that one came from, not to an empty search.
  const search = document.querySelector("[data-back-to-search]");
  if (search && document.referrer.startsWith(`${search.href}?`)) search.href = document.referrer;

  // Who types or clicks is there, even where no page is asked for; a page that nobody touches is left when the session
  // has ended, after a warning (WCAG 2.2.1). Asking without having been touched does not keep the session alive.
  const watchTheSession = (idleMinutes) => {
    const MINUTE = 60 * 1000;
    const tabs = new BroadcastChannel("here"); // who works in one tab is there in all of them
    let touched = Date.now();
    let asked = Date.now();
    const ask = async () => {
      asked = Date.now();
      const headers = asked - touched < 5 * MINUTE ? {} : { "X-Live-Update": "true" };
      const answer = await fetch("/accounts/session/", { headers }).catch(() => null);
      if (answer?.status === 401) location.assign(location.pathname);
    };
    const here = () => {
      touched = Date.now();
      if (!warning.matches(":popover-open")) return;
      warning.hidePopover();
      ask();
    };
    const touch = () => {
      if (Date.now() - touched > MINUTE / 4) tabs.postMessage("");
      here();
    };
    tabs.addEventListener("message", here);
    for (const kind of ["keydown", "pointerdown"]) document.addEventListener(kind, touch, { passive: true });
    setInterval(() => {
      const idle = (Date.now() - touched) / MINUTE;
      if (idle > idleMinutes - 2 && !warning.matches(":popover-open")) {
        (dialog.open ? dialog : document.body).append(warning); // outside an open window nobody would hear of it
        warning.showPopover();
      }
      if (idle > idleMinutes || Date.now() - asked > 4 * MINUTE) ask();
    }, MINUTE / 2);
  };
  const signedIn = document.querySelector("[data-idle-minutes]");
  if (signedIn && HTMLElement.prototype.showPopover) watchTheSession(Number(signedIn.dataset.idleMinutes));

  takeFocus(document);
  for (const form of document.querySelectorAll("[data-registration]")) prepare(form);
})();
