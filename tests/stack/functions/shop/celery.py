"""An ordinary Celery application: nothing in it is specific to Lambda."""

import time

from celery import Celery, group
from celery.exceptions import Ignore, SoftTimeLimitExceeded

app = Celery("shop", include=["shop.odd"])


@app.task(name="shop.add")
def add(*numbers):
    """The sum of numbers, or of a list of them, as the body of a chord gets it."""
    return sum(sum(each) if isinstance(each, list) else each for each in numbers)


@app.task(name="shop.divide")
def divide(dividend, divisor):
    return dividend / divisor


@app.task(name="shop.describe", bind=True)
def describe(self, **_more):
    request = self.request
    return {
        "id": request.id, "retries": request.retries, "root": request.root_id, "parent": request.parent_id,
        "hostname": request.hostname, "queue": request.delivery_info["routing_key"], "kwargs": request.kwargs,
        "headers": request.headers,
    }  # fmt: skip


@app.task(name="shop.stubborn", bind=True, max_retries=3)
def stubborn(self, succeeds_at):
    """Retries itself until that many retries have been made."""
    if self.request.retries < succeeds_at:
        raise self.retry(countdown=1, exc=ConnectionError(f"not at {self.request.retries}"))
    return self.request.retries


@app.task(name="shop.lucky", autoretry_for=(OSError,), retry_backoff=1, retry_jitter=False, max_retries=1, bind=True)
def lucky(self, times):
    if self.request.retries < times:
        raise OSError(f"no luck at {self.request.retries}")
    return "luck"


@app.task(name="shop.slow", soft_time_limit=1)
def slow():
    try:
        time.sleep(100)
    except SoftTimeLimitExceeded:
        return "cleaned up"


@app.task(name="shop.progress", bind=True)
def progress(self, seconds):
    self.update_state(state="PROGRESS", meta={"current": 1, "total": 2})
    time.sleep(seconds)
    return "done"


@app.task(name="shop.nothing", bind=True)
def nothing(self):
    raise Ignore


@app.task(name="shop.replaced", bind=True)
def replaced(self, number):
    """Replaces itself with a group and its sum."""
    raise self.replace(group(add.s(number, each) for each in range(3)) | add.s())


@app.task(name="shop.replaced_slowly", bind=True)
def replaced_slowly(self):
    """Replaces itself with a task that runs longer than the sweep of the tests waits."""
    raise self.replace(progress.si(15) | describe.si())
