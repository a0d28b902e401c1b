"""Log lines of a local stack: parsing of what functions, container and servers write, as one form.

Functions and container write a JSON object a line; the servers write time, level and text. Anything else, such as the
traceback of an error that nothing caught, belongs to the line before.
"""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

# What every line of a function or container has, and what says nothing of the event. A container of version 0.1 or 0.2
# writes `time` and `logger`, where later ones have `timestamp` and `location`.
_BOILERPLATE = frozenset(
    {
        *("level", "message", "timestamp", "time", "logger", "location", "service", "cold_start", "xray_trace_id"),
        *("function_name", "function_memory_size", "function_arn", "function_request_id"),
        *("exception", "exception_name", "exception_notes", "stack_trace"),
    }
)
_PLATFORM = re.compile(r"(INIT_START|START|END|REPORT)\b.* ?(RequestId|Runtime Version): ?")
_SERVER = re.compile(
    r"\[?(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:[,.]\d+)?)(?: [+-]\d{4})?\]? (?:\[\d+\] )?\[?([A-Z]+)\]? (.*)"
)


@dataclass(frozen=True)
class LogLine:
    """One event of a log: its time (epoch seconds), who wrote it, its level if it has one, and its text.

    The text may have several lines, as a traceback has. ``raw`` is what was written.
    """

    time: float
    source: str
    level: str | None
    text: str
    raw: str

    def followed_by(self, line: str) -> "LogLine":
        """Return the event with another line of its text."""
        return replace(self, text=f"{self.text}\n{line}", raw=f"{self.raw}\n{line}")


def parse_lines(lines: Iterable[str], source: str, *, server: str, time: float) -> Iterator[LogLine]:
    """Yield the events of a log's lines, without the platform's own and without metrics.

    JSON lines are of ``source``, others of ``server``. ``time`` is that of lines which have none, as none comes before.
    """
    event: LogLine | None = None
    for line in lines:
        if _PLATFORM.match(line) or line.startswith('{"_aws"'):
            continue
        start = _json_line(line, source) or _server_line(line, server)
        if start is None and event is not None:
            if not line.startswith("Traceback "):
                event = event.followed_by(line)
                continue
            # Nothing caught the error. Its ``raw`` has the line before, which may name the job.
            start = LogLine(event.time, event.source, "ERROR", line, f"{event.raw}\n{line}")
        if event is not None:
            yield event
        event = start or (_plain_line(line, server, time) if line.strip() else None)
    if event is not None:
        yield event


def _json_line(line: str, source: str) -> LogLine | None:
    if not line.startswith("{"):
        return None
    try:
        fields: dict[str, Any] = json.loads(line)
        time = datetime.fromisoformat(str(fields.get("timestamp") or fields["time"])).timestamp()
    except (ValueError, KeyError, OverflowError, RecursionError):
        return None
    details = [f"{name}={_value(value)}" for name, value in fields.items() if name not in _BOILERPLATE]
    text = "  ".join([str(fields.get("message", "")), *details])
    if fields.get("exception"):
        text = f"{text}\n{fields['exception']}"
    level = fields.get("level")
    return LogLine(time, source, level if isinstance(level, str) else None, text, line)


def _value(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _plain_line(line: str, server: str, time: float) -> LogLine:
    return LogLine(time, server, "ERROR" if line.startswith("Traceback ") else None, line, line)


def _server_line(line: str, server: str) -> LogLine | None:
    match = _SERVER.match(line)
    if match is None:
        return None
    try:
        time = datetime.fromisoformat(match[1]).timestamp()
    except (ValueError, OverflowError):  # it only looks like a time
        return None
    return LogLine(time, server, match[2], match[3], line)
