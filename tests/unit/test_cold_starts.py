"""What a cold start loads: no unused library, one botocore session, its data files read quickly."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from botocore.exceptions import UnknownServiceError
from botocore.loaders import JSONFileLoader
from botocore.session import get_session

from makertasks.aws import service_files

ROOT = Path(__file__).resolve().parents[2]
FUNCTIONS = sorted(path.parent.name for path in (ROOT / "functions").glob("*/handler.py"))
# Libraries that take 10 ms or more to load, and which no function needs before its first request.
LATE = (
    "jinja2", "jwt", "cryptography", "PIL", "reportlab", "uharfbuzz", "qrcode", "requests",
    "prometheus_client", "cron_descriptor", "celery", "django",
)  # fmt: skip
AWS = {"AWS_DEFAULT_REGION": "eu-central-1", "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
NAMES = {"STACK_NAME": "s", "TASKS_TABLE": "s-tasks", "COUNTERS_TABLE": "s-counters", "INVENTORY_TABLE": "s-inventory"}


def printed(command: str) -> str:
    """The output of a new interpreter."""
    path = os.pathsep.join(map(str, (ROOT / "functions", ROOT / "layers/makertasks/python")))
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": path, **AWS, **NAMES}
    done = subprocess.run(  # noqa: S603 - this interpreter
        [sys.executable, "-c", command], capture_output=True, text=True, check=True, env=environment
    )
    return done.stdout.strip()


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_imports_libraries_only_when_it_uses_them(function):
    assert printed(f"import sys, {function}.handler; print(*sorted(set({LATE!r}) & sys.modules.keys()))") == ""


def test_all_tables_share_one_session_and_one_client():
    # given models of three tables, bound as a first invocation binds them
    shared = """
import gc
from botocore.session import Session
from makertasks.aws import session
from makertasks.inventory import table as inventory
from makertasks.monitoring.counters import cells
from makertasks.records import notes, table as records
models = [records.connect(), inventory.connect()]
cells.connect(), notes.connect()
models += [cells.CounterCell, notes.Note]
clients = {id(model._get_connection().connection.client) for model in models}
session.client("s3"), session.client("sqs")
print(len(clients), sum(isinstance(each, Session) for each in gc.get_objects()))
print(records.connect()._get_connection().connection.client.meta.config.user_agent)
"""
    # then there is one client for them, one session for all clients, and our user agent
    counts, agent = printed(shared).splitlines()
    assert counts == "1 1"
    assert agent.startswith("makertasks boto3/")


@pytest.mark.parametrize("service", ["dynamodb", "s3", "sqs", "scheduler", "cognito-idp"])
def test_descriptions_of_services_are_read_as_botocore_reads_them(service):
    slow, fast = get_session(), get_session()
    service_files.read_fast(fast)
    models = [each.get_component("data_loader").load_service_model(service, "service-2") for each in (slow, fast)]
    assert models[0] == models[1]
    rules = [
        each.get_component("data_loader").load_service_model(service, "endpoint-rule-set-1") for each in (slow, fast)
    ]
    assert rules[0] == rules[1]


def test_an_unknown_aws_service_still_raises_an_error():
    session = get_session()
    service_files.read_fast(session)
    with pytest.raises(UnknownServiceError):
        session.create_client("dynamite", region_name="eu-central-1")


def test_a_missing_file_returns_none_as_in_botocore(tmp_path):
    missing = str(tmp_path / "none")
    assert service_files.ServiceFiles().load_file(missing) is JSONFileLoader().load_file(missing) is None


def test_importing_a_function_connects_to_nothing():
    made = "import gc, api.handler; from botocore.session import Session; "
    assert printed(made + "print(sum(isinstance(each, Session) for each in gc.get_objects()))") == "0"
