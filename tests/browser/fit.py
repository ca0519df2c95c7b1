"""Finds what does not fit a page's width: cut tables, words broken across lines, and holes between or in cards."""

from __future__ import annotations

from playwright.sync_api import Page

# A word is broken if its letters are on two lines. Long code, ids, URLs and file names may break anywhere.
FIND = """() => {
  const ANYWHERE = "pre, code, script, style, noscript, svg, .id, .hidden, textarea, option";
  const AROUND = "td, th, p, li, dd, dt, h1, h2, a, button, label";
  const LONGEST = 30;
  const found = [];
  const shown = (element) => element.checkVisibility({ visibilityProperty: true, opacityProperty: true });
  if (document.documentElement.scrollWidth > innerWidth) found.push("page wider than the screen");
  for (const box of document.querySelectorAll(".scroll")) {
    const cut = box.scrollWidth - box.clientWidth;
    if (shown(box) && cut > 1) found.push(`cut: ${box.ariaLabel}, ${cut} px`);
  }
  const lines = (text, from, length) => {
    const range = new Range();
    range.setStart(text, from);
    range.setEnd(text, from + length);
    const boxes = [...range.getClientRects()].filter((box) => box.width > 0);
    return new Set(boxes.map((box) => Math.round(box.top))).size;
  };
  for (const chip of document.querySelectorAll(":is(td, th) code")) {
    const text = chip.textContent;
    if (text.length > LONGEST || /[\\s/]/.test(text) || !shown(chip)) continue;
    if (chip.getClientRects().length > 1) found.push(`broken: ${text}`);
  }
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const text = walker.currentNode, element = text.parentElement;
    if (!text.data.trim() || element.closest(ANYWHERE) || !shown(element)) continue;
    for (const token of text.data.matchAll(/\\S+/g)) {
      if (token[0].length > LONGEST) continue;
      for (const word of token[0].matchAll(/\\p{L}{2,}/gu)) {
        if (lines(text, token.index + word.index, word[0].length) < 2) continue;
        found.push(`broken: ${word[0]} in ${element.closest(AROUND)?.textContent.trim().slice(0, 60)}`);
      }
    }
  }
  return found;
}"""


def misfits(page: Page) -> list[str]:
    """Return what does not fit the page's current width."""
    return page.evaluate(FIND)  # type: ignore[no-any-return]


# Of the overview's cards: blank space below one, beside one, and below what it contains.
HOLES = """() => {
  const MOST = 28;
  const found = [];
  const all = document.getElementById("overview").getBoundingClientRect();
  const cards = [...document.querySelectorAll("#overview > *")];
  let above = all.top;
  for (const card of cards) {
    const box = card.getBoundingClientRect(), last = card.lastElementChild.getBoundingClientRect();
    for (const [where, blank] of Object.entries({
      above: box.top - above, beside: all.width - box.width, inside: box.bottom - last.bottom })) {
      if (blank > MOST) found.push(`${Math.round(blank)} px ${where} ${card.getAttribute("aria-labelledby")}`);
    }
    above = box.bottom;
  }
  return cards.length < 4 ? ["cards are missing"] : found;
}"""


def holes(page: Page) -> list[str]:
    """Return the overview's holes at the page's current width."""
    return page.evaluate(HOLES)  # type: ignore[no-any-return]
