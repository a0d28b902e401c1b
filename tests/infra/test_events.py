"""Event sources of the functions: their targets, retries and dead-letter queues."""

import json
import re
from typing import Any

import pytest

from darkroom.contract.jobs import State
from infra.names import CPU_FUNCTION, FUNCTIONS
from tests.infra.template import Assembly, Template, text
from tests.paths import ROOT


def mapping(template: Template, function: str) -> dict[str, Any]:
    """A function's event source mapping."""
    wanted = template.function_id(function)
    (found,) = [
        resource["Properties"]
        for _, resource in template.of_type("Lambda::EventSourceMapping")
        if text(resource["Properties"]["FunctionName"]) == wanted
    ]
    return dict(found)


@pytest.mark.parametrize(("function", "queue"), [("uploaded", "JobsUploads"), ("dispatch", "JobsQueue")])
def test_a_failing_message_blocks_no_other_and_goes_to_the_dead_letter_queue(
    core: Template, function: str, queue: str
) -> None:
    source = mapping(core, function)
    assert text(source["EventSourceArn"]).startswith(queue)
    assert source["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    properties = core.only("SQS::Queue", queue)
    assert text(properties["RedrivePolicy"]["deadLetterTargetArn"]).startswith("JobsDeadLetters")
    assert properties["VisibilityTimeout"] >= 6 * core.function(function)["Timeout"]


def test_local_queue_concurrency_is_limited(local: Template) -> None:
    for function in ("uploaded", "dispatch"):
        assert mapping(local, function)["ScalingConfig"]["MaximumConcurrency"] == 2


def test_stream_records_that_fail_do_not_block_later_ones(core: Template) -> None:
    source = mapping(core, "push")
    assert source["BisectBatchOnFunctionError"] is True
    assert source["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert 0 < source["MaximumRecordAgeInSeconds"] <= 300
    assert text(source["DestinationConfig"]["OnFailure"]["Destination"]).startswith("JobsDeadLetters")


def test_push_runs_only_for_changes_of_jobs_that_somebody_has_subscribed_to(core: Template) -> None:
    (only,) = mapping(core, "push")["FilterCriteria"]["Filters"]
    subscribed = {"dynamodb": {"NewImage": {"subscribed_seq": {"N": [{"exists": True}]}}}}
    assert json.loads(only["Pattern"]) == {"eventName": ["MODIFY"], **subscribed}


def test_both_topics_invoke_finished(core: Template) -> None:
    finished = core.function_id("finished")
    topics = {
        text(resource["Properties"]["TopicArn"])
        for _, resource in core.of_type("SNS::Subscription")
        if text(resource["Properties"]["Endpoint"]) == finished
    }
    assert {topic.rstrip("0123456789ABCDEF") for topic in topics} == {"ContainerSuccess", "ContainerError"}


def test_a_notice_that_finished_cannot_handle_goes_to_the_dead_letter_queue(core: Template) -> None:
    config = core.only("Lambda::EventInvokeConfig", "Events")
    assert text(config["FunctionName"]) == core.function_id("finished")
    assert text(config["DestinationConfig"]["OnFailure"]["Destination"]).startswith("JobsDeadLetters")


def test_sweep_runs_every_minute_and_ends_before_the_next(core: Template) -> None:
    rule = core.only("Events::Rule")
    assert rule["ScheduleExpression"] == "rate(1 minute)"
    assert core.function("sweep")["Timeout"] < 60


def test_job_rows_expire_and_can_be_restored(core: Template) -> None:
    table = core.only("DynamoDB::Table", "JobsTable")
    assert table["TimeToLiveSpecification"] == {"AttributeName": "expires_at", "Enabled": True}
    assert table["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"] is True
    assert table["StreamSpecification"]["StreamViewType"] == "NEW_IMAGE"


@pytest.mark.parametrize("function", FUNCTIONS)
def test_every_function_has_log_retention_and_an_alarm(core: Template, function: str) -> None:
    properties = core.function(function)
    assert properties["Architectures"] == ["arm64"]
    logs = core.resources[text(properties["LoggingConfig"]["LogGroup"])]["Properties"]
    assert logs["RetentionInDays"] == 30
    watched = [
        text(dimension["Value"])
        for _, alarm in core.of_type("CloudWatch::Alarm")
        if alarm["Properties"]["MetricName"] == "Errors"
        for dimension in alarm["Properties"]["Dimensions"]
    ]
    assert core.function_id(function) in watched


def test_functions_are_traced_only_where_that_is_asked_for(core: Template, research: Assembly) -> None:
    def modes(template: Template) -> set[str]:
        functions = [template.function(name) for name in FUNCTIONS]
        return {function.get("TracingConfig", {}).get("Mode", "PassThrough") for function in functions}

    assert modes(core) == {"PassThrough"}
    assert modes(research["core"]) == {"Active"}


def test_dead_letters_raise_an_alarm(core: Template) -> None:
    (alarm,) = [
        resource["Properties"]
        for _, resource in core.of_type("CloudWatch::Alarm")
        if resource["Properties"]["MetricName"] == "ApproximateNumberOfMessagesVisible"
    ]
    assert text(alarm["Dimensions"][0]["Value"]).startswith("JobsDeadLetters")
    assert (alarm["Threshold"], alarm["ComparisonOperator"]) == (0, "GreaterThanThreshold")
    topic = text(alarm["AlarmActions"][0])
    told = [
        resource["Properties"]["Endpoint"]
        for _, resource in core.of_type("SNS::Subscription")
        if text(resource["Properties"]["TopicArn"]) == topic
    ]
    assert told == ["someone@example.com"]


def test_the_ended_function_gets_every_ended_job_and_those_in_unknown_states(core: Template) -> None:
    source = mapping(core, "ended")
    ((pattern,),) = [[json.loads(each["Pattern"]) for each in source["FilterCriteria"]["Filters"]]]
    ((rule, states),) = pattern["dynamodb"]["NewImage"]["state"]["S"][0].items()
    # After going back to this version, a newer one's terminal state must settle the job's budget.
    assert rule == "anything-but"
    assert sorted(states) == sorted(state for state in State if not state.terminal)
    assert source["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert source["MaximumRecordAgeInSeconds"] >= 3600
    assert text(source["DestinationConfig"]["OnFailure"]["Destination"]).startswith("JobsDeadLetters")


@pytest.mark.parametrize(("function", "seconds"), [("push", 30), ("ended", 300)])
def test_a_late_stream_raises_an_alarm(core: Template, function: str, seconds: int) -> None:
    late = {
        text(alarm["Properties"]["Dimensions"][0]["Value"]): alarm["Properties"]
        for _, alarm in core.of_type("CloudWatch::Alarm")
        if alarm["Properties"]["MetricName"] == "IteratorAge"
    }
    assert late[core.function_id(function)]["Threshold"] == 1000 * seconds
    assert late[core.function_id(function)]["AlarmActions"]


def test_every_alarm_is_explained_to_operators(core: Template, gpu: Template) -> None:
    page = (ROOT / "docs" / "operating.md").read_text("utf-8")
    _, _, section = page.partition("\n## Alarms\n")
    section, _, _ = section.partition("\n## ")
    for template in (core, gpu):
        for logical_id, _ in template.of_type("CloudWatch::Alarm"):
            name = re.sub("^(Alarms|Guard|Endpoints)|[0-9A-F]{8}$", "", logical_id)
            shown = "Errors-<function>" if name.removeprefix("Errors") in (*FUNCTIONS, CPU_FUNCTION) else name
            assert f"`{shown.replace('Errorsguard', 'Errors-guard')}`" in section, logical_id
