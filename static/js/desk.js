// What JavaScript adds to the desk's pages: the window over the account page, fields filled from the family contact,
// warnings as one chooses. Every page works without it.
(() => {
  const dialog = document.getElementById("window");
  const body = document.getElementById("window-body");
  const IDLE_LIMIT = 30 * 60 * 1000; // as SESSION_IDLE_LIMIT

  // --- The window ---

  const closeWindow = () => dialog.close();

  dialog.addEventListener("close", () => {
    body.replaceChildren(); // a PIN does not stay in the page behind
    const opener = document.getElementById("register-patient");
    if (opener) opener.focus();
  });

  document.addEventListener("click", (event) => {
    if (dialog.open && event.target.closest("[data-close-window]")) {
      event.preventDefault();
      closeWindow();
    }
  });

  const shown = (root) => {
    takeFocus(root);
    for (const form of root.querySelectorAll("[data-registration]")) prepare(form);
    if (root.querySelector("[data-completed]")) htmx.trigger(document.body, "registration-issued");
    const sheet = root.querySelector("[data-open-now]");
    if (sheet) window.open(sheet.href, "_blank", "noopener");
  };

  const takeFocus = (root) => root.querySelector("[data-take-focus]")?.focus();

  document.addEventListener("htmx:afterSwap", (event) => {
    if (!body.contains(event.detail.target) && event.detail.target !== body && !dialog.contains(event.target)) return;
    if (!dialog.open) {
      dialog.showModal();
      (dialog.querySelector("[name=method]:checked") || dialog.querySelector("[data-close-window]"))?.focus();
    }
    shown(body);
  });

  // The network gone, or the server in trouble: what was typed is still there.
  const connectionLost = (event) => {
    const form = event.target.closest("[data-registration]");
    const notice = form?.querySelector("[data-connection-lost]");
    if (!notice) return;
    notice.hidden = false;
    notice.scrollIntoView({ block: "nearest" });
  };
  document.addEventListener("htmx:sendError", connectionLost);
  document.addEventListener("htmx:responseError", connectionLost);
  document.addEventListener("htmx:beforeRequest", (event) => {
    const notice = event.target.querySelector?.("[data-connection-lost]");
    if (notice) notice.hidden = true;
  });

  // --- The registration form ---

  const prepare = (form) => {
    const contacts = JSON.parse(form.querySelector("#contacts-data")?.textContent || "{}");
    const filled = { email: "email", cell_phone: "phone" };
    let chosen = form.querySelector("[name=recipient]:checked")?.value;
    form.addEventListener("change", (event) => {
      if (event.target.name === "recipient") {
        for (const [name, kind] of Object.entries(filled)) {
          const input = form.elements[name];
          const before = contacts[chosen]?.[kind] || "";
          // What was typed by hand stays; what came from the contact goes with the contact.
          if (input.value === before) input.value = contacts[event.target.value]?.[kind] || "";
        }
        chosen = event.target.value;
      }
      if (event.target.name === "method" && event.target.value === "question" && form.elements.delivery.value === "none") {
        form.querySelector("[name=delivery][value=email]").checked = true;
      }
      warn(form);
    });
    warn(form);
  };

  const warn = (form) => {
    const carrier = form.elements.carrier;
    const warning = form.querySelector("[data-carrier-warning]");
    if (!carrier || !warning) return;
    warning.textContent = carrier.selectedOptions[0]?.dataset.warning || "";
    warning.hidden = !warning.textContent || carrier.classList.contains("is-invalid");
  };

  // --- Everywhere ---

  document.addEventListener("change", (event) => {
    event.target.closest("[data-submit-on-change]")?.requestSubmit();
  });

  let idle;
  const notIdle = () => {
    clearTimeout(idle);
    idle = setTimeout(() => location.reload(), IDLE_LIMIT + 60 * 1000); // the server asks to sign in again
  };
  for (const kind of ["keydown", "pointerdown"]) document.addEventListener(kind, notIdle, { passive: true });
  notIdle();

  takeFocus(document);
  for (const form of document.querySelectorAll("[data-registration]")) prepare(form);
})();
