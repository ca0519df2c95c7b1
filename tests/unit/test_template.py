"""template.yaml: permissions without wildcards, alarms for everything, no hard-coded account values."""

from __future__ import annotations

import json
import re

import pytest

from tests.template import ROOT, resources, template

RUNBOOKS = ROOT / "docs/runbooks.md"

# Actions that support no narrower resource than `*`.
# https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
WITHOUT_RESOURCE = {
    "dynamodb:ListStreams",
    "lambda:ListEventSourceMappings",
    "scheduler:ListSchedules",
    "sns:Unsubscribe",
    "xray:PutTelemetryRecords",
    "xray:PutTraceSegments",
}
# Names that end in an asterisk because the rest is created at run time: objects, tasks' queues, log groups,
# schedules of delayed tasks, alerts' parameters, event source mappings (whose id AWS chooses; a condition names the
# functions).
OPEN_ENDS = re.compile(
    r"\$\{MediaBucket\.Arn\}/\w+/([\w/-]+/)?\*"
    r"|arn:.*:sqs:.*:\$\{AWS::StackName\}-tasks-\*"
    r"|arn:.*:log-group:/aws/lambda/\$\{AWS::StackName\}-\*(:\*)?"
    r"|arn:.*:schedule/\$\{(Delays|Schedules|AWS::StackName)(-delays)?\}(-delays)?/(task-)?\*"
    r"|arn:.*:event-source-mapping:\*"
    r"|arn:.*:parameter/\$\{AWS::StackName\}/alerts/\*"
)


def of_type(kind):
    return {name: body["Properties"] for name, body in resources().items() if body["Type"] == kind}


def many(value):
    return value if isinstance(value, list) else [value]


def statements():
    """Every Allow statement, with its location."""
    for name, body in resources().items():
        if body["Type"] in {"AWS::IAM::Role", "AWS::IAM::ManagedPolicy"}:
            properties = body["Properties"]
            documents = [policy["PolicyDocument"] for policy in properties.get("Policies", [])]
            for document in [*documents, *([properties["PolicyDocument"]] if "PolicyDocument" in properties else [])]:
                for statement in document["Statement"]:
                    yield name, statement


def test_only_the_function_for_alerts_may_delete_subscriptions_of_the_account():
    assert [name for name, each in statements() if "sns:Unsubscribe" in many(each["Action"])] == ["AlertsRole"]


def test_no_permission_is_wider_than_necessary():
    for name, statement in statements():
        for action in many(statement["Action"]):
            assert "*" not in action, f"{name} {statement.get('Sid')}: name each action"
        for resource in many(statement["Resource"]):
            if resource == "*":
                assert set(many(statement["Action"])) <= WITHOUT_RESOURCE, f"{name} {statement.get('Sid')}"
            elif "*" in resource:
                assert OPEN_ENDS.fullmatch(resource), f"{name} {statement.get('Sid')}: {resource}"


def test_each_function_has_a_role_and_a_log_group_of_its_own():
    functions = of_type("AWS::Serverless::Function")
    assert len({properties["Role"] for properties in functions.values()}) == len(functions)
    assert len({str(properties["LoggingConfig"]) for properties in functions.values()}) == len(functions)


def test_queues_bucket_and_topic_refuse_plain_http_and_other_accounts():
    guarded = {queue for policy in of_type("AWS::SQS::QueuePolicy").values() for queue in policy["Queues"]}
    assert guarded == of_type("AWS::SQS::Queue").keys()
    for kind in ("AWS::SQS::QueuePolicy", "AWS::S3::BucketPolicy", "AWS::SNS::TopicPolicy"):
        for name, policy in of_type(kind).items():
            stated = {statement["Sid"]: statement for statement in policy["PolicyDocument"]["Statement"]}
            assert stated["DenyPlainHttp"]["Effect"] == "Deny", name
            # A topic's policy denies others by allowing only this account; the others deny explicitly.
            assert "DenyOtherAccounts" in stated or kind == "AWS::SNS::TopicPolicy", name


def test_a_customer_managed_key_encrypts_all_stored_data():
    places = {
        "AWS::SQS::Queue": "KmsMasterKeyId", "AWS::SNS::Topic": "KmsMasterKeyId", "AWS::Logs::LogGroup": "KmsKeyId",
        "AWS::DynamoDB::Table": "SSESpecification", "AWS::S3::Bucket": "BucketEncryption",
    }  # fmt: skip
    for kind, place in places.items():
        for name, properties in of_type(kind).items():
            assert "KeyArn" in str(properties.get(place)), f"{name}: {place} does not use KeyArn"
    for name, properties in of_type("AWS::IAM::Role").items():
        if name != "SweepScheduleRole":  # it only calls a function
            assert "KeyPolicy" in str(properties.get("ManagedPolicyArns")), f"{name} could not use such a key"


