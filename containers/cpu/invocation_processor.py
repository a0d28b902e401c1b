"""Invocation processor of the cpu lane: runs an invocation within the function's time, and announces its outcome."""

import json
import logging
import shutil
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError
from pydantic import ValidationError

from cloud import clients
from cloud.dynamodb.job_store import JobStore
from cloud.dynamodb.ledger import Ledger
from cloud.instance_reports import InstanceReports
from cloud.invocation import MAX_INLINE_BYTES, WARM, Abandoned, Completed, Failed, FunctionInvocation, Invocation
from cloud.lane import RESERVE_SECONDS
from cloud.outcome_notice import outcome_notice
from cloud.s3.keys import outcome_key, parse_s3_uri
from containers.cpu.settings import FunctionSettings
from containers.worker import json_logging
from containers.worker.invocation_params import typed_params
from containers.worker.json_logging import job_context
from containers.worker.plan_preparer import PlanPreparer, create_network_provider
from containers.worker.speech_synthesis import create_speaker
from containers.worker.storage import Storage
from containers.worker.unreadable_invocation import answer_unreadable
from containers.worker.worker import TEMPORARY_PREFIX, Worker
from darkroom.contract.engine import Engine
from darkroom.contract.errors import DarkroomError, ErrorCode
from darkroom.contract.kinds import VIDEO_KINDS, Kind
from pipeline.core.runner import Runner, noop_plan
from pipeline.core.stage_cache import StageCache
from pipeline.core.stages import Plan
from pipeline.plans import get_plan

logger = logging.getLogger(__name__)

SERVICE = "cpu"

Outcome = Completed | Failed | Abandoned


class InvocationProcessor:
    """Runs invocations, one at a time. ``worker_for`` returns the worker of a kind; ``publish`` sends a notice."""

    def __init__(
        self,
        settings: FunctionSettings,
        storage: Storage,
        worker_for: Callable[[Kind], Worker],
        reports: InstanceReports,
        publish: Callable[[str], object],
    ) -> None:
        self._settings = settings
        self._storage = storage
        self._worker_for = worker_for
        self._reports = reports
        self._publish = publish
        self._reported: dict[Kind, str] = {}

    def process(self, event: FunctionInvocation, remaining_seconds: float) -> None:
        """Run the invocation of an event and announce its outcome, within the function's ``remaining_seconds``.

        Raises errors of AWS's calls, and ``ValueError`` for an invocation that names no attempt.
        """
        if event.inference_id == WARM:
            return
        body = self._read(event)
        outcome = self._outcome(body, remaining_seconds)
        self._publish_output(event.inference_id, outcome)

    def _read(self, event: FunctionInvocation) -> bytes:
        """Return the invocation as JSON."""
        if event.input_location is None:
            return json.dumps(event.invocation).encode()
        _, key = parse_s3_uri(event.input_location)
        return self._storage.read_bytes(key)

    def _outcome(self, body: bytes, remaining_seconds: float) -> Outcome:
        try:
            invocation = Invocation.model_validate_json(body)
        except ValidationError as error:
            unreadable = answer_unreadable(body, error)
            if unreadable is None:
                raise ValueError("the event has no invocation that names an attempt") from error
            return unreadable
        try:
            params = typed_params(invocation)
            _check_engine(invocation)
        except DarkroomError as error:
            with job_context(invocation.job_id, invocation.attempt):
                logger.warning("refused: %s", error)
            return Failed(job_id=invocation.job_id, attempt=invocation.attempt, error=error.detail)
        bounded = _within(invocation, remaining_seconds - RESERVE_SECONDS)
        outcome = self._worker_for(invocation.kind).run(bounded, params)
        if isinstance(outcome, Completed):
            self._report_digest(invocation, outcome)
        return outcome

    def _publish_output(self, inference_id: str, outcome: Outcome) -> None:
        """Publish the outcome as the endpoint does. A large one is stored first, and the notice says where."""
        body = outcome.model_dump_json().encode()
        if len(body) <= MAX_INLINE_BYTES:
            self._publish(outcome_notice(inference_id, outcome=body))
            return
        key = outcome_key(inference_id)
        self._storage.put_bytes(key, body, content_type="application/json")
        self._publish(outcome_notice(inference_id, location=f"s3://{self._settings.bucket}/{key}"))

    def _report_digest(self, invocation: Invocation, outcome: Completed) -> None:
        """Write the engine's digest once in a process, by which the result cache knows current results.

        An error is only logged: the job has its result.
        """
        digest = outcome.engine_digest
        if digest is None or self._reported.get(invocation.kind) == digest:
            return
        try:
            self._reports.write_engine_digest(invocation.kind, outcome.result.engine, digest)
            self._reported[invocation.kind] = digest
        except (ClientError, BotoCoreError):
            logger.warning("the engine's digest could not be written", exc_info=True)


def _check_engine(invocation: Invocation) -> None:
    """Raise ``DarkroomError`` (``engine_unavailable``) for a job of another engine, which came here by mistake."""
    if invocation.engine is not Engine.PREVIEW:
        raise DarkroomError(
            ErrorCode.ENGINE_UNAVAILABLE, f"The {invocation.engine} engine is not on this machine.", retryable=True
        )


def _within(invocation: Invocation, seconds: float) -> Invocation:
    """Return an invocation that ends within ``seconds`` from now."""
    limit = max(min(seconds, invocation.time_limit_seconds or seconds), 0.0)
    deadline = min(invocation.deadline, datetime.now(UTC) + timedelta(seconds=limit))
    return invocation.model_copy(update={"deadline": deadline, "time_limit_seconds": limit or None})


def create_processor() -> InvocationProcessor:
    """Create the processor from the environment, without the libraries that only some kinds need."""
    settings = FunctionSettings.read()
    json_logging.configure(settings.log_level, service=SERVICE)
    if settings.private_tmp:
        remove_leftovers(Path(tempfile.gettempdir()))
    storage = Storage(settings.bucket, clients.s3())
    store = JobStore(settings.jobs_table)
    runner = Runner(cache=StageCache(settings.cache_mb * 2**20) if settings.cache_mb else None)

    @cache
    def worker(speaks: bool) -> Worker:
        # Speech synthesis imports what decodes sound, which pictures do without.
        speaker = create_speaker(settings) if speaks else None
        plan_preparer = PlanPreparer(
            _plan_finder(settings),
            partial(create_network_provider, settings),
            synthesiser=speaker.about if speaker else "",
        )
        return Worker(settings, store, storage, runner, plan_preparer, speaker)

    sns = clients.sns()
    return InvocationProcessor(
        settings,
        storage,
        lambda kind: worker(kind in VIDEO_KINDS),
        InstanceReports(Ledger(settings.ledger_table)),
        lambda message: sns.publish(TopicArn=settings.success_topic_arn, Message=message),
    )


def _plan_finder(settings: FunctionSettings) -> Callable[[Kind, Engine, bool], Plan]:
    if settings.stages == "noop":
        return lambda kind, engine, _allow_preview: noop_plan(kind, engine)
    return lambda kind, engine, _allow_preview: get_plan(kind, engine)


def remove_leftovers(folder: Path) -> None:
    """Remove the working folders of earlier runs: after a crash, Lambda starts anew with the same files."""
    for left in folder.glob(f"{TEMPORARY_PREFIX}*"):
        shutil.rmtree(left, ignore_errors=True)
