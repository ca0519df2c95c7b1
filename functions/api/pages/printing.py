"""The print dialogue for cards: shows a sheet on which to mark used labels, and submits the task that draws the PDF."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from api import actions
from api.access import Caller, Role
from api.pages import rendering
from api.pages.addresses import address
from api.requests import Request
from api.resources.items import ItemId
from api.resources.submissions import CARD_SHEETS
from api.routing import Reply, page
from makertasks.errors import InvalidRequest
from makertasks.inventory import faces
from makertasks.media.cards.stock import DEFAULT, STOCKS
from makertasks.monitoring import search
from makertasks.submission.producer import Submission

# Number of items that the dialogue names; the others are only counted.
NAMED = 10
FARTHEST = 72  # points
MOST_SLOTS = max(stock.slots for stock in STOCKS.values())
Ids = ItemId | Annotated[list[ItemId], Meta(min_length=1, max_length=1000)]
Offset = Annotated[float, Meta(ge=-FARTHEST, le=FARTHEST)]
Slot = Annotated[int, Meta(ge=1, le=MOST_SLOTS)]
_EMPTY = "is empty; select the items whose cards you want to print"


class PrintQuery(msgspec.Struct, forbid_unknown_fields=True):
    """Query of the dialogue: one item; for several, the list of items has a form."""

    id: ItemId | None = None


class Chosen(msgspec.Struct, forbid_unknown_fields=True):
    """Form of the list: the items whose cards are printed."""

    id: Ids | None = None


class Sheet(msgspec.Struct, forbid_unknown_fields=True):
    """Form of the dialogue: `show` draws the sheet of another stock, `do` prints."""

    id: Ids
    step: Literal["show", "do"] = "do"
    stock: Annotated[str, Meta(max_length=40)] = DEFAULT
    used: Slot | Annotated[list[Slot], Meta(max_length=MOST_SLOTS)] = msgspec.field(default_factory=list)
    blank: Literal["yes", ""] = ""
    test_page: Literal["yes", ""] = ""
    offset_right: Offset = 0.0
    offset_down: Offset = 0.0


@page("GET", "/items/print", Role.OPERATOR)
def print_page(caller: Caller, query: PrintQuery, request: Request) -> Reply:
    """Show the dialogue for one item, or again for an invalid form, with its values and errors."""
    sent = dict(request.sent) or ({"id": str(query.id)} if query.id else {})
    return _dialogue(caller, request, sent)


@page("POST", "/items", Role.OPERATOR)
def choose(caller: Caller, form: Chosen, request: Request) -> Reply:
    """Show the dialogue for the items selected in the list."""
    if form.id is None:
        raise InvalidRequest("id", _EMPTY)
    return _dialogue(caller, request, request.form_values())


@page("POST", "/items/print", Role.OPERATOR)
def print_cards(caller: Caller, form: Sheet, request: Request) -> Reply:
    """Submit the task that draws the cards and go to it, or show the sheet of another stock."""
    if form.stock not in STOCKS:
        raise InvalidRequest("stock", f"must be one of {', '.join(STOCKS)}")
    if form.step == "show":
        return _dialogue(caller, request, request.form_values() | {"used": []})
    used = sorted(set(_listed(form.used)))
    slots = STOCKS[form.stock].slots
    if used and (used[-1] > slots or len(used) == slots):
        left = f"has {slots} labels a sheet; leave at least one of them unmarked"
        raise InvalidRequest("used", f"{STOCKS[form.stock].description} {left}")
    kwargs = {
        "item_ids": [str(each) for each in _listed(form.id)],
        "stock": form.stock,
        "used": used,
        "blank": form.blank == "yes",
        "test_page": form.test_page == "yes",
        "offset_right": form.offset_right,
        "offset_down": form.offset_down,
    }
    submitted = actions.submit(caller, Submission(CARD_SHEETS, kwargs))
    return Reply.redirect(address(f"/tasks/{rendering.segment(submitted['id'])}", said="submitted"))


def _dialogue(caller: Caller, request: Request, sent: dict[str, Any]) -> Reply:
    ids = [str(each) for each in _listed(sent.get("id", [])) if search.is_uuid(str(each))]
    if not ids:
        raise InvalidRequest("id", _EMPTY)
    chosen = sent.get("stock", DEFAULT)
    stock = STOCKS.get(chosen if isinstance(chosen, str) else DEFAULT, STOCKS[DEFAULT])
    return rendering.page(
        request,
        caller,
        "print.html",
        section="/items",
        ids=ids,
        faces=faces.of(ids[:NAMED]),
        stocks=STOCKS,
        chosen=next(name for name, each in STOCKS.items() if each is stock),
        stock=stock,
        used={str(each) for each in _listed(sent.get("used", []))},
        values=sent,
        farthest=FARTHEST,
    )


def _listed(value: Any) -> list[Any]:
    """Return the values of a form's field as a list, whether it was sent once or several times."""
    return value if isinstance(value, list) else [value]
