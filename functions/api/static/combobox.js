// A text field with suggestions for the item picker and the search, after the WAI-ARIA combobox pattern with a list.
window.combobox = (() => {
  "use strict";
  const PAUSE_MS = 150;
  const make = (tag, attributes, ...content) => {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    element.append(...content);
    return element;
  };

  // `find` returns the options {label, about, picture} for the field's text, a promise of them, or null; its second
  // argument is true after an arrow key. `choose` receives the chosen one. With `first`, Enter chooses the first one.
  const combobox = (input, { label, find, choose, first = false }) => {
    const list = make("ul", { id: `${input.id}-list`, role: "listbox", "aria-label": label, hidden: "" });
    for (const [name, value] of Object.entries({ role: "combobox", "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": list.id, autocomplete: "off", spellcheck: "false" })) input.setAttribute(name, value);
    const box = make("div", { class: "picker" });
    input.before(box);
    box.append(input, list);
    let found = [];
    let at = -1;
    let timer = 0;
    let asked = 0;
    let busy = false;

    const show = () => {
      list.replaceChildren(...found.map((option, number) => {
        const row = make("li", { id: `${input.id}-${number}`, role: "option", "aria-selected": String(number === at) });
        if ("picture" in option) row.append(option.picture ? make("img", { src: option.picture, alt: "", width: "24", height: "24" }) : make("span", { class: "thumb", "aria-hidden": "true" }));
        row.append(make("bdi", {}, option.label));
        if (option.about) row.append(" ", make("small", {}, option.about));
        return row;
      }));
      list.hidden = !found.length;
      input.setAttribute("aria-expanded", String(!list.hidden));
      if (at < 0 || list.hidden) input.removeAttribute("aria-activedescendant"); else input.setAttribute("aria-activedescendant", `${input.id}-${at}`);
      list.children[at]?.scrollIntoView({ block: "nearest" });
    };
    const close = () => { clearTimeout(timer); asked += 1; busy = false; found = []; show(); };
    const look = async (byKey) => {
      const mine = ++asked;
      const options = await find(input.value, byKey);
      if (mine !== asked || document.activeElement !== input) return;
      busy = false;
      found = options || [];
      at = first && found.length ? 0 : -1;
      show();
    };
    const take = (option) => { close(); choose(option); };

    input.addEventListener("input", () => {
      clearTimeout(timer);
      busy = true;
      timer = setTimeout(() => look(false), PAUSE_MS);
    });
    input.addEventListener("keydown", (event) => {
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (step) {
        event.preventDefault();
        if (!found.length) { look(true); return; }
        at = at < 0 ? (step > 0 ? 0 : found.length - 1) : (at + step + found.length) % found.length;
        show();
      } else if (event.key === "Enter" && found[at]) {
        event.preventDefault();
        take(found[at]);
      } else if (event.key === "Enter" && first && busy && input.value.trim()) {
        event.preventDefault(); // the options have not arrived yet
      } else if (event.key === "Escape" && found.length) {
        event.preventDefault();
        event.stopPropagation();
        close();
      }
    });
    // Otherwise the field would lose the focus, and the list would close, before the click.
    list.addEventListener("pointerdown", (event) => event.preventDefault());
    list.addEventListener("click", (event) => {
      const row = event.target.closest("li");
      if (row) take(found[[...list.children].indexOf(row)]);
    });
    input.addEventListener("blur", close);
    return { close };
  };
  combobox.make = make;
  combobox.items = (text) => fetch(`/v1/items?limit=10&contains=${encodeURIComponent(text)}`, { headers: { Accept: "application/json" } })
    .then((answer) => (answer.ok ? answer.json() : null)).catch(() => null);
  return combobox;
})();
