"""The command line: its output and exit codes."""

from __future__ import annotations

import asyncio
import io
import json
from uuid import uuid4

import pytest
import typer
from lambda_queue import Queue
from rich.console import Console

from makertasks.aws import event_sources
from makertasks.cli import application, events, output, screen, shown
from makertasks.client import configuration
from makertasks.errors import Unavailable
from makertasks.inventory import table as inventory
from makertasks.inventory.model import Item
from makertasks.media import qr_codes
from makertasks.records import table as records
from makertasks.records.model import TaskRecord
from makertasks.records.states import Status

ITEM = str(uuid4())


@pytest.fixture
def worker(aws, tasks_table, inventory_table, counters_table, media_bucket, task_queues, monkeypatch, tmp_path):
    """The stack's tables, bucket and queues with one item, and the worker of QR codes."""
    monkeypatch.setenv("MAKERTASKS_CONFIG", str(tmp_path / "none.toml"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    configuration.load.cache_clear()
    inventory.connect()
    Item(f"item#{ITEM}", "item", name="Drill", listing="item", sort_name="drill").save()
    from generate_qr_code.handler import handler  # noqa: PLC0415 - its environment is there now

    yield Queue(aws.client("sqs"), "unit-tasks-generate_qr_code", handler)
    configuration.load.cache_clear()


@pytest.fixture
def command(worker, capsys):
    """Run a command; returns its exit code, standard output and standard error."""

    def run(*arguments):
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            application.run(list(arguments))
        printed = capsys.readouterr()
        return end.value.code or 0, printed.out, printed.err

    return run


def qr(item_id=ITEM):
    return ("call", "generate_qr_code", "--kwargs", json.dumps({"item_id": item_id}))


def test_call_prints_the_id_and_result_prints_the_result(command, worker):
    code, out, _ = command(*qr())
    assert code == 0
    task_id = out.strip()
    assert records.get(task_id).requested_by.endswith("(command line)")
    worker.deliver()
    code, out, _ = command("result", task_id)
    assert (code, json.loads(out)["qr_code"]) == (0, f"inventory/qrcodes/qr_{ITEM}.png")


def test_json_output_is_one_document(command, worker):
    task_id = json.loads(command(*qr(), "--json")[1])["id"]
    worker.deliver()
    assert json.loads(command("result", task_id, "--json")[1])["status"] == "SUCCESS"
    [attempt] = json.loads(command("show", task_id, "--json")[1])["attempts"]
    assert attempt["outcome"] == "SUCCESS"
    [task] = json.loads(command("list", "--json")[1])["tasks"]
    assert task["id"] == task_id
    assert [each["id"] for each in json.loads(command("inspect", "query-task", task_id, "--json")[1])] == [task_id]
    assert json.loads(command("inspect", "registered", "--json")[1])


def test_a_failed_task_exits_with_1_and_shows_its_traceback(command, worker):
    task_id = command(*qr())[1].strip()
    Item(f"item#{ITEM}", "item").delete()
    worker.deliver()
    code, out, _ = command("result", task_id)
    assert code == 1
    assert "UnknownItem" in out
    code, out, _ = command("result", task_id, "--traceback")
    assert (code, "Traceback (most recent call last)" in out) == (1, True)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("call", "generate_qr_codes"), "the tasks are"),
        (("call", "generate_qr_code"), "item_id: missing"),
        (qr("seven"), "item_id"),
        (qr(str(uuid4())), "the inventory has no item"),
        (("call", "generate_qr_code", "--kwargs", "{"), "is not JSON"),
        (("call", "generate_qr_code", "--kwargs", "[]"), "must be an object"),
        (("call", "generate_qr_code", "--eta", "tomorrow"), "2026-11-22T09:30:00Z"),
        (("list", "--status", "LOST"), "must be one of"),
        (("list", "--from", "yesterday"), "must be a time"),
        (("lisst",), "No such command"),
        (("result",), "Missing argument"),
    ],
)
def test_an_invalid_request_exits_with_2_and_names_the_remedy(command, arguments, said):
    code, out, err = command(*arguments)
    assert code == 2
    assert said in " ".join((out + err).split())
    assert list(records.connect().scan()) == []


