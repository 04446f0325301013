// The quick search's suggestion list: an ARIA combobox. Without JavaScript the form opens a results page instead.
(() => {
  const DEBOUNCE = 120; // milliseconds
  const form = document.querySelector("[data-quick-search-url]");
  if (!form) return;
  const field = form.elements.q;
  const list = document.getElementById("quick-list");
  const status = document.getElementById("quick-status");
  let currentRequest = new AbortController();
  let debounceTimer;
  let listedQuery = null; // the query that the list answers

  field.setAttribute("role", "combobox");
  field.setAttribute("aria-expanded", "false");
  field.setAttribute("aria-controls", list.id);
  field.setAttribute("aria-autocomplete", "list");

  const getQuery = () => field.value.trim();
  const getOptions = () => [...list.querySelectorAll("[role=option]")];
  const getSelected = () => list.querySelector("[aria-selected=true]");

  const cancelSearch = () => {
    clearTimeout(debounceTimer);
    currentRequest.abort();
  };

  const closeList = () => {
    cancelSearch();
    list.hidden = true;
    list.replaceChildren();
    listedQuery = null;
    field.setAttribute("aria-expanded", "false");
    field.removeAttribute("aria-activedescendant");
  };

  const selectOption = (option) => {
    getSelected()?.setAttribute("aria-selected", "false");
    option.setAttribute("aria-selected", "true");
    option.scrollIntoView({ block: "nearest" });
    field.setAttribute("aria-activedescendant", option.id);
  };

  const moveSelection = (step) => {
    const options = getOptions();
    const index = options.indexOf(getSelected());
    const start = step > 0 ? -1 : options.length;
    const next = (index < 0 ? start : index) + step;
    selectOption(options[(next + options.length) % options.length]);
  };

  const showList = (html, query) => {
    list.innerHTML = html;
    list.hidden = false;
    listedQuery = query;
    const hasOptions = getOptions().length > 0;
    // A listbox must contain options. Without any, the list is just a sentence.
    if (hasOptions) {
      list.setAttribute("role", "listbox");
      list.setAttribute("aria-label", "Patients found");
    } else {
      list.removeAttribute("role");
      list.removeAttribute("aria-label");
    }
    field.setAttribute("aria-expanded", String(hasOptions));
    field.removeAttribute("aria-activedescendant");
    status.textContent = describeList();
  };

  const describeList = () => {
    const count = list.querySelectorAll("[data-href]").length;
    if (!count) return list.querySelector("[data-announce]")?.textContent || "";
    return `${count} ${count === 1 ? "patient" : "patients"} found. Use the up and down arrow keys to choose.`;
  };

  const search = async () => {
    const query = getQuery();
    currentRequest.abort();
    if (!query) return closeList();
    currentRequest = new AbortController();
    const { signal } = currentRequest;
    try {
      const url = `${form.dataset.quickSearchUrl}?${new URLSearchParams({ q: query })}`;
      const response = await fetch(url, { signal, redirect: "manual" });
      const html = response.ok ? await response.text() : null;
      if (signal.aborted || query !== getQuery()) return; // The query has changed, so a newer search follows.
      if (html === null) throw new Error(`Quick search failed with status ${response.status}`);
      showList(html, query);
    } catch {
      if (signal.aborted) return;
      closeList();
      status.textContent = "The list could not be loaded. Press Enter to search.";
    }
  };

  const openOption = (option) => {
    if (option.dataset.href) {
      location.assign(option.dataset.href);
    } else {
      field.value = option.dataset.searchText;
      field.focus();
      search();
    }
  };

  field.addEventListener("input", () => {
    cancelSearch();
    if (!getQuery()) return closeList();
    debounceTimer = setTimeout(search, DEBOUNCE);
  });

  field.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    const isArrow = event.key === "ArrowDown" || event.key === "ArrowUp";
    if (isArrow && getOptions().length) {
      event.preventDefault();
      moveSelection(event.key === "ArrowDown" ? 1 : -1);
    } else if (event.key === "Enter" && getSelected() && listedQuery === getQuery()) {
      event.preventDefault();
      openOption(getSelected());
    } else if (event.key === "Escape" && !list.hidden) {
      event.preventDefault();
      closeList();
    } else if (event.key === "Escape") {
      form.dispatchEvent(new CustomEvent("quick-search-exit", { bubbles: true }));
    }
  });

  list.addEventListener("mousedown", (event) => event.preventDefault()); // Keep the focus in the field.
  list.addEventListener("click", (event) => {
    const option = event.target.closest("[role=option]");
    if (option) openOption(option);
  });
  form.addEventListener("focusout", (event) => {
    if (!form.contains(event.relatedTarget)) closeList();
  });
  form.addEventListener("submit", closeList);
})();
