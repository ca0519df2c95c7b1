"""AWS's errors are shown without account numbers: in records, results, logs and responses."""

from __future__ import annotations

import json

import pytest
from api_calls import call, pool, token  # noqa: F401 - pool is a fixture
from botocore.exceptions import ClientError
from test_task_logs import log  # noqa: F401 - a fixture

from makertasks import masking

ACCOUNT = "123456789012"
REASON = (
    f"User: arn:aws:sts::{ACCOUNT}:assumed-role/makertasks-echo/echo is not authorized to perform: s3:PutObject "
    f'on resource: "arn:aws:s3:::media/labels/1.pdf" because no identity-based policy allows it'
)


def denied():
    return ClientError({"Error": {"Code": "AccessDenied", "Message": REASON}}, "PutObject")


@pytest.mark.parametrize("passing", [False, True])
def test_a_task_refused_by_aws_shows_the_action_without_account_numbers(log, counters_table, passing):  # noqa: F811
    # given: an attempt that fails, with its cause and in its log
    def refused():
        try:
            raise denied()
        except ClientError as error:
            raise (ConnectionError if passing else ValueError)(str(error), {"cause": str(error)}) from error

    log.plan = [refused]
    task_id = log.submit("x")
    log.queue.deliver()
    log.write({"task_id": task_id, "message": str(denied()), "error": {"said": [str(denied())]}, "level": "ERROR"})
    viewer = token("viewers")
    # when
    paths = [f"/v1/tasks/{task_id}", f"/v1/tasks/{task_id}/logs", "/v1/tasks", f"/api/task/result/{task_id}"]
    answers = [json.dumps(call("GET", path, bearer=viewer)[1]) for path in [*paths, f"/api/task/info/{task_id}"]]
    # then
    assert "not authorized to perform: s3:PutObject" in answers[0]
    assert "not authorized to perform: s3:PutObject" in answers[1]
    assert not [answer for answer in answers if ACCOUNT in answer]
    assert ACCOUNT not in json.dumps(log.result(task_id))


@pytest.mark.parametrize(
    "text",
    [
        REASON,
        f"https://sqs.eu-central-1.amazonaws.com/{ACCOUNT}/makertasks-prod-tasks-echo",
        f"https://sqs.cn-north-1.amazonaws.com.cn/{ACCOUNT}/q",
        f"arn:aws-us-gov:kms:us-gov-west-1:{ACCOUNT}:key/1",
        f"arn:aws-cn:sns:cn-north-1:{ACCOUNT}:topic",
        f"the bucket belongs to account {ACCOUNT}.",
        f"AccountId: {ACCOUNT}",
        f'{{"account_id": "{ACCOUNT}"}}',
    ],
)
def test_no_account_is_named(text):
    shown = masking.without_accounts(text)
    assert ACCOUNT not in shown
    assert masking.without_accounts(shown) == shown


@pytest.mark.parametrize(
    "text", ["UPC 036000291452", "13 digits 1795345802436", "arn:aws:s3:::media/1", "item 123456789012"]
)
def test_other_numbers_are_not_masked(text):
    assert masking.without_accounts(text) == text
