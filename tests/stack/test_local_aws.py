"""The local AWS itself: functions with their own interpreter, deployments, and a clean stop."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from infra.local.deploy import deploy
from infra.local.errors import DeployFailed, PortInUse
from infra.local.ministack import ROOT, MiniStack
from tests.waiting import wait_for

PROBE = """
import importlib, os, sys

def handler(event, context):
    found = {}
    for name in event["modules"]:
        try:
            found[name] = importlib.import_module(name).__file__
        except ImportError:
            found[name] = None
    return {"modules": found, "environment": dict(os.environ), "path": sys.path}
"""

TEMPLATE = {
    "Transform": "AWS::Serverless-2016-10-31",
    "Resources": {
        "Libraries": {"Type": "AWS::Serverless::LayerVersion", "Properties": {"ContentUri": "layers/qrcode"}},
        "Probe": {
            "Type": "AWS::Serverless::Function",
            "Properties": {
                "FunctionName": "probe",
                "CodeUri": "functions",
                "Handler": "probe.handler.handler",
                "Runtime": "python3.13",
                "Timeout": 20,
                "Layers": [{"Ref": "Libraries"}],
            },
        },
        "Table": {
            "Type": "AWS::DynamoDB::Table",
            "Properties": {
                "BillingMode": "PAY_PER_REQUEST",
                "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
                "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
                "TimeToLiveSpecification": {"AttributeName": "ttl", "Enabled": True},
            },
        },
    },
    "Outputs": {"Table": {"Value": {"Ref": "Table"}}},
}


@pytest.fixture(scope="module")
def aws(tmp_path_factory):
    with MiniStack(tmp_path_factory.mktemp("local-aws")) as started:
        yield started


@pytest.fixture
def project(tmp_path):
    """A folder with one function, one layer and a template; returns a function that writes the template."""
    (tmp_path / "functions/probe").mkdir(parents=True)
    (tmp_path / "functions/probe/handler.py").write_text(PROBE)
    (tmp_path / "layers").mkdir()
    (tmp_path / "layers/qrcode").symlink_to(ROOT / "layers/qrcode")

    def write(**resources):
        body = TEMPLATE | {"Resources": TEMPLATE["Resources"] | resources}
        (tmp_path / "template.json").write_text(json.dumps(body))
        return tmp_path / "template.json"

    return write


def probe(aws, modules):
    answer = aws.connection.client("lambda").invoke(FunctionName="probe", Payload=json.dumps({"modules": modules}))
    return json.load(answer["Payload"])


def processes_of(data):
    """Command lines of the local AWS with its data in that folder, and of its function workers."""
    listing = subprocess.run(["ps", "-ewwo", "args"], capture_output=True, text=True, check=True).stdout  # noqa: S607
    return [line for line in listing.splitlines() if str(data) in line and ("launcher.py" in line or "_worker" in line)]


def test_functions_have_boto3_and_their_layers_and_nothing_of_the_local_aws(aws, project, monkeypatch):
    # given a function with one layer, deployed from a terminal with a private environment variable
    monkeypatch.setenv("PRIVATE", "not for functions")
    deploy(aws.connection, "probe", template=project())

    # when it reports its modules and environment
    found = probe(
        aws, ["boto3", "qrcode", "ministack", "hypercorn", "cryptography", "samtranslator", "yaml", "moto", "pytest"]
    )

    # then they are what they would be on AWS
    assert found["modules"].pop("boto3").startswith(str(ROOT / ".local/runtime"))
    assert found["modules"].pop("qrcode").startswith(str(ROOT / ".local/packages/layer-qrcode-"))
    assert set(found["modules"].values()) == {None}
    path = " ".join(found["path"])
    assert path.index("/code ") < path.index("/layer-qrcode-") < path.index("/.local/runtime/")
    assert "PRIVATE" not in found["environment"]
    assert not found["environment"].keys() & {"PYTHONPATH", "VIRTUAL_ENV", "HOME"}
    assert found["environment"]["AWS_ENDPOINT_URL"] == aws.endpoint


def test_an_unchanged_stack_is_not_deployed_again(aws, project):
    cloudformation = aws.connection.client("cloudformation")

    def change_sets():
        return len(cloudformation.list_change_sets(StackName="again")["Summaries"])

    # given a deployed stack
    template = project(
        Probe=TEMPLATE["Resources"]["Probe"]
        | {"Properties": TEMPLATE["Resources"]["Probe"]["Properties"] | {"FunctionName": "again"}}
    )
    first = deploy(aws.connection, "again", template=template)
    made = change_sets()
    # when it is deployed unchanged, then there is no further change set
    assert deploy(aws.connection, "again", template=template) == first
    assert change_sets() == made
    # when its code has changed, then the new code runs
    (template.parent / "functions/probe/handler.py").write_text("def handler(event, context):\n    return 'changed'\n")
    deploy(aws.connection, "again", template=template)
    answer = aws.connection.client("lambda").invoke(FunctionName="again", Payload=b"{}")
    assert json.load(answer["Payload"]) == "changed"


def test_time_to_live_that_the_local_aws_ignores_is_set_by_api_call(aws, project):
    outputs = deploy(aws.connection, "probe", template=project())
    state = aws.connection.client("dynamodb").describe_time_to_live(TableName=outputs["Table"])["TimeToLiveDescription"]
    assert state == {"TimeToLiveStatus": "ENABLED", "AttributeName": "ttl"}


def test_a_failed_deployment_names_the_resource_and_the_reason_and_can_be_repeated(aws, project):
    # given a template with a resource that cannot be created
    statement = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    bad = {"PolicyName": "reads", "Roles": ["nobody"], "PolicyDocument": policy}
    bare = {"Probe": {"Type": "AWS::SQS::Queue"}, "Libraries": {"Type": "AWS::SQS::Queue"}}
    template = project(**bare, Policy={"Type": "AWS::IAM::Policy", "Properties": bad})

    # when it is deployed, then the error names it, at every attempt
    for _ in range(2):
        with pytest.raises(
            DeployFailed, match=r"Policy \(AWS::IAM::Policy\): The role with name nobody cannot be found"
        ):
            deploy(aws.connection, "failing", template=template)

    # and once it is fixed, the same stack is deployed
    assert deploy(aws.connection, "failing", template=project(**bare))["Table"]


def test_a_port_in_use_is_reported_with_the_remedy(aws, tmp_path):
    with pytest.raises(PortInUse, match=rf"port {aws.port} is in use; .*MAKERTASKS_PORT={aws.port + 1} make run"):
        MiniStack(tmp_path, aws.port).start()


def test_the_local_aws_keeps_its_state_after_a_stop_and_leaves_no_process(project, tmp_path):
    # given a local AWS that keeps its state, with a function that has run
    data = tmp_path / "kept"
    with MiniStack(data, persist=True) as first:
        deploy(first.connection, "probe", template=project())
        assert probe(first, ["boto3"])["modules"]["boto3"]
        assert len(processes_of(data)) == 2

    # when it is stopped, then none of its processes runs
    assert processes_of(data) == []

    # when it is started again, then the function exists
    with MiniStack(data, port=first.port, persist=True) as second:
        assert probe(second, ["qrcode"])["modules"]["qrcode"]


def test_the_local_aws_ends_with_the_process_that_started_it(tmp_path):
    # given a program that started a local AWS
    data = tmp_path / "orphan"
    script = f"""
import pathlib, time
from infra.local.ministack import MiniStack
aws = MiniStack(pathlib.Path({str(data)!r}))
aws.start()
time.sleep(60)
"""
    program = subprocess.Popen([sys.executable, "-c", script], cwd=ROOT, start_new_session=True)  # noqa: S603  # ours
    try:
        wait_for(lambda: processes_of(data), "the local AWS to start")
    finally:
        # when that program is killed
        program.kill()
        program.wait()

    # then the local AWS ends as well
    wait_for(lambda: not processes_of(data), "the local AWS to end")
