"""Log format: functions and container write the same fields, so that one query reads both."""

import io
import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest

from containers.worker.json_logging import FORMATTER, job_context, set_log_stage
from infra.local.log_lines import parse_lines
from pipeline.core.stages import Plan, StageContext
from tests.containers.conftest import JOB as INVOKED
from tests.containers.conftest import Container, invocation
from tests.containers.plans import plan_of

JOB = "0123456789abcdef" * 2
# What docs/operating.md says of every line.
KEYS = ["level", "location", "message", "timestamp", "service"]
FUNCTION = """
from cloud.observability import logger

def handler():
    try:
        raise KeyError("lost")
    except KeyError:
        logger.exception("failed", job_id=%r, kind="upscale")

handler()
"""
CONTAINER = """
import logging
from containers.worker import json_logging

def handler():
    try:
        raise KeyError("lost")
    except KeyError:
        logging.getLogger("worker").exception("failed", extra={"kind": "upscale"})

json_logging.configure("INFO")
with json_logging.job_context(%r, 1):
    handler()
"""


def written(script: str, **environment: str) -> dict[str, Any]:
    """What a process logs whose environment has nothing of Lambda but what is given."""
    command = [sys.executable, "-c", script % JOB]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    line: dict[str, Any] = json.loads(done.stdout + done.stderr)
    return line


@pytest.fixture(scope="module")
def lines() -> dict[str, dict[str, Any]]:
    """One line of each side, about an error of the same job."""
    return {"dispatch": written(FUNCTION, POWERTOOLS_SERVICE_NAME="dispatch"), "container": written(CONTAINER)}


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """What the container writes to its log."""
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(FORMATTER)
    logging.root.addHandler(handler)
    yield written
    logging.root.removeHandler(handler)


def fail(_context: StageContext) -> None:
    raise ZeroDivisionError


def formatted(**record: Any) -> dict[str, Any]:
    line: dict[str, Any] = json.loads(FORMATTER.format(logging.makeLogRecord(record)))
    return line


def test_functions_and_container_write_the_same_fields(lines: dict[str, dict[str, Any]]) -> None:
    function, container = lines["dispatch"], lines["container"]
    assert list(function)[: len(KEYS)] == list(container)[: len(KEYS)] == KEYS
    assert container.pop("attempt") == 1
    assert set(function) == set(container) == {*KEYS, "job_id", "kind", "exception", "exception_name", "stack_trace"}
    same = ("level", "message", "job_id", "kind", "exception_name")
    assert [function[name] for name in same] == [container[name] for name in same]


def test_a_line_says_who_wrote_it_and_when(lines: dict[str, dict[str, Any]]) -> None:
    for service, line in lines.items():
        assert line["service"] == service
        moment = datetime.fromisoformat(line["timestamp"])
        assert line["timestamp"] == moment.isoformat(timespec="milliseconds")
        assert str(moment.tzinfo) == "UTC"


def test_log_readers_show_both_alike(lines: dict[str, dict[str, Any]]) -> None:
    for source, line in lines.items():
        (event,) = parse_lines([json.dumps(line)], source, server=source, time=0)
        assert (event.time, event.level) == (datetime.fromisoformat(line["timestamp"]).timestamp(), "ERROR")
        first, *traceback = event.text.splitlines()
        message, *fields = first.split("  ")
        assert (message, set(fields) - {"attempt=1"}) == ("failed", {f"job_id={JOB}", "kind=upscale"})
        assert (traceback[0], traceback[-1]) == ("Traceback (most recent call last):", "KeyError: 'lost'")


@pytest.mark.parametrize("message", ['{"status": 200}', "007", "null", "[" * 100_000])
def test_a_message_that_looks_like_json_stays_text(message: str) -> None:
    assert formatted(msg=message)["message"] == message


def test_a_line_is_ascii_whatever_a_caller_writes() -> None:
    text = "\x1b[2J\u202e\u2028 zoë"
    line = FORMATTER.format(logging.makeLogRecord({"msg": "named %s", "args": (text,)}))
    assert line.isascii()
    assert line.isprintable()
    assert json.loads(line)["message"] == f"named {text}"


def test_a_line_leaves_out_what_asyncio_and_uvicorn_add() -> None:
    line = formatted(msg="started", color_message="\x1b[1mstarted", taskName="Task-1")
    assert not {"color_message", "taskName"} & set(line)


def test_lines_name_the_stage_from_its_start_and_no_job_after_its_end() -> None:
    def job() -> dict[str, Any]:
        line = formatted(msg="x")
        return {name: line[name] for name in ("job_id", "attempt", "stage") if name in line}

    set_log_stage("outside")
    assert job() == {}
    with job_context("job-1", 2):
        assert job() == {"job_id": "job-1", "attempt": 2}
        set_log_stage("load")
        with job_context("job-2", 1):
            assert job() == {"job_id": "job-2", "attempt": 1}
        assert job() == {"job_id": "job-1", "attempt": 2, "stage": "load"}
    assert job() == {}


async def test_a_failed_stage_is_logged_with_job_stage_and_traceback(container: Container, log: io.StringIO) -> None:
    await container(plan_of(fail)).post("/invocations", content=invocation().model_dump_json())
    (line,) = [line for line in map(json.loads, log.getvalue().splitlines()) if line["level"] == "ERROR"]
    assert (line["job_id"], line["attempt"], line["stage"]) == (INVOKED, 1, "develop")
    assert "ZeroDivisionError" in line["exception"]


@pytest.mark.parametrize(
    ("ours", "other", "plan"),
    [
        ('"deadline":', '"time":', plan_of()),
        ('"style":"modern"', '"style":"brutalist"', plan_of()),
        ('"job_id":', '"job_id":', RuntimeError("unexpected")),
    ],
    ids=["unreadable", "unknown to version", "unexpected error"],
)
async def test_an_attempt_that_never_starts_is_logged_with_its_job(
    container: Container, log: io.StringIO, ours: str, other: str, plan: Plan | Exception
) -> None:
    body = invocation().model_dump_json()
    assert ours in body
    await container(plan).post("/invocations", content=body.replace(ours, other))
    failures = [line for line in map(json.loads, log.getvalue().splitlines()) if line["level"] in ("WARNING", "ERROR")]
    assert [(line["job_id"], line["attempt"]) for line in failures] == [(INVOKED, 1)]
