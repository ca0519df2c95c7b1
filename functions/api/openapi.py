"""The OpenAPI 3.1 document, generated from the routes' signatures, so that both always agree."""

from __future__ import annotations

from functools import cache
from http import HTTPStatus
from typing import Any

import msgspec

from api import routing
from api.access import Role
from api.problems import CONTENT_TYPE, Problem
from api.routing import Reply, Route
from makertasks import settings

# Version of the API, increased when callers must change something.
VERSION = "1.0.0"

REFERENCE = "#/components/schemas/{name}"

TAGS = {
    "Tasks": "Submit, list, inspect, revoke and retry tasks",
    "Task types": "The available tasks and their limits",
    "Jobs": "Bulk actions on all tasks that match a filter",
    "Queues": "The tasks' SQS queues",
    "Workers": "The Lambda functions that run tasks",
    "Schedules": "Tasks that run on a schedule",
    "Alerts": "Notifications of problems by email or webhook",
    "Statistics": "Counts, runtimes and groups of failures",
    "Items": "Inventory items and their files",
    "System": "Health and audit log",
    "Flower": "Flower's HTTP API, for existing scripts, scrapers and dashboards",
}

DESCRIPTION = """Submit, inspect and revoke OpenMakerSuite's background tasks.

Send an access token of the stack's user pool: `Authorization: Bearer {token}`. Members of `viewers` can read,
`operators` can also submit, retry, revoke, pause and purge, `superusers` can also delete and change limits. Machines
use the scopes `makertasks/view`, `makertasks/operate` and `makertasks/administer`. A session cookie works, too.

Every error is a problem document (RFC 9457) that names the field and the remedy. Lists are paginated: if `cursor` is
not null, repeat the request with it and the same parameters.
"""


@cache
def document() -> dict[str, Any]:
    """Return the whole document."""
    described = [route for route in routing.all_routes() if not route.is_page]
    kinds = [kind for route in described for kind in _kinds(route)]
    schemas, components = msgspec.json.schema_components([Problem, *kinds], ref_template=REFERENCE)
    by_kind = dict(zip(map(repr, [Problem, *kinds]), schemas, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for route in described:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, by_kind, components)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "makertasks",
            "version": VERSION,
            "description": DESCRIPTION,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": settings.api_address()}],
        "tags": [{"name": name, "description": text} for name, text in TAGS.items()],
        "security": [{"token": []}, {"session": []}],
        "paths": paths,
        "components": {"schemas": components, "responses": _refusals(), "securitySchemes": _security()},
    }


def _kinds(route: Route) -> list[Any]:
    """Return every type that a route accepts or returns."""
    taken = [route.hints[name] for name in route.parameters if name not in {"caller", "request"}]
    answered = route.hints.get("return")
    return taken if answered in {None, type(None), Reply} else [*taken, answered]


def _operation(route: Route, schemas: dict[str, Any], components: dict[str, Any]) -> dict[str, Any]:
    text = (route.run.__doc__ or "").strip()
    summary, _, more = text.partition("\n\n")
    operation: dict[str, Any] = {
        "operationId": route.name,
        "summary": " ".join(summary.split()).rstrip("."),
        "description": _description(route, more),
        "tags": [route.tag],
        "responses": _responses(route, schemas),
    }
    if route.role == Role.NOBODY:
        operation["security"] = []
    if parameters := [*_path_parameters(route, schemas), *_query_parameters(route, schemas, components)]:
        operation["parameters"] = parameters
    if "body" in route.parameters:
        content: dict[str, Any] = {"schema": schemas[repr(route.hints["body"])]}
        if route.body_example is not None:
            content["example"] = route.body_example
        operation["requestBody"] = {"required": route.body_required, "content": {"application/json": content}}
    return operation


def _description(route: Route, more: str) -> str:
    needs = (
        "No authentication required." if route.role == Role.NOBODY else f"Requires the role {route.role.name.lower()}."
    )
    return f"{' '.join(more.split())}\n\n{needs}".strip()


def _path_parameters(route: Route, schemas: dict[str, Any]) -> list[dict[str, Any]]:
    return [_parameter(name, "path", schemas[repr(route.hints[name])], required=True) for name in route.path_parameters]


def _query_parameters(route: Route, schemas: dict[str, Any], components: dict[str, Any]) -> list[dict[str, Any]]:
    taken = next((name for name in ("query", "arguments") if name in route.parameters), None)
    if taken is None:
        return []
    name = schemas[repr(route.hints[taken])]["$ref"].rpartition("/")[2]
    struct = components[name]
    required = struct.get("required", [])
    return [
        _parameter(field, "query", _given(schema), required=field in required)
        for field, schema in struct["properties"].items()
    ]


