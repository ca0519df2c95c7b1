"""Probes of the API's role (see probes.py): requests through API Gateway."""

from __future__ import annotations

import json
import random
import uuid
from collections.abc import Callable
from typing import Any

import requests

from makertasks.control import jobs
from makertasks.submission import delays
from tests.stack import deliveries
from tests.stack.rights import Bench, Role


def answers(bench: Bench, method: str, path: str, status: int = 200, **options: Any) -> dict[str, Any]:
    """Return the API's response if it has this status."""
    response = bench.stack.api.request(method, path, **options)
    assert response.status_code == status, f"{method} {path}: {response.status_code} {response.text[:300]}"
    found: dict[str, Any] = response.json()
    return found


def submits(bench: Bench, role: Role) -> None:
    wanted = {"name": "inventory.tasks.generate_qr_code", "kwargs": {"item_id": bench.item()}}
    task = answers(bench, "POST", "/v1/tasks", 202, json=wanted)
    assert answers(bench, "GET", f"/v1/tasks/{task['id']}")["status"] == "PENDING"


def submits_where_a_queue_refuses(bench: Bench, role: Role) -> None:
    wanted = {"name": "inventory.tasks.generate_qr_code", "kwargs": {"item_id": (item_id := bench.item())}}
    with role.denied(["sqs:SendMessage"], "arn:aws:sqs:*:*:*"):
        answers(bench, "POST", "/v1/tasks", 503, json=wanted)
    (task,) = answers(bench, "GET", f"/v1/tasks?item_id={item_id}")["tasks"]
    assert task["status"] == "FAILURE"


def lists(bench: Bench, role: Role) -> None:
    """Every filter has its own index."""
    name = "inventory.tasks.generate_qr_code"
    for query in (
        "",
        "?status=PENDING",
        "?status=FAILURE",
        f"?name={name}",
        f"?item_id={uuid.uuid4()}",
        "?worker=generate_qr_code@1",
    ):
        answers(bench, "GET", f"/v1/tasks{query}")


def lists_items(bench: Bench, role: Role) -> None:
    item_id = bench.item()
    assert answers(bench, "GET", "/v1/items")["items"]
    answers(bench, "GET", f"/v1/items?contains={item_id}")
    assert answers(bench, "GET", f"/v1/items/{item_id}")["id"] == item_id


def links_to_media(bench: Bench, role: Role) -> None:
    keys = {"image": "inventory/images/x.png", "thumbnail": "CACHE/x.webp", "index_card": "index_cards/x.pdf"}
    for key in keys.values():
        bench.put_object(key, b"x")
    shown = answers(bench, "GET", f"/v1/items/{bench.item(**keys)}")
    for link in addresses(shown):
        assert requests.get(link, timeout=10).status_code == 200


def addresses(value: Any) -> list[str]:
    """All presigned URLs in a response."""
    if isinstance(value, dict):
        return [found for each in value.values() for found in addresses(each)]
    return [value] if isinstance(value, str) and "X-Amz-Signature" in value else []


def takes_uploads(bench: Bench, role: Role) -> None:
    form = answers(bench, "POST", "/v1/uploads", 201, json={"item_id": bench.item(), "content_type": "image/png"})
    sent = requests.post(form["url"], data=form["fields"], files={"file": b"a picture"}, timeout=10)
    assert sent.status_code == 204, sent.text


def shows_queues(bench: Bench, role: Role) -> None:
    for queue in answers(bench, "GET", "/v1/queues")["queues"]:
        assert queue["waiting"] is not None, queue


def limits_a_queue(bench: Bench, role: Role) -> None:
    limit = {"maximum_concurrency": random.randint(2, 1000)}
    answers(bench, "PATCH", "/v1/queues/generate_index_cards", json=limit)


def shows_schedules(bench: Bench, role: Role) -> None:
    assert answers(bench, "GET", "/v1/schedules")["schedules"]
    answers(bench, "GET", "/v1/schedules/update_average_lead_times")


def switches_a_schedule(bench: Bench, role: Role) -> None:
    answers(bench, "PATCH", "/v1/schedules/update_average_lead_times", json={"enabled": True})


def runs_a_schedule(bench: Bench, role: Role) -> None:
    answers(bench, "POST", "/v1/schedules/update_average_lead_times/run", 202)


def shows_a_tasks_log(bench: Bench, role: Role) -> None:
    wanted = {"name": "inventory.tasks.update_average_lead_times", "kwargs": {}}
    task = answers(bench, "POST", "/v1/tasks", 202, json=wanted)
    answers(bench, "GET", f"/v1/tasks/{task['id']}/logs")


def shows_numbers(bench: Bench, role: Role) -> None:
    for path in ("/v1/statistics", "/v1/failures", "/v1/workers", "/v1/audit", "/v1/task-types", "/v1/me"):
        answers(bench, "GET", path)


