"""template.yaml as CloudFormation receives it: built, packaged and transformed by SAM."""

from __future__ import annotations

import json
import os
import subprocess
from functools import cache
from typing import Any

from infra.local.template import load
from tests.template import ROOT

PYTHON = ROOT / ".local/sam/bin/python"
FIRST, SECOND = {"Build": "a" * 64}, {"Build": "b" * 64}


def transformed(*parameters: dict[str, str], template: dict[str, Any] | None = None) -> list[dict[str, Any]]:
    """The template with each of these sets of parameters."""
    found: list[dict[str, Any]] = _made(template or load(), *parameters)["transformed"]
    return found


@cache
def deployments() -> dict[str, Any]:
    """The template of two deployments, `first` and `second`, and `packaged`, the text before SAM's transform."""
    made = _made(load(), FIRST, SECOND)
    return {**dict(zip(("first", "second"), made["transformed"], strict=True)), "packaged": made["packaged"]}


def _made(template: dict[str, Any], *parameters: dict[str, str]) -> dict[str, Any]:
    wanted = json.dumps({"template": template, "parameters": parameters})
    done = subprocess.run(  # noqa: S603 - ours
        [PYTHON, ROOT / "tests/sam_transform.py"],
        input=wanted, env=os.environ | {"AWS_DEFAULT_REGION": "us-east-1"}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    found: dict[str, Any] = json.loads(done.stdout)
    return found
