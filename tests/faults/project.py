"""The real template with the additional task `chaos`, and with short time-outs, so that runs are short."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from tests.stack.extra import ROOT, block

FUNCTIONS = Path(__file__).with_name("functions")

FEEDER = """
  FeederRole:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        Version: "2012-10-17"
        Statement: [{Effect: Allow, Action: sts:AssumeRole, Principal: {Service: lambda.amazonaws.com}}]
      Policies:
        - PolicyName: feed
          PolicyDocument:
            Version: "2012-10-17"
            Statement:
              - Effect: Allow
                Action: [dynamodb:GetItem, dynamodb:PutItem, dynamodb:BatchWriteItem]
                Resource: !GetAtt TasksTable.Arn
              - {Effect: Allow, Action: [sqs:SendMessage, sqs:GetQueueUrl], Resource: !GetAtt ChaosQueue.Arn}

  FeederFunction:
    Type: AWS::Serverless::Function
    Properties:
      FunctionName: !Sub ${AWS::StackName}-feeder
      Handler: feeder.handler.handler
      Role: !GetAtt FeederRole.Arn
      Timeout: 120
      Layers: [!Ref MakertasksLayer, !Ref AwsLayer]
"""


def project(folder: Path, gate: str, timeout: int) -> Path:
    """A project in `folder` whose functions reach DynamoDB and S3 through `gate`; returns its template.yaml.

    `timeout` is that of `chaos` in seconds, of which the last five are kept for the record.
    """
    shutil.copytree(ROOT / "functions", folder / "functions", ignore=shutil.ignore_patterns("__pycache__"))
    for extra in FUNCTIONS.iterdir():
        shutil.copytree(extra, folder / "functions" / extra.name, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "layers").symlink_to(ROOT / "layers")
    template = (ROOT / "template.yaml").read_text()
    chaos = block(template, "chaos")
    chaos = re.sub(r"(?<= Timeout: )\d+", str(timeout), chaos)
    chaos = re.sub(r"(?<=VisibilityTimeout: )\d+", str(timeout + 1), chaos)
    chaos = re.sub(r"(?<=maxReceiveCount: )\d+", "20", chaos)
    chaos = re.sub(r"(?<=BatchSize: )\d+", "3", chaos)
    chaos = re.sub(r"(?<=ScalingConfig: )!If \[.*\]", "{MaximumConcurrency: 8}", chaos)
    # A dead letter that a sweep received but could not record during an outage returns for a later sweep.
    template = re.sub(r"(?<=VisibilityTimeout: )300(?= # longer than a sweep)", "20", template)
    template = template.replace("\nOutputs:\n", f"\n{chaos}{FEEDER}\nOutputs:\n")
    level = "        POWERTOOLS_LOG_LEVEL: INFO\n"
    addresses = f"        AWS_ENDPOINT_URL_DYNAMODB: {gate}\n        AWS_ENDPOINT_URL_S3: {gate}\n"
    template = template.replace(level, level + addresses)
    target = folder / "template.yaml"
    target.write_text(template)
    return target
