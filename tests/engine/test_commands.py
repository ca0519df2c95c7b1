"""The command line: its output and exit codes."""

from __future__ import annotations

import io
import json
from uuid import uuid4

import pytest
from lambda_queue import Queue
from rich.console import Console

from makertasks.cli import application, output
from makertasks.client import configuration
from makertasks.errors import Unavailable
from makertasks.inventory import table as inventory
from makertasks.inventory.model import Item
from makertasks.records import table as records
from makertasks.records.model import TaskRecord

ITEM = str(uuid4())


@pytest.fixture
def worker(aws, tasks_table, inventory_table, counters_table, media_bucket, task_queues, monkeypatch, tmp_path):
    """The stack's tables, bucket and queues with one item, and the worker of QR codes."""
    monkeypatch.setenv("MAKERTASKS_CONFIG", str(tmp_path / "none.toml"))
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
    assert ("WORKER" in heading, "ARGUMENTS" in heading) == (width >= 120, width >= 160)


@pytest.mark.parametrize("width", [80, 110])
def test_the_full_screen_shows_whole_ids_and_statuses(command, worker, monkeypatch, width):
    task_id = command(*qr())[1].strip()
    shown = io.StringIO()
    monkeypatch.setattr(output, "console", Console(file=shown, width=width, height=24, force_terminal=True))
    command("events", "--screen", "--seconds", "0.1", "--interval", "0.2")
    assert "Ctrl-C to quit" in shown.getvalue()
    assert task_id in shown.getvalue()
    assert "PENDING" in shown.getvalue()


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
