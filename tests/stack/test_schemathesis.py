"""Schemathesis tests the deployed API against its own document: no 5xx, and no undescribed response."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from api.arguments import AN_ITEM
from infra.local.stack import local_stack

CONFIGURATION = Path(__file__).with_name("schemathesis.toml")
# Time limit on two busy cores, including all cold starts; two idle cores need a third.
SECONDS = 900


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    """A separate stack, because tasks are deleted and queues paused at random."""
    with local_stack(tmp_path_factory.mktemp("aws")) as deployed:
        item = {"owner": f"item#{AN_ITEM}", "entry": "item", "kind": "item", "listing": "item"}
        named = {**item, "name": "M3 hex nuts", "sort_name": "m3 hex nuts"}
        table = deployed.outputs["InventoryTableName"]
        deployed.client("dynamodb").put_item(TableName=table, Item={key: {"S": text} for key, text in named.items()})
        yield deployed


@pytest.mark.timeout(SECONDS)
def test_the_api_conforms_to_its_openapi_document(stack, tmp_path):
    document = tmp_path / "openapi.json"
    document.write_text(json.dumps(stack.api.get("/v1/openapi.json")))
    token = stack.sign_ins["superuser"].token()
    found = subprocess.run(  # noqa: S603 - ours
        [
            *(sys.executable, "-m", "schemathesis.cli", "--config-file", CONFIGURATION, "run", document),
            *("--url", stack.api_url, "--header", f"Authorization: Bearer {token}", "--checks", "all"),
            # One thread: with two, CPython 3.11's parser, which Hypothesis calls, occasionally fails with "AST
            # constructor recursion depth mismatch".
            *("--workers", "1"),
        ],
        cwd=tmp_path,
        env=os.environ | {"NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 0, found.stdout[-8000:] + found.stderr[-2000:]