def test_a_missing_task_exits_with_3(command):
    assert command("result", "nothing")[0] == 3
    assert command("show", "nothing")[0] == 3


def test_a_wait_that_times_out_exits_with_6_and_leaves_the_task_queued(command, worker):
    code, _, err = command(*qr(), "--wait", "--timeout", "0.1")
    assert (code, "it continues in the background" in " ".join(err.split())) == (6, True)
    assert worker.count() == 1


def test_an_aws_error_exits_with_4(command, aws):
    aws.client("dynamodb").delete_table(TableName="unit-tasks")
    assert command("show", "x")[0] == 4


def test_a_configuration_error_comes_with_a_hint(command, monkeypatch):
    def unreachable(*_args):
        raise Unavailable("the tasks table did not answer: Unable to locate credentials")

    monkeypatch.setattr(records, "stored", unreachable)
    code, _, err = command("show", "x")
    assert (code, "aws configure" in " ".join(err.split())) == (4, True)


def test_revoke_prints_the_outcome_of_each_task(command, worker):
    task_id = command(*qr())[1].strip()
    code, out, _ = command("control", "revoke", task_id, "unknown", "--json")
    assert (code, json.loads(out)) == (0, {task_id: "REVOKED", "unknown": "RECORDED"})
    assert json.loads(command("inspect", "revoked", "--json")[1])


def test_retry_makes_a_new_task(command, worker):
    task_id = command(*qr())[1].strip()
    assert command("retry", task_id)[0] == 2
    worker.deliver()
    new = command("retry", task_id)[1].strip()
    assert records.get(new).retry_of == task_id


def test_a_cursor_continues_a_list(command, worker):
    sent = {command(*qr())[1].strip() for _ in range(3)}
    first = json.loads(command("list", "--limit", "2", "--json")[1])
    rest = json.loads(command("list", "--limit", "2", "--cursor", first["cursor"], "--json")[1])
    assert {task["id"] for task in first["tasks"] + rest["tasks"]} == sent
    assert rest["cursor"] is None
    assert json.loads(command("list", "--item", ITEM, "--status", "pending", "--json")[1])["tasks"]


def test_events_prints_each_change_of_status(command, worker):
    command(*qr())
    worker.deliver()
    code, out, _ = command("events", "--seconds", "0.1", "--interval", "0.2", "--json")
    assert (code, out) == (0, "")  # nothing happened since it began to look


def offered(command, monkeypatch, line):
    """What bash offers behind a line."""
    monkeypatch.setenv("_MAKERTASKS_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", line)
    monkeypatch.setenv("COMP_CWORD", str(len(line.split(" ")) - 1))
    code, out, err = command()
    assert (code, err) == (0, "")
    return out.split()


def test_completion_offers_matching_names_and_ids(command, monkeypatch):
    task_id = command(*qr())[1].strip()
    for line, expected in {
        "makertasks --install": ["--install-completion"],
        "makertasks cel": ["celery-settings"],
        "makertasks list --status R": ["RETRY", "REVOKED"],
        "makertasks cleanup --status ": ["SUCCESS", "FAILURE", "REVOKED"],
        "makertasks call generate_q": ["generate_qr_code"],
        "makertasks call inventory.tasks.generate_q": ["inventory.tasks.generate_qr_code"],
        "makertasks list --name update": ["update_average_lead_times"],
        "makertasks control shutdown --destination down": ["download_image_from_url"],
        "makertasks control revoke ": [task_id],
        f"makertasks show {task_id[:3]}": [task_id],
        "makertasks show nothing": [],
    }.items():
        assert offered(command, monkeypatch, line) == expected, line


def test_completion_offers_nothing_if_aws_fails(command, monkeypatch, aws):
    aws.client("dynamodb").delete_table(TableName="unit-counters")
    aws.client("dynamodb").delete_table(TableName="unit-tasks")
    assert offered(command, monkeypatch, "makertasks show ") == []


