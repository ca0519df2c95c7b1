"""Dead letters: what pages show, and the ways out."""

from __future__ import annotations

import json
import re

import pytest
from browsing import ITEM, LETTER, browse, everything, pool  # noqa: F401 - fixtures

from makertasks.control import audit
from makertasks.records import table as records
from makertasks.records import unredriven
from makertasks.worker import dead_letters

pytestmark = pytest.mark.usefixtures("everything")


def test_an_unreadable_message_shows_outcome_and_actions_and_has_the_same_count_everywhere():
    def counts():
        listed = json.loads(browse("GET", "/v1/dead-letters")[1])["dead_letters"]
        queues = json.loads(browse("GET", "/v1/queues")[1])["queues"]
        return len(listed), sum(each["dead"] for each in queues), unredriven.counts().total()

    # when its queue is redriven, then it stays, with a link to the message
    assert counts() == (1, 1, 1)
    status, html, _ = browse("POST", "/queues/generate_qr_code/redrive", form={})
    assert (status, "0 of 1 message sent back to the queue" in html, "still cannot be read" in html) == (
        200,
        True,
        True,
    )
    assert f"/tasks/{LETTER}/message" in html
    assert counts() == (1, 1, 1)
    # when it is resent unchanged or with invalid arguments, then the reason appears at the top of its page
    status, html, _ = browse("POST", f"/tasks/{LETTER}/redrive", form={})
    assert (status, "still cannot be read" in html) == (422, True)
    status, html, _ = browse("POST", f"/tasks/{LETTER}/message", form={"body": '{"item_id": "none"}'})
    assert (status, "does not fit the task" in html) == (422, True)
    # when it is resent with a valid body, then a new task runs, and no count has it any more
    status, _, headers = browse("POST", f"/tasks/{LETTER}/message", form={"body": json.dumps({"item_id": ITEM})})
    new = headers["Location"].removeprefix("/tasks/").partition("?")[0]
    assert (status, records.get(new).retry_of, records.get(new).kwargs) == (303, LETTER, {"item_id": ITEM})
    assert counts() == (0, 0, 0)


def test_an_unreadable_message_is_listed_by_its_task_with_its_beginning_and_deliveries():
    # given dead letters with and without a known task and deliveries
    dead_letters.record("e30=", message_id="of-nobody", queue="", sent=records.clock.now(), deliveries=1)
    dead_letters.record("[" + "7, " * 99, message_id="long", queue="generate_qr_code", sent=records.clock.now(),
                        deliveries=3)  # fmt: skip

    # when they are listed
    _, html, _ = browse("GET", "/messages")

    # then each row has its task, beginning, deliveries and actions
    rows = dict(re.findall(r'<tr id="m([^"]+)">(.*?)</tr>', html, re.DOTALL))
    said = {letter: re.sub(r"<[^>]+>", " ", row) for letter, row in rows.items()}
    assert "Generate QR code" in said["long"]
    assert "delivered 3 times" in said["long"]
    assert f"[{'7, ' * 5}" in said["long"]
    assert "Unknown task" in said["of-nobody"]
    assert "delivered once" in said["of-nobody"]
    assert "delivered" not in said[LETTER]
    for letter, row in rows.items():
        assert f'href="/tasks/{letter}/message"' in row
        assert f'action="/tasks/{letter}/discard"' in row
    # and so has the API
    listed = json.loads(browse("GET", "/v1/dead-letters")[1])["dead_letters"]
    assert {each["id"]: (each["name"], each["deliveries"]) for each in listed} == {
        "of-nobody": (records.UNKNOWN, 1), "long": ("inventory.tasks.generate_qr_code", 3),
        LETTER: ("inventory.tasks.generate_qr_code", None),
    }  # fmt: skip
    # and the task list shows the beginning of the message in place of arguments
    assert "[7, 7, 7" in browse("GET", "/tasks")[1]


def test_a_discarded_message_is_audited_and_no_longer_counted():
    assert browse("POST", f"/tasks/{LETTER}/discard", form={})[0] == 303
    assert unredriven.counts().total() == 0
    entry = audit.page(1)["entries"][0]
    assert (entry["who"], entry["action"], entry["target"]) == ("ann", "discard message", LETTER)
    _, html, _ = browse("GET", f"/tasks/{LETTER}")
    assert ("Edit and send" in html, f"/tasks/{LETTER}/discard" in html) == (True, False)
    status, html, _ = browse("POST", f"/tasks/{LETTER}/discard", form={})
    assert (status, "already been sent again or discarded" in html) == (422, True)
