"""What the API answers, as types: plain JSON at run time, schemas in the API's document."""

from __future__ import annotations

from typing import Annotated, Any, NotRequired, TypedDict

from msgspec import Meta

from makertasks.monitoring.views import Moment, Seconds, TaskSummary


class Health(TypedDict):
    """That the API runs."""

    status: str


class TaskList(TypedDict):
    """A page of tasks, newest first. Without `cursor` it is the last."""

    tasks: list[TaskSummary]
    cursor: str | None


class Rejection(TypedDict):
    """A task of a bulk submission that was not accepted."""

    index: int
    field: str
    reason: str


class Submitted(TypedDict):
    """The outcome of each task of a bulk submission by index: an id, or a rejection."""

    ids: list[str | None]
    rejected: list[Rejection]
    unsent: Annotated[
        list[Rejection],
        Meta(description="Recorded, and not sent yet: the same call again sends them, or the sweep"),
    ]


class TaskType(TypedDict):
    """A task that can be submitted."""

    name: str
    queue: str
    purpose: str
    arguments: Annotated[dict[str, Any], Meta(description="A JSON schema of the arguments by name")]
    max_retries: int
    soft_time_limit: Seconds | None
    time_limit: Seconds | None
    rate_limit: Annotated[str | None, Meta(description="Starts at most, such as 10/m", examples=["10/m"])]
    schedules: list[str]


class TaskTypes(TypedDict):
    """Every kind of task."""

    task_types: list[TaskType]


class Category(TypedDict):
    """An item's category."""

    name: NotRequired[str | None]
    color: NotRequired[str | None]


class Links(TypedDict):
    """Presigned addresses, for a quarter of an hour, of what was made for an item."""

    image: NotRequired[str]
    thumbnail: NotRequired[str]
    qr_code: NotRequired[str]
    index_card: NotRequired[str]


class Item(TypedDict):
    """An inventory item; the media attributes are keys in the bucket, `links` shows them."""

    id: str
    name: str
    sku: NotRequired[str]
    description: NotRequired[str]
    location: NotRequired[str]
    category: NotRequired[Category]
    image_url: NotRequired[str]
    image: NotRequired[str]
    image_source: NotRequired[str]
    thumbnail: NotRequired[str]
    qr_code: NotRequired[str]
    index_card: NotRequired[str]
    current_stock: NotRequired[float]
    minimum_stock: NotRequired[float]
    reorder_quantity: NotRequired[float]
    is_active: NotRequired[bool]
    is_hazardous: NotRequired[bool]
    nfpa_health_hazard: NotRequired[int]
    nfpa_fire_hazard: NotRequired[int]
    nfpa_instability_hazard: NotRequired[int]
    nfpa_special_hazards: NotRequired[str]
    msds_url: NotRequired[str]
    updated_at: NotRequired[str]
    links: Links


class BrokenRow(TypedDict):
    """A row of the inventory table that cannot be read, because a script or the console wrote another type."""

    item_id: str
    entry: str
    problem: str


class ItemList(TypedDict):
    """A page of items by name, and rows of it that cannot be read. Without `cursor` it is the last."""

    items: list[Item]
    cursor: str | None
    broken: list[BrokenRow]


class Supplier(TypedDict):
    """A supplier's offer of an item; lead times are in days."""

    id: str
    supplier_id: str
    supplier_name: NotRequired[str]
    supplier_sku: NotRequired[str]
    unit_cost: NotRequired[str]
    average_lead_time: NotRequired[int]
    lead_time_median: NotRequired[int]
    lead_time_p90: NotRequired[int]
    is_primary: NotRequired[bool]
    is_active: NotRequired[bool]
    updated_at: NotRequired[str]


class ItemDetail(Item):
    """An item with its suppliers."""

    suppliers: list[Supplier]
    broken: list[BrokenRow]


class UploadForm(TypedDict):
    """Where and with which fields one picture is sent, as multipart/form-data, `file` last, until `expires`."""

    url: str
    fields: dict[str, str]
    key: str
    expires: Moment
