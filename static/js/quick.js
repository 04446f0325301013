// The quick search: a list under the field as one types, gone through with the arrow keys. Without it the form leads to
// a plain page. An answer is shown only where it belongs to what stands in the field now.
(() => {
  const PAUSE = 120; // milliseconds without a key before the server is asked
  const form = document.querySelector("[data-quick]");
  if (!form) return;
  const field = form.elements.q;
  const list = document.getElementById("quick-list");
  const said = document.getElementById("quick-said");
  let asked = new AbortController();
  let pause;
  let shownFor = null; // what the list answers

  for (const [name, value] of Object.entries({ role: "combobox", "aria-expanded": "false", "aria-controls": "quick-list", "aria-autocomplete": "list" })) {
    field.setAttribute(name, value);
  }

  const options = () => [...list.querySelectorAll("[role=option]")];
  const chosen = () => list.querySelector("[aria-selected=true]");

  const close = () => {
    clearTimeout(pause);
    asked.abort();
    list.hidden = true;
    list.replaceChildren();
    shownFor = null;
    field.setAttribute("aria-expanded", "false");
    field.removeAttribute("aria-activedescendant");
  };

  const choose = (option) => {
    chosen()?.setAttribute("aria-selected", "false");
    option.setAttribute("aria-selected", "true");
    option.scrollIntoView({ block: "nearest" });
    field.setAttribute("aria-activedescendant", option.id);
  };

  const show = (html, typed) => {
    list.innerHTML = html;
    list.hidden = false;
    shownFor = typed;
    const number = options().length;
    // A list without an option is no listbox: then it is a sentence.
    for (const [name, value] of [["role", "listbox"], ["aria-label", "Patients found"]]) {
      if (number) list.setAttribute(name, value);
      else list.removeAttribute(name);
    }
    field.setAttribute("aria-expanded", String(number > 0));
    field.removeAttribute("aria-activedescendant");
    const hits = list.querySelectorAll("[data-href]").length;
    said.textContent = hits ? `${hits} patient${hits === 1 ? "" : "s"}. Up and down arrows choose.` : list.querySelector("[data-said]")?.textContent || "";
  };

  const ask = async () => {
    const typed = field.value.trim();
    asked.abort();
    if (!typed) return close();
    asked = new AbortController();
    const { signal } = asked;
    try {
      const answer = await fetch(`${form.dataset.quick}?${new URLSearchParams({ q: typed })}`, { signal, redirect: "manual" });
      const html = answer.ok ? await answer.text() : null;
      if (signal.aborted || typed !== field.value.trim()) return; // somebody typed on: a newer answer is on its way
      if (html === null) throw new Error(answer.status);
      show(html, typed);
    } catch (error) {
      if (signal.aborted) return;
      close();
      said.textContent = "The list could not be fetched. Press Enter to search.";
    }
  };

  const take = (option) => {
    if (option.dataset.href) {
      location.assign(option.dataset.href);
    } else {
      field.value = option.dataset.type;
      field.focus();
      ask();
    }
  };

  field.addEventListener("input", () => {
    clearTimeout(pause);
    asked.abort();
    if (!field.value.trim()) return close();
    pause = setTimeout(ask, PAUSE);
  });

  field.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    const all = options();
    if ((event.key === "ArrowDown" || event.key === "ArrowUp") && all.length) {
      event.preventDefault();
      const step = event.key === "ArrowDown" ? 1 : -1;
      const from = all.indexOf(chosen());
      choose(all[from < 0 ? (step > 0 ? 0 : all.length - 1) : (from + step + all.length) % all.length]);
    } else if (event.key === "Enter" && chosen() && shownFor === field.value.trim()) {
      event.preventDefault();
      take(chosen());
    } else if (event.key === "Escape" && !list.hidden) {
      event.preventDefault();
      close();
    } else if (event.key === "Escape") {
      form.dispatchEvent(new CustomEvent("quick-left", { bubbles: true }));
    }
  });

  list.addEventListener("mousedown", (event) => event.preventDefault()); // the field keeps the focus
  list.addEventListener("click", (event) => {
    const option = event.target.closest("[role=option]");
    if (option) take(option);
  });
  form.addEventListener("focusout", (event) => { if (!form.contains(event.relatedTarget)) close(); });
  form.addEventListener("submit", close);
})();
