"""State folder of a really started local stack, without its random or secret parts."""

import json
import re
from pathlib import Path
from typing import Any

from tests.recorded import today
from tests.recorded.files import Files

PORT, ENDPOINT_PORT = 4566, 4567
PASSWORD = "not-a-password"
PROCESS = {"pid": 4242, "created": 1767323045.0}
STACK, PROCESSES = "stack.json", "processes.json"
_NAME = re.compile(r"-(?:[0-9A-F]{13}|[0-9a-f]{13})$")
_API = re.compile(r"/execute-api/[0-9a-f]{8}/")
_POOL = re.compile(r"us-east-1_[0-9A-Za-z]{9}")


def record(folder: Path) -> Files:
    """The files of a stack while it runs and after it stopped, by the name of their file."""
    with today.LocalStack(folder, context={"stages": "noop"}, keep=False):
        stack, running = _read(folder, STACK), _read(folder, PROCESSES)
    ports = {running["port"]: PORT, running["endpoint_port"]: ENDPOINT_PORT}
    return {
        "local/running/stack": scrubbed(stack, ports),
        "local/running/processes": scrubbed(running, ports),
        "local/stopped/processes": scrubbed(_read(folder, PROCESSES), ports),
    }


def scrubbed(value: Any, ports: dict[int, int], name: str = "") -> Any:
    """A value with the same ids, ports and password each time."""
    match value:
        case {"pid": int(), "created": float()}:
            return PROCESS
        case dict():
            return {key: scrubbed(member, ports, key) for key, member in value.items()}
        case int():
            return ports.get(value, value)
        case str() if name == "password":
            return PASSWORD
        case str() if name in ("client_id", "digest", "stand_in_digest"):
            return "0" * len(value)
        case str():
            text = _POOL.sub("us-east-1_000000000", _NAME.sub("-0000000000000", value))
            for old, new in ports.items():
                text = text.replace(f":{old}", f":{new}")
            return _API.sub("/execute-api/00000000/", text)
        case _:
            return value


def _read(folder: Path, name: str) -> Any:
    return json.loads((folder / name).read_text("utf-8"))
