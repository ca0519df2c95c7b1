"""events --screen: live tasks and queues on a full screen, with keys to show details and to act."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any, ClassVar

from rich.text import Text
from textual.app import App, ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import DataTable, Footer, Input, Static

from makertasks.cli import asking, output, shown, viewing
from makertasks.control import audit, pausing, retrying
from makertasks.errors import MakertasksError
from makertasks.monitoring import queues as task_queues
from makertasks.monitoring.queues import Queue
from makertasks.records.states import Status

Tasks = list[dict[str, Any]]

TASK_KEYS = ("id", "name", "status", "item", "runtime", "error", "created")
QUEUE_COLUMNS = ("QUEUE", "STATE", "WAITING", "IN FLIGHT", "DELAYED", "DEAD LETTERS")
# Reads of the tasks for each read of the queues, which takes one request per queue.
LOOKS_PER_QUEUES = 10


class Detail(ModalScreen[None]):
    """All details of one task; Escape closes it."""

    BINDINGS: ClassVar[list[BindingType]] = [("escape,q", "dismiss", "Back")]
    CSS = "Detail { align: center middle; } VerticalScroll { width: 90%; height: 90%; border: round $accent; }"

    def __init__(self, task_id: str) -> None:
        """Show the task with that id."""
        super().__init__()
        self.task_id = task_id

    def compose(self) -> ComposeResult:
        """Lay out the details."""
        task = shown.detail(shown.read(self.task_id))
        traceback, attempts = task.pop("traceback"), task.pop("attempts")
        with VerticalScroll():
            for name, value in task.items():
                if value not in (None, [], {}):
                    yield Static(Text.assemble((f"{name}  ", "bold"), output.cell(name, value)))
            if attempts:
                yield Static("")
                yield Static(output.grid(viewing.enumerated(attempts), viewing.ATTEMPT_COLUMNS), classes="attempts")
            if traceback:
                yield Static(Text(f"\n{output.safe(traceback)}"))


class TaskTable(DataTable[Text]):
    """The list of tasks; its key Enter is shown at the bottom, which the base class's is not."""

    BINDINGS: ClassVar[list[BindingType]] = [("enter", "select_cursor", "Open")]


