"""A digest of a deployment: code, layers, template and parameters.

AWS::Serverless::Function publishes a new version only if this digest, its `AutoPublishCodeSha256`, has changed.
Without it, a changed layer, parameter or time-out would be deployed only to $LATEST, and the alias `live` would stay at
the old version.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from infra.local import archives
from infra.local.template import load, resources
from infra.parameters import COMPUTED

FOLDERS = {"AWS::Serverless::LayerVersion": "ContentUri", "AWS::Serverless::Function": "CodeUri"}


def of_build(template: Path, parameters: Mapping[str, str], again: str = "") -> str:
    """Return the SHA-256 of a built template, of every folder it names, and of the parameters of its deployment.

    `again` distinguishes a deployment after a rollback from the deployment that was rolled back.
    """
    body = load(template)
    counted = sorted((name, value) for name, value in parameters.items() if name not in COMPUTED)
    total = hashlib.sha256(json.dumps([counted, again]).encode())
    for content in sorted(archives.digest(folder) for folder in folders(template)):
        total.update(content.encode())
    for _, properties in resources(body, *FOLDERS):
        for name in FOLDERS.values():
            properties.pop(name, None)  # the folder's content counts, not its path
    total.update(json.dumps(body, sort_keys=True).encode())
    return total.hexdigest()


def folders(template: Path, *kinds: str) -> set[Path]:
    """Return the folders that a template names as contents of layers and functions, or only of these resource types."""
    body = load(template)
    default = body.get("Globals", {}).get("Function", {}).get("CodeUri")
    named = {
        properties.get(FOLDERS[kind], default) for kind in kinds or FOLDERS for _, properties in resources(body, kind)
    }
    return {(template.parent / folder).resolve() for folder in named if folder}
