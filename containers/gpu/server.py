"""SageMaker's container contract over HTTP: ``GET /ping`` and ``POST /invocations``."""

import asyncio
import logging
from functools import partial
from secrets import compare_digest

import anyio
import anyio.to_thread
from pydantic import BaseModel, SecretStr, ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from cloud.invocation import Abandoned, Completed, Failed, Invocation
from containers.worker.invocation_params import typed_params
from containers.worker.json_logging import job_context
from containers.worker.unreadable_invocation import answer_unreadable, field_errors
from containers.worker.worker import Worker
from darkroom.contract.errors import DarkroomError, ErrorCode

logger = logging.getLogger(__name__)

Outcome = Completed | Failed | Abandoned

# Seconds that an interrupted job has to reach its next report.
INTERRUPT_SECONDS = 5.0


class InvocationRunner:
    """Runs invocations in worker threads. Concurrent duplicates run once; both callers get the same outcome."""

    def __init__(self, worker: Worker, concurrency: int) -> None:
        self._worker = worker
        self._concurrency = concurrency
        self._limiter: anyio.CapacityLimiter | None = None
        self._running: dict[tuple[str, int], asyncio.Task[Outcome]] = {}
        self.draining = False

    async def outcome(self, invocation: Invocation, params: BaseModel) -> Outcome:
        """Run the invocation and return its outcome. It goes on if the caller disconnects, until its deadline."""
        key = (invocation.job_id, invocation.attempt)
        task = self._running.get(key)
        if task is None:
            task = asyncio.create_task(self._run(invocation, params))
            self._running[key] = task
            task.add_done_callback(lambda _: self._running.pop(key, None))
        return await asyncio.shield(task)

    async def drain(self, seconds: float) -> None:
        """Accept no new invocations. Wait ``seconds`` for running ones, then fail the rest with a retryable error."""
        self.draining = True
        tasks = list(self._running.values())
        if tasks:
            _, unfinished = await asyncio.wait(tasks, timeout=seconds)
            if unfinished:
                self._worker.interrupt(
                    DarkroomError(ErrorCode.CONTAINER_FAILED, "The machine was shut down. Try again.", retryable=True)
                )
                await asyncio.wait(unfinished, timeout=INTERRUPT_SECONDS)

    async def _run(self, invocation: Invocation, params: BaseModel) -> Outcome:
        # Created here, as a limiter belongs to an event loop.
        self._limiter = self._limiter or anyio.CapacityLimiter(self._concurrency)
        return await anyio.to_thread.run_sync(partial(self._worker.run, invocation, params), limiter=self._limiter)


def make_app(invocations: InvocationRunner, token: SecretStr | None = None) -> Starlette:
    """Build the container's ASGI application. With a ``token``, invocations need it as bearer token."""
    expected = f"Bearer {token.get_secret_value()}".encode() if token is not None else b""

    async def ping(_request: Request) -> Response:
        return Response(status_code=503 if invocations.draining else 200)

    async def invoke(request: Request) -> Response:
        if expected and not compare_digest(request.headers.get("authorization", "").encode(), expected):
            return _problem(403, "The invocation does not show this container's token.", ErrorCode.FORBIDDEN)
        if invocations.draining:
            return _problem(503, "The machine is shutting down.", ErrorCode.CONTAINER_FAILED)
        body = await request.body()
        try:
            invocation = Invocation.model_validate_json(body)
        except ValidationError as error:
            unreadable = answer_unreadable(body, error)
            if unreadable is not None:
                return _outcome(unreadable)
            # SageMaker tells the functions the status of a problem, but not what it says.
            return _problem(400, "The body is not an invocation.", ErrorCode.INVALID_REQUEST, field_errors(error))
        try:
            params = typed_params(invocation)
        except DarkroomError as error:
            with job_context(invocation.job_id, invocation.attempt):
                logger.warning("refused: %s", error)
            return _outcome(Failed(job_id=invocation.job_id, attempt=invocation.attempt, error=error.detail))
        try:
            outcome = await invocations.outcome(invocation, params)
        except Exception:
            with job_context(invocation.job_id, invocation.attempt):
                logger.exception("invocation failed")
            return _problem(500, "The container could not do the job; its log says why.", ErrorCode.CONTAINER_FAILED)
        return _outcome(outcome)

    return Starlette(routes=[Route("/ping", ping), Route("/invocations", invoke, methods=["POST"])])


def _outcome(outcome: Outcome) -> Response:
    return Response(outcome.model_dump_json(), media_type="application/json")


def _problem(status: int, detail: str, code: ErrorCode, errors: list[dict[str, str]] | None = None) -> Response:
    titles = {400: "Bad Request", 403: "Forbidden", 500: "Internal Server Error", 503: "Service Unavailable"}
    body = {"type": "about:blank", "title": titles[status], "status": status, "detail": detail, "code": code.value}
    return JSONResponse(
        body | ({"errors": errors} if errors else {}), status_code=status, media_type="application/problem+json"
    )
