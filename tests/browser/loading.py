"""The bytes that a page loads."""

from __future__ import annotations

from playwright.sync_api import Page


def loaded_bytes(page: Page, *, with_cache: bool = True) -> list[int]:
    """Return a list to which each response of the page adds its bytes on the wire, from now on."""
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    if not with_cache:
        session.send("Network.clearBrowserCache")
    sizes: list[int] = []
    session.on("Network.loadingFinished", lambda finished: sizes.append(finished["encodedDataLength"]))
    return sizes
