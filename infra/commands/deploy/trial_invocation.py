"""Trial invocation: one invocation of the endpoint without queue and functions, for a job that does not exist.

The container answers that the attempt is abandoned. So the container read what SageMaker passed on, asked the jobs
table, and SageMaker wrote the answer to S3.
"""

import time
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from cloud.invocation import Abandoned, Invocation, inference_id
from cloud.s3.conditions import MISSING_CODES
from cloud.s3.keys import parse_s3_uri
from darkroom.contract.engine import Engine
from darkroom.contract.kinds import Kind
from handlers.endpoint.endpoint_state import says_absent
from infra.commands.deploy.deployment import Deployment
from infra.commands.deploy.errors import sentence
from infra.commands.deploy.hops import COLD_START_SECONDS, WARM_SECONDS, HopClock
from infra.commands.deploy.trial_job import Trial, is_cold

NAME = "endpoint"
# Outcome and note.
ABSENT = ("left out", "it is not deployed")
POLL_SECONDS = 0.5  # S3 tells nobody but the stack's own queue


def invoke_endpoint(deployment: Deployment, job_id: str, limit_seconds: float) -> Trial:
    """Invoke the endpoint for ``job_id``, which must be new, and return what became of it. It raises no AWS error."""
    trial = Trial(NAME, job_id=job_id)
    if not deployment.endpoint_name:
        trial.outcome, trial.note = ABSENT
        return trial
    try:
        _invoke(deployment, job_id, limit_seconds, trial)
    except (ClientError, BotoCoreError) as error:
        if says_absent(error):
            trial.outcome, trial.note = ABSENT
        else:
            trial.outcome, trial.note = "failed", sentence(error)
    return trial


def new_job_id() -> str:
    """Return an id of a job that does not exist."""
    return uuid.uuid4().hex


def _invoke(deployment: Deployment, job_id: str, limit_seconds: float, trial: Trial) -> None:
    s3 = deployment.client("s3")
    cold = is_cold(deployment)
    clock = HopClock(trial.hops)
    invocation = Invocation(
        job_id=job_id,
        attempt=1,
        kind=Kind.FIND_OBJECTS,
        engine=Engine.PREVIEW,
        params={},
        uploads={},
        deadline=datetime.now(UTC) + timedelta(seconds=limit_seconds),
    )
    accepted = deployment.client("sagemaker-runtime").invoke_endpoint_async(
        EndpointName=deployment.endpoint_name,
        Body=invocation.model_dump_json().encode(),
        InferenceId=inference_id(job_id, 1),
        ContentType="application/json",
        Accept="application/json",
    )
    clock.reach("invocation accepted", WARM_SECONDS)
    answer = _wait(s3, accepted, limit_seconds)
    clock.reach("answer in S3", COLD_START_SECONDS if cold else WARM_SECONDS)
    trial.seconds = clock.seconds
    if answer is None:
        trial.outcome, trial.note = "timed out", f"no answer after {limit_seconds:.0f} s"
        return
    try:
        Abandoned.model_validate_json(answer)
    except ValueError:
        trial.outcome, trial.note = "failed", f"an unexpected answer: {answer[:200].decode('utf-8', 'replace')}"
    else:
        trial.outcome, trial.note = "completed", "the container answers"


def _wait(s3: Any, accepted: dict[str, Any], limit_seconds: float) -> bytes | None:
    """Return the answer, or the failure, as soon as S3 has it; None after the limit."""
    places = [accepted[name] for name in ("OutputLocation", "FailureLocation") if accepted.get(name)]
    deadline = time.monotonic() + limit_seconds
    while True:
        for place in places:
            bucket, key = parse_s3_uri(place)
            try:
                body: bytes = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
            except ClientError as error:
                if error.response["Error"]["Code"] not in MISSING_CODES:
                    raise
            else:
                return body
        if time.monotonic() > deadline:
            return None
        time.sleep(POLL_SECONDS)
