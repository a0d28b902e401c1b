"""Recorder of the AWS calls of functions and container: which role needs which right, as the tests' own traffic says.

``tests/data/aws_calls.json`` is the record. A test whose function makes a call that is not in it fails; renew it by
``python -m tests.aws_calls``. ``tests/infra/test_role_rights.py`` compares the record with the roles of the templates.

A caller is recognized by its code: what a handler runs is its function's, and what runs under ``containers/`` is the
container's. Calls of the tests themselves are no one's.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache, wraps
from pathlib import Path
from typing import Any

from botocore import xform_name
from botocore.session import Session, get_session

from tests.aws_actions import required_rights
from tests.paths import ROOT

RECORD = ROOT / "tests" / "data" / "aws_calls.json"
CONTAINER = "container"
# The cpu lane: the worker's calls on it. Those of the worker's threads count as the container's.
CPU = "cpu"
COMMAND = "python -m tests.aws_calls"
# Folders whose tests run functions and container in this process.
TRAFFIC = ("tests/handlers", "tests/containers", "tests/recorded")
# File that gets a line for each call, while the record is renewed.
_VARIABLE = "RECORD_AWS_CALLS"
_CPU_LANE = str(ROOT / "containers" / "cpu") + os.sep
_OURS = {str(ROOT / folder) + os.sep: folder for folder in ("handlers", "containers", "tests")}
# Stand-ins and wrappers that functions and container call: whose code calls them is what counts.
_STAND_INS = frozenset(
    str(ROOT / "tests" / path)
    for path in ("aws_calls.py", "fake_aws.py", "containers/test_instance.py", "handlers/sockets.py")
)
_UNKNOWN = "a resource that tests/aws_actions.py cannot name"
# Caller, IAM action and resource.
Call = tuple[str, str, str]

_running: list[str] = []
_seen: set[Call] = set()
_made: set[Call] = set()


def read_record() -> set[Call]:
    """Return the recorded calls."""
    content: dict[str, dict[str, list[str]]] = json.loads(RECORD.read_text())
    return {
        (caller, action, resource)
        for caller, actions in content.items()
        for action, resources in actions.items()
        for resource in resources
    }


@contextmanager
def held_to_the_record() -> Iterator[None]:
    """Raise ``AssertionError`` at the end if a function or the container made a call that is not recorded."""
    _seen.clear()
    yield
    _made.update(_seen)
    if path := os.environ.get(_VARIABLE):
        with Path(path).open("a") as file:  # one write: the lines of other processes are not torn
            file.write("".join(f"{json.dumps(call)}\n" for call in _seen))
        return
    new = sorted(_seen - _recorded())
    assert not new, (
        "AWS calls that the record lacks. Give the role the right, then renew the record by "
        f"`{COMMAND}`: " + "; ".join(f"{caller} calls {action} on {resource}" for caller, action, resource in new)
    )


def calls_of_this_process() -> set[Call]:
    """Return the calls that the tests of this process have made so far."""
    return _made


@cache
def _recorded() -> frozenset[Call]:
    return frozenset(read_record()) if RECORD.exists() else frozenset()


def attributed(function: str, handler: Callable[..., Any]) -> Callable[..., Any]:
    """Return the handler of a function, whose calls are recorded as the function's."""

    @wraps(handler)
    def handle(*args: Any) -> Any:
        _running.append(function)
        try:
            return handler(*args)
        finally:
            _running.remove(function)

    return handle


def record_calls_of(session: Session) -> None:
    """Record the calls of the session's clients, and the requests that they presign."""

    def note_call(params: dict[str, Any], model: Any, context: dict[str, Any], **_: Any) -> None:
        # botocore builds a presigned form from this operation; tests/fake_aws.py notes what the form allows.
        is_form = model.name == "CreateBucket" and context.get("is_presign_request")
        if not is_form:
            note(model.service_model.service_name, model.name, params)

    session.register("before-parameter-build", note_call)


class Recorded:
    """Stand-in for a client whose calls are recorded as those of a service's client are."""

    def __init__(self, service: str, stand_in: Any) -> None:
        self._service = service
        self._stand_in = stand_in

    def __getattr__(self, name: str) -> Any:
        member = getattr(self._stand_in, name)
        operation = _operations(self._service).get(name)
        if operation is None:
            return member

        def call(*args: Any, **params: Any) -> Any:
            note(self._service, operation, params)
            return member(*args, **params)

        return call


@cache
def _operations(service: str) -> dict[str, str]:
    """Return the operations of a service by the names of a client's methods."""
    return {xform_name(name): name for name in get_session().get_service_model(service).operation_names}


def note(service: str, operation: str, params: Mapping[str, Any]) -> None:
    """Record a call of the code that is running, unless it is a test's own."""
    caller = _caller()
    if caller is not None:
        try:
            rights = list(required_rights(service, operation, params, os.environ))
        except LookupError as error:  # raised at the end: the caller could handle it as a failure of AWS
            rights = [(f"{service}:{operation}", f"{_UNKNOWN} ({error})")]
        _seen.update((caller, action, resource) for action, resource in rights)


def _caller() -> str | None:
    """Return the function, or the container, whose code is running; None for a test's own."""
    frame = sys._getframe(2)
    worker = None
    while frame is not None:
        path = frame.f_code.co_filename
        folder = _folder(path)
        if folder == "containers":
            worker = CPU if path.startswith(_CPU_LANE) else CONTAINER
            if worker == CPU:
                return CPU
        elif worker is not None and folder is not None:
            return worker
        if folder == "handlers":
            break
        if folder == "tests" and path not in _STAND_INS:
            return None
        frame = frame.f_back  # type: ignore[assignment]
    if worker is not None:
        return worker
    # A thread of a function has no frame of its handler.
    return _running[-1] if _running else None


@cache
def _folder(path: str) -> str | None:
    return next((folder for prefix, folder in _OURS.items() if path.startswith(prefix)), None)


def main() -> None:
    """Run the tests of functions and container, and write the calls that they made."""
    with tempfile.TemporaryDirectory() as folder:
        lines = Path(folder) / "calls"
        command = [sys.executable, "-m", "pytest", "--quiet", "-n", "2", *TRAFFIC]
        subprocess.run(command, cwd=ROOT, env={**os.environ, _VARIABLE: str(lines)}, check=True)
        calls = {tuple(json.loads(line)) for line in lines.read_text().splitlines()}
    unknown = sorted(call for call in calls if call[2].startswith(_UNKNOWN))
    if unknown:
        sys.exit("\n".join(" ".join(call) for call in unknown))
    content: dict[str, dict[str, list[str]]] = {}
    for caller, action, resource in sorted(calls):
        content.setdefault(caller, {}).setdefault(action, []).append(resource)
    RECORD.write_text(json.dumps(content, indent=1) + "\n")


if __name__ == "__main__":
    main()
