"""A template as CloudFormation gets it: built, packaged and transformed by SAM's own code, for sets of parameters.

    .local/sam/bin/python tests/sam_transform.py < [{"template": …, "parameters": [{…}, …]}, …]
                                                 > [{"packaged": "text", "transformed": [{…}, …]}, …]

`packaged` is what `sam deploy` would hand to CloudFormation. Nothing is compiled or uploaded: each folder has one file.
"""

from __future__ import annotations

import copy
import json
import os
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from samcli.commands._utils.template import move_template
from samcli.lib.build.app_builder import ApplicationBuilder
from samcli.lib.package.artifact_exporter import Template
from samcli.lib.package.uploaders import Uploaders
from samcli.lib.providers.sam_stack_provider import SamLocalStackProvider
from samcli.yamlhelper import yaml_dump, yaml_parse
from samtranslator.translator.transform import transform

FOLDERS = {"AWS::Serverless::Function": "CodeUri", "AWS::Serverless::LayerVersion": "ContentUri"}


class Uploader:
    """Returns the URL at which SAM's uploader would have stored a file."""

    bucket_name, prefix = "aws-sam-cli-managed-default-samclisourcebucket-123456789012", None

    def upload_with_dedup(self, _path: str, extension: str | None = None, precomputed_md5: str | None = None) -> str:
        """A URL as long as a real one."""
        return f"s3://{self.bucket_name}/{precomputed_md5 or '0' * 32}.{extension}"


def packaged(template: dict[str, Any], here: Path) -> str:
    """The text of a template after `sam build` and the packaging of `sam deploy`."""
    source, built = here / "template.yaml", here / "build" / "template.yaml"
    folders = {}
    template["Globals"]["Function"]["CodeUri"] = "functions"
    for logical_id, resource in template["Resources"].items():
        if resource["Type"] in FOLDERS:
            folders[logical_id] = here / "build" / logical_id
            folders[logical_id].mkdir(parents=True)
            (folders[logical_id] / "module.py").write_text(f"# {logical_id}\n")
            if resource["Type"] == "AWS::Serverless::LayerVersion":
                resource["Properties"]["ContentUri"] = str(folders[logical_id])
    source.write_text(json.dumps(template))
    [stack], _ = SamLocalStackProvider.get_stacks(str(source))
    artifacts = {name: str(folder) for name, folder in folders.items()}
    changed = ApplicationBuilder.update_template(stack, artifacts, {})
    move_template(str(source), str(built), changed)
    exported = Template(
        str(built), str(here), Uploaders(Uploader(), Uploader()), SimpleNamespace(should_sign_package=lambda _: False),
        normalize_template=True, normalize_parameters=True, template_dict=yaml_parse(built.read_text()),
    ).export()  # fmt: skip
    return str(yaml_dump(exported))


def answer(wanted: dict[str, Any]) -> dict[str, Any]:
    """One template, packaged, and transformed for each set of parameters."""
    with tempfile.TemporaryDirectory() as folder:
        text = packaged(wanted["template"], Path(folder))
    body = yaml_parse(text)
    made = [transform(copy.deepcopy(body), each, SimpleNamespace(load=dict)) for each in wanted["parameters"]]
    return {"packaged": text, "transformed": made}


if __name__ == "__main__":
    os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")
    json.dump([answer(each) for each in json.load(sys.stdin)], sys.stdout)
