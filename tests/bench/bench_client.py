"""Sending 1,000 tasks from one thread: our client and stock Celery with its SQS broker, on the same local stack."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from infra.local.ministack import ROOT
from infra.local.stack import LocalStack, local_stack
from tests import shells
from tests.bench.figures import Figure

TASKS = 1000
ROUNDS = 3
ITEM_ID = "94cb6421-7fa1-4dab-802f-ec76eba2bfe7"

# Each prints the seconds for TASKS tasks, after a few tasks to warm up.
OURS = f"""
import time
from makertasks import generate_qr_code
for _ in range(20): generate_qr_code.delay("{ITEM_ID}")
begun = time.perf_counter()
for _ in range({TASKS}): generate_qr_code.delay("{ITEM_ID}")
print(time.perf_counter() - begun)
"""
OURS_AT_ONCE = f"""
import time
from makertasks import generate_qr_code
generate_qr_code.submit_many([{{"item_id": "{ITEM_ID}"}}] * 20)
begun = time.perf_counter()
answer = generate_qr_code.submit_many([{{"item_id": "{ITEM_ID}"}}] * {TASKS})
print(time.perf_counter() - begun)
assert not answer.rejected, answer.rejected[0]
"""
STOCK = f"""
import json, os, time
from celery import Celery
app = Celery("config")
app.conf.update(**json.loads(os.environ["CELERY_SETTINGS"]))
@app.task(name="inventory.tasks.generate_qr_code")
def task(item_id): pass
for _ in range(20): task.delay("{ITEM_ID}")
begun = time.perf_counter()
for _ in range({TASKS}): task.delay("{ITEM_ID}")
print(time.perf_counter() - begun)
"""


# The same two requests, only signed, on a persistent connection.
BARE = f"""
import http.client, json, os, time
from urllib.parse import urlsplit
import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from makertasks.aws import queues
from makertasks.submission import delays, producer
from makertasks.submission.producer import Submission
endpoint, credentials = os.environ["AWS_ENDPOINT_URL"], boto3.Session().get_credentials().get_frozen_credentials()
connection = http.client.HTTPConnection(urlsplit(endpoint).netloc)
queue = queues.url_of("generate_qr_code")
prepared = producer.prepare(Submission("inventory.tasks.generate_qr_code", {{}}, ("{ITEM_ID}",)), check_items=False)
body = delays.body_of("generate_qr_code", prepared.message)
item = {{"id": {{"S": ""}}, "result": {{"S": "x" * 900}}}}
def ask(service, target, content):
    headers = {{"X-Amz-Target": target, "Content-Type": "application/x-amz-json-1.0"}}
    request = AWSRequest("POST", endpoint + "/", headers, json.dumps(content).encode())
    SigV4Auth(credentials, service, os.environ["AWS_DEFAULT_REGION"]).add_auth(request)
    connection.request("POST", "/", request.data, dict(request.headers.items()))
    answer = connection.getresponse()
    assert answer.status == 200, answer.read()
    answer.read()
begun = time.perf_counter()
for number in range({TASKS}):
    item["id"] = {{"S": f"bare-{{number}}-{{begun}}"}}
    ask("dynamodb", "DynamoDB_20120810.PutItem", {{"TableName": os.environ["TASKS_TABLE"], "Item": item}})
    ask("sqs", "AmazonSQS.SendMessage", {{"QueueUrl": queue, "MessageBody": body}})
print(time.perf_counter() - begun)
"""
# Prints the CPU seconds of the import in a new process.
IMPORT = """
import time
begun = time.process_time()
import makertasks
print(time.process_time() - begun)
"""


def rows() -> Iterator[Figure]:
    """Everything this module measures; takes about a minute."""
    subprocess.run(["make", "--silent", ".local/celery-newest/.installed"], cwd=ROOT, check=True)  # noqa: S607 - of PATH
    with tempfile.TemporaryDirectory() as folder, local_stack(Path(folder)) as stack:
        _pause(stack)
        _put_item(stack)
        environment = {**shells.with_package(stack), **shells.of_stack(stack)}
        ours = [str(ROOT / ".venv/bin/python"), "-c"]
        print_settings = [*ours[:1], "-m", "makertasks", "celery-settings", "--json"]
        environment["CELERY_SETTINGS"] = _run(print_settings, environment)
        stock = [str(ROOT / ".local/celery-newest/bin/python"), "-c", STOCK]
        taken: dict[str, list[float]] = {"ours": [], "at once": [], "stock": [], "bare": []}
        for _ in range(ROUNDS):  # alternately, so that other load affects all of them
            taken["stock"].append(float(_run(stock, environment)))
            taken["ours"].append(float(_run([*ours, OURS], environment)))
            taken["at once"].append(float(_run([*ours, OURS_AT_ONCE], environment)))
            taken["bare"].append(float(_run([*ours, BARE], environment)))
        imported = min(float(_run([*ours, IMPORT], environment)) for _ in range(5))
    stock_seconds = round(min(taken["stock"]), 2)
    yield Figure(f"{TASKS:,} × delay(), stock Celery with SQS", stock_seconds, "s", stock_seconds)
    # Sending one task takes two requests here, record and message, and one with stock Celery; the next row measures
    # two requests alone. Many tasks are therefore better sent in bulk.
    yield Figure(f"{TASKS:,} × delay(), our client", min(taken["ours"]), "s", 2.5 * stock_seconds)
    yield Figure(f"{TASKS:,} × two requests alone, for comparison", min(taken["bare"]), "s", None)
    yield Figure(f"{TASKS:,} tasks by submit_many()", min(taken["at once"]), "s", stock_seconds)
    yield Figure("import makertasks", 1000 * imported, "ms", 100)


def _pause(stack: LocalStack) -> None:
    """Pause the functions, so that the sender has the whole machine."""
    client = stack.client("lambda")
    for mapping in client.list_event_source_mappings()["EventSourceMappings"]:
        client.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)


def _put_item(stack: LocalStack) -> None:
    item = {"owner": f"item#{ITEM_ID}", "entry": "item", "kind": "item", "name": "Vice", "listing": "item"}
    values = {name: {"S": value} for name, value in (item | {"sort_name": "vice"}).items()}
    stack.client("dynamodb").put_item(TableName=stack.outputs["InventoryTableName"], Item=values)


def _run(command: list[str], environment: dict[str, str]) -> str:
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603 - our own
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.strip()
