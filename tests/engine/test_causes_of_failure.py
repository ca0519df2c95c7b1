"""Causes of failure: the banner, acknowledging and muting, and a cause's own page."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from html import unescape

import pytest
from browsing import CAUSE, DOWNLOAD, FAILED, ITEM, PICTURE, Page, browse, everything, pool  # noqa: F401 - fixtures

from makertasks import clock, wire
from makertasks.control import audit, jobs
from makertasks.errors import PermanentError
from makertasks.monitoring import listing
from makertasks.monitoring.counters import counting
from makertasks.records import lifecycle
from makertasks.records import table as records
from makertasks.records.states import Status

pytestmark = pytest.mark.usefixtures("everything")


def test_the_banner_is_red_only_for_unacknowledged_failures():
    def band():
        _, html, _ = browse("GET", "/")
        return "1 unacknowledged failure in the last hour" in html

    # when an operator acknowledges the failure, then the banner is no longer red, and everybody sees who did
    cause = records.get(FAILED).fingerprint
    assert band()
    status, _, _ = browse("POST", f"/failures/{cause}", form={"what": "acknowledge", "note": "the shop is down"})
    assert (status, band()) == (303, False)
    [group] = [each for each in json.loads(browse("GET", "/v1/failures")[1])["groups"] if each["fingerprint"] == cause]
    assert (group["count"], group["new"]) == (1, 0)
    assert (group["acknowledged"]["who"], group["acknowledged"]["note"]) == ("ann", "the shop is down")
    assert "Acknowledged by" in browse("GET", f"/failures/{cause}")[1]
    # when the cause fails again, then the banner is red until the cause is muted
    message = wire.Message("again", DOWNLOAD, kwargs={"item_id": ITEM, "image_url": PICTURE})
    record = records.new(message, queue="download_image_from_url", item_id=ITEM)
    lifecycle.close(record, Status.FAILURE, PermanentError("image_url: the server answered 404"))
    assert records.get("again").fingerprint == cause
    assert band()
    browse("POST", f"/failures/{cause}", form={"what": "mute"})
    assert not band()
    assert [entry["action"] for entry in audit.page(2)["entries"]] == ["mute failures", "acknowledge failures"]


def test_a_muted_or_wholly_acknowledged_cause_is_not_acknowledged_again():
    def buttons():
        _, html, _ = browse("GET", f"/failures/{cause}")
        return re.findall(r'<button name="what" value="(\w+)"( class="secondary outline")?>([\w ]+)<', html), html

    cause = records.get(FAILED).fingerprint
    quiet = ' class="secondary outline"'
    assert buttons()[0] == [("acknowledge", "", "Acknowledge"), ("mute", quiet, "Mute")]
    # when all its failures are acknowledged, then only the note can be changed
    browse("POST", f"/failures/{cause}", form={"what": "acknowledge", "note": "the shop is down"})
    found, html = buttons()
    assert found == [("acknowledge", quiet, "Save note"), ("mute", quiet, "Mute")]
    assert 'value="the shop is down"' in html
    # when it is muted, then saving the note leaves it muted
    browse("POST", f"/failures/{cause}", form={"what": "mute", "note": "until May"})
    assert buttons()[0] == [("mute", quiet, "Save note"), ("unmute", quiet, "Unmute")]
    # when it fails again after it was unmuted, then there is something to acknowledge
    browse("POST", f"/failures/{cause}", form={"what": "unmute"})
    message = wire.Message("again", DOWNLOAD, kwargs={"item_id": ITEM, "image_url": PICTURE})
    record = records.new(message, queue="download_image_from_url", item_id=ITEM)
    lifecycle.close(record, Status.FAILURE, PermanentError("image_url: the server answered 404"))
    assert buttons()[0] == [("acknowledge", "", "Acknowledge"), ("mute", quiet, "Mute")]


def test_the_banner_counts_a_task_that_failed_now_after_hours_of_retries():
    message = wire.Message("long ago", DOWNLOAD, kwargs={"item_id": ITEM, "image_url": PICTURE})
    created = clock.now() - timedelta(hours=5)
    record = records.new(message, queue="download_image_from_url", item_id=ITEM, created=created)
    lifecycle.close(record, Status.FAILURE, PermanentError("image_url: the server answered 503"))
    image = records.get("long ago").attribute_values
    counting.count([counting.change_of("event", None, image)])
    _, html, _ = browse("GET", "/")
    assert "2 unacknowledged failures in the last hour" in html
    [link] = re.findall(r'href="(/tasks\?status=FAILURE[^"]*)"[^>]*>2 unacknowledged', html)
    _, html, _ = browse("GET", unescape(link))
    assert re.findall(r'<tr id="r([^"]+)"', html)[0] == "long ago"


def test_a_viewer_reads_a_cause_and_changes_nothing():
    assert '<form method="post" action="/failures' not in browse("GET", f"/failures/{CAUSE}", groups=("viewers",))[1]
    assert browse("POST", f"/failures/{CAUSE}", form={"what": "mute"}, groups=("viewers",))[0] == 403


def test_a_cause_shows_its_trend_and_items_and_retries_all_its_failures():
    # given three failures of one cause, and one of another
    for number in range(3):
        message = wire.Message(f"other-{number}", DOWNLOAD, kwargs={"item_id": ITEM, "image_url": PICTURE})
        record = records.new(message, queue="download_image_from_url", item_id=ITEM if number else "gone")
        reason = "image_url: the server answered 404" if number else "disk full"
        lifecycle.close(record, Status.FAILURE, PermanentError(reason))
    cause = records.get(FAILED).fingerprint
    # then the API has its trend and items, and a viewer sees them without actions
    found = json.loads(browse("GET", f"/v1/failures/{cause}")[1])
    today = records.get(FAILED).created[:10]
    assert (found["group"]["count"], found["days"], found["item_count"]) == (3, {today: 3}, 1)
    assert [(each["item_id"], each["count"]) for each in found["items"]] == [(ITEM, 3)]
    assert (found["examined"], found["complete"]) == (5, True)
    _, html, _ = browse("GET", f"/failures/{cause}", groups=("viewers",))
    assert (f'href="/items/{ITEM}"' in html, "Safety glasses" in html, "Retry all" in html) == (True, True, False)
    # when an operator retries all of them, then the job selects exactly these
    _, html, _ = browse("GET", f"/failures/{cause}")
    assert "Retry all 3" in html
    [form] = [form for _, form in Page(html).forms if form.action == "/tasks/bulk"]
    sent = {control.name: control.value for control in form.controls} | {"action": "retry", "step": "do"}
    status, _, headers = browse("POST", form.action, form=sent)
    job = records.get(headers["Location"].removeprefix("/jobs/").partition("?")[0])
    assert (status, job.kwargs["action"]) == (303, "retry")
    assert [record.task_id for record in listing.page(jobs.filters_of("retry", job.kwargs["where"])[0]).records] == [
        "other-2", "other-1", FAILED
    ]  # fmt: skip
    for page in ("/", f"/tasks/{FAILED}"):
        assert f'href="/failures/{cause}"' in browse("GET", page)[1]
