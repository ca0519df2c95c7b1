"""What a page loads: the bytes, and the requests of its scripts."""

from __future__ import annotations

from playwright.sync_api import Page, Request


def loaded_bytes(page: Page, *, with_cache: bool = True) -> list[int]:
    """Return a list to which each later response of the page appends its size on the wire, in bytes."""
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    if not with_cache:
        session.send("Network.clearBrowserCache")
    sizes: list[int] = []
    session.on("Network.loadingFinished", lambda finished: sizes.append(finished["encodedDataLength"]))
    return sizes


def requests_by_scripts(page: Page) -> list[str]:
    """Return a list that gets the URL of each request that a script sends from now on; pictures may still load."""
    urls: list[str] = []

    def note(request: Request) -> None:
        if request.resource_type in ("fetch", "xhr"):
            urls.append(request.url)

    page.on("request", note)
    return urls