class Monitor(App[None]):
    """Newest and unfinished tasks above, queues below."""

    BINDINGS: ClassVar[list[BindingType]] = [
        ("f", "filter", "Filter by status"), ("slash", "search", "Search"),
        ("r", "retry", "Retry"), ("p", "pause", "Pause/resume queue"), ("q", "quit", "Quit"),
    ]  # fmt: skip
    CSS = "#tasks { height: 1fr; } #queues { height: auto; max-height: 40%; } Input { display: none; }"
    ENABLE_COMMAND_PALETTE = False

    def __init__(self, look: Callable[[], Tasks], interval: float, seconds: float | None) -> None:
        """Show what `look` returns every `interval` seconds, for `seconds` or until Q is pressed."""
        super().__init__()
        self.look, self.interval, self.seconds = look, interval, seconds
        self.found: Tasks = []
        self.status, self.words, self.looks = "", "", 0

    def compose(self) -> ComposeResult:
        """Lay out counts, tasks, queues and keys."""
        yield Static(id="counts")
        yield Input(placeholder="Search ids, names, items and errors; Enter applies, empty clears", id="search")
        yield TaskTable(id="tasks", cursor_type="row")
        yield DataTable(id="queues", cursor_type="row")
        yield Footer()

    def on_mount(self) -> None:
        """Start refreshing."""
        self.query_one("#tasks", DataTable).add_columns(*(shown.COLUMNS[key] for key in TASK_KEYS))
        self.query_one("#queues", DataTable).add_columns(*QUEUE_COLUMNS)
        self.query_one("#tasks").focus()
        self.set_interval(self.interval, self.refresh_all)
        self.refresh_all()
        if self.seconds is not None:
            self.set_timer(self.seconds, self.exit)

    def refresh_all(self) -> None:
        """Refresh everything, in the background."""
        self.run_worker(self._look, thread=True, exclusive=True, group="look")

    def _look(self) -> None:
        try:
            found = self.look()
            queues = task_queues.list_queues() if self.looks % LOOKS_PER_QUEUES == 0 else None
        except MakertasksError as error:
            self.call_from_thread(self.notify, str(error), severity="error")
            return
        self.looks += 1
        self.call_from_thread(self._show, found, queues)

    def _show(self, found: Tasks, queues: list[Queue] | None) -> None:
        self.found = found
        counts = Counter(str(task["status"]) for task in found)
        title = "  ".join(f"{status} {counts[status]}" for status in Status if counts[status])
        chosen = " · filter: ".join(["", *filter(None, (self.status, self.words))])
        self.query_one("#counts", Static).update(Text(f"makertasks · {title or 'no tasks'}{chosen}", "bold"))
        kept = [task for task in found if self._fits(task)]
        self._fill("tasks", ((str(task["id"]), [output.cell(key, task[key]) for key in TASK_KEYS]) for task in kept))
        if queues is not None:
            self._fill("queues", ((queue["name"], _queue_cells(queue)) for queue in queues))

    def _fits(self, task: dict[str, Any]) -> bool:
        text = " ".join(map(str, (task["id"], task["name"], task["item"], task["error"]))).casefold()
        return self.status in {"", task["status"]} and self.words.casefold() in text

    def _fill(self, name: str, rows: Iterable[tuple[str, list[Text]]]) -> None:
        """Replace a table's rows; the cursor stays where it was."""
        table = self.query_one(f"#{name}", DataTable)
        before = table.cursor_row
        table.clear()
        for key, row in rows:
            table.add_row(*row, key=key)
        table.move_cursor(row=min(before, max(table.row_count - 1, 0)))

    def _chosen(self, name: str) -> str | None:
        """The key of the row with the cursor."""
        table = self.query_one(f"#{name}", DataTable)
        if not table.row_count:
            return None
        return table.coordinate_to_cell_key(table.cursor_coordinate).row_key.value

    def on_data_table_row_selected(self, event: DataTable.RowSelected) -> None:
        """Open the chosen task when Enter is pressed."""
        if event.data_table.id == "tasks":
            self.action_open()

    def action_open(self) -> None:
        """Show the chosen task's details."""
        if task_id := self._chosen("tasks"):
            self._try(lambda: self.push_screen(Detail(task_id)))

    def action_filter(self) -> None:
        """Show only tasks of the next status; after the last one, show all again."""
        order = ["", *Status]
        self.status = str(order[(order.index(self.status) + 1) % len(order)])
        self._show(self.found, None)

    def action_search(self) -> None:
        """Open the search field."""
        box = self.query_one("#search", Input)
        box.display = True
        box.focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Show only tasks that contain the entered text."""
        self.words = event.value
        event.input.display = False
        self.query_one("#tasks").focus()
        self._show(self.found, None)

    def action_retry(self) -> None:
        """Retry the chosen task as a new one."""
        if task_id := self._chosen("tasks"):
            self._try(
                lambda: self.notify(f"retried as {retrying.retry(task_id, kwargs=None, who=asking.who()).task_id}")
            )

    def action_pause(self) -> None:
        """Pause the chosen queue, or resume it."""
        if name := self._chosen("queues"):
            self._try(lambda: self._pause_or_resume(name))

    def _pause_or_resume(self, name: str) -> None:
        action, change = ("resume", pausing.resume) if _is_paused(name) else ("pause", pausing.pause)
        audit.record(asking.who(), action, name)
        change(name)
        self.notify(f"{name}: {action}d")
        self.looks = 0

    def _try(self, act: Callable[[], Any]) -> None:
        """Call a function that uses AWS; show its error on the screen."""
        try:
            act()
        except MakertasksError as error:
            self.notify(str(error), severity="error", timeout=10)


def _is_paused(name: str) -> bool:
    return task_queues.get(name)["state"] == "paused"


def _queue_cells(queue: Queue) -> list[Text]:
    numbers = (queue["waiting"], queue["in_flight"], queue["delayed"], queue["dead"])
    state = Text(queue["state"], "red" if queue["state"] == "paused" else "")
    return [Text(queue["name"]), state, *(Text(str(number)) for number in numbers)]
