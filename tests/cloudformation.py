"""template.yaml as CloudFormation gets it: after SAM's transform."""

from __future__ import annotations

import json
import os
import subprocess
from typing import Any

from infra.local.template import load
from tests.template import ROOT

PYTHON = ROOT / ".local/ministack/bin/python"


def transformed(*parameters: dict[str, str], template: dict[str, Any] | None = None) -> list[dict[str, Any]]:
    """The template with each of these sets of parameters."""
    wanted = json.dumps({"template": template or load(), "parameters": parameters})
    done = subprocess.run(  # noqa: S603 - ours
        [PYTHON, ROOT / "tests/sam_transform.py"],
        input=wanted, env=os.environ | {"AWS_DEFAULT_REGION": "us-east-1"}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found
