"""What AWS makes of a template, by SAM's own transform: `.local/sam/bin/python sam_transform.py template.json`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import SimpleNamespace

from samtranslator.translator.transform import transform

if __name__ == "__main__":
    template = json.loads(Path(sys.argv[1]).read_text())
    for properties in (each.get("Properties", {}) for each in template["Resources"].values()):
        for place in {"CodeUri", "ContentUri"} & properties.keys():
            properties[place] = "s3://bucket/key"
    template["Globals"]["Function"]["CodeUri"] = "s3://bucket/key"
    json.dump(transform(template, {}, SimpleNamespace(load=dict)), sys.stdout)
