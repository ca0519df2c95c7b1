"""Counts the bytes that a page loads."""

from __future__ import annotations

from playwright.sync_api import Page


def loaded_bytes(page: Page, *, with_cache: bool = True) -> list[int]:
    """Return a list to which each later response of the page appends its size on the wire, in bytes."""
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    if not with_cache:
        session.send("Network.clearBrowserCache")
    sizes: list[int] = []
    session.on("Network.loadingFinished", lambda finished: sizes.append(finished["encodedDataLength"]))
    return sizes
