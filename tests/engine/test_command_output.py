"""Output of commands: lists, JSON, help, completion, progress, and no control characters."""

from __future__ import annotations

import io
import json
from uuid import uuid4

import pytest
import typer
from command_line import ITEM, qr
from rich.console import Console

from makertasks import clock
from makertasks.cli import application, output
from makertasks.inventory import names as item_names
from makertasks.inventory.model import Item
from makertasks.monitoring import history as monitoring_history
from makertasks.records import table as records
from makertasks.records.model import TaskRecord
from makertasks.worker import dead_letters


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


def test_a_cursor_continues_a_list(command, worker):
    sent = {command(*qr())[1].strip() for _ in range(3)}
    first = json.loads(command("list", "--limit", "2", "--json")[1])
    rest = json.loads(command("list", "--limit", "2", "--cursor", first["cursor"], "--json")[1])
    assert {task["id"] for task in first["tasks"] + rest["tasks"]} == sent
    assert rest["cursor"] is None
    assert json.loads(command("list", "--item", ITEM, "--status", "pending", "--json")[1])["tasks"]


def test_unreadable_messages_are_listed_by_their_task_with_their_beginning(command, worker):
    dead_letters.record("{", message_id="broken", queue="generate_qr_code", sent=clock.now(), deliveries=3)
    [letter] = json.loads(command("inspect", "dead-letters", "--json")[1])
    assert (letter["id"], letter["name"]) == ("broken", "inventory.tasks.generate_qr_code")
    assert (letter["deliveries"], letter["message"]) == (3, "{")
    _, out, err = command("inspect", "dead-letters")
    assert "generate_qr_code" in out
    assert "makertasks control discard ID" in err


def test_the_history_of_a_queue_is_listed_by_hour(command, worker):
    command(*qr())
    monitoring_history.note_lengths(["generate_qr_code"])
    [found] = json.loads(command("inspect", "queue-history", "-d", "generate_qr_code", "--json")[1])
    assert [each["most_waiting"] for each in found["periods"]] == [1]
    _, out, _ = command("inspect", "queue-history", "-d", "generate_qr_code")
    assert "MOST WAITING" in out
    code, _, err = command("inspect", "queue-history", "--from", "2026-11-22", "--to", "2026-11-21")
    assert (code, "--to: is before --from" in err) == (2, True)


def test_events_prints_each_change_of_status(command, worker):
    command(*qr())
    worker.deliver()
    code, out, _ = command("events", "--seconds", "0.1", "--interval", "0.2", "--json")
    assert (code, out) == (0, "")  # nothing has happened since it started


def offered(command, monkeypatch, line):
    """Return bash's completions of a line."""
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


def typed(monkeypatch, line, shell):
    """Return what the shell's completion function receives for a line."""
    monkeypatch.setenv("_MAKERTASKS_COMPLETE", f"complete_{shell}")
    monkeypatch.setenv("COMP_WORDS", line)
    monkeypatch.setenv("COMP_CWORD", str(len(line.split(" ")) - 1))
    monkeypatch.setenv("_TYPER_COMPLETE_ARGS", line)
    monkeypatch.setenv("_TYPER_COMPLETE_FISH_ACTION", "get-args")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_items_are_completed_by_a_part_of_their_names(command, monkeypatch, shell):
    Item("item#1", "item", name="Safety $glasses", listing="item", sort_name="safety $glasses").save()
    item_names.forget()
    typed(monkeypatch, "makertasks list --item glass", shell)
    code, out, err = command()
    assert (code, err) == (0, "")
    assert {"bash": r"Safety\ \$glasses", "zsh": "values=('Safety $glasses')", "fish": "Safety $glasses"}[shell] in out
    assert ("compadd -U" in out) == (shell == "zsh")


def test_bash_keeps_the_typed_text_where_names_only_contain_it(command, monkeypatch):
    for number, name in enumerate(("Small saw", "Saw bench")):
        Item(f"item#{number}", "item", name=name, listing="item", sort_name=name.lower()).save()
    item_names.forget()
    typed(monkeypatch, "makertasks list --item saw", "bash")
    assert sorted(command()[1].splitlines()) == [r"Saw\ bench", r"Small\ saw", "saw"]
    typed(monkeypatch, 'makertasks list --item "small', "bash")
    assert command()[1].splitlines() == ["Small saw"]


