"""Lambda function of `makertasks.push_to_site`."""

from __future__ import annotations

from typing import Any

from makertasks.tasks import task
from makertasks.worker.handler import lambda_handler


# A site may be down over a weekend: pauses grow from 30 seconds to four hours, so 60 retries take about a week.
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

    `changes` has the format of the messages that a site can pull (docs/openmakersuite.md); each image gets a link that
    is valid for 15 minutes. Returns the site's response. Raises TemporaryError if the site cannot be reached or returns
    an error; every retry, automatic or from the dashboard, sends the same changes again.
    """
    from . import pushing  # loaded on the first run: the API imports this module only to learn the signature

    return pushing.run(changes)


handler = lambda_handler(push_to_site)
