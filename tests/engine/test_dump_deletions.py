"""Deletions in dumps: what OpenMakerSuite deleted leaves the inventory table, and older states do not restore it."""

# ruff: noqa: F811 - tests name the fixtures that are imported here
from __future__ import annotations

import pytest
from dump_imports import bring_in, one_copy_a_transaction, put, rows  # noqa: F401 - fixtures
from dump_samples import ITEM, a_makerspace, change, obj

from makertasks.errors import UnknownItem
from makertasks.inventory import table as inventory


class TestDeletions:
    def test_a_deletion_removes_an_object_and_older_states_do_not_restore_it(self, bring_in, rows):
        whole = change(a_makerspace(), "inventory.inventoryitem", updated_at="2026-11-01T00:00:00Z")
        bring_in(whole)
        gone = [deleted(whole, pk, "2026-11-02T00:00:00Z") for pk in (5, ITEM)]
        assert [bring_in(each)["deleted"] for each in gone] == [1, 1]
        kinds = set(rows())
        assert not kinds & {(f"item#{ITEM}", "item"), (f"item#{ITEM}", "supplier#5"), ("link#5", "reference")}
        assert (f"item#{ITEM}", "supplier#6") in kinds
        again = bring_in(whole)
        assert (again["created"], again["older"]) == (0, 2)
        assert [bring_in(each)["deleted"] for each in gone] == [0, 0]

    def test_a_deletion_that_arrives_before_its_object_keeps_it_out(self, bring_in):
        whole = change(a_makerspace(), "inventory.inventoryitem", updated_at="2026-11-01T00:00:00Z")
        bring_in(deleted(whole, ITEM, "2026-11-02T00:00:00Z"))
        assert bring_in(whole)["older"] == 1
        with pytest.raises(UnknownItem):
            inventory.get_item(ITEM)

    def test_an_object_recreated_since_its_deletion_is_kept(self, bring_in):
        whole = change(a_makerspace(), "inventory.inventoryitem", updated_at="2026-11-03T00:00:00Z")
        bring_in(whole)
        assert bring_in(deleted(whole, ITEM, "2026-11-02T00:00:00Z"))["older"] == 1
        assert inventory.get_item(ITEM).sku == "M3"

    def test_many_deletions_fit_into_dynamodbs_transactions(self, bring_in):
        suppliers = [obj("inventory.supplier", number, name=f"No. {number}") for number in range(120)]
        bring_in(suppliers)
        gone = [{**each, "deleted": "2026-11-02T00:00:00Z"} for each in suppliers]
        assert bring_in(gone)["deleted"] == 120

    def test_an_invalid_time_of_deletion_is_refused(self, bring_in):
        assert bring_in(deleted(a_makerspace(), 3, "yesterday"))["refused"] == 1


def deleted(objects: list[dict], pk, moment: str) -> list[dict]:
    """An object's deletion as a running OpenMakerSuite sends it, after the objects that it refers to."""
    [one] = [each for each in objects if each["pk"] == pk]
    named = [each for each in objects if each["pk"] in {1, 2, 3, ITEM}] if pk == 5 else objects[:2]
    return [*named, {**one, "deleted": moment}]
