"""Replaces an item's picture, from another URL or an upload, and shows the task that does it."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta

from api import actions, views
from api.access import Caller, Role
from api.pages import rendering
from api.pages.addresses import address
from api.requests import Request
from api.resources.items import ItemId
from api.routing import Reply, page
from makertasks import settings
from makertasks.errors import InvalidRequest
from makertasks.inventory import table as inventory
from makertasks.media import uploads
from makertasks.monitoring import listing
from makertasks.monitoring import views as task_views
from makertasks.records.model import TaskRecord
from makertasks.records.states import Status
from makertasks.submission.producer import Submission

DOWNLOAD = "inventory.tasks.download_image_from_url"
UPLOAD = "makertasks.attach_upload"
# The tasks that set an item's picture.
TASKS = frozenset({DOWNLOAD, UPLOAD})
# Number of the item's newest tasks that are searched for the last one that set its picture.
EXAMINED = 25
MAX_URL_CHARACTERS = 2048
# Maximum number of reloads, every two seconds, of the page that waits for an upload's task.
MOST_LOOKS = 30


class Address(msgspec.Struct, forbid_unknown_fields=True):
    """Form of a picture's URL."""

    image_url: str = ""

    def checked(self) -> str:
        """Return the URL; raises InvalidRequest."""
        url = self.image_url.strip()
        if len(url) > MAX_URL_CHARACTERS:
            raise InvalidRequest("image_url", f"has {len(url)} characters; at most {MAX_URL_CHARACTERS} are accepted")
        try:
            parts = urlsplit(url)
        except ValueError as error:
            raise InvalidRequest("image_url", "is not a valid URL; copy it from the browser again") from error
        if parts.scheme.lower() not in {"http", "https"} or not parts.hostname:
            raise InvalidRequest("image_url", "must be a URL such as https://example.com/picture.jpg")
        return url


class Uploaded(msgspec.Struct, forbid_unknown_fields=True):
    """Query with which the bucket redirects a browser back; `look` counts this page's reloads."""

    key: Annotated[str, Meta(max_length=1024)]
    bucket: Annotated[str, Meta(max_length=100)] = ""
    etag: Annotated[str, Meta(max_length=100)] = ""
    look: Annotated[int, Meta(ge=0, le=MOST_LOOKS)] = 0


@page("GET", "/items/{item_id}/picture", Role.OPERATOR)
def picture_page(item_id: ItemId, caller: Caller, request: Request) -> Reply:
    """Show the item's picture, why the last attempt failed, and the forms for another picture."""
    found = inventory.get_item(item_id)
    back = f"{settings.api_address()}/items/{item_id}/picture/uploaded"
    last = next((record for record in _tasks_of(str(item_id)) if record.name in TASKS), None)
    return rendering.page(
        request,
        caller,
        "picture.html",
        section="/items",
        item=views.item(found),
        failed=task_views.summary(last) if last and last.status == Status.FAILURE else None,
        # The form may name any accepted type: the content is checked after the upload.
        form=uploads.presigned_post(item_id, "image/jpeg", back),
        maximum=uploads.MAX_BYTES,
        types=", ".join(uploads.EXTENSIONS),
    )


@page("POST", "/items/{item_id}/picture", Role.OPERATOR)
def download(item_id: ItemId, caller: Caller, form: Address) -> Reply:
    """Submit the download from another URL and redirect to its task."""
    kwargs = {"item_id": str(item_id), "image_url": form.checked(), "override": True}
    submitted = actions.submit(caller, Submission(DOWNLOAD, kwargs))
    return Reply.redirect(address(f"/tasks/{rendering.segment(submitted['id'])}", said="submitted"))


@page("GET", "/items/{item_id}/picture/uploaded", Role.VIEWER)
def uploaded(item_id: ItemId, caller: Caller, query: Uploaded, request: Request) -> Reply:
    """Redirect to an upload's task as soon as it exists."""
    for record in _tasks_of(str(item_id)):
        if record.name == UPLOAD and record.kwargs.get("key") == query.key:
            return Reply.redirect(f"/tasks/{rendering.segment(record.task_id)}")
    following = address(f"/items/{item_id}/picture/uploaded", key=query.key, look=query.look + 1)
    return rendering.page(
        request, caller, "uploaded.html", section="/items", item=views.item(inventory.get_item(item_id)),
        following=following if query.look < MOST_LOOKS else None,
    )  # fmt: skip


def _tasks_of(item_id: str) -> list[TaskRecord]:
    return listing.page(listing.Filter(item_id=item_id), limit=EXAMINED).records
