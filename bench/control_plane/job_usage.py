"""Usage meter: measures what one job uses of AWS, from the call log, the functions' logs and the table's stream."""

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from bench.control_plane import CALL_LOG
from bench.control_plane.request_units import kilobytes, read_units, write_units
from bench.load_client import LoadTarget
from cloud.instance_reports import INSTANCES
from infra.costs.job_counts import JobCounts
from infra.local.access.keys import function_key
from infra.local.stack import LocalStack
from infra.local.state import RootKey

Call = dict[str, Any]
Image = dict[str, Any]

CONTAINER = "container"  # the name of its session, too
SAGEMAKER = "SageMaker"
CLIENT = "client"
SCHEDULED = ("sweep", "guard")  # functions that run without a job
_QUIET_SECONDS = 3.0
_FRAME_BYTES = 32_768  # a longer message is billed as several
_PLATFORM = ("START ", "END ", "REPORT ", "INIT_START ")
# Lambda's own lines of a run, as JSON, and a line of an API's access log: the emulator writes other ones. Assumed.
_PLATFORM_BYTES = 700
_ACCESS_LOG_BYTES = 300


@dataclass(frozen=True)
class JobUsage:
    """Usage of one job. ``runs`` are by function, ``log_bytes`` those that functions and container wrote.

    ``history`` has the job's row after each change. Calls and runs of scheduled functions are left out.
    """

    calls: list[Call]
    runs: Counter[str]
    log_bytes: int
    socket_minutes: float
    history: list[Image]
    jobs_table: str

    @cached_property
    def by_caller(self) -> Counter[tuple[str, str, str]]:
        """Calls of functions, container and SageMaker by caller, service and operation."""
        return Counter(
            (call["caller"], call["service"], call["operation"]) for call in self.calls if call["caller"] != CLIENT
        )

    @property
    def aws_calls(self) -> int:
        """Number of calls that functions and container made; SageMaker's own are left out."""
        return sum(count for (caller, *_), count in self.by_caller.items() if caller != SAGEMAKER)

    def calls_of(self, caller: str) -> int:
        """Return the number of calls that one caller made."""
        return sum(count for (each, *_), count in self.by_caller.items() if each == caller)

    @property
    def http_requests(self) -> int:
        """Number of the client's requests to the HTTP API."""
        return self._total("http")

    @property
    def frames(self) -> list[int]:
        """Bytes of each WebSocket message to the client and from it."""
        return [
            call["bytes"]
            for call in self.calls
            if call["service"] == "socket" and call["operation"] in ("message", "send POST")
        ]

    @property
    def s3_requests(self) -> Counter[str]:
        """S3 requests of all callers by method."""
        return Counter(call["operation"] for call in self.calls if call["service"] == "S3")

    @property
    def row_sizes(self) -> Counter[int]:
        """Versions of the job's row by their started kilobytes."""
        return Counter(map(kilobytes, self.history))

    @property
    def counts(self) -> JobCounts:
        """What AWS charges for."""
        used = Counter((call["service"], call["operation"]) for call in self.calls)
        runs = self.runs.total()
        frames = used["socket", "message"]
        sent = sum(-(-call["bytes"] // _FRAME_BYTES) for call in self.calls if call["operation"] == "send POST")
        uploads = sum(call["service"] == "S3" and _is_upload(call) for call in self.calls)
        # A message is sent, received and deleted. S3 sends one for each upload.
        messages = used["AmazonSQS", "SendMessage"] + uploads
        access_lines = self.http_requests + frames + used["socket", "connect"]
        return JobCounts(
            http_requests=self.http_requests,
            socket_messages=frames + sent,
            socket_minutes=self.socket_minutes,
            function_runs=runs,
            sqs_requests=3 * messages,
            sns_publishes=1,  # SageMaker's notice of the outcome
            events=used["AWSEvents", "PutEvents"],
            s3_writes=sum(self.s3_requests[method] for method in ("PUT", "POST", "LIST")),
            s3_reads=sum(self.s3_requests[method] for method in ("GET", "HEAD")),
            dynamodb_reads=read_units(self.calls),
            dynamodb_writes=write_units(self.calls, self.history, jobs_table=self.jobs_table),
            log_bytes=self.log_bytes + runs * _PLATFORM_BYTES + access_lines * _ACCESS_LOG_BYTES,
        )

    def _total(self, service: str) -> int:
        return sum(call["service"] == service for call in self.calls)


class UsageMeter:
    """Meter of the jobs of a stack that was started with the modules of ``bench.control_plane``."""

    def __init__(self, stack: LocalStack) -> None:
        self._stack = stack
        self._log = stack.folder / CALL_LOG
        self._functions = dict(_functions(stack))
        self._callers = dict(_callers(stack))

    def measure(self, target: LoadTarget, run: Callable[[], str], *, runs_per_connection: int = 0) -> JobUsage:
        """Run one job to its end, and return what it has used of ``target``; ``run`` returns its id.

        ``runs_per_connection`` is how often a connection runs the WebSocket's function, besides its messages.
        """
        self._log.touch()
        self._wait_until_quiet()
        offset, written = self._log.stat().st_size, self._container_bytes()
        since, start = round(time.time() * 1000), time.monotonic()
        job_id = run()
        minutes = (time.monotonic() - start) / 60
        self._stack.wait_idle()
        self._wait_until_quiet()
        calls = self._calls(offset)
        runs, logged = self._runs(since)
        # MiniStack logs no run of a WebSocket's function.
        used = Counter(call["operation"] for call in calls if call["service"] == "socket" and call["caller"] == CLIENT)
        runs["socket"] = runs_per_connection * used["connect"] + used["message"]
        return JobUsage(
            calls=calls,
            runs=+runs,
            log_bytes=logged + self._container_bytes() - written,
            socket_minutes=minutes if any(call["service"] == "socket" for call in calls) else 0,
            history=list(_history(target, job_id)),
            jobs_table=target.table,
        )

    def pause(self) -> None:
        """Stop logging until the next ``measure``."""
        self._log.unlink(missing_ok=True)

    def _calls(self, offset: int) -> list[Call]:
        """Return the calls that were logged from ``offset`` on, each with its caller; without the scheduled ones."""
        with self._log.open() as file:
            file.seek(offset)
            calls = [json.loads(line) for line in file]
        for call in calls:
            key = call.get("key")
            # The containers' keys are of sessions that the stand-in renews.
            call["caller"] = self._callers.get(key, CONTAINER) if key else CLIENT
        return [call for call in calls if call["caller"] not in SCHEDULED and not _is_report(call)]

    def _runs(self, since: int) -> tuple[Counter[str], int]:
        """Return runs of all functions but the scheduled ones since then, and the bytes of their own log lines."""
        runs: Counter[str] = Counter()
        size = 0
        logs = self._stack.client("logs")
        for physical, name in self._functions.items():
            if name in SCHEDULED:
                continue
            configuration = self._stack.client("lambda").get_function_configuration(FunctionName=physical)
            group = configuration.get("LoggingConfig", {}).get("LogGroup") or f"/aws/lambda/{physical}"
            try:
                pages = logs.get_paginator("filter_log_events").paginate(logGroupName=group, startTime=since)
                lines = [event["message"] for page in pages for event in page["events"]]
            except logs.exceptions.ResourceNotFoundException:  # it has never run
                continue
            runs[name] += sum(line.startswith("START ") for line in lines)
            size += sum(len(line) for line in lines if not line.startswith(_PLATFORM))
        return runs, size

    def _container_bytes(self) -> int:
        return sum(path.stat().st_size for path in self._stack.folder.glob("endpoint*.log"))

    def _wait_until_quiet(self) -> None:
        """Return when nothing but the scheduled sweep has called AWS for a while."""
        size, since = -1, time.monotonic()
        while time.monotonic() - since < _QUIET_SECONDS:
            if (now := self._log.stat().st_size) != size:
                size, since = now, time.monotonic()
            time.sleep(0.1)


def _functions(stack: LocalStack) -> Iterator[tuple[str, str]]:
    """Yield the physical name of each function, and the name of its entry."""
    for function in _configurations(stack):
        yield function["FunctionName"], _entry(function)


def _callers(stack: LocalStack) -> Iterator[tuple[str, str]]:
    """Yield the access key of each function, and the name of its entry; and the stand-in's key."""
    root = RootKey.of(stack.folder)
    yield root.access_key_id, SAGEMAKER
    for function in _configurations(stack):
        key = function_key(root.secret_access_key, function["FunctionArn"], function["Role"])
        yield key.access_key_id, _entry(function)


def _configurations(stack: LocalStack) -> Iterator[dict[str, Any]]:
    for page in stack.client("lambda").get_paginator("list_functions").paginate():
        yield from page["Functions"]


def _entry(function: dict[str, Any]) -> str:
    """Return the name of a function's entry.

    >>> _entry({"Handler": "handlers.api.handler"}), _entry({"Handler": "minimal.api"})
    ('api', 'api')
    """
    module, _, name = function["Handler"].rpartition(".")
    return str(module.rpartition(".")[2] if name == "handler" else name)


def _is_report(call: Call) -> bool:
    """Return True for an instance's report, which it writes by the clock."""
    return call["operation"] == "PutItem" and {"S": INSTANCES} in call["content"]["Item"].values()


def _history(target: LoadTarget, job_id: str) -> Iterator[Image]:
    """Yield the job's row after each of its changes."""
    for images in target.changes("TRIM_HORIZON"):
        if not images:
            return
        yield from (image for image in images if image["job_id"]["S"] == job_id)


def _is_upload(call: Call) -> bool:
    """Return True for a call that S3 tells the queue of: a form of a caller, and a cleaned picture."""
    return call["operation"] == "POST" or (call["operation"] == "PUT" and "/uploads/" in call["path"])
