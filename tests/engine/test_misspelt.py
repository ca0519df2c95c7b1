"""A misspelt name is an error with the nearest known name, never an empty answer."""

from __future__ import annotations

import base64

import pytest
from api_calls import call, pool, token  # noqa: F401 - pool is a fixture

from makertasks import wire
from makertasks.monitoring import acknowledgements, listing
from makertasks.monitoring.alerts import put
from makertasks.monitoring.counters import counting
from makertasks.records import lifecycle
from makertasks.records import table as records

QR_CODE = "did you mean generate_qr_code?"


@pytest.fixture
def stack(aws, tasks_table, counters_table, inventory_table, media_bucket, task_queues):
    """An empty stack with a schedule."""
    scheduler = aws.client("scheduler")
    scheduler.create_schedule_group(Name="unit")
    scheduler.create_schedule(
        GroupName="unit",
        Name="update_average_lead_times",
        ScheduleExpression="cron(0 3 * * ? *)",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={"Arn": "arn:aws:sqs:us-east-1:123456789012:x", "RoleArn": "arn:aws:iam::123456789012:role/x"},
    )


def get(path, query=None, accept="application/json"):
    """Status and text of a viewer's request."""
    status, answer, _ = call("GET", path, query=query, headers={"accept": accept}, bearer=token("viewers"))
    return status, text_of(answer)


def text_of(answer):
    """A problem's sentence, or a page's HTML."""
    if isinstance(answer, dict):
        return str(answer.get("detail", answer))
    return answer if "<" in answer else base64.b64decode(answer).decode()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("worker:generate_qr_kode", QR_CODE),
        ("worker:generate_qr_kode@1f2e3d4c", QR_CODE),
        ("worker:typo", "choose one of "),
        ("queue:typo", "choose one of "),
        ("status:FAILURE AND (queue:generate_qr_kode OR x)", QR_CODE),
        ("name:generate_qr_kode", QR_CODE),
        ("state:FALURE", "did you mean FAILURE?"),
    ],
)
def test_a_search_for_a_misspelt_value_is_an_error(stack, text, said):
    status, problem, _ = call("GET", "/v1/tasks", query={"q": text}, bearer=token("viewers"))
    assert (status, problem["field"]) == (422, "q")
    assert said in problem["detail"]


@pytest.mark.parametrize(
    "text",
    [
        "worker:qr_code", "worker:qr_code@1f2e", "worker:1f2e", "queue:QR", "name:Qr", "NOT queue:typo drill",
        "state:downloading", "by:nobody", "error:typo", "item:typo",
    ],
)  # fmt: skip
def test_a_valid_search_without_matches_is_an_empty_list(stack, text):
    status, answer, _ = call("GET", "/v1/tasks", query={"q": text}, bearer=token("viewers"))
    assert (status, answer["tasks"]) == (200, [])


@pytest.mark.parametrize("sort", ["", "-done"])
@pytest.mark.parametrize("text", ["queue:generate_qr_kode", "worker:generate_qr_kode"])
def test_the_page_shows_a_misspelt_search_as_an_error(stack, text, sort):
    status, html = get("/tasks", {"q": text, "sort": sort}, "text/html")
    assert (status, QR_CODE in html) == (422, True)


def test_an_unfinished_search_is_refused_only_if_the_counters_do_not_know_the_name_either(stack, monkeypatch):
    # given a search that has found nothing so far, and a counted task whose code was removed
    lifecycle.create(records.new(wire.Message("old", "inventory.tasks.gone", kwargs={}), queue="gone"))
    counting.count([counting.change_of("event", None, records.get("old").attribute_values)])
    monkeypatch.setattr("api.pagination.listing.page", lambda *_args, **_more: listing.Page([], "cursor"))
    # when somebody searches for its name, and for a misspelt one
    found = {
        f"{field}:{text}": get("/v1/tasks", {"q": f"{field}:{text}"})[0]
        for field in ("queue", "name", "worker")
        for text in ("gone", "typo")
    }
    # then only the misspelt name is refused
    assert found == {each: 200 if each.endswith("gone") else 422 for each in found}


def test_a_job_for_a_misspelt_search_is_an_error_instead_of_an_empty_job(stack):
    body = {"action": "retry", "where": {"q": "queue:generate_qr_kode"}}
    status, problem, _ = call("POST", "/v1/jobs", body=body, bearer=token("operators"))
    assert (status, problem["field"], QR_CODE in problem["detail"]) == (422, "q", True)
    assert call("GET", "/v1/jobs", bearer=token("operators"))[1]["jobs"] == []


@pytest.mark.parametrize(
    ("path", "accept"), [("/v1/failures/unheard-of", "application/json"), ("/failures/unheard-of", "text/html")]
)
def test_an_unknown_cause_of_failure_is_not_found_instead_of_an_empty_group(stack, path, accept):
    status, said = get(path, accept=accept)
    assert status == 404
    assert "failed with the cause" in said


@pytest.mark.parametrize(
    ("path", "body", "kind"),
    [
        ("/v1/failures/unheard-of/acknowledge", {}, "application/json"),
        ("/failures/unheard-of", "what=mute", "application/x-www-form-urlencoded"),
    ],
)
def test_an_unknown_cause_is_not_acknowledged(stack, path, body, kind):
    headers = {"content-type": kind}
    assert call("POST", path, body=body, headers=headers, bearer=token("operators"))[0] == 404
    assert acknowledgements.by_cause() == {}


@pytest.mark.parametrize(
    ("method", "path", "accept"),
    [
        ("GET", "/v1/schedules/update_average_lead_time", "application/json"),
        ("POST", "/v1/schedules/update_average_lead_time/run", "application/json"),
        ("POST", "/schedules/update_average_lead_time/enable", "text/html"),
    ],
)
def test_a_misspelt_schedule_gets_a_suggestion(stack, method, path, accept):
    status, answer, _ = call(method, path, headers={"accept": accept}, bearer=token("operators"))
    assert (status, "did you mean update_average_lead_times?" in text_of(answer)) == (404, True)


def test_a_misspelt_alert_gets_a_suggestion(stack):
    put("workshop", form="email", address="ann@example.org", kinds=[], recoveries=False, who="ann", readdressed=False)
    assert get("/v1/alerts/workshp") == (404, "there is no alert 'workshp'; did you mean workshop?")
