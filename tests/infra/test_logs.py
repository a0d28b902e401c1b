"""Logs of a local stack: what functions, container and servers write, in order of time."""

import json
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from infra.local import logs
from infra.local.log_lines import parse_lines
from infra.local.logs import FileLog, FunctionLog, StackLogs, stopped_logs

JOB = "0123456789abcdef" * 2


def function_line(second: int, message: str, level: str = "INFO", **more: Any) -> str:
    """A line as a function of version 0.2 writes it. Those of today are in tests/containers/test_log_format.py."""
    fields = {
        "level": level,
        "location": "handler:31",
        "message": message,
        "timestamp": f"2026-11-30 12:00:{second:02d},250+0000",
        "service": "darkroom",
        "function_name": "darkroom-local-Api",
    }
    return json.dumps(fields | more)


def container_line(second: int, message: str, **more: Any) -> str:
    """A line as a container of version 0.2 writes it."""
    moment = f"2026-11-30T12:00:{second:02d}.500+00:00"
    return json.dumps({"time": moment, "level": "INFO", "logger": "containers.worker", "message": message, **more})


class FakeLogs:
    """CloudWatch Logs of one group, as the emulator keeps them: a stream for each invocation."""

    def __init__(self, limit: int = 10_000) -> None:
        self.events: list[dict[str, Any]] = []
        self.limit = limit
        self.calls = 0

    def invoked(self, stream: str, ended: int, *lines: str) -> None:
        around = (
            "START RequestId: 1 Version: $LATEST",
            *lines,
            "END RequestId: 1",
            "REPORT RequestId: 1\tDuration: 3 ms",
        )
        self.events += [{"logStreamName": stream, "timestamp": ended, "message": line} for line in around]

    def filter_log_events(self, logGroupName: str, startTime: int) -> dict[str, Any]:  # noqa: N803 - boto3's names
        self.calls += 1
        if logGroupName != "group":
            error: Any = {"Error": {"Code": "ResourceNotFoundException", "Message": "none"}}
            raise ClientError(error, "FilterLogEvents")
        found = [event for event in self.events if event["timestamp"] >= startTime]
        return {"events": sorted(found, key=lambda event: event["timestamp"])[: self.limit]}


def texts(found: Any) -> list[str]:
    return [line.text for line in found]


def test_an_event_has_its_time_who_wrote_it_and_what_it_is_about() -> None:
    line = function_line(7, "answered", method="GET", path="/jobs", status=200, job_id=JOB, counts={"expired": 1})
    (event,) = parse_lines([line], "api", server="api", time=0)
    assert (event.source, event.level) == ("api", "INFO")
    assert event.time == pytest.approx(1796040007.25)
    assert event.text == f'answered  method=GET  path=/jobs  status=200  job_id={JOB}  counts={{"expired": 1}}'


def test_the_traceback_of_an_unexpected_error_is_shown() -> None:
    trace = 'Traceback (most recent call last):\n  File "api.py", line 1\nKeyError: 3'
    line = function_line(7, "unexpected error", "ERROR", exception=trace, exception_name="KeyError")
    (event,) = parse_lines([line], "api", server="api", time=0)
    assert (event.level, event.text) == ("ERROR", f"unexpected error\n{trace}")


def test_the_traceback_of_an_error_that_nothing_caught_is_an_error_of_the_job_before() -> None:
    lines = [
        function_line(7, "queued", job_id=JOB),
        "Traceback (most recent call last):",
        '  File "dispatch.py", line 1',
        "KeyError: 3",
        "REPORT RequestId: 1\tDuration: 3 ms",
        function_line(8, "other"),
    ]
    first, error, last = parse_lines(lines, "dispatch", server="dispatch", time=0)
    assert (first.text, last.text) == (f"queued  job_id={JOB}", "other")
    assert (error.level, error.text.splitlines()[-1], error.time) == ("ERROR", "KeyError: 3", first.time)
    assert JOB in error.raw


def test_lines_of_metrics_and_of_the_platform_are_left_out() -> None:
    lines = [
        '{"_aws":{"Timestamp":1}}',
        "START RequestId: 1 Version: $LATEST",
        "END RequestId: 1",
        "INIT_START Runtime Version: x",
    ]
    assert list(parse_lines(lines, "api", server="api", time=0)) == []


