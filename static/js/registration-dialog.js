// The Patient Registration window, its form, and the live list of registrations on the account page.
// Everything here also works as ordinary pages without JavaScript.
(() => {
  const dialog = document.getElementById("registration-dialog");
  const dialogContent = document.getElementById("registration-dialog-content");
  const liveRegion = document.getElementById("announcements");
  const idleWarning = document.getElementById("idle-warning");
  let isSubmitting = false;

  const refreshRegistrations = () => htmx.trigger(document.body, "registration-issued");

  // --- Opening and closing the dialog ---

  let returnFocusTo;

  const openDialog = () => {
    if (!dialog.open) {
      returnFocusTo = document.activeElement;
      dialog.showModal();
    }
    const focusTargets = [
      ...dialog.querySelectorAll("[type=radio]:checked, .dialog-footer .btn-primary"),
      ...dialog.querySelectorAll(".btn-close"),
    ];
    focusTargets.find((element) => element.checkVisibility())?.focus();
  };

  dialog.addEventListener("close", () => {
    dialogContent.replaceChildren(); // Do not leave a PIN in the page.
    // A live update may have replaced the element that had the focus; then use its successor with the same id.
    const canReturn = returnFocusTo?.isConnected && returnFocusTo !== document.body;
    const target = canReturn ? returnFocusTo : document.getElementById(returnFocusTo?.id || "register-patient");
    target?.focus();
  });

  // Do not close the dialog while a registration is being submitted, because its PIN would never be shown.
  // Browsers let a page cancel the "cancel" event only once, so block the Escape key itself as well.
  document.addEventListener(
    "keydown",
    (event) => {
      const mustStayOpen = isSubmitting || idleWarning?.matches(":popover-open");
      if (event.key === "Escape" && mustStayOpen) event.preventDefault();
    },
    { capture: true },
  );
  dialog.addEventListener("cancel", (event) => {
    if (isSubmitting) event.preventDefault();
  });
  document.addEventListener("click", (event) => {
    if (!dialog.open || !event.target.closest("[data-close-dialog]")) return;
    event.preventDefault();
    if (!isSubmitting) dialog.close();
  });

  // --- After htmx has swapped in new content ---

  // Set up a form that was loaded or returned with errors, or finish a completed registration.
  const handleNewContent = (root) => {
    root.querySelector("[data-take-focus]")?.focus();
    for (const form of root.querySelectorAll("[data-registration-form]")) setUpForm(form);
    if (!root.querySelector("[data-registration-completed]")) return;
    refreshRegistrations();
    const sheetLink = root.querySelector("[data-open-automatically]");
    if (sheetLink) window.open(sheetLink.href, "_blank", "noopener");
  };

  // A live update replaces part of the page while someone is using it. Keep open details open and keep the focus,
  // or move the focus to the start of the content if its element is gone.
  let restorePageState = () => {};
  document.addEventListener("htmx:beforeSwap", () => {
    const openDetails = [...document.querySelectorAll("details[id][open]")];
    const focused = document.activeElement;
    restorePageState = () => {
      for (const { id } of openDetails) document.getElementById(id)?.setAttribute("open", "");
      if (focused === document.body || document.activeElement !== document.body) return;
      (document.getElementById(focused.id) ?? document.getElementById("content")).focus({ preventScroll: true });
    };
  });

  document.addEventListener("htmx:afterSwap", (event) => {
    const { target, requestConfig } = event.detail;
    if (target === dialogContent) openDialog();
    if (target === dialogContent || requestConfig.elt.matches("[data-registration-form]")) {
      handleNewContent(dialog.open ? dialogContent : document.getElementById("content"));
    }
    if (target.id === "registrations") {
      restorePageState();
      const status = document.querySelector("#registrations [data-announce]");
      announce(status?.textContent.replace(/\s+/g, " ").trim() || "");
    }
  });

  // Have screen readers read the text once, then clear it, because the page shows the same text.
  let lastAnnouncement = "";
  const announce = (text) => {
    if (text === lastAnnouncement) return;
    lastAnnouncement = liveRegion.textContent = text;
    setTimeout(() => {
      liveRegion.textContent = "";
    }, 4000);
  };

  // --- Failed requests: keep what was typed and say only what is certain ---

  const ERROR_MESSAGES = {
    network:
      "The server could not be reached. What you typed is still here. Try again in a moment. " +
      "If your first attempt did go through, trying again will not create a second registration.",
    403:
      "Someone signed in or out in this browser after you opened this page, so nothing was issued or sent. " +
      "Reload the page and register the patient again.",
    404:
      "This patient is not in your current practice, so nothing was issued or sent. " +
      "Switch to the patient’s practice and search again.",
    503: "Nothing was saved because the portal is temporarily unavailable. What you typed is still here. Try again in a moment.",
    other:
      "Something went wrong. Before you try again, check the account page to see whether a registration was issued.",
    notOpened: "The window could not be opened. Try again in a moment.",
  };

  const showError = (container, message) => {
    const notice = container?.querySelector("[data-request-error]");
    if (!notice) return;
    notice.textContent = message;
    notice.hidden = !message;
    if (message) notice.scrollIntoView({ block: "nearest" });
  };

  const getForm = (event) => event.detail.requestConfig?.elt?.closest("[data-registration-form]");
  const getOpener = (event) => event.detail.requestConfig?.elt?.closest("[data-opens-dialog]");

  const handleFailure = (event, message) => {
    showError(getForm(event), message);
    showError(getOpener(event), ERROR_MESSAGES.notOpened);
  };

  document.addEventListener("htmx:sendError", (event) => handleFailure(event, ERROR_MESSAGES.network));
  document.addEventListener("htmx:responseError", (event) => {
    handleFailure(event, ERROR_MESSAGES[event.detail.xhr.status] ?? ERROR_MESSAGES.other);
  });

  document.addEventListener("htmx:beforeRequest", (event) => {
    const form = getForm(event);
    showError(getOpener(event), "");
    if (!form) return;
    isSubmitting = true;
    showError(form, "");
  });

  document.addEventListener("htmx:afterRequest", (event) => {
    const form = getForm(event);
    if (!form) return;
    isSubmitting = false;
    // The form is gone, so the answer was never shown. Let the list of registrations show the result.
    if (!form.isConnected && !dialog.open) refreshRegistrations();
  });

  // --- The registration form ---

  const setUpForm = (form) => {
    const contacts = JSON.parse(form.querySelector("#contacts-data")?.textContent || "{}");
    form.addEventListener("change", (event) => {
      const { name, value } = event.target;
      if (name === "recipient") fillInContact(form, contacts[value]);
      if (name === "method" && value === "question" && form.elements.delivery.value === "none") {
        form.querySelector("[name=delivery][value=email]").checked = true;
      }
      showCarrierWarning(form);
    });
    for (const type of ["input", "change"]) form.addEventListener(type, () => updateChoices(form, contacts));
    showCarrierWarning(form);
    updateChoices(form, contacts);
  };

  // Replace the previous recipient's address even if it was typed, so that a PIN never goes to the wrong person.
  const fillInContact = (form, contact) => {
    form.elements.email.value = contact?.email || "";
    form.elements.cell_phone.value = contact?.phone || "";
    form.elements.risk_acknowledged.checked = contact?.informed || false;
    if (form.elements.shared_address) form.elements.shared_address.checked = false;
  };

  // Offer only the siblings who share the chosen contact, and an account only while its email address is entered.
  const updateChoices = (form, contacts) => {
    const { recipient, delivery, email } = form.elements;

    const siblings = [...form.querySelectorAll("[data-shared-with]")];
    for (const sibling of siblings) {
      setAvailable(sibling, sibling.dataset.sharedWith.split(" ").includes(recipient.value));
    }
    const siblingGroup = form.querySelector("[data-siblings]");
    if (siblingGroup) siblingGroup.hidden = siblings.every((sibling) => sibling.hidden);

    const account = form.querySelector("[data-account-email]");
    const address = delivery.value === "email" ? email.value : contacts[recipient.value]?.email || "";
    if (account) setAvailable(account, address.trim().toLowerCase() === account.dataset.accountEmail);
  };

  // Disable the inputs of a hidden part so that they are not submitted.
  const setAvailable = (part, isAvailable) => {
    part.hidden = !isAvailable;
    for (const input of part.querySelectorAll("input")) input.disabled = !isAvailable;
  };

  const showCarrierWarning = (form) => {
    const { carrier } = form.elements;
    const warning = form.querySelector("[data-carrier-warning]");
    if (!carrier || !warning) return;
    const hasError = carrier.classList.contains("is-invalid");
    warning.textContent = hasError ? "" : carrier.selectedOptions[0]?.dataset.warning || "";
  };

  for (const form of document.querySelectorAll("[data-registration-form]")) setUpForm(form);
})();
