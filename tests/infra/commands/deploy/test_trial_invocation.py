"""Trial invocation of the endpoint: what becomes of answers that are not as they should be."""

import io

from botocore.response import StreamingBody

from cloud.invocation import Abandoned
from infra.commands.deploy.deployment import Deployment
from infra.commands.deploy.trial_invocation import invoke_endpoint
from infra.commands.deploy.trial_job import Trial
from tests.infra.commands.deploy.stubbed_account import StubbedAccount

JOB = "0123456789abcdef" * 2


def invoke(account: StubbedAccount) -> Trial:
    deployment = Deployment("", "", "bucket", "jobs", "ledger", "darkroom-main", {}, account.client)
    return invoke_endpoint(deployment, JOB, limit_seconds=0)


def accepted(account: StubbedAccount) -> None:
    account.refuse("sagemaker", "describe_endpoint", "AccessDenied")
    locations = {
        "OutputLocation": "s3://bucket/outcomes/1.out",
        "FailureLocation": "s3://bucket/outcomes/failures/1.out",
    }
    account.answer("sagemaker-runtime", "invoke_endpoint_async", {"InferenceId": f"{JOB}-1", **locations})


def body(content: bytes) -> dict[str, StreamingBody]:
    return {"Body": StreamingBody(io.BytesIO(content), len(content))}


def test_the_containers_answer_completes_the_trial(account: StubbedAccount) -> None:
    accepted(account)
    answer = Abandoned(job_id=JOB, attempt=1).model_dump_json().encode()
    account.answer("s3", "get_object", body(answer), Bucket="bucket", Key="outcomes/1.out")
    trial = invoke(account)
    assert (trial.outcome, [hop.name for hop in trial.hops]) == (
        "completed",
        ["invocation accepted", "answer in S3"],
    )
    assert trial.hops[-1].budget == 900, "an endpoint of which nothing is known may be cold"


def test_a_failure_is_shown_as_it_is(account: StubbedAccount) -> None:
    accepted(account)
    account.refuse("s3", "get_object", "NoSuchKey")
    account.answer("s3", "get_object", body(b"Model error"), Bucket="bucket", Key="outcomes/failures/1.out")
    trial = invoke(account)
    assert (trial.outcome, trial.note) == ("failed", "an unexpected answer: Model error")


def test_without_an_answer_the_trial_ends_at_its_limit(account: StubbedAccount) -> None:
    accepted(account)
    for _ in range(2):
        account.refuse("s3", "get_object", "NoSuchKey")
    trial = invoke(account)
    assert (trial.outcome, trial.failed) == ("timed out", True)


def test_an_endpoint_that_refuses_is_one_sentence(account: StubbedAccount) -> None:
    account.refuse("sagemaker", "describe_endpoint", "ValidationException", 'Could not find endpoint "darkroom-main".')
    account.refuse("sagemaker-runtime", "invoke_endpoint_async", "ValidationError", "The body is too large.")
    trial = invoke(account)
    assert (trial.outcome, trial.note) == ("failed", "InvokeEndpointAsync: The body is too large.")


def test_an_endpoint_that_is_not_deployed_is_left_out(account: StubbedAccount) -> None:
    account.refuse("sagemaker", "describe_endpoint", "ValidationException", 'Could not find endpoint "darkroom-main".')
    account.refuse("sagemaker-runtime", "invoke_endpoint_async", "ValidationError", "Endpoint darkroom-main not found.")
    trial = invoke(account)
    assert (trial.outcome, trial.failed, trial.note) == ("left out", False, "it is not deployed")
    without = Deployment("", "", "bucket", "jobs", "ledger", "", {}, account.client)
    assert invoke_endpoint(without, JOB, limit_seconds=0).outcome == "left out"
