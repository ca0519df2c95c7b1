"""Lambda function of `inventory.tasks.update_average_lead_times`."""

from __future__ import annotations

from typing import Any

from makertasks.tasks import task
from makertasks.worker.handler import lambda_handler


@task("inventory.tasks.update_average_lead_times", example={})
def update_average_lead_times() -> dict[str, Any]:
    """Measure the lead time of every active supplier link from the deliveries of the last 180 days.

    Reads the inventory table's indexes `deliveries` (the window once) and `links` (every link once, ordered by item);
    writes only `average_lead_time`, `lead_time_median` and `lead_time_p90`, in days, of links where one of them
    differs. Continues in another invocation when time runs out. Raises TemporaryError if DynamoDB fails.
    """
    from . import passes  # loaded on the first run: the API imports this module only to learn the signature

    return passes.run()


handler = lambda_handler(update_average_lead_times)