def test_revoking_many_and_recounting_show_progress(command, monkeypatch):
    shown = []
    real = output.progress

    def noted(what, total, *, quiet=False):
        shown.append((what, total, quiet))
        return real(what, total, quiet=quiet)

    monkeypatch.setattr(output, "progress", noted)
    command("control", "revoke", "one", "two")
    command("control", "revoke", "one", "--json")
    command("recount")
    assert shown == [("revoking", 2, False), ("revoking", 1, True), ("counting", None, False)]


def test_a_list_of_an_item_takes_its_name(command, worker):
    task_id = command(*qr())[1].strip()
    other = str(uuid4())
    Item(f"item#{other}", "item", name="Drill press", listing="item", sort_name="drill press").save()
    item_names.forget()

    def listed(item):
        code, out, err = command("list", "--item", item, "--json")
        return code, [task["id"] for task in json.loads(out)["tasks"]] if out else err

    assert listed("drill") == (0, [task_id])  # a whole name takes precedence over parts of names
    assert listed("press") == (0, [])
    assert listed(ITEM) == (0, [task_id])
    code, said = listed("dri")
    assert (code, ITEM in said, other in said) == (2, True, True)
    code, said = listed("drlil")
    assert (code, "no item is named 'drlil'" in said) == (3, True)


def test_completion_offers_nothing_if_aws_fails(command, monkeypatch, aws):
    aws.client("dynamodb").delete_table(TableName="unit-counters")
    aws.client("dynamodb").delete_table(TableName="unit-tasks")
    assert offered(command, monkeypatch, "makertasks show ") == []


@pytest.mark.parametrize("group", [(), ("inspect",), ("control",), ("schedules",)])
def test_help_fits_each_summary_into_80_columns(command, monkeypatch, group):
    monkeypatch.setenv("COLUMNS", "80")
    said = command(*group, "--help")[1]
    assert [line for line in said.splitlines() if line.endswith("...") and not line.startswith("Usage:")] == []


def test_next_continues_the_last_list_and_reports_its_end(command, worker):
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


def test_help_lists_every_command_below_a_heading_and_gives_examples(command):
    said = command("--help")[1]
    grouped = {name for names in application.GROUPS.values() for name in names}
    assert grouped == set(typer.main.get_command(application.app).commands)
    assert all(f"\n  {name} " in said for name in grouped)
    assert "Examples:" in said


def test_details_in_a_pipe_have_no_spaces_that_fill_their_lines(command, worker):
    _, task_id, _ = command(*qr())
    _, out, _ = command("show", task_id.strip())
    assert task_id.strip() in out
    assert [line for line in out.splitlines() if line != line.rstrip()] == []


def test_progress_shows_counts_once_the_total_is_known(monkeypatch):
    shown = io.StringIO()
    monkeypatch.setattr(output, "messages", Console(file=shown, width=80, force_terminal=True))
    with output.progress("importing", None) as report:
        report(7, 20)
    assert "importing" in shown.getvalue()
    assert "7/20" in shown.getvalue()
    assert "?" not in shown.getvalue().replace("\x1b[?25", "")


HOSTILE = "\x1b]0;owned\x07\x1b[2J\x9b31m\x7f\u202egpj.exe\u2066\r"
COMMANDS = [
    ("list",), ("list", "--json"), ("show",), ("show", "--json"), ("result",), ("result", "--traceback"),
    ("result", "--json"), ("inspect", "query-task"), ("events", "--seconds", "0.1", "--interval", "0.2"),
]  # fmt: skip


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_no_control_character_of_a_task_reaches_the_terminal(command, monkeypatch, words):
    # given a failed task with control characters in every text
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
    # when a command prints it
    names_one = words[0] in {"show", "result"} or words[-1] == "query-task"
    _, out, err = command(*words, *([task_id] if names_one else []))
    printed = shown.getvalue() + out + err
    # then they are escaped
    if words[0] != "events":  # which prints only changes after its first read
        assert "\\u001b]0;owned" in printed or "ValueError" in printed
    assert output.CONTROLS.findall(printed) == []


def test_json_keeps_the_value_of_control_characters(capsys):
    output.print_json({HOSTILE: HOSTILE})
    assert json.loads(capsys.readouterr().out) == {HOSTILE: HOSTILE}
