"""A site that is down for days: from the change in the table to the accepted POST, with a moved clock."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from lambda_queue import Queue
from standardwebhooks.webhooks import Webhook
from test_site_changes import IMAGE, ITEM, LAMBDA, SECRET, Site, secret, site, stream_event  # noqa: F401 - fixtures

from item_changes.handler import handler as item_changes
from makertasks import clock
from makertasks.aws import bucket
from makertasks.control import retrying
from makertasks.inventory import site_changes
from makertasks.records import table as records
from makertasks.records.model import TaskRecord
from makertasks.records.states import Status
from push_to_site.handler import handler as push_handler
from push_to_site.handler import push_to_site

TASK = "site-e0-0"  # the first event's task


@pytest.fixture
def queue(aws, task_queues, tasks_table, inventory_table, media_bucket, secret) -> Queue:  # noqa: F811 - the fixture
    """The push queue and its function; an item's image has changed."""
    bucket.put("inventory/images/a.png", b"png", "image/png")
    return Queue(aws.client("sqs"), "unit-tasks-push_to_site", push_handler)


def push_until(done: Callable[[TaskRecord], bool], queue: Queue, time_passes: Callable[..., None]) -> TaskRecord:
    """Deliver whenever the next attempt is due; a delivery before that changes nothing."""
    for _ in range(10 * push_to_site.max_retries):
        queue.deliver()
        record = records.get(TASK)
        if record.is_final or done(record):
            return record
        assert record.status == Status.RETRY
        wait = clock.parse(record.retry_at) - clock.now()
        time_passes(seconds=max(wait.total_seconds(), 0) + 5)  # SQS counts whole seconds
    raise AssertionError("it does not end")


def posted(site: Site) -> list[tuple[str, str, int]]:  # noqa: F811 - the fixture's
    """Id, image and version of each POST."""
    found = []
    for body, headers in site.posted:
        [changed] = site_changes.decode(body).changes
        image = changed.attributes["image"]
        found.append((headers["webhook-id"], str(image.value), image.version))
        assert changed.pk == ITEM
    return found


def test_a_site_that_comes_back_after_five_days_gets_the_change(site, queue, time_passes):  # noqa: F811 - fixtures
    # given a change while the site is down
    site.status = 503
    item_changes(stream_event(IMAGE), LAMBDA)
    began = clock.now()

    # when the site is up again after five days
    push_until(lambda _: clock.now() - began > timedelta(days=5), queue, time_passes)
    site.status, back = 200, clock.now()
    record = push_until(lambda _: False, queue, time_passes)

    # then it has got the change, with a signature and a link made at that moment, and the queue is empty
    assert record.status == Status.SUCCESS
    body, headers = site.posted[-1]
    Webhook(SECRET).verify(body, headers)
    assert set(posted(site)) == {(TASK, "inventory/images/a.png", 5)}
    assert queue.count() == 0
    assert clock.now() - back < timedelta(hours=5)  # the longest delay is four hours


def test_a_site_that_stays_away_is_given_up_after_a_week_and_a_retry_sends_the_same(site, queue, time_passes):  # noqa: F811 - fixtures
    # given a site that stays down
    site.status = 503
    item_changes(stream_event(IMAGE), LAMBDA)
    began = clock.now()

    # when every attempt has been made
    record = push_until(lambda _: False, queue, time_passes)

    # then the task is FAILURE after about a week, and says why
    assert record.status == Status.FAILURE
    assert len(site.posted) == push_to_site.max_retries + 1
    assert timedelta(days=5) < clock.now() - began < timedelta(days=10)
    assert "the site answered 503" in str(record.error_message)
    assert queue.count() == 0

    # and a retry from the dashboard sends the same change again
    site.status = 200
    new = retrying.retry(TASK, who="ada").task_id
    queue.deliver()
    assert records.get(new).status == Status.SUCCESS
    assert posted(site)[-1] == (new, "inventory/images/a.png", 5)
