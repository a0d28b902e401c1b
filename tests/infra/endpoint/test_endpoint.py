"""The asynchronous endpoint's stand-in, through plain boto3 clients; S3, SNS and SQS are the emulator's."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import boto3
import pytest
import urllib3
from botocore.exceptions import ClientError

from infra.local.access.keys import function_key
from infra.local.clients import sign
from infra.local.endpoint import invocation_store
from infra.local.endpoint.aws import AwsError, S3AndSns
from infra.local.endpoint.faults import Faults, FaultValues
from infra.local.endpoint.invocation import EndpointInvocation
from infra.local.state import RootKey
from tests.infra.endpoint.stack import BUCKET, ROOT, Cloud, Stack


def test_an_output_is_written_and_published(running: Stack) -> None:
    accepted = running.invoke("answer", ContentType="application/json", CustomAttributes="trace=7")

    assert accepted["InferenceId"] == "job-1"
    assert accepted["OutputLocation"] == f"s3://{BUCKET}/outcomes/job-1.out"
    assert accepted["FailureLocation"].startswith(f"s3://{BUCKET}/outcomes/failures/")
    assert accepted["ResponseMetadata"]["HTTPStatusCode"] == 202
    message = running.notification("success")
    assert message is not None
    assert message["invocationStatus"] == "Completed"
    assert message["inferenceId"] == "job-1"
    assert message["responseParameters"] == {
        "contentType": "application/json",
        "outputLocation": accepted["OutputLocation"],
    }
    assert message["requestParameters"]["endpointName"] == "pictures-gpu"
    assert message["requestParameters"]["inputLocation"] == f"s3://{BUCKET}/invocations/job-1.json"
    assert (message["eventSource"], message["eventName"]) == ("aws:sagemaker", "InferenceResult")
    answer = running.read(accepted["OutputLocation"])
    assert answer["type"] == "application/json"
    assert answer["headers"]["x-amzn-sagemaker-inference-id"] == "job-1"
    assert answer["headers"]["x-amzn-sagemaker-custom-attributes"] == "trace=7"


def test_an_inference_id_is_generated_if_none_is_given(running: Stack) -> None:
    location = running.put({"do": "answer"})
    accepted = running.runtime.invoke_endpoint_async(EndpointName="pictures-gpu", InputLocation=location)
    message = running.notification("success")
    assert message is not None
    assert message["inferenceId"] == accepted["InferenceId"]


def test_requests_that_sagemaker_rejects_are_rejected(running: Stack) -> None:
    with pytest.raises(running.runtime.exceptions.ValidationError, match="not found"):
        running.runtime.invoke_endpoint_async(EndpointName="other", InputLocation="s3://b/k")
    with pytest.raises(running.runtime.exceptions.ValidationError, match="InputLocation"):
        running.runtime.invoke_endpoint_async(EndpointName="pictures-gpu", InputLocation="s3://bucket-alone")
    named = {"X-Amzn-SageMaker-InputLocation": "s3://b/k", "X-Amzn-SageMaker-RequestTTLSeconds": "59"}
    answer = running.control("POST", "/endpoints/pictures-gpu/async-invocations", **named)
    assert (answer.status, answer.headers["x-amzn-errortype"]) == (400, "ValidationError")
    with pytest.raises(ClientError) as unknown:
        running.sagemaker.list_endpoints()
    assert unknown.value.response["Error"]["Code"] == "UnknownOperationException"


def test_describe_endpoint_returns_status_and_instances(running: Stack) -> None:
    running.until(lambda status: status["instances"] == 1)
    endpoint = running.sagemaker.describe_endpoint(EndpointName="pictures-gpu")
    assert endpoint["EndpointStatus"] == "InService"
    assert endpoint["ProductionVariants"][0]["CurrentInstanceCount"] == 1
    assert endpoint["AsyncInferenceConfig"]["OutputConfig"]["S3OutputPath"] == f"s3://{BUCKET}/outcomes/"
    with pytest.raises(ClientError) as unknown:
        running.sagemaker.describe_endpoint(EndpointName="other")
    assert unknown.value.response["Error"]["Code"] == "ValidationException"


def test_an_error_of_the_container_is_stored_and_published(running: Stack) -> None:
    accepted = running.invoke("error")
    message = running.notification("error")
    assert message is not None
    assert message["invocationStatus"] == "Failed"
    assert "500" in message["failureReason"]
    assert running.read(accepted["FailureLocation"]) == {"code": "internal"}
    assert running.notification("success", wait=False) is None


def test_a_crashed_instance_fails_its_invocation_and_is_replaced(running: Stack) -> None:
    running.invoke("answer", "before")
    running.notification("success")
    first = running.read(f"s3://{BUCKET}/outcomes/before.out")["pid"]
    running.invoke("exit", "dies")
    failed = running.notification("error")
    running.invoke("answer", "after")
    running.notification("success")

    assert failed is not None
    assert failed["inferenceId"] == "dies"
    assert "connection" in failed["failureReason"]
    assert running.read(f"s3://{BUCKET}/outcomes/after.out")["pid"] != first


@pytest.mark.parametrize("do", ["hang", "answer"])
def test_an_injected_crash_affects_only_the_next_invocation(running: Stack, do: str) -> None:
    running.faults(crash=1)
    running.invoke(do, "crashes")
    failed = running.notification("error")
    assert failed is not None
    assert failed["inferenceId"] == "crashes"
    running.invoke("answer", "next")
    message = running.notification("success")
    assert message is not None
    assert message["inferenceId"] == "next"


def test_a_container_timeout_fails_the_invocation(running: Stack) -> None:
    running.invoke("hang", InvocationTimeoutSeconds=1)
    message = running.notification("error")
    assert message is not None
    assert "timed out" in message["failureReason"]


def test_a_missing_input_fails_the_invocation(running: Stack) -> None:
    running.runtime.invoke_endpoint_async(
        EndpointName="pictures-gpu", InputLocation=f"s3://{BUCKET}/nothing", InferenceId="absent"
    )
    message = running.notification("error")
    assert message is not None
    assert message["inferenceId"] == "absent"
    assert "nothing" in message["failureReason"]


def test_an_invocation_expires_in_the_queue(start: Callable[..., Stack]) -> None:
    stack = start(min_instances=0, cold_start_seconds=600)
    location = stack.put({"do": "answer"})
    stack.server.endpoint.submit(EndpointInvocation("pictures-gpu", "late", location, ttl=0.1))
    message = stack.notification("error")
    assert message is not None
    assert message["inferenceId"] == "late"
    assert "expired" in message["failureReason"]


def test_an_invocation_that_cannot_be_stored_is_not_accepted(running: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_path: Path, _text: str) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(invocation_store, "write_private", fail)
        with pytest.raises(ClientError, match="No space left") as refused:
            running.invoke("answer", "refused")
    assert refused.value.response["Error"]["Code"] == "InternalFailure"
    running.invoke("answer", "accepted")
    message = running.notification("success")
    assert message is not None
    assert message["inferenceId"] == "accepted"


def test_the_first_invocation_starts_an_instance_from_zero(start: Callable[..., Stack]) -> None:
    stack = start(min_instances=0, idle_seconds=0)
    assert stack.until(lambda _: True)["instances"] == 0
    stack.faults(cold_start_seconds=600)
    stack.invoke("answer", "cold")
    assert stack.until(lambda status: status["invocations"] == 1)["instances"] == 0
    stack.faults(cold_start_seconds=0)
    message = stack.notification("success")
    assert message is not None
    assert message["inferenceId"] == "cold"
    stack.until(lambda status: status["instances"] == 0)


def test_more_invocations_start_more_instances_up_to_the_maximum(start: Callable[..., Stack]) -> None:
    stack = start(instances=2, concurrency=1)
    for number in range(3):
        stack.invoke("hang", f"job-{number}")
    stack.until(lambda status: status["instances"] == 2)


def test_the_duplicate_fault_publishes_each_notification_twice(running: Stack) -> None:
    running.faults(duplicate=True)
    running.invoke("answer")
    assert running.notification("success") == running.notification("success")


def test_the_unreachable_fault_responds_with_503(running: Stack) -> None:
    running.faults(unreachable=True)
    with pytest.raises(running.runtime.exceptions.ServiceUnavailable):
        running.invoke("answer")
    with pytest.raises(ClientError):
        running.sagemaker.describe_endpoint(EndpointName="pictures-gpu")
    running.faults(unreachable=False)
    running.invoke("answer")
    assert running.notification("success") is not None


def test_faults_keep_switches_not_named_and_reject_unknown_names(running: Stack) -> None:
    running.faults(crash=2)
    assert running.faults(duplicate=True)["crash"] == 2
    answer = running.control("POST", "/_faults", {"explode": True})
    assert answer.status == 400


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/_faults"),
        ("POST", "/_faults"),
        ("GET", "/_status"),
        ("POST", "/"),
        ("POST", "/endpoints/pictures-gpu/async-invocations"),
    ],
)
def test_unsigned_requests_to_the_endpoint_are_rejected(running: Stack, method: str, path: str) -> None:
    for headers in ({}, sign(RootKey(access_key_id="test", secret_access_key="test"), method, f"{running.url}{path}")):
        assert urllib3.request(method, f"{running.url}{path}", headers=headers).status == 403
    origin = {"Origin": "http://page.example"}
    assert running.control(method, path, **origin).status == 403
    assert running.faults() == FaultValues().model_dump()
    assert urllib3.request("GET", f"{running.url}/_health").status == 200


def test_a_functions_key_may_invoke_the_endpoint(running: Stack) -> None:
    key = function_key(running.key.secret_access_key, "arn:aws:lambda:us-east-1:000000000000:function:dispatch", "role")
    runtime = boto3.client(
        "sagemaker-runtime",
        endpoint_url=running.url,
        aws_access_key_id=key.access_key_id,
        aws_secret_access_key=key.secret_access_key,
        aws_session_token=key.session_token,
    )
    location = running.put({"do": "answer"})
    runtime.invoke_endpoint_async(EndpointName="pictures-gpu", InputLocation=location, InferenceId="job-7")
    message = running.notification("success")
    assert message is not None
    assert message["inferenceId"] == "job-7"


def test_each_injected_crash_is_used_once() -> None:
    faults = Faults(FaultValues(crash=2))
    assert [faults.take_crash() for _ in range(3)] == [True, True, False]


def test_only_containers_get_the_roles_credentials(start: Callable[..., Stack]) -> None:
    policy = {"Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}]}
    role = boto3.client("iam").create_role(RoleName="container", AssumeRolePolicyDocument=json.dumps(policy))
    stack = start(container_role_arn=role["Role"]["Arn"])
    assert urllib3.request("GET", f"{stack.url}/_credentials").status == 403
    assert stack.server.role is not None
    environment = stack.server.role.environment()
    answer = urllib3.request(
        "GET",
        f"{stack.url}/_credentials",
        headers={"Authorization": environment["AWS_CONTAINER_AUTHORIZATION_TOKEN"] or ""},
    )
    assert {"AccessKeyId", "SecretAccessKey", "Token", "Expiration"} <= set(answer.json())


def test_a_rejection_of_s3_raises_an_error(cloud: Cloud) -> None:
    credentials = boto3.Session().get_credentials()
    assert credentials is not None
    aws = S3AndSns(cloud.url, "us-east-1", credentials, connections=1)
    aws.write(f"s3://{BUCKET}/a folder/ä+b~(1).json", b"{}", "application/json")
    assert aws.read(f"s3://{BUCKET}/a folder/ä+b~(1).json") == b"{}"
    with pytest.raises(AwsError, match="404"):
        aws.read(f"s3://{BUCKET}/nothing")


def test_an_instance_ends_with_its_parent() -> None:
    parent = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys, subprocess, time\n"
            "module = 'infra.local.endpoint.exit_with_parent'\n"
            "child = subprocess.Popen([sys.executable, '-m', module, 'http.server', '0'],"
            " stdin=subprocess.PIPE)\n"
            "print(child.pid, flush=True)\n"
            "time.sleep(600)\n",
        ],
        stdout=subprocess.PIPE,
        cwd=ROOT,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    assert parent.stdout is not None
    assert parent.stdout.readline().strip().isdigit()
    assert b"Serving" in parent.stdout.readline()
    parent.kill()
    parent.wait()
    # The child holds the pipe's other end, so this returns only once it has ended.
    parent.communicate()
