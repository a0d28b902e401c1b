"""Cost guard in the GPU stack: its schedule, permissions and recipients."""

import json
from typing import Any

import pytest

from cloud import observability
from tests.infra.template import Template, text

ENDPOINT = "arn:AWS::Partition:sagemaker:AWS::Region:AWS::AccountId:endpoint/darkroom-test-g4dn-xlarge"
TARGETS = "arn:AWS::Partition:application-autoscaling:AWS::Region:AWS::AccountId:scalable-target/*"


def alarm(gpu: Template, threshold: float) -> dict[str, Any]:
    """The alarm on the spend with a threshold."""
    (found,) = [
        resource["Properties"]
        for _, resource in gpu.of_type("CloudWatch::Alarm")
        if (resource["Properties"].get("MetricName"), resource["Properties"]["Threshold"])
        == ("GpuSpendToday", threshold)
    ]
    return dict(found)


def test_the_guard_runs_every_five_minutes(gpu: Template) -> None:
    rule = gpu.only("Events::Rule")
    assert rule["ScheduleExpression"] == "rate(5 minutes)"
    assert [text(target["Arn"]) for target in rule["Targets"]] == [gpu.function_id("guard")]


def test_the_guard_knows_the_configuration(gpu: Template) -> None:
    variables = gpu.function("guard")["Environment"]["Variables"]
    assert variables["ENDPOINT_NAME"] == gpu.only("SageMaker::Endpoint")["EndpointName"]
    (variant,) = gpu.only("SageMaker::EndpointConfig")["ProductionVariants"]
    assert variables["VARIANT_NAME"] == variant["VariantName"]
    target = gpu.only("ApplicationAutoScaling::ScalableTarget")
    assert variables["MAX_INSTANCES"] == str(target["MaxCapacity"])
    assert (variables["INSTANCE_USD_PER_HOUR"], variables["STOP_USD"]) == ("0.7364", "100.0")


def test_the_guard_reads_and_writes_only_its_own_row(gpu: Template) -> None:
    (statement,) = [
        statement for statement in gpu.statements("Guardguardrole") if "dynamodb:GetItem" in statement["Action"]
    ]
    assert statement["Action"] == ["dynamodb:GetItem", "dynamodb:UpdateItem"]
    assert "JobsSockets" in text(statement["Resource"])
    assert statement["Condition"] == {
        "ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["guard#darkroom-test"]},
        "Null": {"dynamodb:LeadingKeys": "false"},
    }


def test_the_guard_may_scale_only_the_endpoint(gpu: Template) -> None:
    assert gpu.function_may("guard", "sagemaker:DescribeEndpoint", ENDPOINT)
    assert gpu.function_may("guard", "sagemaker:UpdateEndpointWeightsAndCapacities", ENDPOINT)
    assert not gpu.function_may("guard", "sagemaker:DescribeEndpoint", ENDPOINT + "-other")
    assert not gpu.function_may("guard", "sagemaker:UpdateEndpointWeightsAndCapacities", ENDPOINT + "-other")
    assert gpu.function_may("guard", "application-autoscaling:RegisterScalableTarget", TARGETS)
    (statement,) = [
        statement
        for statement in gpu.statements("Guardguardrole")
        if statement["Action"] == "application-autoscaling:RegisterScalableTarget"
    ]
    target = gpu.only("ApplicationAutoScaling::ScalableTarget")
    assert statement["Condition"]["StringEquals"] == {
        "application-autoscaling:service-namespace": target["ServiceNamespace"],
        "application-autoscaling:scalable-dimension": target["ScalableDimension"],
    }
    services = {action.partition(":")[0] for action in gpu.function_actions("guard")}
    assert services == {"logs", "dynamodb", "sagemaker", "application-autoscaling"}


def test_both_spend_limits_notify_the_alarm_topic(gpu: Template, core: Template) -> None:
    exports = {text(o["Export"]["Name"]): text(o["Value"]) for o in core.content["Outputs"].values() if "Export" in o}
    for usd in (50, 100):
        found = alarm(gpu, usd)
        assert found["ComparisonOperator"] == "GreaterThanOrEqualToThreshold"
        assert (found["Statistic"], found["TreatMissingData"]) == ("Maximum", "notBreaching")
        assert found["Period"] >= 2 * 5 * 60
        (action,) = found["AlarmActions"]
        assert exports[text(action)] == core.name_of("SNS::Topic", "AlarmsTopic")


def test_the_spend_alarms_use_the_published_metric(
    gpu: Template, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    variables = gpu.function("guard")["Environment"]["Variables"]
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", variables["POWERTOOLS_SERVICE_NAME"])
    observability.report_gpu_spend(variables["ENDPOINT_NAME"], 1.5)
    sent = json.loads(capsys.readouterr().out)
    (described,) = sent["_aws"]["CloudWatchMetrics"]
    (dimensions,) = described["Dimensions"]
    found = alarm(gpu, 50)
    assert (found["Namespace"], found["MetricName"]) == (described["Namespace"], described["Metrics"][0]["Name"])
    assert {each["Name"]: each["Value"] for each in found["Dimensions"]} == {name: sent[name] for name in dimensions}


def test_a_failing_guard_raises_an_alarm(gpu: Template) -> None:
    (found,) = [
        resource["Properties"]
        for _, resource in gpu.of_type("CloudWatch::Alarm")
        if resource["Properties"].get("MetricName") == "Errors"
    ]
    assert [text(each["Value"]) for each in found["Dimensions"]] == [gpu.function_id("guard")]
    assert found["Period"] * found["EvaluationPeriods"] <= 15 * 60


def test_the_core_stack_has_no_guard(core: Template, local: Template) -> None:
    for template in (core, local):
        # A function from an image has no handler in the template.
        handlers = {resource["Properties"].get("Handler") for _, resource in template.of_type("Lambda::Function")}
        assert "handlers.guard.handler" not in handlers
