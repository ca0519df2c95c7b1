"""Lambda function of `makertasks.push_to_site`."""

from __future__ import annotations

from typing import Any

from makertasks.tasks import task
from makertasks.worker.handler import lambda_handler


# A site may be down over a weekend: pauses grow from half a minute to four hours, and 60 of them take about a week.
@task(
    "makertasks.push_to_site",
    system=True,
    optional=True,
    max_retries=60,
    retry_base=30.0,
    retry_cap=14_400.0,
    example={
        "changes": [
            {
                "model": "inventory.itemsupplier",
                "pk": "5",
                "attributes": {"average_lead_time": {"value": 4, "version": 1764111111113}},
            }
        ]
    },
)
def push_to_site(changes: list[dict[str, Any]]) -> dict[str, Any]:
    """Post changes made by tasks to the site, signed as Standard Webhooks specifies.

    `changes` are those of a message that a site could pull (docs/openmakersuite.md has the format); each image gets a
    link that works for 15 minutes. Returns the site's answer. Raises TemporaryError where the site cannot be reached or
    refuses; retrying a failed task, here or from the dashboard, sends the same changes again.
    """
    from . import pushing  # loaded on the first run: the API imports this module only to learn the signature

    return pushing.run(changes)


handler = lambda_handler(push_to_site)
