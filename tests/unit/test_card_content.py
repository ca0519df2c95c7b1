"""The content of an index card: facts, name, hazards, and a warning for each text that it cannot show."""

from __future__ import annotations

import pytest

from makertasks.inventory.table import ItemSupplier
from makertasks.media.cards import colours, content, fonts
from makertasks.media.cards.content import Hazard, card_of
from makertasks.media.cards.layout import lay_out
from tests.unit.card_samples import (
    ITEM_ID,
    URL,
    card,
    draw,
    item,
    text_of,
)


def supplier(days: int, cost: str | None = None, *, primary: bool = False, active: bool = True) -> ItemSupplier:
    return ItemSupplier(
        f"item#{ITEM_ID}",
        f"supplier#{days}",
        supplier_id="1",
        average_lead_time=days,
        unit_cost=cost,
        is_primary=primary,
        is_active=active,
    )


@pytest.mark.parametrize(
    ("suppliers", "said"),
    [
        ([], ""),
        ([supplier(5)], "5 days"),
        ([supplier(1)], "1 day"),
        ([supplier(0)], "0 days"),
        ([supplier(0, "1"), supplier(1, "2")], "0 days (max 1)"),
        ([supplier(5, "9.50"), supplier(14, "10.00")], "5 days (max 14)"),
        ([supplier(5, "1"), supplier(14, "2", primary=True)], "14 days"),
        ([supplier(5), supplier(14, "2")], "14 days"),
        ([supplier(5), supplier(30, "1", primary=True, active=False)], "5 days"),
        ([supplier(30, active=False)], ""),
    ],
)
def test_the_card_shows_the_primary_suppliers_lead_time_and_the_slowest_active_one(suppliers, said):
    assert dict(content.facts_of(item(), suppliers))["Lead time"] == said


@pytest.mark.parametrize(("stock", "line"), [(0, "0 units"), (1, "1 unit"), (20, "20 units")])
def test_the_reorder_point_has_its_unit(stock, line):
    assert dict(card_of(item(minimum_stock=stock), [], URL).facts)["Reorder at"] == line


def test_markup_in_a_name_is_printed_as_plain_text():
    name = "M3 <b>x & \"y\"</i> 'z' {0} %s \\n <50 sheets>"
    assert name in " ".join(text_of(draw([card_of(item(name), [], URL)])).split())


def test_line_breaks_become_single_spaces_and_invisible_characters_are_removed():
    assert card_of(item("a\r\n b\t\u200bc\u202ed\x00e"), [], URL).name == "a b cd e"


def test_at_most_eight_combining_marks_of_a_letter_are_kept():
    assert len(fonts.clean("q" + "\u0301" * 500)) == 9


def test_a_blank_name_is_replaced_by_the_items_id():
    assert card_of(item("\u200b "), [], URL).name == f"Item {ITEM_ID}"


def test_text_on_a_colour_is_black_or_white_by_its_brightness():
    assert [colours.text_on(colours.parse(text)) for text in ("#fef08a", "#f59e0b", "#2563eb", "#8B4513", "000")] == [
        colours.BLACK,
        colours.BLACK,
        colours.WHITE,
        colours.WHITE,
        colours.WHITE,
    ]


@pytest.mark.parametrize("text", ["#fef08a", "#94a3b8", "#ff4400", "#ffffff", "#2563eb", "#000000"])
def test_the_footer_is_readable_on_paper_in_any_category(text):
    assert colours.contrast(colours.text_in(colours.parse(text)), colours.WHITE) >= 4.5


def test_an_invalid_colour_is_replaced_with_a_warning():
    made = card_of(item(category={"name": "Metal", "color": "reddish"}), [], URL)
    assert made.colour == colours.DEFAULT
    assert made.warnings == ("the category's color is 'reddish', not #rrggbb; the default colour stands in",)
    assert card_of(item(category={"name": "Safety", "color": ""}), [], URL).warnings == ()


def test_the_diamond_shows_hazard_ratings_and_special_hazards():
    hazardous = item(is_hazardous=True, nfpa_health_hazard=2, nfpa_fire_hazard=3, nfpa_instability_hazard=0)
    hazardous.nfpa_special_hazards = "OX"
    made = card_of(hazardous, [], URL)
    assert made.hazard == Hazard("2", "3", "0", "OX")
    assert made.hazard.spoken == "NFPA 704 hazards: health 2, fire 3, instability 0, special: OX"
    assert {"2", "3", "0", "OX"} <= set(text_of(draw([made])).split())


def test_a_missing_or_invalid_rating_becomes_a_question_mark_with_a_warning():
    made = card_of(item(is_hazardous=True, nfpa_health_hazard=7, nfpa_fire_hazard=4), [], URL)
    assert (made.hazard.health, made.hazard.fire, made.hazard.instability) == ("?", "4", "?")
    assert made.warnings == (
        "nfpa_health_hazard is 7, not 0 to 4; the diamond shows ?",
        "nfpa_instability_hazard is not set; the diamond shows ?",
    )


@pytest.mark.parametrize(
    ("special", "symbols"),
    [
        ("OX COR", {"OX", "COR"}),
        ("COR ALK", {"COR", "ALK"}),
        ("W OX SA", {"W", "OX", "SA"}),
        ("W̶, OX", {"W", "OX"}),
        ("SA/COR", {"SA", "COR"}),
    ],
)
def test_the_diamond_shows_every_special_hazard(special, symbols):
    laid_out = lay_out(card(hazard=Hazard("2", "3", "0", special)))
    assert laid_out.warnings == ()
    assert symbols <= set(text_of(draw([laid_out.card])).split())


@pytest.mark.parametrize("special", ["COR ALK ACID BIO POI", "OXIDISER AND ACID", "X" * 20])
def test_special_hazards_that_do_not_fit_are_cut_with_an_ellipsis_and_a_warning(special):
    made = card(hazard=Hazard("2", "3", "0", special))
    laid_out = lay_out(made)
    assert laid_out.warnings == (f"special hazards too long for the diamond, cut with an ellipsis: {special}",)
    assert "…" in text_of(draw([made]))


def test_every_shortened_text_is_named_in_a_warning():
    made = card("spool " * 90)
    assert lay_out(made).warnings == (f"too long for its box, cut with an ellipsis: {made.name}",)


def test_an_item_that_is_not_hazardous_has_no_diamond():
    assert card_of(item(nfpa_fire_hazard=4), [], URL).hazard is None