@pytest.mark.parametrize("group", [(), ("inspect",), ("control",), ("schedules",)])
def test_help_fits_each_summary_into_80_columns(command, monkeypatch, group):
    monkeypatch.setenv("COLUMNS", "80")
    said = command(*group, "--help")[1]
    assert [line for line in said.splitlines() if line.endswith("...") and not line.startswith("Usage:")] == []


@pytest.mark.parametrize("width", [80, 100, 120, 160])
def test_a_list_shows_whole_ids_at_any_width(command, worker, monkeypatch, width):
    task_id = command(*qr())[1].strip()
    worker.deliver()
    shown = io.StringIO()
    monkeypatch.setattr(output, "console", Console(file=shown, width=width))
    command("list")
    heading, first, *_ = shown.getvalue().splitlines()
    assert first.startswith(task_id)
    assert "SUCCESS" in first
    assert ("ITEM" in heading, "WORKER" in heading) == (width >= 100, width >= 160)
    assert "ERROR" not in heading  # there is none


def test_a_list_says_the_items_name_and_the_error(command, worker, monkeypatch):
    command(*qr())
    Item(f"item#{ITEM}", "item", name="Drill", listing="item", sort_name="drill").delete()
    worker.deliver()
    sent = command("list", "--status", "FAILURE", "--json")[1]
    assert json.loads(sent)["tasks"][0]["error"]["type"] == "UnknownItem"
    printed = io.StringIO()
    monkeypatch.setattr(output, "console", Console(file=printed, width=200))
    command("list")
    assert "UnknownItem" in printed.getvalue()
    Item(f"item#{ITEM}", "item", name="Drill", listing="item", sort_name="drill").save()
    command("list")
    assert "Drill" in printed.getvalue()


def test_next_continues_the_last_list_and_says_when_it_is_complete(command, worker):
    # given a list with a filter that has more
    assert command("list", "--next")[0] == 2
    sent = {command(*qr())[1].strip() for _ in range(3)}
    listed = ("list", "--status", "PENDING", "--limit", "2", "--json")
    first = json.loads(command(*listed)[1])

    # when it is continued
    rest = json.loads(command("list", "--next", "--json")[1])

    # then the rest comes with the same filter, and after it nothing
    assert {task["id"] for task in first["tasks"] + rest["tasks"]} == sent
    code, _, said = command("list", "--next")
    assert (code, "was complete" in said) == (2, True)


def test_show_prints_attempts_as_a_table(command, worker, monkeypatch):
    task_id = command(*qr())[1].strip()
    worker.deliver()
    printed = io.StringIO()
    monkeypatch.setattr(output, "console", Console(file=printed, width=200))
    command("show", task_id)
    lines = printed.getvalue().splitlines()
    [heading] = [number for number, line in enumerate(lines) if line.startswith("ATTEMPT")]
    assert lines[heading + 1].split()[:2] == ["1", "SUCCESS"]


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [
        (("call", "generate_qr_cod"), "did you mean generate_qr_code?"),
        (("control", "shutdown", "-d", "download_image"), "did you mean download_image_from_url?"),
        (("lst",), "Did you mean 'list'?"),
    ],
)
def test_a_misspelt_name_is_answered_with_the_nearest(command, arguments, meant):
    code, _, said = command(*arguments)
    assert code in {2, 3}
    assert meant in " ".join(said.split())


def test_help_lists_every_command_below_a_heading_and_gives_examples(command):
    said = command("--help")[1]
    grouped = {name for names in application.GROUPS.values() for name in names}
    assert grouped == set(typer.main.get_command(application.app).commands)
    assert all(f"\n  {name} " in said for name in grouped)
    assert "Examples:" in said


@pytest.fixture
def monitor(command, worker):
    """A full screen over a task that ended and one that waits."""
    ended = command(*qr())[1].strip()
    worker.deliver()
    waiting = command(*qr())[1].strip()
    return screen.Monitor(lambda: shown.rows(events.look()), interval=0.2, seconds=None), ended, waiting


