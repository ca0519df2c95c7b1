"""Requests to the API, as API Gateway forwards them, and its responses."""

from __future__ import annotations

import base64
import json
from datetime import timedelta
from pathlib import Path
from urllib.parse import unquote
from uuid import UUID

import boto3
import jsonschema
import pytest
from api_calls import call, pool, token  # noqa: F401 - pool is a fixture
from openapi_spec_validator import validate

from api import openapi, routing
from api.pages import rendering
from makertasks import clock, settings, wire
from makertasks.aws import bucket
from makertasks.control import audit
from makertasks.inventory import table as inventory
from makertasks.inventory.table import Item
from makertasks.media import qr_codes
from makertasks.monitoring import listing
from makertasks.records import table as records
from makertasks.submission import producer
from tests.template import resources

LEAD_TIMES = "inventory.tasks.update_average_lead_times"


def test_an_unknown_path_and_a_wrong_method_are_problem_responses():
    assert call("GET", "/v1/nothing")[0] == 404
    status, problem, answer = call("DELETE", "/v1/tasks")
    assert (status, answer["headers"]["Allow"]) == (405, "GET, POST")
    assert problem["detail"] == "this address accepts GET, POST"


def test_a_submitted_task_is_listed_found_exported_and_revoked(tasks_table, counters_table, task_queues):
    # given a task that an operator submitted
    operator = token("operators")
    status, task, _ = call("POST", "/v1/tasks", body={"name": LEAD_TIMES, "countdown": 600}, bearer=operator)
    assert (status, task["status"], task["requested_by"]) == (202, "PENDING", "ann")
    # then lists and searches find it
    for query in ({}, {"status": "PENDING"}, {"q": f"id:{task['id']}"}, {"q": "lead by:ann"}):
        assert [each["id"] for each in call("GET", "/v1/tasks", query=query, bearer=operator)[1]["tasks"]] == [
            task["id"]
        ]
    assert call("GET", "/v1/tasks", query={"q": "nothing"}, bearer=operator)[1]["tasks"] == []
    lines = call("GET", "/v1/exports/tasks.csv", bearer=operator)[1].splitlines()
    assert (len(lines), lines[0].split(",")[0], lines[1].split(",")[0]) == (2, "id", task["id"])
    assert json.loads(call("GET", "/v1/exports/tasks.jsonl", bearer=operator)[1])["id"] == task["id"]
    # and it can be revoked once, which is recorded
    assert call("POST", f"/v1/tasks/{task['id']}/revoke", bearer=token("viewers"))[0] == 403
    assert call("POST", f"/v1/tasks/{task['id']}/revoke", bearer=operator)[1]["status"] == "REVOKED"
    assert call("POST", f"/v1/tasks/{task['id']}/revoke", bearer=operator)[0] == 409
    assert [entry["action"] for entry in audit.page(5)["entries"]] == ["revoke", "revoke"]
    # and retried, as a new task
    again = call("POST", f"/v1/tasks/{task['id']}/retry", bearer=operator)[1]
    assert (again["retry_of"], again["status"]) == (task["id"], "PENDING")
    assert call("GET", f"/v1/tasks/{task['id']}", bearer=operator)[1]["retried_to"] == [again["id"]]


def test_a_submission_returns_the_record_without_reading_it_again(tasks_table, task_queues, monkeypatch):
    # given a submission with every option
    operator = token("operators")
    options = {"countdown": 600, "expires": 900, "max_retries": 2, "time_limit": 60, "soft_time_limit": 50.5}
    wanted = {"name": LEAD_TIMES, "task_id": "mine", "idempotency_key": "monday", **options}

    # when it is accepted while records cannot be read
    with monkeypatch.context() as blind:
        blind.setattr(records, "get", None)
        status, submitted, _ = call("POST", "/v1/tasks", body=wanted, bearer=operator)

    # then the response equals the stored record, even when the call is repeated
    assert (status, submitted["status"], submitted["id"]) == (202, "PENDING", "mine")
    assert call("GET", "/v1/tasks/mine", bearer=operator)[1] == submitted
    assert call("POST", "/v1/tasks", body=wanted, bearer=operator)[1] == submitted
    assert call("POST", "/v1/tasks", body=wanted | {"idempotency_key": None}, bearer=operator)[1] == submitted


