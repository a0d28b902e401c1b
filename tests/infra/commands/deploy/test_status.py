"""``darkroom deploy status``: stacks, endpoint, alarms and cost, on answers as botocore's service models have them."""

from datetime import UTC, datetime

from tests.infra.commands.deploy.command_line import CORE, GPU, run
from tests.infra.commands.deploy.stubbed_account import StubbedAccount


def healthy(account: StubbedAccount) -> None:
    account.stacks(core=("UPDATE_COMPLETE", CORE), gpu=("CREATE_COMPLETE", GPU))
    described = {
        "EndpointName": "darkroom-main",
        "EndpointArn": "arn:aws:sagemaker:eu-west-1:111122223333:endpoint/darkroom-main",
        "EndpointConfigName": "c",
        "EndpointStatus": "InService",
        "CreationTime": datetime(2026, 11, 30, tzinfo=UTC),
        "LastModifiedTime": datetime(2026, 11, 30, tzinfo=UTC),
        "ProductionVariants": [{"VariantName": "gpu", "CurrentInstanceCount": 1, "DesiredInstanceCount": 2}],
    }
    account.answer("sagemaker", "describe_endpoint", described)
    resource = {
        "ServiceNamespace": "sagemaker",
        "ResourceId": "endpoint/darkroom-main/variant/gpu",
        "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
    }
    moment = datetime(2026, 11, 30, 9, 30, tzinfo=UTC)
    named = {name: value for name, value in resource.items() if name != "ResourceId"}
    named["ResourceIds"] = [resource["ResourceId"]]
    target = {**resource, "MinCapacity": 0, "MaxCapacity": 4, "RoleARN": "r", "CreationTime": moment}
    account.answer("application-autoscaling", "describe_scalable_targets", {"ScalableTargets": [target]}, **named)
    points = [{"Timestamp": moment, "Maximum": 3.0, "Unit": "None"}]
    account.answer("cloudwatch", "get_metric_statistics", {"Datapoints": points})
    activity = {
        **resource,
        "ActivityId": "a",
        "Description": "Setting desired instance count to 1.",
        "Cause": "alarm",
        "StartTime": moment,
        "StatusCode": "Successful",
    }
    account.answer(
        "application-autoscaling", "describe_scaling_activities", {"ScalingActivities": [activity]}, **resource
    )
    wakes = {"version": {"N": "3"}, "seconds": {"L": [{"N": "240"}, {"N": "300"}]}}
    account.answer("dynamodb", "get_item", {"Item": wakes})
    day = int(datetime.now(UTC).timestamp() // 86_400)
    spend = {"day": {"N": str(day)}, "usd": {"N": "1.25"}, "counted_until": {"N": "1e9"}, "instances": {"N": "1"}}
    account.answer("dynamodb", "get_item", {"Item": spend})


def alarm(name: str, state: str, action: str = CORE["AlarmsTopic"]) -> dict[str, object]:
    return {"AlarmName": name, "StateValue": state, "AlarmActions": [action], "AlarmDescription": "Jobs have waited."}


def test_a_deployment_that_is_well_has_exit_code_0_and_is_to_be_tried(operator: StubbedAccount) -> None:
    healthy(operator)
    scaling = alarm("darkroom-main-gpu-FromZero", "ALARM", "arn:aws:autoscaling:eu-west-1:111122223333:scalingPolicy:1")
    answer = {"MetricAlarms": [alarm("darkroom-main-Alarms1", "OK"), scaling]}
    operator.answer("cloudwatch", "describe_alarms", answer)
    result = run("status")
    assert result.exit_code == 0, result.output
    for words in (
        "UPDATE_COMPLETE",
        "not deployed",
        "darkroom-main InService",
        "1 of 2 desired, from 0 to 4",
        "3 requests",
        "2026-11-30 09:30 UTC Successful",
        "about 4 minutes, median of the last 2",
        "$1.25",
        "none of 1 has fired",
        "darkroom deploy try --stage main",
    ):
        assert words in result.stdout, words


def test_an_alarm_that_has_fired_is_named_and_makes_exit_code_1(operator: StubbedAccount) -> None:
    healthy(operator)
    answer = {"MetricAlarms": [alarm("darkroom-main-gpu-EndpointsNoCapacity", "ALARM")]}
    operator.answer("cloudwatch", "describe_alarms", answer)
    result = run("status")
    assert result.exit_code == 1
    assert "darkroom-main-gpu-EndpointsNoCapacity: Jobs have waited." in result.stdout
    assert "aws logs tail /aws/sagemaker/Endpoints/darkroom-main" in result.stdout


def test_an_endpoint_that_failed_tells_sagemakers_reason(operator: StubbedAccount) -> None:
    operator.stacks(core=("UPDATE_COMPLETE", CORE), gpu=("UPDATE_ROLLBACK_COMPLETE", GPU))
    described = {
        "EndpointName": "darkroom-main",
        "EndpointArn": "arn:aws:sagemaker:eu-west-1:111122223333:endpoint/darkroom-main",
        "EndpointStatus": "Failed",
        "FailureReason": "The account-level service limit was exceeded.",
        "CreationTime": datetime(2026, 11, 30, tzinfo=UTC),
        "LastModifiedTime": datetime(2026, 11, 30, tzinfo=UTC),
    }
    operator.answer("sagemaker", "describe_endpoint", described)
    result = run("status")
    assert result.exit_code == 1
    assert "darkroom-main Failed: The account-level service limit was exceeded." in result.stdout
    assert "cost today" in result.stdout, "a call that fails does not end the report"


def test_without_stacks_the_status_says_what_to_type(operator: StubbedAccount) -> None:
    operator.stacks()
    result = run("status")
    assert result.exit_code == 1
    assert "darkroom deploy check --stage main" in result.stdout