def ids_on(app):
    table = app.query_one("#tasks")
    return [str(table.get_row_at(place)[0]) for place in range(table.row_count)]


async def until(pilot, condition):
    """Wait until a condition holds, and fail if it never does."""
    for _ in range(200):
        if condition():
            return
        await pilot.pause(0.05)
    raise AssertionError(f"waited in vain; on the screen: {ids_on(pilot.app)}")


def test_the_full_screen_shows_filters_and_opens_tasks(monitor):
    app, ended, waiting = monitor

    async def use():
        async with app.run_test(size=(160, 40)) as pilot:
            await until(pilot, lambda: ids_on(app) == [waiting, ended])
            assert "SUCCESS 1" in str(app.query_one("#counts").render())
            await pilot.press("slash", *ended[:8], "enter")
            await until(pilot, lambda: ids_on(app) == [ended])
            await pilot.press("enter")
            await until(pilot, lambda: isinstance(app.screen, screen.Detail))
            assert any(ended in str(line.render()) for line in app.screen.query("Static"))
            await pilot.press("escape", "q")

    asyncio.run(use())


def test_the_full_screen_filters_by_status_and_retries(monitor, worker):
    app, ended, _ = monitor

    async def use():
        async with app.run_test(size=(160, 40)) as pilot:
            await until(pilot, lambda: len(ids_on(app)) == 2)
            for _ in range(1 + list(Status).index(Status.SUCCESS)):
                await pilot.press("f")
            await until(pilot, lambda: ids_on(app) == [ended])
            await pilot.press("r")
            await until(pilot, lambda: records.get(ended).retried_to)
            await pilot.press("q")

    asyncio.run(use())


def test_the_full_screen_pauses_and_resumes_a_queue(monitor, monkeypatch):
    app, *_ = monitor
    mapping = {"UUID": "1", "State": "Enabled"}
    name = "unit-tasks-generate_qr_code"
    monkeypatch.setattr(event_sources, "mappings", lambda: [(name, mapping)])

    def update(_mapping, Enabled):  # noqa: N803 - AWS's name
        mapping["State"] = "Enabled" if Enabled else "Disabled"
        return mapping

    monkeypatch.setattr(event_sources, "update", update)

    async def use():
        async with app.run_test(size=(160, 40)) as pilot:
            queues = app.query_one("#queues")
            await until(pilot, lambda: queues.row_count)
            queues.focus()
            queues.move_cursor(row=queues.get_row_index("generate_qr_code"))
            await pilot.press("p")
            await until(pilot, lambda: mapping["State"] == "Disabled")
            await until(pilot, lambda: "paused" in str(queues.get_row("generate_qr_code")[1]))
            await pilot.press("p")
            await until(pilot, lambda: mapping["State"] == "Enabled")
            await pilot.press("q")

    asyncio.run(use())


def test_progress_shows_counts_once_the_total_is_known(monkeypatch):
    shown = io.StringIO()
    monkeypatch.setattr(output, "messages", Console(file=shown, width=80, force_terminal=True))
    with output.progress("importing", None) as report:
        report(7, 20)
    assert "importing" in shown.getvalue()
    assert "7/20" in shown.getvalue()
    assert "?" not in shown.getvalue().replace("\x1b[?25", "")


def test_a_failed_upload_is_one_error(command, aws, tmp_path):
    (tmp_path / "dump.json").write_text("[]")
    aws.client("s3").delete_bucket(Bucket="unit-media")
    code, _, err = command("import", str(tmp_path / "dump.json"))
    assert code == 4
    assert "error: S3 did not store imports/" in err
    assert "NoSuchBucket" in err


def test_a_missing_stack_is_reported(command):
    code, _, err = command("configure", "--stack", "nowhere")
    assert (code, "there is no stack nowhere" in " ".join(err.split())) == (5, True)


