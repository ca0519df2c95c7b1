"""Every permission is needed: with IAM enforced, removing one makes a probe fail."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest

from infra.local.stack import local_stack
from tests.stack.probes import PROBES
from tests.stack.receiving_site import receiving_site
from tests.stack.rights import Bench, Right, Role
from tests.template import resources

# Permissions that the local AWS does not check, because it makes these calls as itself and not as the role. On AWS they
# are needed as written: https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html and, for streams,
# https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html.
NOT_ENFORCED = {
    (
        "logs:CreateLogStream",
        "Log",
    ): "Lambda writes a function's logs as its role; the local AWS as itself",
    ("logs:PutLogEvents", "Log"): "as above",
    (
        "sqs:ReceiveMessage",
        "Consume",
    ): "Lambda polls a queue as the function's role; the local AWS as itself",
    ("sqs:DeleteMessage", "Consume"): "as above",
    ("sqs:GetQueueAttributes", "Consume"): "as above",
    (
        "dynamodb:DescribeStream",
        "Follow",
    ): "Lambda reads a stream as the function's role; the local AWS as itself",
    ("dynamodb:GetRecords", "Follow"): "as above",
    ("dynamodb:GetShardIterator", "Follow"): "as above",
    ("dynamodb:ListStreams", "FindStream"): "as above",
    (
        "sqs:SendMessage",
        "GiveUp",
    ): "Lambda reports a stream's discarded batches as the function's role; the local AWS never does",
    (
        "dynamodb:GetRecords",
        "ReadStream",
    ): "the local AWS lets no role do this; tests/engine/test_lost_changes.py compares the policy with the calls",
    ("dynamodb:GetShardIterator", "ReadStream"): "as above",
    ("iam:PassRole", "PassDelayRole"): "Scheduler checks it when a schedule is created; the local AWS does not",
    ("iam:PassRole", "PassScheduleRoles"): "Scheduler checks it when a schedule is changed; the local AWS does not",
    ("s3:ListBucket", "KnownOutcomes"): "as with KnownImages",
    (
        "s3:DeleteObject",
        "Remove",
    ): "no object of this test is a day old; tests/engine/test_clean_media.py deletes objects under these keys",
    (
        "s3:ListBucket",
        "KnownImages",
    ): "without it S3 answers 403 for missing keys; the local AWS answers 404 either way",
    ("s3:ListBucket", "KnownPictures"): "as above",
}
# Roles without a function: their purpose, and the tests that cover them.
WITHOUT_FUNCTION = {
    "CleanMediaScheduleRole": "Scheduler sends as this role; the local AWS as itself",
    "LeadTimesScheduleRole": "as above",
    "DelaysRole": "as above, for delayed tasks",
    "SweepScheduleRole": "Scheduler invokes the sweeper as this role; the local AWS as itself",
}

# Permissions that a function uses only once: without one, a function must be restarted to fail.
REMEMBERED: set[str | tuple[str, str]] = {"sqs:GetQueueUrl"}
# Roles tested concurrently.
AT_ONCE = 4


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with receiving_site() as url, local_stack(tmp_path_factory.mktemp("rights"), SiteUrl=url) as stack:
        secret = {"Name": f"/{stack.name}/site-secret", "Value": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}
        stack.client("ssm").put_parameter(Type="SecureString", **secret)
        yield Bench.on(stack)


def noticed(bench: Bench, role: Role, right: Right, telling: dict[tuple[str, str], str]) -> bool:
    """Whether one of the role's probes fails; tries the probe that detected this permission in another role first."""
    likely = telling.get((right.action, right.sid))
    for probe in sorted(PROBES[role.logical_id], key=lambda each: each.__name__ != likely):
        try:
            probe(bench, role)
        except Exception:  # noqa: BLE001 - whatever way it fails
            telling[right.action, right.sid] = probe.__name__
            return True
    return False


def is_needed(bench: Bench, role: Role, right: Right, telling: dict[tuple[str, str], str]) -> bool:
    with role.without(right):
        if right.action in REMEMBERED or (right.action, right.sid) in REMEMBERED:
            bench.restart(role)
        return noticed(bench, role, right, telling)


@dataclass(frozen=True)
class Findings:
    """A role's unneeded permissions, and probes that fail although it has all permissions."""

    surplus: list[Right]
    failing: list[str]


def examine(bench: Bench, role: Role, telling: dict[tuple[str, str], str]) -> Findings:
    """Remove each permission in turn, then run all probes with all permissions."""
    enforced = [right for right in role.rights if (right.action, right.sid) not in NOT_ENFORCED]
    surplus = [right for right in enforced if not is_needed(bench, role, right, telling)]
    failing = []
    for probe in PROBES[role.logical_id]:
        try:
            probe(bench, role)
        except Exception as error:  # noqa: BLE001 - whatever way it fails
            failing.append(f"{probe.__name__}: {error!r}")
    return Findings(surplus, failing)


@pytest.fixture(scope="module")
def findings(bench: Bench, request: pytest.FixtureRequest) -> dict[str, Findings]:
    """The findings of every selected role (`-k PrintLabelRole`), several concurrently, because probes mostly wait."""
    parameters = [item.callspec.params for item in request.session.items if hasattr(item, "callspec")]
    names = [name for name in PROBES if any(each.get("role") == name for each in parameters)]
    telling: dict[tuple[str, str], str] = {}
    with ThreadPoolExecutor(AT_ONCE) as pool:
        found = pool.map(lambda name: examine(bench, bench.roles[name], telling), names)
        return dict(zip(names, found, strict=True))


def test_every_role_has_probes():
    roles = {name for name, body in resources().items() if body["Type"] == "AWS::IAM::Role"}
    assert roles == PROBES.keys() | WITHOUT_FUNCTION.keys(), "tests/stack/probes.py: every role needs its probes"


@pytest.mark.parametrize("role", PROBES)
def test_a_role_has_every_permission_that_it_needs(findings: dict[str, Findings], role: str):
    assert not findings[role].failing


@pytest.mark.parametrize("role", PROBES)
def test_every_permission_of_a_role_is_needed(findings: dict[str, Findings], role: str):
    assert not findings[role].surplus, (
        f"{role} has permissions whose loss no probe detects: {'; '.join(map(str, findings[role].surplus))}. Remove "
        f"them from template.yaml, or add a probe that needs them to PROBES[{role!r}] in tests/stack/probes.py"
    )