def _given(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a parameter's schema; a query string cannot contain null, so it is removed from optional ones."""
    variants = [variant for variant in schema.get("anyOf", []) if variant != {"type": "null"}]
    rest = {name: value for name, value in schema.items() if name not in {"anyOf", "default"}}
    if schema.get("default") is not None:
        rest["default"] = schema["default"]
    return {**variants[0], **rest} if len(variants) == 1 else {**schema, **rest}


def _parameter(name: str, location: str, schema: dict[str, Any], *, required: bool) -> dict[str, Any]:
    shown = {key: value for key, value in schema.items() if key not in {"description", "examples"}}
    found: dict[str, Any] = {"name": name, "in": location, "required": required, "schema": shown}
    if "description" in schema:
        found["description"] = schema["description"]
    if schema.get("examples"):
        found["example"] = schema["examples"][0]
    return found


def _responses(route: Route, schemas: dict[str, Any]) -> dict[str, Any]:
    answered = route.hints.get("return")
    success: dict[str, Any] = {"description": HTTPStatus(route.status).phrase}
    if answered not in {None, type(None), Reply}:
        content: dict[str, Any] = {"schema": schemas[repr(answered)]}
        if route.example is not None:
            content["example"] = route.example
        success["content"] = {"application/json": content}
    elif answered is Reply:
        success["content"] = {media: {"schema": {"type": "string"}} for media in route.media}
    found: dict[str, Any] = {str(int(route.status)): success}
    for status in sorted(statuses(route)):
        found[str(int(status))] = {"$ref": f"#/components/responses/{status.name.title().replace('_', '')}"}
    return found


def statuses(route: Route) -> set[HTTPStatus]:
    """Return the error statuses of a route, from its signature and its own `refusals`."""
    found = {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE, *route.refusals}
    if route.role > Role.NOBODY:
        found |= {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}
    if route.path_parameters:
        found.add(HTTPStatus.NOT_FOUND)
    if {"body", "arguments"} & set(route.parameters):
        found.add(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    # Even routes without parameters reject a query string that is too long.
    return found | {HTTPStatus.UNPROCESSABLE_ENTITY, route.unfit}


def _refusals() -> dict[str, Any]:
    """Return the error responses that routes share, by name."""
    details = {
        HTTPStatus.BAD_REQUEST: "received_start: must be a time such as 2026-11-22 09:30",
        HTTPStatus.UNAUTHORIZED: "send an access token in `Authorization: Bearer {token}`, or sign in at /sign-in",
        HTTPStatus.FORBIDDEN: "this requires the group operators; ask a superuser to add you to it",
        HTTPStatus.NOT_FOUND: "there is no task 3f2b1c9e-8d4a-4c6b-9a57-0f6f7f2f4f11",
        HTTPStatus.CONFLICT: "task 3f2b1c9e-8d4a-4c6b-9a57-0f6f7f2f4f11 is STARTED; only finished tasks can be deleted",
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "the body has 200000 bytes; this route accepts at most 128000",
        HTTPStatus.UNPROCESSABLE_ENTITY: "limit: must be at most 100",
        HTTPStatus.SERVICE_UNAVAILABLE: "a service behind the API is unavailable; try again in a minute",
    }
    found: dict[str, Any] = {}
    for status, detail in details.items():
        example: dict[str, Any] = {
            "type": "about:blank",
            "title": status.phrase,
            "status": int(status),
            "detail": detail,
        }
        if status == HTTPStatus.UNPROCESSABLE_ENTITY:
            example["field"] = "limit"
        content = {CONTENT_TYPE: {"schema": {"$ref": REFERENCE.format(name="Problem")}, "example": example}}
        found[status.name.title().replace("_", "")] = {"description": status.phrase, "content": content}
    throttled = {"description": "Too many requests per second; the gateway's own message"}
    return found | {"TooManyRequests": throttled}


def _security() -> dict[str, Any]:
    scopes = {
        "makertasks/view": "like the group viewers",
        "makertasks/operate": "like the group operators",
        "makertasks/administer": "like the group superusers",
    }
    return {
        "token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": "Access token"},
        "session": {
            "type": "apiKey",
            "in": "cookie",
            "name": "makertasks_session",
            "description": "Session cookie of a browser, set by /sign-in",
        },
        "machine": {
            "type": "oauth2",
            "description": "Client credentials grant of a machine's app client",
            "flows": {
                "clientCredentials": {"tokenUrl": f"{settings.sign_in_address()}/oauth2/token", "scopes": scopes}
            },
        },
    }