def test_recount_repairs_wrong_counters_and_then_finds_no_difference(command):
    command(*qr())
    shown = json.loads(command("recount", "--behind", "0", "--dry-run", "--json")[1])
    assert (shown["examined"], len(shown["differences"]), shown["repaired"]) == (1, 3, 0)
    assert "1 tasks counted; 3 counters repaired" in command("recount", "--behind", "0")[1]
    code, out, said = command("recount", "--behind", "0")
    assert (code, "no differences" in said, "0 counters repaired, 0 still changing" in out) == (0, True, True)


HOSTILE = "\x1b]0;owned\x07\x1b[2J\x9b31m\x7f\u202egpj.exe\u2066\r"
COMMANDS = [
    ("list",), ("list", "--json"), ("show",), ("show", "--json"), ("result",), ("result", "--traceback"),
    ("result", "--json"), ("inspect", "query-task"), ("events", "--seconds", "0.1", "--interval", "0.2"),
]  # fmt: skip


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_no_control_character_of_a_task_reaches_the_terminal(command, monkeypatch, words):
    shown = io.StringIO()
    monkeypatch.setattr(output, "console", Console(file=shown, width=400))
    task_id = command("call", "generate_qr_code", "--kwargs", json.dumps({"item_id": ITEM}))[1].strip()
    record = records.get(task_id)
    error = {"exc_type": "ValueError", "exc_message": [HOSTILE], "exc_module": "builtins"}
    stored = {"status": "FAILURE", "result": error, "traceback": HOSTILE}
    actions = [TaskRecord.status.set("FAILURE"), TaskRecord.result.set(json.dumps(stored).encode())]
    actions += [TaskRecord.error_type.set("ValueError"), TaskRecord.error_message.set(HOSTILE)]
    actions += [TaskRecord.kwargs.set({"item_id": HOSTILE}), TaskRecord.worker.set(HOSTILE)]
    record.update(actions=actions)
    names_one = words[0] in {"show", "result"} or words[-1] == "query-task"
    _, out, err = command(*words, *([task_id] if names_one else []))
    printed = shown.getvalue() + out + err
    if words[0] != "events":  # it prints changes after its first look
        assert "\\u001b]0;owned" in printed or "ValueError" in printed
    assert output.CONTROLS.findall(printed) == []


def test_json_keeps_the_value_of_control_characters(capsys):
    output.print_json({HOSTILE: HOSTILE})
    assert json.loads(capsys.readouterr().out) == {HOSTILE: HOSTILE}


def test_qr_code_prints_or_writes_the_svg(command, monkeypatch, tmp_path):
    monkeypatch.setenv("FRONTEND_URL", "https://makers.example")
    code, out, _ = command("qr-code", ITEM)
    address = f"https://makers.example/scan/{ITEM}"
    assert (code, out.encode()) == (0, qr_codes.encode(address).svg(f"QR code: {address}"))
    assert command("qr-code", ITEM, "-o", str(tmp_path / "code.svg"))[:2] == (0, "")
    assert (tmp_path / "code.svg").read_text() == out
    assert command("qr-code", str(uuid4()))[0] == 3
    monkeypatch.delenv("FRONTEND_URL")
    code, _, said = command("qr-code", ITEM)
    assert (code, "FRONTEND_URL" in said, "makertasks configure" in said) == (5, True, True)


def test_new_celery_app_is_make_celery_app_in_a_checkout(monkeypatch, tmp_path, capfd):
    def run(*more):
        with pytest.raises(SystemExit) as end:
            application.run(["new", "celery-app", "shop.celery:app", "--from", "../shop", *more])
        return end.value.code, "".join(capfd.readouterr())

    # given a folder that is no checkout
    monkeypatch.chdir(tmp_path)
    code, said = run()
    assert (code, "is no checkout of makertasks" in said) == (2, True)

    # when it is one
    (tmp_path / "infra").mkdir()
    (tmp_path / "infra/new_application.py").touch()
    (tmp_path / "Makefile").write_text('celery-app:\n\t@echo "$(APP), $(FROM), $(TRY)"; exit 1\n')
    code, said = run("--try", "shop.tasks.add [2, 3]")

    # then make gets everything, and its failure is the command's
    assert (code, "shop.celery:app, ../shop, shop.tasks.add [2, 3]" in said) == (2, True)
