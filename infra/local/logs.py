"""Logs of a local stack: the functions' from the emulator's CloudWatch Logs, and the container's from the file.

The emulator keeps a function's output while it runs, and from a clean stop to the next start. Of a stopped stack, the
files of emulator and endpoint are there.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from infra.local import emulator, stand_in
from infra.local.log_lines import LogLine, parse_lines

CONTAINER, ENDPOINT, EMULATOR = "container", "endpoint", "emulator"
# An invocation's lines are stored when it ends. Two that end at once may be stored in either order.
_LATE_MILLISECONDS = 5000
_EVENTS_A_CALL = 10_000  # the limit of FilterLogEvents; the emulator has no pages
_HEADROOM_BYTES = 32 * 2**20


class FunctionLog:
    """Reader of one function's log group. Each invocation has a stream of its own, written at its end."""

    def __init__(self, logs: Any, name: str, group: str, since: float) -> None:
        self._logs = logs
        self._name = name
        self._group = group
        self._since = int(since * 1000)
        self._shown: Counter[str] = Counter()

    def read(self) -> Iterator[LogLine]:
        """Yield the lines that came since the last call."""
        streams: dict[str, tuple[float, list[str]]] = {}
        for event in self._events():
            stream = event["logStreamName"]
            streams.setdefault(stream, (event["timestamp"] / 1000, []))[1].append(event["message"])
        for stream, (ended, lines) in streams.items():
            new, self._shown[stream] = lines[self._shown[stream] :], max(len(lines), self._shown[stream])
            yield from parse_lines(new, self._name, server=self._name, time=ended)

    def _events(self) -> list[dict[str, Any]]:
        """Return the events of streams that are new, or that may have been seen in part."""
        found: list[dict[str, Any]] = []
        start = max(0, self._since - _LATE_MILLISECONDS)
        while True:
            try:
                events = self._logs.filter_log_events(logGroupName=self._group, startTime=start)["events"]
            except ClientError as error:
                if error.response["Error"]["Code"] == "ResourceNotFoundException":
                    return found  # it was never invoked
                raise
            if events:
                self._since = max(self._since, events[-1]["timestamp"])
            if len(events) < _EVENTS_A_CALL or events[-1]["timestamp"] == start:
                return [*found, *events]
            start = events[-1]["timestamp"]
            found += [event for event in events if event["timestamp"] < start]


class FileLog:
    """Reader of a log file that grows: JSON lines are of ``source``, others of ``server``."""

    def __init__(self, path: Path, source: str, server: str) -> None:
        self._path = path
        self._source = source
        self._server = server
        self._position: int | None = None
        self._rest = b""
        self._time = 0.0

    def read(self) -> Iterator[LogLine]:
        """Yield the lines that came since the last call; of a large file, the last ones."""
        try:
            with self._path.open("rb") as file:
                size = file.seek(0, 2)
                if self._position is None:
                    self._position = max(0, size - _HEADROOM_BYTES)
                if size < self._position:  # it was begun anew
                    self._position, self._rest = 0, b""
                file.seek(self._position)
                data = self._rest + file.read()
                self._position = file.tell()
        except FileNotFoundError:
            return
        whole, newline, self._rest = data.rpartition(b"\n")
        if not newline:
            return
        lines = whole.decode("utf-8", "replace").split("\n")
        for line in parse_lines(lines, self._source, server=self._server, time=self._time):
            self._time = line.time
            yield line


class StackLogs:
    """The logs of one stack, read together."""

    def __init__(self, logs: list[FunctionLog | FileLog], since: float) -> None:
        self._logs = logs
        self._since = since

    def read(self) -> list[LogLine]:
        """Return the lines that came since the last call, in order of time."""
        lines = [line for log in self._logs for line in log.read() if line.time >= self._since]
        return sorted(lines, key=lambda line: line.time)


def running_logs(folder: Path, client: Callable[[str], Any], functions: Mapping[str, str], since: float) -> StackLogs:
    """Return the logs of a running stack; ``client`` makes clients by the service's name.

    Raises botocore's errors when the emulator does not answer, as reading does.
    """
    groups = {name: _log_group(client("lambda"), physical) for name, physical in functions.items()}
    logs: list[FunctionLog | FileLog] = [
        FunctionLog(client("logs"), name, group, since) for name, group in groups.items()
    ]
    return StackLogs([*logs, FileLog(folder / stand_in.LOG, CONTAINER, ENDPOINT)], since)


def stopped_logs(folder: Path, since: float) -> StackLogs:
    """Return the logs of a stopped stack: the files of its endpoint, with the container's lines, and its emulator."""
    return StackLogs(
        [
            FileLog(folder / stand_in.LOG, CONTAINER, ENDPOINT),
            FileLog(folder / emulator.LOG, EMULATOR, EMULATOR),
        ],
        since,
    )


def follow(logs: StackLogs, seconds: float = 0.5) -> Iterator[LogLine]:
    """Yield lines as they come, without an end. The emulator tells nobody of new ones, so it is asked."""
    while True:
        yield from logs.read()
        time.sleep(seconds)


def _log_group(client: Any, physical: str) -> str:
    configuration = client.get_function_configuration(FunctionName=physical)
    group: str = configuration.get("LoggingConfig", {}).get("LogGroup") or f"/aws/lambda/{physical}"
    return group