def test_a_line_that_is_nothing_known_is_shown_as_it_is() -> None:
    lines = ['{"message": "no time"}', "[1, 2", "{not json"]
    (event,) = parse_lines(lines, "api", server="api", time=5.0)
    assert (event.time, event.level, event.text) == (5.0, None, "\n".join(lines))


@pytest.mark.parametrize(
    "line",
    [
        "2026-99-99 99:99:99,000 INFO impossible",
        '{"time": "0001-01-01T00:00:00", "message": "too early"}',
        '{"time": "2026-11-30T12:00:00+00:00", "message": ' + "[" * 100_000 + "]" * 100_000 + "}",
    ],
    ids=["date", "year", "depth"],
)
def test_a_line_that_only_looks_like_a_known_one_is_shown_as_it_is(line: str) -> None:
    """What a job names may stand in a log. It must not hide the other lines."""
    before, after = parse_lines(
        [container_line(1, "before"), line, container_line(2, "after")], "container", server="endpoint", time=0
    )
    assert before.text == f"before\n{line}"
    assert after.text == "after"


def test_each_line_of_a_function_is_read_once() -> None:
    client = FakeLogs()
    log = FunctionLog(client, "api", "group", 0)
    assert list(log.read()) == []
    client.invoked("one", 10_000, function_line(1, "a"), function_line(1, "a"))
    client.invoked("two", 10_000, function_line(2, "b"))
    assert texts(log.read()) == ["a", "a", "b"]
    client.invoked("late", 9_000, function_line(0, "late"))
    assert texts(log.read()) == ["late"]
    assert list(log.read()) == []


def test_more_lines_than_a_call_returns_are_all_read() -> None:
    client = FakeLogs(limit=10)
    for number in range(12):
        client.invoked(f"{number}", 1000 * number, function_line(number, f"{number}"), function_line(number, "again"))
    log = FunctionLog(client, "api", "group", 0)
    log_limit = logs._EVENTS_A_CALL
    try:
        logs._EVENTS_A_CALL = 10
        assert len(texts(log.read())) == 24
        assert texts(log.read()) == []
    finally:
        logs._EVENTS_A_CALL = log_limit


def test_a_function_that_was_never_invoked_has_no_lines() -> None:
    assert list(FunctionLog(FakeLogs(), "sweep", "other group", 0).read()) == []


def test_a_file_is_read_as_it_grows_and_only_by_whole_lines(tmp_path: Path) -> None:
    path = tmp_path / "endpoint.log"
    log = FileLog(path, "container", "endpoint")
    assert list(log.read()) == []
    path.write_text("2026-11-30 12:17:11,799 INFO uvicorn.error Started\n" + container_line(1, "running"))
    (first,) = log.read()
    assert (first.source, first.level, first.text) == ("endpoint", "INFO", "uvicorn.error Started")
    with path.open("a") as file:
        file.write("\n")
    (second,) = log.read()
    assert (second.source, second.text) == ("container", "running")
    path.write_text(container_line(2, "anew") + "\n")
    assert texts(log.read()) == ["anew"]


def test_lines_of_all_are_in_order_of_time(tmp_path: Path) -> None:
    client = FakeLogs()
    client.invoked("one", 1_796_040_005_000, function_line(5, "third"), function_line(1, "first"))
    path = tmp_path / "endpoint.log"
    path.write_text(container_line(2, "second") + "\n")
    found = StackLogs([FunctionLog(client, "api", "group", 0), FileLog(path, "container", "endpoint")], 0)
    assert texts(found.read()) == ["first", "second", "third"]


def test_lines_before_the_time_asked_for_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "endpoint.log"
    path.write_text("".join(f"{container_line(second, str(second))}\n" for second in (1, 2, 3)))
    assert texts(StackLogs([FileLog(path, "container", "endpoint")], 1_796_040_002.0).read()) == ["2", "3"]


def test_of_a_stopped_stack_the_files_are_read(tmp_path: Path) -> None:
    (tmp_path / "endpoint.log").write_text(container_line(1, "running") + "\n")
    (tmp_path / "emulator.log").write_text("2026-11-30 12:00:30 INFO [lambda] Lambda api output:\nKeyError: 3\n")
    assert [line.source for line in stopped_logs(tmp_path, 0).read()] == ["container", "emulator"]
