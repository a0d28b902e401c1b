"""Draft requester: has the cpu lane make drafts of jobs that wait for a GPU to start."""

from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from cloud.dynamodb.job_record import JobRecord
from cloud.invocation import MAX_INLINE_BYTES, DraftInvocation, Invocation
from cloud.observability import logger
from darkroom.contract.engine import Engine
from darkroom.contract.kinds import DRAFT_KINDS

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient


class DraftRequester:
    """Requests drafts of the function ``function``. No error of a draft touches its job."""

    def __init__(self, function: str, functions: "LambdaClient") -> None:
        self._function = function
        self._functions = functions

    def request(self, job: JobRecord, invocation: Invocation) -> None:
        """Request a draft of a dispatched job, unless its kind has none or it shows one already."""
        if job.engine is not Engine.MODELS or job.kind not in DRAFT_KINDS or job.preview is not None:
            return
        event = DraftInvocation(draft=invocation.model_dump(mode="json")).model_dump_json().encode()
        if len(event) > MAX_INLINE_BYTES:
            logger.info("no draft: the invocation is too large for an event", job_id=job.job_id)
            return
        try:
            self._functions.invoke(FunctionName=self._function, InvocationType="Event", Payload=event)
        except (ClientError, BotoCoreError) as error:
            logger.warning("draft not requested", job_id=job.job_id, attempt=job.attempt, reason=str(error))
