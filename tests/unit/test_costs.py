"""docs/costs.md agrees with infra/costs.py, whose memory and batch sizes are those of template.yaml."""

from __future__ import annotations

import pytest

from infra import costs, prices
from tests.template import resources

OWN_QUEUES = 8  # the project's task queues without the one with a maximum concurrency


def function_of(kind):
    name = kind.name.partition(",")[0]
    return next(
        body["Properties"]
        for body in resources().values()
        if body["Type"] == "AWS::Serverless::Function" and body["Properties"]["FunctionName"].endswith(f"-{name}")
    )


def test_docs_costs_agrees_with_the_formula():
    text = costs.DOCUMENT.read_text()
    assert costs.document(text) == text, "run: python -m infra.costs"


@pytest.mark.parametrize("kind", costs.KINDS, ids=lambda kind: kind.name)
def test_each_task_in_the_cost_model_has_its_functions_memory_and_batch_size(kind):
    function = function_of(kind)
    assert function["MemorySize"] == kind.memory_mb
    assert function["Events"]["Queue"]["Properties"]["BatchSize"] == kind.batch


def test_a_backlog_makes_tasks_cheaper_and_more_tasks_cost_more():
    for kind in costs.KINDS:
        backlog, alone = (prices.together(list(kind.parts(backlog=each).values())) for each in (True, False))
        assert prices.dollars(backlog) < prices.dollars(alone)
    bills = [costs.month(number) for number in (0, 300, 3000)]
    assert [prices.dollars(each) for each in bills] == sorted(prices.dollars(each) for each in bills)
    assert all(prices.after_free(each) <= prices.dollars(each) for each in bills)
    assert prices.dollars(costs.month(costs.break_even())) == pytest.approx(prices.SERVER_MONTH, rel=0.01)


def test_the_bill_of_a_quiet_makerspace_stays_below_the_promised_amount(monkeypatch):
    # given only the project's own tasks: polling the queue of an added task costs extra
    monkeypatch.setattr(costs, "polled", lambda: (OWN_QUEUES, 1))
    assert prices.dollars(costs.month(0)) <= 1.25  # including lead times and metrics of one task a day
    standing = prices.together([units for _, units in costs.standing_parts()])
    assert (prices.dollars(standing) <= 1.20, prices.after_free(standing) <= 0.80) == (True, True)
    assert (prices.dollars(costs.month(300)) <= 2.00, prices.after_free(costs.month(300)) <= 1.50) == (True, True)


def test_monthly_costs_include_users_and_page_views_and_state_what_machine_sign_in_adds():
    units = costs.month(300)
    assert units["user_month"] == costs.PEOPLE
    assert units["gb_out"] > 0
    assert units["api_request"] > 0
    # 6.00 for the app client, and a token an hour
    assert prices.dollars(costs.machine()) == pytest.approx(6.00 + 24 * 30.4 * 0.00225)
    assert any("MachineSignIn" in line for line in costs.months())


def test_every_queue_that_lambda_polls_is_in_the_cost_model():
    free, _ = costs.polled()
    assert free >= OWN_QUEUES


def test_only_queues_whose_mapping_has_a_maximum_concurrency_keep_five_pollers():
    _, limited = costs.polled()
    assert limited == 1  # downloads
