// The task search box: completes fields, names, statuses, queues and items; and searches saved in this browser.
(() => {
  "use strict";
  const box = document.querySelector("[data-complete]");
  if (box) {
    const { fields, values } = JSON.parse(box.dataset.complete);
    const MOST = 10;
    // The last term before the cursor: a field, and its text with or without a quotation mark.
    const TERM = /(?:^|[\s(])(?:(\w+):)?(?:"([^"]*)|([^\s()":]*))$/;
    const term = () => {
      const before = box.value.slice(0, box.selectionStart);
      const match = TERM.exec(before);
      if (!match) return null;
      const word = match[2] ?? match[3];
      const from = before.length - (match[2] === undefined ? word.length : word.length + 1);
      return { field: (match[1] || "").toLowerCase(), word: word.toLowerCase(), from: match[1] ? from - match[1].length - 1 : from };
    };
    const has = (text, word) => text.toLowerCase().includes(word);
    const of = (field, word) => (values[field] || []).filter((value) => has(value, word)).map((value) => ({ label: `${field}:${value}`, text: `${field}:${value} ` }));
    const items = async (word) => ((await window.combobox.items(word))?.items || []).map((item) => ({ label: item.name, about: "item", text: `item:${item.id} ` }));
    const find = async (text, byKey) => {
      const at = term();
      if (!at || (!at.word && !at.field && !byKey)) return null;
      if (at.field === "item") return at.word ? items(at.word) : null;
      if (at.field) return of(at.field, at.word).slice(0, MOST);
      const offered = Object.entries(fields).filter(([field]) => field.startsWith(at.word)).map(([field, about]) => ({ label: `${field}:`, about, text: `${field}:` }));
      if (!at.word) return offered;
      const known = Object.keys(values).filter((field) => field !== "state").flatMap((field) => of(field, at.word));
      return [...offered, ...known, ...(at.word.length > 2 ? await items(at.word) : [])].slice(0, MOST);
    };
    const choose = (option) => {
      box.setRangeText(option.text, term()?.from ?? box.selectionStart, box.selectionStart, "end");
      box.dispatchEvent(new Event("input"));
    };
    box.id ||= "q";
    window.combobox(box, { label: "Suggestions", find, choose });
  }

  // A search that found less than a page continues by itself, step by step, and shows its progress.
  const MOST_STEPS = 20;
  const PAGE = 25;
  const goOn = async () => {
    const rows = document.getElementById("rows");
    for (let step = 0; step < MOST_STEPS && !document.hidden; step += 1) {
      const progress = document.querySelector("[data-searched]");
      const link = progress?.querySelector("[data-go-on]");
      if (!link || rows.querySelectorAll("tbody tr").length >= PAGE) return;
      const answer = await fetch(`${link.href}&step=yes`, { headers: { "HX-Request": "true" } }).catch(() => null);
      if (!answer?.ok) return;
      const next = new DOMParser().parseFromString(await answer.text(), "text/html");
      const body = rows.querySelector("tbody");
      const found = next.querySelectorAll("#rows tbody tr");
      if (body) body.append(...found); else if (found.length || !next.querySelector("[data-searched]")) rows.replaceChildren(...next.getElementById("rows").children);
      const further = next.querySelector("[data-searched]");
      if (further) progress.replaceChildren(...further.childNodes); else progress.textContent = "Searched all matching dates.";
      for (const pages of document.querySelectorAll("nav.pages [rel=next]")) { const there = next.querySelector("nav.pages [rel=next]"); if (there) pages.href = there.href; else pages.remove(); }
      document.dispatchEvent(new CustomEvent("htmx:after:swap"));
    }
  };
  goOn();

  const menu = document.querySelector("[data-saved]");
  if (!menu) return;
  const { make } = window.combobox;
  const key = `makertasks.searches.${menu.dataset.saved}`; // users may share a browser
  const MOST_KEPT = 50;
  const OF_A_SEARCH = ["q", "status", "name", "item_id", "worker", "created_from", "created_to", "sort"];
  const list = menu.querySelector("ul");
  const form = menu.querySelector("form");
  const none = menu.querySelector("p");
  const read = () => { try { return JSON.parse(localStorage.getItem(key)) || []; } catch { return []; } };
  const now = new URLSearchParams([...new URLSearchParams(location.search)].filter(([name, value]) => OF_A_SEARCH.includes(name) && value));
  const show = () => {
    const kept = read();
    none.hidden = kept.length > 0;
    list.replaceChildren(...kept.map(({ name, query }) => {
      const remove = make("button", { type: "button", class: "link", "aria-label": `Remove ${name}` }, "×");
      remove.addEventListener("click", (event) => { event.stopPropagation(); keep(read().filter((each) => each.name !== name)); });
      return make("li", {}, make("a", { href: `/tasks?${query}`, ...(query === String(now) ? { "aria-current": "true" } : {}) }, make("bdi", {}, name)), remove);
    }));
  };
  const keep = (kept) => { localStorage.setItem(key, JSON.stringify(kept.slice(0, MOST_KEPT))); show(); };
  form.hidden = !String(now);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const name = form.elements["search-name"].value.trim();
    if (!name) return;
    keep([{ name, query: String(now) }, ...read().filter((each) => each.name !== name)]);
    form.reset();
  });
  menu.hidden = false;
  show();
})();
