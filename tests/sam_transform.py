"""What AWS makes of a template, by SAM's own transform, for several sets of parameters.

.local/ministack/bin/python sam_transform.py < {"template": …, "parameters": [{…}, …]}     a list of templates
"""

from __future__ import annotations

import copy
import json
import sys
from types import SimpleNamespace
from typing import Any

from samtranslator.translator.transform import transform


def transformed(template: dict[str, Any], parameters: dict[str, str]) -> Any:
    """One template, as CloudFormation gets it with these parameters."""
    template = copy.deepcopy(template)
    for properties in (each.get("Properties", {}) for each in template["Resources"].values()):
        for folder in {"CodeUri", "ContentUri"} & properties.keys():
            properties[folder] = "s3://bucket/key"
    template["Globals"]["Function"]["CodeUri"] = "s3://bucket/key"
    return transform(template, parameters, SimpleNamespace(load=dict))


if __name__ == "__main__":
    wanted = json.load(sys.stdin)
    json.dump([transformed(wanted["template"], each) for each in wanted["parameters"]], sys.stdout)
