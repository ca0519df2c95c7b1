"""`make run` as a newcomer sees it: everything runs, stops cleanly, and is kept for the next start."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request

import pytest
from pypdf import PdfReader

from infra.local.deploy import outputs_of
from infra.local.ministack import ROOT, MiniStack, free_port
from infra.local.sample import load
from infra.local.stack import STACK_NAME, LocalStack
from infra.local.template import TEMPLATE
from tests import documentation
from tests.waiting import wait_for

SECONDS = 240  # enough for two cores with other load


def start(data, port, *options):
    command = [sys.executable, "-m", "infra.local", "--data", data, "--port", str(port), *options]
    environment = os.environ | {"COLUMNS": "120"}
    return subprocess.Popen(  # noqa: S603  # ours
        command, cwd=ROOT, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def read_until(process, words):
    """The output up to a line that contains `words`."""
    lines = []
    for line in process.stdout:
        lines.append(line)
        if words in line:
            return "".join(lines)
    pytest.fail(f"it ended without printing {words!r}:\n{''.join(lines)}{process.stderr.read()}")


def run_to_the_end(data, port, *options):
    process = start(data, port, *options)
    output, errors = process.communicate(timeout=SECONDS)
    return process.returncode, output, errors


def processes_of(data):
    listing = subprocess.run(["ps", "-ewwo", "args"], capture_output=True, text=True, check=True).stdout  # noqa: S607
    return [line for line in listing.splitlines() if str(data) in line]


def nothing_left(data, port):
    with socket.socket() as probe:
        refused = probe.connect_ex(("127.0.0.1", port)) != 0
    return refused and not processes_of(data)


def readme_commands(port, data):
    """The output of the README's commands, run one after another in one shell."""
    lines = documentation.run_by("tests/stack/test_local_run.py")
    environment = os.environ | {"MAKERTASKS_PORT": str(port), "MAKERTASKS_DATA": str(data)}
    ran = subprocess.run(  # noqa: S603 - the commands of our own page
        ["/bin/bash", "-euo", "pipefail", "-c", "\n".join(lines)],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    return json_values(ran.stdout)


def json_values(text):
    """The consecutive JSON values in a text."""
    values, place = [], 0
    while place < len(text):
        value, place = json.JSONDecoder().raw_decode(text, place)
        values.append(value)
    return values


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """The folder for data that is kept between starts, and the port."""
    return tmp_path_factory.mktemp("run"), free_port()


@pytest.mark.timeout(SECONDS)
def test_make_run_runs_every_task_and_prints_how_to_call_the_api(place):
    # given a first start
    data, port = place
    process = start(data, port)
    try:
        output = read_until(process, "Ctrl-C")

        # then every sample item has a row with a QR code and a card, and an image if it has an image URL
        rows = {
            name: re.search(rf"^ *{re.escape(name[:30])}.*$", output, re.MULTILINE) for name in load.items().values()
        }
        assert all(rows.values())
        ticks = [match.group().count("✓") for match in rows.values() if match]
        assert sorted(ticks) == [2] * 8 + [3] * 4
        assert "✗" not in output

        # and every task that runs without an item has a row
        for name in ("update_average_lead_times", "import_dump", "clean_media", "generate_index_cards"):
            assert re.search(rf"^  {name} +✓", output, re.MULTILINE), name

        # and the finished files can be opened
        assert (data / "finished/qr_code.png").read_bytes().startswith(b"\x89PNG")
        assert "Reorder at" in PdfReader(data / "finished/index_card.pdf").pages[0].extract_text()

        # and the API responds as the output says
        url = re.search(r"API='(.*)'", output)[1]
        token = subprocess.run(  # noqa: S603  # ours
            [sys.executable, "-m", "infra.local", "token", "--data", data, "--port", str(port)],
            cwd=ROOT, capture_output=True, text=True, check=True,
        ).stdout.strip()  # fmt: skip
        request = urllib.request.Request(  # noqa: S310  # loopback
            f"{url}/v1/tasks?status=SUCCESS&limit=5", headers={"Authorization": f"Bearer {token}"}
        )
        with urllib.request.urlopen(request, timeout=30) as response:  # noqa: S310  # loopback
            assert len(json.load(response)["tasks"]) == 5

        # and the command line works as the output says
        lines = re.findall(r"^    (set -a; .*|\.venv/bin/makertasks .*)$", output, re.MULTILINE)
        listed = subprocess.run(  # noqa: S603  # as printed
            ["/bin/bash", "-euc", "\n".join(lines)], cwd=ROOT, capture_output=True, text=True, check=True
        )
        assert listed.stdout.count("SUCCESS") == 5

        # and the commands of the README work
        tasks, items, submitted = readme_commands(port, data)
        assert len(tasks["tasks"]) == 5
        assert items["items"]
        assert all("clear" in item["name"].lower() for item in items["items"])
        assert submitted["name"] == "inventory.tasks.update_average_lead_times"
    finally:
        process.send_signal(signal.SIGINT)
        rest, errors = process.communicate(timeout=60)

    # and Ctrl-C stops it and leaves no process
    assert (process.returncode, errors) == (0, "")
    assert f"Stopping the local AWS at http://127.0.0.1:{port} and its functions; data is kept in {data} …" in rest
    assert "Stopped." in rest
    assert nothing_left(data, port)


@pytest.mark.timeout(SECONDS)
def test_the_next_start_keeps_all_data(place):
    data, port = place
    status, output, errors = run_to_the_end(data, port, "--once")
    assert (status, errors) == (0, "")
    assert "already imported" in output
    assert "4566" not in output
    assert nothing_left(data, port)


@pytest.mark.timeout(SECONDS)
@pytest.mark.parametrize("start_number", [3, 4])
def test_after_a_restart_every_stream_continues(place, start_number):
    # given a start after others, whose streams were read
    data, port = place
    process = start(data, port)
    try:
        read_until(process, "Ctrl-C")
        aws = MiniStack(data, port)
        stack = LocalStack(aws, STACK_NAME, outputs_of(aws.connection, STACK_NAME))
        succeeded = stack.api.get("/v1/statistics")["totals"]["SUCCESS"]
        item_id = load.items_with_image()[0]

        # when a task runs, and an item gets another image URL
        stack.api.submit("generate_qr_code", item_id=item_id)
        stack.client("dynamodb").update_item(
            TableName=stack.outputs["InventoryTableName"],
            Key={"owner": {"S": f"item#{item_id}"}, "entry": {"S": "item"}},
            UpdateExpression="SET image_url = :url",
            ExpressionAttributeValues={":url": {"S": f"http://127.0.0.1:{port}/start-{start_number}.png"}},
        )

        # then the statistics count it, and a download starts
        wait_for(lambda: stack.api.get("/v1/statistics")["totals"]["SUCCESS"] > succeeded, "the statistics to count it")
        wait_for(
            lambda: [
                task
                for task in stack.api.tasks(item_id=item_id, name="inventory.tasks.download_image_from_url")
                if f"start-{start_number}.png" in json.dumps(task["kwargs"])
            ],
            "a download",
        )
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
    assert nothing_left(data, port)


@pytest.mark.timeout(SECONDS)
def test_sigterm_stops_it_at_any_moment(tmp_path):
    # given a start that is about to deploy
    port = free_port()
    process = start(tmp_path, port)
    read_until(process, "Local AWS")

    # when it receives SIGTERM
    process.terminate()
    output, errors = process.communicate(timeout=60)

    # then it stops and leaves no process
    assert (process.returncode, errors) == (0, "")
    assert "Stopped." in output
    assert nothing_left(tmp_path, port)


def test_a_port_in_use_is_reported_in_one_line(tmp_path):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        status, _, errors = run_to_the_end(tmp_path, port)
    assert status == 1
    remedy = f"stop the program that uses it, or choose another: MAKERTASKS_PORT={port + 1}"
    expected = f"error: port {port} is in use; {remedy}"
    assert errors == f"{expected} make run\n"
    assert not processes_of(tmp_path)


def test_a_failed_deployment_prints_one_line_and_leaves_nothing_behind(tmp_path):
    template = tmp_path / "template.yaml"
    template.write_text(TEMPLATE.read_text().replace("AWS::S3::BucketPolicy", "AWS::S3::BucketPoliicy"))
    for folder in ("functions", "layers"):
        (tmp_path / folder).symlink_to(ROOT / folder)
    port = free_port()
    status, _, errors = run_to_the_end(tmp_path / "data", port, "--template", str(template))
    assert status == 1
    assert errors.startswith("error: ")
    assert "AWS::S3::BucketPoliicy" in errors
    assert errors.count("\n") == 1
    assert nothing_left(tmp_path / "data", port)


def test_make_token_without_a_running_stack_prints_one_line(tmp_path):
    port = free_port()
    done = subprocess.run(  # noqa: S603  # ours
        [sys.executable, "-m", "infra.local", "token", "--port", str(port), "--data", tmp_path],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (
        1,
        f"error: no local AWS responds at http://127.0.0.1:{port}; start it with `make run`\n",
    )
