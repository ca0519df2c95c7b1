// Ctrl-K: go to a page, queue, task type, item or task, or run one of this page's actions, by typing a few letters.
(() => {
  "use strict";
  const dialog = document.getElementById("palette");
  if (!dialog) return;
  const input = dialog.querySelector("input");
  const list = dialog.querySelector("ul");
  const PAUSE_MS = 200;
  const MOST = 12;
  let known = [];
  let items = [];
  let chosen = 0;
  let timer = 0;

  const json = (path) => fetch(path, { headers: { Accept: "application/json" } }).then((answer) => (answer.ok ? answer.json() : {})).catch(() => ({}));
  const place = (kind, label, href, about = "") => ({ kind, label, about, run: () => location.assign(href) });
  const labelOf = (element) => element.textContent.trim() + ("pause" in element.dataset ? " live updates" : "");
  const action = (element) => ({ kind: "Action", label: labelOf(element), run: () => { dialog.close(); element.click(); } });
  const offered = () => [...document.querySelectorAll("main .title a.as-button, main .title button, main .title summary[role=button], main .banner form button")]
    .filter((each) => each.textContent.trim() && each.checkVisibility());
  const load = async () => {
    const pages = [...document.querySelectorAll("header.top nav a, header.top .links a")].map((link) => place("Page", link.textContent.trim(), link.href));
    known = [...offered().map(action), ...pages];
    show();
    const [queues, types] = await Promise.all([json("/v1/queues"), json("/v1/task-types")]);
    known = known.concat((queues.queues || []).map((queue) => place("Queue", queue.name, `/queues/${queue.name}`)),
      (types.task_types || []).map((type) => place("Task type", type.title, `/task-types/${encodeURIComponent(type.name)}`, type.name)));
    show();
  };
  const find = async (text) => {
    const found = text.length < 2 ? {} : await json(`/v1/items?limit=5&contains=${encodeURIComponent(text)}`);
    if (input.value.trim() !== text) return;
    items = (found.items || []).map((item) => place("Item", item.name, `/items/${item.id}`));
    show();
  };
  const entries = () => {
    const text = input.value.trim();
    const words = text.toLowerCase().split(/\s+/);
    const fits = known.filter((each) => words.every((word) => `${each.kind} ${each.label} ${each.about || ""}`.toLowerCase().replaceAll("_", " ").includes(word.replaceAll("_", " "))));
    const asked = !text ? [] : [place("Task", `with the id ${text}`, `/tasks/${encodeURIComponent(encodeURIComponent(text)).replaceAll("%2520", "%20")}`), place("Search", `tasks for “${text}”`, `/tasks?q=${encodeURIComponent(text)}`)];
    const isId = /^[0-9a-f]{8}-[0-9a-f-]{27}$/i.test(text);
    return isId ? [asked[0], ...fits] : [...fits.slice(0, MOST - 4), ...items, ...asked.reverse()].slice(0, MOST + 4);
  };
  function show() {
    const found = entries();
    chosen = Math.min(chosen, Math.max(found.length - 1, 0));
    list.replaceChildren(...found.map((each, number) => {
      const row = document.createElement("li");
      row.id = `palette-${number}`;
      row.setAttribute("role", "option");
      row.setAttribute("aria-selected", String(number === chosen));
      const kind = document.createElement("small");
      kind.textContent = each.kind;
      const label = document.createElement("bdi");
      label.textContent = each.label;
      row.append(kind, " ", label);
      if (each.about) {
        const about = document.createElement("small");
        about.className = "about";
        about.textContent = each.about;
        row.append(" ", about);
      }
      row.addEventListener("click", each.run);
      return row;
    }));
    input.setAttribute("aria-activedescendant", found.length ? `palette-${chosen}` : "");
    list.children[chosen]?.scrollIntoView({ block: "nearest" });
  }
  const open = () => {
    if (dialog.open) return;
    input.value = "";
    items = [];
    chosen = 0;
    dialog.showModal();
    input.focus();
    load();
  };
  input.addEventListener("input", () => {
    chosen = 0;
    show();
    clearTimeout(timer);
    timer = setTimeout(() => find(input.value.trim()), PAUSE_MS);
  });
  input.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      event.preventDefault();
      chosen = (chosen + step + list.children.length) % Math.max(list.children.length, 1);
      show();
    } else if (event.key === "Enter") {
      event.preventDefault();
      entries()[chosen]?.run();
    }
  });
  document.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && !event.altKey && event.key.toLowerCase() === "k") {
      event.preventDefault();
      open();
    }
  });
  for (const button of document.querySelectorAll("[data-palette]")) { button.hidden = false; button.addEventListener("click", open); }
})();
