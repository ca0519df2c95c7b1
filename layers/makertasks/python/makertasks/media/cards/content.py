"""The texts of an index card, from an item and its supplier links."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from makertasks.inventory.primary import primary
from makertasks.inventory.table import Item, ItemSupplier
from makertasks.media.cards import colours, fonts
from makertasks.media.cards.colours import Colour
from makertasks.media.cards.photo import Photo

CALL_TO_ACTION = ("Scan to notify Logistics", "it's time to reorder me!")
HIGHEST_RATING = 4  # of NFPA 704
UNKNOWN_RATING = "?"
_BETWEEN_SYMBOLS = re.compile(r"[\s,;/&+|·]+")  # of special hazards
# Maximum number of characters that a warning lists.
NAMED_LETTERS = 10


@dataclass(frozen=True)
class Hazard:
    """An NFPA 704 diamond: each rating as the digit to draw, "?" if the item has none."""

    health: str
    fire: str
    instability: str
    special: str

    @property
    def symbols(self) -> tuple[str, ...]:
        """The special hazards one by one: "W, OX/SA" are three.

        >>> Hazard("1", "0", "2", "W, OX/SA").symbols
        ('W', 'OX', 'SA')
        """
        return tuple(_BETWEEN_SYMBOLS.sub(" ", self.special).split())

    @property
    def brief(self) -> str:
        """The diamond as one line of text, for labels.

        >>> Hazard("1", "0", "2", "W, OX").brief
        'health 1, fire 0, instability 2, W OX'
        """
        ratings = f"health {self.health}, fire {self.fire}, instability {self.instability}"
        return ", ".join(filter(None, (ratings, " ".join(self.symbols))))

    @property
    def spoken(self) -> str:
        """The diamond in words, for screen readers."""
        ratings = f"health {self.health}, fire {self.fire}, instability {self.instability}".replace("?", "unknown")
        return f"NFPA 704 hazards: {ratings}" + (f", special: {self.special}" if self.special else "")


class Fact(NamedTuple):
    """A line of a card; without a value, its position stays empty."""

    label: str
    value: str


@dataclass(frozen=True)
class Card:
    """One card. `blank` shows the QR code alone."""

    url: str
    name: str
    facts: tuple[Fact, ...] = ()
    category: str = ""
    colour: Colour = colours.DEFAULT
    hazard: Hazard | None = None
    photo: Photo | None = None
    blank: bool = False
    unwritable: str = ""  # characters that no font has, as U+12000
    warnings: tuple[str, ...] = field(default=(), compare=False)


def card_of(
    item: Item, suppliers: Sequence[ItemSupplier], url: str, photo: Photo | None = None, *, blank: bool = False
) -> Card:
    """The card of an item; its warnings name the content that cannot be shown unchanged."""
    name = fonts.clean(item.name) or f"Item {item.item_id}"
    category: dict[str, Any] = dict(item.category.attribute_values) if item.category else {}
    category_name = fonts.clean(str(category.get("name") or ""))
    colour, colour_warnings = _category_colour(category)
    hazard, hazard_warnings = _hazard_of(item) if item.is_hazardous else (None, ())
    facts = facts_of(item, suppliers)
    written = (name, category_name, hazard.special if hazard else "", *(fact.value for fact in facts))
    letters = fonts.missing("".join(written))
    unwritable = " ".join(f"U+{ord(letter):04X}" for letter in letters[:NAMED_LETTERS])
    warnings = (
        *((f"no font of the cards has these characters, drawn as boxes: {unwritable}",) if letters else ()),
        *colour_warnings,
        *hazard_warnings,
    )
    return Card(
        url, name, facts, category_name, colour, hazard, photo, blank, unwritable, warnings=() if blank else warnings
    )


def facts_of(item: Item, suppliers: Sequence[ItemSupplier]) -> tuple[Fact, ...]:
    """The lines of a card, always the same ones in the same order."""
    active = [supplier for supplier in suppliers if supplier.is_active]
    part_number = primary(active).supplier_sku if active else ""
    return (
        Fact("Location", fonts.clean(item.location or "")),
        Fact("SKU", fonts.clean(item.sku or "")),
        Fact("Reorder at", count(item.minimum_stock, "unit")),
        Fact("Lead time", lead_time(active)),
        Fact("Supplier's part number", fonts.clean(part_number or "")),
    )


def lead_time(active: Sequence[ItemSupplier]) -> str:
    """The primary supplier's average lead time, and the longest if it differs; "" if there is no supplier."""
    if not active:
        return ""
    average = primary(active).average_lead_time
    longest = max(supplier.average_lead_time for supplier in active)
    return count(average, "day") if longest == average else f"{count(average, 'day')} (max {longest:g})"


def count(number: float, noun: str) -> str:
    """A number with its noun.

    >>> count(1, "day"), count(0, "day"), count(1200, "unit")
    ('1 day', '0 days', '1200 units')
    """
    shown = f"{number:g}" if number % 1 else str(int(number))
    return f"{shown} {noun}" if number == 1 else f"{shown} {noun}s"


def _category_colour(category: dict[str, Any]) -> tuple[Colour, tuple[str, ...]]:
    text = str(category.get("color") or "").strip()
    colour = colours.parse(text)
    if colour is None and text:
        return colours.DEFAULT, (f"the category's color is {text[:40]!r}, not #rrggbb; the default colour stands in",)
    return colour or colours.DEFAULT, ()


def _hazard_of(item: Item) -> tuple[Hazard, tuple[str, ...]]:
    warnings: list[str] = []

    def rating(name: str) -> str:
        value = getattr(item, name)
        if value is not None and value in range(HIGHEST_RATING + 1):
            return str(int(value))
        said = "is not set" if value is None else f"is {value:g}, not 0 to {HIGHEST_RATING}"
        warnings.append(f"{name} {said}; the diamond shows {UNKNOWN_RATING}")
        return UNKNOWN_RATING

    special = fonts.clean(item.nfpa_special_hazards or "")
    hazard = Hazard(
        rating("nfpa_health_hazard"), rating("nfpa_fire_hazard"), rating("nfpa_instability_hazard"), special
    )
    return hazard, tuple(warnings)