@pytest.mark.parametrize("task_id", [
        "a/b", "/", "a/retry", "50%2F?", "x/?q=1#مرحبا 🧪", "...", "./", "../..", "%2e%2e", " ",
        "a" * 255, "é" * 127, "%" * 255,
    ],
    ids=lambda task_id: task_id[:12],
)  # fmt: skip
def test_a_task_id_may_contain_any_character(tasks_table, counters_table, task_queues, task_id):
    superuser, body = token("superusers"), {"name": LEAD_TIMES, "task_id": task_id, "countdown": 600}
    assert call("POST", "/v1/tasks", body=body, bearer=superuser)[0] == 202
    # An HTTP API decodes everything in a path except escaped percent signs.
    arrives = unquote(rendering.segment(task_id).replace("%25", "%2525"))
    for prefix in ("/v1/tasks/", "/tasks/", "/api/task/info/"):
        status, _, _ = call("GET", f"{prefix}{arrives}", bearer=superuser)
        assert status == 200
    assert call("POST", f"/v1/tasks/{arrives}/revoke", bearer=superuser)[1]["status"] == "REVOKED"
    assert call("DELETE", f"/v1/tasks/{arrives}", bearer=superuser)[0] == 204


def test_a_slash_in_an_id_may_also_be_escaped_once(tasks_table, counters_table, task_queues):
    bearer = token("operators")
    call("POST", "/v1/tasks", body={"name": LEAD_TIMES, "task_id": "a/b", "countdown": 600}, bearer=bearer)
    for path in ("/v1/tasks/a/b", "/v1/tasks/a%2Fb", "/tasks/a/b", "/tasks/a/b/log", "/api/task/info/a/b"):
        assert call("GET", path, bearer=bearer)[0] == 200
    assert call("DELETE", "/v1/tasks/a/b/revoke", bearer=bearer)[0] == 405


def test_only_superusers_delete_and_only_finished_tasks(tasks_table, counters_table, task_queues):
    superuser = token("superusers")
    task = call("POST", "/v1/tasks", body={"name": LEAD_TIMES}, bearer=superuser)[1]
    assert call("DELETE", f"/v1/tasks/{task['id']}", bearer=token("operators"))[0] == 403
    assert call("DELETE", f"/v1/tasks/{task['id']}", bearer=superuser)[0] == 409
    call("POST", f"/v1/tasks/{task['id']}/revoke", bearer=superuser)
    status, body, _ = call("DELETE", f"/v1/tasks/{task['id']}", bearer=superuser)
    assert (status, body) == (204, "")
    assert call("GET", f"/v1/tasks/{task['id']}", bearer=superuser)[0] == 404
    entry = audit.page(1)["entries"][0]
    assert (entry["who"], entry["action"], entry["target"]) == ("ann", "delete", task["id"])


def test_a_cursor_is_valid_only_for_its_query(tasks_table, counters_table, task_queues):
    for _ in range(3):
        producer.submit(producer.Submission(LEAD_TIMES))
    bearer = token("viewers")
    first = call("GET", "/v1/tasks", query={"limit": 2}, bearer=bearer)[1]
    second = call("GET", "/v1/tasks", query={"limit": 2, "cursor": first["cursor"]}, bearer=bearer)[1]
    assert len({task["id"] for task in first["tasks"] + second["tasks"]}) == 3
    assert second["cursor"] is None
    # a cursor of another query, a forged one and a truncated one are refused
    forged = listing._write_cursor(("2026-11-22T00:00:00.000000Z", "x"), listing.Filter(status="SUCCESS"))
    wrong = [{"status": "PENDING", "cursor": first["cursor"]}, {"cursor": forged}, {"cursor": first["cursor"][:-2]}]
    for query in (*wrong, {"status": "FAILURE", "cursor": forged}):
        assert call("GET", "/v1/tasks", query=query, bearer=bearer)[0] == 422


def test_an_unreadable_record_is_shown_as_broken(tasks_table, inventory_table, media_bucket):
    """The others are listed; the bad one is named with its reason, in JSON and on pages; requests for it get a 409."""
    inventory.write([Item(f"item#{UUID(int=number)}", "item", name=f"Item {number}") for number in (1, 2)])
    table = boto3.resource("dynamodb").Table(settings.inventory_table())
    table.update_item(
        Key={"owner": f"item#{UUID(int=1)}", "entry": "item"},
        UpdateExpression="SET current_stock = :text",
        ExpressionAttributeValues={":text": "five"},
    )
    bearer = token("viewers")

    status, listed, _ = call("GET", "/v1/items", bearer=bearer)
    assert (status, [item["name"] for item in listed["items"]]) == (200, ["Item 2"])
    [broken] = listed["broken"]
    assert broken["item_id"] == str(UUID(int=1))
    assert "current_stock" in broken["problem"]
    status, page, _ = call("GET", "/items", bearer=bearer)
    assert status == 200
    assert "1 row of the inventory table cannot be read" in base64.b64decode(page).decode()
    status, problem, _ = call("GET", f"/v1/items/{UUID(int=1)}", bearer=bearer)
    assert status == 409
    assert "current_stock" in problem["detail"]


