// Item fields: find items by any part of their names. Without this script, these are plain fields for UUIDs.
(() => {
  "use strict";
  const { make } = window.combobox;
  const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

  // `field` has the value that the form sends: a UUID, or one UUID per line. The reader sees a combobox and item names.
  const pick = (field) => {
    const many = field.matches("textarea");
    const names = JSON.parse(field.dataset.items || "{}");
    const required = field.required;
    const input = make("input", { type: "text", id: field.id, maxlength: "200", dir: "auto", placeholder: "Any part of the name" });
    const said = make("small", { role: "status" });
    const chosen = make("ul", { class: "picked", "aria-label": "Chosen items" });
    for (const name of ["aria-describedby", "aria-invalid", "autofocus"]) if (field.hasAttribute(name)) { input.setAttribute(name, field.getAttribute(name)); field.removeAttribute(name); }
    field.required = false;
    field.id += "-value";
    field.hidden = true;
    field.before(input, ...(many ? [chosen] : []), said);

    const lines = () => field.value.split("\n").map((line) => line.trim()).filter(Boolean);
    const named = (value) => names[value.toLowerCase()] || value;
    const write = () => {
      input.required = required && !(many && lines().length);
      if (!many) { input.value = named(field.value); input.title = names[field.value.toLowerCase()] ? field.value : ""; return; }
      chosen.replaceChildren(...lines().map((value, number) => {
        const remove = make("button", { type: "button", class: "link", "aria-label": `Remove ${named(value)}` }, "×");
        remove.addEventListener("click", () => {
          field.value = lines().filter((_, each) => each !== number).join("\n");
          write();
          input.focus();
        });
        return make("li", { title: value }, make("bdi", {}, named(value)), remove);
      }));
    };
    const take = (...values) => {
      field.value = many ? [...lines(), ...values].join("\n") : values[0];
      if (many) input.value = "";
      write();
    };
    const find = async (text) => {
      const wanted = text.trim();
      if (!wanted) return null;
      const answer = await window.combobox.items(wanted);
      if (input.value !== text) return null;
      const items = answer?.items || [];
      for (const item of items) names[item.id] = item.name;
      if (UUID.test(wanted)) { // a pasted id is replaced by the item's name
        take(wanted);
        return null;
      }
      said.textContent = !answer ? "Item search is unavailable; enter the item's UUID." : !items.length ? "No matching items" : answer.cursor ? `The first ${items.length} matching items` : `${items.length} matching ${items.length === 1 ? "item" : "items"}`;
      return items.map((item) => ({ id: item.id, label: item.name, picture: item.links.thumbnail || "", about: [item.sku, item.location].filter(Boolean).join(" · ") }));
    };
    window.combobox(input, { label: "Items", find, first: true, choose: (option) => { said.textContent = ""; take(option.id); } });
    input.addEventListener("input", () => {
      said.textContent = "";
      if (!many) { field.value = input.value.trim(); input.title = ""; }
    });
    input.addEventListener("paste", (event) => {
      const values = event.clipboardData.getData("text").split(/[\s,;]+/).filter((each) => UUID.test(each));
      if (many && values.length > 1) { event.preventDefault(); take(...values); }
    });
    // Send text that was typed but not chosen unchanged, so that the response reports it as invalid.
    const typed = () => { if (many && input.value.trim()) take(input.value.trim()); };
    input.addEventListener("blur", typed);
    field.form?.addEventListener("submit", typed);
    write();
  };
  for (const field of document.querySelectorAll("[data-items]")) pick(field);
})();
