"""Commands: their exit codes, and what they do to tasks."""

from __future__ import annotations

import json
from uuid import uuid4

import pytest
from command_line import ITEM, qr

from makertasks.cli import application
from makertasks.errors import Unavailable
from makertasks.inventory.model import Item
from makertasks.media import qr_codes
from makertasks.records import table as records


def test_call_prints_the_id_and_result_prints_the_result(command, worker):
    code, out, _ = command(*qr())
    assert code == 0
    task_id = out.strip()
    assert records.get(task_id).requested_by.endswith("(command line)")
    worker.deliver()
    code, out, _ = command("result", task_id)
    assert (code, json.loads(out)["qr_code"]) == (0, f"inventory/qrcodes/qr_{ITEM}.png")


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
        (("call", "generate_qr_codes"), "did you mean inventory.tasks.generate_qr_code?"),
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
        raise Unavailable("the tasks table did not respond: Unable to locate credentials")

    monkeypatch.setattr(records, "stored", unreachable)
    code, _, err = command("show", "x")
    assert (code, "aws configure" in " ".join(err.split())) == (4, True)


def test_revoke_prints_the_outcome_of_each_task(command, worker):
    task_id = command(*qr())[1].strip()
    code, out, _ = command("control", "revoke", task_id, "unknown", "--json")
    assert (code, json.loads(out)) == (0, {task_id: "REVOKED", "unknown": "RECORDED"})
    assert json.loads(command("inspect", "revoked", "--json")[1])


def test_retry_creates_a_new_task(command, worker):
    task_id = command(*qr())[1].strip()
    assert command("retry", task_id)[0] == 2
    worker.deliver()
    new = command("retry", task_id)[1].strip()
    assert records.get(new).retry_of == task_id


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [
        (("call", "generate_qr_cod"), "did you mean inventory.tasks.generate_qr_code?"),
        (("control", "shutdown", "-d", "download_image"), "did you mean download_image_from_url?"),
        (("list", "--worker", "generate_qr_cod"), "did you mean generate_qr_code?"),
        (("list", "--name", "generate_qr_cod"), "did you mean inventory.tasks.generate_qr_code?"),
        (("list", "-q", "queue:generate_qr_kode"), "did you mean generate_qr_code?"),
        (("schedules", "run", "nightli"), "did you mean nightly?"),
        (("inspect", "stats", "-d", "generate_qr_cod"), "did you mean generate_qr_code?"),
        (("lst",), "Did you mean 'list'?"),
    ],
)
def test_a_misspelt_name_gets_a_suggestion(command, aws, arguments, meant):
    scheduler = aws.client("scheduler")
    scheduler.create_schedule_group(Name="unit")
    scheduler.create_schedule(
        GroupName="unit", Name="nightly", ScheduleExpression="rate(1 day)", FlexibleTimeWindow={"Mode": "OFF"},
        Target={"Arn": "arn:aws:sqs:us-east-1:1:q", "RoleArn": "arn:aws:iam::123456789012:role/r"},
    )  # fmt: skip
    code, _, said = command(*arguments)
    assert code in {2, 3}
    assert meant in " ".join(said.split())


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

    # given a folder that is not a checkout
    monkeypatch.chdir(tmp_path)
    code, said = run()
    assert (code, "is not a checkout of makertasks" in said) == (2, True)

    # when it is one
    (tmp_path / "infra").mkdir()
    (tmp_path / "infra/new_application.py").touch()
    (tmp_path / "Makefile").write_text('celery-app:\n\t@echo "$(APP), $(FROM), $(TRY)"; exit 1\n')
    code, said = run("--try", "shop.tasks.add [2, 3]")

    # then make gets every option, and its exit code becomes the command's
    assert (code, "shop.celery:app, ../shop, shop.tasks.add [2, 3]" in said) == (2, True)


def test_commands_are_found_by_celerys_spelling_and_by_the_dashboards_words(command, monkeypatch):
    asked = []
    for name in ("pause", "resume"):
        monkeypatch.setattr(
            f"makertasks.control.pausing.{name}", lambda queue, name=name: asked.append(name) or {"name": queue}
        )
    for words in (("cancel_consumer",), ("cancel-consumer",), ("pause",), ("resume",)):
        command("control", *words, "generate_qr_code")
    assert asked == ["pause", "pause", "pause", "resume"]
    code, _, err = command("inspect", "dead-leters")
    assert (code, "dead-letters" in err, "dead_letters" in err) == (2, True, False)


def test_scheduled_tasks_are_listed_with_the_time_at_which_they_run(command, monkeypatch):
    monkeypatch.setenv("COLUMNS", "160")
    task_id = command(*qr(), "--countdown", "600")[1].strip()
    lines = command("inspect", "scheduled")[1].splitlines()
    assert ("RUNS AT" in lines[0], "CREATED" in lines[0]) == (True, False)
    moment = records.get(task_id).eta[:19].replace("T", " ")
    assert [line for line in lines if task_id in line and moment in line]