def submits_a_delayed_task_and_revokes_it(bench: Bench, role: Role) -> None:
    wanted = {"name": "inventory.tasks.update_average_lead_times", "countdown": 86_400}
    task = answers(bench, "POST", "/v1/tasks", 202, json=wanted)
    assert delays.name_of(task["id"]) in delayed(bench)
    bench.stack.api.request("POST", f"/v1/tasks/{task['id']}/revoke", json={})
    assert answers(bench, "GET", f"/v1/tasks/{task['id']}")["status"] == "REVOKED"
    assert delays.name_of(task["id"]) not in delayed(bench)


def delayed(bench: Bench) -> list[str]:
    """Names of the schedules of delayed tasks."""
    pages = bench.stack.client("scheduler").get_paginator("list_schedules").paginate(
        GroupName=f"{bench.stack.name}-delays"
    )  # fmt: skip
    return [schedule["Name"] for page in pages for schedule in page["Schedules"]]


def turns_the_page(bench: Bench, role: Role) -> None:
    """A cursor returns the next page."""
    many = {"name": (name := "inventory.tasks.generate_qr_code"), "kwargs": {"item_id": bench.item()}}
    answers(bench, "POST", "/v1/tasks/batch", 202, json={"tasks": [many, many]})
    first = answers(bench, "GET", f"/v1/tasks?name={name}&limit=1")
    second = answers(bench, "GET", f"/v1/tasks?name={name}&limit=1&cursor={first['cursor']}")
    assert first["tasks"] != second["tasks"]


def shows_what_a_job_did(bench: Bench, role: Role) -> None:
    """Outcomes are stored in the bucket in parts."""
    job_id, outcome = str(uuid.uuid4()), {"id": "a task", "outcome": "RETRIED", "detail": ""}
    bench.put_object(jobs.key_of(job_id, 0), json.dumps(outcome).encode())
    deliveries.put_record(bench, job_id, jobs.TASK, status="STARTED", state=json.dumps({"part": 1}))
    assert answers(bench, "GET", f"/v1/jobs/{job_id}/outcomes")["outcomes"] == [outcome]


def submits_many(bench: Bench, role: Role) -> None:
    name = "inventory.tasks.generate_qr_code"
    many = {"tasks": [{"name": name, "kwargs": {"item_id": bench.item()}} for _ in range(3)]}
    answer = answers(bench, "POST", "/v1/tasks/batch", 202, json=many)
    assert len(answer["ids"]) == 3
    assert not answer["rejected"] + answer["unsent"], answer


def keeps_large_arguments(bench: Bench, role: Role) -> None:
    """Large arguments are written on submission, read on retry, and deleted with the record."""
    wanted = {"name": "inventory.tasks.generate_index_cards", "kwargs": {"item_ids": [bench.item()] * 1000}}
    task = answers(bench, "POST", "/v1/tasks", 202, json=wanted)
    bench.stack.api.request("POST", f"/v1/tasks/{task['id']}/revoke", json={})
    answers(bench, "POST", f"/v1/tasks/{task['id']}/retry", 202, json={})
    assert bench.stack.api.request("DELETE", f"/v1/tasks/{task['id']}").ok


def sets_a_webhook(bench: Bench, role: Role) -> None:
    """An alert's URL is stored, tested by the function that may read it, and deleted with the alert."""
    name = f"probe-{uuid.uuid4().hex[:8]}"
    wanted = {"form": "json", "kinds": ["dead_letter"], "address": "https://hooks.invalid/probe"}
    answers(bench, "PUT", f"/v1/alerts/{name}", json=wanted)
    assert answers(bench, "GET", f"/v1/alerts/{name}")["address"] == "hooks.invalid/…"
    assert "could not be looked up" in answers(bench, "POST", f"/v1/alerts/{name}/test")["detail"]
    deleted = bench.stack.api.request("DELETE", f"/v1/alerts/{name}")
    assert deleted.status_code == 204, deleted.text


def sets_a_mail(bench: Bench, role: Role) -> None:
    """An email address is subscribed, and unsubscribed with its last alert."""
    name = f"probe-{uuid.uuid4().hex[:8]}"
    address = f"{name}@example.org"
    answers(bench, "PUT", f"/v1/alerts/{name}", json={"form": "email", "kinds": ["dead_letter"], "address": address})
    assert any(each["name"] == name for each in answers(bench, "GET", "/v1/alerts")["alerts"])
    deleted = bench.stack.api.request("DELETE", f"/v1/alerts/{name}")
    assert deleted.status_code == 204, deleted.text


EVERY_REQUEST: list[Callable[[Bench, Role], None]] = [
    submits,
    lists,
    lists_items,
    links_to_media,
    takes_uploads,
    submits_where_a_queue_refuses,
    shows_queues,
    shows_schedules,
    shows_a_tasks_log,
    shows_numbers,
    runs_a_schedule,
    switches_a_schedule,
    limits_a_queue,
    submits_a_delayed_task_and_revokes_it,
    submits_many,
    turns_the_page,
    shows_what_a_job_did,
    keeps_large_arguments,
    sets_a_webhook,
    sets_a_mail,
]
