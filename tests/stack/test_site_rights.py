"""The policy printed for a Django site, with the documented additions for media served from the bucket."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from infra.local.stack import LocalStack
from tests import documentation, shells
from tests.stack.extra import ROOT
from tests.stack.rights import Right
from tests.stack.test_site import makertasks
from tests.stack.test_stock_celery import a_user

CLIENT = Path(__file__).with_name("celery_client")
# Statements about tasks, whose permissions test_stock_celery.py removes one by one.
OF_TASKS = {"SendTasks", "ReadResults", "KeepGroupsAndForget", "Revoke", "RevokeDelayed"}

# The probes that need each permission, by statement, action and the end of the resource.
NEEDS = {
    ("SendInventory", "s3:PutObject", "imports/changes/*"): "sends_inventory",
    ("PullChanges", "sqs:GetQueueUrl", "site-changes"): "pulls",
    ("PullChanges", "sqs:ReceiveMessage", "site-changes"): "pulls",
    ("PullChanges", "sqs:DeleteMessage", "site-changes"): "pulls",
    ("ReadMedia", "s3:GetObject", "inventory/images/*"): "copies_an_image",
    ("ReadMedia", "s3:GetObject", "inventory/qrcodes/*"): "copies_a_code",
    ("KnowMedia", "s3:ListBucket", ""): "recognises_missing_objects",
    ("Compare", "dynamodb:Scan", ""): "compares",
    ("Thumbnails", "s3:GetObject", "CACHE/images/*"): "reads_a_thumbnail",
    ("Thumbnails", "s3:PutObject", "CACHE/images/*"): "redraws_a_thumbnail",
    ("Thumbnails", "s3:DeleteObject", "CACHE/images/*"): "redraws_a_thumbnail",
    ("Uploads", "s3:PutObject", "inventory/images/*"): "uploads_in_admin",
}
# Only identities that may list the bucket get a 404 for a missing object; others get a 403, which a site would treat as
# a temporary error. The local AWS always returns 404.
# https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
NOT_ENFORCED_HERE = ("KnowMedia", "s3:ListBucket", "")
# Probes that need several permissions, tested with all of them.
WORKS = ("shows_media_from_the_bucket", "links_end", *sorted(set(NEEDS.values())))


def test_the_sites_policy_has_exactly_the_needed_permissions(stack: LocalStack, tmp_path: Path):
    # given a user with the whole policy, and for each permission one whose policy lacks it
    printed = json.loads(makertasks(stack, "celery-settings", "--policy", "--inventory"))
    rights = [*every_right(printed), *every_right(documented_policy(stack))]
    assert {each.sid for each in every_right(printed)} > OF_TASKS
    needed = [need_of(right) for right in rights if right.sid not in OF_TASKS]
    assert sorted(needed) == sorted(NEEDS)
    everything = a_user(stack, policy_of(rights))
    cases = [(probe, everything) for probe in WORKS]
    lacking = [right for right in rights if right.sid not in OF_TASKS]
    cases += [
        (NEEDS[need_of(right)], a_user(stack, policy_of([each for each in rights if each != right])))
        for right in lacking
    ]

    # when each runs the probe that needs the permission
    said = probed(cases, stack, tmp_path)

    # then only the users without it are refused
    assert said[: len(WORKS)] == [""] * len(WORKS)
    for right, answer in zip(lacking, said[len(WORKS) :], strict=True):
        assert need_of(right) == NOT_ENFORCED_HERE or any(
            refusal in answer for refusal in ("AccessDenied", "403", "not authorized")
        ), f"{right} is not needed: {answer}"


def every_right(policy: dict[str, Any]) -> Iterator[Right]:
    """Each action on each resource."""
    for statement in policy["Statement"]:
        resources = statement["Resource"]
        for action in statement["Action"]:
            for resource in [resources] if isinstance(resources, str) else resources:
                yield Right(statement["Sid"], action, resource)


def policy_of(rights: list[Right]) -> dict[str, Any]:
    """A policy with one statement per permission; IAM requires unique alphanumeric Sids."""
    named = enumerate(rights)
    return {
        "Version": "2012-10-17",
        "Statement": [right.statement() | {"Sid": f"{right.sid}{number}"} for number, right in named],
    }


def need_of(right: Right) -> tuple[str, str, str]:
    """A permission in the form of NEEDS."""
    found = [need for need in NEEDS if need[:2] == (right.sid, right.action) and right.resource.endswith(need[2])]
    return found[0] if found else (right.sid, right.action, right.resource)


def documented_policy(stack: LocalStack) -> dict[str, Any]:
    """The statements that the documentation adds."""
    [text] = [
        block.text for block in documentation.blocks("json", "docs/openmakersuite.md") if "Thumbnails" in block.text
    ]
    policy: dict[str, Any] = json.loads(text.replace("BUCKET", stack.outputs["MediaBucketName"]))
    return policy


def documented_storages(stack: LocalStack) -> str:
    """The documented STORAGES setting for this stack, as JSON."""
    text = documentation.example("docs/openmakersuite.md", "STORAGES").replace(
        "BUCKET", stack.outputs["MediaBucketName"]
    )
    names: dict[str, Any] = {}
    exec(text.replace("eu-central-1", shells.shell(stack.endpoint)["AWS_REGION"]), names)  # noqa: S102 - our own page
    assert names["MAKERTASKS_MEDIA"] == "bucket"
    return json.dumps(names["STORAGES"])


def probed(cases: list[tuple[str, dict[str, str]]], stack: LocalStack, folder: Path) -> list[str]:
    """The outcome of each probe."""
    environment = {
        **shells.shell(stack.endpoint),
        **shells.of_stack(stack),
        "SITE": str(ROOT / "tests/site"),
        "SITE_FOLDER": str(folder),
        "SITE_STORAGES": documented_storages(stack),
        "PYTHONPATH": os.pathsep.join([str(ROOT / "layers/makertasks/python"), str(ROOT)]),
    }
    ran = subprocess.run(  # noqa: S603 - what it is given is written here
        [str(ROOT / ".local/celery-newest/bin/python"), "site_probes.py"],
        input=json.dumps(cases),
        env=environment,
        cwd=CLIENT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    answers: list[str] = json.loads(ran.stdout)
    return answers
