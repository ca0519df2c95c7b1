"""Types of the API's responses: plain dictionaries at run time, schemas in the OpenAPI document."""

from __future__ import annotations

from typing import Annotated, Any, NotRequired, TypedDict

from msgspec import Meta

from makertasks.monitoring.views import Moment, Seconds, TaskSummary


class Health(TypedDict):
    """The API is running."""

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
        Meta(description="Recorded, but not sent yet: repeating the call sends them, otherwise the sweep does"),
    ]


class ItemButton(TypedDict):
    """The button that an item's page has for a task."""

    label: str
    argument: Annotated[str, Meta(description="The argument with the item's id")]


class TaskType(TypedDict):
    """A task that can be submitted."""

    name: str
    title: Annotated[str, Meta(description="Its name as pages show it")]
    queue: str
    purpose: str
    arguments: Annotated[dict[str, Any], Meta(description="A JSON schema of the arguments by name")]
    max_retries: int
    soft_time_limit: Seconds | None
    time_limit: Seconds | None
    rate_limit: Annotated[str | None, Meta(description="Maximum rate of starts, such as 10/m", examples=["10/m"])]
    schedules: list[str]
    item_button: Annotated[ItemButton | None, Meta(description="null: the task does not run for one item")]
    example: Annotated[dict[str, Any] | None, Meta(description="Example arguments; null: the definition has none")]


class TaskTypes(TypedDict):
    """Every task type."""

    task_types: list[TaskType]


class Category(TypedDict):
    """An item's category."""

    name: NotRequired[str | None]
    color: NotRequired[str | None]


class Links(TypedDict):
    """Presigned links to an item's files, valid for 15 minutes."""

    image: NotRequired[str]
    thumbnail: NotRequired[str]
    qr_code: NotRequired[str]
    index_card: NotRequired[str]


class Item(TypedDict):
    """An inventory item; its media attributes are keys in the bucket, `links` has links to them."""

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
    """An unreadable row of the inventory table: a script or the console wrote a wrong type."""

    item_id: str
    entry: str
    problem: str


class ItemList(TypedDict):
    """A page of items by name, and its unreadable rows. Without `cursor` it is the last."""

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
    """URL and fields for uploading one picture as multipart/form-data, with `file` last, until `expires`."""

    url: str
    fields: dict[str, str]
    key: str
    expires: Moment