@pytest.mark.parametrize("name", of_type("AWS::CloudWatch::Alarm"))
def test_an_alarm_has_a_recipient_and_names_its_runbook(name):
    properties = of_type("AWS::CloudWatch::Alarm")[name]
    assert properties["AlarmActions"] == ["Alarms"]
    assert properties["TreatMissingData"] == "notBreaching"
    anchor = re.search(r"docs/runbooks\.md#([a-z0-9-]+)$", properties["AlarmDescription"])
    assert anchor, "its description ends with its anchor in docs/runbooks.md"
    headings = re.findall(r"(?m)^## (.+)$", RUNBOOKS.read_text())
    assert anchor[1] in {heading.lower().replace(" ", "-") for heading in headings}


def test_every_runbook_belongs_to_an_alarm():
    linked = {
        properties["AlarmDescription"].partition("#")[2] for properties in of_type("AWS::CloudWatch::Alarm").values()
    }
    headings = re.findall(r"(?m)^## (.+)$", RUNBOOKS.read_text())
    assert {heading.lower().replace(" ", "-") for heading in headings} == linked


def alarmed(metric):
    """Values of the dimensions of every alarm on a metric."""
    return {
        dimension["Value"]
        for properties in of_type("AWS::CloudWatch::Alarm").values()
        if properties["MetricName"] == metric
        for dimension in properties.get("Dimensions", [{"Value": "the whole account"}])
    }


def test_every_queue_stream_schedule_and_the_api_are_watched():
    # the sweep reads all waiting tasks and reports how many task types wait too long
    assert alarmed("WaitingTooLong") == {"AWS::StackName"}
    # all queues share one dead-letter queue
    redrives = {
        name: properties["RedrivePolicy"]["deadLetterTargetArn"]
        for name, properties in of_type("AWS::SQS::Queue").items()
        if "RedrivePolicy" in properties
    }
    assert set(redrives.values()) == {"DeadLetters.Arn"}
    assert redrives.keys() == of_type("AWS::SQS::Queue").keys() - {"DeadLetters", "SiteChangesQueue"}
    # only the sweep receives from it, so SQS counts what is received
    assert alarmed("NumberOfMessagesReceived") == {"DeadLetters.QueueName"}
    # streams
    followers = {
        name
        for name, properties in of_type("AWS::Serverless::Function").items()
        if any(event["Type"] == "DynamoDB" for event in properties.get("Events", {}).values())
    }
    assert followers
    assert alarmed("IteratorAge") == {"the whole account"}
    # the sweep finds a delayed task that its schedule could not send
    assert alarmed("InvocationDroppedCount") == {"Schedules"}
    assert alarmed("5xx") == {"HttpApi"}
    assert alarmed("Errors") == {"the whole account", "SweeperFunction", "UploadsFunction"}
    assert alarmed("Failed") == alarmed("StuckTasks") == {"AWS::StackName"}


def test_every_request_reaches_the_function_which_checks_its_token_itself():
    [route] = of_type("AWS::ApiGatewayV2::Route").values()
    assert route == {"ApiId": "HttpApi", "RouteKey": "$default", "Target": "integrations/${HttpApiIntegration}"}
    [integration] = of_type("AWS::ApiGatewayV2::Integration").values()
    assert integration["IntegrationUri"] == "ApiFunction.Alias"


def test_alarms_stay_within_the_ten_that_are_free():
    alarms = [body for body in resources().values() if body["Type"] == "AWS::CloudWatch::Alarm"]
    assert len([body for body in alarms if "Condition" not in body]) <= 10


def test_every_named_resource_contains_the_stacks_name():
    kept_within = {"AWS::Scheduler::Schedule", "AWS::Cognito::UserPoolGroup"}  # scoped by a group, scoped by a pool
    for name, body in resources().items():
        for key, value in body["Properties"].items():
            if key.endswith("Name") and key != "DisplayName" and body["Type"] not in kept_within:
                is_reference = str(value) in {*resources(), *(f"{each}.Arn" for each in resources())}
                named = key.removesuffix("Name") in body["Type"] or key in {"Name", "QueueName", "LayerName"}
                if named and not is_reference and "$default" not in str(value):
                    assert "AWS::StackName" in str(value), f"{name}.{key} is {value!r}"


def test_no_account_region_or_partition_is_hard_coded():
    text = (ROOT / "template.yaml").read_text()
    assert not re.search(r"arn:aws[:-]", re.sub(r"#.*|AllowedPattern:.*", "", text))
    assert not re.search(r"\b\d{12}\b", text)
    assert not re.search(
        r"\b(us|eu|ap|sa|ca|af|me|il|mx)-(east|west|north|south|central|southeast|northeast)-\d\b", text
    )


def test_every_parameter_and_output_is_explained():
    for place in ("Parameters", "Outputs"):
        for name, body in template()[place].items():
            assert len(body.get("Description", "")) > 10, name


