// Live updates, times in the reader's format, keyboard, selection, copying. Every page is readable and works without it.
(() => {
  "use strict";
  const TICK_MS = 1000;
  const loaded = Date.now();
  const asked = new Map();
  const html = document.documentElement;
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];

  // The notice of the action that led here is shown once: not again after a reload, nor when the reader returns.
  const here = new URL(location.href);
  if (here.searchParams.has("said")) {
    here.searchParams.delete("said");
    history.replaceState(history.state, "", here);
  }

  // Times: the server writes UTC; this shows them as local, UTC or relative times, with all forms in the tooltip.
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone || "local time";
  const time = { hour: "2-digit", minute: "2-digit", second: "2-digit" };
  const day = { day: "numeric", month: "short" };
  const full = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "medium" });
  const formats = [time, { ...day, ...time }, { ...day, year: "numeric", ...time }].map((each) => new Intl.DateTimeFormat(undefined, each));
  // Omit the date from today's times, and the year from this year's.
  const local = (moment, sameDay, by) => {
    const now = new Date();
    const today = moment.toDateString() === now.toDateString();
    return by[today || sameDay ? 0 : moment.getFullYear() === now.getFullYear() ? 1 : 2].format(moment);
  };
  const short = { hour: "2-digit", minute: "2-digit" };
  const coarser = [short, { ...day, ...short }, { ...day, year: "numeric", ...short }].map((each) => new Intl.DateTimeFormat(undefined, each));
  const days = new Intl.DateTimeFormat(undefined, { ...day, year: "numeric", timeZone: "UTC" });
  const hours = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
  const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
  const steps = [["year", 31536000], ["month", 2592000], ["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];
  const ago = (moment) => {
    const seconds = (moment - Date.now()) / 1000;
    const [unit, length] = steps.find(([, size]) => Math.abs(seconds) >= size) || ["second", 1];
    return relative.format(Math.round(seconds / length), unit);
  };
  const utc = (iso) => iso.slice(0, 19).replace("T", " ") + " UTC";
  const write = (root) => {
    for (const time of all("time[datetime]", root)) {
      const moment = new Date(time.dateTime);
      const how = html.dataset.times;
      if (time.dataset.style === "hour") { if (how !== "utc") time.textContent = hours.format(moment); continue; }
      if (time.dataset.style === "day") { time.textContent = days.format(moment); continue; }
      const whole = time.dataset.style === "full";
      const coarse = time.dataset.style === "until" || time.dataset.style === "minute";
      const brief = whole ? formats[2].format(moment) : local(moment, "sameDay" in time.dataset, coarse ? coarser : formats);
      const until = time.dataset.style === "until";
      const text = until && how !== "relative" ? `${how === "utc" ? utc(time.dateTime) : brief}, ${ago(moment)}` : how === "utc" ? utc(time.dateTime) : how === "relative" ? (whole ? `${ago(moment)}, ${brief}` : ago(moment)) : brief;
      if (time.textContent !== text) time.textContent = text;
      time.title = `${full.format(moment)} (${zone})\n${utc(time.dateTime)}`;
    }
    if (html.dataset.times !== "utc") for (const title of all("title[data-hour]", root)) {
      title.textContent = title.textContent.replace(/^\d\d:00 UTC/, hours.format(new Date(title.dataset.hour)));
    }
  };

  // Live regions: refreshed every few seconds unless paused or in a hidden tab.
  const pause = document.querySelector("[data-pause]");
  const age = document.querySelector("[data-age]");
  let updated = Date.now();
  let failing = false;
  const paused = () => (pause ? pause.getAttribute("aria-pressed") === "true" : html.dataset.refresh === "off");
  const tell = () => {
    if (!age) return;
    age.classList.toggle("stale", failing);
    const when = ago(updated).replace("now", "just now");
    const text = lost === "session" ? `Signed out; last updated ${when}` : failing ? `Connection lost; last updated ${when}` : paused() ? `Paused; updated ${when}` : `Updated ${when}`;
    if (age.textContent !== text) age.textContent = text;
  };
  // Without a session or a connection, updates stop, and a banner links back to this page.
  const ERRORS = 3; // consecutive requests without a response, so that a single slow one does not stop updates
  let lost = "";
  let errors = 0;
  const lose = (what) => {
    lost = what;
    for (const banner of all("[data-lost]")) banner.hidden = banner.dataset.lost !== what;
    const back = document.querySelector("[data-again]");
    if (back) back.href = `/sign-in?next=${encodeURIComponent(location.pathname + location.search)}`;
  };
  const reconnect = () => {
    if (lost !== "network") return;
    lose("");
    errors = 0;
    asked.clear();
    refresh();
  };
  window.addEventListener("offline", () => lose("network"));
  window.addEventListener("online", reconnect);
  document.querySelector("[data-reconnect]")?.addEventListener("click", () => { if (document.querySelector("[data-live]")) reconnect(); else location.reload(); });
  const refresh = () => {
    if (paused() || lost || document.hidden) return;
    for (const live of all("[data-live]")) {
      const every = Math.max(Number(live.dataset.every) || 5, Number(html.dataset.refresh) || 0) * 1000;
      if (Date.now() - (asked.get(live.id) || loaded) < every - 100) continue;
      asked.set(live.id, Date.now());
      live.dispatchEvent(new CustomEvent("refresh"));
    }
  };
  // Keep the order of rows while the reader points at one, has focused one or has selected some.
  const held = (live) => live.querySelector("tbody:hover, tbody :focus, tbody input:checked, tr.here");
  document.addEventListener("htmx:config:request", (event) => {
    const live = event.detail?.ctx?.sourceElement;
    if (!live?.matches?.("[data-live]")) return;
    const address = new URL(event.detail.ctx.request.action, location.href);
    address.searchParams.set("known", live.dataset.digest || "");
    const rows = all("tbody tr[id]", live);
    const versions = rows.map((row) => row.dataset.v).filter(Boolean);
    if (versions.length) address.searchParams.set("have", versions.join("."));
    if (live.id === "rows" && rows.length && (held(live) || "keep" in live.dataset)) address.searchParams.set("shown", rows.map((row) => row.id.slice(1)).join(","));
    event.detail.ctx.request.action = address.pathname + address.search;
  });
  document.addEventListener("htmx:after:request", (event) => {
    const status = event.detail?.ctx?.response?.status;
    failing = !status || status >= 400;
    if (status) errors = 0;
    if (status === 401) lose("session");
    if (!failing) updated = Date.now();
    tell();
  });
  document.addEventListener("htmx:error", (event) => {
    failing = true;
    if (event.target.matches?.("[data-live]") && ++errors >= ERRORS && !lost) lose("network");
    tell();
  });
  // A row that this page already shows in its current version arrives as a stub, and is not replaced.
  htmx.registerExtension("known-rows", { htmx_before_morph_node: (_, { newNode }) => !("same" in (newNode.dataset || {})) });
  document.addEventListener("htmx:before:swap", (event) => {
    const status = event.detail?.ctx?.response?.status;
    if (status >= 400) event.preventDefault();
  });
  document.addEventListener("htmx:after:swap", (event) => {
    // What a notice says of a task or job is outdated once its state has changed.
    if (event.detail?.ctx?.sourceElement?.matches?.("#task, #job")) document.querySelector(".said")?.remove();
    prepare(document);
  });
  if (pause) {
    const stop = (paused) => {
      pause.setAttribute("aria-pressed", String(paused));
      pause.textContent = paused ? "Resume" : "Pause";
    };
    pause.hidden = false;
    if (html.dataset.refresh === "off") stop(true);
    pause.addEventListener("click", () => {
      stop(!paused());
      if (!paused()) { asked.clear(); refresh(); }
      tell();
    });
  }
  setInterval(refresh, TICK_MS);
  document.addEventListener("visibilitychange", refresh);
  setInterval(tell, 1000);
  setInterval(() => write(document), 20000);

  // Selection
  const count = () => {
    const bulk = document.querySelector("[data-bulk]");
    if (!bulk) return;
    const chosen = all('input[name="id"][form="bulk"]:checked').length;
    const every = bulk.querySelector('[name="all"]')?.checked;
    bulk.querySelector("[data-count]").textContent = every ? "all matching tasks" : chosen ? `${chosen} selected` : bulk.querySelector("[data-count]").dataset.none;
    for (const button of all("button", bulk)) button.disabled = !every && !chosen;
  };
  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-all]")) for (const box of all('input[name="id"][form="bulk"]')) box.checked = event.target.checked;
    // The bucket rejects a larger file with an XML error, so check the size here.
    const most = Number(event.target.dataset?.most);
    if (most) event.target.setCustomValidity(event.target.files[0]?.size > most ? `This file is larger than ${Math.floor(most / 1048576)} MB; choose a smaller one.` : "");
    count();
  });

  // Show the figures of a chart's column as text on hover, on focus and at the first tap; a second tap follows the link.
  let tapped = null;
  const tip = (event) => {
    const column = event.target.closest?.(".chart svg a");
    const place = column?.closest(".chart").querySelector("[data-tip]");
    if (!place) return;
    place.hidden = false;
    place.textContent = column.querySelector("title").textContent;
  };
  for (const name of ["pointerover", "focusin"]) document.addEventListener(name, tip);
  document.addEventListener("click", (event) => {
    const column = event.target.closest?.(".chart svg a");
    if (!column || event.pointerType !== "touch" || tapped === column) return;
    tapped = column;
    event.preventDefault();
    tip(event);
  });

  // Copying
  document.addEventListener("click", async (event) => {
    const copy = event.target.closest("[data-copy]");
    if (copy) {
      await navigator.clipboard.writeText(document.getElementById(copy.dataset.copy).textContent);
      const before = copy.textContent;
      copy.textContent = "Copied";
      setTimeout(() => { copy.textContent = before; }, 1500);
    }
    for (const menu of all("details.menu[open]")) if (!menu.contains(event.target)) menu.open = false;
  });

  // Keyboard
  const keys = document.getElementById("keys");
  const places = { o: "/", t: "/tasks", y: "/task-types", q: "/queues", w: "/workers", s: "/schedules", i: "/items" };
  let waiting = 0;
  const walk = (by) => {
    const rows = all("main tbody tr");
    if (!rows.length) return;
    const at = rows.findIndex((row) => row.classList.contains("here"));
    const next = rows[Math.min(Math.max(at + by, 0), rows.length - 1)];
    rows.forEach((row) => row.classList.toggle("here", row === next));
    next.querySelector("a")?.focus({ preventScroll: true });
    next.scrollIntoView({ block: "nearest" });
  };
  const shortcuts = {
    "?": () => keys.showModal(),
    "/": () => document.querySelector("[data-search]")?.focus(),
    j: () => walk(1),
    k: () => walk(-1),
    x: () => document.querySelector("tr.here input[type=checkbox]")?.click(),
    p: () => pause?.click(),
    g: () => { waiting = Date.now(); },
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || keys.open) return;
    if (event.key === "Escape") {
      for (const row of all("tr.here")) row.classList.remove("here");
      for (const menu of all("details.menu[open]")) menu.open = false;
      if (event.target.matches("[data-search], tr a")) event.target.blur();
      return;
    }
    if (event.target.matches("input:not([type=checkbox]), textarea, select")) return;
    const goes = Date.now() - waiting < 1500 && places[event.key];
    waiting = 0;
    if (goes) location.assign(goes);
    else if (shortcuts[event.key]) { event.preventDefault(); shortcuts[event.key](); }
  });

  // On narrow screens, tables are shown as cards: label each cell with its column's heading.
  const label = (root) => {
    for (const table of all("table.cards", root)) {
      const headings = all("thead th", table).map((cell) => cell.textContent.trim());
      for (const row of table.tBodies[0].rows) [...row.cells].forEach((cell, index) => { if (headings[index]) cell.dataset.label = headings[index]; });
    }
  };

  const prepare = (root) => {
    write(root);
    label(root);
    for (const button of all("[data-copy], [data-keys], [data-all]", root)) button.hidden = false;
    count();
  };
  for (const button of all("[data-keys]")) button.addEventListener("click", () => keys.showModal());
  for (const zoneName of all("[data-zone]")) zoneName.textContent = html.dataset.times === "utc" ? "Times in UTC" : `Times in ${zone}`;
  if (window.matchMedia("(max-width: 64rem)").matches) for (const filters of all(".filters")) filters.open = false;
  prepare(document);
  tell();
})();
