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


@cache
def deployments() -> dict[str, Any]:
    """The template of three deployments, and `packaged`, the text before SAM's transform.

    `second` has a different build from `first`; `same` is a new transformation of the input of `first`.
    """
    [made] = transformed((load(), [FIRST, FIRST, SECOND]))
    return {**dict(zip(("first", "same", "second"), made["transformed"], strict=True)), "packaged": made["packaged"]}


def transformed(*wanted: tuple[dict[str, Any], list[dict[str, str]]]) -> list[dict[str, Any]]:
    """Templates, each with sets of parameters, in one run of SAM: loading it takes longer than transforming."""
    done = subprocess.run(  # noqa: S603 - ours
        [PYTHON, ROOT / "tests/sam_transform.py"],
        input=json.dumps([{"template": template, "parameters": parameters} for template, parameters in wanted]),
        env=os.environ | {"AWS_DEFAULT_REGION": "us-east-1"}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found
