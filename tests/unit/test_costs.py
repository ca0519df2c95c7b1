"""docs/costs.md says what infra/costs.py computes, from the memory and the batches that template.yaml has."""

from __future__ import annotations

import pytest

from infra import costs
from tests.template import resources


def function_of(kind):
    name = kind.name.partition(",")[0]
    return next(
        body["Properties"]
        for body in resources().values()
        if body["Type"] == "AWS::Serverless::Function" and body["Properties"]["FunctionName"].endswith(f"-{name}")
    )


def test_the_document_is_what_the_formula_gives():
    text = costs.DOCUMENT.read_text()
    assert costs.document(text) == text, "run: python -m infra.costs"


@pytest.mark.parametrize("kind", costs.KINDS, ids=lambda kind: kind.name)
def test_a_kind_has_the_memory_and_the_batches_of_its_function(kind):
    function = function_of(kind)
    assert function["MemorySize"] == kind.memory_mb
    assert function["Events"]["Queue"]["Properties"]["BatchSize"] == kind.batch


def test_a_backlog_makes_tasks_cheaper_and_more_tasks_cost_more():
    for kind in costs.KINDS:
        assert sum(kind.parts(backlog=True).values()) < sum(kind.parts(backlog=False).values())
    assert costs.month(0) < costs.month(300) < costs.month(3000)
    assert costs.month(costs.break_even()) == pytest.approx(costs.SERVER_MONTH, rel=0.01)
