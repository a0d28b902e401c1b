"""``darkroom deploy logs``: the lines that name a job, in order of time."""

from botocore.stub import ANY

from tests.infra.commands.deploy.command_line import CORE, GPU, JOB, run
from tests.infra.commands.deploy.stubbed_account import StubbedAccount


def test_lines_of_functions_and_container_come_in_order_of_time(operator: StubbedAccount) -> None:
    operator.stack("core", "UPDATE_COMPLETE", CORE)
    operator.stack("gpu", "CREATE_COMPLETE", GPU)
    operator.answer("dynamodb", "get_item", {})
    operator.answer("lambda", "get_function_configuration", {"LoggingConfig": {"LogGroup": "core-api-logs"}})
    quoted = f'"{JOB}"'
    late = (
        f'{{"level":"INFO","message":"created \\u001b[31m","timestamp":"2026-11-30T12:00:02+00:00","job_id":"{JOB}"}}'
    )
    event = {"timestamp": 1_796_040_002_000, "message": late}
    page = {"events": [event], "nextToken": "more"}
    operator.answer(
        "logs", "filter_log_events", page, logGroupName="core-api-logs", filterPattern=quoted, startTime=ANY
    )
    operator.answer("logs", "filter_log_events", {"events": []})
    early = f'{{"level":"ERROR","message":"failed","time":"2026-11-30T12:00:01+00:00","job_id":"{JOB}"}}'
    operator.answer("logs", "filter_log_events", {"events": [{"timestamp": 1_796_040_001_000, "message": early}]})
    result = run("logs", JOB)
    assert result.exit_code == 0, result.output
    first, second = result.stdout.splitlines()
    assert first.split(maxsplit=1)[1] == f"container  ERROR    failed  job_id={JOB}"
    assert second.split(maxsplit=1)[1] == f"api        INFO     created \\u001b[31m  job_id={JOB}"


def test_a_job_that_no_line_names_is_said_with_the_groups_that_are_missing(operator: StubbedAccount) -> None:
    operator.stack("core", "UPDATE_COMPLETE", CORE)
    operator.stack("gpu", "CREATE_COMPLETE", GPU)
    operator.answer("lambda", "get_function_configuration", {})
    operator.answer("logs", "filter_log_events", {"events": []})
    operator.refuse("logs", "filter_log_events", "ResourceNotFoundException")
    result = run("logs", JOB, "--since", "2h")
    assert result.exit_code == 1
    assert "/aws/sagemaker/Endpoints/darkroom-main" in result.stderr
    assert f"No line names job {JOB}" in result.stderr


def test_what_is_no_job_id_is_wrong_usage(operator: StubbedAccount) -> None:
    assert run("logs", "my-job").exit_code == 2