def test_logs_expire_after_the_configured_days():
    groups = of_type("AWS::Logs::LogGroup")
    assert {properties["RetentionInDays"] for properties in groups.values()} == {"LogRetentionDays"}
    # no function writes to a log group that Lambda creates itself, which would never expire
    written = {properties["LoggingConfig"]["LogGroup"] for properties in of_type("AWS::Serverless::Function").values()}
    assert written <= groups.keys()


def test_the_apis_log_group_has_a_prefix_that_needs_no_resource_policy():
    """Log delivery adds every other name to one policy of a region, which holds 5,120 characters.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/AWS-logs-and-resource-policy.html
    """
    [stage] = of_type("AWS::ApiGatewayV2::Stage").values()
    group = stage["AccessLogSettings"]["DestinationArn"].removesuffix(".Arn")
    assert of_type("AWS::Logs::LogGroup")[group]["LogGroupName"].startswith("/aws/vendedlogs/")


def test_people_may_use_a_second_factor_and_must_choose_good_passwords():
    [pool] = of_type("AWS::Cognito::UserPool").values()
    assert (pool["MfaConfiguration"], pool["EnabledMfas"]) == ("OPTIONAL", ["SOFTWARE_TOKEN_MFA"])
    assert pool["Policies"]["PasswordPolicy"]["MinimumLength"] >= 12
    assert pool["AdminCreateUserConfig"]["AllowAdminCreateUserOnly"] is True


def test_users_and_tables_refuse_to_be_deleted_where_the_stage_is_protected():
    [pool] = of_type("AWS::Cognito::UserPool").values()
    assert pool["DeletionProtection"] == ["IsProtected", "ACTIVE", "INACTIVE"]
    for properties in of_type("AWS::DynamoDB::Table").values():
        assert properties["DeletionProtectionEnabled"] == ["IsProtected", True, False]


def test_data_stores_are_retained_and_no_update_may_replace_them():
    # Retained when the stack is deleted, but not when its creation fails: a second attempt would find the first one's.
    kept = {name for name, body in resources().items() if body.get("DeletionPolicy") == "RetainExceptOnCreate"}
    assert not [name for name, body in resources().items() if body.get("DeletionPolicy") == "Retain"]
    assert kept == {name for name, body in resources().items() if body.get("UpdateReplacePolicy") == "Retain"}
    stores = of_type("AWS::DynamoDB::Table").keys() | of_type("AWS::S3::Bucket").keys()
    assert kept == stores | of_type("AWS::Cognito::UserPool").keys()
    policy = json.loads((ROOT / "infra/stack-policy.json").read_text())
    [denied] = [statement for statement in policy["Statement"] if statement["Effect"] == "Deny"]
    assert set(denied["Action"]) == {"Update:Replace", "Update:Delete"}
    assert {name.partition("/")[2] for name in denied["Resource"]} == kept


def test_console_descriptions_explain_each_resource():
    explained = {
        "AWS::Serverless::Function", "AWS::Serverless::LayerVersion", "AWS::IAM::Role", "AWS::Scheduler::Schedule",
        "AWS::ApiGatewayV2::Api", "AWS::Cognito::UserPoolGroup",
    }  # fmt: skip
    for name, body in resources().items():
        if body["Type"] in explained:
            assert len(body["Properties"].get("Description", "")) > 10, name


def test_every_saved_query_named_on_a_page_exists():
    saved = {properties["Name"].partition("/")[2] for properties in of_type("AWS::Logs::QueryDefinition").values()}
    named = set(re.findall(r"\*(\d [a-z ]+)\*", (ROOT / "docs/console.md").read_text()))
    assert named
    assert named <= saved
    numbers = set(re.findall(r"saved query (\d)", RUNBOOKS.read_text().lower()))
    assert numbers
    assert numbers <= {name[0] for name in saved}


def task_queues():
    """Each task's queue and the function of the same task."""
    queues, functions = of_type("AWS::SQS::Queue"), of_type("AWS::Serverless::Function")
    return {
        name: (queue, functions[name.removesuffix("Queue") + "Function"])
        for name, queue in queues.items()
        if "-tasks-" in queue["QueueName"]
    }


def test_a_message_whose_function_died_comes_back_within_its_time_out():
    """AWS rejects a shorter one, and recommends a longer one against duplicates, which are harmless here."""
    assert len(task_queues()) > 8
    for name, (queue, function) in task_queues().items():
        assert queue["VisibilityTimeout"] == function["Timeout"], name


def test_throttled_functions_lose_no_message_within_half_an_hour():
    """While a function is throttled each of its queue's messages is received once in a visibility time-out."""
    for name, (queue, _) in task_queues().items():
        receives = queue["RedrivePolicy"]["maxReceiveCount"]
        assert receives >= 20, name
        assert receives * queue["VisibilityTimeout"] >= 1800, name
