"""The HTTP API: own routes under /v1/. API Gateway has verified the token before this function is called."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response

from api import problems, requests, views
from api.access import Caller, Role, caller_of
from makertasks import inventory, listing, producer, records, tasks, uploads

ITEMS_LIMIT = 50

logger = Logger()
app = APIGatewayHttpResolver()
problems.register(app)


def caller() -> Caller:
    """Who sent the request that is being answered."""
    return caller_of(app.current_event.raw_event)


def query() -> dict[str, str]:
    """The request's query string."""
    return dict(app.current_event.query_string_parameters or {})


@app.get("/v1/health")
def health() -> dict[str, str]:
    """That the API runs; open to everybody."""
    return {"status": "ok"}


@app.post("/v1/tasks")
def submit_task() -> Response[Any]:
    """Accept one task: 202 with its record."""
    caller().require(Role.OPERATOR)
    wanted = requests.body(app.current_event.decoded_body, requests.Submit)
    task_id = producer.submit(wanted.name, wanted.kwargs, args=wanted.args, requested_by=caller().name)
    return _json(HTTPStatus.ACCEPTED, views.task_detail(records.get(task_id)))


@app.get("/v1/tasks")
def list_tasks() -> dict[str, Any]:
    """Tasks, newest first, by any of the filters."""
    caller().require(Role.VIEWER)
    wanted = requests.task_filter(query())
    page = listing.page(
        wanted,
        limit=requests.limit(query(), listing.DEFAULT_LIMIT),
        cursor=query().get("cursor"),
        names=tasks.discover(),
    )
    return {"tasks": [views.task_summary(record) for record in page.records], "cursor": page.cursor}


@app.get("/v1/tasks/<task_id>")
def get_task(task_id: str) -> dict[str, Any]:
    """One task with its result or traceback and its attempts."""
    caller().require(Role.VIEWER)
    return views.task_detail(records.get(task_id))


@app.get("/v1/task-types")
def list_task_types() -> dict[str, Any]:
    """Every task there is, with its arguments and limits."""
    caller().require(Role.VIEWER)
    return {"task_types": [views.task_type(task) for task in tasks.discover().values()]}


@app.get("/v1/items")
def list_items() -> dict[str, Any]:
    """Items by name, with links to what was made for them; `prefix` narrows them by the beginning of the name."""
    caller().require(Role.VIEWER)
    limit = requests.limit(query(), ITEMS_LIMIT)
    found, cursor = inventory.list_items(limit, query().get("cursor"), query().get("prefix", ""))
    return {"items": [views.item(entry) for entry in found], "cursor": cursor}


@app.get("/v1/items/<item_id>")
def get_item(item_id: str) -> dict[str, Any]:
    """One item with its suppliers and links to its image, thumbnail, QR code and card."""
    caller().require(Role.VIEWER)
    page = inventory.get_item_page(requests.item_id(item_id))
    return {**views.item(page.item), "suppliers": [views.supplier(link) for link in page.suppliers]}


@app.post("/v1/uploads")
def presign_upload() -> Response[Any]:
    """A form that puts one image of an item into the bucket, with bounds on its type and size."""
    caller().require(Role.OPERATOR)
    wanted = requests.body(app.current_event.decoded_body, requests.Upload)
    inventory.get_item(wanted.item_id)
    return _json(HTTPStatus.CREATED, uploads.presigned_post(wanted.item_id, wanted.content_type))


def _json(status: HTTPStatus, body: Any) -> Response[Any]:
    return Response(status.value, content_type="application/json", body=body)


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """One request of API Gateway (payload 2.0)."""
    return app.resolve(event, context)
