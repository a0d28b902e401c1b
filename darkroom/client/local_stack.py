"""Local stack: find the one running from a directory, or start and stop a temporary one."""

import shutil
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType

import httpx2
from pydantic import BaseModel, ValidationError

from darkroom.client.errors import LocalStackError
from darkroom.client.http_clients import http_client
from darkroom.client.ports import free_port
from darkroom.client.private_mark import PrivateMark, is_abandoned, is_private
from darkroom.client.tokens import PasswordToken

FOLDER = ".darkroom"
STATE_FILE = "stack.json"
# A stopped stack refuses the connection at once; a running one may respond slowly on a busy machine.
ANSWER_TIMEOUT = httpx2.Timeout(30.0, connect=2.0)
START_SECONDS = 240.0
STOP_SECONDS = 60.0
TAIL_LINES = 20

Say = Callable[[str], None]
# Kept: a dropped Popen warns that its process still runs, as it should here.
_background: "list[subprocess.Popen[str]]" = []


class Login(BaseModel):
    """Credentials of the local user, and the Cognito endpoint to sign in at."""

    url: str
    client_id: str
    username: str
    password: str


class StackState(BaseModel):
    """Contents of ``stack.json`` that a client of the local stack needs."""

    port: int
    endpoint: str
    socket: str | None = None
    auth: Login

    def token(self) -> PasswordToken:
        """Return the token source of the local user."""
        return PasswordToken(self.auth.url, self.auth.client_id, self.auth.username, self.auth.password)

    def answers(self) -> bool:
        """Return True if the API responds to ``GET /config``, which needs no token and no other service."""
        try:
            with http_client(timeout=ANSWER_TIMEOUT) as http:
                return http.get(f"{self.endpoint.rstrip('/')}/config").is_success
        except httpx2.HTTPError:
            return False


def read_stack(folder: Path) -> StackState | None:
    """Return the stack whose state is in ``folder``; None if there is none or the file is incomplete."""
    try:
        return StackState.model_validate_json((folder / STATE_FILE).read_bytes())
    except (OSError, ValidationError):
        return None


def find_running_stack(root: Path | None = None) -> StackState | None:
    """Return the stack running from ``root`` (the current directory), the last one started if there are several."""
    folders = [
        state.parent
        for state in ((root or Path.cwd()) / FOLDER).glob(f"*/{STATE_FILE}")
        if not is_private(state.parent)
    ]
    for folder in sorted(folders, key=lambda folder: (folder / STATE_FILE).stat().st_mtime, reverse=True):
        stack = read_stack(folder)
        if stack is not None and stack.answers():
            return stack
    return None


def remove_abandoned_stacks(root: Path | None = None) -> list[int]:
    """Stop and remove the private stacks of ``root`` whose command has ended, in the background; return their ports."""
    root = root or Path.cwd()
    found = [int(each.name) for each in (root / FOLDER).glob("*/") if each.name.isdecimal() and is_abandoned(each)]
    for port in found:
        _background.append(_spawn(_removal(port), root, stdout=subprocess.DEVNULL))
    return sorted(found)


def require_stack(stack: StackState | None) -> StackState:
    """Return the running stack. Raises ``LocalStackError`` if there is none."""
    if stack is None:
        raise LocalStackError("No local stack runs from this directory; start one with `darkroom up`.")
    return stack


def command(*arguments: str) -> list[str]:
    """Return the command line of the local runtime."""
    return [sys.executable, "-m", "infra.local", *arguments]


def _removal(port: int) -> list[str]:
    return command("down", "--port", str(port), "--purge")


class TemporaryStack:
    """Context manager that starts a stack on a free port for one command, and removes it afterwards.

    ``say`` is called with the runtime's output during startup. Entering raises ``LocalStackError`` with the end of that
    output when it does not start.
    """

    def __init__(self, say: Say, *, root: Path | None = None) -> None:
        self._say = say
        self._root = root or Path.cwd()
        self._port = free_port()
        self._folder = self._root / FOLDER / str(self._port)
        self._started = False
        self._mark: PrivateMark | None = None

    def __enter__(self) -> StackState:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            # Others must not use the stack, since it ends with this command.
            self._mark = PrivateMark(self._folder)
        except OSError as error:
            shutil.rmtree(self._folder, ignore_errors=True)
            raise LocalStackError(
                f"The local stack cannot be started: {error.strerror}: {error.filename or self._folder}"
            ) from error
        self._started = True
        try:
            return self._up()
        except BaseException:
            self.stop()
            raise

    def __exit__(
        self, _type: type[BaseException] | None, _value: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self, *, wait: bool = True) -> None:
        """Stop the stack and remove its state; idempotent. Without ``wait`` it stops in the background."""
        if not self._started:
            return
        self._started = False
        down = _spawn(_removal(self._port), self._root, stdout=subprocess.DEVNULL)
        if not wait:
            _background.append(down)
            return
        try:
            down.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            down.kill()
            self._say(f"The local stack on port {self._port} does not stop; see `darkroom status`.")
            return
        finally:
            # Before the folder is removed: Windows removes no open file.
            if self._mark is not None:
                self._mark.release()
        shutil.rmtree(self._folder, ignore_errors=True)
        with suppress(OSError):  # gone already, or another stack's state is in it
            (self._root / FOLDER).rmdir()

    def _up(self) -> StackState:
        process = _spawn(
            command("up", "--detach", "--private", "--no-studio", "--port", str(self._port)),
            self._root,
            stdout=subprocess.PIPE,
        )
        tail: deque[str] = deque(maxlen=TAIL_LINES)
        # Its servers may hold the pipe open after it returns, so wait for the process and not for the end of output.
        reader = threading.Thread(target=self._relay, args=(process, tail), daemon=True)
        reader.start()
        try:
            code = process.wait(START_SECONDS)
        except subprocess.TimeoutExpired:
            raise LocalStackError(f"The local stack was not up after {START_SECONDS:.0f} seconds.") from None
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait(STOP_SECONDS)
        reader.join(timeout=1)
        if code:
            raise LocalStackError("\n".join(["The local stack did not come up. It said:", *tail]))
        stack = read_stack(self._folder)
        if stack is None:
            raise LocalStackError(f"The local stack came up, but left no usable {STATE_FILE} in {self._folder}.")
        return stack

    def _relay(self, process: "subprocess.Popen[str]", tail: deque[str]) -> None:
        assert process.stdout is not None
        with process.stdout as output:
            for line in output:
                if text := line.rstrip():
                    tail.append(text)
                    self._say(text)


def _spawn(arguments: list[str], root: Path, *, stdout: int) -> "subprocess.Popen[str]":
    try:
        return subprocess.Popen(
            arguments,
            cwd=root,
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
            # Ctrl-C in the terminal must reach only this process, which then stops the stack cleanly.
            start_new_session=True,
        )
    except OSError as error:
        raise LocalStackError(f"The local stack cannot be started: {error}") from error
