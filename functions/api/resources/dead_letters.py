"""Dead letters: list them, send them again (unchanged or edited), discard them."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, TypedDict

import msgspec
from msgspec import Meta

from api import actions
from api.access import Caller, Role
from api.arguments import A_TASK, TaskId
from api.resources.tasks import A_WAITING_TASK
from api.routing import route
from makertasks.monitoring import dead_letters
from makertasks.monitoring import views as task_views


class DeadLetter(TypedDict):
    """A message from which no task could start; `id` is the failed task that was recorded for it."""

    id: str
    name: Annotated[str, Meta(description="The task's full name; `unknown` if neither message nor queue names it")]
    queue: str | None
    created: Annotated[str, Meta(description="When the message was sent, in UTC, ISO 8601")]
    deliveries: Annotated[int | None, Meta(description="Number of its deliveries from the queue; null if unknown")]
    reason: str | None
    body: str


class DeadLetters(TypedDict):
    """The newest dead letters; `complete` is false if there are more."""

    dead_letters: list[DeadLetter]
    complete: bool


class NewBody(msgspec.Struct, forbid_unknown_fields=True):
    """The message's new body; by default, the old one is sent."""

    body: (
        Annotated[
            str,
            Meta(
                min_length=1,
                max_length=100_000,
                description="The task's arguments as a JSON object, or a whole Celery message",
            ),
        ]
        | None
    ) = None


@route(
    "GET",
    "/v1/dead-letters",
    Role.VIEWER,
    tag="Queues",
    example={
        "dead_letters": [
            {
                "id": A_TASK,
                "name": "inventory.tasks.generate_qr_code",
                "queue": "generate_qr_code",
                "created": "2026-11-22T09:30:00.000000Z",
                "deliveries": 3,
                "reason": "gave up on a message: the message cannot be read: it is not JSON",
                "body": "{",
            }
        ],
        "complete": True,
    },
)
def list_dead_letters() -> DeadLetters:
    """List messages from which no task could start and that nobody has sent again or discarded, newest first."""
    found, complete = dead_letters.not_redriven()
    return {
        "dead_letters": [
            {
                "id": record.task_id,
                "name": record.name,
                "queue": record.queue,
                "created": record.created,
                "deliveries": None if record.deliveries is None else int(record.deliveries),
                "reason": record.error_message,
                "body": str(record.body),
            }
            for record in found
        ],
        "complete": complete,
    }


@route(
    "POST",
    "/v1/dead-letters/{task_id}/send",
    Role.OPERATOR,
    status=HTTPStatus.ACCEPTED,
    tag="Queues",
    body_example={"body": '{"item_id": "94cb6421-7fa1-4dab-802f-ec76eba2bfe7"}'},
    example=A_WAITING_TASK | {"retry_of": A_TASK},
)
def send_dead_letter(task_id: TaskId, body: NewBody, caller: Caller) -> task_views.TaskDetail:
    """Send a dead letter again as a new task, with another body if one is given."""
    return actions.resend(caller, task_id, body.body)


@route("POST", "/v1/dead-letters/{task_id}/discard", Role.OPERATOR, status=HTTPStatus.NO_CONTENT, tag="Queues")
def discard_dead_letter(task_id: TaskId, caller: Caller) -> None:
    """Discard a dead letter, so that it no longer counts as one; its task's record stays until it expires."""
    actions.discard(caller, task_id)
