"""``python -m bench.control_plane``: count what a job of each kind uses of AWS, for ``python -m infra.costs``.

Jobs run one by one on a local stack of the preview engine, whose emulator logs each call. Uploads are new, results are
downloaded, nothing comes from the cache. Kinds without a demo have no preview: they are not counted.
"""

import argparse
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest import mock

from bench.control_plane import CALL_LOG, CALL_LOG_MODULE
from bench.control_plane.request_units import read_units, write_units
from bench.load_client import LoadTarget
from darkroom.client.client import Client
from darkroom.client.sources import Source
from darkroom.contract.kinds import KINDS, Kind
from infra.commands.demo_samples import reduced, sample
from infra.costs.job_counts import COMMAND, JobCounts, MeasuredCounts
from infra.local import emulator
from infra.local.stack import LocalStack

JOBS = 1
CONTEXT = {"rate_limits": {"default": "1000000/60"}, "owner_daily_usd": 0}
_QUIET_SECONDS = 3.0
_FRAME_BYTES = 32_768  # a longer message is billed as several
_PLATFORM = ("START ", "END ", "REPORT ", "INIT_START ")
# Lambda's own lines of a run, as JSON, and a line of an API's access log: the emulator writes other ones. Assumed.
_PLATFORM_BYTES = 700
_ACCESS_LOG_BYTES = 300


def main() -> int:
    """Measure, and write the file of the counts."""
    parser = argparse.ArgumentParser(prog=COMMAND, description="Count what a job of each kind uses of AWS.")
    parser.add_argument("--jobs", type=int, default=JOBS, help="jobs of each kind")
    parser.add_argument("--port", type=int)
    jobs, port = (parsed := parser.parse_args()).jobs, parsed.port
    kinds = {}
    with (
        mock.patch.object(emulator, "MODULE", CALL_LOG_MODULE),
        tempfile.TemporaryDirectory() as folder,
        LocalStack(Path(folder), port, context=CONTEXT, keep=False) as stack,
        Client(stack.endpoint, stack.token_for("bench"), socket_url=stack.socket) as client,
    ):
        counted = [kind for kind, definition in KINDS.items() if definition.demo]
        _count(stack, client, counted[0])  # the first job of a stack opens what later ones find
        for kind in counted:
            counts = [_count(stack, client, kind) for _ in range(jobs)]
            means = {
                name: round(sum(getattr(each, name) for each in counts) / jobs, 2) for name in JobCounts.model_fields
            }
            kinds[kind] = JobCounts(**means)
            print(kind, json.dumps(means))
    MeasuredCounts(date=f"{datetime.now(UTC):%Y-%m-%d}", jobs=jobs, kinds=kinds).write()
    return 0


def _count(stack: LocalStack, client: Client, kind: Kind) -> JobCounts:
    """Run a job and return what it has used."""
    log = stack.folder / CALL_LOG
    _wait_until_quiet(log)
    offset, container_log = log.stat().st_size, _container_bytes(stack)
    since, start = round(time.time() * 1000), time.monotonic()
    job_id = _run(client, kind, stack.folder)
    minutes = (time.monotonic() - start) / 60
    stack.wait_idle()
    _wait_until_quiet(log)
    with log.open() as file:
        file.seek(offset)
        calls = [json.loads(line) for line in file]
    used = Counter((call["service"], call["operation"]) for call in calls)
    runs, logged = _runs(stack, since)
    http, frames = _total(used, "http"), used["socket", "message"]
    sent = sum(-(-call["bytes"] // _FRAME_BYTES) for call in calls if call["operation"] == "send POST")
    uploads = sum(call["service"] == "S3" and _is_upload(call) for call in calls)
    # A message is sent, received and deleted. S3 sends one for each upload.
    messages = used["AmazonSQS", "SendMessage"] + uploads
    return JobCounts(
        http_requests=http,
        socket_messages=frames + sent,
        socket_minutes=minutes,
        function_runs=runs,
        sqs_requests=3 * messages,
        sns_publishes=1,  # SageMaker's notice of the outcome
        events=used["AWSEvents", "PutEvents"],
        s3_writes=sum(used["S3", method] for method in ("PUT", "POST", "LIST")),
        s3_reads=sum(used["S3", method] for method in ("GET", "HEAD")),
        dynamodb_reads=read_units(calls),
        dynamodb_writes=write_units(
            calls,
            _history(stack, job_id),
            jobs_table=stack.state.tables.jobs,
            sockets_table=stack.state.tables.sockets,
        ),
        log_bytes=logged
        + runs * _PLATFORM_BYTES
        + (http + frames + used["socket", "connect"]) * _ACCESS_LOG_BYTES
        + _container_bytes(stack)
        - container_log,
    )


def _run(client: Client, kind: Kind, folder: Path) -> str:
    demo = KINDS[kind].demo
    assert demo is not None
    with ExitStack() as samples:
        files: dict[str, Source] = {
            role: samples.enter_context(sample(name)) if isinstance(name, str) else name
            for role, name in demo.files.items()
        }
        if demo.reduce:
            files = {role: reduced(path, folder) for role, path in files.items() if isinstance(path, Path)}
        job = client.run(kind, files, cache=False, **demo.params)
        client.download_all(job, folder / "results")
    return job.job_id


def _is_upload(call: dict[str, Any]) -> bool:
    """Return True for a call that S3 tells the queue of: a form of a caller, and a cleaned picture."""
    return call["operation"] == "POST" or (call["operation"] == "PUT" and "/uploads/" in call["path"])


def _total(used: Counter[tuple[str, str]], service: str) -> int:
    return sum(count for (name, _), count in used.items() if name == service)


def _runs(stack: LocalStack, since: int) -> tuple[int, int]:
    """Return runs of all functions but the scheduled one since then, and the bytes of their own log lines."""
    runs = size = 0
    for name, physical in stack.state.functions.items():
        if name == "sweep":
            continue
        configuration = stack.client("lambda").get_function_configuration(FunctionName=physical)
        group = configuration.get("LoggingConfig", {}).get("LogGroup") or f"/aws/lambda/{physical}"
        pages = stack.client("logs").get_paginator("filter_log_events").paginate(logGroupName=group, startTime=since)
        for line in (event["message"] for page in pages for event in page["events"]):
            runs += line.startswith("START ")
            size += 0 if line.startswith(_PLATFORM) else len(line)
    return runs, size


def _history(stack: LocalStack, job_id: str) -> Iterator[dict[str, Any]]:
    """Yield the job's row after each of its changes."""
    target = LoadTarget(stack.endpoint, stack.socket, stack.jobs_table, stack.client, [])
    for images in target.changes("TRIM_HORIZON"):
        if not images:
            return
        yield from (image for image in images if image["job_id"]["S"] == job_id)


def _container_bytes(stack: LocalStack) -> int:
    return sum(path.stat().st_size for path in stack.folder.glob("endpoint*.log"))


def _wait_until_quiet(log: Path) -> None:
    """Return when nothing but the scheduled sweep has called AWS for a while."""
    size, since = -1, time.monotonic()
    while time.monotonic() - since < _QUIET_SECONDS:
        if log.exists() and (now := log.stat().st_size) != size:
            size, since = now, time.monotonic()
        time.sleep(0.1)


if __name__ == "__main__":
    sys.exit(main())
