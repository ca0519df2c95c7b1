"""Requests with an invalid field: the API refuses them and names the field."""

from __future__ import annotations

import pytest
from api_calls import call, pool, token  # noqa: F401 - pool is a fixture

LEAD_TIMES = "inventory.tasks.update_average_lead_times"


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ("", 422, "name"),
        ("[1", 422, "body"),
        ("[]", 422, "body"),
        ('{"name": 7}', 422, "name"),
        ('{"name": "x", "colour": 1}', 422, "colour"),
        ('{"name": "x", "time_limit": 1e-300}', 422, "time_limit"),
        ('{"name": "x", "kwargs": ' + '{"a":' * 30 + "1" + "}" * 31, 422, None),
        ("[" * 60_000, 422, "body"),
        ('{"name": "' + "x" * 200_000 + '"}', 413, None),
        ('{"name": "x", "eta": "soon"}', 422, "eta"),
        ('{"name": "x", "countdown": -1}', 422, "countdown"),
        ('{"name": "no.such.task"}', 404, "name"),
        ('{"name": "makertasks.bulk_action"}', (404, 422), "name"),
    ],
)
def test_an_invalid_body_is_refused_with_the_fields_name(tasks_table, body, status, field):
    answered, problem, _ = call("POST", "/v1/tasks", body=body, bearer=token("operators"))
    assert answered in (status if isinstance(status, tuple) else (status,))
    if field:
        assert problem["field"] == field


def test_an_integer_may_be_written_as_a_whole_float(tasks_table):
    named = {"name": "no.such.task", "max_retries": 2.0}
    assert call("POST", "/v1/tasks", body=named, bearer=token("operators"))[1]["field"] == "name"
    status, problem, _ = call("POST", "/v1/tasks", body={**named, "max_retries": 2.5}, bearer=token("operators"))
    assert (status, problem["field"]) == (422, "max_retries")


def test_parameters_have_limits(tasks_table, counters_table):
    bearer = token("viewers")
    wrong = {
        "limit": "101",
        "colour": "red",
        "status": "BROKEN",
        "created_from": "yesterday",
        "q": "a:b",
        "cursor": "x",
        "item_id": "7",
        "worker": "x" * 201,
    }
    for field, value in wrong.items():
        status, problem, _ = call("GET", "/v1/tasks", query={field: value}, bearer=bearer)
        assert (status, problem["field"]) == (422, field)
    assert call("GET", "/v1/tasks", query={"limit": "0"}, bearer=bearer)[0] == 422
    assert call("GET", "/v1/tasks", query={"q": "x" * 5000}, bearer=bearer)[0] == 422


@pytest.mark.parametrize(
    ("path", "query", "field"),
    [
        ("/v1/tasks", {"created_from": "2026-02-01", "created_to": "2026-01-01"}, "created_to"),
        ("/v1/tasks", {"status": "bogus"}, "status"),
        ("/v1/statistics", {"created_from": "2020-01-01", "created_to": "2026-01-01"}, "created_from"),
    ],
)
def test_an_invalid_query_names_the_field(tasks_table, counters_table, path, query, field):
    status, problem, _ = call("GET", path, query=query, bearer=token("viewers"))
    assert (status, problem["field"]) == (422, field)


def test_the_query_value_null_is_refused(tasks_table, counters_table):
    """A query string has no null; treated as absent, it would remove a limit."""
    status, problem, _ = call(
        "POST", f"/api/task/timeout/{LEAD_TIMES}", query={"hard": "null"}, bearer=token("superusers")
    )
    assert (status, problem["field"]) == (400, "hard")