def test_the_openapi_document_is_valid_and_its_examples_match():
    document = openapi.document()
    validate(document)
    described = {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}
    assert described == {(route.method, route.path) for route in routing.all_routes() if not route.is_page}
    for methods in document["paths"].values():
        for operation in methods.values():
            bodies = [operation["requestBody"]] if "requestBody" in operation else []
            for part in [*bodies, *operation["responses"].values()]:
                for content in part.get("content", {}).values():
                    if "example" in content:
                        fits(content["schema"], content["example"], document)


def fits(schema, example, document):
    """Check an example against its schema; raise its first error."""
    whole = {**schema, "components": document["components"]}
    jsonschema.Draft202012Validator(whole).validate(example)


def test_a_task_is_found_by_its_id(tasks_table, counters_table, task_queues):
    task_id = producer.submit(producer.Submission(LEAD_TIMES)).task_id
    assert records.get(task_id).name == LEAD_TIMES


def test_rarely_needed_modules_are_imported_late():
    folder = Path(routing.__file__).parent
    heavy = ("import jwt", "import swagger_ui", "from prometheus_client")
    for module in folder.rglob("*.py"):
        lines = module.read_text().splitlines()
        assert not [line for line in lines if line.startswith(heavy)], module


def test_a_query_string_prefills_a_pages_form(echo, inventory_table, counters_table):
    query = {"kwargs.item_id": "null", "said": "saved"}
    status, _, _ = call("GET", f"/task-types/{LEAD_TIMES}", query=query, bearer=token("superusers"))
    assert status == 200


def test_flowers_list_accepts_flowers_parameters(echo, counters_table):
    """A limit above the maximum becomes the maximum; an unknown state matches nothing."""
    task_id = echo.submit("x")
    for query in ({"limit": 5000}, {"state": "RECEIVED"}, {"state": "All", "workername": "All"}):
        status, found, _ = call("GET", "/api/tasks", query=query, bearer=token("viewers"))
        assert (status, list(found)) == (200, [task_id])
    assert call("GET", "/api/tasks", query={"state": "BOGUS"}, bearer=token("viewers"))[:2] == (200, {})


def test_missed_runs_are_listed_by_schedule(aws, tasks_table, counters_table, monkeypatch):
    # given the nightly schedule as it is deployed, three days later
    rule = resources()["LeadTimesScheduleRule"]["Properties"]
    target = {"Arn": "arn:aws:sqs:us-east-1:1:q", "RoleArn": "arn:aws:iam::1:role/r", "Input": rule["Target"]["Input"]}
    aws.client("scheduler").create_schedule_group(Name="unit")
    aws.client("scheduler").create_schedule(
        Name=rule["Name"], GroupName="unit", ScheduleExpression="cron(0 3 * * ? *)", FlexibleTimeWindow={"Mode": "OFF"},
        Target=target,
    )  # fmt: skip
    later = clock.now() + timedelta(days=3)
    monkeypatch.setattr(clock, "now", lambda: later)

    def missed():
        return call("GET", "/v1/schedules", bearer=token("viewers"))[1]["schedules"][0]["missed"]

    first, *others = missed()
    assert len(others) in {1, 2}  # the last night's run is not overdue yet

    # when the first night's task has run
    records.new(wire.Message(task_id=f"lead-times-{first[:19]}Z", name=LEAD_TIMES), queue="q").save()

    # then the API and the page name the other nights
    assert missed() == others
    page = base64.b64decode(call("GET", "/schedules", bearer=token("viewers"))[1]).decode()
    assert "Missed runs" in page
    assert all(slot[:16] in page for slot in others)
    assert first[:16] not in page


def test_an_items_qr_code_is_drawn_as_svg_on_request(inventory_table, media_bucket, monkeypatch):
    monkeypatch.setenv("FRONTEND_URL", "https://makers.example")
    item_id, address = UUID(int=1), f"https://makers.example/scan/{UUID(int=1)}"
    inventory.write([Item(f"item#{item_id}", "item", name="Vice")])
    status, body, answer = call("GET", f"/v1/items/{item_id}/qr_code.svg", bearer=token("viewers"))
    assert (status, answer["headers"]["Content-Type"]) == (200, "image/svg+xml")
    assert body.encode() == qr_codes.encode(address).svg(f"QR code: {address}")
    assert list(bucket.keys("")) == []
    assert call("GET", f"/v1/items/{UUID(int=2)}/qr_code.svg", bearer=token("viewers"))[0] == 404
    assert call("GET", f"/v1/items/{item_id}/qr_code.svg")[0] == 401
